//! A thread of a GPU: every instruction that is not plain Rust.
//!
//! | operation | instruction | error |
//! |---|---|---|
//! | [`Thread::load4`] | `ld.global.v4.f32` | |
//! | shared memory | `ld.shared`, `ld.shared.v4`, `st.shared`, `st.shared.v4`, dynamic | |
//! | [`Thread::barrier`], [`Thread::warp_barrier`] | `bar.sync 0`, `bar.warp.sync` | |
//! | [`Thread::shuffle_xor`] | `shfl.sync.bfly.b32` | |
//! | [`Level::mul_add`] | `fma.rn.f32` | rounded once |
//! | [`Thread::square_root`] | `sqrt.rn.f32` | rounded correctly |
//! | [`Level::exp2_single`] | `ex2.approx.ftz.f32` | 2 ulp; below 2⁻¹²⁶ zero |
//! | [`Thread::multiply`] | `mma.sync.m16n8k8` TF32 | operands cut to 10 bits |
//!
//! Each has its twin in the emulated grid.

// The instructions below, and the words that are read and written.
#![allow(unsafe_code)]

use core::arch::{asm, global_asm, nvptx};

use kernels_core::Real;
use kernels_core::elementary::{exp_m1_at, ln_1p_at};
use kernels_core::pieces::Level;

use crate::memory::{Global, Word};
use crate::thread::Thread;

global_asm!(".extern .shared .align 16 .b8 dynamic_shared[];");

/// Every lane of a warp.
const ALL_LANES: u32 = u32::MAX;

/// What one lane gets of a product.
#[repr(C)]
struct Product(f32, f32, f32, f32);

// The collective operations are LLVM's own and not inline assembly, which rustc does not
// mark as convergent: LLVM might then give the two sides of a branch a shuffle each, and
// lanes would wait for others that are at another one.
unsafe extern "unadjusted" {
    #[link_name = "llvm.nvvm.bar.warp.sync"]
    fn warp_barrier(lanes: u32);
    #[link_name = "llvm.nvvm.shfl.sync.bfly.i32"]
    fn shuffle_xor(lanes: u32, value: u32, mask: u32, clamp: u32) -> u32;
    #[link_name = "llvm.nvvm.mma.m16n8k8.row.col.tf32"]
    fn multiply(
        a0: u32,
        a1: u32,
        a2: u32,
        a3: u32,
        b0: u32,
        b1: u32,
        c0: f32,
        c1: f32,
        c2: f32,
        c3: f32,
    ) -> Product;
}

/// The arithmetic of a GPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gpu;

impl Level for Gpu {
    const TILE_BYTES: usize = 64;

    #[inline(always)]
    fn mul_add<T: Real>(a: T, b: T, c: T) -> T {
        if size_of::<T>() != size_of::<f32>() {
            return a.mul_add(b, c);
        }
        // T is f32, and these conversions are nothing; without `std` the method of
        // num-traits is a long way in f64.
        let [a, b, c] = [a, b, c].map(|x| x.wide() as f32);
        let d: f32;
        // SAFETY: an instruction on registers.
        unsafe {
            asm!("fma.rn.f32 {}, {}, {}, {};", out(reg32) d, in(reg32) a, in(reg32) b,
                in(reg32) c, options(pure, nomem, nostack));
        }
        T::of(f64::from(d))
    }

    #[inline(always)]
    fn exp<T: Real>(x: T) -> T {
        x.exp_at::<Self>()
    }

    #[inline(always)]
    fn exp_m1<T: Real>(x: T) -> T {
        exp_m1_at::<Self, T>(x)
    }

    #[inline(always)]
    fn ln_1p<T: Real>(x: T) -> T {
        ln_1p_at::<Self, T>(x)
    }

    #[inline(always)]
    fn exp2_single(x: f32) -> f32 {
        let y;
        // SAFETY: an instruction on registers.
        unsafe {
            asm!("ex2.approx.ftz.f32 {}, {};", out(reg32) y, in(reg32) x,
                options(pure, nomem, nostack));
        }
        y
    }
}

/// The thread that runs this.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ptx(());

impl Ptx {
    /// # Safety
    /// In an entry point, launched as it has to be: the arrays that its kernel gets are as
    /// long as they say.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

/// The address of a word of shared memory, in the shared window.
#[inline(always)]
fn shared(index: u32) -> u32 {
    let base: u32;
    // SAFETY: the address of a symbol.
    unsafe {
        asm!("mov.u32 {}, dynamic_shared;", out(reg32) base, options(pure, nomem, nostack));
    }
    base + 4 * index
}

#[inline(always)]
fn address<W>(array: Global<W>, index: usize) -> u64 {
    array.address() + 4 * index as u64
}

impl Thread for Ptx {
    type Level = Gpu;

