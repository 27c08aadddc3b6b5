//! The Sinkhorn divergence and priced marginals: laws and slopes.

use crate::common::assert_close;
use kernels_core::cost::Cost;
use kernels_core::sinkhorn::{
    CostSource, Divergence, Problem, SinkhornOptions, State, divergence_workspace_len,
    sinkhorn_divergence, sinkhorn_divergence_with_grad,
};
use proptest::collection::vec;
use proptest::prelude::*;

const DIM: usize = 2;
const OPTIONS: SinkhornOptions<f64> = SinkhornOptions {
    epsilon: 0.5,
    threshold: 1e-12,
    max_iterations: 20_000,
};

fn problem<'a>(x: &'a [f64], y: &'a [f64], rho: f64) -> Problem<'a, f64> {
    let cost = Cost::SquaredEuclidean;
    let source = CostSource::Points {
        cost,
        x,
        y,
        dim: DIM,
    };
    Problem::new(source, x.len() / DIM, y.len() / DIM).unbalanced(rho, rho)
}

fn divergence(x: &[f64], y: &[f64], rho: f64) -> Divergence<f64> {
    let problem = problem(x, y, rho);
    let mut workspace = vec![f64::NAN; divergence_workspace_len(&problem)];
    sinkhorn_divergence(&problem, &OPTIONS, &mut workspace).expect("legal")
}

/// Central difference of `value` along one coordinate.
fn slope(x: &[f64], index: usize, value: impl Fn(&[f64]) -> f64) -> f64 {
    let step = 1e-5;
    let moved = |by: f64| {
        let mut x = x.to_vec();
        x[index] += by;
        value(&x)
    };
    (moved(step) - moved(-step)) / (2.0 * step)
}

fn points(count: usize) -> impl Strategy<Value = Vec<f64>> {
    vec(-1.0..1.0_f64, count * DIM)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn is_symmetric_and_not_negative(x in points(5), y in points(7)) {
        let (one, other) = (divergence(&x, &y, f64::INFINITY), divergence(&y, &x, f64::INFINITY));
        prop_assert!(one.converged && other.converged);
        prop_assert!(one.value >= 0.0);
        assert_close(one.value, other.value, 1e-10);
        let parts = one.between.value - 0.5 * (one.within_a + one.within_b);
        assert_close(one.value, parts.max(0.0), 1e-10);
    }

    /// Also when the points come in another order.
    #[test]
    fn vanishes_on_equal_clouds(x in points(6)) {
        let mut reversed = x.clone();
        reversed.reverse();
        let reversed: Vec<f64> = reversed.chunks(DIM).flat_map(|p| [p[1], p[0]]).collect();
        for y in [&x, &reversed] {
            assert_close(divergence(&x, y, f64::INFINITY).value, 0.0, 1e-11);
        }
    }

    /// Balanced and unbalanced; the error of a central difference is 1e-10, that of the
    /// solution the threshold over the least weight.
    #[test]
    fn gradient_is_the_slope(x in points(3), y in points(4)) {
        for rho in [f64::INFINITY, 2.0] {
            let problem = problem(&x, &y, rho);
            let mut workspace = vec![f64::NAN; divergence_workspace_len(&problem)];
            let (mut gx, mut gy) = (vec![0.0; x.len()], vec![0.0; y.len()]);
            let found =
                sinkhorn_divergence_with_grad(&problem, &OPTIONS, &mut gx, &mut gy, &mut workspace);
            prop_assume!(found.is_ok_and(|found| found.converged && found.value > 1e-6));
            for (index, &got) in gx.iter().enumerate() {
                assert_close(got, slope(&x, index, |x| divergence(x, &y, rho).value), 1e-7);
            }
            for (index, &got) in gy.iter().enumerate() {
                assert_close(got, slope(&y, index, |y| divergence(&x, y, rho).value), 1e-7);
            }
        }
    }

    /// The value is the primal objective of the plan, whose marginals are a·exp(−f/ρ).
    #[test]
    fn unbalanced_dual_equals_primal(x in points(4), y in points(3), rho in 0.05_f64..20.0) {
        let (a, b) = ([0.5, 1.0, 0.25, 2.0], [0.3, 0.0, 1.5]);
        let problem = problem(&x, &y, rho).with_weights(&a, &b);
        let mut workspace = vec![f64::NAN; problem.workspace_len()];
        let mut state = State::new(&problem, OPTIONS.epsilon, &mut workspace).expect("legal");
        let outcome = state.run(&OPTIONS).expect("finite");
        prop_assume!(outcome.converged);
        let plan = |i: usize, j: usize| state.plan(i, j).expect("inside");
        let kl = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() - p + q } else { q };
        let (mut primal, mut mass) = (0.0, 0.0);
        let mut columns = [0.0; 3];
        for i in 0..4 {
            let mut row = 0.0;
            for j in 0..3 {
                let p = plan(i, j);
                let squared: f64 = (0..DIM).map(|k| (x[i * DIM + k] - y[j * DIM + k]).powi(2)).sum();
                primal += p * squared + OPTIONS.epsilon * kl(p, a[i] * b[j]);
                row += p;
                columns[j] += p;
            }
            primal += rho * kl(row, a[i]);
            mass += row;
        }
        primal += rho * columns.iter().zip(b).map(|(&p, q)| kl(p, q)).sum::<f64>();
        assert_close(outcome.mass, mass, 1e-9 * (1.0 + mass));
        assert_close(outcome.value, primal, 1e-8 * (1.0 + primal.abs()));
    }
}

