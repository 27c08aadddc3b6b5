//! The solve that needs no choices: the same answer as plain iterations where these get
//! there, and an answer where they do not.

use crate::common::{assert_close, numbers};
use crate::variants::variant;
use kernels_core::cost::{Cost, cost_matrix};
use kernels_core::sinkhorn::{
    CostSource, Outcome, Problem, SinkhornOptions, State, robust_workspace_len, solve_robust,
};
use kernels_core::{Error, Real};
use proptest::prelude::*;

fn robust<T: Real>(
    problem: &Problem<'_, T>,
    options: &SinkhornOptions<T>,
) -> Result<Outcome<T>, Error> {
    let mut workspace = vec![T::nan(); robust_workspace_len(problem)];
    let (state, outcome) = solve_robust(problem, options, &mut workspace)?;
    assert_eq!(state.iterations(), outcome.iterations);
    Ok(outcome)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn finds_what_sinkhorn_finds(variant in variant()) {
        variant.is_solved_like_plain_iterations(|problem, options| robust(problem, options).expect("legal"));
    }
}

/// Points on a line and a few of them far away, so that the width of the costs is a million
/// times what atoms pay.
fn line<T: Real>(n: usize, seed: f64) -> Vec<T> {
    let mut points: Vec<f64> = numbers(n, seed);
    points[n / 2] += 1000.0;
    points.into_iter().map(T::of).collect()
}

fn squared<'p, T: Real>(x: &'p [T], y: &'p [T]) -> Problem<'p, T> {
    let source = CostSource::Points {
        cost: Cost::SquaredEuclidean,
        x,
        y,
        dim: 1,
    };
    Problem::new(source, x.len(), y.len())
}

/// ε is 1e-4 of the cost that atoms pay, and 1e-10 of the largest.
#[test]
fn a_small_epsilon_and_an_outlier() {
    let n = 50;
    let (x, y) = (line::<f64>(n, 0.5), line::<f64>(n, 9.5));
    let options = SinkhornOptions {
        epsilon: 1e-4,
        threshold: 1e-9,
        max_iterations: 20_000,
    };
    let problem = squared(&x, &y);
    let mut workspace = vec![0.0; problem.workspace_len()];
    let mut state = State::new(&problem, options.epsilon, &mut workspace).expect("legal");
    let plain = state.run(&options).expect("finite");
    let found = robust(&problem, &options).expect("legal");
    assert!(!plain.converged && found.converged, "{plain:?} {found:?}");
    // Sorted points are matched in their order on a line, and ε adds little.
    let sorted = |points: &[f64]| {
        let mut points = points.to_vec();
        points.sort_by(f64::total_cmp);
        points
    };
    let pairs = sorted(&x).into_iter().zip(sorted(&y));
    let exact = pairs.map(|(x, y)| (x - y) * (x - y)).sum::<f64>() / n as f64;
    // The plan has at most the entropy of n atoms: KL(P | a⊗b) is between 0 and ln n.
    let most = options.epsilon * (n as f64).ln();
    assert!(found.value >= exact - 1e-9 && found.value <= exact + most + 1e-9);

    let (x, y) = (line::<f32>(n, 0.5), line::<f32>(n, 9.5));
    let narrow = SinkhornOptions {
        epsilon: 1e-2_f32,
        threshold: 1e-3,
        max_iterations: 20_000,
    };
    let found = robust(&squared(&x, &y), &narrow).expect("legal");
    assert!(found.converged, "{found:?}");
}

/// From points and from a matrix, also where a pair in eleven is forbidden and an atom has no
/// mass.
#[test]
fn sources_and_masks() {
    let (n, m, dim) = (40, 70, 3);
    let (x, y) = (numbers(n * dim, 0.5), numbers(m * dim, 4.5));
    let cost = Cost::SquaredEuclidean;
    let mut matrix = vec![0.0; n * m];
    cost_matrix(cost, &x, &y, n, m, dim, &mut matrix).expect("legal");
    let options = SinkhornOptions {
        epsilon: 1e-3,
        threshold: 1e-10,
        max_iterations: 20_000,
    };
    let (x, y) = (&x[..], &y[..]);
    let points = Problem::new(CostSource::Points { cost, x, y, dim }, n, m);
    let of_points = robust(&points, &options).expect("legal");
    let of_matrix = robust(&Problem::new(CostSource::Matrix(&matrix), n, m), &options);
    let of_matrix = of_matrix.expect("legal");
    assert!(of_points.converged && of_matrix.converged);
    assert_close(of_points.value, of_matrix.value, 1e-11);

    let mut masked = matrix;
    for entry in masked.iter_mut().skip(3).step_by(11) {
        *entry = f64::INFINITY;
    }
    let mut a = vec![1.0 / (n - 1) as f64; n];
    a[5] = 0.0;
    let problem = Problem {
        a: Some(&a),
        ..Problem::new(CostSource::Matrix(&masked), n, m)
    };
    let found = robust(&problem, &options).expect("feasible");
    assert!(
        found.converged && found.value > of_matrix.value,
        "{found:?}"
    );
}

