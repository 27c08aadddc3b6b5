//! The transport term alone: cost between the views, Sinkhorn, envelope gradient.

use crate::cost::{Cost, CostScale, cost_matrix, rescale};
use crate::sinkhorn::{CostSource, Problem, SinkhornOptions, State};
use crate::{Error, Real, check, vector};

/// Parameters of the transport term.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OtOptions<T> {
    /// The cost between rows.
    pub cost: Cost,
    /// What the cost matrix is divided by. With [`CostScale::Maximum`] the value and ε
    /// are in units of the largest cost of the batch.
    pub scale: CostScale,
    /// ε and when to stop.
    pub sinkhorn: SinkhornOptions<T>,
}

/// The transport term and how well it was solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OtTerm<T> {
    /// `OT_ε` with the KL term (see [`crate::sinkhorn::Outcome::value`]).
    pub value: T,
    /// `⟨P,C⟩` without it.
    pub transport_cost: T,
    /// L1 error of the plan's row sums.
    pub marginal_error: T,
    /// Sinkhorn iterations made.
    pub iterations: usize,
    /// Whether the error is within the threshold. If not, the gradient is approximate.
    pub converged: bool,
}

impl<T: Real> OtTerm<T> {
    /// What stands for a term that was not computed: zeros, and no iterations, which no
    /// computed term has.
    #[must_use]
    pub fn skipped() -> Self {
        let zero = T::zero();
        Self {
            value: zero,
            transport_cost: zero,
            marginal_error: zero,
            iterations: 0,
            converged: true,
        }
    }
}

/// Workspace elements for [`ot_term_with_grad`] with `n` rows in each view. The
/// dimension does not matter at present; it is a parameter so that a later method may
/// need it.
#[must_use]
pub fn ot_term_workspace_len(n: usize, _dim: usize) -> usize {
    n.saturating_mul(n)
        .saturating_add(problem::<f64>(&[], n).workspace_len())
}

/// The views have a cost matrix, so the kernel may take as much again.
fn problem<T: Real>(matrix: &[T], n: usize) -> Problem<'_, T> {
    Problem::new(CostSource::Matrix(matrix), n, n).with_stored_kernel()
}

/// `OT_ε` between view A (the first `rows/2` rows of `z`) and view B (the others), both
/// with uniform weights, and its envelope gradient with respect to `z`, written to
/// `grad`.
///
/// # Errors
/// Wrong lengths, an odd number of rows, options outside their domain, NaN or infinite
/// rows, zero rows under [`Cost::Cosine`], or results too large for the scalar type.
pub fn ot_term_with_grad<T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    options: &OtOptions<T>,
    grad: &mut [T],
    workspace: &mut [T],
) -> Result<OtTerm<T>, Error> {
    let operation = "ot_term_with_grad";
    check::two_views(operation, rows)?;
    check::at_least_one(operation, "dim", dim)?;
    check::shape(operation, "z", z, rows.saturating_mul(dim))?;
    check::shape(operation, "grad", grad, z.len())?;
    options.sinkhorn.check(operation)?;
    let n = rows / 2;
    let workspace = check::workspace(operation, workspace, ot_term_workspace_len(n, dim))?;
    let mut scratch = workspace;
    let matrix = check::take(&mut scratch, n * n);
    let (view_a, view_b) = z.split_at(z.len() / 2);
    cost_matrix(options.cost, view_a, view_b, n, n, dim, matrix)?;
    let divisor = rescale(options.scale, matrix);

    let problem = problem(matrix, n);
    let mut state = State::new(&problem, options.sinkhorn.epsilon, scratch)?;
    let outcome = state.run(&options.sinkhorn)?;
    let transport_cost = state.transport_cost()?;
    let (grad_a, grad_b) = grad.split_at_mut(grad.len() / 2);
    state.envelope_gradient(options.cost, view_a, view_b, dim, grad_a, grad_b)?;
    if divisor != T::one() {
        vector::scale(grad, divisor.recip());
        check::all_fit(operation, "the gradient", grad)?;
    }
    Ok(OtTerm {
        value: outcome.value,
        transport_cost,
        marginal_error: outcome.marginal_error,
        iterations: outcome.iterations,
        converged: outcome.converged,
    })
}
