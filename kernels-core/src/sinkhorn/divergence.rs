//! The Sinkhorn divergence: transport without its entropic bias. Formula and gradient are with
//! [`sinkhorn_divergence`] and [`sinkhorn_divergence_with_grad`].
//!
//! Where the kernel is stored there is memory for matrices, and the costs of each problem are
//! stored too: computed once, not in every pass over them.

use super::newton::newton_workspace_len;
use super::options::{Outcome, SinkhornOptions};
use super::problem::{CostSource, Problem};
use super::self_term::{SelfTerm, stored};
use super::state::State;
use crate::{Error, Real, check, vector};

pub(super) const OPERATION: &str = "sinkhorn_divergence";

/// The divergence and how well its three parts were solved; see [`sinkhorn_divergence`].
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
    /// The largest marginal error of the three problems.
    pub marginal_error: T,
    /// The most iterations that one of them took.
    pub iterations: usize,
    /// Whether all three problems reached the threshold.
    pub converged: bool,
}

/// Workspace elements for [`sinkhorn_divergence`] and [`sinkhorn_divergence_with_grad`];
/// with a stored kernel, twice `max(n, m)²` and some.
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
        cost: if problem.store_kernel {
            CostSource::Matrix(&[])
        } else {
            problem.cost
        },
        ..*problem
    };
    // Two potentials, the gradient of a self term, Newton's vectors, costs, and a state.
    let kept = n.saturating_add(m);
    let gradient = n.max(m).saturating_mul(dim).saturating_mul(2);
    let state = largest.workspace_len();
    kept.saturating_add(gradient)
        .saturating_add(newton_workspace_len(n, m))
        .saturating_add(matrix_len(problem))
        .saturating_add(state)
}

/// Elements of the largest of the three cost matrices, if they are to be stored.
fn matrix_len<T>(problem: &Problem<'_, T>) -> usize {
    if !problem.store_kernel {
        return 0;
    }
    let side = problem.n.max(problem.m);
    side.saturating_mul(side)
}

/// The Sinkhorn divergence between two clouds, transport without its entropic bias:
/// `problem.cost` must be [`CostSource::Points`].
///
/// `S_ε(α, β) = OT_ε(α, β) − ½ OT_ε(α, α) − ½ OT_ε(β, β) + (ε/2) (m_α − m_β)²`
///
/// (Genevay et al. 2018; Feydy et al. 2019; the last term, for unbalanced measures of
/// masses m, Séjourné et al. 2019). Both costs here are negative definite, so `S_ε ≥ 0`
/// with equality for equal measures; plain `OT_ε` is smallest where β has shrunk.
///
/// For balanced measures `S_ε = ⟨a, f_αβ − f_αα⟩ + ⟨b, g_αβ − g_ββ⟩`: the potentials are
/// subtracted atom by atom, before they are summed, so that what cancels is small. What
/// rounding leaves below zero is returned as zero.
///
/// Cost: three solves. A self term has one potential, which `f ← ½ (f + τ softmin f)` finds in
/// a few iterations (Knight, Ruiz & Uçar 2014; Feydy et al. 2019, eq. 3.8; `τ = ρ/(ρ + ε)`, or 1
/// where the marginal is imposed). The problem between the measures starts from the potential
/// of the second self term; [`State::run_relaxed`] has half of the iterations, and
/// [`State::run_newton`] finishes what has not converged then. Memory: O((n + m) dim). Where the
/// kernel is stored ([`Problem::with_stored_kernel`]), there is memory for matrices, and the
/// costs of each problem are stored too: computed once, not in every pass over them.
/// [`divergence_workspace_len`] tells the number for both.
///
/// # Errors
/// As [`State::new`] and [`State::run`]; also a problem with a cost matrix.
pub fn sinkhorn_divergence<T: Real>(
    problem: &Problem<'_, T>,
    options: &SinkhornOptions<T>,
    workspace: &mut [T],
) -> Result<Divergence<T>, Error> {
    let wanted = Wanted {
        grads: None,
        transport_cost: None,
    };
    solve(problem, T::one(), options, wanted, workspace)
}

/// [`sinkhorn_divergence`], and its gradient with respect to both clouds: `grad_x` is
/// `n × dim`, `grad_y` `m × dim`, row-major.
///
/// By the envelope theorem `∂_x S = ∂_x OT_ε(x, y) − ½ (∂_1 + ∂_2) OT_ε(x, x)`, and likewise
/// for y; each part as [`State::envelope_gradient`], which tells when it is right. Cost beside
/// the divergence's: a sweep over the plan of each of the three problems. Same memory.
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
    let wanted = Wanted {
        grads: Some((grad_x, grad_y)),
        transport_cost: None,
    };
    solve(problem, T::one(), options, wanted, workspace)
}

