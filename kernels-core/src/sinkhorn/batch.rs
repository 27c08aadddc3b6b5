//! Many small problems of one size, such as one for each pair of sentences or each part of
//! a picture. Each run of consecutive problems has a workspace of its own.

use super::batch_outputs::{BatchError, BatchOutputs, Shape};
use super::{CostSource, Problem, SinkhornOptions, State};
use crate::level::{Level, Task};
use crate::parallel::run_all;
use crate::{Error, Real, check, vector};

const OPERATION: &str = "solve_batch";
/// Runs of problems at most, and so threads that can be used at most. Problems need
/// different numbers of iterations, so there are more runs than threads.
const MAX_RUNS: usize = 64;

/// B problems of one size, for [`solve_batch`]: such as one for each pair of sentences or
/// each part of a picture.
///
/// Problems of n × m lie one after the other: costs are B × n × m, points B × n × d and
/// B × m × d, weights B × n and B × m.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a, T> {
    /// The sizes of one problem and its prices; costs, points and weights of all problems,
    /// one after the other.
    pub stacked: Problem<'a, T>,
    /// B, the number of problems.
    pub count: usize,
}

impl<'a, T: Real> Batch<'a, T> {
    /// `count` problems whose slices are stacked in those of `stacked`.
    #[must_use]
    pub fn new(stacked: Problem<'a, T>, count: usize) -> Self {
        Self { stacked, count }
    }

    /// One of the problems, or `None` if there is no such problem or a slice is too short.
    #[must_use]
    pub fn problem(&self, index: usize) -> Option<Problem<'a, T>> {
        if index >= self.count {
            return None;
        }
        let stacked = &self.stacked;
        let (n, m) = (stacked.n, stacked.m);
        let weights = |weights: Option<&'a [T]>, len| match weights {
            None => Some(None),
            Some(weights) => part(weights, index, len).map(Some),
        };
        let cost = match stacked.cost {
            CostSource::Matrix(cost) => CostSource::Matrix(part(cost, index, n.saturating_mul(m))?),
            CostSource::Points { cost, x, y, dim } => CostSource::Points {
                cost,
                x: part(x, index, n.saturating_mul(dim))?,
                y: part(y, index, m.saturating_mul(dim))?,
                dim,
            },
        };
        Some(Problem {
            cost,
            a: weights(stacked.a, n)?,
            b: weights(stacked.b, m)?,
            ..*stacked
        })
    }

    /// Workspace elements for [`solve_batch`]: that of one problem,
    /// [`Problem::workspace_len`], for each run of problems, of which there are at most 64.
    #[must_use]
    pub fn workspace_len(&self) -> usize {
        let runs = self.count.div_ceil(run_len(self.count));
        self.stacked.workspace_len().saturating_mul(runs)
    }

    fn check(&self) -> Result<Shape, Error> {
        check::at_least_one(OPERATION, "count", self.count)?;
        self.stacked.check(OPERATION)?;
        self.stacked.check_lengths(OPERATION, self.count)?;
        Ok(Shape {
            count: self.count,
            n: self.stacked.n,
            m: self.stacked.m,
            dim: match self.stacked.cost {
                CostSource::Matrix(_) => None,
                CostSource::Points { dim, .. } => Some(dim),
            },
        })
    }
}

