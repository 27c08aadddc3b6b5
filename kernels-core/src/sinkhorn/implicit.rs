//! Implicit differentiation: gradients of what depends on the converged potentials, by one
//! linear system with H of `hessian`, solved in `conjugate_gradient`; the direct part is
//! `adjoint`'s. Formulas, and when they are right, are with [`State::implicit_gradient`].

use super::State;
use super::adjoint::{Cotangents, Through};
use super::conjugate_gradient::{ImplicitOptions, LinearSolve};
use super::gradients::{Gradients, finite_slopes};
use super::hessian::{Vectors, vectors_len};
use crate::{Error, Real, check};

const OPERATION: &str = "implicit_gradient";

/// Workspace elements for [`State::implicit_gradient`]: `5 (n + m) + m`.
#[must_use]
pub fn implicit_workspace_len(n: usize, m: usize) -> usize {
    vectors_len(n, m).saturating_add(m)
}

impl<T: Real> State<'_, T> {
    /// Writes the gradients of a loss that depends on the converged solution as
    /// `cotangents` says. The state is to be converged; nothing checks it, since how well
    /// is for the caller to judge from the marginal error.
    ///
    /// At the optimum, `Σ_j P_ij = a_i exp(−f_i/ρ_a)` and likewise for columns. Both sides
    /// differentiated (the derivation is in `docs/numerics.md`):
    ///
    /// `H (df, dg) = ( Σ_j P_ij (dC_ij − ε db_j/b_j) ; Σ_i P_ij (dC_ij − ε da_i/a_i) )`,
    ///
    /// `H = [ diag(r + ε a exp(−f/ρ_a)/ρ_a)   P ;   Pᵀ   diag(c + ε b exp(−g/ρ_b)/ρ_b) ]`,
    ///
    /// r and c the row and column sums of P; terms of an imposed side (ρ = ∞) are absent. (The
    /// dual objective has the second derivative `−H/ε`.) A loss with the derivatives `(f̄, ḡ)`
    /// by the potentials therefore has, with `H λ = (f̄, ḡ)`, one linear system whatever the
    /// number of parameters,
    ///
    /// | by | gradient, beside the direct part that [`Cotangents`] tells |
    /// |---|---|
    /// | `C_ij` | `P_ij (λ_i + λ_j)` |
    /// | `a_i` | `−(ε/a_i) Σ_j P_ij λ_j` |
    /// | `b_j` | `−(ε/b_j) Σ_i P_ij λ_i` |
    /// | points | through the costs, as [`PointGradients`](super::PointGradients) says |
    ///
    /// `λ_i` of the rows, `λ_j` of the columns. The sums over the weights are taken from the
    /// exponentials, so they have a value at weight zero too.
    ///
    /// **When it is right:** at convergence, for the sharp cost `⟨P,C⟩` and the potentials;
    /// for the regularised value it is the envelope gradient ([`State::envelope_gradient`]), and
    /// there is no system to solve. The error is of the order of the marginal error plus the
    /// tolerance, magnified by `1/(1 − σ₂)`, σ₂ the second largest singular value of
    /// `diag(r)^−½ P diag(c)^−½`: nearly one-to-one plans, which Sinkhorn finds slowly, are also
    /// those whose potentials react strongly. Stopped early, prefer [`State::record`]. If the
    /// plan falls into parts, between which potentials are arbitrary, the sharp cost still has
    /// a gradient; potentials do not, and the system reports [`Error::NotConverged`].
    ///
    /// Memory: `5 (n + m) + m`, [`implicit_workspace_len`]. Cost: a sweep over the plan for
    /// every iteration of conjugate gradients ([`ImplicitOptions`] says how fast they
    /// converge), and up to six more.
    ///
    /// # Errors
    /// Wrong lengths, cotangents that are not finite or not zero where there is no weight,
    /// a linear system that does not reach its tolerance, an infinite slope by a weight
    /// that is zero, or gradients that do not fit the scalar type.
    pub fn implicit_gradient(
        &mut self,
        cotangents: &Cotangents<'_, T>,
        options: &ImplicitOptions<T>,
        gradients: &mut Gradients<'_, T>,
        workspace: &mut [T],
    ) -> Result<LinearSolve<T>, Error> {
        let (n, m) = (self.f.len(), self.g.len());
        check::not_negative(OPERATION, "tolerance", options.tolerance)?;
        let workspace = check::workspace(OPERATION, workspace, implicit_workspace_len(n, m))?;
        let mut rest = workspace;
        let reciprocals = check::take(&mut rest, m);
        gradients.begin(OPERATION, n, m, reciprocals)?;
        if gradients.weights.is_some() {
            if self.b.some_zero {
                self.fill_zero_columns();
            }
            let sides = [("row", &self.a, &*self.f), ("column", &self.b, &*self.g)];
            finite_slopes(OPERATION, sides)?;
        }
        let constants = self.constants();
        let (plan, mut stream) = self.coupling();
        cotangents.check(OPERATION, &plan)?;

        let mut vectors = Vectors::new(n, m, rest);
        let [bars, sums] = vectors.sides();
        let sigma = cotangents.by_potentials((&plan, &mut stream), &constants, true, bars, sums);
        check::all_fit(OPERATION, "the derivative by potentials", vectors.residual)?;
        vectors.prepare(&plan, &mut stream, &constants);
        if let Some((index, got)) = vectors.unreached() {
            let (argument, index) = if index < n {
                ("cotangents.f", index)
            } else {
                ("cotangents.g", index - n)
            };
            return Err(Error::Element {
                operation: OPERATION,
                argument,
                expected: "zero where the plan has no mass",
                index,
                got: got.wide(),
            });
        }
        let solve = vectors
            .solve(&plan, &mut stream, &constants, options)
            .map_err(|stalled| stalled.error(OPERATION, options.tolerance))?;

        let (lambda, scratch) = vectors.solved();
        let lambda = Some(lambda);
        cotangents.add_to(
            gradients,
            (&plan, &mut stream),
            &constants,
            &Through { lambda, sigma },
            reciprocals,
            scratch,
        );
        let shares = constants.balanced.then_some((plan.a, plan.b));
        gradients.finish(OPERATION, reciprocals, shares)?;
        Ok(solve)
    }
}
