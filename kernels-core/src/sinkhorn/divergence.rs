//! The Sinkhorn divergence: transport without its entropic bias.
//!
//! `S_ε(α, β) = OT_ε(α, β) − ½ OT_ε(α, α) − ½ OT_ε(β, β) + (ε/2) (m_α − m_β)²`
//!
//! (Genevay et al. 2018; Feydy et al. 2019; the last term, for unbalanced measures of
//! masses m, Séjourné et al. 2019). Both costs here are negative definite, so `S_ε ≥ 0`
//! with equality for equal measures; plain `OT_ε` is smallest where β has shrunk.
//!
//! For balanced measures `S_ε = ⟨a, f_αβ − f_αα⟩ + ⟨b, g_αβ − g_ββ⟩`: the potentials are
//! subtracted atom by atom, before they are summed, so that what cancels is small. What
//! rounding leaves below zero is returned as zero.
//!
//! Gradient (envelope theorem): `∂_x S = ∂_x OT_ε(x, y) − ½ (∂_1 + ∂_2) OT_ε(x, x)`.

use super::newton::newton_workspace_len;
use super::options::{Outcome, SinkhornOptions};
use super::problem::{CostSource, Problem};
use super::state::State;
use crate::cost::Cost;
use crate::{Error, Real, check, vector};

const OPERATION: &str = "sinkhorn_divergence";

/// The divergence and how well its three parts were solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Divergence<T> {
    /// `S_ε`, not negative.
    pub value: T,
    /// The transport between the two measures.
    pub between: Outcome<T>,
    /// `OT_ε(α, α)`.
    pub within_a: T,
    /// `OT_ε(β, β)`.
    pub within_b: T,
    /// Whether all three problems reached the threshold.
    pub converged: bool,
}

/// Workspace elements for [`sinkhorn_divergence`] and [`sinkhorn_divergence_with_grad`].
#[must_use]
pub fn divergence_workspace_len<T: Real>(problem: &Problem<'_, T>) -> usize {
    let (n, m) = (problem.n, problem.m);
    let dim = match problem.cost {
        CostSource::Points { dim, .. } => dim,
        CostSource::Matrix(_) => 0,
    };
    let largest = Problem {
        n: n.max(m),
        m: n.max(m),
        ..*problem
    };
    // Two potentials, the gradient of a self term, Newton's vectors, and a state.
    let kept = n.saturating_add(m);
    let gradient = n.max(m).saturating_mul(dim).saturating_mul(2);
    let state = largest.workspace_len();
    kept.saturating_add(gradient)
        .saturating_add(newton_workspace_len(n, m))
        .saturating_add(state)
}

/// The divergence between two clouds: `problem.cost` must be [`CostSource::Points`].
///
/// # Errors
/// As [`State::new`] and [`State::run`]; also a problem with a cost matrix.
pub fn sinkhorn_divergence<T: Real>(
    problem: &Problem<'_, T>,
    options: &SinkhornOptions<T>,
    workspace: &mut [T],
) -> Result<Divergence<T>, Error> {
    solve(problem, options, None, workspace)
}

/// [`sinkhorn_divergence`], and its gradient with respect to both clouds.
///
/// # Errors
/// As [`sinkhorn_divergence`]; also gradients of the wrong length, or that do not fit
/// the scalar type.
pub fn sinkhorn_divergence_with_grad<T: Real>(
    problem: &Problem<'_, T>,
    options: &SinkhornOptions<T>,
    grad_x: &mut [T],
    grad_y: &mut [T],
    workspace: &mut [T],
) -> Result<Divergence<T>, Error> {
    solve(problem, options, Some((grad_x, grad_y)), workspace)
}

