//! The Sinkhorn divergence, `OT_ε(α, β) − ½ OT_ε(α, α) − ½ OT_ε(β, β) + (ε/2)(m_α − m_β)²`.
//!
//! As [`kernels_core::sinkhorn::sinkhorn_divergence`]: the self terms by the averaged
//! step, the transport between the measures warm from a self term's potential, and for
//! balanced measures the potentials subtracted atom by atom. No over-relaxed or Newton
//! steps follow where measures are nearly equal: there more iterations are needed here.

use kernels_core::cost::CostScale;
use kernels_core::sinkhorn::{Divergence, Outcome, SinkhornOptions};
use kernels_cuda_device::Global;
use kernels_cuda_device::sinkhorn::conclude::SinkhornGap;

use super::problem::{CostSource, Problem};
use super::state::{State, Step};
use crate::check;
use crate::device::{Device, copy, read};
use crate::error::Error;

const OPERATION: &str = "sinkhorn_divergence";

/// Workspace elements for [`sinkhorn_divergence`] and [`sinkhorn_divergence_with_grad`].
#[must_use]
pub fn divergence_workspace_len(problem: &Problem) -> usize {
    let side = problem.n.max(problem.m);
    let largest = Problem {
        n: side,
        m: side,
        ..*problem
    };
    // Two potentials, two sums, and a state at a multiple of 16 bytes.
    let kept = problem.n.saturating_add(problem.m).saturating_add(2);
    kept.next_multiple_of(4)
        .saturating_add(largest.workspace_len())
}

/// The divergence between two clouds: `problem.cost` must be [`CostSource::Points`].
///
/// # Errors
/// As [`State::new`] and [`State::run`]; also a problem with a cost matrix.
pub fn sinkhorn_divergence<D: Device>(
    device: &D,
    problem: &Problem,
    options: &SinkhornOptions<f32>,
    workspace: Global<f32>,
) -> Result<Divergence<f32>, Error> {
    let wanted = Wanted {
        grads: None,
        weight: 1.0,
        transport_cost: None,
    };
    solve(device, problem, options, wanted, workspace)
}

/// [`sinkhorn_divergence`], and its gradient with respect to both clouds.
///
/// # Errors
/// As [`sinkhorn_divergence`]; also gradients of the wrong length.
pub fn sinkhorn_divergence_with_grad<D: Device>(
    device: &D,
    problem: &Problem,
    options: &SinkhornOptions<f32>,
    grad_x: Global<f32>,
    grad_y: Global<f32>,
    workspace: Global<f32>,
) -> Result<Divergence<f32>, Error> {
    let wanted = Wanted {
        grads: Some((grad_x, grad_y)),
        weight: 1.0,
        transport_cost: None,
    };
    solve(device, problem, options, wanted, workspace)
}

/// What is wanted beside the divergence.
pub(crate) struct Wanted<'w> {
    pub(crate) grads: Option<(Global<f32>, Global<f32>)>,
    /// What gradients are multiplied by.
    pub(crate) weight: f32,
    /// `⟨P,C⟩` of the plan between the measures.
    pub(crate) transport_cost: Option<&'w mut f32>,
}

