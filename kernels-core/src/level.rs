//! One source, several instruction levels.
//!
//! A loop that is worth vector units is written once, as a [`Task`] whose `run` is
//! generic over a [`Level`] and inlined. [`dispatch`] compiles it for each level that
//! the build knows and runs the best one that the processor has. The compiler does the
//! vectorising; a level tells it which instructions it may use, and whether a fused
//! multiply-add is one instruction ([`Fused`]) or would be a function call ([`Plain`]).
//!
//! Levels round differently (a fused product is not rounded by itself), so results may
//! differ in the last digits between processors; on one processor they do not.

use crate::Real;
use crate::elementary::polynomial_exp2;

/// What the instruction set offers to a loop.
pub trait Level: Copy + Send + Sync + 'static {
    /// Bytes of two vector registers. From 128 on there are 32 registers.
    const TILE_BYTES: usize;

    /// `a·b + c`, rounded once where that is one instruction.
    fn mul_add<T: Real>(a: T, b: T, c: T) -> T;

    /// `2^x` in single precision, where it is worth an instruction of its own (a GPU has
    /// one); elsewhere the polynomial of [`crate::elementary`].
    #[inline(always)]
    fn exp2_single(x: f32) -> f32 {
        polynomial_exp2::<Self>(x)
    }

    /// `e^x`, for one number: by the mathematics library, where there is one.
    #[inline(always)]
    fn exp<T: Real>(x: T) -> T {
        x.exp()
    }

    /// `e^x − 1`, likewise.
    #[inline(always)]
    fn exp_m1<T: Real>(x: T) -> T {
        x.exp_m1()
    }

    /// `ln(1 + x)`, likewise.
    #[inline(always)]
    fn ln_1p<T: Real>(x: T) -> T {
        x.ln_1p()
    }
}

/// A product and a sum.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

/// A fused multiply-add, for processors that have one; 256 bits where there is a choice.
#[derive(Clone, Copy, Debug)]
pub struct Fused;

/// A fused multiply-add of 512 bits.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[derive(Clone, Copy, Debug)]
pub struct FusedWide;

impl Level for Plain {
    const TILE_BYTES: usize = 32;

    #[inline(always)]
    fn mul_add<T: Real>(a: T, b: T, c: T) -> T {
        a * b + c
    }
}

impl Level for Fused {
    const TILE_BYTES: usize = 64;

    #[inline(always)]
    fn mul_add<T: Real>(a: T, b: T, c: T) -> T {
        a.mul_add(b, c)
    }
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
impl Level for FusedWide {
    const TILE_BYTES: usize = 128;

    #[inline(always)]
    fn mul_add<T: Real>(a: T, b: T, c: T) -> T {
        a.mul_add(b, c)
    }
}

/// A loop to be compiled for every level. Everything that `run` calls has to be
/// `#[inline(always)]`: a function that is not inlined is compiled for the baseline.
pub(crate) trait Task {
    /// What the loop computes.
    type Output;
    /// The loop.
    fn run<L: Level>(self) -> Self::Output;
}

/// Runs a task at the best level of this processor.
#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
#[inline]
pub(crate) fn dispatch<K: Task>(task: K) -> K::Output {
    // Other targets with a fused multiply-add in their baseline need no detection;
    // without `std` the portable form is the right one everywhere.
    if cfg!(all(feature = "std", target_arch = "aarch64")) {
        task.run::<Fused>()
    } else {
        task.run::<Plain>()
    }
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(crate) use crate::x86::dispatch;
