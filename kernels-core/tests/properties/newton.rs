//! Newton's finish: the same answer, sooner where it is slow.

use crate::common::numbers;
use crate::variants::variant;
use kernels_core::cost::Cost;
use kernels_core::sinkhorn::{CostSource, Problem, SinkhornOptions, State, newton_workspace_len};
use proptest::prelude::*;

fn newton(
    problem: &Problem<'_, f64>,
    options: &SinkhornOptions<f64>,
) -> kernels_core::sinkhorn::Outcome<f64> {
    let mut workspace = vec![f64::NAN; problem.workspace_len()];
    let mut scratch = vec![f64::NAN; newton_workspace_len(problem.n, problem.m)];
    let mut state = State::new(problem, options.epsilon, &mut workspace).expect("legal");
    state.run_newton(options, &mut scratch).expect("finite")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn finds_what_sinkhorn_finds(variant in variant()) {
        variant.is_solved_like_plain_iterations(newton);
    }
}

/// Two views of the same points at an ε at which they are in no hurry to exchange mass.
#[test]
fn finishes_where_sinkhorn_crawls() {
    let (n, dim) = (40, 2);
    let x = numbers(n * dim, 0.5);
    let noise = numbers(n * dim, 3.5);
    let y: Vec<f64> = x.iter().zip(&noise).map(|(x, e)| x + 0.02 * e).collect();
    let source = CostSource::Points {
        cost: Cost::SquaredEuclidean,
        x: &x,
        y: &y,
        dim,
    };
    let problem = Problem::new(source, n, n);
    let options = SinkhornOptions {
        epsilon: 2e-3,
        threshold: 1e-12,
        max_iterations: 20_000,
    };
    let mut workspace = vec![0.0; problem.workspace_len()];
    let mut state = State::new(&problem, options.epsilon, &mut workspace).expect("legal");
    let relaxed = state.run_relaxed(&options).expect("finite");
    let found = newton(&problem, &options);
    assert!(
        !relaxed.converged && found.converged,
        "{relaxed:?} {found:?}"
    );
    // The dual value rises to the optimum.
    assert!(
        found.value >= relaxed.value - 1e-14,
        "{relaxed:?} {found:?}"
    );
    assert!(found.iterations < 16_000, "{found:?}");
}
