//! The transport term alone: costs between the views, Sinkhorn, envelope gradient.

use super::options::{OtForm, OtOptions, OtUnits};
use crate::cost::{Cost, cost_matrix, divide, largest_or_one};
use crate::sinkhorn::divergence::{self, Wanted};
use crate::sinkhorn::{CostSource, Outcome, Problem, State, divergence_workspace_len};
use crate::{Error, Real, check, vector};

pub(super) const OPERATION: &str = "ot_term_with_grad";

/// The transport term and how well it was solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OtTerm<T> {
    /// `OT_ε` with the KL term (see [`crate::sinkhorn::Outcome::value`]), or the divergence.
    pub value: T,
    /// `⟨P,C⟩` between the views, without it.
    pub transport_cost: T,
    /// L1 error of the plan's row sums; of a divergence, the largest of its three problems.
    pub marginal_error: T,
    /// Sinkhorn iterations made; for a divergence, the most that one of its problems took.
    pub iterations: usize,
    /// Whether the error is within the threshold. If not, the gradient is approximate.
    pub converged: bool,
    /// The ε that was used, in the units of the (scaled) cost.
    pub epsilon: T,
}

impl<T: Real> OtTerm<T> {
    pub(super) fn plain(outcome: Outcome<T>, transport_cost: T, units: &OtUnits<T>) -> Self {
        Self {
            value: outcome.value,
            transport_cost,
            marginal_error: outcome.marginal_error,
            iterations: outcome.iterations,
            converged: outcome.converged,
            epsilon: units.epsilon,
        }
    }

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
            epsilon: zero,
        }
    }
}

/// Solves the plain term between n rows and n others, from costs that have been divided.
pub(super) fn solve_plain<'w, T: Real>(
    matrix: &'w [T],
    n: usize,
    options: &OtOptions<T>,
    units: &OtUnits<T>,
    workspace: &'w mut [T],
) -> Result<(State<'w, T>, Outcome<T>), Error> {
    let problem = Problem::new(CostSource::Matrix(matrix), n, n)
        .unbalanced(options.rho, options.rho)
        .with_stored_kernel();
    let mut state = State::new(&problem, units.epsilon, workspace)?;
    let outcome = state.run_relaxed(&options.sinkhorn_at(units))?;
    Ok((state, outcome))
}

/// Workspace elements for [`ot_term_with_grad`] with `n` rows in each view, whatever the
/// options: about `2 n²`, for costs and stored kernel, and O(n·dim).
#[must_use]
pub fn ot_term_workspace_len(n: usize, dim: usize) -> usize {
    let (x, y): (&[f64], &[f64]) = (&[], &[]);
    let cost = Cost::SquaredEuclidean;
    let points = CostSource::Points { cost, x, y, dim };
    // The plain term needs a matrix and a state, and the divergence more.
    divergence_workspace_len(&Problem::new(points, n, n).with_stored_kernel())
}

/// The transport term between view A (the first `rows/2` rows of `z`) and view B (the
/// others), both with uniform weights, and its envelope gradient with respect to `z`
/// (`rows × dim`, row-major), written to `grad`.
///
/// The plain term has its kernel stored and over-relaxed steps, so that many iterations
/// cost little: see [`Problem::with_stored_kernel`] and [`State::run_relaxed`], which ends by
/// the same criterion as a plain run. The divergence is
/// [`sinkhorn_divergence_with_grad`](crate::sinkhorn::sinkhorn_divergence_with_grad)'s, with
/// kernels stored. [`State::envelope_gradient`] says when the gradient is right.
///
/// Memory: [`ot_term_workspace_len`], about `2 N²` for N = `rows/2`. Cost: O(N²·dim) for costs
/// and gradient, and `2 N²` multiplications in an iteration; a divergence has three problems.
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
    check::two_views(OPERATION, rows)?;
    check::at_least_one(OPERATION, "dim", dim)?;
    check::shape(OPERATION, "z", z, rows.saturating_mul(dim))?;
    check::shape(OPERATION, "grad", grad, z.len())?;
    options.check(OPERATION)?;
    let n = rows / 2;
    let workspace = check::workspace(OPERATION, workspace, ot_term_workspace_len(n, dim))?;
    let (view_a, view_b) = z.split_at(z.len() / 2);
    let (grad_a, grad_b) = grad.split_at_mut(z.len() / 2);
    let views = Views {
        a: view_a,
        b: view_b,
        n,
        dim,
        grad_a,
        grad_b,
    };
    match options.form {
        OtForm::Plain => views.plain(options, workspace),
        OtForm::Divergence => views.divergence(options, workspace),
    }
}

/// Two views of n rows, and where their gradients go.
struct Views<'v, T> {
    a: &'v [T],
    b: &'v [T],
    n: usize,
    dim: usize,
    grad_a: &'v mut [T],
    grad_b: &'v mut [T],
}

impl<T: Real> Views<'_, T> {
    /// Writes the costs between the views to `matrix`.
    fn costs(&self, options: &OtOptions<T>, matrix: &mut [T]) -> Result<OtUnits<T>, Error> {
        let (n, dim) = (self.n, self.dim);
        cost_matrix(options.cost, self.a, self.b, n, n, dim, matrix)?;
        options.units(OPERATION, largest_or_one(matrix))
    }

    fn plain(self, options: &OtOptions<T>, workspace: &mut [T]) -> Result<OtTerm<T>, Error> {
        let n = self.n;
        let mut scratch = workspace;
        let matrix = check::take(&mut scratch, n * n);
        let units = self.costs(options, matrix)?;
        let divisor = units.divisor;
        divide(matrix, divisor);
        let (mut state, outcome) = solve_plain(matrix, n, options, &units, scratch)?;
        let transport_cost = state.transport_cost()?;
        let (x, y, dim) = (self.a, self.b, self.dim);
        state.envelope_gradient(options.cost, x, y, dim, self.grad_a, self.grad_b)?;
        if divisor != T::one() {
            for grad in [self.grad_a, self.grad_b] {
                vector::scale(grad, divisor.recip());
                check::all_fit(OPERATION, "the gradient", grad)?;
            }
        }
        Ok(OtTerm::plain(outcome, transport_cost, &units))
    }

    fn divergence(self, options: &OtOptions<T>, workspace: &mut [T]) -> Result<OtTerm<T>, Error> {
        let n = self.n;
        let units = if options.is_relative() {
            self.costs(options, check::take(&mut { &mut *workspace }, n * n))?
        } else {
            options.units(OPERATION, T::one())?
        };
        let source = CostSource::Points {
            cost: options.cost,
            x: self.a,
            y: self.b,
            dim: self.dim,
        };
        let problem = Problem::new(source, n, n)
            .unbalanced(options.rho, options.rho)
            .with_stored_kernel();
        let mut transport_cost = T::zero();
        let wanted = Wanted {
            grads: Some((self.grad_a, self.grad_b)),
            transport_cost: Some(&mut transport_cost),
        };
        let sinkhorn = options.sinkhorn_at(&units);
        let found = divergence::solve(&problem, units.divisor, &sinkhorn, wanted, workspace)?;
        Ok(OtTerm {
            value: found.value,
            transport_cost,
            marginal_error: found.marginal_error,
            iterations: found.iterations,
            converged: found.converged,
            epsilon: units.epsilon,
        })
    }
}
