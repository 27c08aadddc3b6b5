//! VICReg: what is not a matrix product or a statistic of columns.
//!
//! With the centred columns c, `S_j = sqrt(σ_j² + ε)` and N rows of d numbers in a view,
//!
//! `∂L/∂a = pull (a − b) + factor_j c_j + (4 w_c/(d(N−1))) c·offdiag(C)`,
//!
//! where `pull = 2 w_i/Nd` and `factor_j = −(w_v/2d)/((N−1) S_j)` for `S_j < γ`, 0 otherwise.
//! Where the N × N matrix G takes the place of C, the last term has the diagonal in it, and
//! `factor_j` takes it off: `−(4 w_c/(d(N−1))) σ_j²` more.

use kernels_core::pieces::Level;

use crate::column_statistics::deviation;
use crate::columns::{Batch, total};
use crate::four::hypotenuse;
use crate::kernel::Kernel;
use crate::memory::Global;
use crate::reduce::block_reduce_words;
use crate::thread::{BLOCK, Thread};
use crate::totals::leave;

/// From the squares of the columns to hinges and factors. Grid: blocks of columns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct VicRegColumns {
    /// shares × 2d.
    pub squares: Global<f32>,
    /// 2d.
    pub scales: Global<f32>,
    /// 2d.
    pub factors: Global<f32>,
    /// A number for each block: `Σ max(0, γ − S)`.
    pub hinges: Global<f32>,
    /// A number for each block: `Σ σ⁴`.
    pub diagonal: Global<f32>,
    /// A number for each block: 0, or NaN if a σ is not finite.
    pub status: Global<f32>,
    /// Shares.
    pub shares: u32,
    /// 2d.
    pub width: u32,
    /// N − 1.
    pub others: f32,
    /// γ.
    pub gamma: f32,
    /// `sqrt ε`.
    pub root: f32,
    /// `w_v/(2d(N−1))`.
    pub spread: f32,
    /// `4 w_c/(d(N−1))` if the gradient's product has the diagonal in it, otherwise 0.
    pub decorrelate: f32,
}

impl Kernel for VicRegColumns {
    const NAME: &'static str = "vic_reg_columns";

    fn shared_words(&self) -> u32 {
        block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let column = (thread.block()[0] * BLOCK + thread.thread()) as usize;
        let (mut hinge, mut diagonal, mut status) = (0.0, 0.0, 0.0);
        if column < self.width as usize {
            let squares = total(thread, self.squares, self.shares, self.width, column);
            let scale = thread.load(self.scales, column);
            let sigma = deviation(thread, squares, scale, self.others);
            let s = hypotenuse(thread, sigma, self.root);
            let variance = sigma * sigma;
            let mut factor = 0.0;
            if s < self.gamma {
                hinge = self.gamma - s;
                factor = -self.spread / s;
            }
            if self.decorrelate != 0.0 {
                factor -= self.decorrelate * variance;
            }
            diagonal = variance * variance;
            status = sigma * 0.0;
            thread.store(self.factors, column, factor);
        }
        leave(thread, self.hinges, hinge);
        leave(thread, self.diagonal, diagonal);
        leave(thread, self.status, status);
    }
}

/// `Σ (a − b)²`, and the first two terms of both gradients. Grid: blocks of columns (of both
/// views) × shares of the rows. Bytes: z twice, c once, the gradient once.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct VicRegPull {
    /// 2N × d.
    pub z: Global<f32>,
    /// 2N × d.
    pub centred: Global<f32>,
    /// 2d.
    pub factors: Global<f32>,
    /// 2N × d; empty if it is not wanted.
    pub grad: Global<f32>,
    /// A number for each block: its share of `2 Σ (a − b)²`, as both views count.
    pub distances: Global<f32>,
    /// N and d.
    pub batch: Batch,
    /// `2 w_i/Nd`.
    pub pull: f32,
}

impl Kernel for VicRegPull {
    const NAME: &'static str = "vic_reg_pull";

    fn shared_words(&self) -> u32 {
        block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let view = self.batch.images as usize * self.batch.dim as usize;
        let mut distance = 0.0;
        if let Some(column) = self.batch.column(thread) {
            let factor = thread.load(self.factors, column.number);
            let partner = |index| {
                if index < view {
                    index + view
                } else {
                    index - view
                }
            };
            let wanted = !self.grad.is_empty();
            distance = column.fold(
                thread,
                0.0,
                |index| {
                    let z = thread.load(self.z, index);
                    let difference = z - thread.load(self.z, partner(index));
                    let c = if wanted {
                        thread.load(self.centred, index)
                    } else {
                        0.0
                    };
                    [difference, c]
                },
                |sum, index, [difference, c]| {
                    if wanted {
                        let value = T::Level::mul_add(factor, c, self.pull * difference);
                        thread.store(self.grad, index, value);
                    }
                    T::Level::mul_add(difference, difference, sum)
                },
            );
        }
        leave(thread, self.distances, distance);
    }
}
