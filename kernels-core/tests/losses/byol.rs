//! BYOL.

use crate::common::*;
use kernels_core::byol::{byol, byol_momentum, byol_symmetric_with_grad, byol_with_grad};

/// The first form of the definition.
fn textbook(q: &[f64], target: &[f64], dim: usize) -> f64 {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(a, b)| a * b).sum::<f64>();
    let pairs = q.chunks(dim).zip(target.chunks(dim));
    let total: f64 = pairs
        .map(|(q, t)| 2.0 - 2.0 * dot(q, t) / (dot(q, q) * dot(t, t)).sqrt())
        .sum();
    total / (q.len() / dim) as f64
}

#[test]
fn equals_the_definition_with_its_gradient() {
    for rows in SIZES {
        for dim in SIZES {
            let (q, target) = (numbers(rows * dim, 1), numbers(rows * dim, 2));
            let mut grad = vec![0.0; q.len()];
            let loss = byol_with_grad(&q, &target, rows, dim, &mut grad).expect("legal");
            // A sum of 33 products, of a loss of at most 4.
            assert_close(loss, textbook(&q, &target, dim), 1e-14);
            assert_eq!(byol(&q, &target, rows, dim).expect("legal"), loss);
            // The shortest rows of one number are 0.1 long; their third derivative is zero.
            check_gradient(&q, &grad, 2e-9, |q| {
                byol(q, &target, rows, dim).expect("legal")
            });
            // The gradient is orthogonal to the prediction.
            for (q, grad) in q.chunks(dim).zip(grad.chunks(dim)) {
                let radial: f64 = q.iter().zip(grad).map(|(q, g)| q * g).sum();
                assert_close(radial, 0.0, 1e-15);
            }
            let mut narrow_grad = vec![0.0; q.len()];
            let (q32, target32) = (narrow(&q), narrow(&target));
            let loss32 = byol_with_grad(&q32, &target32, rows, dim, &mut narrow_grad);
            // A norm, two divisions and a square: 8 roundings of 6e-8 in a value up to 4. The
            // gradient has as many in units of 2/(N‖q‖), which is within a factor of 8 of its
            // largest entry where d > 1; where d = 1 it is rounding alone.
            assert_close(loss32.expect("legal").into(), loss, 2e-6);
            if dim > 1 {
                assert_all_close(&wide(&narrow_grad), &grad, 4e-6);
            } else {
                assert!(narrow_grad.iter().all(|g| g.abs() < 1e-5));
            }
        }
    }
}

#[test]
fn closed_forms() {
    let q = [1.0, 0.0, 0.0, 2.0];
    let loss = |target: &[f64]| byol(&q, target, 2, 2).expect("legal");
    assert_eq!(loss(&[3.0, 0.0, 0.0, 0.5]), 0.0);
    assert_eq!(loss(&[-3.0, 0.0, 0.0, -0.5]), 4.0);
    assert_close(loss(&[0.0, 1.0, 1.0, 0.0]), 2.0, 1e-15);
    // ∂q = −2 (t̂ − (q̂·t̂) q̂)/(N‖q‖) with q̂·t̂ = 0.
    let mut grad = [0.0; 4];
    byol_with_grad(&q, &[0.0, 1.0, 1.0, 0.0], 2, 2, &mut grad).expect("legal");
    assert_all_close(&grad, &[0.0, -1.0, -0.5, 0.0], 1e-15);
    // In f32, views 1e-4 apart: 2 − 2cos would be noise of 1e-7.
    let close = byol(&[1.0_f32, 0.0], &[1.0, 1e-4], 1, 2).expect("legal");
    assert_close(f64::from(close) / 1e-8, 1.0, 1e-6);
}

#[test]
fn ignores_lengths_order_and_rotation() {
    let (rows, dim) = (33, 7);
    let (q, target) = (numbers(rows * dim, 1), numbers(rows * dim, 2));
    let loss = byol(&q, &target, rows, dim).expect("legal");
    for exponent in [-600, 600] {
        let scaled: Vec<f64> = q.iter().map(|q| q * 2.0_f64.powi(exponent)).collect();
        assert_close(
            byol(&scaled, &target, rows, dim).expect("legal"),
            loss,
            1e-15,
        );
        assert_close(
            byol(&target, &scaled, rows, dim).expect("legal"),
            loss,
            1e-15,
        );
    }
    let backwards = |x: &[f64]| pick(x, dim, (0..rows).rev());
    let other = byol(&backwards(&q), &backwards(&target), rows, dim);
    // 33 terms in another order; a rotation rounds 2d products.
    assert_close(other.expect("legal"), loss, 1e-14);
    let other = byol(&rotate(&q, dim), &rotate(&target, dim), rows, dim);
    assert_close(other.expect("legal"), loss, 1e-14);
}

#[test]
fn both_directions_are_the_two_directions() {
    let (rows, dim) = (66, 5);
    let (q, target) = (numbers(rows * dim, 1), numbers(rows * dim, 2));
    let mut grad = vec![0.0; q.len()];
    let both = byol_symmetric_with_grad(&q, &target, rows, dim, &mut grad).expect("legal");
    let swapped = swap_views(&target);
    let mut single = vec![0.0; q.len()];
    let mean = byol_with_grad(&q, &swapped, rows, dim, &mut single).expect("legal");
    // The sum of two means over N is twice the mean over 2N.
    assert_close(both, 2.0 * mean, 1e-14);
    single.iter_mut().for_each(|g| *g *= 2.0);
    assert_all_close(&grad, &single, 1e-15);
}

#[test]
fn momentum_goes_from_the_initial_value_to_one() {
    for initial in [0.0, 0.5, 0.99, 0.996, 1.0] {
        assert_eq!(byol_momentum(0, 1000, initial), Ok(initial));
        assert_eq!(byol_momentum(1000, 1000, initial), Ok(1.0));
        assert_eq!(byol_momentum(7, 7, initial as f32), Ok(1.0));
        let mut last = initial;
        for step in 0..=1000 {
            let momentum = byol_momentum(step, 1000, initial).expect("legal");
            let cosine = (std::f64::consts::PI * step as f64 / 1000.0).cos();
            assert_close(
                momentum,
                1.0 - (1.0 - initial) * (cosine + 1.0) / 2.0,
                3e-16,
            );
            assert!(momentum >= last && momentum <= 1.0);
            last = momentum;
        }
    }
    assert_close(byol_momentum(1, 2, 0.9).expect("legal"), 0.95, 1e-15);
}
