//! The transport term under all its options: form, price of the marginals, scale, unit of
//! ε, cost.

use crate::common::assert_close;
use kernels_core::Real;
use kernels_core::cost::{Cost, CostScale, cost_matrix};
use kernels_core::sin_sim::{
    EpsilonUnit, OtForm, OtOptions, OtTerm, ot_term_with_grad, ot_term_workspace_len,
};
use kernels_core::sinkhorn::{CostSource, Problem, SinkhornOptions, sinkhorn_workspace_len, solve};

/// Every combination, with ε a quarter of the largest cost or so, whatever it counts.
fn combinations<T: Real>(threshold: f64, limit: usize) -> Vec<OtOptions<T>> {
    let mut all = Vec::new();
    for cost in [Cost::SquaredEuclidean, Cost::Cosine] {
        for scale in [CostScale::None, CostScale::Maximum] {
            for epsilon_unit in [EpsilonUnit::Absolute, EpsilonUnit::Maximum] {
                for form in [OtForm::Plain, OtForm::Divergence] {
                    for rho in [f64::INFINITY, 0.7] {
                        let absolute = (scale, epsilon_unit, cost)
                            == (
                                CostScale::None,
                                EpsilonUnit::Absolute,
                                Cost::SquaredEuclidean,
                            );
                        let sinkhorn = SinkhornOptions {
                            epsilon: T::of(if absolute { 2.0 } else { 0.25 }),
                            threshold: T::of(threshold),
                            max_iterations: limit,
                        };
                        all.push(OtOptions {
                            scale,
                            form,
                            rho: T::of(rho),
                            epsilon_unit,
                            ..OtOptions::new(cost, sinkhorn)
                        });
                    }
                }
            }
        }
    }
    assert_eq!(all.len(), 32);
    all
}

fn batch<T: Real>(rows: usize, dim: usize) -> Vec<T> {
    let number = |k: usize| (2.3 * (k * k) as f64).sin() + 0.3;
    (0..rows * dim).map(|k| T::of(number(k))).collect()
}

fn run<T: Real>(z: &[T], rows: usize, dim: usize, options: &OtOptions<T>) -> (OtTerm<T>, Vec<T>) {
    let mut grad = vec![T::nan(); z.len()];
    let mut workspace = vec![T::nan(); ot_term_workspace_len(rows / 2, dim)];
    let term = ot_term_with_grad(z, rows, dim, options, &mut grad, &mut workspace);
    (term.expect("legal"), grad)
}

fn costs(cost: Cost, x: &[f64], y: &[f64], dim: usize) -> Vec<f64> {
    let n = x.len() / dim;
    let mut out = vec![0.0; n * n];
    cost_matrix(cost, x, y, n, n, dim, &mut out).expect("finite");
    out
}

/// The value by plain iterations, three independent problems for a divergence, for a
/// largest cost that does not move with z.
fn value(z: &[f64], dim: usize, options: &OtOptions<f64>, largest: f64) -> f64 {
    let (x, y) = z.split_at(z.len() / 2);
    let n = x.len() / dim;
    let (mut divisor, mut sinkhorn) = (1.0, options.sinkhorn);
    match (options.scale, options.epsilon_unit) {
        (CostScale::Maximum, _) => divisor = largest,
        (_, EpsilonUnit::Maximum) => sinkhorn.epsilon *= largest,
        _ => {}
    }
    let transport = |x: &[f64], y: &[f64]| {
        let mut cost = costs(options.cost, x, y, dim);
        cost.iter_mut().for_each(|c| *c /= divisor);
        let problem = Problem::new(CostSource::Matrix(&cost), n, n);
        let problem = problem.unbalanced(options.rho, options.rho);
        let mut workspace = vec![0.0; sinkhorn_workspace_len(n, n)];
        let outcome = solve(&problem, &sinkhorn, &mut workspace).expect("finite");
        assert!(outcome.converged, "{outcome:?}");
        outcome.value
    };
    match options.form {
        OtForm::Plain => transport(x, y),
        OtForm::Divergence => transport(x, y) - 0.5 * (transport(x, x) + transport(y, y)),
    }
}

fn largest(z: &[f64], dim: usize, cost: Cost) -> f64 {
    let (x, y) = z.split_at(z.len() / 2);
    costs(cost, x, y, dim).into_iter().fold(0.0, f64::max)
}

/// Step 1e-5: a central difference is right to 1e-10 of values of size one, and the
/// solutions to the threshold.
#[test]
fn gradient_is_the_slope_of_an_independent_value() {
    let (rows, dim) = (8, 3);
    let z = batch::<f64>(rows, dim);
    for options in combinations(1e-13, 20_000) {
        let (term, grad) = run(&z, rows, dim, &options);
        let unit = largest(&z, dim, options.cost);
        let value = |z: &[f64]| value(z, dim, &options, unit);
        assert!(term.converged, "{options:?}: {term:?}");
        assert_close(term.value, value(&z), 1e-11);
        for (k, &slope) in grad.iter().enumerate() {
            let moved = |by: f64| {
                let mut z = z.clone();
                z[k] += by;
                value(&z)
            };
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slope - difference).abs() <= 1e-7, "{options:?}: {k}");
        }
    }
}

