//! The plan as an operator, and the primal value: against the plan written out.

use crate::common::{assert_close, numbers, plan};
use crate::variants::{Variant, variant};
use kernels_core::Error;
use kernels_core::sinkhorn::{
    CostSource, Problem, SinkhornOptions, State, gap_workspace_len, sinkhorn_workspace_len,
};
use proptest::prelude::*;

/// `KL(q | p)` of two measures.
fn entropy(q: &[f64], p: &[f64]) -> f64 {
    let term = |(q, p): (&f64, &f64)| {
        if *q > 0.0 {
            q * (q / p).ln() - q + p
        } else {
            *p
        }
    };
    q.iter().zip(p).map(term).sum()
}

fn row_sums(plan: &[f64], m: usize) -> Vec<f64> {
    plan.chunks(m).map(|row| row.iter().sum()).collect()
}

fn column_sums(plan: &[f64], m: usize) -> Vec<f64> {
    (0..m)
        .map(|j| plan.iter().skip(j).step_by(m).sum())
        .collect()
}

/// The objective of a plan with the right marginals on the imposed sides.
fn primal(variant: &Variant, plan: &[f64]) -> f64 {
    let Variant { case, rho, epsilon } = variant;
    let product: Vec<f64> = case
        .a
        .iter()
        .flat_map(|a| case.b.iter().map(move |b| a * b))
        .collect();
    let carried = plan.iter().zip(&case.cost).filter(|(p, _)| **p > 0.0);
    let mut value = carried.map(|(p, c)| p * c).sum::<f64>() + epsilon * entropy(plan, &product);
    for (sums, weights, rho) in [
        (row_sums(plan, case.m), &case.a, rho.0),
        (column_sums(plan, case.m), &case.b, rho.1),
    ] {
        if rho.is_finite() {
            value += rho * entropy(&sums, weights);
        }
    }
    value
}

