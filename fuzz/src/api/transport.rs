//! Transport: the calls in an order that nobody had in mind, on slices that do not fit.
//! (`crate::sinkhorn` solves what is legal.)

use kernels_core::Error;
use kernels_core::cost::Cost;
use kernels_core::sinkhorn::{
    CostSource, Outcome, Problem, SinkhornOptions, State, divergence_workspace_len,
    sinkhorn_divergence, sinkhorn_divergence_with_grad, sinkhorn_workspace_len, solve,
};

use super::Arguments;
use crate::number::{Number, Scalar, assert_finite, tidy};

pub(super) fn functions<T: Scalar>() -> [fn(Arguments<'_>); 3] {
    [from_matrix::<T>, from_points::<T>, divergence::<T>]
}

pub(super) fn options<T: Scalar>(to: &Arguments<'_>) -> SinkhornOptions<T> {
    SinkhornOptions {
        epsilon: to.option(0),
        threshold: to.option(1),
        max_iterations: to.input.sizes[2].value().min(50),
    }
}

pub(super) fn assert_outcome<T: Scalar>(what: &str, found: &Outcome<T>) {
    assert_finite(what, &[found.value, found.marginal_error, found.mass]);
}

/// A problem from points, with slices that need not fit, and something to look at it.
pub(super) fn with_points<T: Scalar>(
    to: &mut Arguments<'_>,
    sizes: [usize; 3],
    count: usize,
    look: impl FnOnce(&mut Arguments<'_>, Problem<'_, T>),
) {
    let [n, m, dim] = sizes;
    let all = |len: usize| len.saturating_mul(count);
    let (x, y) = (
        to.slice::<T>(all(n.saturating_mul(dim))),
        to.slice::<T>(all(m.saturating_mul(dim))),
    );
    let (mut a, mut b) = (to.slice::<T>(all(n)), to.slice::<T>(all(m)));
    settle(to, [&mut a, &mut b], [n, m]);
    let cost = if to.input.function & 64 == 0 {
        Cost::Cosine
    } else {
        Cost::SquaredEuclidean
    };
    let (x, y) = (&x, &y);
    let source = CostSource::Points { cost, x, y, dim };
    let problem = priced(to, Problem::new(source, n, m), &a, &b);
    look(to, problem);
}

/// The same from a matrix.
pub(super) fn with_matrix<T: Scalar>(
    to: &mut Arguments<'_>,
    [n, m]: [usize; 2],
    count: usize,
    look: impl FnOnce(&mut Arguments<'_>, Problem<'_, T>),
) {
    let all = |len: usize| len.saturating_mul(count);
    let cost = to.slice::<T>(all(n.saturating_mul(m)));
    let (mut a, mut b) = (to.slice::<T>(all(n)), to.slice::<T>(all(m)));
    settle(to, [&mut a, &mut b], [n, m]);
    let problem = priced(to, Problem::new(CostSource::Matrix(&cost), n, m), &a, &b);
    look(to, problem);
}

/// Weights that a balanced problem takes, problem by problem, or else as they come.
fn settle<T: Scalar>(to: &Arguments<'_>, weights: [&mut Vec<T>; 2], sizes: [usize; 2]) {
    if !to.flag(1) {
        for (weights, size) in weights.into_iter().zip(sizes) {
            weights.chunks_mut(size.max(1)).for_each(tidy);
        }
    }
}

/// Weights and prices as they come.
fn priced<'a, T: Scalar>(
    to: &Arguments<'_>,
    problem: Problem<'a, T>,
    a: &'a [T],
    b: &'a [T],
) -> Problem<'a, T> {
    let problem = if to.flag(0) {
        problem.with_weights(a, b)
    } else {
        problem
    };
    let problem = if to.input.function & 128 == 0 {
        problem
    } else {
        problem.with_stored_kernel()
    };
    if to.flag(1) {
        problem.unbalanced(to.option(2), to.option(3))
    } else {
        problem
    }
}

fn from_matrix<T: Scalar>(mut to: Arguments<'_>) {
    let (n, m) = (to.size(0), to.size(1));
    with_matrix::<T>(&mut to, [n, m], 1, |to, problem| {
        if !problem.store_kernel {
            assert_eq!(problem.workspace_len(), sinkhorn_workspace_len(n, m));
        }
        all_calls(to, &problem);
    });
}

