//! The envelope gradient: how the optimal value moves with the points.
//!
//! At the optimum the plan and the potentials do not contribute to first order, so
//! `∂V/∂x_i = Σ_j P_ij ∂C_ij/∂x_i`:
//!
//! | cost | `∂V/∂x_i` |
//! |---|---|
//! | squared Euclidean | `2 Σ_j P_ij (x_i − y_j)` |
//! | cosine | `(I − u_i u_iᵀ) Σ_j P_ij (u_i − v_j) / ‖x_i‖` |
//!
//! and the same with the roles exchanged for y. (For the cosine cost `½‖u − v‖²` is
//! differentiated; the term in `u_i` is radial and vanishes in the projection, but
//! differences are what keeps digits when u and v are close.)
//!
//! This is the gradient of the regularised value at convergence. Before it, the error
//! is of the order of the marginal error, far larger than that of the value, which is
//! of second order; and for the sharp cost `⟨P,C⟩` it is the wrong gradient.

use super::State;
use super::plan::PlanVisitor;
use crate::cost::Cost;
use crate::level::Level;
use crate::{Error, Real, check, normalize, vector};

const OPERATION: &str = "envelope_gradient";

impl<T: Real> State<'_, T> {
    /// Writes the gradient of the regularised value with respect to the points whose
    /// costs the problem holds: `x` (n rows) to `grad_x`, `y` (m rows) to `grad_y`.
    /// If the cost matrix was divided by a constant, divide the result by it too.
    ///
    /// # Errors
    /// Wrong lengths, a row without direction under [`Cost::Cosine`], or a gradient
    /// that does not fit the scalar type.
    pub fn envelope_gradient(
        &mut self,
        cost: Cost,
        x: &[T],
        y: &[T],
        dim: usize,
        grad_x: &mut [T],
        grad_y: &mut [T],
    ) -> Result<(), Error> {
        let (n, m) = (self.f.len(), self.g.len());
        check::at_least_one(OPERATION, "dim", dim)?;
        check::shape(OPERATION, "x", x, n.saturating_mul(dim))?;
        check::shape(OPERATION, "y", y, m.saturating_mul(dim))?;
        check::shape(OPERATION, "grad_x", grad_x, x.len())?;
        check::shape(OPERATION, "grad_y", grad_y, y.len())?;
        // The column sums are free between steps.
        let y_reciprocals = self.memory.columns.split_at_mut(m).0;
        reciprocal_norms(cost, "y", y, dim, y_reciprocals)?;
        for (i, row) in x.chunks_exact(dim).enumerate() {
            reciprocal_norm(cost, "x", row, i)?;
        }
        grad_x.fill(T::zero());
        grad_y.fill(T::zero());
        let columns = core::mem::take(&mut self.memory.columns);
        self.visit_plan(&mut Pull {
            cost,
            x,
            y,
            y_reciprocals: columns,
            dim,
            grad_x,
            grad_y,
        });
        let y_reciprocals = columns.iter();
        let rows = y.chunks_exact(dim).zip(grad_y.chunks_exact_mut(dim));
        for ((y_row, gy), &s) in rows.zip(y_reciprocals) {
            finish(cost, y_row, s, gy);
        }
        self.memory.columns = columns;
        check::all_fit(OPERATION, "the gradient", grad_x)?;
        check::all_fit(OPERATION, "the gradient", grad_y)
    }
}

/// Adds up the pulls of all pairs.
struct Pull<'p, T> {
    cost: Cost,
    x: &'p [T],
    y: &'p [T],
    y_reciprocals: &'p [T],
    dim: usize,
    grad_x: &'p mut [T],
    grad_y: &'p mut [T],
}

impl<T: Real> PlanVisitor<T> for Pull<'_, T> {
    #[inline(always)]
    fn row<L: Level>(&mut self, i: usize, _: &[T], masses: &[T]) {
        let range = i * self.dim..(i + 1) * self.dim;
        let (Some(x_row), Some(gx)) = (self.x.get(range.clone()), self.grad_x.get_mut(range))
        else {
            return;
        };
        let r = match self.cost {
            Cost::SquaredEuclidean => T::one(),
            // Its norm has been checked.
            Cost::Cosine => vector::norm(x_row).recip(),
        };
        let dim = self.dim;
        let columns = self
            .y
            .chunks_exact(dim)
            .zip(self.grad_y.chunks_exact_mut(dim));
        let columns = columns.zip(self.y_reciprocals).zip(masses);
        for (((y_row, gy), &s), &mass) in columns {
            if mass != T::zero() {
                pull_together(mass, (x_row, r, gx), (y_row, s, gy));
            }
        }
        finish(self.cost, x_row, r, gx);
    }
}

/// What a row is multiplied by before distances are taken.
fn reciprocal_norm<T: Real>(
    cost: Cost,
    argument: &'static str,
    row: &[T],
    index: usize,
) -> Result<T, Error> {
    match cost {
        Cost::SquaredEuclidean => Ok(T::one()),
        Cost::Cosine => Ok(normalize::checked_norm(OPERATION, argument, row, index)?.recip()),
    }
}

fn reciprocal_norms<T: Real>(
    cost: Cost,
    argument: &'static str,
    points: &[T],
    dim: usize,
    out: &mut [T],
) -> Result<(), Error> {
    for (index, (slot, row)) in out.iter_mut().zip(points.chunks_exact(dim)).enumerate() {
        *slot = reciprocal_norm(cost, argument, row, index)?;
    }
    Ok(())
}

/// One pair's share, `P (r x − s y)`, of both gradients.
#[inline(always)]
fn pull_together<T: Real>(mass: T, x: (&[T], T, &mut [T]), y: (&[T], T, &mut [T])) {
    let ((x, r, gx), (y, s, gy)) = (x, y);
    for ((a, gx), (b, gy)) in x.iter().zip(gx).zip(y.iter().zip(gy)) {
        let pull = mass * (*a * r - *b * s);
        *gx += pull;
        *gy -= pull;
    }
}

/// From the sum of the shares to the gradient.
#[inline(always)]
fn finish<T: Real>(cost: Cost, row: &[T], reciprocal: T, grad: &mut [T]) {
    match cost {
        Cost::SquaredEuclidean => vector::scale(grad, T::of(2.0)),
        Cost::Cosine => normalize::project(row, reciprocal, reciprocal.recip(), grad),
    }
}