/// What is wanted beside the divergence.
pub(crate) struct Wanted<'w, T> {
    pub(crate) grads: Option<(&'w mut [T], &'w mut [T])>,
    /// `⟨P,C⟩` of the plan between the measures.
    pub(crate) transport_cost: Option<&'w mut T>,
}

/// The divergence under costs that are divided by `divisor`, all three problems' by the
/// same: a constant. ε, ρ and the value are in the units of the quotients, gradients are by
/// the points. A divisor other than one is for problems with a stored kernel.
pub(crate) fn solve<T: Real>(
    problem: &Problem<'_, T>,
    divisor: T,
    options: &SinkhornOptions<T>,
    wanted: Wanted<'_, T>,
    workspace: &mut [T],
) -> Result<Divergence<T>, Error> {
    options.check(OPERATION)?;
    problem.check(OPERATION)?;
    let CostSource::Points { cost, x, y, dim } = problem.cost else {
        return Err(Error::NeedsPoints {
            operation: OPERATION,
            purpose: "the self terms are between points of one cloud",
        });
    };
    let (n, m) = (problem.n, problem.m);
    let workspace = check::workspace(OPERATION, workspace, divergence_workspace_len(problem))?;
    let mut rest = workspace;
    let f_within = check::take(&mut rest, n);
    let g_within = check::take(&mut rest, m);
    let scratch = check::take(&mut rest, n.max(m) * dim * 2);
    let newton = check::take(&mut rest, newton_workspace_len(n, m));
    let matrix = check::take(&mut rest, matrix_len(problem));
    let mut grads = wanted.grads;
    if let Some((grad_x, grad_y)) = &grads {
        check::shape(OPERATION, "grad_x", grad_x, n.saturating_mul(dim))?;
        check::shape(OPERATION, "grad_y", grad_y, m.saturating_mul(dim))?;
    }

    let store = problem.store_kernel.then_some(divisor);
    let of_a = SelfTerm {
        cost,
        points: x,
        weights: problem.a,
        n,
        dim,
        rho: problem.rho_a,
        store,
    };
    let of_b = SelfTerm {
        points: y,
        weights: problem.b,
        n: m,
        rho: problem.rho_b,
        ..of_a
    };
    let grad_x = grads.as_mut().map(|(grad_x, _)| &mut **grad_x);
    let within_a = of_a.solve(options, f_within, grad_x, scratch, (matrix, rest))?;
    let grad_y = grads.as_mut().map(|(_, grad_y)| &mut **grad_y);
    let within_b = of_b.solve(options, g_within, grad_y, scratch, (matrix, rest))?;

    // Where the measures are close, alternating updates from zero are at their slowest,
    // and the self terms' potentials are nearly the answer.
    let problem = stored(problem, store, matrix)?;
    let mut state = State::new(&problem, options.epsilon, rest)?;
    state.warm_start(g_within)?;
    let relaxed = SinkhornOptions {
        max_iterations: options.max_iterations.div_ceil(2),
        ..*options
    };
    let mut between = state.run_relaxed(&relaxed)?;
    if !between.converged {
        between = state.run_newton(options, newton)?;
    }
    if let Some(transport_cost) = wanted.transport_cost {
        *transport_cost = state.transport_cost()?;
    }
    if let Some((grad_x, grad_y)) = grads {
        let mut rest = scratch;
        let from_x = check::take(&mut rest, x.len());
        let from_y = check::take(&mut rest, y.len());
        state.envelope_gradient(cost, x, y, dim, from_x, from_y)?;
        for (grad, from) in [(grad_x, from_x), (grad_y, from_y)] {
            vector::add_scaled(grad, T::one(), from);
            if divisor != T::one() {
                vector::scale(grad, divisor.recip());
            }
            check::all_fit(OPERATION, "the gradient", grad)?;
        }
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
        let bias = half * (within_a.value + within_b.value);
        between.value - bias + half * options.epsilon * masses * masses
    };
    let value = check::fits(OPERATION, "the divergence", value)?;
    let errors = [within_a.marginal_error, within_b.marginal_error];
    let iterations = [within_a.iterations, within_b.iterations];
    Ok(Divergence {
        value: value.max(T::zero()),
        between,
        within_a: within_a.value,
        within_b: within_b.value,
        marginal_error: errors.into_iter().fold(between.marginal_error, T::max),
        iterations: iterations.into_iter().fold(between.iterations, usize::max),
        converged: between.converged && within_a.converged && within_b.converged,
    })
}
