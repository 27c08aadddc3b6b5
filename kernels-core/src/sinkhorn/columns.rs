//! From the column sums of a pass to the next column potentials.

use core::marker::PhantomData;

use super::row::Damping;
use super::rows::CostRows;
use super::series::Series;
use crate::Real;
use crate::level::{Level, Task};
use crate::panel::GROUP;

/// `g'_j = τ (g°_j − ε log t_j)`, `t_j` relative to g° and added up over the chunks in
/// their order.
pub(super) struct ColumnUpdate<'c, T, S> {
    /// Column sums of all chunks, one after the other; the first chunk's are replaced by
    /// the totals.
    pub(super) columns: &'c mut [T],
    pub(super) g: &'c [T],
    /// g°: g itself, or what a stored kernel was computed with.
    pub(super) base: &'c [T],
    pub(super) b: &'c [T],
    pub(super) next_g: &'c mut [T],
    pub(super) epsilon: T,
    pub(super) damping: Damping<T>,
    pub(super) series: PhantomData<S>,
}

impl<T: Real, S: Series> Task for ColumnUpdate<'_, T, S> {
    /// Whether every column with mass has a sum that can be trusted.
    type Output = bool;

    #[inline(always)]
    fn run<L: Level>(self) -> bool {
        let m = self.g.len();
        let (totals, others) = self.columns.split_at_mut(m.min(self.columns.len()));
        for columns in others.chunks_exact(m.max(1)) {
            for (total, &sum) in totals.iter_mut().zip(columns) {
                *total += sum;
            }
        }
        let mut distrusted = 0_u32;
        let columns = self.g.iter().zip(self.base).zip(self.b).zip(totals.iter());
        for (next, (((&g, &base), &b), &total)) in self.next_g.iter_mut().zip(columns) {
            let log = S::log::<L, T>(total) + self.damping.log_mass;
            let updated = self.damping.next(g, base - self.epsilon * log);
            let massive = b > T::zero();
            distrusted |= u32::from(massive & !S::trusts(total));
            *next = if massive { updated } else { g };
        }
        distrusted == 0
    }
}

/// Soft minima of all columns relative to their largest terms:
/// `−ε log Σ_i a_i exp((f_i − C_ij)/ε)`, in two sweeps over the costs.
pub(super) struct ColumnSoftMin<'c, T, S> {
    pub(super) rows: &'c CostRows<'c, T>,
    pub(super) f: &'c [T],
    pub(super) a: &'c [T],
    pub(super) epsilon: T,
    pub(super) rate: T,
    pub(super) maxima: &'c mut [T],
    /// Where the soft minima go; +∞ where nothing reaches.
    pub(super) out: &'c mut [T],
    pub(super) tile: &'c mut [T],
    pub(super) series: PhantomData<S>,
}

impl<T: Real, S: Series> Task for ColumnSoftMin<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(self) {
        let (maxima, sums, tile) = (self.maxima, self.out, self.tile);
        maxima.fill(T::neg_infinity());
        for_rows::<L, T>(self.rows, self.f, self.a, tile, |_, f, costs| {
            for (max, &c) in maxima.iter_mut().zip(costs) {
                let value = f - c;
                *max = if value > *max { value } else { *max };
            }
        });
        sums.fill(T::zero());
        for_rows::<L, T>(self.rows, self.f, self.a, tile, |a, f, costs| {
            for ((sum, &max), &c) in sums.iter_mut().zip(maxima.iter()).zip(costs) {
                // Where nothing reaches, max = −∞; the sum is not used below.
                *sum = L::mul_add(a, S::term::<L, T>(((f - c) - max) * self.rate), *sum);
            }
        });
        for (sum, &max) in sums.iter_mut().zip(maxima.iter()) {
            *sum = if max == T::neg_infinity() {
                T::infinity()
            } else {
                -(max + self.epsilon * S::log::<L, T>(*sum))
            };
        }
    }
}

/// Visits the rows that have mass: `(a_i, f_i, costs)`.
#[inline(always)]
pub(super) fn for_rows<L: Level, T: Real>(
    rows: &CostRows<'_, T>,
    f: &[T],
    a: &[T],
    tile: &mut [T],
    mut visit: impl FnMut(T, T, &[T]),
) {
    let m = rows.columns();
    let mut first = 0;
    for (f, a) in f.chunks(GROUP).zip(a.chunks(GROUP)) {
        let (costs, _) = rows.group::<L>(first, f.len(), 0..m, tile);
        for ((costs, &f), &a) in costs.chunks_exact(m.max(1)).zip(f).zip(a) {
            if a > T::zero() {
                visit(a, f, costs);
            }
        }
        first += f.len();
    }
}
