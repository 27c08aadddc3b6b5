//! One pass over the costs: the row sums of the present plan, the row potentials that
//! would make them right, and the column sums of the plan with those.
//!
//! With `e_ij = exp((f_i + g_j − C_ij)/ε)`, the plan of (f, g) is `P_ij = a_i b_j e_ij`:
//!
//! | | |
//! |---|---|
//! | row sum over a_i | `s_i = Σ_j b_j e_ij`, so the marginal error is `Σ a_i ∣s_i − 1∣` |
//! | new row potential | `f'_i = f_i − ε log s_i` |
//! | column sum over b_j, with f' | `t_j = Σ_i a_i e_ij exp((f'_i − f_i)/ε) = Σ_i a_i e_ij / s_i` |
//! | new column potential | `g'_j = g_j − ε log t_j` |
//!
//! So one exponential per pair serves both half steps. The potentials themselves are
//! what keeps the exponents in range: near convergence s and t are near one. Where they
//! are not ([`Series::trusts`]), as in the first iterations at a small ε, the row is
//! summed again relative to its largest term, and so are, after the pass, the columns
//! (`columns.rs`): the log-sum-exp trick, paid only where it is needed.
//!
//! The general form (`row.rs`) has damping: `f' = τ · softmin` for an unbalanced marginal
//! (τ = ρ/(ρ+ε); Chizat et al. 2018), and over-relaxation `f + ω (f' − f)`.
//!
//! Rows come in groups of [`GROUP`]; blocks of columns keep the terms in the first
//! cache. Chunks of rows have column sums of their own, which are added in order
//! afterwards: results do not depend on the number of threads.

use core::array::from_fn;
use core::marker::PhantomData;

use super::row::{RowOut, RowRule, RowSums};
use super::rows::CostRows;
use super::series::Series;
use crate::level::{Level, Task};
use crate::panel::GROUP;
use crate::parallel::Pieces;
use crate::{Real, vector};

/// Columns whose terms are computed before they are summed.
const BLOCK: usize = 512;
const LANES: usize = 16;

/// What all chunks share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass<'p, T> {
    pub(super) rows: CostRows<'p, T>,
    /// g, −∞ at zero weights.
    pub(super) g: &'p [T],
    pub(super) b: &'p [T],
    pub(super) rule: RowRule<T>,
    /// Whether f is no good as a shift: nothing is known about it yet.
    pub(super) fresh: bool,
    /// Whether column sums are wanted.
    pub(super) columns: bool,
}

/// Rows of one chunk, with what is written for them.
#[derive(Debug)]
pub(super) struct Chunk<'c, T> {
    pub(super) first: usize,
    pub(super) f: &'c [T],
    pub(super) a: &'c [T],
    pub(super) next_f: &'c mut [T],
    /// Sums over the rows of this chunk, one for each column.
    pub(super) columns: &'c mut [T],
    /// Where terms are written: one row for each row of a group, or for each of the chunk.
    pub(super) terms: &'c mut [T],
    /// What stood for f in the terms of each row, if these are to be kept; or empty.
    pub(super) shifts: &'c mut [T],
    /// Room for [`CostRows::group`].
    pub(super) tile: &'c mut [T],
    pub(super) sums: &'c mut RowSums<T>,
}

/// A chunk to be computed.
pub(super) struct ChunkTask<'p, 'c, T, S> {
    pub(super) pass: &'p Pass<'p, T>,
    pub(super) chunk: Chunk<'c, T>,
    pub(super) series: PhantomData<S>,
}

