//! Ground costs between two point clouds.
//!
//! | cost | `C_ij` | range on the unit sphere |
//! |---|---|---|
//! | [`Cost::SquaredEuclidean`] | `‖x_i − y_j‖²` | `[0, 4]` |
//! | [`Cost::Cosine`] | `1 − x_i·y_j / (‖x_i‖‖y_j‖)` | `[0, 2]` |
//!
//! With `u = x/‖x‖` and `v = y/‖y‖`, `1 − u·v = ½‖u − v‖²`: the cosine cost is half the
//! squared Euclidean one of the directions, and is computed so, because `1 − u·v`
//! cancels for close directions. Hence a cosine cost at ε has the plan of the squared
//! cost of unit rows at 2ε.

use core::ops::Range;

use crate::level::{Level, Task};
use crate::panel::{GROUP, PANEL, distances, four_rows};
use crate::parallel::{Pieces, run_all};
use crate::{Error, Real, check, normalize, vector};

/// The cost of moving a unit of mass from a row of x to a row of y.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// `‖x − y‖²` of the raw rows.
    SquaredEuclidean,
    /// `1 − cos(x, y)` of the raw rows.
    Cosine,
}

/// What a cost matrix is divided by before ε is compared with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostScale {
    /// Nothing: ε is in the units of the cost.
    None,
    /// Its largest entry, treated as a constant by the gradient. A matrix of zeros is
    /// left as it is.
    Maximum,
}

/// Writes `C_ij` between the `n` rows of `x` (n × `dim`) and the `m` rows of `y` (m × `dim`) to
/// `out` (n × m), all row-major.
///
/// Both costs are sums of squared differences, of raw rows or of directions: what
/// `‖x‖² + ‖y‖² − 2x·y` loses far from the origin or for close points is kept. Cost:
/// `n m dim` multiplications, by rows on all threads. No workspace.
///
/// # Errors
/// Wrong lengths, a NaN or infinite coordinate, a zero row under [`Cost::Cosine`], or
/// a cost that overflows.
pub fn cost_matrix<T: Real>(
    cost: Cost,
    x: &[T],
    y: &[T],
    n: usize,
    m: usize,
    dim: usize,
    out: &mut [T],
) -> Result<(), Error> {
    let operation = "cost_matrix";
    check::at_least_one(operation, "n", n)?;
    check::at_least_one(operation, "m", m)?;
    check::at_least_one(operation, "dim", dim)?;
    check::shape(operation, "x", x, n.saturating_mul(dim))?;
    check::shape(operation, "y", y, m.saturating_mul(dim))?;
    check::shape(operation, "out", out, n.saturating_mul(m))?;
    check::finite(operation, "x", x)?;
    check::finite(operation, "y", y)?;
    if cost == Cost::Cosine {
        for (argument, points) in [("x", x), ("y", y)] {
            for (index, row) in points.chunks_exact(dim).enumerate() {
                normalize::checked_norm(operation, argument, row, index)?;
            }
        }
    }
    let size = n.div_ceil(MAX_CHUNKS).max(MIN_ROWS).next_multiple_of(GROUP);
    let rows = Pieces::new(out, size * m).zip(x.chunks((size * dim).max(1)));
    let chunks = rows.map(|(out, x)| Chunk {
        cost,
        x,
        y,
        m,
        dim,
        out,
    });
    run_all(chunks, n.saturating_mul(m).saturating_mul(dim));
    check::all_fit(operation, "a cost", out)
}

/// Chunks of rows at most, and so threads that can be used at most.
const MAX_CHUNKS: usize = 16;
/// A chunk has at least this many rows: each puts all of y into panels for itself, which
/// takes as long as eight rows or so.
const MIN_ROWS: usize = 64;
/// Coordinates that are put into a panel together: with [`PANEL`] points, 8 KiB of `f32`.
const COORDINATES: usize = 64;

/// Some rows of the matrix.
struct Chunk<'c, T> {
    cost: Cost,
    x: &'c [T],
    y: &'c [T],
    m: usize,
    dim: usize,
    out: &'c mut [T],
}