/// The marginal error of 1e-5 moves gradients to first order, values to second; f32 adds
/// its roundings, magnified by max C/ε = 4.
#[test]
fn f32_gives_what_f64_does() {
    let (rows, dim) = (34, 17);
    let (z, wide) = (batch::<f32>(rows, dim), batch::<f64>(rows, dim));
    let all = combinations::<f32>(1e-5, 2000);
    for (options, exact) in all.iter().zip(combinations::<f64>(1e-10, 20_000)) {
        let (term, grad) = run(&z, rows, dim, options);
        let (expected, slopes) = run(&wide, rows, dim, &exact);
        assert!(
            term.converged && expected.converged,
            "{options:?}: {term:?}"
        );
        let size = expected.transport_cost.abs();
        let off = |a: f32, b: f64| (f64::from(a) - b).abs();
        assert!(
            off(term.value, expected.value) <= 4e-6 * size,
            "{options:?}"
        );
        assert!(off(term.transport_cost, expected.transport_cost) <= 1e-4 * size);
        assert!(off(term.epsilon, expected.epsilon) <= 1e-6 * expected.epsilon);
        let peak = slopes.iter().fold(0.0, |peak, g| g.abs().max(peak));
        for (&a, b) in grad.iter().zip(slopes) {
            assert!(off(a, b) <= 1e-3 * peak, "{options:?}: {a} {b} of {peak}");
        }
    }
}

/// With the largest cost M: costs divided by M are the same problem as ε and ρ times M, in
/// other units.
#[test]
fn scaled_costs_and_scaled_parameters_agree() {
    let (rows, dim) = (12, 4);
    let z = batch::<f64>(rows, dim);
    for options in combinations(1e-12, 20_000) {
        if options.scale == CostScale::None {
            continue;
        }
        let unit = largest(&z, dim, options.cost);
        let other = OtOptions {
            scale: CostScale::None,
            epsilon_unit: EpsilonUnit::Maximum,
            rho: options.rho * unit,
            ..options
        };
        let ((scaled, scaled_grad), (term, grad)) =
            (run(&z, rows, dim, &options), run(&z, rows, dim, &other));
        assert_close(scaled.epsilon, 0.25, 0.0);
        assert_close(term.epsilon, 0.25 * unit, 1e-15);
        assert_close(scaled.value * unit, term.value, 1e-10);
        assert_close(scaled.transport_cost * unit, term.transport_cost, 1e-10);
        for (scaled, slope) in scaled_grad.iter().zip(grad) {
            assert_close(scaled * unit, slope, 1e-9);
        }
    }
}

#[test]
fn equal_views_are_at_no_distance() {
    let (rows, dim) = (20, 5);
    let mut z = batch::<f64>(rows, dim);
    let (a, b) = z.split_at_mut(rows * dim / 2);
    b.copy_from_slice(a);
    for options in combinations(1e-12, 20_000) {
        if options.form == OtForm::Plain {
            continue;
        }
        let (term, grad) = run(&z, rows, dim, &options);
        assert!(
            term.converged && term.iterations > 0,
            "{options:?}: {term:?}"
        );
        assert_close(term.value, 0.0, 1e-11);
        for slope in grad {
            assert_close(slope, 0.0, 1e-10);
        }
    }
}

/// Rows that are all the same: the largest cost is zero, and ε is taken as it is.
#[test]
fn costs_of_zero_have_no_unit() {
    let z = [1.0_f32, 2.0].repeat(6);
    for options in combinations::<f32>(1e-5, 100) {
        let (term, grad) = run(&z, 6, 2, &options);
        assert!(term.converged, "{options:?}: {term:?}");
        assert_eq!(term.epsilon, options.sinkhorn.epsilon);
        assert!(term.value.abs() <= 1e-6, "{term:?}");
        assert!(grad.iter().all(|slope| slope.abs() <= 1e-6), "{grad:?}");
    }
}

/// What is told of a divergence is the worst of its problems.
#[test]
fn a_limit_that_is_too_low_shows() {
    let (rows, dim) = (40, 3);
    let z = batch::<f64>(rows, dim);
    for options in combinations(0.0, 3) {
        let (term, _) = run(&z, rows, dim, &options);
        assert!(!term.converged, "{options:?}: {term:?}");
        assert_eq!(term.iterations, 3);
        assert!(term.marginal_error > 0.0);
    }
}