fn from_points<T: Scalar>(mut to: Arguments<'_>) {
    let sizes = [to.size(0), to.size(1), to.size(2)];
    with_points::<T>(&mut to, sizes, 1, |to, problem| all_calls(to, &problem));
}

fn all_calls<T: Scalar>(to: &mut Arguments<'_>, problem: &Problem<'_, T>) {
    let options = options::<T>(to);
    let mut workspace = to.room::<T>(problem.workspace_len());
    let (n, m) = (problem.n.min(1000), problem.m.min(1000));
    if let Ok(outcome) = solve(problem, &options, &mut workspace) {
        assert_outcome("solve", &outcome);
    }
    workspace.fill(T::nan());
    let Ok(mut state) = State::new(problem, options.epsilon, &mut workspace) else {
        return;
    };
    let dim = to.size(2).min(20);
    let (x, y) = (to.slice::<T>(n * dim), to.slice::<T>(m * dim));
    let g = to.slice::<T>(m);
    let (mut of_x, mut of_y) = (to.room::<T>(n * dim), to.room::<T>(m * dim));
    let cost = if to.flag(0) {
        Cost::Cosine
    } else {
        Cost::SquaredEuclidean
    };
    // What the numbers say, in their order.
    for number in to.input.numbers.iter().take(20) {
        let done = match *number {
            Number::Small(k) => match k.rem_euclid(5) {
                0 => state.step().map(|error| assert_finite("step", &[error])),
                1 => state
                    .run(&options)
                    .map(|found| assert_outcome("run", &found)),
                2 => state
                    .run_relaxed(&options)
                    .map(|found| assert_outcome("relaxed", &found)),
                3 => state.warm_start(&g),
                _ => state
                    .transport_cost()
                    .map(|cost| assert_finite("cost", &[cost])),
            },
            Number::NearOne(k) => {
                let mut row = to.room::<T>(m);
                let written = state.plan_row(usize::from(k.unsigned_abs() % 16), &mut row);
                written.map(|()| assert_finite("plan_row", &row))
            }
            Number::Infinite => gradient(&mut state, cost, (&x, &y), dim, (&mut of_x, &mut of_y)),
            other => state.set_epsilon(other.of()),
        };
        // A state that has failed must not panic either: go on.
        let _ = done;
        let _ = (
            state.plan(0, 0),
            state.plan(n, m),
            state.potentials(),
            state.weights(),
        );
        let _ = (state.iterations(), state.marginal_error());
    }
}

fn gradient<T: Scalar>(
    state: &mut State<'_, T>,
    cost: Cost,
    points: (&[T], &[T]),
    dim: usize,
    grads: (&mut [T], &mut [T]),
) -> Result<(), Error> {
    state.envelope_gradient(cost, points.0, points.1, dim, grads.0, grads.1)?;
    assert_finite("gradient", grads.0);
    assert_finite("gradient", grads.1);
    Ok(())
}

fn divergence<T: Scalar>(mut to: Arguments<'_>) {
    let sizes = [to.size(0), to.size(1), to.size(2)];
    with_points::<T>(&mut to, sizes, 1, |to, problem| {
        let CostSource::Points { x, y, .. } = problem.cost else {
            return;
        };
        let mut workspace = to.room::<T>(divergence_workspace_len(&problem));
        let (mut of_x, mut of_y) = (to.room::<T>(x.len()), to.room::<T>(y.len()));
        let options = SinkhornOptions {
            max_iterations: 20,
            ..options(to)
        };
        if let Ok(found) = sinkhorn_divergence(&problem, &options, &mut workspace) {
            assert_finite("divergence", &[found.value, found.within_a, found.within_b]);
        }
        let found =
            sinkhorn_divergence_with_grad(&problem, &options, &mut of_x, &mut of_y, &mut workspace);
        if let Ok(found) = found {
            assert_finite("divergence", &[found.value, found.within_a, found.within_b]);
            assert_finite("divergence's gradient", &of_x);
            assert_finite("divergence's gradient", &of_y);
        }
    });
}
