//! The kernel, stored: iterations without exponentials. The formulas, what is lost and the
//! memory are with [`super::Problem::with_stored_kernel`]; f° and g° are the potentials that the
//! kernel was computed with. A column's factor is at most 2 to the power of [`DRIFT`].

use core::array::from_fn;

use super::chunks::{MAX_CHUNKS, chunk_rows};
use super::pass::spread;
use super::row::{RowOut, RowRule, RowSums};
use super::series::{Direct, Series};
use crate::level::{Level, Task, dispatch};
use crate::panel::GROUP;
use crate::parallel::{Pieces, run_all};
use crate::{Real, check, vector};

/// Logarithm to base 2 of the largest factor of a column.
const DRIFT: f64 = 30.0;
/// Partial sums: four registers of AVX2, as many as hide the latency of an addition.
const LANES: usize = 32;

/// Memory of a kernel, and the potentials that it was computed with; all slices are
/// empty where none is kept.
#[derive(Debug)]
pub(super) struct StoredKernel<'s, T> {
    /// `n × m`.
    pub(super) entries: &'s mut [T],
    /// f°.
    pub(super) f: &'s mut [T],
    /// g°.
    pub(super) g: &'s mut [T],
    /// `b_j exp((g_j − g°_j)/ε)`.
    scaled: &'s mut [T],
    /// Whether the entries are those of the present costs and ε.
    pub(super) valid: bool,
}

/// Workspace elements for [`StoredKernel::new`].
pub(super) fn stored_kernel_len(n: usize, m: usize) -> usize {
    n.saturating_mul(m)
        .saturating_add(n)
        .saturating_add(m.saturating_mul(2))
}

impl<'s, T: Real> StoredKernel<'s, T> {
    /// Takes its memory off the start of a workspace.
    pub(super) fn new(keep: bool, n: usize, m: usize, workspace: &mut &'s mut [T]) -> Self {
        let (n, m) = if keep { (n, m) } else { (0, 0) };
        let mut take = |len: usize| check::take(workspace, len);
        Self {
            entries: take(n * m),
            f: take(n),
            g: take(m),
            scaled: take(m),
            valid: false,
        }
    }

    /// Whether there is memory for a kernel.
    pub(super) fn is_kept(&self) -> bool {
        !self.entries.is_empty()
    }

    /// Prepares the factors of the columns; false if a column potential is too far from
    /// where it was.
    pub(super) fn prepare(&mut self, g: &[T], b: &[T], rate: T) -> bool {
        self.valid
            && dispatch(Prepare {
                g,
                b,
                at: self.g,
                rate,
                out: self.scaled,
            })
    }

    /// The pass. Writes next_f and, chunk by chunk, the column sums relative to g°.
    pub(super) fn run(
        &self,
        rule: &RowRule<T>,
        columns_wanted: bool,
        f: &[T],
        a: &[T],
        next_f: &mut [T],
        columns: &mut [T],
    ) -> RowSums<T> {
        let (n, m) = (f.len(), self.g.len().max(1));
        let size = chunk_rows(n);
        let mut sums = [RowSums::default(); MAX_CHUNKS];
        let entries = self.entries.chunks((size * m).max(1));
        let given = entries.zip(self.f.chunks(size));
        let sides = Pieces::new(next_f, size)
            .zip(f.chunks(size))
            .zip(a.chunks(size));
        let out = Pieces::new(columns, m).zip(sums.iter_mut());
        let tasks = given.zip(sides).zip(out);
        let tasks =
            tasks.map(
                |(((entries, shifts), ((next_f, f), a)), (columns, sums))| StoredTask {
                    rule,
                    columns_wanted,
                    scaled: self.scaled,
                    entries,
                    shifts,
                    f,
                    a,
                    next_f,
                    columns,
                    sums,
                },
            );
        // An eighth of a pass with exponentials.
        run_all(tasks, n.saturating_mul(m) / 8);
        sums.into_iter().fold(RowSums::default(), RowSums::plus)
    }
}

struct Prepare<'p, T> {
    g: &'p [T],
    b: &'p [T],
    at: &'p [T],
    rate: T,
    out: &'p mut [T],
}

impl<T: Real> Task for Prepare<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn run<L: Level>(self) -> bool {
        let limit = T::of(DRIFT);
        let mut far = 0_u32;
        let columns = self.g.iter().zip(self.at).zip(self.b);
        for (out, ((&g, &at), &b)) in self.out.iter_mut().zip(columns) {
            let drift = (g - at) * self.rate;
            let massive = b > T::zero();
            far |= u32::from(massive & !(drift.abs() <= limit));
            // Without mass g may be infinite, and the drift not a number.
            *out = if massive {
                b * drift.exp2_at::<L>()
            } else {
                T::zero()
            };
        }
        far == 0
    }
}

/// Rows of one chunk.
struct StoredTask<'p, 'c, T> {
    rule: &'p RowRule<T>,
    columns_wanted: bool,
    scaled: &'p [T],
    entries: &'c [T],
    shifts: &'c [T],
    f: &'c [T],
    a: &'c [T],
    next_f: &'c mut [T],
    columns: &'c mut [T],
    sums: &'c mut RowSums<T>,
}

impl<T: Real> Task for StoredTask<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(self) {
        let m = self.scaled.len().max(1);
        let mut sums = RowSums::default();
        self.columns.fill(T::zero());
        let sides = self.f.chunks(GROUP).zip(self.a.chunks(GROUP));
        let sides = sides.zip(self.shifts.chunks(GROUP).zip(self.next_f.chunks_mut(GROUP)));
        for (entries, ((f, a), (shifts, next_f))) in
            self.entries.chunks((GROUP * m).max(1)).zip(sides)
        {
            let mut weights = [T::zero(); GROUP];
            let rows = entries.chunks_exact(m).zip(f.iter().zip(a));
            let rows = rows.zip(shifts.iter().zip(next_f)).zip(weights.iter_mut());
            for (((entries, (&f, &a)), (&shift, next)), weight) in rows {
                let total = product::<L, T>(entries, self.scaled);
                let out = if total > T::zero() {
                    self.rule.outcome::<L, Direct>(f, shift, total)
                } else {
                    RowOut::unreachable()
                };
                sums.distrusted += usize::from(a > T::zero() && !Direct::trusts(total));
                *next = out.next;
                *weight = sums.add(a, &out);
            }
            if self.columns_wanted {
                spread::<L, T>(self.columns, entries, &weights);
            }
        }
        *self.sums = sums;
    }
}

/// `Σ_j k_j s_j`.
#[inline(always)]
fn product<L: Level, T: Real>(k: &[T], s: &[T]) -> T {
    let ((k, k_rest), (s, s_rest)) = (k.as_chunks::<LANES>(), s.as_chunks::<LANES>());
    let lanes = k.iter().zip(s).fold([T::zero(); LANES], |lanes, (k, s)| {
        from_fn(|l| L::mul_add(k[l], s[l], lanes[l]))
    });
    let mut total = T::zero();
    for (&k, &s) in k_rest.iter().zip(s_rest) {
        total = L::mul_add(k, s, total);
    }
    for sixteen in lanes.as_chunks().0 {
        total += vector::pairwise(sixteen);
    }
    total
}
