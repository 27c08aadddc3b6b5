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
use crate::cost::Cost;
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
        let (n, m) = (self.weights().0.len(), self.weights().1.len());
        check::at_least_one(OPERATION, "dim", dim)?;
        check::shape(OPERATION, "x", x, n.saturating_mul(dim))?;
        check::shape(OPERATION, "y", y, m.saturating_mul(dim))?;
        check::shape(OPERATION, "grad_x", grad_x, x.len())?;
        check::shape(OPERATION, "grad_y", grad_y, y.len())?;
        let y_reciprocals = self.take_scratch();
        let done = reciprocal_norms(cost, "y", y, dim, y_reciprocals).and_then(|()| {
            grad_x.fill(T::zero());
            grad_y.fill(T::zero());
            let rows = x
                .chunks_exact(dim)
                .zip(grad_x.chunks_exact_mut(dim))
                .enumerate();
            for ((i, (x_row, gx)), plan_row) in rows.zip(self.plan_rows()) {
                let r = reciprocal_norm(cost, "x", x_row, i)?;
                let columns = y.chunks_exact(dim).zip(grad_y.chunks_exact_mut(dim));
                let columns = columns.zip(y_reciprocals.iter()).zip(plan_row);
                for (((y_row, gy), &s), (mass, _)) in columns {
                    if mass != T::zero() {
                        pull_together(mass, (x_row, r, gx), (y_row, s, gy));
                    }
                }
                finish(cost, x_row, r, gx);
            }
            let rows = y.chunks_exact(dim).zip(grad_y.chunks_exact_mut(dim));
            for ((y_row, gy), &s) in rows.zip(y_reciprocals.iter()) {
                finish(cost, y_row, s, gy);
            }
            Ok(())
        });
        self.return_scratch(y_reciprocals);
        done?;
        check::all_fit(OPERATION, "the gradient", grad_x)?;
        check::all_fit(OPERATION, "the gradient", grad_y)
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
fn finish<T: Real>(cost: Cost, row: &[T], reciprocal: T, grad: &mut [T]) {
    match cost {
        Cost::SquaredEuclidean => vector::scale(grad, T::of(2.0)),
        Cost::Cosine => normalize::project(row, reciprocal, reciprocal.recip(), grad),
    }
}
