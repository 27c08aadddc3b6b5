//! Invariances of entropic transport.

use crate::common::{Case, assert_close, case, epsilon, plan, solve};
use kernels_core::sinkhorn::{SinkhornOptions, State, sinkhorn_workspace_len};
use proptest::prelude::*;

/// Values of converged problems agree to the square of the threshold, 1e-10, times
/// 1/ε and the weights' spread; this is what rounding leaves (costs up to 3, ε up to
/// 20: about 100 ulp).
const VALUE: f64 = 1e-12;
/// First-order quantities follow the threshold, magnified by weakly tied atoms.
const PLAN: f64 = 1e-7;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// What it says about its marginals is true, and the columns are exact.
    #[test]
    fn plan_has_the_reported_marginals(case in case(), epsilon in epsilon()) {
        let solved = solve(&case, epsilon);
        let rows = solved.plan.chunks(case.m).map(|row| row.iter().sum::<f64>());
        let error: f64 = rows.zip(&case.a).map(|(sum, a)| (sum - a).abs()).sum();
        assert_close(error, solved.outcome.marginal_error, 1e-12);
        for (j, b) in case.b.iter().enumerate() {
            let column: f64 = solved.plan.iter().skip(j).step_by(case.m).sum();
            assert_close(column, *b, 1e-12);
        }
        prop_assert_eq!(solved.outcome.converged, solved.outcome.marginal_error <= 1e-10);
        let transport: f64 = solved.plan.iter().zip(&case.cost).map(|(p, c)| p * c).sum();
        assert_close(solved.transport_cost, transport, 1e-12);
    }

    /// The primal value of the returned plan equals the dual value that is reported.
    #[test]
    fn no_duality_gap(case in case(), epsilon in epsilon()) {
        let solved = solve(&case, epsilon);
        prop_assume!(solved.outcome.converged);
        let product = case.a.iter().flat_map(|a| case.b.iter().map(move |b| a * b));
        let terms = solved.plan.iter().zip(product).zip(&case.cost);
        let kl = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
        let primal: f64 = terms.map(|((p, q), c)| p * c + epsilon * kl(*p, q)).sum();
        // The gap is first order in the threshold, times potentials of up to 20.
        assert_close(solved.outcome.value, primal, 1e-8);
    }

    #[test]
    fn transposing_changes_nothing(case in case(), epsilon in epsilon()) {
        let (one, other) = (solve(&case, epsilon), solve(&case.transposed(), epsilon));
        prop_assume!(one.outcome.converged && other.outcome.converged);
        assert_close(one.outcome.value, other.outcome.value, VALUE);
        for i in 0..case.n {
            for j in 0..case.m {
                assert_close(one.plan[i * case.m + j], other.plan[j * case.n + i], PLAN);
            }
        }
    }

    /// Reversing the order of the rows reverses f.
    #[test]
    fn rows_may_be_permuted(case in case(), epsilon in epsilon()) {
        let rows = case.cost.chunks(case.m).rev().flatten().copied().collect();
        let a = case.a.iter().rev().copied().collect();
        let reversed = Case { cost: rows, a, ..case.clone() };
        let (one, other) = (solve(&case, epsilon), solve(&reversed, epsilon));
        assert_close(one.outcome.value, other.outcome.value, VALUE);
        for (f, g) in one.f.iter().zip(other.f.iter().rev()) {
            assert_close(*f, *g, PLAN);
        }
    }

    /// KL ≥ 0: the value rises with ε. Adding `r_i` to row i adds ⟨a,r⟩.
    #[test]
    fn grows_with_epsilon_and_shifts_with_the_cost(case in case(), epsilon in epsilon()) {
        let solved = solve(&case, epsilon);
        let wider = solve(&case, 1.5 * epsilon);
        prop_assume!(solved.outcome.converged && wider.outcome.converged);
        prop_assert!(solved.outcome.value <= wider.outcome.value + VALUE);

        let mut shifted = case.clone();
        let mut expected = solved.outcome.value;
        for (i, (row, a)) in shifted.cost.chunks_mut(case.m).zip(&case.a).enumerate() {
            row.iter_mut().for_each(|cost| *cost += i as f64);
            expected += a * i as f64;
        }
        assert_close(solve(&shifted, epsilon).outcome.value, expected, 10.0 * VALUE);
    }

    /// A power of two changes no rounding, so everything scales bit for bit.
    #[test]
    fn scales_exactly(case in case(), epsilon in epsilon(), exponent in -200_i32..200) {
        let factor = 2.0_f64.powi(exponent);
        let mut scaled = case.clone();
        scaled.cost.iter_mut().for_each(|cost| *cost *= factor);
        let run = |case: &Case, epsilon: f64| {
            let mut workspace = vec![0.0; sinkhorn_workspace_len(case.n, case.m)];
            let options = SinkhornOptions { epsilon, threshold: 0.0, max_iterations: 7 };
            let mut state = State::new(&case.problem(), epsilon, &mut workspace).expect("legal");
            let outcome = state.run(&options).expect("finite");
            (outcome.value, outcome.marginal_error, plan(&state, case.n, case.m))
        };
        let (value, error, plan) = run(&case, epsilon);
        prop_assert_eq!(run(&scaled, epsilon * factor), (value * factor, error, plan));
    }

    /// An atom of weight zero might as well not be there; a forbidden pair stays empty.
    #[test]
    fn zero_weights_and_forbidden_pairs(case in case(), epsilon in epsilon(), bar in 0.0..9.0) {
        let mut wider = case.clone();
        wider.n += 1;
        wider.a.push(0.0);
        wider.cost.extend((0..case.m).map(|j| if j % 2 == 0 { bar } else { f64::INFINITY }));
        let (one, other) = (solve(&case, epsilon), solve(&wider, epsilon));
        assert_close(one.outcome.value, other.outcome.value, VALUE);
        prop_assert!(other.plan[case.n * case.m..].iter().all(|&p| p == 0.0));

        // One pair forbidden leaves a product plan on the rest possible from 3 × 3 on
        // when the atoms concerned are not too heavy.
        prop_assume!(case.n > 2 && case.m > 2 && case.a[0] + case.b[0] < 0.9);
        let mut barred = case.clone();
        barred.cost[0] = f64::INFINITY;
        let barred = solve(&barred, epsilon);
        prop_assert_eq!(barred.plan[0], 0.0);
        if barred.outcome.converged && one.outcome.converged {
            prop_assert!(barred.outcome.value >= one.outcome.value - VALUE);
        }
    }

    /// Stopping and going on is the same as not stopping, up to the shift of the gauge.
    #[test]
    fn can_be_resumed(case in case(), epsilon in epsilon()) {
        let options = |max_iterations| SinkhornOptions { epsilon, threshold: 0.0, max_iterations };
        let len = sinkhorn_workspace_len(case.n, case.m);
        let (mut left, mut right) = (vec![0.0; len], vec![0.0; len]);
        let mut whole = State::new(&case.problem(), epsilon, &mut left).expect("legal");
        let mut parts = State::new(&case.problem(), epsilon, &mut right).expect("legal");
        let whole = whole.run(&options(12)).expect("finite");
        parts.run(&options(5)).expect("finite");
        let parts = parts.run(&options(12)).expect("finite");
        assert_close(whole.value, parts.value, VALUE);
        assert_close(whole.marginal_error, parts.marginal_error, 1e-12);
        // An error of exactly zero meets the threshold and ends a run early.
        prop_assert!(whole.iterations == 12 || whole.marginal_error == 0.0);
    }
}
