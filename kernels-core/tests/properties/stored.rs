//! A stored kernel changes how an iteration is computed, and not what it finds: the same
//! iterates up to rounding, the same promises about what is returned.

use crate::common::{Case, case, epsilon};
use kernels_core::sinkhorn::{Outcome, Problem, SinkhornOptions, State};
use proptest::prelude::*;

/// Potentials and outcome after `iterations`.
fn run(problem: &Problem<'_, f64>, epsilon: f64, iterations: usize) -> (Vec<f64>, Outcome<f64>) {
    let options = SinkhornOptions {
        epsilon,
        threshold: 0.0,
        max_iterations: iterations,
    };
    let mut workspace = vec![f64::NAN; problem.workspace_len()];
    let mut state = State::new(problem, epsilon, &mut workspace).expect("legal");
    let outcome = state.run(&options).expect("finite");
    let (f, g) = state.potentials();
    (f.iter().chain(g).copied().collect(), outcome)
}

/// An exponent is off by the rounding of potentials and costs (below 20 here) over ε,
/// which the small condition of a plain iteration passes on.
fn assert_same(problem: &Problem<'_, f64>, epsilon: f64, iterations: usize) {
    let (plain, expected) = run(problem, epsilon, iterations);
    let (stored, outcome) = run(&problem.with_stored_kernel(), epsilon, iterations);
    let tolerance = 1e-12 * (1.0 + epsilon);
    for (a, b) in stored.iter().zip(&plain) {
        // Equal infinities: atoms without weight and without a permitted partner.
        assert!(a == b || (a - b).abs() <= tolerance, "{a} for {b}");
    }
    assert!((outcome.value - expected.value).abs() <= tolerance);
    let error = (outcome.marginal_error - expected.marginal_error).abs();
    assert!(error <= 1e-12 * (1.0 + 20.0 / epsilon), "{error}");
}

proptest! {
    #[test]
    fn makes_the_same_iterates(case in case(), epsilon in epsilon()) {
        for iterations in [1, 2, 7, 60] {
            assert_same(&case.problem(), epsilon, iterations);
            assert_same(&case.problem().unbalanced(0.7, f64::INFINITY), epsilon, iterations);
        }
    }
}

#[test]
fn weights_of_zero_and_forbidden_pairs() {
    let far = f64::INFINITY;
    let case = Case {
        n: 4,
        m: 3,
        cost: vec![0.0, far, 2.0, 1.0, 0.5, far, 0.3, 0.1, 0.7, far, far, far],
        a: vec![0.5, 0.2, 0.3, 0.0],
        b: vec![0.6, 0.0, 0.4],
    };
    for epsilon in [1e-2, 0.3] {
        for iterations in [1, 5, 300] {
            assert_same(&case.problem(), epsilon, iterations);
        }
    }
}

/// Potentials move by hundreds of ε, so kernels are replaced on the way.
#[test]
fn potentials_that_move_far() {
    let (n, m) = (9, 8);
    let cost: Vec<f64> = (0..n * m)
        .map(|k| 3.0 * ((k as f64 + 0.5) * 12.9898).sin().abs())
        .collect();
    let case = Case {
        n,
        m,
        cost,
        a: vec![1.0 / n as f64; n],
        b: vec![1.0 / m as f64; m],
    };
    for iterations in [1, 10, 200] {
        assert_same(&case.problem(), 3e-3, iterations);
    }
}

/// In f32 rounding of the kernel's exponents shows, and what is returned is still the
/// error of the potentials that are returned: the threshold is met by the costs.
#[test]
fn what_it_calls_converged_is() {
    let (n, m) = (40, 50);
    let cost: Vec<f32> = (0..n * m)
        .map(|k| 30.0 * ((k as f32 + 0.5) * 12.9898).sin().abs())
        .collect();
    let plain = Problem::new(kernels_core::sinkhorn::CostSource::Matrix(&cost), n, m);
    let problem = plain.with_stored_kernel();
    let mut workspace = vec![f32::NAN; problem.workspace_len()];
    let options = SinkhornOptions {
        epsilon: 0.1,
        threshold: 1e-4,
        max_iterations: 20_000,
    };
    let mut state = State::new(&problem, options.epsilon, &mut workspace).expect("legal");
    let outcome = state.run(&options).expect("finite");
    assert!(outcome.converged);
    let rows = (0..n).map(|i| {
        let mut row = vec![0.0_f32; m];
        state.plan_row(i, &mut row).expect("inside");
        let sum: f64 = row.iter().map(|&p| f64::from(p)).sum();
        (sum - 1.0 / n as f64).abs()
    });
    let found: f64 = rows.sum();
    // Sums of f32 numbers: a rounding of a few units.
    assert!(found <= f64::from(options.threshold) * 1.01, "{found}");
}

/// It is used at all: in f32 its iterations round otherwise than those by the costs.
#[test]
fn is_used() {
    let (n, m) = (6, 7);
    let cost: Vec<f32> = (0..n * m)
        .map(|k| 30.0 * ((k as f32 + 0.5) * 12.9898).sin().abs())
        .collect();
    let plain = Problem::new(kernels_core::sinkhorn::CostSource::Matrix(&cost), n, m);
    let errors = |problem: &Problem<'_, f32>| -> Vec<f32> {
        let mut workspace = vec![f32::NAN; problem.workspace_len()];
        let mut state = State::new(problem, 3.0, &mut workspace).expect("legal");
        (0..20).map(|_| state.step().expect("finite")).collect()
    };
    let (by_costs, by_kernel) = (errors(&plain), errors(&plain.with_stored_kernel()));
    assert_ne!(by_costs, by_kernel);
    for (a, b) in by_costs.iter().zip(&by_kernel) {
        // Exponents up to 10 to 20 in f32, rounded some times.
        assert!((a - b).abs() <= 1e-5, "{a} {b}");
    }
}
