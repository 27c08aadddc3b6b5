//! Entropic optimal transport on the device, as [`kernels_core::sinkhorn`], in f32.
//!
//! The names, formulas, options and errors are those of `kernels-core`; arrays are on the
//! device. An iteration is two launches, which the host queues many of: kernels find out
//! themselves that the threshold is met, and what is queued behind returns at once. The
//! host reads back once for every hundred iterations or so, and once at the end.
//!
//! A problem between points has its costs computed once, into the workspace, by
//! differences; or, where that matrix is not wanted, anew in every pass on the tensor
//! cores ([`Problem::streamed`]).
//!
//! | file | subject |
//! |---|---|
//! | `problem` | costs, weights and prices on the device |
//! | `prepare` | weights, costs and their range |
//! | `state` | the iteration |
//! | `streamed` | the same without a matrix |
//! | `outcome` | what came out, or which input was refused |
//! | `outputs` | plan and gradients |
//! | `divergence` | the debiased divergence |
//!
//! ```
//! use kernels_core::sinkhorn::SinkhornOptions;
//! use kernels_cuda::sinkhorn::{CostSource, Problem, solve};
//! use kernels_cuda::{Buffer, emulator::Emulator};
//!
//! let device = Emulator::new(1); // On a GPU: `Cuda::new(0)?`, feature `cuda`.
//! let cost = Buffer::of(&device, &[0.0, 1.0, 4.0, 1.0, 0.0, 1.0])?;
//! let problem = Problem::new(CostSource::Matrix(cost.array()), 2, 3);
//! let options = SinkhornOptions { epsilon: 0.5, threshold: 1e-6, max_iterations: 1000 };
//! let workspace = Buffer::new(&device, problem.workspace_len())?;
//! let outcome = solve(&device, &problem, &options, workspace.array())?;
//! assert!(outcome.converged);
//! # Ok::<(), kernels_cuda::Error>(())
//! ```

pub(crate) mod divergence;
mod outcome;
mod outputs;
mod prepare;
mod problem;
mod state;
mod streamed;

pub use divergence::{
    divergence_workspace_len, sinkhorn_divergence, sinkhorn_divergence_with_grad,
};
pub use problem::{CostSource, Problem};
pub use state::State;

use kernels_core::sinkhorn::{Outcome, SinkhornOptions};
use kernels_cuda_device::Global;

use crate::device::Device;
use crate::error::Error;

/// Solves from scratch. Use [`State`] to go on later, or to have the plan and gradients.
///
/// # Errors
/// As [`State::new`] and [`State::run`]. Not reaching the threshold is not an error: see
/// [`Outcome::converged`].
pub fn solve<D: Device>(
    device: &D,
    problem: &Problem,
    options: &SinkhornOptions<f32>,
    workspace: Global<f32>,
) -> Result<Outcome<f32>, Error> {
    State::new(device, problem, options.epsilon, workspace)?.run(options)
}
