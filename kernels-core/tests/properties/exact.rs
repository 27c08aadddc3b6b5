//! Transport problems with an answer from elsewhere.

use crate::common::{Case, assert_close, solve};
use kernels_core::sinkhorn::{CostSource, Problem, SinkhornOptions, State, sinkhorn_workspace_len};
use proptest::collection::vec;
use proptest::prelude::*;

/// The least mean cost over all one-to-one assignments, by trying every one.
fn best_assignment(cost: &[f64], n: usize) -> f64 {
    fn search(cost: &[f64], n: usize, row: usize, taken: &mut Vec<bool>) -> f64 {
        if row == n {
            return 0.0;
        }
        let mut best = f64::INFINITY;
        for column in 0..n {
            if !taken[column] {
                taken[column] = true;
                best = best.min(cost[row * n + column] + search(cost, n, row + 1, taken));
                taken[column] = false;
            }
        }
        best
    }
    search(cost, n, 0, &mut vec![false; n]) / n as f64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// For uniform weights an optimal sharp plan is a permutation (Birkhoff), whose KL
    /// from the product is log n: `W ≤ OT_ε ≤ W + ε log n`. As ε falls this pins the
    /// value to the exact one.
    #[test]
    fn tends_to_the_best_assignment(
        (n, cost) in (1_usize..8).prop_flat_map(|n| (Just(n), vec(0.0..1.0, n * n))),
    ) {
        let exact = best_assignment(&cost, n);
        let weights = vec![1.0 / n as f64; n];
        let case = Case { n, m: n, cost, a: weights.clone(), b: weights };
        for epsilon in [0.1, 0.01, 0.002] {
            let solved = solve(&case, epsilon);
            let outcome = &solved.outcome;
            // Mass off by the marginal error can cost or save the width of the cost, 1.
            let slack = outcome.marginal_error + 1e-12;
            prop_assert!(outcome.value >= exact - slack, "{} < {exact}", outcome.value);
            let top = exact + epsilon * (n as f64).ln() + slack;
            prop_assert!(outcome.value <= top, "{} > {top}", outcome.value);
            prop_assert!(solved.transport_cost >= exact - slack);
        }
    }

    /// Two Gaussians of means m and deviations s under the squared cost (Janati et al. 2020,
    /// theorem 1, in one dimension, with ε = 2σ²):
    /// `(m₁−m₂)² + s₁² + s₂² − D + σ² (1 − log 2σ² + log(D + σ²))`, `D = √(4 s₁² s₂² + σ⁴)`.
    /// On a grid of a quarter of a deviation out to six of them what is left out and what the
    /// sums differ from integrals by is below 1e-7.
    #[test]
    fn two_gaussians(
        means in vec(-1.0_f64..1.0, 2),
        deviations in vec(0.5_f64..1.5, 2),
        epsilon in 0.5_f64..4.0,
    ) {
        const POINTS: usize = 49;
        let at = |side: usize, k: usize| means[side] + deviations[side] * (k as f64 / 4.0 - 6.0);
        let weights: Vec<f64> = (0..POINTS).map(|k| (-(k as f64 / 4.0 - 6.0).powi(2) / 2.0).exp()).collect();
        let total: f64 = weights.iter().sum();
        let weights: Vec<f64> = weights.iter().map(|w| w / total).collect();
        let pairs = (0..POINTS).flat_map(|i| (0..POINTS).map(move |j| (i, j)));
        let cost = pairs.map(|(i, j)| (at(0, i) - at(1, j)).powi(2)).collect();
        let case = Case { n: POINTS, m: POINTS, cost, a: weights.clone(), b: weights };
        let solved = solve(&case, epsilon);
        let (s, variance) = (deviations.iter().map(|s| s * s).collect::<Vec<_>>(), epsilon / 2.0);
        let d = (4.0 * s[0] * s[1] + variance * variance).sqrt();
        let entropic = variance * (1.0 - epsilon.ln() + (d + variance).ln());
        let expected = (means[0] - means[1]).powi(2) + s[0] + s[1] - d + entropic;
        prop_assert!(solved.outcome.converged);
        prop_assert!((solved.outcome.value - expected).abs() <= 1e-6, "{} {expected}", solved.outcome.value);
        // P is a Gaussian with covariance (D − σ²)/2.
        let sharp = (means[0] - means[1]).powi(2) + s[0] + s[1] - (d - variance);
        prop_assert!((solved.transport_cost - sharp).abs() <= 1e-6, "{} {sharp}", solved.transport_cost);
    }

    /// Two by two, uniform: `P_11 P_22 / (P_12 P_21) = exp(D/ε)` with
    /// `D = C_12 + C_21 − C_11 − C_22`, so `P_11 = ½ σ(D/2ε)`.
    #[test]
    fn two_by_two(cost in vec(-2.0_f64..2.0, 4), epsilon in 0.2_f64..10.0) {
        let difference = cost[1] + cost[2] - cost[0] - cost[3];
        let diagonal = 0.5 / (1.0 + (-difference / (2.0 * epsilon)).exp());
        let half = vec![0.5, 0.5];
        let mean = diagonal * (cost[0] + cost[3]) + (0.5 - diagonal) * (cost[1] + cost[2]);
        let entropy = |p: f64| p * (p / 0.25).ln();
        let value = mean + 2.0 * epsilon * (entropy(diagonal) + entropy(0.5 - diagonal));

        let solved = solve(&Case { n: 2, m: 2, cost, a: half.clone(), b: half }, epsilon);
        prop_assume!(solved.outcome.converged);
        // The marginal threshold is 1e-10.
        for (got, expected) in solved.plan.iter().zip([diagonal, 0.5 - diagonal]) {
            assert_close(*got, expected, 1e-9);
        }
        assert_close(solved.transport_cost, mean, 1e-8);
        assert_close(solved.outcome.value, value, 1e-12);
    }
}

/// `C_ij = r_i + s_j` leaves nothing to choose: the plan is the product, the value is
/// ⟨a,r⟩ + ⟨b,s⟩, after one iteration.
#[test]
fn separable_cost_is_solved_in_one_step() {
    let (r, s) = ([1.0, -2.0, 0.5], [0.0, 3.0]);
    let cost: Vec<f64> = r
        .iter()
        .flat_map(|r| s.iter().map(move |s| r + s))
        .collect();
    let (a, b) = ([0.2, 0.3, 0.5], [0.6, 0.4]);
    let problem = Problem::new(CostSource::Matrix(&cost), 3, 2).with_weights(&a, &b);
    let mut workspace = vec![0.0; sinkhorn_workspace_len(3, 2)];
    let mut state = State::new(&problem, 0.01, &mut workspace).expect("legal");
    assert_eq!(state.marginal_error(), f64::INFINITY);
    assert!(state.step().expect("finite") < 1e-13);
    assert_close(state.plan(2, 0).expect("inside"), 0.5 * 0.6, 1e-13);
    assert_eq!(state.plan(3, 0), None);
    let options = SinkhornOptions {
        epsilon: 0.01,
        threshold: 1e-12,
        max_iterations: 5,
    };
    let outcome = state.run(&options).expect("finite");
    assert_eq!((outcome.iterations, outcome.converged), (1, true));
    assert_close(outcome.value, 0.2 - 0.6 + 0.25 + 1.2, 1e-13);
}
