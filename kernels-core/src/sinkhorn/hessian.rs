//! The Hessian of the dual objective as an operator.
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
//! Cost of a product: one sweep over the plan. Memory: five vectors of n + m, with those of
//! `conjugate_gradient`.

use super::coupling::{Coupling, Stream};
use super::gradient::{Constants, Prices};
use super::sums::Sums;
use crate::{Real, check};

/// Vectors of conjugate gradients; each holds n numbers, then m.
pub(super) struct Vectors<'w, T> {
    pub(super) n: usize,
    /// The solution.
    pub(super) solution: &'w mut [T],
    /// The right-hand side at first.
    pub(super) residual: &'w mut [T],
    pub(super) direction: &'w mut [T],
    pub(super) product: &'w mut [T],
    pub(super) diagonal: &'w mut [T],
}

/// Elements that [`Vectors::new`] needs.
pub(super) fn vectors_len(n: usize, m: usize) -> usize {
    n.saturating_add(m).saturating_mul(5)
}

impl<'w, T: Real> Vectors<'w, T> {
    /// Cuts a workspace of [`vectors_len`].
    pub(super) fn new(n: usize, m: usize, workspace: &'w mut [T]) -> Self {
        let mut rest = workspace;
        let mut take = || check::take(&mut rest, n + m);
        Self {
            n,
            solution: take(),
            residual: take(),
            direction: take(),
            product: take(),
            diagonal: take(),
        }
    }

    /// The right-hand side in its two parts, and two parts of scratch.
    pub(super) fn sides(&mut self) -> [(&mut [T], &mut [T]); 2] {
        let n = self.n;
        [parts_mut(self.residual, n), parts_mut(self.product, n)]
    }

    /// The solution in its two parts, and four parts of scratch.
    #[allow(clippy::type_complexity)] // Three pairs.
    pub(super) fn solved(&mut self) -> ((&[T], &[T]), [(&mut [T], &mut [T]); 2]) {
        let n = self.n;
        let scratch = [parts_mut(self.product, n), parts_mut(self.direction, n)];
        (parts(self.solution, n), scratch)
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
        let (rows, columns) = parts_mut(self.residual, self.n);
        let (of_rows, of_columns) = parts(self.diagonal, self.n);
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
                    share * mass * Prices::wanted(p, rho) - sum
                } else {
                    T::zero()
                };
            }
        }
        self.add_prices(plan, constants);
    }

    /// Writes r and c where the diagonal will be.
    fn marginals(&mut self, plan: &Coupling<'_, T>, stream: &mut Stream<'_, T>) {
        let (rows, columns) = parts_mut(self.diagonal, self.n);
        Sums::marginals(Some(rows), Some(columns)).of(plan, stream);
    }

    /// From r and c to the diagonal.
    fn add_prices(&mut self, plan: &Coupling<'_, T>, constants: &Constants<T>) {
        let (rows, columns) = parts_mut(self.diagonal, self.n);
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
                    *slot += epsilon * (share * mass) * Prices::wanted(p, rho) / rho;
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

    /// `product = H · direction`.
    pub(super) fn multiply(&mut self, plan: &Coupling<'_, T>, stream: &mut Stream<'_, T>) {
        let (u, v) = parts(self.direction, self.n);
        let (rows, columns) = parts_mut(self.product, self.n);
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
}

/// A vector in its two parts.
pub(super) fn parts<T>(vector: &[T], n: usize) -> (&[T], &[T]) {
    vector.split_at(n.min(vector.len()))
}

/// The same, to be written.
pub(super) fn parts_mut<T>(vector: &mut [T], n: usize) -> (&mut [T], &mut [T]) {
    vector.split_at_mut(n.min(vector.len()))
}
