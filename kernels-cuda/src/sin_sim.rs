//! SinSim, `NT-Xent(z) + λ · OT_ε(view A, view B)`, with its gradient on the device.
//!
//! As [`kernels_core::sin_sim`], in f32: the same options, results and errors. The
//! projections stay on the device; a few numbers come back.

use kernels_core::pieces::check as domain;
use kernels_core::sin_sim::{OtOptions, OtTerm, SinSim, SinSimOptions};
use kernels_cuda_device::Global;

use crate::check;
use crate::device::{Device, add_scaled};
use crate::error::Error;
use crate::nt_xent::{nt_xent_with_grad, nt_xent_workspace_len};
use crate::sinkhorn::{CostSource, Problem, State};

/// Workspace elements for [`sin_sim_with_grad`]: a second gradient, and what the hungrier
/// of the two parts needs.
#[must_use]
pub fn sin_sim_workspace_len(rows: usize, dim: usize) -> usize {
    let parts = nt_xent_workspace_len(rows, dim).max(ot_term_workspace_len(rows / 2, dim));
    rows.saturating_mul(dim)
        .saturating_add(3)
        .saturating_add(parts)
}

/// Workspace elements for [`ot_term_with_grad`] with `n` rows in each view.
#[must_use]
pub fn ot_term_workspace_len(n: usize, dim: usize) -> usize {
    problem(Global::empty(), Global::empty(), n, dim).workspace_len()
}

/// Transport between two views; the cosine cost needs the most workspace.
fn problem(a: Global<f32>, b: Global<f32>, n: usize, dim: usize) -> Problem {
    let source = CostSource::Points {
        cost: kernels_core::cost::Cost::Cosine,
        x: a,
        y: b,
        dim,
    };
    Problem::new(source, n, n)
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

/// `OT_ε` between view A (the first `rows/2` rows of `z`) and view B (the others), both
/// with uniform weights, and its envelope gradient with respect to `z`, written to
/// `grad`.
///
/// # Errors
/// As [`kernels_core::sin_sim::ot_term_with_grad`], or the device's.
pub fn ot_term_with_grad<D: Device>(
    device: &D,
    z: Global<f32>,
    rows: usize,
    dim: usize,
    options: &OtOptions<f32>,
    grad: Global<f32>,
    workspace: Global<f32>,
) -> Result<OtTerm<f32>, Error> {
    let operation = "ot_term_with_grad";
    domain::two_views(operation, rows)?;
    domain::at_least_one(operation, "dim", dim)?;
    check::shape(operation, "z", z, rows.saturating_mul(dim))?;
    check::shape(operation, "grad", grad, z.len())?;
    options.sinkhorn.check(operation)?;
    let n = rows / 2;
    let mut halves = (z, grad);
    let view_a = check::take(operation, &mut halves.0, n * dim)?;
    let grad_a = check::take(operation, &mut halves.1, n * dim)?;
    let source = CostSource::Points {
        cost: options.cost,
        x: view_a,
        y: halves.0,
        dim,
    };
    let problem = Problem::new(source, n, n).scaled(options.scale);
    let mut state = State::new(device, &problem, options.sinkhorn.epsilon, workspace)?;
    let outcome = state.run(&options.sinkhorn)?;
    let transport_cost = state.transport_cost()?;
    state.envelope_gradient(grad_a, halves.1)?;
    Ok(OtTerm {
        value: outcome.value,
        transport_cost,
        marginal_error: outcome.marginal_error,
        iterations: outcome.iterations,
        converged: outcome.converged,
    })
}