#[test]
fn few_iterations_are_an_answer_and_not_an_error() {
    let (x, y) = (line::<f64>(30, 0.5), line::<f64>(30, 9.5));
    for (max_iterations, epsilon) in [(1, 1e-6), (7, 1e-3), (60, 1e-6), (1, 10.0)] {
        let options = SinkhornOptions {
            epsilon,
            threshold: 0.0,
            max_iterations,
        };
        let found = robust(&squared(&x, &y), &options).expect("legal");
        assert!(!found.converged && found.value.is_finite(), "{found:?}");
        // A step at the end of the annealing and Newton's last ones, in each attempt.
        assert!(found.iterations <= 4 * (max_iterations + 2), "{found:?}");
    }
}

#[test]
fn refuses_what_others_refuse() {
    let (x, y) = (line::<f64>(30, 0.5), line::<f64>(30, 9.5));
    let problem = squared(&x, &y);
    let options = SinkhornOptions {
        epsilon: 0.1,
        threshold: 1e-9,
        max_iterations: 100,
    };
    let bad = SinkhornOptions {
        epsilon: -1.0,
        ..options
    };
    assert!(matches!(
        robust(&problem, &bad),
        Err(Error::Parameter { .. })
    ));
    let mut short = vec![0.0; robust_workspace_len(&problem) - 1];
    let refused = solve_robust(&problem, &options, &mut short).map(|(_, outcome)| outcome);
    assert!(
        matches!(refused, Err(Error::Workspace { .. })),
        "{refused:?}"
    );
    let forbidden = vec![f64::INFINITY; 900];
    let nobody = Problem::new(CostSource::Matrix(&forbidden), 30, 30);
    assert!(matches!(
        robust(&nobody, &options),
        Err(Error::Infeasible { .. })
    ));
}

/// All costs equal: no width, and nothing to anneal.
#[test]
fn constant_costs() {
    let cost = vec![3.0; 12];
    let options = SinkhornOptions {
        epsilon: 1e-3,
        threshold: 1e-12,
        max_iterations: 100,
    };
    let found = robust(&Problem::new(CostSource::Matrix(&cost), 3, 4), &options);
    let found = found.expect("legal");
    assert!(found.converged && found.iterations <= 2, "{found:?}");
    assert_close(found.value, 3.0, 1e-12);
}

/// Marginals that no plan along permitted pairs has: no attempt can succeed, and the one that
/// came nearest is returned; and a batch that is solved twice gives the same.
#[test]
fn the_impossible_is_an_answer_too() {
    let cost = [0.0, f64::INFINITY, f64::INFINITY, 1.0];
    let a = [0.9, 0.1];
    let problem = Problem {
        a: Some(&a),
        ..Problem::new(CostSource::Matrix(&cost), 2, 2)
    };
    let options = SinkhornOptions {
        epsilon: 1e-3,
        threshold: 1e-9,
        max_iterations: 50,
    };
    let found = robust(&problem, &options).expect("an answer");
    assert!(!found.converged, "{found:?}");
    // The columns are exact, the rows are off by 0.4 each.
    assert_close(found.marginal_error, 0.8, 1e-9);
    // Nowhere else to start from: one attempt.
    let wide = SinkhornOptions {
        epsilon: 10.0,
        ..options
    };
    let found = robust(&problem, &wide).expect("an answer");
    assert!(!found.converged && found.iterations <= 53, "{found:?}");
}

/// Costs near the largest number, and masses far from one.
#[test]
fn magnitudes() {
    let cost: Vec<f32> = (0..12).map(|k| (k * k % 7) as f32 * 6e36).collect();
    let options = SinkhornOptions {
        epsilon: 1e35_f32,
        threshold: 1e-4,
        max_iterations: 5000,
    };
    let found = robust(&Problem::new(CostSource::Matrix(&cost), 3, 4), &options);
    assert!(found.is_ok_and(|found| found.converged), "{found:?}");
    for mass in [1e-4_f64, 1.0, 1e5] {
        let (x, y) = (line::<f64>(30, 0.5), line::<f64>(30, 9.5));
        let weights = vec![mass / 30.0; 30];
        let problem = squared(&x, &y);
        let problem = problem
            .with_weights(&weights, &weights)
            .unbalanced(1.0, 1.0);
        let options = SinkhornOptions {
            epsilon: 1e-3,
            threshold: 1e-10 * mass,
            max_iterations: 20_000,
        };
        let found = robust(&problem, &options).expect("legal");
        assert!(found.converged, "{mass}: {found:?}");
    }
}