impl<T: Real> Task for Chunk<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(mut self) {
        let dim = self.dim;
        self.out.fill(T::zero());
        let panels = self.y.chunks((PANEL * dim).max(1)).enumerate();
        for (p, points) in panels {
            let first = p * PANEL;
            let reciprocals = self.reciprocal_norms(points);
            let mut start = 0;
            while start < dim {
                let range = start..dim.min(start + COORDINATES);
                self.add_block::<L>(points, &reciprocals, first, range.clone());
                start = range.end;
            }
        }
        if self.cost == Cost::Cosine {
            vector::scale(self.out, T::of(0.5));
        }
    }
}

impl<T: Real> Chunk<'_, T> {
    /// What the points of a panel are multiplied by.
    #[inline(always)]
    fn reciprocal_norms(&self, points: &[T]) -> [T; PANEL] {
        let mut reciprocals = [T::one(); PANEL];
        if self.cost == Cost::Cosine {
            let rows = points.chunks_exact(self.dim.max(1));
            for (slot, row) in reciprocals.iter_mut().zip(rows) {
                *slot = vector::norm(row).recip();
            }
        }
        reciprocals
    }

    /// Adds the squared differences of some coordinates, of all rows to one panel.
    #[inline(always)]
    fn add_block<L: Level>(
        &mut self,
        points: &[T],
        reciprocals: &[T; PANEL],
        first: usize,
        range: Range<usize>,
    ) {
        let (m, dim, width) = (self.m.max(1), self.dim.max(1), range.len());
        let mut panel = [[T::zero(); PANEL]; COORDINATES];
        for (l, (row, &reciprocal)) in points.chunks_exact(dim).zip(reciprocals).enumerate() {
            for (slots, &value) in panel.iter_mut().zip(part(row, &range)) {
                slots[l] = value * reciprocal;
            }
        }
        let mut units = [[T::zero(); COORDINATES]; GROUP];
        let groups = self
            .out
            .chunks_mut((GROUP * m).max(1))
            .zip(self.x.chunks((GROUP * dim).max(1)));
        for (out, x) in groups {
            let whole = four_rows(x, dim, x.len() / dim);
            let rows = match self.cost {
                Cost::SquaredEuclidean => whole.map(|row| part(row, &range)),
                Cost::Cosine => {
                    for (unit, row) in units.iter_mut().zip(whole) {
                        let reciprocal = vector::norm(row).recip();
                        for (slot, &value) in unit.iter_mut().zip(part(row, &range)) {
                            *slot = value * reciprocal;
                        }
                    }
                    units
                        .each_ref()
                        .map(|unit| unit.get(..width).unwrap_or(unit))
                }
            };
            let sums = distances::<L, T>(rows, panel.get(..width).unwrap_or(&panel));
            for (out, sums) in out.chunks_exact_mut(m).zip(&sums) {
                let out = out.get_mut(first..).unwrap_or_default();
                for (slot, &sum) in out.iter_mut().zip(sums) {
                    *slot += sum;
                }
            }
        }
    }
}

/// Some coordinates of a row, all within it.
#[inline(always)]
fn part<'r, T>(row: &'r [T], range: &Range<usize>) -> &'r [T] {
    row.get(range.clone()).unwrap_or_default()
}

/// Divides `cost`, a matrix of any shape, as [`CostScale`] says and returns the divisor, by
/// which gradients with respect to the points have to be divided too. It is one where the
/// largest entry is zero, negative or not a normal number. O(n·m) for n × m costs, no workspace.
pub fn rescale<T: Real>(scale: CostScale, cost: &mut [T]) -> T {
    let unit = match scale {
        CostScale::None => return T::one(),
        CostScale::Maximum => largest_or_one(cost),
    };
    divide(cost, unit);
    unit
}

/// Divides costs by a unit.
pub(crate) fn divide<T: Real>(cost: &mut [T], unit: T) {
    if unit != T::one() {
        for entry in cost {
            *entry /= unit;
        }
    }
}

/// The largest cost as a unit. One, if it is not a positive normal number: dividing by a
/// subnormal one could overflow, and such a matrix is zero in effect.
pub(crate) fn largest_or_one<T: Real>(cost: &[T]) -> T {
    unit_of(vector::largest(cost))
}

/// The unit that this largest cost is.
pub(crate) fn unit_of<T: Real>(largest: T) -> T {
    if largest.is_normal() && largest > T::zero() {
        largest
    } else {
        T::one()
    }
}
