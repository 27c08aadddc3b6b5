//! Random problems and short ways to solve them.

use kernels_core::sinkhorn::{
    Annealing, CostSource, Outcome, Problem, SinkhornOptions, State, sinkhorn_workspace_len,
    solve_annealed,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// A problem that owns its numbers.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) n: usize,
    pub(crate) m: usize,
    pub(crate) cost: Vec<f64>,
    pub(crate) a: Vec<f64>,
    pub(crate) b: Vec<f64>,
}

impl Case {
    pub(crate) fn problem(&self) -> Problem<'_, f64> {
        let (a, b) = (Some(self.a.as_slice()), Some(self.b.as_slice()));
        Problem {
            a,
            b,
            ..Problem::new(CostSource::Matrix(&self.cost), self.n, self.m)
        }
    }

    pub(crate) fn transposed(&self) -> Self {
        let cost = (0..self.m).flat_map(|j| (0..self.n).map(move |i| self.cost[i * self.m + j]));
        let cost = cost.collect();
        Self {
            n: self.m,
            m: self.n,
            cost,
            a: self.b.clone(),
            b: self.a.clone(),
        }
    }
}

/// What a solved problem looks like from outside.
#[derive(Clone, Debug)]
pub(crate) struct Solved {
    pub(crate) outcome: Outcome<f64>,
    pub(crate) transport_cost: f64,
    pub(crate) f: Vec<f64>,
    pub(crate) plan: Vec<f64>,
}

/// Converged to 1e-10 or not at all.
pub(crate) fn solve(case: &Case, epsilon: f64) -> Solved {
    let options = SinkhornOptions {
        epsilon,
        threshold: 1e-10,
        max_iterations: 20_000,
    };
    let schedule = Annealing {
        start: 4.0,
        factor: 0.5,
        iterations_per_level: 20,
    };
    let mut workspace = vec![0.0; sinkhorn_workspace_len(case.n, case.m)];
    let (mut state, outcome) =
        solve_annealed(&case.problem(), &options, &schedule, &mut workspace).expect("a legal case");
    Solved {
        outcome,
        transport_cost: state.transport_cost().expect("finite"),
        f: state.potentials().0.to_vec(),
        plan: plan(&state, case.n, case.m),
    }
}

pub(crate) fn plan(state: &State<'_, f64>, n: usize, m: usize) -> Vec<f64> {
    let entries = (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
    entries
        .map(|(i, j)| state.plan(i, j).expect("inside"))
        .collect()
}

fn normalised(mut weights: Vec<f64>) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= total);
    weights
}

/// Up to 9 × 9 with costs in [−1, 3) and weights within a factor of 20.
pub(crate) fn case() -> impl Strategy<Value = Case> {
    (1_usize..10, 1_usize..10).prop_flat_map(|(n, m)| {
        let weights = |len| vec(0.05..1.0, len).prop_map(normalised);
        (vec(-1.0..3.0, n * m), weights(n), weights(m)).prop_map(move |(cost, a, b)| Case {
            n,
            m,
            cost,
            a,
            b,
        })
    })
}

/// ε from a fortieth of the width of the costs of [`case`] to five times it.
pub(crate) fn epsilon() -> impl Strategy<Value = f64> {
    (-3.3_f64..3.0).prop_map(f64::exp)
}

/// Fails for NaN too.
pub(crate) fn assert_close(got: f64, expected: f64, tolerance: f64) {
    assert!(
        (got - expected).abs() <= tolerance,
        "{got} and {expected} differ beyond {tolerance}"
    );
}

/// Numbers in [−1, 1) that look random.
pub(crate) fn numbers(len: usize, seed: f64) -> Vec<f64> {
    (0..len)
        .map(|k| ((k as f64 + seed) * 12.9898).sin())
        .collect()
}
