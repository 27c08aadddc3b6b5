//! Unrolled differentiation: the exact gradient of what a fixed number of iterations
//! computes. Formulas are with [`Recording::gradient`].
//!
//! Nothing of the size n × m is kept: π and κ are computed again from the potentials, as
//! couplings of the same form as the plan (`half_step`).

use super::adjoint::{Cotangents, Through};
use super::coupling::Coupling;
use super::gradients::{Gradients, finite_slopes};
use super::half_step::{HalfStep, share_out, subtract_where, take_from};
use super::hessian::{parts, parts_mut};
use super::options::Outcome;
use super::state::State;
use crate::{Error, Real, check, vector};

const OPERATION: &str = "unrolled_gradient";

/// Workspace elements for [`State::record`]: `K (n + m) + 4n + 6m` for K iterations.
#[must_use]
pub fn unrolled_workspace_len(n: usize, m: usize, iterations: usize) -> usize {
    let tape = n.saturating_add(m).saturating_mul(iterations);
    let scratch = n.saturating_mul(4).saturating_add(m.saturating_mul(6));
    tape.saturating_add(scratch)
}

/// Iterations that were recorded, for unrolled differentiation: the exact gradient of what
/// they computed, converged or not. Made by [`State::record`]; [`Recording::gradient`] goes
/// back.
#[derive(Debug)]
pub struct Recording<'r, 's, T> {
    state: &'r mut State<'s, T>,
    outcome: Outcome<T>,
    /// g⁰.
    start: &'r [T],
    /// `f¹ g¹ f² g² …`.
    tape: &'r [T],
    scratch: &'r mut [T],
}

impl<'s, T: Real> State<'s, T> {
    /// Makes `iterations` plain iterations from the present column potential and keeps
    /// their potentials; ends like [`State::run`]. [`Recording::gradient`] goes back. The
    /// potential that the recording starts from counts as a constant.
    ///
    /// Memory: `K (n + m) + 4n + 6m` for K iterations, [`unrolled_workspace_len`]; nothing of
    /// the size n × m is kept. Cost: an iteration each.
    ///
    /// # Errors
    /// No iterations, a workspace that is too short, and as [`State::step`].
    pub fn record<'r>(
        &'r mut self,
        iterations: usize,
        workspace: &'r mut [T],
    ) -> Result<Recording<'r, 's, T>, Error> {
        let (n, m) = (self.f.len(), self.g.len());
        check::at_least_one(OPERATION, "iterations", iterations)?;
        let expected = unrolled_workspace_len(n, m, iterations);
        let workspace = check::workspace(OPERATION, workspace, expected)?;
        let mut scratch = workspace;
        let start = check::take(&mut scratch, m);
        let tape = check::take(&mut scratch, (n + m) * iterations);
        // What the last look-ahead left may be a relaxed step.
        self.omega = T::one();
        self.look_ahead(true)?;
        vector::copy(start, self.g);
        for entry in tape.chunks_exact_mut((n + m).max(1)) {
            if self.b.some_zero {
                self.fill_zero_columns_ahead();
            }
            let (f, g) = parts_mut(entry, n);
            vector::copy(f, self.next_f);
            vector::copy(g, self.next_g);
            self.step()?;
        }
        // As in a run, what is returned comes from the costs.
        self.confirm(true, true)?;
        let outcome = self.conclude(T::zero())?;
        Ok(Recording {
            state: self,
            outcome,
            start,
            tape,
            scratch,
        })
    }
}

