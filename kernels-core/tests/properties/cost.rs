//! Ground costs and normalisation.

use crate::common::assert_close;
use kernels_core::cost::{Cost, CostScale, cost_matrix, rescale};
use kernels_core::normalize::{normalize_rows, normalize_rows_backward};
use kernels_core::sinkhorn::{
    Annealing, CostSource, Problem, SinkhornOptions, sinkhorn_workspace_len, solve_annealed,
};

fn numbers(len: usize, rate: f64) -> Vec<f64> {
    (0..len)
        .map(|k| (rate * (k * k) as f64 + 0.4).sin())
        .collect()
}

#[test]
fn costs_equal_their_definitions() {
    for (n, m, dim) in [(1, 1, 1), (3, 2, 1), (2, 5, 15), (4, 4, 16), (5, 3, 33)] {
        let (x, y) = (numbers(n * dim, 1.3), numbers(m * dim, 2.9));
        let mut squared = vec![f64::NAN; n * m];
        let mut cosine = squared.clone();
        cost_matrix(Cost::SquaredEuclidean, &x, &y, n, m, dim, &mut squared).expect("legal");
        cost_matrix(Cost::Cosine, &x, &y, n, m, dim, &mut cosine).expect("legal");
        for (k, (squared, cosine)) in squared.iter().zip(&cosine).enumerate() {
            let (x, y) = (&x[k / m * dim..][..dim], &y[k % m * dim..][..dim]);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let difference: Vec<f64> = x.iter().zip(y).map(|(a, b)| a - b).collect();
            assert_close(*squared, dot(&difference, &difference), 1e-14 * dim as f64);
            let expected = 1.0 - dot(x, y) / (dot(x, x) * dot(y, y)).sqrt();
            assert_close(*cosine, expected, 1e-15 * dim as f64);
        }
    }
}

/// Where `|x|² + |y|² − 2x·y` is wrong by 90 % in f32, and `1 − cos` returns zero.
#[test]
fn nothing_cancels_in_f32() {
    let mut out = [0.0_f32];
    let (x, y) = ([4096.5_f32, 1000.0], [4096.0_f32, 1000.25]);
    cost_matrix(Cost::SquaredEuclidean, &x, &y, 1, 1, 2, &mut out).expect("legal");
    assert_eq!(out[0], 0.3125);
    // An angle of 1e-4 costs 5e-9.
    cost_matrix(Cost::Cosine, &[1.0, 0.0], &[1.0, 1e-4], 1, 1, 2, &mut out).expect("legal");
    assert!((out[0] / 5e-9 - 1.0).abs() < 1e-3, "{}", out[0]);
}

#[test]
fn rescaling_divides_by_the_largest_entry() {
    let mut cost = [1.0, 4.0, 2.0];
    assert_eq!(
        (rescale(CostScale::None, &mut cost), cost),
        (1.0, [1.0, 4.0, 2.0])
    );
    assert_eq!(
        (rescale(CostScale::Maximum, &mut cost), cost),
        (4.0, [0.25, 1.0, 0.5])
    );
    let mut zeros = [0.0; 3];
    assert_eq!(
        (rescale(CostScale::Maximum, &mut zeros), zeros),
        (1.0, [0.0; 3])
    );
}

#[test]
fn normalising_and_back() {
    let z = [3.0, 4.0, 0.0, -2.0];
    let (mut unit, mut norms) = ([0.0; 4], [0.0; 2]);
    normalize_rows(&z, 2, 2, &mut unit, &mut norms).expect("legal");
    assert_eq!((unit, norms), ([0.6, 0.8, 0.0, -1.0], [5.0, 2.0]));
    // The radial part goes, the rest is divided by the norm.
    let mut grad = [0.6 - 0.8, 0.8 + 0.6, 6.0, 7.0];
    normalize_rows_backward(&unit, &norms, 2, &mut grad).expect("legal");
    for (got, expected) in grad.iter().zip([-0.16, 0.12, 3.0, 0.0]) {
        assert_close(*got, expected, 1e-15);
    }
    assert!(normalize_rows(&z, 2, 3, &mut unit, &mut norms).is_err());
    assert!(normalize_rows_backward(&unit, &norms, 3, &mut grad).is_err());
}

/// Annealing needs far fewer iterations at a small ε, and refuses schedules that do not
/// fall.
#[test]
fn annealing_is_faster_and_checked() {
    let cost = numbers(36, 0.83);
    let problem = Problem::new(CostSource::Matrix(&cost), 6, 6);
    let options = SinkhornOptions {
        epsilon: 0.001,
        threshold: 1e-6,
        max_iterations: 5000,
    };
    let schedule = Annealing {
        start: 2.0,
        factor: 0.5,
        iterations_per_level: 10,
    };
    let mut workspace = vec![0.0; sinkhorn_workspace_len(6, 6)];
    let plain = kernels_core::sinkhorn::solve(&problem, &options, &mut workspace).expect("legal");
    let annealed = solve_annealed(&problem, &options, &schedule, &mut workspace)
        .expect("legal")
        .1;
    assert!(
        annealed.converged && annealed.iterations < plain.iterations / 2,
        "{plain:?}"
    );
    for factor in [0.0, 1.0, -0.5, f64::NAN] {
        let schedule = Annealing { factor, ..schedule };
        assert!(solve_annealed(&problem, &options, &schedule, &mut workspace).is_err());
    }
    for start in [0.0, f64::NAN] {
        let schedule = Annealing { start, ..schedule };
        assert!(solve_annealed(&problem, &options, &schedule, &mut workspace).is_err());
    }
}
