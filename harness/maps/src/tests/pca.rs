//! Principal components against a closed form and against plain power iteration.

// Formulas with their indices.
#![allow(clippy::needless_range_loop)]

use super::{super::*, clouds, noise};

/// Directions by power iteration with deflation on the covariance, in plain loops.
fn plain(values: &[f32], rows: usize, dim: usize, components: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
    let mean: Vec<f64> = (0..dim)
        .map(|d| {
            (0..rows)
                .map(|i| f64::from(values[i * dim + d]))
                .sum::<f64>()
                / rows as f64
        })
        .collect();
    let x = |i: usize, d: usize| f64::from(values[i * dim + d]) - mean[d];
    let mut squares = vec![vec![0.0; dim]; dim];
    for a in 0..dim {
        for b in 0..dim {
            squares[a][b] = (0..rows).map(|i| x(i, a) * x(i, b)).sum();
        }
    }
    let total: f64 = (0..dim).map(|d| squares[d][d]).sum();
    let mut scores = Vec::new();
    let mut shares = Vec::new();
    for _ in 0..components {
        let mut v: Vec<f64> = (0..dim).map(|d| 1.0 + 0.1 * d as f64).collect();
        let mut value = 0.0;
        for _ in 0..3000 {
            let next: Vec<f64> = (0..dim)
                .map(|a| (0..dim).map(|b| squares[a][b] * v[b]).sum())
                .collect();
            value = next.iter().map(|n| n * n).sum::<f64>().sqrt();
            v = next.iter().map(|n| n / value).collect();
        }
        let largest = (0..dim).fold(
            0,
            |best, d| if v[d].abs() > v[best].abs() { d } else { best },
        );
        let sign = v[largest].signum();
        for (a, row) in squares.iter_mut().enumerate() {
            for (b, entry) in row.iter_mut().enumerate() {
                *entry -= value * v[a] * v[b];
            }
        }
        scores.push(
            (0..rows)
                .map(|i| sign * (0..dim).map(|d| x(i, d) * v[d]).sum::<f64>())
                .collect(),
        );
        shares.push(value / total);
    }
    (scores, shares)
}

#[test]
fn components_are_those_of_power_iteration() {
    // More points than dimensions, and fewer, take different ways.
    for (rows, dim) in [(60, 5), (12, 40), (7, 7)] {
        let mut noise = noise(3);
        // Variances that lie well apart, which power iteration needs.
        let values: Vec<f32> = (0..rows * dim)
            .map(|i| noise() * 3.0 / (1.0 + (i % dim) as f32) + 5.0)
            .collect();
        let pca = pca(&Points::new(&values, rows, dim).unwrap(), 3).unwrap();
        let (scores, shares) = plain(&values, rows, dim, 3);
        for c in 0..3 {
            // Both are f64 sums of some hundred terms; the scores are f32 in the end.
            assert!(
                (pca.explained[c] - shares[c]).abs() <= 1e-9,
                "{rows}x{dim} share {c}"
            );
            for i in 0..rows {
                let (found, expected) = (f64::from(pca.scores[i * 3 + c]), scores[c][i]);
                assert!(
                    (found - expected).abs() <= 2e-6,
                    "{rows}x{dim}: {found}, not {expected}"
                );
            }
        }
    }
}

#[test]
fn points_on_a_line_have_one_component() {
    // Along (3, 4) / 5, at −1, 0 and 1 times 5 from (10, 20).
    let values = [7.0, 16.0, 10.0, 20.0, 13.0, 24.0];
    let pca = pca(&Points::new(&values, 3, 2).unwrap(), 9).unwrap();
    assert_eq!(pca.components, 2);
    let expected = [-5.0, 0.0, 0.0, 0.0, 5.0, 0.0];
    for (found, expected) in pca.scores.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-6, "{:?}", pca.scores);
    }
    assert!((pca.explained[0] - 1.0).abs() <= 1e-12 && pca.explained[1] <= 1e-12);
}

#[test]
fn points_of_any_kind_have_finite_components() {
    for (values, rows, dim) in [
        (vec![4.0], 1, 1),
        (vec![4.0; 6], 3, 2),
        (vec![9e14, -9e14, 9e14, 9e14], 2, 2),
        (vec![1e-30, 0.0, 2e-30, 1e-38], 2, 2),
        (vec![0.0; 40], 2, 20),
    ] {
        let pca = pca(&Points::new(&values, rows, dim).unwrap(), 2).unwrap();
        assert!(pca.scores.iter().all(|s| s.is_finite()), "{values:?}");
        assert!(
            pca.explained.iter().all(|s| (0.0..=1.0).contains(s)),
            "{pca:?}"
        );
        assert_eq!(pca.map().len(), rows);
    }
}

#[test]
fn what_is_no_matrix_of_numbers_is_refused() {
    assert!(matches!(
        Points::new(&[1.0; 5], 2, 3),
        Err(MapError::Shape { .. })
    ));
    assert!(matches!(
        Points::new(&[], 0, 3),
        Err(MapError::TooFew { .. })
    ));
    assert!(matches!(
        Points::new(&[], 3, 0),
        Err(MapError::Shape { .. })
    ));
    assert!(matches!(
        Points::new(&[], usize::MAX, 2),
        Err(MapError::Shape { .. })
    ));
    for bad in [f32::NAN, f32::INFINITY, 1e16] {
        let error = Points::new(&[0.0, 0.0, 0.0, bad, 0.0, 0.0], 2, 3).unwrap_err();
        assert!(
            matches!(
                error,
                MapError::Value {
                    row: 1,
                    column: 0,
                    ..
                }
            ),
            "{error}"
        );
    }
    let (values, _) = clouds(9, 3, 3, 1.0);
    let points = Points::new(&values, 9, 3).unwrap();
    assert!(matches!(pca(&points, 0), Err(MapError::Option { .. })));
}
