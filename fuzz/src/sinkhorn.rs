//! Any sizes, weights, costs, points, ε, ρ and numbers of iterations, also NaN,
//! infinite, subnormal and huge ones, in both scalar types and along every way to a
//! solution: the solver never panics, no `Ok` holds a number that is not finite, and
//! when it says converged the marginals hold.

mod marginals;

use arbitrary::Arbitrary;
use kernels_core::cost::Cost;
use kernels_core::sinkhorn::{
    Annealing, CostSource, Outcome, Problem, SinkhornOptions, State, divergence_workspace_len,
    robust_workspace_len, sinkhorn_divergence_with_grad, solve_annealed, solve_robust,
};

use crate::number::{Number, Scalar, assert_finite, fill, tidy};

/// A problem and a way to solve it.
#[derive(Arbitrary, Debug)]
pub struct Input {
    double: bool,
    n: u8,
    m: u8,
    source: Source,
    store_kernel: bool,
    weights: [Weights; 2],
    rho: Option<[Number; 2]>,
    epsilon: Number,
    threshold: Number,
    iterations: [u8; 2],
    way: Way,
    /// What costs, points, weights and potentials are made of.
    numbers: Vec<Number>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Source {
    Matrix,
    Points { cosine: bool, dim: u8 },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Weights {
    Uniform,
    /// Not negative, and their sum is one.
    Tidy,
    AsTheyCome,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Way {
    Plain,
    Relaxed,
    Warm,
    Annealed {
        start: Number,
        factor: Number,
        per_level: u8,
    },
    Divergence,
}

/// See the module.
pub fn check(input: &Input) {
    if input.double {
        check_in::<f64>(input)
    } else {
        check_in::<f32>(input)
    }
}

/// Mostly small; sometimes enough for several chunks of rows.
fn size(byte: u8) -> usize {
    usize::from(if byte < 230 { byte % 10 } else { byte - 100 })
}

fn weights<T: Scalar>(kind: Weights, input: &Input, start: usize, len: usize) -> Option<Vec<T>> {
    let mut weights: Vec<T> = fill(&input.numbers, start, len);
    match kind {
        Weights::Uniform => return None,
        Weights::AsTheyCome => {}
        Weights::Tidy => tidy(&mut weights),
    }
    Some(weights)
}

fn check_in<T: Scalar>(input: &Input) {
    let (n, m) = (size(input.n), size(input.m));
    let numbers = &input.numbers;
    let (matrix, x, y): (Vec<T>, Vec<T>, Vec<T>);
    let cost = match input.source {
        Source::Matrix => {
            matrix = fill(numbers, 0, n * m);
            CostSource::Matrix(matrix.as_slice())
        }
        Source::Points { cosine, dim } => {
            let dim = usize::from(dim % 20);
            x = fill(numbers, 0, n * dim);
            y = fill(numbers, n * dim, m * dim);
            let cost = if cosine {
                Cost::Cosine
            } else {
                Cost::SquaredEuclidean
            };
            CostSource::Points {
                cost,
                x: &x,
                y: &y,
                dim,
            }
        }
    };
    let a: Option<Vec<T>> = weights(input.weights[0], input, 3, n);
    let b: Option<Vec<T>> = weights(input.weights[1], input, 7, m);
    let rho = input
        .rho
        .map_or([T::infinity(); 2], |rho| rho.map(Number::of));
    let problem = Problem {
        a: a.as_deref(),
        b: b.as_deref(),
        ..Problem::new(cost, n, m)
    };
    let problem = Problem {
        store_kernel: input.store_kernel,
        ..problem.unbalanced(rho[0], rho[1])
    };
    let options = |iterations: u8| SinkhornOptions {
        epsilon: input.epsilon.of(),
        threshold: input.threshold.of(),
        max_iterations: usize::from(iterations),
    };
    let [first, again] = input.iterations.map(options);
    if matches!(input.way, Way::Divergence) {
        return divergence(&problem, &first);
    }

    let mut workspace = vec![T::nan(); robust_workspace_len(&problem)];
    // Potentials that were in play, for rounding.
    let mut past = T::zero();
    let started = match input.way {
        // No way of its own, so that nearly all older inputs mean what they meant.
        Way::Annealed { per_level, .. } if per_level >= 224 => {
            solve_robust(&problem, &first, &mut workspace)
        }
        Way::Annealed {
            start,
            factor,
            per_level,
        } => {
            // The slowest legal schedule has 17,000 levels: too slow to be tried often.
            let factor: T = factor.of();
            let slow = factor > T::of(0.9) && factor <= T::of(0.99);
            let schedule = Annealing {
                start: start.of(),
                factor: if slow { T::of(0.9) } else { factor },
                iterations_per_level: usize::from(per_level % 8),
            };
            solve_annealed(&problem, &first, &schedule, &mut workspace)
        }
        way => State::new(&problem, first.epsilon, &mut workspace).and_then(|mut state| {
            if matches!(way, Way::Warm) {
                let g: Vec<T> = fill(numbers, 1, m);
                state.warm_start(&g)?;
                past = g.iter().fold(T::zero(), |max, g| max.max(g.abs()));
            }
            let relaxed = matches!(way, Way::Relaxed);
            let outcome = if relaxed {
                state.run_relaxed(&first)
            } else {
                state.run(&first)
            }?;
            Ok((state, outcome))
        }),
    };
    let Ok((mut state, outcome)) = started else {
        return;
    };
    verify(&problem, &mut state, &outcome, &first, past);
    let Ok(outcome) = state.run(&again) else {
        return;
    };
    verify(&problem, &mut state, &outcome, &again, past);
}

/// What a result promises.
fn verify<T: Scalar>(
    problem: &Problem<'_, T>,
    state: &mut State<'_, T>,
    outcome: &Outcome<T>,
    options: &SinkhornOptions<T>,
    past: T,
) {
    assert_finite(
        "outcome",
        &[outcome.value, outcome.marginal_error, outcome.mass],
    );
    assert_eq!(
        outcome.converged,
        outcome.marginal_error <= options.threshold
    );
    if let Ok(cost) = state.transport_cost() {
        assert_finite("transport cost", &[cost]);
    }
    let ((a, b), (f, g)) = (state.weights(), state.potentials());
    for (weights, potentials) in [(a, f), (b, g)] {
        for (&weight, &potential) in weights.iter().zip(potentials) {
            let bounded = potential.is_finite() || weight == T::zero();
            assert!(weight.is_finite() && bounded, "{weight} {potential}");
            assert!(!potential.is_nan());
        }
    }
    marginals::check(problem, state, outcome, options, past);
    if let CostSource::Points { cost, x, y, dim } = problem.cost {
        let (mut of_x, mut of_y) = (vec![T::nan(); x.len()], vec![T::nan(); y.len()]);
        if state
            .envelope_gradient(cost, x, y, dim, &mut of_x, &mut of_y)
            .is_ok()
        {
            assert_finite("gradient", &of_x);
            assert_finite("gradient", &of_y);
        }
    }
}

fn divergence<T: Scalar>(problem: &Problem<'_, T>, options: &SinkhornOptions<T>) {
    let (x, y) = match problem.cost {
        CostSource::Points { x, y, .. } => (x.len(), y.len()),
        CostSource::Matrix(_) => (0, 0),
    };
    let (mut of_x, mut of_y) = (vec![T::nan(); x], vec![T::nan(); y]);
    let mut workspace = vec![T::nan(); divergence_workspace_len(problem)];
    let result =
        sinkhorn_divergence_with_grad(problem, options, &mut of_x, &mut of_y, &mut workspace);
    if let Ok(result) = result {
        let between = result.between;
        assert_finite(
            "divergence",
            &[result.value, result.within_a, result.within_b],
        );
        assert_finite(
            "between",
            &[between.value, between.marginal_error, between.mass],
        );
        assert!(result.value >= T::zero());
        assert!(!result.converged || between.converged);
        assert_finite("gradient", &of_x);
        assert_finite("gradient", &of_y);
    }
}
