//! Alignment, uniformity, effective rank.

use crate::common::*;
use kernels_core::Real;
use kernels_core::diagnostics::{
    Spectrum, alignment, effective_rank, effective_rank_workspace_len, uniformity,
    uniformity_workspace_len,
};

fn uniform<T: Real>(x: &[T], rows: usize, dim: usize, t: T) -> T {
    let mut workspace = vec![T::nan(); uniformity_workspace_len(rows, dim)];
    uniformity(x, rows, dim, t, &mut workspace).expect("legal")
}

fn rank<T: Real>(x: &[T], rows: usize, dim: usize, spectrum: Spectrum) -> T {
    let mut workspace = vec![T::nan(); effective_rank_workspace_len(rows, dim)];
    effective_rank(x, rows, dim, spectrum, &mut workspace).expect("legal")
}

fn unit(x: &[f64], dim: usize) -> Vec<f64> {
    let norm = |row: &[f64]| row.iter().map(|x| x * x).sum::<f64>().sqrt();
    let rows = x.chunks(dim);
    rows.flat_map(|row| row.iter().map(|x| x / norm(row)).collect::<Vec<_>>())
        .collect()
}

fn squared(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum()
}

#[test]
fn alignment_equals_its_definition() {
    for rows in SIZES {
        for dim in SIZES {
            let (a, b) = (numbers(rows * dim, 1), numbers(rows * dim, 2));
            for alpha in [0.5, 1.0, 2.0, 3.0] {
                let (u, v) = (unit(&a, dim), unit(&b, dim));
                let pairs = u.chunks(dim).zip(v.chunks(dim));
                let total: f64 = pairs.map(|(u, v)| squared(u, v).powf(alpha / 2.0)).sum();
                let got = alignment(&a, &b, rows, dim, alpha).expect("legal");
                // Distances of size one, right to a few 1e-16; where d = 1 some are rounding
                // alone, of which the root is at most 2e-8.
                let tolerance = if dim == 1 { 2e-8 } else { 1e-14 };
                assert_close(got, total / rows as f64, tolerance);
                let narrow = alignment(&narrow(&a), &narrow(&b), rows, dim, alpha as f32);
                let tolerance = if dim == 1 { 4e-4 } else { 3e-6 };
                assert_close(narrow.expect("legal").into(), got, tolerance);
            }
        }
    }
    // A right angle: ‖û − v̂‖² = 2.
    assert_close(
        alignment(&[3.0, 0.0], &[0.0, 0.1], 1, 2, 2.0).expect("legal"),
        2.0,
        1e-15,
    );
    assert_eq!(alignment(&[3.0, 4.0], &[3.0, 4.0], 1, 2, 2.0), Ok(0.0));
}

#[test]
fn uniformity_equals_its_definition() {
    for rows in [2, 31, 32, 33, 64, 65, 66, 130] {
        for dim in SIZES {
            let x = numbers(rows * dim, 1);
            let u = unit(&x, dim);
            let row = |i: usize| &u[i * dim..(i + 1) * dim];
            for t in [0.1, 2.0, 10.0] {
                let pairs = (0..rows).flat_map(|i| (i + 1..rows).map(move |j| (i, j)));
                let total: f64 = pairs
                    .map(|(i, j)| (-t * squared(row(i), row(j))).exp())
                    .sum();
                let expected = (total / (rows * (rows - 1) / 2) as f64).ln();
                // Exponents up to 40, and sums of 8385 terms.
                assert_close(uniform(&x, rows, dim, t), expected, 1e-13);
                let narrow = uniform(&narrow(&x), rows, dim, t as f32);
                // Exponents of 4t in f32: a few roundings of 6e-8 each.
                assert_close(narrow.into(), expected, 6e-8 * (16.0 + 12.0 * t));
            }
        }
    }
    // Opposite points, −4t, also where every exponential underflows; collapse, exactly 0.
    assert_close(uniform(&[1.0, -3.0], 2, 1, 2.0), -8.0, 1e-15);
    assert_close(uniform(&[1.0, -3.0], 2, 1, 1e6), -4e6, 1e-9);
    assert_eq!(uniform(&[0.1_f32; 130 * 3], 130, 3, 2.0), 0.0);
    // A right angle and two of 135°, with cosine −1/√2.
    let x = [1.0, 0.0, 0.0, 1.0, -1.0, -1.0];
    let far = 2.0 + 2.0_f64.sqrt();
    let mean = ((-4.0_f64).exp() + 2.0 * (-2.0 * far).exp()) / 3.0;
    assert_close(uniform(&x, 3, 2, 2.0), mean.ln(), 1e-14);
}

