//! Rows of length one. A warp for each row.

use super::row_of;
use crate::kernel::Kernel;
use crate::memory::Global;
use crate::reduce::{larger, over_lanes};
use crate::thread::{Thread, WARP};
use kernels_core::pieces::Level;

/// Below this, squares of entries that matter may be subnormal or zero.
const SAFE: f32 = f32::MIN_POSITIVE / (f32::EPSILON * f32::EPSILON);

/// `u_i = z_i/‖z_i‖` and `‖z_i‖`, which is not a normal number where there is no such row.
/// Grid: blocks of [`ROWS`](super::ROWS) rows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NtXentUnits {
    /// n × d.
    pub z: Global<f32>,
    /// n × d.
    pub units: Global<f32>,
    /// n.
    pub norms: Global<f32>,
    /// n.
    pub rows: u32,
    /// d.
    pub dim: u32,
}

impl Kernel for NtXentUnits {
    const NAME: &'static str = "nt_xent_units";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let Some(row) = row_of(thread, self.rows) else {
            return;
        };
        let start = row as usize * self.dim as usize;
        let squares = self.sum(thread, start, 1.0);
        let norm = if squares > SAFE && squares < f32::INFINITY {
            thread.square_root(squares)
        } else {
            self.norm_by_peak(thread, start)
        };
        let mut k = thread.lane();
        while k < self.dim {
            let value = thread.load(self.z, start + k as usize);
            thread.store(self.units, start + k as usize, value / norm);
            k += WARP;
        }
        if thread.lane() == 0 {
            thread.store(self.norms, row as usize, norm);
        }
    }
}

impl NtXentUnits {
    /// *Warp.* `Σ (z_k/peak)²`.
    #[inline(always)]
    fn sum<T: Thread>(&self, thread: T, start: usize, peak: f32) -> f32 {
        let mut sum = 0.0;
        let mut k = thread.lane();
        while k < self.dim {
            let value = thread.load::<f32>(self.z, start + k as usize) / peak;
            sum = T::Level::mul_add(value, value, sum);
            k += WARP;
        }
        over_lanes(thread, sum, WARP, |a, b| a + b)
    }

    /// *Warp.* The norm where squares are too small or too large.
    #[inline(always)]
    fn norm_by_peak<T: Thread>(&self, thread: T, start: usize) -> f32 {
        let mut peak = 0.0;
        let mut k = thread.lane();
        while k < self.dim {
            peak = larger(peak, thread.load::<f32>(self.z, start + k as usize).abs());
            k += WARP;
        }
        let peak = over_lanes(thread, peak, WARP, larger);
        if peak.is_normal() {
            peak * thread.square_root(self.sum(thread, start, peak))
        } else {
            // Zero, not finite, or too small to have a direction.
            peak
        }
    }
}
