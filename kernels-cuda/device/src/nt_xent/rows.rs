//! What is done row by row between and after the sweeps. A warp for each row.

use kernels_core::elementary::Elementary;
use kernels_core::pieces::{Level, NtXentRow};

use super::{partner, row_of};
use crate::kernel::Kernel;
use crate::memory::Global;
use crate::pairs::{merged, merged_sum};
use crate::reduce::{block_reduce_words, over_block, over_lanes};
use crate::thread::{BLOCK, Thread, WARP};

/// From the sums of the negatives to losses and probabilities. Grid: blocks of
/// [`ROWS`](super::ROWS) rows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NtXentRows {
    /// n × d.
    pub units: Global<f32>,
    /// 2 × splits × n: what [`NtXentSums`](super::NtXentSums) wrote.
    pub parts: Global<f32>,
    /// `ℓ_i`, n.
    pub losses: Global<f32>,
    /// `P_i`, n.
    pub masses: Global<f32>,
    /// The shift of row i, n.
    pub shifts: Global<f32>,
    /// `P_i/Z_i` for that shift, n.
    pub factors: Global<f32>,
    /// n.
    pub rows: u32,
    /// d.
    pub dim: u32,
    /// Splits.
    pub splits: u32,
    /// τ.
    pub temperature: f32,
    /// `1/(τ ln 2)`.
    pub rate: f32,
    /// 1 for the shift 1 in all rows, 0 for the largest negative of each.
    pub fixed: u32,
}

impl Kernel for NtXentRows {
    const NAME: &'static str = "nt_xent_rows";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let Some(row) = row_of(thread, self.rows) else {
            return;
        };
        let start = row as usize * self.dim as usize;
        let other = partner(row, self.rows / 2) as usize * self.dim as usize;
        let mut positive = 0.0;
        let mut k = thread.lane();
        while k < self.dim {
            let a = thread.load(self.units, start + k as usize);
            let b = thread.load(self.units, other + k as usize);
            positive = T::Level::mul_add(a, b, positive);
            k += WARP;
        }
        let positive = over_lanes(thread, positive, WARP, |a, b| a + b);
        let sum = merged_sum(thread, self.parts, self.splits, self.rows, row, self.rate);
        // Without negatives any shift will do.
        let shift = if sum.max.is_finite() { sum.max } else { 1.0 };
        let delta = sum.sum.ln_at::<T::Level>() + (shift - positive) / self.temperature;
        let out = NtXentRow::new::<T::Level>(delta);
        let factor = if sum.sum > 0.0 {
            out.mass / sum.sum
        } else {
            0.0
        };
        let (shift, factor) = if self.fixed == 0 {
            (shift, factor)
        } else {
            let rescaled = ((1.0 - shift) * self.rate).exp2_at::<T::Level>();
            (1.0, factor * rescaled)
        };
        if thread.lane() == 0 {
            let row = row as usize;
            thread.store(self.losses, row, out.loss);
            thread.store(self.masses, row, out.mass);
            thread.store(self.shifts, row, shift);
            thread.store(self.factors, row, factor);
        }
    }
}

/// The gradient, from the parts of `Σ_j (p_ij + p_ji) u_j` and the pull of the positives
/// back through the normalisation. Grid: blocks of [`ROWS`](super::ROWS) rows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NtXentBackward {
    /// n × d.
    pub units: Global<f32>,
    /// `‖z_i‖`, n.
    pub norms: Global<f32>,
    /// `P_i`, n.
    pub masses: Global<f32>,
    /// splits × n × d.
    pub parts: Global<f32>,
    /// n × d.
    pub grad: Global<f32>,
    /// 0 where a row of the gradient is finite, else one of its elements that is not, n.
    pub checks: Global<f32>,
    /// n.
    pub rows: u32,
    /// d.
    pub dim: u32,
    /// Splits.
    pub splits: u32,
    /// `1/(nτ)`.
    pub weight: f32,
}

impl Kernel for NtXentBackward {
    const NAME: &'static str = "nt_xent_backward";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let Some(row) = row_of(thread, self.rows) else {
            return;
        };
        let dim = self.dim as usize;
        let other = partner(row, self.rows / 2) as usize;
        let row = row as usize;
        let of = |i: usize| thread.load::<f32>(self.masses, i);
        let pull = -(of(row) + of(other));
        let mut radial = 0.0;
        let mut k = thread.lane() as usize;
        while k < dim {
            let index = row * dim + k;
            let others = merged(
                thread,
                self.parts,
                self.splits,
                self.rows as usize * dim,
                index,
            );
            let view = thread.load(self.units, other * dim + k);
            let grad = T::Level::mul_add(pull, view, others) * self.weight;
            radial = T::Level::mul_add(grad, thread.load(self.units, index), radial);
            thread.store(self.grad, index, grad);
            k += WARP as usize;
        }
        let radial = over_lanes(thread, radial, WARP, |a, b| a + b);
        let norm: f32 = thread.load(self.norms, row);
        let mut check = 0.0;
        let mut k = thread.lane() as usize;
        while k < dim {
            let index = row * dim + k;
            let unit: f32 = thread.load(self.units, index);
            let grad = (thread.load::<f32>(self.grad, index) - radial * unit) / norm;
            if !grad.is_finite() {
                check = grad;
            }
            thread.store(self.grad, index, grad);
            k += WARP as usize;
        }
        let check = over_lanes(thread, check, WARP, |a, b| a + b);
        if thread.lane() == 0 {
            thread.store(self.checks, row, check);
        }
    }
}

/// What the host reads. One block.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NtXentLoss {
    /// `ℓ_i`, n.
    pub losses: Global<f32>,
    /// `‖z_i‖`, n.
    pub norms: Global<f32>,
    /// What [`NtXentBackward`] wrote, or empty.
    pub checks: Global<f32>,
    /// The mean loss, the number of rows that have no direction, and 0 if the gradient is
    /// finite.
    pub out: Global<f32>,
    /// n.
    pub rows: u32,
}

impl Kernel for NtXentLoss {
    const NAME: &'static str = "nt_xent_loss";

    fn shared_words(&self) -> u32 {
        3 * block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let mut sums = [0.0; 3];
        let mut row = thread.thread();
        while row < self.rows {
            sums[0] += thread.load::<f32>(self.losses, row as usize);
            if !thread.load::<f32>(self.norms, row as usize).is_normal() {
                sums[1] += 1.0;
            }
            if !self.checks.is_empty() {
                sums[2] += thread.load::<f32>(self.checks, row as usize);
            }
            row += BLOCK;
        }
        for (k, sum) in (0..).zip(sums) {
            let scratch = k * block_reduce_words(1);
            let sum = over_block(thread, sum, scratch, |a, b| a + b);
            if thread.thread() == 0 {
                let count = if k == 0 { self.rows as f32 } else { 1.0 };
                thread.store(self.out, k as usize, sum / count);
            }
        }
    }
}