#[test]
fn rank_of_known_spectra() {
    use Spectrum::{CovarianceEigenvalues, SingularValues};
    // Orthogonal columns of lengths s_k around zero: ±s_k e_k.
    let cross = |s: &[f64]| -> Vec<f64> {
        let d = s.len();
        let entry = |row: usize, j: usize| match row {
            _ if row % d != j => 0.0,
            _ if row < d => s[j],
            _ => -s[j],
        };
        (0..2 * d * d).map(|k| entry(k / d, k % d)).collect()
    };
    let exp_entropy = |weights: &[f64]| {
        let total: f64 = weights.iter().sum();
        let terms = weights.iter().filter(|&&w| w > 0.0).map(|w| w / total);
        terms.map(|p| -p * p.ln()).sum::<f64>().exp()
    };
    for d in SIZES {
        let x = cross(&vec![1.0; d]);
        for spectrum in [CovarianceEigenvalues, SingularValues] {
            assert_close(rank(&x, 2 * d, d, spectrum), d as f64, 1e-13 * d as f64);
            let narrow = rank(&narrow(&x), 2 * d, d, spectrum);
            assert_close(narrow.into(), d as f64, 1e-6 * d as f64);
        }
        let s: Vec<f64> = (0..d).map(|k| 1.0 / (1 + k) as f64).collect();
        let squares: Vec<f64> = s.iter().map(|s| s * s).collect();
        let x = rotate(&cross(&s), d);
        // Eigenvalues of a sum of one are right to 1e-15, their logarithms to more.
        let got = rank(&x, 2 * d, d, CovarianceEigenvalues);
        assert_close(got, exp_entropy(&squares), 1e-12);
        let got = rank(&x, 2 * d, d, SingularValues);
        assert_close(got, exp_entropy(&s), 1e-11);
        // Fewer rows than columns: the rows of a view as columns.
        let mut wide = vec![0.0; 2 * d * d];
        (0..2 * d * d).for_each(|k| wide[(k % d) * 2 * d + k / d] = x[k]);
        let got = rank(&wide, d, 2 * d, SingularValues);
        assert_close(got, exp_entropy(&s), 1e-11);
    }
    // The definitions differ: singular values 3 and 1, eigenvalues 9 and 1.
    let x = cross(&[3.0, 1.0]);
    let got = rank(&x, 4, 2, SingularValues);
    assert_close(got, 4.0 / 27.0_f64.powf(0.25), 1e-14);
    let got = rank(&x, 4, 2, CovarianceEigenvalues);
    assert_close(got, 10.0 / 9.0_f64.powf(0.9), 1e-14);
}

#[test]
fn rank_sees_collapse() {
    use Spectrum::{CovarianceEigenvalues, SingularValues};
    for (rows, dim) in [(33, 7), (7, 33), (1, 5), (5, 1)] {
        // Everything at one point: no covariance, one singular value.
        let point = vec![0.1_f32; rows * dim];
        assert_eq!(rank(&point, rows, dim, CovarianceEigenvalues), 0.0);
        // The other eigenvalues are below the noise and do not count.
        assert_close(rank(&point, rows, dim, SingularValues).into(), 1.0, 1e-6);
        assert_eq!(rank(&vec![0.0; rows * dim], rows, dim, SingularValues), 0.0);
        if rows > 1 {
            // On a line far from the origin.
            let x: Vec<f64> = (0..rows * dim)
                .map(|k| 100.0 + (k / dim) as f64 * (1.0 + (k % dim) as f64))
                .collect();
            assert_close(rank(&x, rows, dim, CovarianceEigenvalues), 1.0, 1e-12);
        }
    }
}

#[test]
fn invariances() {
    let (rows, dim) = (33, 7);
    let x = numbers(rows * dim, 1);
    let y = numbers(rows * dim, 2);
    let backwards = |x: &[f64]| pick(x, dim, (0..rows).rev());
    let scaled = |x: &[f64]| x.iter().map(|x| x * 2.0_f64.powi(300)).collect::<Vec<_>>();
    let measure = |x: &[f64], y: &[f64]| {
        [
            alignment(x, y, rows, dim, 2.0).expect("legal"),
            uniform(x, rows, dim, 2.0),
            rank(x, rows, dim, Spectrum::CovarianceEigenvalues),
            rank(x, rows, dim, Spectrum::SingularValues),
        ]
    };
    let expected = measure(&x, &y);
    for other in [
        measure(&backwards(&x), &backwards(&y)),
        measure(&scaled(&x), &scaled(&y)),
        measure(&rotate(&x, dim), &rotate(&y, dim)),
    ] {
        for (got, expected) in other.into_iter().zip(expected) {
            assert_close(got, expected, 1e-13);
        }
    }
}
