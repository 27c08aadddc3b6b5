//! The Hessian of the dual objective as an operator, and linear systems with it.
//!
//! The dual objective `D(f, g)` has the second derivative `−H/ε`,
//!
//! `H = [ diag(r + ε a exp(−f/ρ_a)/ρ_a)   P ;   Pᵀ   diag(c + ε b exp(−g/ρ_b)/ρ_b) ]`,
//!
//! r and c the row and column sums of the plan P; terms of an imposed side (ρ = ∞) are
//! absent. H is symmetric and positive semidefinite:
//! `⟨x,Hx⟩ = Σ P_ij (x_i + x_j)² + …`. In a balanced problem the shift `(1, −1)` is in
//! its kernel, so a right-hand side needs equal sums on both sides; if forbidden pairs
//! or underflow cut the plan into parts, each part has such a kernel of its own.
//!
//! Conjugate gradients (Hestenes & Stiefel 1952) with the diagonal as preconditioner:
//! the same as on `[I S; Sᵀ I]`, `S = diag(r)^−½ P diag(c)^−½`, whose eigenvalues are
//! `1 ± σ`. With σ₂ the second largest singular value, the error shrinks by about
//! `(1 − √(1−σ₂²))/σ₂` in an iteration, where Sinkhorn has σ₂². (Eliminating one side
//! halves the iterations, and doubles the sweeps of each.) Residuals are projected to
//! equal sums in every iteration, so that rounding does not feed the kernel.
//!
//! Cost: one sweep over the plan in an iteration. Memory: five vectors of n + m.

use super::gradient::Constants;
use super::plan::{Coupling, Stream};
use super::sums::Sums;
use crate::{Error, Real, vector};

/// When conjugate gradients stop.
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

/// Vectors of conjugate gradients; each holds n numbers, then m.
pub(super) struct Vectors<'w, T> {
    n: usize,
    /// The solution.
    pub(super) solution: &'w mut [T],
    /// The right-hand side at first.
    pub(super) residual: &'w mut [T],
    direction: &'w mut [T],
    product: &'w mut [T],
    diagonal: &'w mut [T],
}

/// Elements that [`Vectors::new`] needs.
pub(super) fn vectors_len(n: usize, m: usize) -> usize {
    n.saturating_add(m).saturating_mul(5)
}

/// Why the iteration ended before the tolerance.
pub(super) struct Stalled<T> {
    pub(super) iterations: usize,
    pub(super) residual: T,
}

impl<'w, T: Real> Vectors<'w, T> {
    /// Cuts a workspace of [`vectors_len`].
    pub(super) fn new(n: usize, m: usize, workspace: &'w mut [T]) -> Self {
        let (solution, rest) = workspace.split_at_mut(n + m);
        let (residual, rest) = rest.split_at_mut(n + m);
        let (direction, rest) = rest.split_at_mut(n + m);
        let (product, diagonal) = rest.split_at_mut(n + m);
        Self {
            n,
            solution,
            residual,
            direction,
            product,
            diagonal,
        }
    }

    /// The right-hand side in its two parts, and two parts of scratch.
    pub(super) fn sides(&mut self) -> [(&mut [T], &mut [T]); 2] {
        let n = self.n;
        [self.residual.split_at_mut(n), self.product.split_at_mut(n)]
    }

    /// The solution in its two parts, and four parts of scratch.
    #[allow(clippy::type_complexity)] // Three pairs.
    pub(super) fn solved(&mut self) -> ((&[T], &[T]), [(&mut [T], &mut [T]); 2]) {
        let n = self.n;
        let scratch = [self.product.split_at_mut(n), self.direction.split_at_mut(n)];
        (self.solution.split_at(n), scratch)
    }

    /// Writes the diagonal of H.
    pub(super) fn prepare(
        &mut self,
        plan: &Coupling<'_, T>,
        stream: &mut Stream<'_, T>,
        constants: &Constants<T>,
    ) {
        self.marginals(plan, stream);
        self.add_prices(plan, constants);
    }

