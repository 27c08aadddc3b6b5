//! SinSim, `NT-Xent(z) + λ · OT_ε(view A, view B)`, with its gradient on the device.
//!
//! As [`kernels_core::sin_sim`], in f32: the same options, results and errors. The
//! projections stay on the device; a few numbers come back.

use kernels_core::cost::{Cost, CostScale};
use kernels_core::pieces::check as domain;
use kernels_core::sin_sim::{OtForm, OtOptions, OtTerm, SinSim, SinSimOptions};
use kernels_cuda_device::Global;

use crate::check;
use crate::device::{Device, add_scaled};
use crate::error::Error;
use crate::nt_xent::{nt_xent_with_grad, nt_xent_workspace_len};
use crate::sinkhorn::divergence::{Wanted, solve as solve_divergence};
use crate::sinkhorn::{CostSource, Problem, State, divergence_workspace_len};

const OPERATION: &str = "ot_term_with_grad";

/// Workspace elements for [`sin_sim_with_grad`]: a second gradient, and what the hungrier
/// of the two parts needs.
#[must_use]
pub fn sin_sim_workspace_len(rows: usize, dim: usize) -> usize {
    let parts = nt_xent_workspace_len(rows, dim).max(ot_term_workspace_len(rows / 2, dim));
    rows.saturating_mul(dim)
        .saturating_add(3)
        .saturating_add(parts)
}

/// Workspace elements for [`ot_term_with_grad`] with `n` rows in each view, whatever the
/// options.
#[must_use]
pub fn ot_term_workspace_len(n: usize, dim: usize) -> usize {
    // The cosine cost needs the most, and a divergence more than transport alone.
    let points = (Global::empty(), Global::empty());
    divergence_workspace_len(&problem(Cost::Cosine, points, n, dim))
}

/// Transport between two views.
fn problem(cost: Cost, (x, y): (Global<f32>, Global<f32>), n: usize, dim: usize) -> Problem {
    Problem::new(CostSource::Points { cost, x, y, dim }, n, n)
}

/// The loss of `rows` raw projections (two views of `rows/2` images), and its gradient
/// with respect to `z`, written to `grad`.
///
/// # Errors
/// As [`kernels_core::sin_sim::sin_sim_with_grad`], or the device's.
pub fn sin_sim_with_grad<D: Device>(
    device: &D,
    z: Global<f32>,
    rows: usize,
    dim: usize,
    options: &SinSimOptions<f32>,
    grad: Global<f32>,
    workspace: Global<f32>,
) -> Result<SinSim<f32>, Error> {
    let operation = "sin_sim_with_grad";
    domain::two_views(operation, rows)?;
    domain::not_negative(operation, "lambda", options.lambda)?;
    check::shape(operation, "z", z, rows.saturating_mul(dim))?;
    let needed = sin_sim_workspace_len(rows, dim);
    let mut scratch = check::take(operation, &mut { workspace }, needed)?;
    // What follows begins at a multiple of 16 bytes.
    let padded = z.len().next_multiple_of(4);
    let ot_grad = check::take(operation, &mut scratch, padded)?;
    let ot_grad = check::take(operation, &mut { ot_grad }, z.len())?;
    let nt_xent = nt_xent_with_grad(device, z, rows, dim, options.temperature, grad, scratch)?;
    if options.lambda == 0.0 {
        return Ok(SinSim {
            loss: nt_xent,
            nt_xent,
            ot: OtTerm::skipped(),
        });
    }
    let ot = ot_term_with_grad(device, z, rows, dim, &options.ot, ot_grad, scratch)?;
    add_scaled(device, options.lambda, ot_grad, grad)?;
    let loss = nt_xent + options.lambda * ot.value;
    if !loss.is_finite() {
        return Err(Error::Kernel(kernels_core::Error::Overflow {
            operation,
            quantity: "the loss",
            got: f64::from(loss),
        }));
    }
    Ok(SinSim { loss, nt_xent, ot })
}

