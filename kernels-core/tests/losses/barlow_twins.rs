//! Barlow Twins.

use crate::common::*;
use kernels_core::barlow_twins::{
    BarlowTwins, BarlowTwinsOptions, barlow_twins, barlow_twins_with_grad,
    barlow_twins_workspace_len,
};
use kernels_core::{Error, Real};

/// The two parts by their formulas.
fn textbook(z: &[f64], rows: usize, dim: usize, epsilon: f64) -> [f64; 2] {
    let n = (rows / 2) as f64;
    let (a, b) = z.split_at(z.len() / 2);
    let ((a, sums_a), (b, sums_b)) = (centred(a, dim), centred(b, dim));
    let mut parts = [0.0; 2];
    for (i, sum_a) in sums_a.iter().enumerate() {
        for (j, sum_b) in sums_b.iter().enumerate() {
            let (var_a, var_b) = (sum_a / n + epsilon, sum_b / n + epsilon);
            let c = inner(&a, &b, dim, i, j) / n / (var_a * var_b).sqrt();
            if i == j {
                parts[0] += (1.0 - c).powi(2);
            } else {
                parts[1] += c * c;
            }
        }
    }
    parts
}

pub(crate) fn run<T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    options: &BarlowTwinsOptions<T>,
) -> (BarlowTwins<T>, Vec<T>) {
    let mut workspace = vec![T::nan(); barlow_twins_workspace_len(rows, dim)];
    let mut grad = vec![T::nan(); z.len()];
    let value = barlow_twins(z, rows, dim, options, &mut workspace).expect("legal");
    let parts =
        barlow_twins_with_grad(z, rows, dim, options, &mut grad, &mut workspace).expect("legal");
    assert_eq!(value, parts);
    (parts, grad)
}

fn exact<T: Real>() -> BarlowTwinsOptions<T> {
    BarlowTwinsOptions {
        epsilon: T::zero(),
        ..BarlowTwinsOptions::default()
    }
}

#[test]
fn equals_the_definition_with_its_gradient() {
    for images in SIZES.into_iter().skip(1) {
        for dim in SIZES {
            let rows = 2 * images;
            let z = numbers(rows * dim, 1);
            for options in [BarlowTwinsOptions::default(), exact()] {
                let (got, grad) = run(&z, rows, dim, &options);
                let parts = textbook(&z, rows, dim, options.epsilon);
                // At most 33² entries of C, each right to 1e-15 and at most 1.
                assert_close(got.invariance, parts[0], 1e-13 * (1.0 + parts[0]));
                assert_close(got.redundancy, parts[1], 1e-13 * (1.0 + parts[1]));
                let loss = parts[0] + 0.0051 * parts[1];
                assert_close(got.loss, loss, 1e-13 * (1.0 + loss));
                // Losses up to 130; with two images ẑ = ±1 and σ may be 0.01, whose cube
                // divides the third derivative.
                let tolerance = if images == 2 { 1e-5 } else { 2e-8 };
                check_gradient(&z, &grad, tolerance, |z| run(z, rows, dim, &options).0.loss);
            }
        }
    }
}

/// Each part alone, and the scale.
#[test]
fn every_part_has_its_gradient() {
    for (images, dim) in [(5, 3), (4, 5)] {
        for lambda in [0.0, 1.0, 100.0] {
            let options = BarlowTwinsOptions {
                lambda,
                scale: 0.5,
                epsilon: 0.01,
            };
            let rows = 2 * images;
            let z = numbers(rows * dim, 3);
            let (got, grad) = run(&z, rows, dim, &options);
            let parts = textbook(&z, rows, dim, 0.01);
            assert!(parts[0] > 0.1 && parts[1] > 0.1, "both say something");
            let loss = 0.5 * (parts[0] + lambda * parts[1]);
            assert_close(got.loss, loss, 1e-14 * (1.0 + lambda));
            let tolerance = 1e-8 * (1.0 + lambda);
            check_gradient(&z, &grad, tolerance, |z| run(z, rows, dim, &options).0.loss);
        }
    }
}