impl<T: Real, S: Series> Task for ChunkTask<'_, '_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(self) {
        let (pass, chunk) = (self.pass, self.chunk);
        let m = pass.g.len().max(1);
        let keep = !chunk.shifts.is_empty();
        chunk.columns.fill(T::zero());
        let mut sums = RowSums::default();
        let mut row = 0;
        let sides = chunk.f.chunks(GROUP).zip(chunk.a.chunks(GROUP));
        let outputs = chunk.next_f.chunks_mut(GROUP);
        let outputs = outputs.zip(Pieces::new(chunk.shifts, GROUP));
        for ((f, a), (next_f, shifts)) in sides.zip(outputs) {
            let count = f.len();
            let first = chunk.first + row;
            let (costs, _) = pass.rows.group::<L>(first, count, 0..m, chunk.tile);
            let start = if keep { row * m } else { 0 };
            let group = chunk.terms.get_mut(start..start + count * m);
            let group = group.unwrap_or_default();
            let mut weights = [T::zero(); GROUP];
            let mut shifts = shifts.iter_mut();
            let rows = costs.chunks_exact(m).zip(group.chunks_exact_mut(m));
            let sides = f.iter().zip(a).zip(next_f.iter_mut().zip(&mut weights));
            for ((cost, terms), ((&f, &a), (next, weight))) in rows.zip(sides) {
                let (shift, out) = pass.row::<L, S>(cost, f, a, terms);
                if let Some(slot) = shifts.next() {
                    *slot = shift;
                }
                *next = out.next;
                *weight = sums.add(a, &out);
            }
            if pass.columns {
                spread::<L, T>(chunk.columns, group, &weights);
            }
            row += count;
        }
        if pass.columns && S::unit::<T>() == T::one() {
            for sum in chunk.columns.iter_mut() {
                *sum += sums.offset;
            }
        }
        *chunk.sums = sums;
    }
}

impl<T: Real> Pass<'_, T> {
    /// The shift of a row's terms, and what the row gives.
    #[inline(always)]
    fn row<L: Level, S: Series>(&self, cost: &[T], f: T, a: T, terms: &mut [T]) -> (T, RowOut<T>) {
        // A row without mass acts on nothing, and its potential may be infinite.
        let usable = !self.fresh && a > T::zero();
        let mut shift = f;
        let mut total = if usable {
            self.sum::<L, S>(cost, shift, terms)
        } else {
            T::nan()
        };
        if !S::trusts(total) {
            let max = vector::largest_difference(self.g, cost);
            if max == T::neg_infinity() {
                terms.fill(T::zero());
                return (T::zero(), RowOut::unreachable());
            }
            shift = -max;
            total = self.sum::<L, S>(cost, shift, terms);
        }
        (shift, self.rule.outcome::<L, S>(f, shift, total))
    }

    /// Writes the terms of a row and returns their weighted sum.
    #[inline(always)]
    fn sum<L: Level, S: Series>(&self, cost: &[T], shift: T, terms: &mut [T]) -> T {
        let rate = self.rule.rate;
        let (mut lanes, mut rest) = ([T::zero(); LANES], T::zero());
        let blocks = cost.chunks(BLOCK).zip(terms.chunks_mut(BLOCK));
        let sides = self.g.chunks(BLOCK).zip(self.b.chunks(BLOCK));
        for ((cost, terms), (g, b)) in blocks.zip(sides) {
            for ((term, &c), &g) in terms.iter_mut().zip(cost).zip(g) {
                *term = S::term::<L, T>(((shift - c) + g) * rate);
            }
            let (term_lanes, term_rest) = terms.as_chunks::<LANES>();
            let (b_lanes, b_rest) = b.as_chunks::<LANES>();
            lanes = term_lanes
                .iter()
                .zip(b_lanes)
                .fold(lanes, |lanes, (terms, b)| {
                    from_fn(|l| L::mul_add(b[l], terms[l], lanes[l]))
                });
            for (&term, &b) in term_rest.iter().zip(b_rest) {
                rest = L::mul_add(b, term, rest);
            }
        }
        vector::pairwise(&lanes) + rest
    }
}

/// `columns_j += Σ_r weights_r terms_rj`, for up to [`GROUP`] rows of terms.
#[inline(always)]
pub(super) fn spread<L: Level, T: Real>(columns: &mut [T], terms: &[T], weights: &[T; GROUP]) {
    let m = columns.len();
    if terms.len() == GROUP * m {
        let (t0, rest) = terms.split_at(m);
        let (t1, rest) = rest.split_at(m);
        let (t2, t3) = rest.split_at(m);
        let [w0, w1, w2, w3] = *weights;
        let rows = t0.iter().zip(t1).zip(t2.iter().zip(t3));
        for (sum, ((&a, &b), (&c, &d))) in columns.iter_mut().zip(rows) {
            let first = L::mul_add(w1, b, w0 * a);
            let second = L::mul_add(w3, d, w2 * c);
            *sum += first + second;
        }
        return;
    }
    for (terms, &weight) in terms.chunks_exact(m.max(1)).zip(weights) {
        for (sum, &term) in columns.iter_mut().zip(terms) {
            *sum = L::mul_add(weight, term, *sum);
        }
    }
}