/// Where mass may not be missed at any price, the marginals are imposed.
#[test]
fn a_high_price_is_a_constraint() {
    let (x, y) = ([0.0, 0.0, 1.0, 0.5, -0.5, 0.25], [0.5, 0.5, -1.0, 0.0]);
    let balanced = divergence(&x, &y, f64::INFINITY).between;
    let priced = divergence(&x, &y, 1e6).between;
    // Of first order in 1/ρ.
    assert_close(priced.value, balanced.value, 1e-4);
    assert_close(priced.mass, 1.0, 1e-5);
}

#[test]
fn a_matrix_has_no_self_terms() {
    let cost = [0.0; 4];
    let problem = Problem::new(CostSource::Matrix(&cost), 2, 2);
    let mut workspace = vec![0.0; divergence_workspace_len(&problem)];
    let refused = sinkhorn_divergence(&problem, &OPTIONS, &mut workspace);
    let message = refused.map_err(|error| error.to_string());
    assert!(message.is_err_and(|m| m.contains("Points")));
}

/// `OT(α,β) − ½ OT(α,α) − ½ OT(β,β) + (ε/2)(m_α − m_β)²`, each solved by itself.
#[test]
fn masses_that_differ_have_their_term() {
    let (x, y) = ([0.3, -0.2, 0.9, 0.4, -0.7, 0.1], [0.0, 0.5, -0.4, -0.9]);
    let (a, b) = ([0.5, 0.4, 0.6], [0.2, 0.5]);
    let value = |x: &[f64], y: &[f64], a: &[f64], b: &[f64]| {
        let problem = problem(x, y, 0.8).with_weights(a, b);
        let mut workspace = vec![f64::NAN; problem.workspace_len()];
        let state = State::new(&problem, OPTIONS.epsilon, &mut workspace);
        let outcome = state.expect("legal").run(&OPTIONS).expect("finite");
        assert!(outcome.converged);
        outcome.value
    };
    let masses: f64 = 1.5 - 0.7;
    let within = 0.5 * (value(&x, &x, &a, &a) + value(&y, &y, &b, &b));
    let expected = value(&x, &y, &a, &b) - within + 0.25 * masses * masses;
    let problem = problem(&x, &y, 0.8).with_weights(&a, &b);
    let mut workspace = vec![f64::NAN; divergence_workspace_len(&problem)];
    let found = sinkhorn_divergence(&problem, &OPTIONS, &mut workspace).expect("legal");
    assert!(found.converged && expected > 0.05);
    assert_close(found.value, expected, 1e-10);
}

/// A single point against itself, or against a cloud, is solved at once; a cloud against
/// itself takes its time, on either side.
#[test]
fn converged_means_all_three() {
    let cloud: Vec<f64> = (0..20).map(|k| ((k * k) as f64 * 0.7).sin()).collect();
    let point = [0.1, 0.2];
    for (x, y) in [(&cloud[..], &point[..]), (&point[..], &cloud[..])] {
        let problem = problem(x, y, f64::INFINITY);
        let mut workspace = vec![f64::NAN; divergence_workspace_len(&problem)];
        let run = |max_iterations, workspace: &mut [f64]| {
            let options = SinkhornOptions {
                max_iterations,
                ..OPTIONS
            };
            sinkhorn_divergence(&problem, &options, workspace).expect("legal")
        };
        let short = run(2, &mut workspace);
        assert!(short.between.converged && !short.converged, "{short:?}");
        assert!(short.marginal_error > OPTIONS.threshold);
        assert!(run(1000, &mut workspace).converged);
    }
}