impl<'s, T: Real> Recording<'_, 's, T> {
    /// What the iterations found; `converged` only if the marginal error is zero.
    #[must_use]
    pub fn outcome(&self) -> Outcome<T> {
        self.outcome
    }

    /// The state after the iterations, with potentials and plan.
    #[must_use]
    pub fn state(&self) -> &State<'s, T> {
        self.state
    }

    /// `⟨P,C⟩` after the iterations.
    ///
    /// # Errors
    /// When it does not fit the scalar type.
    pub fn transport_cost(&mut self) -> Result<T, Error> {
        self.state.transport_cost()
    }

    /// Writes the gradients of a loss that depends on what the iterations found as
    /// `cotangents` says.
    ///
    /// Iteration k makes `f^k = τ_a softmin(g^{k−1})`, then `g^k = τ_b softmin(f^k)`, with
    /// `softmin(g)_i = −ε log Σ_j b_j exp((g_j − C_ij)/ε)` and `τ = ρ/(ρ + ε)`, which is 1 where
    /// the marginal is imposed. With the row-stochastic
    /// `π^k_ij = b_j exp((f^k_i/τ_a + g^{k−1}_j − C_ij)/ε)` and the column-stochastic
    /// `κ^k_ij = a_i exp((f^k_i + g^k_j/τ_b − C_ij)/ε)`,
    ///
    /// `df^k_i = τ_a Σ_j π^k_ij (dC_ij − dg^{k−1}_j − ε db_j/b_j)`,
    /// `dg^k_j = τ_b Σ_i κ^k_ij (dC_ij − df^k_i − ε da_i/a_i)`.
    ///
    /// Backwards from `F = ∂L/∂f^K`, `G = ∂L/∂g^K`, whose formulas [`Cotangents`] has, for
    /// k = K … 1:
    ///
    /// | | by costs | by weights | on to |
    /// |---|---|---|---|
    /// | `h_j = τ_b G_j` | `+ κ_ij h_j` | `a_i`: `− (ε/a_i) Σ_j κ_ij h_j` | `F_i −= Σ_j κ_ij h_j` |
    /// | `e_i = τ_a F_i` | `+ π_ij e_i` | `b_j`: `− (ε/b_j) Σ_i π_ij e_i` | `G_j = −Σ_i π_ij e_i`, `F = 0` |
    ///
    /// **When it is right:** always, for the numbers that the K iterations returned. As a
    /// gradient of the optimum it errs by what the iterations do, and as K grows it becomes
    /// the envelope ([`State::envelope_gradient`]) or the implicit one
    /// ([`State::implicit_gradient`]). For a converged problem the implicit one needs fewer
    /// sweeps and less memory.
    ///
    /// Cost: two sweeps over the plan for every iteration, with `2 n m dim` multiplications
    /// more if gradients by points are wanted. Memory: what [`State::record`] was given.
    ///
    /// # Errors
    /// Wrong lengths, cotangents that are not finite or not zero where there is no weight,
    /// an infinite slope by a weight that is zero, or gradients that do not fit the
    /// scalar type.
    pub fn gradient(
        &mut self,
        cotangents: &Cotangents<'_, T>,
        gradients: &mut Gradients<'_, T>,
    ) -> Result<(), Error> {
        let state = &mut *self.state;
        let (n, m) = (state.f.len(), state.g.len());
        let mut rest = &mut *self.scratch;
        let mut take = |len: usize| check::take(&mut rest, len);
        let reciprocals = take(m);
        let (f_bar, rows, u, ones_a) = (take(n), take(n), take(n), take(n));
        let (g_bar, columns, v, ones_b) = (take(m), take(m), take(m), take(m));
        gradients.begin(OPERATION, n, m, reciprocals)?;
        let entries = self.tape.chunks_exact((n + m).max(1));
        let entries = entries.map(|entry| parts(entry, n));
        let (f, g) = entries.clone().last().unwrap_or_default();
        if gradients.weights.is_some() {
            let sides = [("row", &state.a, f), ("column", &state.b, g)];
            finite_slopes(OPERATION, sides)?;
        }
        let constants = state.constants();
        let (plan, mut stream) = state.coupling();
        cotangents.check(OPERATION, &plan)?;
        let plan = Coupling { f, g, ..plan };
        let bars = (&mut *f_bar, &mut *g_bar);
        let sums = (&mut *rows, &mut *columns);
        let sigma = cotangents.by_potentials((&plan, &mut stream), &constants, false, bars, sums);
        cotangents.add_to(
            gradients,
            (&plan, &mut stream),
            &constants,
            &Through {
                lambda: None,
                sigma,
            },
            reciprocals,
            [(&mut *rows, &mut *columns), (&mut *ones_a, &mut *ones_b)],
        );

        let damping = |rho: T| {
            if rho == T::infinity() {
                T::one()
            } else {
                rho / (rho + constants.epsilon)
            }
        };
        let (tau_a, tau_b) = (damping(constants.rho.0), damping(constants.rho.1));
        let (mass_a, mass_b) = constants.mass;
        // Potentials of an iteration, and the g before: from the end to the start.
        let earlier = core::iter::once(self.start).chain(entries.clone().map(|(_, g)| g));
        for k in (0..entries.len()).rev() {
            let Some(((f, g), g_before)) = entries.clone().nth(k).zip(earlier.clone().nth(k))
            else {
                continue;
            };
            // The last half step first: κ^k, times b_j to be of the plan's form.
            share_out(v, g_bar, plan.b, tau_b / mass_b);
            let half = HalfStep {
                coupling: Coupling {
                    f,
                    g,
                    g_factor: tau_b.recip(),
                    ..plan
                },
                u: None,
                v: Some(v),
            };
            half.back(gradients, &mut stream, reciprocals, Some(rows), None);
            subtract_where(f_bar, rows, plan.a);
            if let Some((grad_a, _)) = &mut gradients.weights {
                half.complete(&mut stream, &constants, Some(rows), None, (ones_a, ones_b));
                take_from(grad_a, rows, plan.a, mass_a, constants.epsilon);
            }
            // Then π^k, times a_i.
            share_out(u, f_bar, plan.a, tau_a / mass_a);
            let half = HalfStep {
                coupling: Coupling {
                    f,
                    f_factor: tau_a.recip(),
                    g: g_before,
                    ..plan
                },
                u: Some(u),
                v: None,
            };
            half.back(gradients, &mut stream, reciprocals, None, Some(columns));
            g_bar.fill(T::zero());
            subtract_where(g_bar, columns, plan.b);
            f_bar.fill(T::zero());
            if let Some((_, grad_b)) = &mut gradients.weights {
                half.complete(
                    &mut stream,
                    &constants,
                    None,
                    Some(columns),
                    (ones_a, ones_b),
                );
                take_from(grad_b, columns, plan.b, mass_b, constants.epsilon);
            }
        }
        let shares = constants.balanced.then_some((plan.a, plan.b));
        gradients.finish(OPERATION, reciprocals, shares)
    }
}
