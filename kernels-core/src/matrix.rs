//! Products of row-major matrices: the one place where a triple loop is written.
//!
//! `out += factor · A B`, `(A B)_ij = Σ_k A_ik B_kj`. A factor may be seen transposed
//! without being copied, so that `XᵀY` (covariances), `X Xᵀ` (Gram matrices) and `X M`
//! (gradients) are the same loop.
//!
//! Blocking: strips of [`TALL`] rows of A and [`WIDE`] columns of B, [`DEPTH`] terms deep,
//! are copied to the stack so that the innermost loop reads both in order; its
//! `TALL × WIDE` sums are independent and stay in vector registers. A copied strip of B
//! serves [`STRIPS`] strips of A, and those serve the whole width of B. The stack takes
//! `DEPTH · (STRIPS · TALL + WIDE)` scalars, 12 KiB in `f64`.
//!
//! Error of an entry, with u the unit roundoff: the K terms are added in runs of `DEPTH`,
//! so at most `(DEPTH + K/DEPTH + 1) u Σ_k |A_ik B_kj|`. The order of the additions depends
//! on K alone, not on the number of threads. Cost: `rows · K · columns` multiplications.

use crate::Real;
use crate::level::{Level, Task};
use crate::parallel::run_all;

/// Rows of a tile.
const TALL: usize = 4;
/// Columns of a tile: with 4 rows, half of the 16 SSE registers in `f32`, or of the AVX
/// registers in `f64`.
const WIDE: usize = 8;
/// Terms added before the partial sum goes to memory.
const DEPTH: usize = 64;
/// Strips of A that are copied together.
const STRIPS: usize = 4;
/// Chunks of rows at most, and so threads that can be used at most.
const MAX_CHUNKS: usize = 64;

/// A matrix in a slice, possibly seen transposed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a, T> {
    entries: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, T: Real> Matrix<'a, T> {
    /// `entries` has `rows · columns` elements, row by row.
    pub(crate) fn new(entries: &'a [T], rows: usize, columns: usize) -> Self {
        debug_assert!(entries.len() == rows * columns);
        Self {
            entries,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// The same entries with rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        Self {
            entries: self.entries,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// Up to `count` rows from `first` on.
    fn rows_from(self, first: usize, count: usize) -> Self {
        let start = (first * self.row_stride).min(self.entries.len());
        Self {
            entries: self.entries.get(start..).unwrap_or_default(),
            rows: self.rows.saturating_sub(first).min(count),
            ..self
        }
    }

    /// Zero outside, which is what fills up a tile at the edge.
    #[inline(always)]
    fn entry(self, i: usize, j: usize) -> T {
        if i >= self.rows || j >= self.columns {
            return T::zero();
        }
        let place = i * self.row_stride + j * self.column_stride;
        self.entries.get(place).copied().unwrap_or_default()
    }
}

/// `out += factor · a b`; `out` has `a.rows · b.columns` elements.
pub(crate) fn add_product<T: Real>(out: &mut [T], factor: T, a: Matrix<'_, T>, b: Matrix<'_, T>) {
    accumulate(out, factor, a, b, false);
}

/// `out = factor · x xᵀ`, with half the work of the general product.
pub(crate) fn gram<T: Real>(out: &mut [T], factor: T, x: Matrix<'_, T>) {
    out.fill(T::zero());
    accumulate(out, factor, x, x.transposed(), true);
    mirror(out, x.rows);
}

/// Copies what is above the diagonal of an n×n matrix below it.
pub(crate) fn mirror<T: Real>(matrix: &mut [T], n: usize) {
    for i in 1..n {
        let (above, below) = matrix.split_at_mut((i * n).min(matrix.len()));
        for (entry, upper) in below.iter_mut().zip(above.chunks_exact(n)) {
            *entry = upper.get(i).copied().unwrap_or_default();
        }
    }
}

/// The driver: rows of the result are shared out to threads.
fn accumulate<T: Real>(out: &mut [T], factor: T, a: Matrix<'_, T>, b: Matrix<'_, T>, upper: bool) {
    debug_assert!(a.columns == b.rows && out.len() == a.rows * b.columns);
    let size = a.rows.div_ceil(MAX_CHUNKS).next_multiple_of(STRIPS * TALL);
    let chunks = out.chunks_mut((size * b.columns).max(1)).enumerate();
    let tasks = chunks.map(|(k, out)| Product {
        out,
        factor,
        a: a.rows_from(k * size, size),
        b,
        upper: upper.then_some(k * size),
    });
    run_all(
        tasks,
        a.rows.saturating_mul(b.columns).saturating_mul(b.rows),
    );
}

/// `out += factor · a b`.
struct Product<'p, T> {
    out: &'p mut [T],
    factor: T,
    a: Matrix<'p, T>,
    b: Matrix<'p, T>,
    /// The row of the whole product that these begin with, if the tiles that lie below its
    /// diagonal altogether are to be left out.
    upper: Option<usize>,
}

