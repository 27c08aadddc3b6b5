//! Transport with its potentials, and the divergence with its gradients.

use alloc::vec::Vec;

use super::zeros;
use crate::sinkhorn::{
    self, Annealing, CostSource, Divergence, DualityGap, Outcome, Problem, SinkhornOptions, State,
    divergence_workspace_len, gap_workspace_len, robust_workspace_len,
};
use crate::{Error, Real, check};

/// A solved problem: the potentials, and what is computed from them when it is asked for.
/// Each method below takes a pass or two over the costs, and a workspace while it runs.
#[derive(Clone, Debug)]
pub struct Solution<'a, T> {
    /// Value, marginal error, iterations, whether it converged.
    pub outcome: Outcome<T>,
    problem: Problem<'a, T>,
    epsilon: T,
    f: Vec<T>,
    g: Vec<T>,
}

impl<'a, T: Real> Solution<'a, T> {
    fn new(
        problem: &Problem<'a, T>,
        options: &SinkhornOptions<T>,
        state: &State<'_, T>,
        outcome: Outcome<T>,
    ) -> Result<Self, Error> {
        let (f, g) = state.potentials();
        let owned = |potentials: &[T]| {
            let mut copy = zeros("solve", potentials.len())?;
            copy.copy_from_slice(potentials);
            Ok(copy)
        };
        Ok(Self {
            outcome,
            problem: *problem,
            epsilon: options.epsilon,
            f: owned(f)?,
            g: owned(g)?,
        })
    }

    /// The problem that was solved.
    #[must_use]
    pub fn problem(&self) -> &Problem<'a, T> {
        &self.problem
    }

    /// `(f, g)`; see [`State::potentials`].
    #[must_use]
    pub fn potentials(&self) -> (&[T], &[T]) {
        (&self.f, &self.g)
    }

    /// The plan, n × m, row-major.
    ///
    /// # Errors
    /// An entry that does not fit the scalar type, and [`Error::Memory`].
    pub fn plan(&self) -> Result<Vec<T>, Error> {
        let Problem { n, m, .. } = self.problem;
        let mut plan = zeros("plan", n.saturating_mul(m))?;
        self.with_state("plan", |state| {
            state.write_plan(("plan", "an entry of the plan"), &mut plan)
        })?;
        Ok(plan)
    }

    /// `⟨P,C⟩`, the cost of the plan without the entropic term.
    ///
    /// # Errors
    /// When it does not fit the scalar type, and [`Error::Memory`].
    pub fn transport_cost(&self) -> Result<T, Error> {
        self.with_state("transport_cost", |state| state.transport_cost())
    }

    /// The envelope gradient of the value with respect to the points x and y; see
    /// [`State::envelope_gradient`]. (With respect to a cost matrix it is the plan.)
    ///
    /// # Errors
    /// A problem with a cost matrix, a gradient that does not fit the scalar type, and
    /// [`Error::Memory`].
    pub fn gradient(&self) -> Result<(Vec<T>, Vec<T>), Error> {
        let operation = "gradient";
        let CostSource::Points { cost, x, y, dim } = self.problem.cost else {
            return Err(Error::NeedsPoints {
                operation,
                purpose: "the gradient is with respect to points; of a matrix, ask for the plan",
            });
        };
        let mut grad_x = zeros(operation, x.len())?;
        let mut grad_y = zeros(operation, y.len())?;
        self.with_state(operation, |state| {
            state.envelope_gradient(cost, x, y, dim, &mut grad_x, &mut grad_y)
        })?;
        Ok((grad_x, grad_y))
    }

    /// The envelope gradient of the value with respect to the weights a and b; see
    /// [`State::weight_gradient`].
    ///
    /// # Errors
    /// An atom of weight zero without a permitted partner, a gradient that does not fit the
    /// scalar type, and [`Error::Memory`].
    pub fn weight_gradient(&self) -> Result<(Vec<T>, Vec<T>), Error> {
        let operation = "weight_gradient";
        let mut of_a = zeros(operation, self.problem.n)?;
        let mut of_b = zeros(operation, self.problem.m)?;
        self.with_state(operation, |state| {
            state.weight_gradient(&mut of_a, &mut of_b)
        })?;
        Ok((of_a, of_b))
    }

    /// Primal value, dual value, and their difference, within which the optimum lies; see
    /// [`State::duality_gap`].
    ///
    /// # Errors
    /// A plan that cannot be made feasible, values that do not fit the scalar type, and
    /// [`Error::Memory`].
    pub fn duality_gap(&self) -> Result<DualityGap<T>, Error> {
        let operation = "duality_gap";
        let mut workspace = zeros(operation, gap_workspace_len(self.problem.n, self.problem.m))?;
        self.with_state(operation, |state| state.duality_gap(&mut workspace))
    }

    /// Where the plan takes each row: the mean of `y` (m × `width`) under its share of the
    /// plan, n × `width`; see [`State::barycentric_projection`].
    ///
    /// # Errors
    /// As [`State::barycentric_projection`], and [`Error::Memory`].
    pub fn barycentric_projection(&self, y: &[T], width: usize) -> Result<Vec<T>, Error> {
        let operation = "barycentric_projection";
        let mut out = zeros(operation, self.problem.n.saturating_mul(width))?;
        self.with_state(operation, |state| {
            state.barycentric_projection(y, width, &mut out)
        })?;
        Ok(out)
    }

    /// Shows a state with these potentials.
    fn with_state<R>(
        &self,
        operation: &'static str,
        look: impl FnOnce(&mut State<'_, T>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut workspace = zeros(operation, self.problem.workspace_len())?;
        let potentials = (&self.f[..], &self.g[..]);
        let mut state = State::at(&self.problem, self.epsilon, potentials, &mut workspace)?;
        look(&mut state)
    }
}

