//! BYOL: a warp for each prediction and its target.
//!
//! With `q̂ = q/‖q‖`, `t̂ = t/‖t‖` and `δ = t̂ − q̂`, the loss of a row is `‖δ‖²`, and its
//! gradient with respect to q `−2 (δ + ½‖δ‖² q̂)/‖q‖`, both by direct differences as in
//! `kernels-core`. A row is multiplied by a power of two before it is squared, so rows of
//! any length will do.
//!
//! Grid: up to a thousand blocks, each with every so many-th group of eight rows. Bytes: q
//! and t once from memory (and three times more from the cache), the gradient once.
//! Error: a few u for `‖δ‖`, absolutely, with u = 2⁻²⁴.

use kernels_core::pieces::Level;

use crate::four::{Rows, power_for};
use crate::kernel::Kernel;
use crate::memory::Global;
use crate::reduce::{block_reduce_words, larger, over_lanes};
use crate::thread::{Thread, WARP, WARPS};
use crate::totals::leave;

/// See above.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Byol {
    /// rows × dim.
    pub q: Global<f32>,
    /// rows × dim.
    pub target: Global<f32>,
    /// rows × dim; empty if it is not wanted.
    pub grad: Global<f32>,
    /// A number for each block: the sum of the losses, NaN if a row has no direction.
    pub losses: Global<f32>,
    /// A number for each block: 0, or NaN if the gradient is not finite.
    pub status: Global<f32>,
    /// Rows.
    pub rows: u32,
    /// Numbers in a row.
    pub dim: u32,
    /// How far from its prediction a target is: 0, or half the rows (forth, then back).
    pub shift: u32,
    /// What the gradient of the sum is multiplied by.
    pub weight: f32,
}

/// A row, and what makes it a unit vector.
#[derive(Clone, Copy)]
struct Direction {
    rows: Rows,
    row: u32,
    dim: u32,
    scale: f32,
    reciprocal: f32,
}

/// Takes a row four numbers at a time.
#[inline(always)]
fn fold<T: Thread>(thread: T, dim: u32, start: f32, push: impl Fn(f32, u32) -> f32) -> f32 {
    let mut total = start;
    let mut column = 4 * thread.lane();
    while column < dim {
        total = push(total, column);
        column += 4 * WARP;
    }
    total
}

fn plus(a: f32, b: f32) -> f32 {
    a + b
}

impl Direction {
    /// *Warp.* A row without a direction becomes NaN.
    #[inline(always)]
    fn new<T: Thread>(thread: T, rows: Rows, row: u32, dim: u32) -> Self {
        let peak = fold(thread, dim, 0.0, |peak, column| {
            let four = rows.load4(thread, row, column, dim);
            four.into_iter().fold(peak, |peak, x| larger(peak, x.abs()))
        });
        let peak = over_lanes(thread, peak, WARP, larger);
        let [scale, inverse] = power_for(peak);
        let squares = fold(thread, dim, 0.0, |sum, column| {
            let four = rows.load4(thread, row, column, dim);
            four.into_iter()
                .map(|x| x * scale)
                .fold(sum, |sum, x| T::Level::mul_add(x, x, sum))
        });
        let squares = over_lanes(thread, squares, WARP, plus);
        let norm = thread.square_root(squares);
        let usable = (norm * inverse).is_normal();
        Self {
            rows,
            row,
            dim,
            scale,
            reciprocal: if usable { 1.0 / norm } else { f32::NAN },
        }
    }

    /// Four numbers of the unit vector.
    #[inline(always)]
    fn load4<T: Thread>(self, thread: T, column: u32) -> [f32; 4] {
        let four = self.rows.load4(thread, self.row, column, self.dim);
        four.map(|x| x * self.scale * self.reciprocal)
    }
}

impl Byol {
    /// *Warp.* The loss of a row; writes the gradient. The second number is 0, or NaN if
    /// the gradient is not finite.
    #[inline(always)]
    fn row<T: Thread>(&self, thread: T, row: u32) -> (f32, f32) {
        let partner = if row < self.shift {
            row + self.shift
        } else {
            row - self.shift
        };
        let [q_rows, target_rows] =
            [self.q, self.target].map(|array| Rows::new(array, 0, self.dim));
        let q = Direction::new(thread, q_rows, row, self.dim);
        let target = Direction::new(thread, target_rows, partner, self.dim);
        let pair = |column| {
            let (q, target) = (q.load4(thread, column), target.load4(thread, column));
            core::array::from_fn::<_, 4, _>(|k| [q[k], target[k] - q[k]])
        };
        let loss = fold(thread, self.dim, 0.0, |sum, column| {
            pair(column)
                .into_iter()
                .fold(sum, |sum, [_, delta]| T::Level::mul_add(delta, delta, sum))
        });
        let loss = over_lanes(thread, loss, WARP, plus);
        if self.grad.is_empty() {
            return (loss, 0.0);
        }
        let radial = 0.5 * loss;
        let out = Rows::new(self.grad, 0, self.dim);
        let bad = fold(thread, self.dim, 0.0, |bad, column| {
            let four = pair(column).map(|[unit, delta]| {
                let pull = T::Level::mul_add(radial, unit, delta);
                self.weight * pull * q.reciprocal * q.scale
            });
            out.store4(thread, row, column, self.dim, four);
            // Beyond the row's end all is zero.
            four.into_iter().fold(bad, |bad, x| bad + x * 0.0)
        });
        (loss, bad)
    }
}

impl Kernel for Byol {
    const NAME: &'static str = "byol";

    fn shared_words(&self) -> u32 {
        block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let (mut losses, mut status) = (0.0, 0.0);
        let mut row = thread.block()[0] * WARPS + thread.warp();
        while row < self.rows {
            let (loss, bad) = self.row(thread, row);
            losses += loss;
            status += bad;
            row += thread.grid()[0] * WARPS;
        }
        // All lanes of a warp have its losses.
        let losses = if thread.lane() == 0 { losses } else { 0.0 };
        leave(thread, self.losses, losses);
        leave(thread, self.status, status);
    }
}
