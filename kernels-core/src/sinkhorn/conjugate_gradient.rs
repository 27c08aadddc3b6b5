//! Linear systems with the Hessian, by conjugate gradients, one sweep over the plan in an
//! iteration; how fast they converge is with [`ImplicitOptions`].
//!
//! Eliminating one side halves the iterations, and doubles the sweeps of each. Residuals are
//! projected to equal sums in every iteration, so that rounding does not feed the kernel.

use super::coupling::{Coupling, Stream};
use super::gradient::Constants;
use super::hessian::{Vectors, parts, parts_mut};
use crate::{Error, Real, vector};

/// When conjugate gradients stop, by which
/// [`State::implicit_gradient`](super::State::implicit_gradient) solves its linear system.
///
/// They (Hestenes & Stiefel 1952) have the diagonal of the system as preconditioner: the same
/// as on `[I S; Sᵀ I]`, `S = diag(r)^−½ P diag(c)^−½` with the row and column sums r and c of
/// the plan, whose eigenvalues are `1 ± σ`. With σ₂ the second largest singular value of S,
/// the error shrinks by about `(1 − √(1−σ₂²))/σ₂` in an iteration, where Sinkhorn has σ₂².
/// Cost: one sweep over the plan in an iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImplicitOptions<T> {
    /// Size of the residual, relative to that of the right-hand side, both measured in
    /// the norm that the preconditioner induces. About `κu` is the least that makes
    /// sense, κ = 1 + (max|f| + max|g|)/ε.
    pub tolerance: T,
    /// Iterations at most; in exact arithmetic `n + m` always suffice.
    pub max_iterations: usize,
}

/// How the linear system was solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearSolve<T> {
    /// Iterations of conjugate gradients.
    pub iterations: usize,
    /// The relative residual, at most the tolerance.
    pub residual: T,
}

/// Why the iteration ended before the tolerance.
pub(super) struct Stalled<T> {
    pub(super) iterations: usize,
    pub(super) residual: T,
}

impl<T: Real> Vectors<'_, T> {
    /// Solves `H · solution = residual` after [`Vectors::prepare`].
    pub(super) fn solve(
        &mut self,
        plan: &Coupling<'_, T>,
        stream: &mut Stream<'_, T>,
        constants: &Constants<T>,
        options: &ImplicitOptions<T>,
    ) -> Result<LinearSolve<T>, Stalled<T>> {
        self.solution.fill(T::zero());
        // In units of its largest entry squares neither overflow nor vanish.
        let unit = self
            .residual
            .iter()
            .fold(T::zero(), |peak, r| peak.max(r.abs()));
        if unit == T::zero() {
            return Ok(LinearSolve {
                iterations: 0,
                residual: T::zero(),
            });
        }
        for r in self.residual.iter_mut() {
            *r /= unit;
        }
        let balanced = constants.balanced;
        self.equalise(balanced);
        self.direction.fill(T::zero());
        let first = self.preconditioned_square();
        let (mut square, mut before) = (first, T::infinity());
        let mut iterations = 0;
        let relative = |square: T| (square / first).sqrt();
        // NaN is not within the tolerance.
        while !(first == T::zero() || relative(square) <= options.tolerance) {
            if iterations >= options.max_iterations {
                break;
            }
            let beta = square / before;
            for ((p, &r), &d) in self
                .direction
                .iter_mut()
                .zip(self.residual.iter())
                .zip(self.diagonal.iter())
            {
                *p = if d > T::zero() {
                    r / d + beta * *p
                } else {
                    T::zero()
                };
            }
            self.multiply(plan, stream);
            let curvature = vector::dot(self.direction, self.product);
            if !(curvature > T::zero()) {
                break;
            }
            let step = square / curvature;
            vector::add_scaled(self.solution, step, self.direction);
            vector::add_scaled(self.residual, -step, self.product);
            self.equalise(balanced);
            before = square;
            square = self.preconditioned_square();
            iterations += 1;
        }
        vector::scale(self.solution, unit);
        let residual = if first == T::zero() {
            T::zero()
        } else {
            relative(square)
        };
        if residual <= options.tolerance {
            Ok(LinearSolve {
                iterations,
                residual,
            })
        } else {
            Err(Stalled {
                iterations,
                residual,
            })
        }
    }

    /// `⟨r, diag⁻¹ r⟩`.
    fn preconditioned_square(&self) -> T {
        vector::reduce(self.residual, self.diagonal, |r, d| {
            if d > T::zero() {
                r * (r / d)
            } else {
                T::zero()
            }
        })
    }

    /// Makes the sums of both sides of the residual equal, in a balanced problem.
    fn equalise(&mut self, balanced: bool) {
        if !balanced {
            return;
        }
        let total = vector::sum_of(self.diagonal, |d| d);
        let (rows, columns) = parts_mut(self.residual, self.n);
        let excess = vector::sum_of(rows, |r| r) - vector::sum_of(columns, |r| r);
        let (of_rows, of_columns) = parts(self.diagonal, self.n);
        vector::add_scaled(rows, -excess / total, of_rows);
        vector::add_scaled(columns, excess / total, of_columns);
    }
}

impl<T: Real> Stalled<T> {
    pub(super) fn error(&self, operation: &'static str, tolerance: T) -> Error {
        Error::NotConverged {
            operation,
            iterations: self.iterations,
            expected: tolerance.wide(),
            got: self.residual.wide(),
        }
    }
}