/// The transport term between view A (the first `rows/2` rows of `z`) and view B (the
/// others), both with uniform weights, and its envelope gradient with respect to `z`,
/// written to `grad`.
///
/// # Errors
/// As [`kernels_core::sin_sim::ot_term_with_grad`], or the device's; also more than 2²⁸
/// pairs where the largest cost matters, since such costs are not stored.
pub fn ot_term_with_grad<D: Device>(
    device: &D,
    z: Global<f32>,
    rows: usize,
    dim: usize,
    options: &OtOptions<f32>,
    grad: Global<f32>,
    workspace: Global<f32>,
) -> Result<OtTerm<f32>, Error> {
    domain::two_views(OPERATION, rows)?;
    domain::at_least_one(OPERATION, "dim", dim)?;
    check::shape(OPERATION, "z", z, rows.saturating_mul(dim))?;
    check::shape(OPERATION, "grad", grad, z.len())?;
    options.check(OPERATION)?;
    let n = rows / 2;
    let mut halves = (z, grad);
    let view_a = check::take(OPERATION, &mut halves.0, n * dim)?;
    let grad_a = check::take(OPERATION, &mut halves.1, n * dim)?;
    let problem = problem(options.cost, (view_a, halves.0), n, dim);
    let grads = (grad_a, halves.1);
    match options.form {
        OtForm::Plain => plain(device, problem, options, grads, workspace),
        OtForm::Divergence => divergence(device, problem, options, grads, workspace),
    }
}

fn plain<D: Device>(
    device: &D,
    problem: Problem,
    options: &OtOptions<f32>,
    (grad_a, grad_b): (Global<f32>, Global<f32>),
    workspace: Global<f32>,
) -> Result<OtTerm<f32>, Error> {
    let problem = problem
        .scaled(options.scale)
        .unbalanced(options.rho, options.rho);
    let mut state = State::new(device, &problem, options.sinkhorn.epsilon, workspace)?;
    let relative = options.scale == CostScale::None && options.is_relative();
    let largest = if relative { state.largest_cost()? } else { 1.0 };
    let units = options.units(OPERATION, largest)?;
    let outcome = state.run(&options.sinkhorn_at(&units))?;
    let transport_cost = state.transport_cost()?;
    state.envelope_gradient(grad_a, grad_b)?;
    Ok(OtTerm {
        value: outcome.value,
        transport_cost,
        marginal_error: outcome.marginal_error,
        iterations: outcome.iterations,
        converged: outcome.converged,
        epsilon: units.epsilon,
    })
}

/// With costs divided by M, `S_ε` with a price ρ is that of undivided ones with ε M and
/// ρ M, divided by M.
fn divergence<D: Device>(
    device: &D,
    problem: Problem,
    options: &OtOptions<f32>,
    grads: (Global<f32>, Global<f32>),
    workspace: Global<f32>,
) -> Result<OtTerm<f32>, Error> {
    let largest = if options.is_relative() {
        // Of the views without prices, which do not matter to costs.
        State::new(device, &problem, 1.0, workspace)?.largest_cost()?
    } else {
        1.0
    };
    let units = options.units(OPERATION, largest)?;
    let divisor = units.divisor;
    let mut sinkhorn = options.sinkhorn_at(&units);
    sinkhorn.epsilon *= divisor;
    let rho = options.rho * divisor;
    if options.rho != f32::INFINITY {
        domain::positive(OPERATION, "rho times the largest cost", rho)?;
    }
    domain::positive(
        OPERATION,
        "epsilon times the largest cost",
        sinkhorn.epsilon,
    )?;
    let problem = problem.unbalanced(rho, rho);
    let mut transport_cost = 0.0;
    let wanted = Wanted {
        grads: Some(grads),
        weight: divisor.recip(),
        transport_cost: Some(&mut transport_cost),
    };
    let found = solve_divergence(device, &problem, &sinkhorn, wanted, workspace)?;
    let value = domain::fits(OPERATION, "the divergence", found.value / divisor)?;
    let transport_cost = domain::fits(OPERATION, "the transport cost", transport_cost / divisor)?;
    Ok(OtTerm {
        value,
        transport_cost,
        marginal_error: found.marginal_error,
        iterations: found.iterations,
        converged: found.converged,
        epsilon: units.epsilon,
    })
}