/// Solves all problems of a batch, each from scratch and with the same options, exactly as
/// [`State::run`] solves it by itself, to the last bit. Not reaching the threshold is not an
/// error: see [`Outcome::converged`](super::Outcome::converged) of each.
///
/// With `std`, problems are shared out to the threads in at most 64 runs of consecutive
/// problems, by their number alone; a run solves one problem after the other in a workspace
/// of its own. Memory: that of one problem for each run, [`Batch::workspace_len`]. Cost: that
/// of the problems.
///
/// ```
/// use kernels_core::sinkhorn::{
///     Batch, BatchOutputs, CostSource, Outcome, Problem, SinkhornOptions, solve_batch,
/// };
///
/// // Two problems of 2 × 2, one the other with its columns exchanged.
/// let costs = [0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0];
/// let batch = Batch::new(Problem::new(CostSource::Matrix(&costs), 2, 2), 2);
/// let options = SinkhornOptions { epsilon: 0.1, threshold: 1e-9, max_iterations: 100 };
/// let mut outcomes = [Outcome::default(); 2];
/// let mut workspace = vec![0.0; batch.workspace_len()];
/// solve_batch(&batch, &options, BatchOutputs::new(&mut outcomes), &mut workspace)?;
/// assert!(outcomes[0].converged && outcomes[0].value == outcomes[1].value);
/// # Ok::<(), kernels_core::sinkhorn::BatchError>(())
/// ```
///
/// # Errors
/// Wrong lengths, a gradient with respect to points of a problem that has none, or what
/// [`State::new`], [`State::run`] or [`State::envelope_gradient`] refuse in a problem, of
/// which the first is named. The outputs of other problems may have been written then.
pub fn solve_batch<T: Real>(
    batch: &Batch<'_, T>,
    options: &SinkhornOptions<T>,
    outputs: BatchOutputs<'_, T>,
    workspace: &mut [T],
) -> Result<(), BatchError> {
    options.check(OPERATION)?;
    let shape = batch.check()?;
    outputs.check(OPERATION, &shape)?;
    let workspace = check::workspace(OPERATION, workspace, batch.workspace_len())?;

    let len = run_len(batch.count);
    let mut failures = [None; MAX_RUNS];
    let mut rest = outputs;
    // Not empty: no problem does without a workspace.
    let workspaces = workspace.chunks_exact_mut(batch.stacked.workspace_len().max(1));
    let runs = workspaces.zip(&mut failures).enumerate();
    let tasks = runs.map(|(run, (workspace, failure))| Run {
        batch,
        options,
        shape,
        first: run.saturating_mul(len),
        outputs: rest.split_off(len, &shape),
        workspace,
        failure,
    });
    let pairs = batch.count.saturating_mul(shape.n).saturating_mul(shape.m);
    run_all(tasks, pairs.saturating_mul(options.max_iterations));
    match failures.into_iter().flatten().next() {
        None => Ok(()),
        Some(error) => Err(error),
    }
}

/// Problems in each run but the last.
fn run_len(count: usize) -> usize {
    count.div_ceil(MAX_RUNS).max(1)
}

/// Elements of one problem.
fn part<T>(stacked: &[T], index: usize, len: usize) -> Option<&[T]> {
    let start = index.checked_mul(len)?;
    stacked.get(start..start.checked_add(len)?)
}

/// Consecutive problems, from `first` on, as many as there are outcomes.
struct Run<'r, 'a, T> {
    batch: &'r Batch<'a, T>,
    options: &'r SinkhornOptions<T>,
    shape: Shape,
    first: usize,
    outputs: BatchOutputs<'r, T>,
    workspace: &'r mut [T],
    failure: &'r mut Option<BatchError>,
}

impl<T: Real> Task for Run<'_, '_, T> {
    type Output = ();

    /// The solver chooses the level of its loops itself.
    fn run<L: Level>(self) {
        self.solve();
    }
}

impl<T: Real> Run<'_, '_, T> {
    #[inline(never)]
    fn solve(mut self) {
        let mut index = self.first;
        while !self.outputs.outcomes.is_empty()
            && let Some(problem) = self.batch.problem(index)
        {
            let outputs = self.outputs.split_off(1, &self.shape);
            let solved = solve_one(&problem, self.options, outputs, self.workspace);
            if let Err(error) = solved {
                let problem = Some(index);
                *self.failure = Some(BatchError { problem, error });
                return;
            }
            index += 1;
        }
    }
}

/// Solves one problem and writes what is asked for.
fn solve_one<T: Real>(
    problem: &Problem<'_, T>,
    options: &SinkhornOptions<T>,
    outputs: BatchOutputs<'_, T>,
    workspace: &mut [T],
) -> Result<(), Error> {
    let mut state = State::new(problem, options.epsilon, workspace)?;
    outputs.outcomes.fill(state.run(options)?);
    let (f, g) = state.potentials();
    if let Some(out) = outputs.f {
        vector::copy(out, f);
    }
    if let Some(out) = outputs.g {
        vector::copy(out, g);
    }
    if let Some(out) = outputs.plans {
        for (i, row) in out.chunks_exact_mut(problem.m.max(1)).enumerate() {
            state.plan_row(i, row)?;
        }
    }
    if let CostSource::Points { cost, x, y, dim } = problem.cost
        && let (Some(grad_x), Some(grad_y)) = (outputs.grad_x, outputs.grad_y)
    {
        state.envelope_gradient(cost, x, y, dim, grad_x, grad_y)?;
    }
    Ok(())
}