pub(crate) fn solve<D: Device>(
    device: &D,
    problem: &Problem,
    options: &SinkhornOptions<f32>,
    wanted: Wanted<'_>,
    workspace: Global<f32>,
) -> Result<Divergence<f32>, Error> {
    let Wanted { grads, weight, .. } = wanted;
    options.check(OPERATION)?;
    problem.check(OPERATION)?;
    let CostSource::Points { x, y, .. } = problem.cost else {
        return Err(Error::Kernel(kernels_core::Error::NeedsPoints {
            operation: OPERATION,
            purpose: "the self terms are between points of one cloud",
        }));
    };
    if problem.scale != CostScale::None {
        // Each of the three problems would have a scale of its own.
        return Err(Error::Kernel(kernels_core::Error::Parameter {
            operation: OPERATION,
            argument: "problem.scale",
            expected: "CostScale::None, since three problems share one cost",
            got: 1.0,
        }));
    }
    if let Some((grad_x, grad_y)) = grads {
        check::shape(OPERATION, "grad_x", grad_x, x.len())?;
        check::shape(OPERATION, "grad_y", grad_y, y.len())?;
    }
    let needed = divergence_workspace_len(problem);
    let mut rest = check::take(OPERATION, &mut { workspace }, needed)?;
    let kept = (problem.n + problem.m + 2).next_multiple_of(4);
    let mut kept = check::take(OPERATION, &mut rest, kept)?;
    let f_within = check::take(OPERATION, &mut kept, problem.n)?;
    let g_within = check::take(OPERATION, &mut kept, problem.m)?;
    let gap_a = check::take(OPERATION, &mut kept, 1)?;
    let gap_b = check::take(OPERATION, &mut kept, 1)?;

    let sides = [true, false].map(|first| problem.within(first));
    let potentials = [f_within, g_within];
    let mut within = [Outcome::default(); 2];
    for (k, side) in sides.iter().enumerate() {
        let mut state = State::new(device, side, options.epsilon, rest)?;
        within[k] = state.run_by(options, Step::Averaged)?;
        copy(device, state.potentials().0, potentials[k])?;
        if let Some((grad_x, grad_y)) = grads {
            // By symmetry half the gradients with respect to both arguments are one.
            state.pull_rows([grad_x, grad_y][k], -weight, false)?;
        }
    }
    let mut state = State::new(device, problem, options.epsilon, rest)?;
    state.warm_start(g_within)?;
    let between = state.run(options)?;
    if let Some(transport_cost) = wanted.transport_cost {
        *transport_cost = state.transport_cost()?;
    }
    if let Some((grad_x, grad_y)) = grads {
        state.pull_rows(grad_x, weight, true)?;
        state.pull_columns(grad_y, weight, true)?;
        state.finish(grad_x, grad_y)?;
    }
    let value = if problem.is_balanced() {
        let (f, g) = state.potentials();
        let (a, b) = state.weights();
        for (weights, p, q, out) in [(a, f, f_within, gap_a), (b, g, g_within, gap_b)] {
            device.launch(SinkhornGap { weights, p, q, out }, [1, 1])?;
        }
        let gaps = read(device, Global::<f32>::new(gap_a.address(), 2))?;
        gaps.iter().sum()
    } else {
        let masses = state.masses()?;
        let difference = masses.0 - masses.1;
        let bias = 0.5 * (within[0].value + within[1].value);
        between.value - bias + 0.5 * options.epsilon * difference * difference
    };
    if !value.is_finite() {
        return Err(Error::Kernel(kernels_core::Error::Overflow {
            operation: OPERATION,
            quantity: "the divergence",
            got: f64::from(value),
        }));
    }
    let all = [between, within[0], within[1]];
    Ok(Divergence {
        value: value.max(0.0),
        between,
        marginal_error: all
            .iter()
            .map(|part| part.marginal_error)
            .fold(0.0, f32::max),
        iterations: all.iter().map(|part| part.iterations).fold(0, usize::max),
        within_a: within[0].value,
        within_b: within[1].value,
        converged: between.converged && within[0].converged && within[1].converged,
    })
}

impl Problem {
    /// One of the measures against itself.
    fn within(&self, first: bool) -> Self {
        let CostSource::Points { cost, x, y, dim } = self.cost else {
            return *self;
        };
        let (points, n, weights, rho) = if first {
            (x, self.n, self.a, self.rho_a)
        } else {
            (y, self.m, self.b, self.rho_b)
        };
        Self {
            cost: CostSource::Points {
                cost,
                x: points,
                y: points,
                dim,
            },
            n,
            m: n,
            a: weights,
            b: weights,
            rho_a: rho,
            rho_b: rho,
            scale: self.scale,
            stream: self.stream,
        }
    }
}
