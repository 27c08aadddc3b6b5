//! What came out, or which input was refused.

use kernels_core::sinkhorn::{self as core, Outcome};
use kernels_cuda_device::Global;
use kernels_cuda_device::sinkhorn::status::Status;

use super::problem::{CostSource, Problem};
use super::state::OPERATION;
use crate::device::{Device, read};
use crate::error::Error;

/// Whether the threshold is met, or something was refused.
pub(super) fn is_done<D: Device>(device: &D, status: Status) -> Result<bool, Error> {
    let done = read(device, Global::<f32>::new(status.0.address(), 1))?;
    Ok(done.first() != Some(&0.0))
}

/// Reads the status, and turns a refusal into its error.
pub(super) fn read_outcome<D: Device>(
    device: &D,
    problem: &Problem,
    status: Status,
    threshold: f32,
) -> Result<Outcome<f32>, Error> {
    let values = read(device, status.0)?;
    let at = |place: usize| values.get(place).copied().unwrap_or(f32::NAN);
    let fits = |quantity, value: f32| {
        if value.is_finite() {
            Ok(value)
        } else {
            Err(Error::Kernel(kernels_core::Error::Overflow {
                operation: OPERATION,
                quantity,
                got: f64::from(value),
            }))
        }
    };
    if at(Status::REFUSED) != 0.0 {
        refusal(device, problem)?;
        // What kernels-core takes in f64 can still be too large in f32.
        fits("a cost or a potential", f32::INFINITY)?;
    }
    let error = at(Status::ERROR);
    Ok(Outcome {
        value: fits("the dual value", at(Status::VALUE))?,
        // Far from the answer the sums may overflow.
        marginal_error: fits("the marginal error", error)?,
        mass: fits("the transported mass", at(Status::MASS))?,
        iterations: at(Status::ITERATIONS) as usize,
        converged: error <= threshold,
    })
}

/// The error that `kernels-core` has for this input, if it has one: found on the host, from
/// a copy, since nothing is lost any more.
fn refusal<D: Device>(device: &D, problem: &Problem) -> Result<(), Error> {
    let copy = |array: Option<Global<f32>>| array.map(|array| read(device, array)).transpose();
    let (a, b) = (copy(problem.a)?, copy(problem.b)?);
    let (first, second, points) = match problem.cost {
        CostSource::Matrix(cost) => (read(device, cost)?, Vec::new(), None),
        CostSource::Points { cost, x, y, dim } => {
            (read(device, x)?, read(device, y)?, Some((cost, dim)))
        }
    };
    let cost = match points {
        None => core::CostSource::Matrix(&first),
        Some((cost, dim)) => core::CostSource::Points {
            cost,
            x: &first,
            y: &second,
            dim,
        },
    };
    let mut twin = core::Problem::new(cost, problem.n, problem.m);
    twin.a = a.as_deref();
    twin.b = b.as_deref();
    (twin.rho_a, twin.rho_b) = (problem.rho_a, problem.rho_b);
    let mut workspace = vec![0.0; twin.workspace_len()];
    core::State::new(&twin, 1.0, &mut workspace)?;
    Ok(())
}