/// [`sinkhorn::solve`], and the potentials.
///
/// # Errors
/// As the function with slices; also [`Error::Memory`].
pub fn solve<'a, T: Real>(
    problem: &Problem<'a, T>,
    options: &SinkhornOptions<T>,
) -> Result<Solution<'a, T>, Error> {
    let mut workspace = room("solve", problem, problem.workspace_len())?;
    let mut state = State::new(problem, options.epsilon, &mut workspace)?;
    let outcome = state.run(options)?;
    Solution::new(problem, options, &state, outcome)
}

/// [`sinkhorn::solve_annealed`], by a schedule such as [`Annealing::from_scale`].
///
/// # Errors
/// As the function with slices; also [`Error::Memory`].
pub fn solve_annealed<'a, T: Real>(
    problem: &Problem<'a, T>,
    options: &SinkhornOptions<T>,
    schedule: &Annealing<T>,
) -> Result<Solution<'a, T>, Error> {
    let mut workspace = room("solve_annealed", problem, problem.workspace_len())?;
    let (state, outcome) = sinkhorn::solve_annealed(problem, options, schedule, &mut workspace)?;
    Solution::new(problem, options, &state, outcome)
}

/// [`sinkhorn::solve_robust`]: the solve for problems that nobody has looked at.
///
/// # Errors
/// As the function with slices; also [`Error::Memory`].
pub fn solve_robust<'a, T: Real>(
    problem: &Problem<'a, T>,
    options: &SinkhornOptions<T>,
) -> Result<Solution<'a, T>, Error> {
    let mut workspace = room("solve_robust", problem, robust_workspace_len(problem))?;
    let (state, outcome) = sinkhorn::solve_robust(problem, options, &mut workspace)?;
    Solution::new(problem, options, &state, outcome)
}

/// [`sinkhorn::sinkhorn_divergence_with_grad`]: the divergence, and its gradients with
/// respect to x and to y.
///
/// # Errors
/// As the function with slices; also [`Error::Memory`].
pub fn sinkhorn_divergence_with_grad<T: Real>(
    problem: &Problem<'_, T>,
    options: &SinkhornOptions<T>,
) -> Result<(Divergence<T>, [Vec<T>; 2]), Error> {
    let operation = "sinkhorn_divergence_with_grad";
    let (x, y) = match problem.cost {
        CostSource::Points { x, y, .. } => (x.len(), y.len()),
        // Refused below.
        CostSource::Matrix(_) => (0, 0),
    };
    let mut workspace = room(operation, problem, divergence_workspace_len(problem))?;
    let (mut grad_x, mut grad_y) = (zeros(operation, x)?, zeros(operation, y)?);
    let divergence = sinkhorn::sinkhorn_divergence_with_grad(
        problem,
        options,
        &mut grad_x,
        &mut grad_y,
        &mut workspace,
    )?;
    Ok((divergence, [grad_x, grad_y]))
}

/// A workspace, once the sizes are known to be those of the problem's slices.
fn room<T: Real>(
    operation: &'static str,
    problem: &Problem<'_, T>,
    len: usize,
) -> Result<Vec<T>, Error> {
    check::at_least_one(operation, "n", problem.n)?;
    check::at_least_one(operation, "m", problem.m)?;
    problem.check_lengths(operation, 1)?;
    zeros(operation, len)
}
