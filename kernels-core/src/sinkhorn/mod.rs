//! Entropic optimal transport by Sinkhorn's iteration in the log domain (Cuturi 2013).
//!
//! `V = min_P ⟨P,C⟩ + ε KL(P | a⊗b)` over plans with `P1 = a`, `Pᵀ1 = b`. The dual has
//! potentials f and g with `P_ij = a_i b_j exp((f_i + g_j − C_ij)/ε)` and value
//! `⟨a,f⟩ + ⟨b,g⟩`; the iteration makes the column sums right, then the row sums, in
//! turn: `f_i = −ε log Σ_j b_j exp((g_j − C_ij)/ε)`, and g likewise.
//!
//! | for | call |
//! |---|---|
//! | an easy problem | [`solve`]; [`State::run`] to keep potentials and plan |
//! | an ε far below the costs | [`solve_annealed`] |
//! | slow convergence, slower still | [`State::run_relaxed`], [`State::run_newton`] |
//! | problems that nobody has looked at | [`solve_robust`] |
//! | many small problems of one size | [`solve_batch`] |
//! | many iterations at one ε | any of these, [with a stored kernel](Problem::with_stored_kernel) |
//! | the plan, products with it | [`State::plan_row`], [`State::apply_plan`] |
//! | how far from the optimum | [`State::duality_gap`] |
//! | transport without the bias of ε | [`sinkhorn_divergence`] |
//!
//! **Which gradient?** For the regularised value at convergence, the envelope's
//! ([`State::envelope_gradient`], [`State::weight_gradient`], [`State::cost_gradient`]). For
//! the sharp cost or a loss on potentials at convergence, [`State::implicit_gradient`]. For
//! anything that was stopped early, [`State::record`] and [`Recording::gradient`].
//!
//! ```
//! use kernels_core::sinkhorn::{
//!     CostSource, Cotangents, Gradients, ImplicitOptions, Problem, SinkhornOptions, State,
//!     implicit_workspace_len,
//! };
//!
//! let cost = [0.0, 1.0, 4.0, 1.0, 0.0, 1.0];
//! let problem = Problem::new(CostSource::Matrix(&cost), 2, 3);
//! let options = SinkhornOptions { epsilon: 0.5, threshold: 1e-12, max_iterations: 1000 };
//! let mut workspace = vec![0.0; problem.workspace_len()];
//! let mut state = State::new(&problem, options.epsilon, &mut workspace)?;
//! assert!(state.run(&options)?.converged);
//!
//! // How the sharp cost ⟨P,C⟩ moves with the costs.
//! let sharp = Cotangents { transport_cost: 1.0, ..Cotangents::default() };
//! let solver = ImplicitOptions { tolerance: 1e-12, max_iterations: 100 };
//! let mut by_cost = [0.0; 6];
//! let mut gradients = Gradients { cost: Some(&mut by_cost), ..Gradients::default() };
//! let mut scratch = vec![0.0; implicit_workspace_len(2, 3)];
//! state.implicit_gradient(&sharp, &solver, &mut gradients, &mut scratch)?;
//! // A constant added to all costs is added to ⟨P,C⟩.
//! assert!((by_cost.iter().sum::<f64>() - 1.0).abs() < 1e-10);
//! # Ok::<(), kernels_core::Error>(())
//! ```
//!
//! The files behind this module:
//!
//! | file | subject |
//! |---|---|
//! | `problem`, `weights` | costs, weights and prices, checked once |
//! | `rows`, `cost_range` | rows of costs, from a matrix or from points; how far they spread |
//! | `options` | when to stop; what came out |
//! | `pass`, `row`, `columns` | the two half steps in one pass: formulas, special values |
//! | `stored` | the same by a stored kernel, without exponentials |
//! | `series` | the sum of exponentials, also where ε is large |
//! | `chunks` | how rows are shared out among threads |
//! | `state`, `look_ahead`, `dual` | the iteration as a state with a `step`; what it does to potentials; what these are worth |
//! | `coupling`, `blocks` | sweeps over the plan or one like it, and how threads share them |
//! | `plan` | rows of the plan on demand |
//! | `annealing` | from a large ε down to a small one |
//! | `batch`, `batch_outputs` | many small problems of one size |
//! | `relaxation` | longer steps where convergence is slow |
//! | `apply` | products with the plan; the barycentric projection |
//! | `primal`, `feasible` | a feasible plan's value and the duality gap |
//! | `newton` | Newton's method where convergence is slower still |
//! | `robust` | all of these, for problems that nobody has looked at |
//! | `gradient` | envelope gradients: costs, points, weights |
//! | `implicit`, `hessian`, `conjugate_gradient` | implicit differentiation, and the linear system behind it |
//! | `unrolled`, `half_step` | backwards through a fixed number of iterations |
//! | `adjoint`, `gradients`, `pull`, `sums` | what these have in common: the loss, where gradients go, pairs, sums |
//! | `symmetric`, `self_term`, `divergence` | a measure against itself; the debiased divergence |

mod adjoint;
mod annealing;
mod apply;
mod batch;
mod batch_outputs;
mod blocks;
mod chunks;
mod columns;
mod conjugate_gradient;
mod cost_range;
mod coupling;
pub(crate) mod divergence;
mod dual;
mod feasible;
pub(crate) mod gradient;
mod gradients;
mod half_step;
mod hessian;
mod implicit;
mod look_ahead;
mod newton;
mod options;
mod pass;
mod plan;
mod primal;
mod problem;
mod pull;
mod relaxation;
mod robust;
pub(crate) mod row;
mod rows;
mod self_term;
pub(crate) mod series;
mod state;
mod stored;
mod sums;
mod symmetric;
mod unrolled;
mod weights;

pub use adjoint::Cotangents;
pub use annealing::{Annealing, solve_annealed};
pub use batch::{Batch, solve_batch};
pub use batch_outputs::{BatchError, BatchOutputs};
pub use conjugate_gradient::{ImplicitOptions, LinearSolve};
pub use divergence::{
    Divergence, divergence_workspace_len, sinkhorn_divergence, sinkhorn_divergence_with_grad,
};
pub use gradients::Gradients;
pub use implicit::implicit_workspace_len;
pub use newton::newton_workspace_len;
pub use options::{Outcome, SinkhornOptions};
pub use primal::{DualityGap, gap_workspace_len};
pub use problem::{CostSource, Problem};
pub use pull::PointGradients;
pub use robust::{robust_workspace_len, solve_robust};
pub use state::State;
pub use unrolled::{Recording, unrolled_workspace_len};

use crate::{Error, Real};

/// Workspace elements for an `n × m` problem with a cost matrix;
/// [`Problem::workspace_len`] tells it for any problem.
#[must_use]
pub fn sinkhorn_workspace_len(n: usize, m: usize) -> usize {
    Problem::<f64>::new(CostSource::Matrix(&[]), n, m).workspace_len()
}

/// Solves from scratch. Use [`State`] to see the potentials and the plan, to go on
/// later, or to take gradients; it also has the cost of an iteration. Memory:
/// [`Problem::workspace_len`].
///
/// # Errors
/// As [`State::new`] and [`State::run`]. Not reaching the threshold is not an error:
/// see [`Outcome::converged`].
pub fn solve<T: Real>(
    problem: &Problem<'_, T>,
    options: &SinkhornOptions<T>,
    workspace: &mut [T],
) -> Result<Outcome<T>, Error> {
    State::new(problem, options.epsilon, workspace)?.run(options)
}
