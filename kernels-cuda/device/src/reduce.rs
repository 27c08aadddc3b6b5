//! Sums and other reductions over a warp and over a block.
//!
//! The order is that of a butterfly, the same in every run, and every lane ends with the
//! same bits: reductions combine a commutative pair.

use kernels_core::pieces::ScaledSum;

use crate::thread::{Thread, WARP, WARPS};

/// Words of shared memory that a block reduction of `words` words an element needs.
#[must_use]
pub const fn block_reduce_words(words: u32) -> u32 {
    words * WARPS
}

/// Something that lanes exchange and combine.
pub trait Reduce: Copy {
    /// Words that hold it.
    const WORDS: u32;
    /// The other lane's.
    fn shuffle<T: Thread>(self, thread: T, mask: u32) -> Self;
    /// Writes it to shared memory.
    fn put<T: Thread>(self, thread: T, index: u32);
    /// Reads it from there.
    fn get<T: Thread>(thread: T, index: u32) -> Self;
}

impl Reduce for f32 {
    const WORDS: u32 = 1;

    #[inline(always)]
    fn shuffle<T: Thread>(self, thread: T, mask: u32) -> Self {
        thread.shuffle_xor(self, mask)
    }

    #[inline(always)]
    fn put<T: Thread>(self, thread: T, index: u32) {
        thread.shared_store(index, self);
    }

    #[inline(always)]
    fn get<T: Thread>(thread: T, index: u32) -> Self {
        thread.shared_load(index)
    }
}

impl Reduce for ScaledSum<f32> {
    const WORDS: u32 = 2;

    #[inline(always)]
    fn shuffle<T: Thread>(self, thread: T, mask: u32) -> Self {
        Self {
            max: thread.shuffle_xor(self.max, mask),
            sum: thread.shuffle_xor(self.sum, mask),
        }
    }

    #[inline(always)]
    fn put<T: Thread>(self, thread: T, index: u32) {
        thread.shared_store(index, self.max);
        thread.shared_store(index + 1, self.sum);
    }

    #[inline(always)]
    fn get<T: Thread>(thread: T, index: u32) -> Self {
        Self {
            max: thread.shared_load(index),
            sum: thread.shared_load(index + 1),
        }
    }
}

/// *Warp.* Combines the values of groups of `lanes` neighbours (a power of two); every
/// lane of a group gets the result.
#[inline(always)]
pub fn over_lanes<T: Thread, R: Reduce>(
    thread: T,
    value: R,
    lanes: u32,
    combine: impl Fn(R, R) -> R,
) -> R {
    let mut value = value;
    let mut mask = lanes / 2;
    while mask > 0 {
        value = combine(value, value.shuffle(thread, mask));
        mask /= 2;
    }
    value
}

/// *Block.* Combines the values of all threads; every thread gets the result. Uses
/// [`block_reduce_words`] words of shared memory from `scratch` on, which may be used again
/// after the next barrier.
#[inline(always)]
pub fn over_block<T: Thread, R: Reduce>(
    thread: T,
    value: R,
    scratch: u32,
    combine: impl Fn(R, R) -> R,
) -> R {
    let of_warp = over_lanes(thread, value, WARP, &combine);
    if thread.lane() == 0 {
        of_warp.put(thread, scratch + thread.warp() * R::WORDS);
    }
    thread.barrier();
    let warp = thread.lane() % WARPS;
    let of_warp = R::get(thread, scratch + warp * R::WORDS);
    over_lanes(thread, of_warp, WARPS, combine)
}

/// The larger of two numbers; NaN if either is.
#[inline(always)]
#[must_use]
pub fn larger(a: f32, b: f32) -> f32 {
    // A NaN in a is kept by the first test failing, one in b by the second.
    if a > b || !(a == a) { a } else { b }
}
