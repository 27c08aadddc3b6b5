//! A thread of the emulated grid.

use corosensei::Yielder;
use kernels_core::Real;
use kernels_core::elementary::{exp_m1_at, ln_1p_at};
use kernels_core::pieces::Level;
use kernels_cuda_device::{Global, Thread, Word};

use super::block::Block;

/// The arithmetic of the emulated grid: a fused product, and `2^x` by the polynomial.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cpu;

impl Level for Cpu {
    const TILE_BYTES: usize = 32;

    #[inline(always)]
    fn mul_add<T: Real>(a: T, b: T, c: T) -> T {
        a.mul_add(b, c)
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
}

/// What a lane waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wait {
    /// The whole block.
    Block,
    /// The warp.
    Warp,
    /// The value of another lane.
    Shuffle { bits: u32, mask: u32 },
    /// The warp's product.
    Multiply {
        a: [f32; 4],
        b: [f32; 2],
        c: [f32; 4],
    },
    /// Nothing: it went wrong and does not go on.
    Fault,
}

/// What it gets when it goes on.
pub(super) type Answer = [u32; 4];

/// A thread.
#[derive(Clone, Copy)]
pub(super) struct Lane<'b> {
    pub(super) block: &'b Block,
    pub(super) yielder: &'b Yielder<Answer, Wait>,
    pub(super) fault: &'b std::cell::RefCell<Option<(u32, String)>>,
    pub(super) thread: u32,
}

impl Lane<'_> {
    /// The result, or the end of this lane: the grid does not resume it.
    fn or_fault<R>(self, result: Result<R, String>) -> R {
        match result {
            Ok(value) => value,
            Err(what) => {
                *self.fault.borrow_mut() = Some((self.thread, what));
                loop {
                    self.yielder.suspend(Wait::Fault);
                }
            }
        }
    }
}

impl Thread for Lane<'_> {
    type Level = Cpu;

    fn thread(self) -> u32 {
        self.thread
    }

    fn block(self) -> [u32; 2] {
        self.block.place
    }

    fn grid(self) -> [u32; 2] {
        self.block.grid
    }

    fn load<W: Word>(self, array: Global<W>, index: usize) -> W {
        let now = self.block.access(self.thread);
        let bits = self.block.global(array, index, |word| word.load(now));
        W::from_bits(self.or_fault(bits))
    }

    fn load4(self, array: Global<f32>, index: usize) -> [f32; 4] {
        let address = array.address() + 4 * index as u64;
        if !address.is_multiple_of(16) {
            return self.or_fault(Err(format!(
                "four words at {address:#x}, which is no multiple of 16"
            )));
        }
        core::array::from_fn(|k| self.load(array, index + k))
    }

    fn store<W: Word>(self, array: Global<W>, index: usize, value: W) {
        let now = self.block.access(self.thread);
        let bits = value.to_bits();
        let stored = self
            .block
            .global(array, index, |word| word.store(bits, now));
        self.or_fault(stored);
    }

    fn shared_load<W: Word>(self, index: u32) -> W {
        let now = self.block.access(self.thread);
        W::from_bits(self.or_fault(self.block.shared(index, |word| word.load(now))))
    }

    fn shared_load4(self, index: u32) -> [f32; 4] {
        if !index.is_multiple_of(4) {
            return self.or_fault(Err(format!(
                "four shared words at {index}, which is no multiple of 4"
            )));
        }
        [0, 1, 2, 3].map(|k| self.shared_load(index + k))
    }

    fn shared_store<W: Word>(self, index: u32, value: W) {
        let now = self.block.access(self.thread);
        let bits = value.to_bits();
        self.or_fault(self.block.shared(index, |word| word.store(bits, now)));
    }

    fn shared_store4(self, index: u32, values: [f32; 4]) {
        if !index.is_multiple_of(4) {
            return self.or_fault(Err(format!(
                "four shared words at {index}, which is no multiple of 4"
            )));
        }
        for (k, value) in (0..).zip(values) {
            self.shared_store(index + k, value);
        }
    }

    fn square_root(self, x: f32) -> f32 {
        x.sqrt()
    }

    fn barrier(self) {
        let reached = &self.block.reached[self.thread as usize];
        let number = reached.get();
        reached.set(number + 1);
        if self.block.skip != Some(number) {
            self.yielder.suspend(Wait::Block);
        }
    }

    fn warp_barrier(self) {
        self.yielder.suspend(Wait::Warp);
    }

    fn shuffle_xor<W: Word>(self, value: W, mask: u32) -> W {
        let bits = value.to_bits();
        let [answer, ..] = self.yielder.suspend(Wait::Shuffle { bits, mask });
        W::from_bits(answer)
    }

    fn multiply(self, a: [f32; 4], b: [f32; 2], c: [f32; 4]) -> [f32; 4] {
        let answer = self.yielder.suspend(Wait::Multiply { a, b, c });
        answer.map(f32::from_bits)
    }
}
