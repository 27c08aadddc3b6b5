//! VICReg.

use crate::common::*;
use kernels_core::Real;
use kernels_core::vicreg::{VicReg, VicRegOptions, vicreg, vicreg_with_grad, vicreg_workspace_len};

/// The three parts by their formulas.
fn textbook(z: &[f64], rows: usize, dim: usize, gamma: f64, epsilon: f64) -> [f64; 3] {
    let (n, d) = ((rows / 2) as f64, dim as f64);
    let (a, b) = z.split_at(z.len() / 2);
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    let mut parts = [squares / (n * d), 0.0, 0.0];
    for view in [a, b] {
        let (c, sums) = centred(view, dim);
        for (i, sum) in sums.iter().enumerate() {
            let s = (sum / (n - 1.0) + epsilon).sqrt();
            parts[1] += 0.5 * (gamma - s).max(0.0) / d;
            for j in (0..dim).filter(|&j| j != i) {
                parts[2] += (inner(&c, &c, dim, i, j) / (n - 1.0)).powi(2) / d;
            }
        }
    }
    parts
}

pub(crate) fn run<T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    options: &VicRegOptions<T>,
) -> (VicReg<T>, Vec<T>) {
    let mut workspace = vec![T::nan(); vicreg_workspace_len(rows, dim)];
    let mut grad = vec![T::nan(); z.len()];
    let value = vicreg(z, rows, dim, options, &mut workspace).expect("legal");
    let parts = vicreg_with_grad(z, rows, dim, options, &mut grad, &mut workspace).expect("legal");
    assert_eq!(value, parts);
    (parts, grad)
}

/// Numbers of which some columns vary more than γ.
fn batch(rows: usize, dim: usize) -> Vec<f64> {
    let mut z = numbers(rows * dim, 1);
    for row in z.chunks_mut(dim) {
        row.iter_mut().step_by(3).for_each(|x| *x *= 4.0);
    }
    z
}

/// Fewer images than features (the Gram matrix) and more (the covariance), and as many.
#[test]
fn equals_the_definition_with_its_gradient() {
    for images in SIZES.into_iter().skip(1) {
        for dim in SIZES {
            let rows = 2 * images;
            let z = batch(rows, dim);
            let options = VicRegOptions::default();
            let (got, grad) = run(&z, rows, dim, &options);
            let parts = textbook(&z, rows, dim, 1.0, 1e-4);
            // Sums of at most 33² squares of up to 64, each right to 1e-16.
            let scale = 1.0 + parts[2];
            assert_close(got.invariance, parts[0], 1e-14 * scale);
            assert_close(got.variance, parts[1], 1e-14 * scale);
            assert_close(got.covariance, parts[2], 1e-13 * scale);
            let total = 25.0 * parts[0] + 25.0 * parts[1] + parts[2];
            assert_close(got.loss, total, 1e-12 * scale);
            // Losses near 100 divided by the step: 1e-14/1e-5; curvature at S near 0.01.
            check_gradient(&z, &grad, 2e-7, |z| run(z, rows, dim, &options).0.loss);
        }
    }
}

/// Each part alone: a sign or a factor wrong in one cannot hide behind another.
#[test]
fn every_part_has_its_gradient() {
    for (images, dim) in [(5, 3), (3, 5), (4, 4)] {
        for part in 0..3 {
            let one = |k: usize| if k == part { 2.0 } else { 0.0 };
            let options = VicRegOptions {
                invariance: one(0),
                variance: one(1),
                covariance: one(2),
                gamma: 0.8,
                epsilon: 0.01,
            };
            let rows = 2 * images;
            let z = batch(rows, dim);
            let (got, grad) = run(&z, rows, dim, &options);
            let expected = 2.0 * textbook(&z, rows, dim, 0.8, 0.01)[part];
            assert!(expected > 1e-3, "the part says something");
            assert_close(got.loss, expected, 1e-13 * (1.0 + expected));
            check_gradient(&z, &grad, 1e-8, |z| run(z, rows, dim, &options).0.loss);
        }
    }
}

#[test]
fn single_precision_agrees() {
    for images in SIZES.into_iter().skip(1) {
        for dim in SIZES {
            let rows = 2 * images;
            let z = batch(rows, dim);
            let (expected, grad) = run(&z, rows, dim, &VicRegOptions::default());
            let (got, grad32) = run(&narrow(&z), rows, dim, &VicRegOptions::default());
            // About 2√N + 8 = 20 roundings of 6e-8 in every sum.
            let relative = f64::from(got.loss) / expected.loss;
            assert_close(relative, 1.0, 1.2e-6);
            // The gradient of the last part multiplies two such sums.
            assert_all_close(&wide(&grad32), &grad, 2.4e-6);
        }
    }
}

#[test]
fn closed_forms() {
    // Columns (1, −1) and (1, −1): variance 2, covariance 2. Both views alike.
    let z = [1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0];
    let (got, _) = run(&z, 4, 2, &VicRegOptions::default());
    assert_eq!((got.invariance, got.variance), (0.0, 0.0));
    // Two views, two entries off the diagonal, each 2² over d = 2.
    assert_close(got.covariance, 8.0, 1e-15);
    assert_close(got.loss, 8.0, 1e-15);
    // Collapsed: S = √ε = 0.01 in both views, gradient zero.
    for (images, dim) in [(3, 2), (2, 3)] {
        let z = vec![0.1; 2 * images * dim];
        let (got, grad) = run(&z, 2 * images, dim, &VicRegOptions::default());
        assert_close(got.loss, 25.0 * 0.99, 1e-14);
        assert!(grad.iter().all(|&g| g == 0.0));
    }
}

#[test]
fn symmetries() {
    for (rows, dim) in [(66, 7), (14, 33)] {
        let z = batch(rows, dim);
        let options = VicRegOptions::default();
        let loss = run(&z, rows, dim, &options).0;
        let shifted: Vec<f64> = z.iter().map(|z| z + 1024.0).collect();
        let others = [
            cycle_images(&z, rows, dim),
            swap_views(&z),
            reverse_features(&z, dim),
            z.iter().map(|z| -z).collect(),
            // The shift rounds the numbers themselves to 1e-13.
            shifted,
        ];
        for other in others {
            let other = run(&other, rows, dim, &options).0;
            assert_close(other.loss / loss.loss, 1.0, 1e-12);
            assert_close(other.variance, loss.variance, 1e-12);
        }
        // Squares scale; without ε the standard deviation scales too.
        let doubled: Vec<f64> = z.iter().map(|z| 2.0 * z).collect();
        let twice = run(&doubled, rows, dim, &options).0;
        assert_close(twice.invariance / loss.invariance, 4.0, 1e-13);
        assert_close(twice.covariance / loss.covariance, 16.0, 1e-13);
        // A rotation keeps the distance between views.
        let rotated = run(&rotate(&z, dim), rows, dim, &options).0;
        assert_close(rotated.invariance / loss.invariance, 1.0, 1e-13);
    }
}
