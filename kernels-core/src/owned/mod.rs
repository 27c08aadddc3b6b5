//! The same functions with results and workspaces on the heap (feature `alloc`).
//!
//! They have the names, arguments and errors of those that take slices, and call them; an
//! allocation that fails is [`Error::Memory`], not an abort. Lengths are checked before
//! anything is allocated, so that memory is bounded by the input's true size. A training
//! loop that wants no allocations uses the others.
//!
//! ```
//! use kernels_core::cost::Cost;
//! use kernels_core::owned;
//! use kernels_core::sinkhorn::{CostSource, Problem, SinkhornOptions};
//!
//! // Three points of the plane and two.
//! let (x, y) = ([0.0, 0.0, 1.0, 0.0, 0.0, 1.0], [0.1, 0.1, 0.8, 0.9]);
//! let source = CostSource::Points { cost: Cost::SquaredEuclidean, x: &x, y: &y, dim: 2 };
//! let options = SinkhornOptions { epsilon: 0.1, threshold: 1e-9, max_iterations: 1000 };
//! let solution = owned::solve(&Problem::new(source, 3, 2), &options)?;
//! assert!(solution.outcome.converged);
//! let plan = solution.plan()?; // 3 × 2, row-major
//! assert!((plan.iter().sum::<f64>() - 1.0).abs() < 1e-9);
//! let (grad_x, grad_y) = solution.gradient()?; // with respect to the points
//! assert_eq!((grad_x.len(), grad_y.len()), (6, 4));
//! # Ok::<(), kernels_core::Error>(())
//! ```

mod losses;
mod transport;

pub use losses::{
    barlow_twins_with_grad, byol_with_grad, nt_xent_with_grad, sin_sim_with_grad, swav_with_grad,
    vicreg_with_grad,
};
pub use transport::{Solution, sinkhorn_divergence_with_grad, solve, solve_annealed, solve_robust};

use alloc::vec::Vec;

use crate::{Error, Real};

/// Zeros on the heap.
fn zeros<T: Real>(operation: &'static str, len: usize) -> Result<Vec<T>, Error> {
    let mut zeros = Vec::new();
    match zeros.try_reserve_exact(len) {
        Ok(()) => {
            zeros.resize(len, T::zero());
            Ok(zeros)
        }
        Err(_) => Err(Error::Memory {
            operation,
            expected: len,
        }),
    }
}
