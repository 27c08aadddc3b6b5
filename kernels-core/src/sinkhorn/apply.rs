//! The plan as a linear operator, without forming it: rows of P are computed when they are
//! needed. What comes out, at which cost, is with the three methods.

use super::State;
use super::blocks::{Round, Writes};
use super::coupling::{Part, Visitor};
use crate::level::Level;
use crate::{Error, Real, check, vector};

impl<T: Real> State<'_, T> {
    /// Writes `P v` to `out` (n × `width`), for `v` (m × `width`), both row-major:
    /// `(P v)_i = Σ_j P_ij v_j`.
    ///
    /// The plan is not formed: one exponential for each pair and `n m width` multiplications;
    /// no memory beside the state's. An atom without mass (weight zero, or a plan that
    /// underflows there in an unbalanced problem) has a row or a column of zeros in P, so the
    /// product is zero there.
    ///
    /// Error, with u the unit roundoff: an entry of P is off by κu relative to itself,
    /// κ = 1 + (max|f| + max|g|)/ε; a sum of m terms adds m u at most.
    ///
    /// # Errors
    /// A width of zero, wrong lengths, a NaN or infinite entry, or a product that does
    /// not fit the scalar type.
    pub fn apply_plan(&mut self, v: &[T], width: usize, out: &mut [T]) -> Result<(), Error> {
        self.combine_columns("apply_plan", "v", (v, width), false, out)
    }

    /// Writes `Pᵀ u` to `out` (m × `width`), for `u` (n × `width`), both row-major:
    /// `(Pᵀ u)_j = Σ_i P_ij u_i`. Cost, atoms without mass and error as in
    /// [`State::apply_plan`]; the sums here have n terms.
    ///
    /// # Errors
    /// As [`State::apply_plan`].
    pub fn apply_plan_transpose(
        &mut self,
        u: &[T],
        width: usize,
        out: &mut [T],
    ) -> Result<(), Error> {
        let operation = "apply_plan_transpose";
        let (n, m) = (self.f.len(), self.g.len());
        check::at_least_one(operation, "width", width)?;
        check::shape(operation, "u", u, n.saturating_mul(width))?;
        check::shape(operation, "out", out, m.saturating_mul(width))?;
        check::finite(operation, "u", u)?;
        out.fill(T::zero());
        self.visit_plan(&mut Spread { u, width, out });
        check::all_fit(operation, "the product", out)
    }

    /// Writes to `out` (n × `width`) where the plan takes each row: the mean of `y`
    /// (m × `width`) under its share of the plan, `Σ_j P_ij y_j / Σ_j P_ij`. For the squared
    /// Euclidean cost this is the map that the plan induces.
    ///
    /// The row of an atom without mass, `0/0`, is zero by definition: no place is better than
    /// another. Cost and error as in [`State::apply_plan`].
    ///
    /// # Errors
    /// As [`State::apply_plan`].
    pub fn barycentric_projection(
        &mut self,
        y: &[T],
        width: usize,
        out: &mut [T],
    ) -> Result<(), Error> {
        self.combine_columns("barycentric_projection", "y", (y, width), true, out)
    }

    fn combine_columns(
        &mut self,
        operation: &'static str,
        argument: &'static str,
        (v, width): (&[T], usize),
        mean: bool,
        out: &mut [T],
    ) -> Result<(), Error> {
        let (n, m) = (self.f.len(), self.g.len());
        check::at_least_one(operation, "width", width)?;
        check::shape(operation, argument, v, m.saturating_mul(width))?;
        check::shape(operation, "out", out, n.saturating_mul(width))?;
        check::finite(operation, argument, v)?;
        out.fill(T::zero());
        self.visit_plan(&mut Gather {
            v,
            width,
            mean,
            out,
        });
        check::all_fit(operation, "the product", out)
    }
}

/// Rows of `P v`.
pub(super) struct Gather<'v, T> {
    pub(super) v: &'v [T],
    pub(super) width: usize,
    /// Whether they are divided by the mass of the row.
    pub(super) mean: bool,
    pub(super) out: &'v mut [T],
}

impl<T: Real> Visitor<T> for Gather<'_, T> {
    type Part<'p>
        = Gather<'p, T>
    where
        Self: 'p;

    fn writes(&self) -> Writes {
        Writes::Rows
    }

    fn work(&self) -> usize {
        self.width
    }

    fn parts(&mut self, round: Round) -> impl Iterator<Item = Gather<'_, T>> {
        let (v, width, mean) = (self.v, self.width, self.mean);
        let rows = round.rows_mut(self.out, width);
        rows.map(move |out| Gather {
            v,
            width,
            mean,
            out,
        })
    }
}

impl<T: Real> Part<T> for Gather<'_, T> {
    #[inline(always)]
    fn row<L: Level>(&mut self, i: usize, _: &[T], masses: &[T]) {
        let Some(out) = self.out.chunks_exact_mut(self.width.max(1)).nth(i) else {
            return;
        };
        // Shares of the row, so that a light row keeps its digits.
        let total = if self.mean {
            vector::sum_of(masses, |mass| mass)
        } else {
            T::one()
        };
        if !(total > T::zero()) {
            return;
        }
        if let [out] = out {
            *out = vector::reduce(masses, self.v, |mass, v| mass / total * v);
            return;
        }
        for (v, &mass) in self.v.chunks_exact(self.width.max(1)).zip(masses) {
            if mass != T::zero() {
                vector::add_scaled(out, mass / total, v);
            }
        }
    }
}

/// Rows of P, times those of u, added up.
pub(super) struct Spread<'v, T> {
    pub(super) u: &'v [T],
    pub(super) width: usize,
    pub(super) out: &'v mut [T],
}

impl<T: Real> Visitor<T> for Spread<'_, T> {
    type Part<'p>
        = Spread<'p, T>
    where
        Self: 'p;

    fn writes(&self) -> Writes {
        Writes::Both
    }

    fn work(&self) -> usize {
        self.width
    }

    fn parts(&mut self, round: Round) -> impl Iterator<Item = Spread<'_, T>> {
        let (u, width) = (self.u, self.width);
        let columns = round.columns_mut(self.out, width).enumerate();
        columns.map(move |(block, out)| Spread {
            u: round.of_rows(u, width, block),
            width,
            out,
        })
    }
}

impl<T: Real> Part<T> for Spread<'_, T> {
    #[inline(always)]
    fn row<L: Level>(&mut self, i: usize, _: &[T], masses: &[T]) {
        let Some(u) = self.u.chunks_exact(self.width.max(1)).nth(i) else {
            return;
        };
        if let [u] = u {
            vector::add_scaled(self.out, *u, masses);
            return;
        }
        for (out, &mass) in self.out.chunks_exact_mut(self.width.max(1)).zip(masses) {
            if mass != T::zero() {
                vector::add_scaled(out, mass, u);
            }
        }
    }
}
