//! Weights of one side: shares that sum to one, and the mass that they share.
//!
//! Grid: 1. Reads the weights twice. A sum of n weights is off by `(n/256 + 13) u`.

use crate::kernel::Kernel;
use crate::memory::Global;
use crate::reduce::{block_reduce_words, larger, over_block};
use crate::sinkhorn::status::Status;
use crate::thread::{BLOCK, Thread, WARPS};

/// `share = given / Σ given`, or `1/len` if none are given.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornWeights {
    /// len, or empty.
    pub given: Global<f32>,
    /// len.
    pub share: Global<f32>,
    /// Where mass and errors are noted.
    pub status: Status,
    /// Atoms.
    pub len: u32,
    /// 0 for the rows, 1 for the columns.
    pub side: u32,
    /// Whether the weights have to sum to one.
    pub balanced: u32,
}

impl Kernel for SinkhornWeights {
    const NAME: &'static str = "sinkhorn_weights";

    fn shared_words(&self) -> u32 {
        2 * block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let (mut total, mut bad) = (0.0, 0.0);
        let uniform = self.given.is_empty();
        let mut i = thread.thread();
        while i < self.len && !uniform {
            let weight = thread.load(self.given, i as usize);
            if !(0.0..f32::INFINITY).contains(&weight) {
                bad = 1.0;
            }
            total += weight;
            i += BLOCK;
        }
        let bad = over_block(thread, bad, 0, larger);
        let total = over_block(thread, total, WARPS, |a, b| a + b);
        let total = if uniform { self.len as f32 } else { total };
        let mut i = thread.thread();
        while i < self.len {
            let weight = if uniform {
                1.0
            } else {
                thread.load(self.given, i as usize)
            };
            thread.store(self.share, i as usize, weight / total);
            i += BLOCK;
        }
        if thread.thread() == 0 {
            self.note(thread, total, bad, uniform);
        }
    }
}

impl SinkhornWeights {
    #[inline(always)]
    fn note<T: Thread>(&self, thread: T, total: f32, bad: f32, uniform: bool) {
        let balanced = self.balanced != 0;
        let mass = if uniform || balanced { 1.0 } else { total };
        let log_mass = if uniform || balanced {
            0.0
        } else {
            ln::<T>(total)
        };
        let place = Status::MASS_A + 2 * self.side as usize;
        self.status.store(thread, place, mass);
        self.status.store(thread, place + 1, log_mass);
        let fits = if balanced {
            (total - 1.0).abs() <= 1e-3
        } else {
            (f32::MIN_POSITIVE..f32::INFINITY).contains(&total)
        };
        if !uniform && (bad != 0.0 || !fits) {
            self.status.refuse(thread, Status::BAD_WEIGHTS + self.side);
        }
    }
}

#[inline(always)]
fn ln<T: Thread>(x: f32) -> f32 {
    use kernels_core::elementary::Elementary;
    x.ln_at::<T::Level>()
}