fn solve<T: Real>(
    problem: &Problem<'_, T>,
    options: &SinkhornOptions<T>,
    grads: Option<(&mut [T], &mut [T])>,
    workspace: &mut [T],
) -> Result<Divergence<T>, Error> {
    options.check(OPERATION)?;
    problem.check(OPERATION)?;
    let CostSource::Points { cost, x, y, dim } = problem.cost else {
        return Err(Error::Shape {
            operation: OPERATION,
            argument: "problem.cost (CostSource::Points, since the self terms need points)",
            expected: 0,
            got: problem.n.saturating_mul(problem.m),
        });
    };
    let (n, m) = (problem.n, problem.m);
    let workspace = check::workspace(OPERATION, workspace, divergence_workspace_len(problem))?;
    let mut rest = workspace;
    let f_within = check::take(&mut rest, n);
    let g_within = check::take(&mut rest, m);
    let scratch = check::take(&mut rest, n.max(m) * dim * 2);
    let newton = check::take(&mut rest, newton_workspace_len(n, m));
    let mut grads = grads;
    if let Some((grad_x, grad_y)) = &grads {
        check::shape(OPERATION, "grad_x", grad_x, n.saturating_mul(dim))?;
        check::shape(OPERATION, "grad_y", grad_y, m.saturating_mul(dim))?;
    }

    let of_a = SelfTerm {
        cost,
        points: x,
        weights: problem.a,
        n,
        dim,
        rho: problem.rho_a,
        store_kernel: problem.store_kernel,
    };
    let of_b = SelfTerm {
        points: y,
        weights: problem.b,
        n: m,
        rho: problem.rho_b,
        ..of_a
    };
    let grad_x = grads.as_mut().map(|(grad_x, _)| &mut **grad_x);
    let (within_a, a_converged) = of_a.solve(options, f_within, grad_x, scratch, rest)?;
    let grad_y = grads.as_mut().map(|(_, grad_y)| &mut **grad_y);
    let (within_b, b_converged) = of_b.solve(options, g_within, grad_y, scratch, rest)?;

    // Where the measures are close, alternating updates from zero are at their slowest,
    // and the self terms' potentials are nearly the answer.
    let mut state = State::new(problem, options.epsilon, rest)?;
    state.warm_start(g_within)?;
    let relaxed = SinkhornOptions {
        max_iterations: options.max_iterations.div_ceil(2),
        ..*options
    };
    let mut between = state.run_relaxed(&relaxed)?;
    if !between.converged {
        between = state.run_newton(options, newton)?;
    }
    if let Some((grad_x, grad_y)) = grads {
        let mut rest = scratch;
        let from_x = check::take(&mut rest, x.len());
        let from_y = check::take(&mut rest, y.len());
        state.envelope_gradient(cost, x, y, dim, from_x, from_y)?;
        vector::add_scaled(grad_x, T::one(), from_x);
        vector::add_scaled(grad_y, T::one(), from_y);
        check::all_fit(OPERATION, "the gradient", grad_x)?;
        check::all_fit(OPERATION, "the gradient", grad_y)?;
    }
    let half = T::of(0.5);
    let value = if problem.is_balanced() {
        let gap = |weights: &[T], between: &[T], within: &[T]| {
            vector::reduce3(weights, between, within, |w, p, q| {
                if w > T::zero() {
                    w * (p - q)
                } else {
                    T::zero()
                }
            })
        };
        gap(state.a.share, state.f, f_within) + gap(state.b.share, state.g, g_within)
    } else {
        let masses = state.a.mass - state.b.mass;
        let bias = half * (within_a + within_b);
        between.value - bias + half * options.epsilon * masses * masses
    };
    let value = check::fits(OPERATION, "the divergence", value)?;
    Ok(Divergence {
        value: value.max(T::zero()),
        between,
        within_a,
        within_b,
        converged: between.converged && a_converged && b_converged,
    })
}

/// `OT_ε` of a cloud against itself.
#[derive(Clone, Copy)]
struct SelfTerm<'a, T> {
    cost: Cost,
    points: &'a [T],
    weights: Option<&'a [T]>,
    n: usize,
    dim: usize,
    rho: T,
    store_kernel: bool,
}

impl<T: Real> SelfTerm<'_, T> {
    /// Value and whether it converged; the potential goes to `potential`, minus half the
    /// gradient with respect to the points to `grad`.
    fn solve(
        &self,
        options: &SinkhornOptions<T>,
        potential: &mut [T],
        grad: Option<&mut [T]>,
        scratch: &mut [T],
        workspace: &mut [T],
    ) -> Result<(T, bool), Error> {
        let points = self.points;
        let problem = Problem {
            cost: CostSource::Points {
                cost: self.cost,
                x: points,
                y: points,
                dim: self.dim,
            },
            n: self.n,
            m: self.n,
            a: self.weights,
            b: self.weights,
            rho_a: self.rho,
            rho_b: self.rho,
            store_kernel: self.store_kernel,
        };
        let mut state = State::new(&problem, options.epsilon, workspace)?;
        let converged = state.run_symmetric(options)?;
        vector::copy(potential, state.f);
        if let Some(grad) = grad {
            let mut rest = scratch;
            let first = check::take(&mut rest, points.len());
            let second = check::take(&mut rest, points.len());
            let dim = self.dim;
            state.envelope_gradient(self.cost, points, points, dim, first, second)?;
            for (out, (&p, &q)) in grad.iter_mut().zip(first.iter().zip(second.iter())) {
                *out = -T::of(0.5) * (p + q);
            }
        }
        let value = check::fits(OPERATION, "a self term", state.dual_value_with_mass())?;
        Ok((value, converged))
    }
}
