//! Statistics of the columns of the two views of a batch, as `kernels-core` computes them.
//!
//! z holds N rows of view A, then N of view B, of d numbers each. The 2d columns of both
//! are numbered through. A block takes [`BLOCK`] columns, a thread each, and a share of the
//! rows, so that neighbours read neighbours; its partial results go to
//! `parts[share][column]`, and a second kernel adds the shares in their order.
//!
//! Centring: `s_i = z_i − z_0`, then `c_i = s_i − (1/N) Σ s`. Taking off the first row makes
//! a constant column exactly zero and keeps the digits of a column far from the origin.
//! Deviation: `σ = sqrt( Σ (c_i p)² / D )/p` with the power of two p nearest to
//! `1/max |s|`: `max |c|` is between half and twice `max |s|`, so no square overflows and
//! none that matters underflows.
//!
//! Bytes: each pass reads z once. Error: a few `√N u max |s|` for a mean, `N/shares + 64`
//! roundings for a sum at most.

use core::array::from_fn;

use kernels_core::pieces::Level;

use crate::four::power_for;
use crate::kernel::Kernel;
use crate::memory::Global;
use crate::reduce::larger;
use crate::thread::{BLOCK, Thread};

/// Views of a batch.
pub const VIEWS: u32 = 2;

/// Where columns stand.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// N: rows of a view.
    pub images: u32,
    /// d: columns of a view.
    pub dim: u32,
}

impl Batch {
    /// Columns of both views.
    #[inline(always)]
    #[must_use]
    pub const fn width(self) -> u32 {
        VIEWS * self.dim
    }

    /// The thread's column, if there is one.
    #[inline(always)]
    pub fn column<T: Thread>(self, thread: T) -> Option<Column> {
        let column = thread.block()[0] * BLOCK + thread.thread();
        if column >= self.width() {
            return None;
        }
        let dim = self.dim.max(1);
        let view = (column / dim) as usize * self.images as usize * dim as usize;
        Some(Column {
            number: column as usize,
            first: view + (column % dim) as usize,
            dim,
            rows: self.images,
        })
    }
}

/// A thread's column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its number among those of both views.
    pub number: usize,
    /// Where its first element stands.
    pub first: usize,
    dim: u32,
    rows: u32,
}

impl Column {
    /// Where its element in a row of the view stands.
    #[inline(always)]
    #[must_use]
    pub fn at(self, row: u32) -> usize {
        self.first + row as usize * self.dim as usize
    }

    /// Takes the rows of the block's share, four at a time: `load` first, so that four
    /// loads are under way together, then `push`.
    #[inline(always)]
    pub fn fold<T: Thread, A, V: Copy>(
        self,
        thread: T,
        start: A,
        load: impl Fn(usize) -> V,
        push: impl Fn(A, usize, V) -> A,
    ) -> A {
        let shares = thread.grid()[1].max(1);
        let mut total = start;
        let mut row = thread.block()[1];
        while row < self.rows {
            let values: [(bool, usize, V); 4] = from_fn(|k| {
                let here = row + k as u32 * shares;
                let inside = here < self.rows;
                let index = self.at(if inside { here } else { row });
                (inside, index, load(index))
            });
            for (inside, index, value) in values {
                if inside {
                    total = push(total, index, value);
                }
            }
            row += 4 * shares;
        }
        total
    }
}

/// A slot of the parts: `[share][column]`.
#[inline(always)]
pub fn slot<T: Thread>(thread: T, width: u32, column: usize) -> usize {
    thread.block()[1] as usize * width as usize + column
}

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

/// What `push` makes of the shares of one column and 0; eight loads are under way together.
#[inline(always)]
fn fold_parts<T: Thread>(
    thread: T,
    parts: Global<f32>,
    shares: u32,
    width: u32,
    column: usize,
    push: impl Fn(f32, f32) -> f32,
) -> f32 {
    let mut result = 0.0;
    let mut share = 0;
    while share < shares {
        let values: [f32; 8] = from_fn(|k| {
            let share = share + k as u32;
            if share < shares {
                thread.load(parts, share as usize * width as usize + column)
            } else {
                0.0
            }
        });
        result = values.into_iter().fold(result, &push);
        share += 8;
    }
    result
}

/// The sum of the shares of one column.
#[inline(always)]
pub fn total<T: Thread>(
    thread: T,
    parts: Global<f32>,
    shares: u32,
    width: u32,
    column: usize,
) -> f32 {
    fold_parts(thread, parts, shares, width, column, |a, b| a + b)
}

/// σ from the sum of the scaled squares, over D.
#[inline(always)]
pub fn deviation<T: Thread>(thread: T, squares: f32, scale: f32, denominator: f32) -> f32 {
    // The inverse of a power of two, exactly.
    let inverse = f32::from_bits((254 << 23) - scale.to_bits());
    thread.square_root(squares / denominator) * inverse
}