    #[inline(always)]
    fn thread(self) -> u32 {
        // SAFETY: reads a special register.
        unsafe { nvptx::_thread_idx_x() }
    }

    #[inline(always)]
    fn block(self) -> [u32; 2] {
        // SAFETY: as above.
        unsafe { [nvptx::_block_idx_x(), nvptx::_block_idx_y()] }
    }

    #[inline(always)]
    fn grid(self) -> [u32; 2] {
        // SAFETY: as above.
        unsafe { [nvptx::_grid_dim_x(), nvptx::_grid_dim_y()] }
    }

    #[inline(always)]
    fn load<W: Word>(self, array: Global<W>, index: usize) -> W {
        let bits: u32;
        // SAFETY: kernels index inside their arrays, and the launch vouches for these.
        unsafe {
            asm!("ld.global.b32 {}, [{}];", out(reg32) bits, in(reg64) address(array, index),
                options(readonly, nostack));
        }
        W::from_bits(bits)
    }

    #[inline(always)]
    fn load4(self, array: Global<f32>, index: usize) -> [f32; 4] {
        let (a, b, c, d);
        // SAFETY: as above; kernels use it at multiples of four elements.
        unsafe {
            asm!("ld.global.v4.f32 {{{}, {}, {}, {}}}, [{}];",
                out(reg32) a, out(reg32) b, out(reg32) c, out(reg32) d,
                in(reg64) address(array, index), options(readonly, nostack));
        }
        [a, b, c, d]
    }

    #[inline(always)]
    fn store<W: Word>(self, array: Global<W>, index: usize, value: W) {
        // SAFETY: as above.
        unsafe {
            asm!("st.global.b32 [{}], {};", in(reg64) address(array, index),
                in(reg32) value.to_bits(), options(nostack));
        }
    }

    #[inline(always)]
    fn shared_load<W: Word>(self, index: u32) -> W {
        let bits: u32;
        // SAFETY: kernels index inside the shared memory that they ask for.
        unsafe {
            asm!("ld.shared.b32 {}, [{}];", out(reg32) bits, in(reg32) shared(index),
                options(readonly, nostack));
        }
        W::from_bits(bits)
    }

    #[inline(always)]
    fn shared_load4(self, index: u32) -> [f32; 4] {
        let (a, b, c, d);
        // SAFETY: as above; the index is a multiple of four.
        unsafe {
            asm!("ld.shared.v4.f32 {{{}, {}, {}, {}}}, [{}];",
                out(reg32) a, out(reg32) b, out(reg32) c, out(reg32) d,
                in(reg32) shared(index), options(readonly, nostack));
        }
        [a, b, c, d]
    }

    #[inline(always)]
    fn shared_store<W: Word>(self, index: u32, value: W) {
        // SAFETY: as above.
        unsafe {
            asm!("st.shared.b32 [{}], {};", in(reg32) shared(index),
                in(reg32) value.to_bits(), options(nostack));
        }
    }

    #[inline(always)]
    fn shared_store4(self, index: u32, values: [f32; 4]) {
        let [a, b, c, d] = values;
        // SAFETY: as above; the index is a multiple of four.
        unsafe {
            asm!("st.shared.v4.f32 [{}], {{{}, {}, {}, {}}};", in(reg32) shared(index),
                in(reg32) a, in(reg32) b, in(reg32) c, in(reg32) d, options(nostack));
        }
    }

    #[inline(always)]
    fn square_root(self, x: f32) -> f32 {
        let y;
        // SAFETY: an instruction on registers.
        unsafe {
            asm!("sqrt.rn.f32 {}, {};", out(reg32) y, in(reg32) x,
                options(pure, nomem, nostack));
        }
        y
    }

    #[inline(always)]
    fn barrier(self) {
        // SAFETY: all threads of the block come here, as kernels promise.
        unsafe { nvptx::_syncthreads() }
    }

    #[inline(always)]
    fn warp_barrier(self) {
        // SAFETY: all lanes come here.
        unsafe { warp_barrier(ALL_LANES) }
    }

    #[inline(always)]
    fn shuffle_xor<W: Word>(self, value: W, mask: u32) -> W {
        // SAFETY: all lanes come here.
        W::from_bits(unsafe { shuffle_xor(ALL_LANES, value.to_bits(), mask, 31) })
    }

    #[inline(always)]
    fn multiply(self, a: [f32; 4], b: [f32; 2], c: [f32; 4]) -> [f32; 4] {
        let (a, b) = (a.map(f32::to_bits), b.map(f32::to_bits));
        // SAFETY: all lanes come here.
        let d = unsafe { multiply(a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], c[2], c[3]) };
        [d.0, d.1, d.2, d.3]
    }
}

/// No panic is reachable: `scripts/ptx` fails if one is.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: stops the kernel with an error.
    unsafe { nvptx::trap() }
}
