//! Eigenvalues by Jacobi rotations.

use crate::common::*;
use kernels_core::diagnostics::symmetric_eigenvalues;
use kernels_core::{Error, Real};

fn sorted<T: Real>(matrix: &[T], n: usize) -> Vec<f64> {
    let (mut matrix, mut values) = (matrix.to_vec(), vec![T::nan(); n]);
    let sweeps = symmetric_eigenvalues(&mut matrix, n, 30, &mut values).expect("legal");
    assert!(sweeps <= 15, "{sweeps} sweeps");
    let mut values: Vec<f64> = values.iter().map(|value| value.wide()).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// `Q diag(λ) Qᵀ` with a product of two reflections for Q.
fn with_spectrum(lambda: &[f64]) -> Vec<f64> {
    let n = lambda.len();
    let identity: Vec<f64> = (0..n * n)
        .map(|k| f64::from(u8::from(k % (n + 1) == 0)))
        .collect();
    let q = rotate(&identity, n);
    let entry = |i: usize, j: usize| -> f64 {
        (0..n)
            .map(|k| q[i * n + k] * lambda[k] * q[j * n + k])
            .sum()
    };
    (0..n * n).map(|k| entry(k / n, k % n)).collect()
}

#[test]
fn known_spectra_at_every_size() {
    for n in SIZES {
        for kind in 0..3 {
            let mut lambda: Vec<f64> = match kind {
                0 => numbers(n, 5),
                // Many equal ones, and many zeros.
                1 => (0..n).map(|k| f64::from(u8::from(k % 3 == 0))).collect(),
                _ => (0..n).map(|k| 10.0_f64.powi(-(k as i32 % 12))).collect(),
            };
            let matrix = with_spectrum(&lambda);
            lambda.sort_by(f64::total_cmp);
            // √n u ‖A‖_F ≤ 6 · 1.1e-16 · 6, and as much in making the matrix.
            for (got, &expected) in sorted(&matrix, n).into_iter().zip(&lambda) {
                assert_close(got, expected, 1e-14);
            }
            let narrow = narrow(&matrix);
            for (got, &expected) in sorted(&narrow, n).into_iter().zip(&lambda) {
                assert_close(got, expected, 36.0 * 6e-8);
            }
        }
    }
}

#[test]
fn closed_forms_and_magnitudes() {
    // 2 and 4 at every magnitude that leaves room; what is below the diagonal is not read.
    for exponent in [-1000, -500, 0, 500, 1000] {
        let unit = 2.0_f64.powi(exponent);
        let values = sorted(&[3.0 * unit, unit, 77.0, 3.0 * unit], 2);
        assert_close(values[0] / unit, 2.0, 1e-15);
        assert_close(values[1] / unit, 4.0, 1e-15);
    }
    assert_eq!(sorted(&[0.0_f32; 9], 3), [0.0; 3]);
    assert_eq!(sorted(&[-5.0_f32], 1), [-5.0]);
    // Second differences: 2 − 2cos(kπ/(n+1)).
    let n = 33;
    let entry = |k: usize| match (k / n).abs_diff(k % n) {
        0 => 2.0,
        1 => -1.0,
        _ => 0.0,
    };
    let matrix: Vec<f64> = (0..n * n).map(entry).collect();
    for (k, value) in sorted(&matrix, n).into_iter().enumerate() {
        let angle = std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64;
        assert_close(value, 2.0 - 2.0 * angle.cos(), 2e-14);
    }
}

#[test]
fn refuses() {
    let run = |matrix: &[f64], n: usize, sweeps: usize| {
        let mut values = vec![0.0; 2];
        symmetric_eigenvalues(&mut matrix.to_vec(), n, sweeps, &mut values)
    };
    let matrix = [3.0, 1.0, 1.0, 3.0];
    assert_eq!(run(&matrix, 2, 30), Ok(1));
    let limited = run(&matrix, 2, 0).expect_err("no sweeps");
    assert!(
        matches!(limited, Error::NotConverged { iterations: 0, .. }),
        "{limited:?}"
    );
    let message = limited.to_string();
    let start = "symmetric_eigenvalues: the error after 0 iterations must be at most 8.2";
    assert!(message.starts_with(start), "{message}");
    assert!(run(&matrix, 3, 30).is_err());
    assert!(run(&[], 0, 30).is_err());
    assert!(run(&matrix, usize::MAX, 30).is_err());
    assert!(run(&[1.0], 1, 30).is_err());
    for bad in [f64::NAN, f64::INFINITY] {
        assert!(run(&[3.0, bad, 1.0, 3.0], 2, 30).is_err());
    }
    // Eigenvalues 0 and 2·MAX.
    let huge = run(&[f64::MAX; 4], 2, 30);
    assert!(matches!(huge, Err(Error::Overflow { .. })), "{huge:?}");
}