/// Not with two images: there ẑ = ±1 whatever z is, and the gradient is rounding over σ.
#[test]
fn single_precision_agrees() {
    for images in SIZES.into_iter().skip(2) {
        for dim in SIZES {
            let rows = 2 * images;
            let z = numbers(rows * dim, 1);
            let options = BarlowTwinsOptions::default();
            let (expected, grad) = run(&z, rows, dim, &options);
            let (got, grad32) = run(&narrow(&z), rows, dim, &BarlowTwinsOptions::default());
            // About 2√N + 8 = 20 roundings of 6e-8 in an entry of C, doubled by the square.
            assert_close(f64::from(got.loss) / expected.loss, 1.0, 2.4e-6);
            // λ itself is rounded in f32; a division by σ and three sums over the batch.
            assert_all_close(&wide(&grad32), &grad, 4e-6);
        }
    }
}

#[test]
fn closed_forms() {
    // Uncorrelated columns, views alike: C = I up to the factor var/(var + ε) = 1 − 1e-5.
    let view = [1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0, -1.0];
    let z = [view, view].concat();
    let (got, grad) = run(&z, 8, 2, &exact());
    assert_eq!(got.loss, 0.0);
    assert!(grad.iter().all(|&g| g == 0.0));
    let (got, _) = run(&z, 8, 2, &BarlowTwinsOptions::default());
    // The difference 1 − C_ii of 1e-5 has 11 digits.
    assert_close(
        got.loss / (2.0 * (1e-5 / (1.0 + 1e-5_f64)).powi(2)),
        1.0,
        1e-10,
    );
    // The second view reversed in sign: C = −I, so (1 + 1)² twice.
    let opposite = [view, view.map(|x| -x)].concat();
    assert_eq!(run(&opposite, 8, 2, &exact()).0.loss, 8.0);
    // Equal columns: all of C is 1.
    let (got, _) = run(
        &[1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0],
        4,
        2,
        &exact(),
    );
    assert_eq!((got.invariance, got.redundancy), (0.0, 2.0));
}

#[test]
fn constant_columns() {
    let mut z = numbers(12 * 3, 1);
    // 0.1 has no exact mean over six rows; column 1 of view B.
    z[18..].iter_mut().skip(1).step_by(3).for_each(|x| *x = 0.1);
    let (_, grad) = run(&z, 12, 3, &BarlowTwinsOptions::default());
    assert!(grad.iter().all(|g| g.is_finite()));
    let mut workspace = vec![0.0; barlow_twins_workspace_len(12, 3)];
    let refused = barlow_twins(&z, 12, 3, &exact(), &mut workspace);
    assert!(
        matches!(refused, Err(Error::ZeroVariance { column: 1, .. })),
        "{refused:?}"
    );
    // Everything constant: ẑ = 0, and each feature costs 1.
    let (got, grad) = run(&[0.1; 36], 12, 3, &BarlowTwinsOptions::default());
    assert_eq!(got.loss, 3.0);
    assert!(grad.iter().all(|&g| g == 0.0));
}

#[test]
fn symmetries() {
    let (rows, dim) = (66, 7);
    let z = numbers(rows * dim, 1);
    let loss = run(&z, rows, dim, &exact()).0.loss;
    // Each feature has its own scale and offset, which may differ between the views.
    let affine = |k: usize| z[k] * (1.0 + (k % dim) as f64) - 3.0 * (k / (dim * 33)) as f64;
    let others = [
        cycle_images(&z, rows, dim),
        swap_views(&z),
        reverse_features(&z, dim),
        (0..z.len()).map(affine).collect(),
    ];
    for other in others {
        assert_close(run(&other, rows, dim, &exact()).0.loss / loss, 1.0, 1e-13);
    }
}