impl<T: Real> Task for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(self) {
        let Self {
            out,
            factor,
            a,
            b,
            upper,
        } = self;
        let mut a_strips = [[[T::zero(); TALL]; DEPTH]; STRIPS];
        let mut b_strip = [[T::zero(); WIDE]; DEPTH];
        for from in (0..a.columns).step_by(DEPTH) {
            let depth = DEPTH.min(a.columns - from);
            for top in (0..a.rows).step_by(STRIPS * TALL) {
                for (strip, i) in a_strips.iter_mut().zip((top..).step_by(TALL)) {
                    for (lanes, k) in strip.iter_mut().zip(from..from + depth) {
                        for (lane, i) in lanes.iter_mut().zip(i..) {
                            *lane = a.entry(i, k);
                        }
                    }
                }
                for left in (0..b.columns).step_by(WIDE) {
                    let below = |row: usize| upper.is_some_and(|first| left + WIDE <= first + row);
                    if below(top) {
                        continue;
                    }
                    for (lanes, k) in b_strip.iter_mut().zip(from..from + depth) {
                        for (lane, j) in lanes.iter_mut().zip(left..) {
                            *lane = b.entry(k, j);
                        }
                    }
                    for (strip, i) in a_strips.iter().zip((top..a.rows).step_by(TALL)) {
                        if below(i) {
                            continue;
                        }
                        let sums = tile::<L, T>(strip, &b_strip, depth);
                        let rows = out.chunks_exact_mut(b.columns).skip(i);
                        for (row, sums) in rows.zip(&sums) {
                            for (entry, &sum) in row.iter_mut().skip(left).zip(sums) {
                                *entry += factor * sum;
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The innermost loop: `Σ_k a_k ⊗ b_k` over the first `depth` terms.
#[inline(always)]
fn tile<L: Level, T: Real>(
    a: &[[T; TALL]; DEPTH],
    b: &[[T; WIDE]; DEPTH],
    depth: usize,
) -> [[T; WIDE]; TALL] {
    let mut sums = [[T::zero(); WIDE]; TALL];
    for (a, b) in a.iter().zip(b).take(depth) {
        for (row, &x) in sums.iter_mut().zip(a) {
            for (sum, &y) in row.iter_mut().zip(b) {
                *sum = L::mul_add(x, y, *sum);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec;
    use std::vec::Vec;

    /// Below, at and above a tile (4, 8), a block of strips (16) and a depth (64).
    const SIZES: [usize; 12] = [1, 2, 3, 4, 5, 8, 9, 16, 17, 33, 64, 65];

    /// Small integers, so that every sum is exact in any order.
    fn integers(len: usize, factor: usize) -> Vec<f32> {
        (0..len).map(|k| ((k * factor) % 11) as f32 - 5.0).collect()
    }

    fn textbook(a: &[f32], b: &[f32], rows: usize, inner: usize, columns: usize) -> Vec<f32> {
        let mut out = vec![0.0; rows * columns];
        for i in 0..rows {
            for j in 0..columns {
                for k in 0..inner {
                    out[i * columns + j] += a[i * inner + k] * b[k * columns + j];
                }
            }
        }
        out
    }

    fn transpose(a: &[f32], rows: usize, columns: usize) -> Vec<f32> {
        (0..rows * columns)
            .map(|k| a[(k % rows) * columns + k / rows])
            .collect()
    }

    #[test]
    fn every_shape_in_every_orientation() {
        for rows in SIZES {
            for inner in SIZES {
                for columns in SIZES {
                    let (a, b) = (integers(rows * inner, 7), integers(inner * columns, 5));
                    let (at, bt) = (transpose(&a, rows, inner), transpose(&b, inner, columns));
                    // Added to what is there, with a factor.
                    let mut expected = textbook(&a, &b, rows, inner, columns);
                    expected.iter_mut().for_each(|x| *x = 1.0 - 2.0 * *x);
                    for a in [
                        Matrix::new(&a, rows, inner),
                        Matrix::new(&at, inner, rows).transposed(),
                    ] {
                        for b in [
                            Matrix::new(&b, inner, columns),
                            Matrix::new(&bt, columns, inner).transposed(),
                        ] {
                            let mut out = vec![1.0; rows * columns];
                            add_product(&mut out, -2.0, a, b);
                            assert_eq!(out, expected, "{rows} x {inner} x {columns}");
                        }
                    }
                }
                let x = integers(rows * inner, 3);
                let xt = transpose(&x, rows, inner);
                let mut expected = textbook(&x, &xt, rows, inner, rows);
                expected.iter_mut().for_each(|x| *x *= 0.5);
                let mut out = vec![7.0; rows * rows];
                gram(&mut out, 0.5, Matrix::new(&x, rows, inner));
                assert_eq!(out, expected, "gram {rows} x {inner}");
            }
        }
    }
}
