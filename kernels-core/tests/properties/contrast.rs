//! NT-Xent against the definition written out, at sizes around the vector lanes.

use crate::common::assert_close;
use kernels_core::nt_xent::{nt_xent, nt_xent_with_grad, nt_xent_workspace_len};

/// Deterministic numbers in [−1, 1].
fn numbers(len: usize) -> Vec<f64> {
    (0..len)
        .map(|k| (1.7 * (k * k) as f64 + 0.3 * k as f64 + 0.5).sin())
        .collect()
}

/// Cosines, exponentials, sums: nothing clever.
fn textbook(z: &[f64], rows: usize, dim: usize, tau: f64) -> f64 {
    let row = |i: usize| &z[i * dim..(i + 1) * dim];
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(a, b)| a * b).sum::<f64>();
    let cosine = |i: usize, j: usize| {
        dot(row(i), row(j)) / (dot(row(i), row(i)) * dot(row(j), row(j))).sqrt()
    };
    let loss = |i: usize| {
        let others = (0..rows).filter(|&j| j != i);
        let total: f64 = others.map(|j| (cosine(i, j) / tau).exp()).sum();
        total.ln() - cosine(i, (i + rows / 2) % rows) / tau
    };
    (0..rows).map(loss).sum::<f64>() / rows as f64
}

#[test]
fn equals_the_definition() {
    for rows in [2, 4, 14, 16, 18, 30, 32, 34, 62, 64, 66] {
        for dim in [1, 2, 15, 16, 17, 33] {
            let z = numbers(rows * dim);
            let mut workspace = vec![0.0; nt_xent_workspace_len(rows, dim)];
            let loss = nt_xent(&z, rows, dim, 0.2, &mut workspace).expect("legal");
            // Cosines are right to 1e-16, divided by 0.2; the definition cancels more.
            assert_close(loss, textbook(&z, rows, dim, 0.2), 1e-13);
        }
    }
}

/// The loss does not see the length of a row, and its gradient is orthogonal to it.
#[test]
fn ignores_lengths() {
    let (rows, dim) = (12, 5);
    let z = numbers(rows * dim);
    let mut workspace = vec![0.0; nt_xent_workspace_len(rows, dim)];
    let mut grad = vec![0.0; z.len()];
    let loss = nt_xent_with_grad(&z, rows, dim, 0.5, &mut grad, &mut workspace).expect("legal");
    for (z, grad) in z.chunks(dim).zip(grad.chunks(dim)) {
        let radial: f64 = z.iter().zip(grad).map(|(z, g)| z * g).sum();
        assert_close(radial, 0.0, 1e-15);
    }
    for exponent in [-600, -300, 300, 500] {
        let scaled: Vec<f64> = z.iter().map(|z| z * 2.0_f64.powi(exponent)).collect();
        let other = nt_xent(&scaled, rows, dim, 0.5, &mut workspace).expect("legal");
        assert_close(other, loss, 1e-15);
    }
}

/// In f32, a loss of 1e-9 keeps its digits: the usual formula returns zero or noise.
#[test]
fn small_losses_keep_their_digits() {
    let z: [f32; 8] = [1.0, 0.01, -1.0, 0.02, 1.0, -0.01, -1.0, 0.01];
    let wide: Vec<f64> = z.iter().map(|&z| f64::from(z)).collect();
    let tau = 0.1;
    let mut narrow_workspace = [0.0; 64];
    let mut wide_workspace = [0.0; 64];
    let narrow = nt_xent(&z, 4, 2, tau, &mut narrow_workspace).expect("legal");
    let wide = nt_xent(&wide, 4, 2, f64::from(tau), &mut wide_workspace).expect("legal");
    assert!(wide < 1e-8, "{wide}");
    // Exponents of size 20 in f32 are right to 1e-6.
    assert_close(f64::from(narrow) / wide, 1.0, 5e-6);
}