    /// Writes the gradient of the dual objective to the right-hand side, and the diagonal.
    pub(super) fn gradient(
        &mut self,
        plan: &Coupling<'_, T>,
        stream: &mut Stream<'_, T>,
        constants: &Constants<T>,
    ) {
        self.marginals(plan, stream);
        let (rows, columns) = self.residual.split_at_mut(self.n);
        let (of_rows, of_columns) = self.diagonal.split_at(self.n);
        let sides = [
            (
                rows,
                of_rows,
                plan.a,
                plan.f,
                constants.rho.0,
                constants.mass.0,
            ),
            (
                columns,
                of_columns,
                plan.b,
                plan.g,
                constants.rho.1,
                constants.mass.1,
            ),
        ];
        for (out, sums, shares, potentials, rho, mass) in sides {
            let atoms = sums.iter().zip(shares).zip(potentials);
            for (slot, ((&sum, &share), &p)) in out.iter_mut().zip(atoms) {
                *slot = if share > T::zero() {
                    share * mass * Constants::wanted(p, rho) - sum
                } else {
                    T::zero()
                };
            }
        }
        self.add_prices(plan, constants);
    }

    /// Writes r and c where the diagonal will be.
    fn marginals(&mut self, plan: &Coupling<'_, T>, stream: &mut Stream<'_, T>) {
        let (rows, columns) = self.diagonal.split_at_mut(self.n);
        Sums {
            s: T::one(),
            t: T::zero(),
            k: T::zero(),
            u: None,
            v: None,
            rows: Some(rows),
            columns: Some(columns),
        }
        .of(plan, stream);
    }

    /// From r and c to the diagonal.
    fn add_prices(&mut self, plan: &Coupling<'_, T>, constants: &Constants<T>) {
        let (rows, columns) = self.diagonal.split_at_mut(self.n);
        let (epsilon, (rho_a, rho_b)) = (constants.epsilon, constants.rho);
        let sides = [
            (rows, plan.a, plan.f, rho_a, constants.mass.0),
            (columns, plan.b, plan.g, rho_b, constants.mass.1),
        ];
        for (sums, shares, potentials, rho, mass) in sides {
            if rho == T::infinity() {
                continue;
            }
            for ((slot, &share), &p) in sums.iter_mut().zip(shares).zip(potentials) {
                if share > T::zero() {
                    *slot += epsilon * (share * mass) * Constants::wanted(p, rho) / rho;
                }
            }
        }
        // An atom that the plan does not reach has no equation.
        for slot in self.diagonal.iter_mut() {
            if !slot.is_normal() {
                *slot = T::zero();
            }
        }
    }

    /// The first entry of the right-hand side that no equation belongs to.
    pub(super) fn unreached(&self) -> Option<(usize, T)> {
        let entries = self.residual.iter().zip(self.diagonal.iter());
        let mut entries = entries.enumerate();
        let found = entries.find(|(_, (rhs, d))| **d == T::zero() && **rhs != T::zero());
        found.map(|(index, (rhs, _))| (index, *rhs))
    }

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

    /// `product = H · direction`.
    fn multiply(&mut self, plan: &Coupling<'_, T>, stream: &mut Stream<'_, T>) {
        let (u, v) = self.direction.split_at(self.n);
        let (rows, columns) = self.product.split_at_mut(self.n);
        Sums {
            s: T::zero(),
            t: T::zero(),
            k: T::one(),
            u: Some(u),
            v: Some(v),
            rows: Some(rows),
            columns: Some(columns),
        }
        .of(plan, stream);
        let entries = self.diagonal.iter().zip(self.direction.iter());
        for (out, (&d, &p)) in self.product.iter_mut().zip(entries) {
            *out = if d > T::zero() {
                *out + d * p
            } else {
                T::zero()
            };
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
        let (rows, columns) = self.residual.split_at_mut(self.n);
        let excess = vector::sum_of(rows, |r| r) - vector::sum_of(columns, |r| r);
        let (of_rows, of_columns) = self.diagonal.split_at(self.n);
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