/// Altschuler, Weed & Rigollet's rounding, with the whole matrix at hand.
fn rounded(variant: &Variant, plan: &[f64]) -> Vec<f64> {
    let (m, a, b) = (variant.case.m, &variant.case.a, &variant.case.b);
    let imposed = (variant.rho.0.is_infinite(), variant.rho.1.is_infinite());
    let both = imposed == (true, true);
    let factor = |w: f64, sum: f64| match w > 0.0 {
        true if both => (w / sum).min(1.0),
        true => w / sum,
        false => 1.0,
    };
    let mut out = plan.to_vec();
    if imposed.0 {
        let sums = row_sums(&out, m);
        for ((row, w), sum) in out.chunks_mut(m).zip(a).zip(sums) {
            row.iter_mut().for_each(|p| *p *= factor(*w, sum));
        }
    }
    if imposed.1 {
        let sums = column_sums(&out, m);
        for row in out.chunks_mut(m) {
            for ((p, w), sum) in row.iter_mut().zip(b).zip(&sums) {
                *p *= factor(*w, *sum);
            }
        }
    }
    if both {
        let missing = |weights: &[f64], sums: Vec<f64>| -> Vec<f64> {
            weights
                .iter()
                .zip(sums)
                .map(|(w, s)| (w - s).max(0.0))
                .collect()
        };
        let (rows, columns) = (
            missing(a, row_sums(&out, m)),
            missing(b, column_sums(&out, m)),
        );
        let total = rows.iter().sum::<f64>().max(columns.iter().sum());
        for (row, p) in out.chunks_mut(m).zip(&rows) {
            for (entry, q) in row.iter_mut().zip(&columns).filter(|_| total > 0.0) {
                *entry += p * q / total;
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn products_are_those_of_the_written_plan(variant in variant(), width in 1_usize..4) {
        let (n, m) = (variant.case.n, variant.case.m);
        let (u, v) = (numbers(n * width, 0.5), numbers(m * width, 3.5));
        variant.solved(1e-6, |mut state| {
            let plan = plan(&state, n, m);
            let mut forward = vec![f64::NAN; n * width];
            let mut backward = vec![f64::NAN; m * width];
            let mut mean = vec![f64::NAN; n * width];
            state.apply_plan(&v, width, &mut forward).expect("finite");
            state.apply_plan_transpose(&u, width, &mut backward).expect("finite");
            state.barycentric_projection(&v, width, &mut mean).expect("finite");
            for k in 0..width {
                for i in 0..n {
                    let row = &plan[i * m..(i + 1) * m];
                    let product: f64 = row.iter().enumerate().map(|(j, p)| p * v[j * width + k]).sum();
                    assert_close(forward[i * width + k], product, 1e-13);
                    let mass: f64 = row.iter().sum();
                    let expected = if mass > 0.0 { product / mass } else { 0.0 };
                    assert_close(mean[i * width + k], expected, 1e-13);
                }
                for j in 0..m {
                    let product: f64 = (0..n).map(|i| plan[i * m + j] * u[i * width + k]).sum();
                    assert_close(backward[j * width + k], product, 1e-13);
                }
            }
        });
    }

    /// After any number of steps: the two values enclose the optimum, and their distance
    /// is what it is said to be.
    #[test]
    fn primal_and_dual_enclose_the_optimum(variant in variant(), steps in 0_usize..6) {
        let (n, m) = (variant.case.n, variant.case.m);
        let problem = variant.problem();
        let (mut workspace, mut scratch) = (
            vec![f64::NAN; problem.workspace_len()],
            vec![f64::NAN; gap_workspace_len(n, m)],
        );
        let mut state = State::new(&problem, variant.epsilon, &mut workspace).expect("legal");
        for _ in 0..steps {
            state.step().expect("finite");
        }
        let masked = variant.case.cost.contains(&f64::INFINITY);
        let found = match state.duality_gap(&mut scratch) {
            Err(Error::NotConverged { .. }) if masked => return Ok(()),
            found => found.expect("finite"),
        };
        prop_assert!(found.gap >= 0.0);
        // Sums of up to 81 terms of size 30 at most; exp(f/ε) before the first step.
        let size = 1.0 + found.primal.abs() + found.dual.abs();
        assert_close(found.primal - found.dual, found.gap, 1e-12 * size);
        prop_assert_eq!(state.primal_value(&mut scratch), Ok(found.primal));
        if !masked {
            let plan = rounded(&variant, &plan(&state, n, m));
            assert_close(found.primal, primal(&variant, &plan), 1e-12 * size);
        }
        let optimum = variant.solved(1e-12, |mut state| {
            state.duality_gap(&mut scratch).map(|gap| gap.dual)
        });
        if let Ok(optimum) = optimum {
            prop_assert!(found.dual <= optimum + 1e-11 * size);
            prop_assert!(optimum <= found.primal + 1e-11 * size);
        }
    }

    /// Potentials of up to 20 and a marginal error of 1e-12; masked or not.
    #[test]
    fn the_gap_closes(variant in variant()) {
        let (n, m) = (variant.case.n, variant.case.m);
        let mut scratch = vec![f64::NAN; gap_workspace_len(n, m)];
        let gap = variant.solved(1e-15, |mut state| {
            let converged = state.marginal_error() <= 1e-13;
            (converged, state.duality_gap(&mut scratch))
        });
        if gap.0 {
            let gap = gap.1.expect("only rounding is left to place");
            prop_assert!(gap.gap <= 1e-10, "{}", gap.gap);
        }
    }
}

/// What a mask does not let be placed is an error that more iterations mend.
#[test]
fn a_mask_may_leave_no_place() {
    let inf = f64::INFINITY;
    // Rows 0 and 1 share column 0 of a third: no plan exists.
    let cost = [0.0, inf, inf, 0.0, inf, inf, 1.0, 0.0, 0.0];
    let problem = Problem::new(CostSource::Matrix(&cost), 3, 3);
    let mut workspace = vec![0.0; sinkhorn_workspace_len(3, 3)];
    let mut state = State::new(&problem, 0.5, &mut workspace).expect("each has a partner");
    let options = SinkhornOptions {
        epsilon: 0.5,
        threshold: 1e-9,
        max_iterations: 20,
    };
    state.run(&options).expect("finite");
    let mut scratch = vec![0.0; gap_workspace_len(3, 3)];
    assert!(matches!(
        state.duality_gap(&mut scratch),
        Err(Error::NotConverged { got, .. }) if got > 0.1
    ));
    assert!(matches!(
        state.duality_gap(&mut scratch[1..]),
        Err(Error::Workspace { expected: 12, .. })
    ));
}

#[test]
fn operands_are_checked() {
    let cost = [0.0, 1.0, 2.0, 0.5_f64, 0.0, 1.0];
    let problem = Problem::new(CostSource::Matrix(&cost), 2, 3);
    let mut workspace = vec![0.0; sinkhorn_workspace_len(2, 3)];
    let mut state = State::new(&problem, 0.5, &mut workspace).expect("legal");
    let (mut two, mut three) = ([0.0; 2], [0.0; 3]);
    assert!(state.apply_plan(&[1.0; 3], 1, &mut two).is_ok());
    assert!(state.apply_plan(&[1.0; 2], 1, &mut two).is_err());
    assert!(state.apply_plan(&[1.0; 3], 1, &mut three).is_err());
    assert!(state.apply_plan(&[1.0; 3], 0, &mut two).is_err());
    assert!(
        state
            .apply_plan(&[1.0, f64::NAN, 1.0], 1, &mut two)
            .is_err()
    );
    assert!(state.apply_plan_transpose(&[1.0; 2], 1, &mut three).is_ok());
    assert!(
        state
            .apply_plan_transpose(&[1.0; 3], 1, &mut three)
            .is_err()
    );
    assert!(
        state
            .apply_plan_transpose(&[f64::INFINITY; 2], 1, &mut three)
            .is_err()
    );
    assert!(
        state
            .barycentric_projection(&[1.0; 3], usize::MAX, &mut two)
            .is_err()
    );
    let huge = [f64::MAX; 3];
    assert!(matches!(
        state.apply_plan_transpose(&huge[..2], 1, &mut three),
        Ok(()) | Err(Error::Overflow { .. })
    ));
}
