//! Gradients of a transport problem: by the envelope, implicit and unrolled, with
//! cotangents and outputs of any length and content.

use kernels_core::Error;
use kernels_core::cost::Cost;
use kernels_core::sinkhorn::{
    Cotangents, Gradients, ImplicitOptions, PointGradients, Problem, State, implicit_workspace_len,
    unrolled_workspace_len,
};

use super::Arguments;
use super::transport::{assert_outcome, options, with_matrix, with_points};
use crate::number::{Number, Scalar, assert_finite};

pub(super) fn functions<T: Scalar>() -> [fn(Arguments<'_>); 2] {
    [of_matrix::<T>, of_points::<T>]
}

fn of_matrix<T: Scalar>(mut to: Arguments<'_>) {
    let sizes = [to.size(0), to.size(1)];
    with_matrix::<T>(&mut to, sizes, 1, gradients);
}

fn of_points<T: Scalar>(mut to: Arguments<'_>) {
    let sizes = [to.size(0), to.size(1), to.size(2)];
    with_points::<T>(&mut to, sizes, 1, gradients);
}

fn gradients<T: Scalar>(to: &mut Arguments<'_>, problem: Problem<'_, T>) {
    let options = options::<T>(to);
    let mut workspace = to.room::<T>(problem.workspace_len());
    let Ok(mut state) = State::new(&problem, options.epsilon, &mut workspace) else {
        return;
    };
    let (n, m) = (problem.n, problem.m);
    // What the numbers say, in their order; lengths that do not fit come in turn.
    for (k, number) in to.input.numbers.iter().take(12).enumerate() {
        to.slices = 4 + k % 5;
        let done = match *number {
            Number::Small(k) => match k.rem_euclid(5) {
                0 => state.step().map(|error| assert_finite("step", &[error])),
                1 => state
                    .run(&options)
                    .map(|found| assert_outcome("run", &found)),
                2 => by_costs(to, &mut state, [n, m]),
                3 => by_weights(to, &mut state, [n, m]),
                _ => implicit(to, &mut state, [n, m]),
            },
            Number::NearOne(k) => unrolled(to, &mut state, [n, m], usize::from(k as u16 % 6)),
            Number::Infinite => implicit(to, &mut state, [n, m]),
            other => state.set_epsilon(other.of()),
        };
        // A state that has failed must not panic either: go on.
        let _ = done;
    }
}

fn by_costs<T: Scalar>(
    to: &mut Arguments<'_>,
    state: &mut State<'_, T>,
    [n, m]: [usize; 2],
) -> Result<(), Error> {
    let mut out = to.room::<T>(n * m);
    state.cost_gradient(&mut out)?;
    assert_finite("cost_gradient", &out);
    assert!(out.iter().all(|mass| *mass >= T::zero()));
    Ok(())
}

fn by_weights<T: Scalar>(
    to: &mut Arguments<'_>,
    state: &mut State<'_, T>,
    [n, m]: [usize; 2],
) -> Result<(), Error> {
    let (mut of_a, mut of_b) = (to.room::<T>(n), to.room::<T>(m));
    state.weight_gradient(&mut of_a, &mut of_b)?;
    assert_finite("weight_gradient", &of_a);
    assert_finite("weight_gradient", &of_b);
    Ok(())
}

/// Which gradients are wanted, and room for them.
struct Wanted<T> {
    which: usize,
    cost: Vec<T>,
    weights: [Vec<T>; 2],
    dim: usize,
    points: [Vec<T>; 2],
    of_points: [Vec<T>; 2],
}

impl<T: Scalar> Wanted<T> {
    fn new(to: &mut Arguments<'_>, [n, m]: [usize; 2]) -> Self {
        let dim = to.size(2).min(20);
        Self {
            which: usize::from(to.input.function >> 5) ^ to.slices,
            cost: to.room(n * m),
            weights: [to.room(n), to.room(m)],
            dim,
            points: [to.slice(n * dim), to.slice(m * dim)],
            of_points: [to.room(n * dim), to.room(m * dim)],
        }
    }

    fn gradients(&mut self, to: &Arguments<'_>) -> Gradients<'_, T> {
        let ([of_a, of_b], [x, y], [grad_x, grad_y]) =
            (&mut self.weights, &self.points, &mut self.of_points);
        let points = PointGradients {
            cost: if to.flag(0) {
                Cost::Cosine
            } else {
                Cost::SquaredEuclidean
            },
            x,
            y,
            dim: self.dim,
            grad_x,
            grad_y,
        };
        Gradients {
            cost: (self.which & 1 == 0).then_some(&mut self.cost),
            weights: (self.which & 2 == 0).then_some((of_a, of_b)),
            points: (self.which & 4 == 0).then_some(points),
        }
    }

    /// What was asked for is there.
    fn assert(&self, what: &str) {
        if self.which & 1 == 0 {
            assert_finite(what, &self.cost);
        }
        if self.which & 2 == 0 {
            self.weights.iter().for_each(|of| assert_finite(what, of));
        }
        if self.which & 4 == 0 {
            self.of_points.iter().for_each(|of| assert_finite(what, of));
        }
    }
}

/// Cotangents of the potentials, if there are any.
fn sides<T: Scalar>(
    to: &mut Arguments<'_>,
    [n, m]: [usize; 2],
) -> (Option<Vec<T>>, Option<Vec<T>>) {
    match to.input.function & 32 {
        0 => (None, None),
        _ => (Some(to.slice(n)), Some(to.slice(m))),
    }
}

fn implicit<T: Scalar>(
    to: &mut Arguments<'_>,
    state: &mut State<'_, T>,
    sizes: [usize; 2],
) -> Result<(), Error> {
    let (f, g) = sides::<T>(to, sizes);
    let cotangents = Cotangents {
        value: to.option(4),
        transport_cost: to.option(5),
        f: f.as_deref(),
        g: g.as_deref(),
    };
    let options = ImplicitOptions {
        tolerance: to.option(3),
        max_iterations: to.size(2).min(30),
    };
    let mut workspace = to.room::<T>(implicit_workspace_len(sizes[0], sizes[1]));
    let mut wanted = Wanted::new(to, sizes);
    let gradients = &mut wanted.gradients(to);
    let solve = state.implicit_gradient(&cotangents, &options, gradients, &mut workspace)?;
    assert!(solve.residual <= options.tolerance, "{solve:?}");
    assert!(solve.iterations <= options.max_iterations, "{solve:?}");
    wanted.assert("implicit_gradient");
    Ok(())
}

fn unrolled<T: Scalar>(
    to: &mut Arguments<'_>,
    state: &mut State<'_, T>,
    sizes: [usize; 2],
    iterations: usize,
) -> Result<(), Error> {
    let (f, g) = sides::<T>(to, sizes);
    let cotangents = Cotangents {
        value: to.option(4),
        transport_cost: to.option(5),
        f: f.as_deref(),
        g: g.as_deref(),
    };
    let len = unrolled_workspace_len(sizes[0], sizes[1], iterations);
    let mut workspace = to.room::<T>(len);
    let mut recording = state.record(iterations, &mut workspace)?;
    assert_outcome("record", &recording.outcome());
    assert!(recording.state().iterations() >= iterations);
    if let Ok(cost) = recording.transport_cost() {
        assert_finite("a recording's transport cost", &[cost]);
    }
    let mut wanted = Wanted::new(to, sizes);
    recording.gradient(&cotangents, &mut wanted.gradients(to))?;
    wanted.assert("a recording's gradient");
    Ok(())
}
