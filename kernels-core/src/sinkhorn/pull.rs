//! From a gradient W with respect to the costs to one with respect to the points; formulas
//! are with [`PointGradients`].
//!
//! For the cosine cost `½‖u − v‖²` is differentiated: the term in `u_i` is radial and vanishes
//! in the projection, but differences are what keeps digits when u and v are close. W may have
//! any sign; it comes row by row and is never stored.

use super::blocks::Round;
use crate::cost::Cost;
use crate::{Error, Real, check, normalize, vector};

/// The clouds whose costs a problem holds, and where their gradients go. If the cost
/// matrix was divided by a constant, divide the result by it too.
///
/// With `W_ij = ∂L/∂C_ij`, which for the regularised value is the plan,
/// `∂L/∂x_i = Σ_j W_ij ∂C_ij/∂x_i`:
///
/// | cost | `∂L/∂x_i` |
/// |---|---|
/// | squared Euclidean | `2 Σ_j W_ij (x_i − y_j)` |
/// | cosine | `(I − u_i u_iᵀ) Σ_j W_ij (u_i − v_j) / ‖x_i‖`, `u = x/‖x‖`, `v = y/‖y‖` |
///
/// and the same with the roles exchanged for y. W is never stored: `n m dim` multiplications
/// on a sweep over the plan, and no memory of the size n × m.
#[derive(Debug)]
pub struct PointGradients<'g, T> {
    /// The cost between two rows.
    pub cost: Cost,
    /// `n × dim`, row-major.
    pub x: &'g [T],
    /// `m × dim`, row-major.
    pub y: &'g [T],
    /// Numbers in a row.
    pub dim: usize,
    /// As long as `x`; overwritten.
    pub grad_x: &'g mut [T],
    /// As long as `y`; overwritten.
    pub grad_y: &'g mut [T],
}

impl<T: Real> PointGradients<'_, T> {
    /// Checks lengths and directions and starts from zero. `reciprocals`, m of them, is
    /// to be passed on unchanged.
    pub(super) fn begin(
        &mut self,
        operation: &'static str,
        n: usize,
        m: usize,
        reciprocals: &mut [T],
    ) -> Result<(), Error> {
        let dim = self.dim;
        check::at_least_one(operation, "dim", dim)?;
        check::shape(operation, "x", self.x, n.saturating_mul(dim))?;
        check::shape(operation, "y", self.y, m.saturating_mul(dim))?;
        check::shape(operation, "grad_x", self.grad_x, self.x.len())?;
        check::shape(operation, "grad_y", self.grad_y, self.y.len())?;
        let columns = reciprocals.iter_mut().zip(self.y.chunks_exact(dim));
        for (index, (slot, row)) in columns.enumerate() {
            *slot = reciprocal_norm(operation, self.cost, "y", row, index)?;
        }
        for (i, row) in self.x.chunks_exact(dim).enumerate() {
            reciprocal_norm(operation, self.cost, "x", row, i)?;
        }
        self.grad_x.fill(T::zero());
        self.grad_y.fill(T::zero());
        Ok(())
    }

    /// Their parts in a round, one for each row block.
    pub(super) fn parts<'p>(
        &'p mut self,
        round: Round,
        reciprocals: &'p [T],
    ) -> impl Iterator<Item = PullPart<'p, T>> {
        let (cost, dim, x, y) = (self.cost, self.dim.max(1), self.x, self.y);
        let grads = round.rows_mut(self.grad_x, dim);
        let grads = grads.zip(round.columns_mut(self.grad_y, dim)).enumerate();
        grads.map(move |(block, (grad_x, grad_y))| PullPart {
            cost,
            dim,
            x: round.of_rows(x, dim, block),
            y: round.of_columns(y, dim, block),
            reciprocals: round.of_columns(reciprocals, 1, block),
            grad_x,
            grad_y,
        })
    }

    /// From the sums of the shares to the gradients.
    pub(super) fn finish(
        &mut self,
        operation: &'static str,
        reciprocals: &[T],
    ) -> Result<(), Error> {
        let dim = self.dim.max(1);
        let rows = self.x.chunks_exact(dim);
        for (row, grad) in rows.zip(self.grad_x.chunks_exact_mut(dim)) {
            finish(self.cost, row, row_reciprocal(self.cost, row), grad);
        }
        let rows = self.y.chunks_exact(dim);
        let rows = rows.zip(self.grad_y.chunks_exact_mut(dim));
        for ((row, grad), &reciprocal) in rows.zip(reciprocals) {
            finish(self.cost, row, reciprocal, grad);
        }
        check::all_fit(operation, "the gradient", self.grad_x)?;
        check::all_fit(operation, "the gradient", self.grad_y)
    }
}

/// The points of one block.
pub(super) struct PullPart<'p, T> {
    cost: Cost,
    dim: usize,
    x: &'p [T],
    y: &'p [T],
    reciprocals: &'p [T],
    grad_x: &'p mut [T],
    grad_y: &'p mut [T],
}

impl<T: Real> PullPart<'_, T> {
    /// Adds row i of W, where `weight(j, c, mass)` is its entry in column j.
    #[inline(always)]
    pub(super) fn add_row(
        &mut self,
        i: usize,
        (costs, masses): (&[T], &[T]),
        weight: impl Fn(usize, T, T) -> T,
    ) {
        let dim = self.dim;
        let range = i * dim..(i + 1) * dim;
        let (Some(x), Some(gx)) = (self.x.get(range.clone()), self.grad_x.get_mut(range)) else {
            return;
        };
        let r = row_reciprocal(self.cost, x);
        let columns = self.y.chunks_exact(dim);
        let columns = columns.zip(self.grad_y.chunks_exact_mut(dim));
        let columns = columns.zip(self.reciprocals).zip(costs.iter().zip(masses));
        for (j, (((y, gy), &s), (&c, &mass))) in columns.enumerate() {
            if mass != T::zero() {
                pull_together(weight(j, c, mass), (x, r, &mut *gx), (y, s, gy));
            }
        }
    }
}

/// What a row, whose norm has been checked, is multiplied by before differences are taken.
#[inline(always)]
fn row_reciprocal<T: Real>(cost: Cost, row: &[T]) -> T {
    match cost {
        Cost::SquaredEuclidean => T::one(),
        Cost::Cosine => vector::norm(row).recip(),
    }
}

fn reciprocal_norm<T: Real>(
    operation: &'static str,
    cost: Cost,
    argument: &'static str,
    row: &[T],
    index: usize,
) -> Result<T, Error> {
    match cost {
        Cost::SquaredEuclidean => Ok(T::one()),
        Cost::Cosine => Ok(normalize::checked_norm(operation, argument, row, index)?.recip()),
    }
}

/// One pair's share, `w (r x − s y)`, of both gradients.
#[inline(always)]
fn pull_together<T: Real>(weight: T, x: (&[T], T, &mut [T]), y: (&[T], T, &mut [T])) {
    let ((x, r, gx), (y, s, gy)) = (x, y);
    for ((a, gx), (b, gy)) in x.iter().zip(gx).zip(y.iter().zip(gy)) {
        let pull = weight * (*a * r - *b * s);
        *gx += pull;
        *gy -= pull;
    }
}

#[inline(always)]
fn finish<T: Real>(cost: Cost, row: &[T], reciprocal: T, grad: &mut [T]) {
    match cost {
        Cost::SquaredEuclidean => vector::scale(grad, T::of(2.0)),
        Cost::Cosine => normalize::project(row, reciprocal, reciprocal.recip(), grad),
    }
}
