//! Statistics of columns, as `kernels-core` computes them.
//!
//! Centring: `s_i = z_i − z_0`, then `c_i = s_i − (1/N) Σ s`. Taking off the first row makes
//! a constant column exactly zero and keeps the digits of a column far from the origin.
//! Deviation: `σ = sqrt( Σ (c_i p)² / D )/p` with the power of two p nearest to
//! `1/max |s|`: `max |c|` is between half and twice `max |s|`, so no square overflows and
//! none that matters underflows.
//!
//! Bytes: each pass reads z once. Error: a few `√N u max |s|` for a mean, `N/shares + 128`
//! roundings for a sum at most.

use kernels_core::pieces::Level;

use crate::columns::{Batch, fold_parts, slot, total};
use crate::four::power_for;
use crate::kernel::Kernel;
use crate::memory::Global;
use crate::reduce::larger;
use crate::thread::{BLOCK, Thread};

/// Sum and largest magnitude of `s` over a share. Grid: blocks of columns × shares.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ColumnSums {
    /// 2N × d.
    pub z: Global<f32>,
    /// shares × 2d: `(1/N) Σ s`.
    pub sums: Global<f32>,
    /// shares × 2d: `max |s|`.
    pub peaks: Global<f32>,
    /// N and d.
    pub batch: Batch,
}

impl Kernel for ColumnSums {
    const NAME: &'static str = "column_sums";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let Some(column) = self.batch.column(thread) else {
            return;
        };
        let origin = thread.load(self.z, column.first);
        let share = 1.0 / self.batch.images as f32;
        let (sum, peak) = column.fold(
            thread,
            (0.0, 0.0),
            |index| thread.load(self.z, index) - origin,
            |(sum, peak), _, s| (T::Level::mul_add(s, share, sum), larger(peak, s.abs())),
        );
        let slot = slot(thread, self.batch.width(), column.number);
        thread.store(self.sums, slot, sum);
        thread.store(self.peaks, slot, peak);
    }
}

/// Merges the shares. Grid: blocks of columns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ColumnMeans {
    /// shares × 2d.
    pub sums: Global<f32>,
    /// shares × 2d.
    pub peaks: Global<f32>,
    /// 2d: the means of `s`.
    pub means: Global<f32>,
    /// 2d: the powers of two.
    pub scales: Global<f32>,
    /// Shares.
    pub shares: u32,
    /// 2d.
    pub width: u32,
}

impl Kernel for ColumnMeans {
    const NAME: &'static str = "column_means";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let column = thread.block()[0] * BLOCK + thread.thread();
        if column >= self.width {
            return;
        }
        let column = column as usize;
        let mean = total(thread, self.sums, self.shares, self.width, column);
        let [shares, width] = [self.shares, self.width];
        let peak = fold_parts(thread, self.peaks, shares, width, column, larger);
        thread.store(self.means, column, mean);
        let [scale, _] = power_for(peak);
        thread.store(self.scales, column, scale);
    }
}

/// `Σ (c p)²` over a share, and c itself if `centred` is not empty. Grid: blocks of columns
/// × shares.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ColumnSquares {
    /// 2N × d.
    pub z: Global<f32>,
    /// 2d.
    pub means: Global<f32>,
    /// 2d.
    pub scales: Global<f32>,
    /// 2N × d, or empty.
    pub centred: Global<f32>,
    /// shares × 2d.
    pub squares: Global<f32>,
    /// N and d.
    pub batch: Batch,
}

impl Kernel for ColumnSquares {
    const NAME: &'static str = "column_squares";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let Some(column) = self.batch.column(thread) else {
            return;
        };
        let origin = thread.load(self.z, column.first);
        let mean = thread.load(self.means, column.number);
        let scale = thread.load(self.scales, column.number);
        let squares = column.fold(
            thread,
            0.0,
            |index| thread.load(self.z, index) - origin - mean,
            |sum, index, c| {
                if !self.centred.is_empty() {
                    thread.store(self.centred, index, c);
                }
                let scaled = c * scale;
                T::Level::mul_add(scaled, scaled, sum)
            },
        );
        let slot = slot(thread, self.batch.width(), column.number);
        thread.store(self.squares, slot, squares);
    }
}

/// σ from the sum of the scaled squares, over D.
#[inline(always)]
pub fn deviation<T: Thread>(thread: T, squares: f32, scale: f32, denominator: f32) -> f32 {
    // The inverse of a power of two, exactly.
    let inverse = f32::from_bits((254 << 23) - scale.to_bits());
    thread.square_root(squares / denominator) * inverse
}
