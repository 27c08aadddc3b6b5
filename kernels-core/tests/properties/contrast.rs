//! NT-Xent against the definition written out, at sizes around the vector lanes.

use crate::common::assert_close;
use kernels_core::nt_xent::{
    nt_xent, nt_xent_streaming_workspace_len, nt_xent_with_grad, nt_xent_workspace_len,
};
use kernels_core::{Error, Real};

/// Deterministic numbers in [−1, 1].
fn numbers(len: usize) -> Vec<f64> {
    (0..len)
        .map(|k| (1.7 * (k * k) as f64 + 0.3 * k as f64 + 0.5).sin())
        .collect()
}

/// Without the symmetries of [`numbers`]: a linear congruence, in [−1, 1).
fn scattered<T: Real>(len: usize) -> Vec<T> {
    let mut state = 1_u64;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        T::of((state >> 40) as f64 / f64::from(1 << 23) - 1.0)
    };
    (0..len).map(next).collect()
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

/// The loss and its gradient from the whole matrix, in f64, with each row's largest
/// exponent taken out.
fn reference(z: &[f64], rows: usize, dim: usize, tau: f64) -> (f64, Vec<f64>) {
    let norms: Vec<f64> = z
        .chunks(dim)
        .map(|row| row.iter().map(|z| z * z).sum::<f64>().sqrt())
        .collect();
    let unit: Vec<f64> = (0..z.len()).map(|k| z[k] / norms[k / dim]).collect();
    let row = |i: usize| &unit[i * dim..(i + 1) * dim];
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(a, b)| a * b).sum::<f64>();
    let mut loss = 0.0;
    let mut unit_grad = vec![0.0; z.len()];
    for i in 0..rows {
        let partner = (i + rows / 2) % rows;
        let mut terms: Vec<f64> = (0..rows).map(|j| dot(row(i), row(j)) / tau).collect();
        terms[i] = f64::NEG_INFINITY;
        let positive = terms[partner];
        let max = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        terms.iter_mut().for_each(|s| *s = (*s - max).exp());
        let total: f64 = terms.iter().sum();
        loss += (max - positive + total.ln()) / rows as f64;
        for (j, term) in terms.iter().enumerate() {
            let one = f64::from(u8::from(j == partner));
            let pull = (term / total - one) / (rows as f64 * tau);
            for k in 0..dim {
                unit_grad[i * dim + k] += pull * unit[j * dim + k];
                unit_grad[j * dim + k] += pull * unit[i * dim + k];
            }
        }
    }
    let rows = unit_grad.chunks(dim).zip(unit.chunks(dim)).zip(&norms);
    let grad = rows.flat_map(|((grad, unit), norm)| {
        let radial = dot(grad, unit);
        grad.iter()
            .zip(unit)
            .map(move |(g, u)| (g - radial * u) / norm)
    });
    (loss, grad.collect())
}

fn with_grad<T: Real>(z: &[T], rows: usize, dim: usize, tau: f64) -> (T, Vec<T>) {
    with_grad_in(nt_xent_workspace_len(rows, dim), z, rows, dim, tau)
}

fn with_grad_in<T: Real>(
    workspace_len: usize,
    z: &[T],
    rows: usize,
    dim: usize,
    tau: f64,
) -> (T, Vec<T>) {
    // NaN, so that whatever is read before it is written shows.
    let mut workspace = vec![T::nan(); workspace_len];
    let mut grad = vec![T::nan(); z.len()];
    let tau = T::of(tau);
    let loss = nt_xent_with_grad(z, rows, dim, tau, &mut grad, &mut workspace).expect("legal");
    let alone = nt_xent(z, rows, dim, tau, &mut workspace).expect("legal");
    assert!(alone == loss, "the value alone is {alone}, not {loss}");
    (loss, grad)
}

/// The largest error of the gradient, relative to its terms' size `2/(nτ‖z‖)`.
fn gradient_error<T: Real>(grad: &[T], expected: &[f64], z: &[f64], dim: usize, tau: f64) -> f64 {
    let scale = 2.0 / (z.len() / dim) as f64 / tau;
    let rows = grad.chunks(dim).zip(expected.chunks(dim));
    let mut worst = 0.0;
    for ((grad, expected), z) in rows.zip(z.chunks(dim)) {
        let norm = z.iter().map(|z| z * z).sum::<f64>().sqrt();
        for (g, e) in grad.iter().zip(expected) {
            let error = (g.wide() - e).abs() * norm / scale;
            if !(error <= worst) {
                worst = error;
            }
        }
    }
    worst
}

fn follows_the_reference<T: Real>(rows: usize, dim: usize, tau: f64) {
    let narrow = scattered::<T>(rows * dim);
    let z: Vec<f64> = narrow.iter().map(|z| z.wide()).collect();
    let (loss, grad) = with_grad(&narrow, rows, dim, tau);
    let (expected, expected_grad) = reference(&z, rows, dim, T::of(tau).wide());
    // Exponents have the error of a cosine, a few u, over τ; the reference adds its
    // `rows` terms one by one in f64, and so has that many roundings.
    let reference_error = rows as f64 * f64::EPSILON;
    let tolerance = 8.0 * T::epsilon().wide() * (1.0 + 1.0 / tau) + reference_error;
    let error = (loss.wide() - expected).abs();
    assert!(error <= tolerance, "{rows} x {dim}, {tau}: loss, {error}");
    let error = gradient_error(&grad, &expected_grad, &z, dim, tau);
    assert!(error <= tolerance, "{rows} x {dim}, {tau}: grad, {error}");

    let len = nt_xent_streaming_workspace_len(rows, dim);
    let (streamed, streamed_grad) = with_grad_in(len, &narrow, rows, dim, tau);
    assert!(
        streamed == loss,
        "{rows} x {dim}, {tau}: streamed, {streamed}"
    );
    let error = gradient_error(&streamed_grad, &expected_grad, &z, dim, tau);
    assert!(
        error <= tolerance,
        "{rows} x {dim}, {tau}: streamed grad, {error}"
    );
}

/// Around a panel of 16 rows, a slab of 16 coordinates, and a tile of four panels, which
/// is a block too.
#[test]
fn equals_the_matrix_at_every_edge() {
    for rows in [
        2, 4, 14, 16, 18, 30, 62, 64, 66, 126, 130, 254, 256, 258, 514,
    ] {
        for dim in [1, 3, 15, 17, 31, 32, 33, 128] {
            follows_the_reference::<f64>(rows, dim, 0.5);
            follows_the_reference::<f32>(rows, dim, 0.1);
        }
    }
}

/// Above 1024 rows no terms are kept; below τ = 0.0231 (f32) and 0.0029 (f64) every row
/// has a shift of its own.
#[test]
fn equals_the_matrix_where_the_way_changes() {
    for (rows, dim) in [(1022, 3), (1024, 3), (1026, 3), (1090, 33)] {
        follows_the_reference::<f64>(rows, dim, 0.2);
        follows_the_reference::<f32>(rows, dim, 0.2);
    }
    for rows in [2, 4, 62, 66, 258, 1026] {
        for tau in [0.0227, 0.0231, 0.024] {
            follows_the_reference::<f32>(rows, 3, tau);
        }
        for tau in [0.0028, 0.0029, 1e-6] {
            follows_the_reference::<f64>(rows, 3, tau);
        }
    }
}

/// Opposite rows at the smallest τ of the fixed shift and below: terms near the smallest
/// normal number.
#[test]
fn opposite_negatives_keep_their_digits() {
    for tau in [0.04, 0.024, 0.023, 0.02] {
        // Views of an image are opposite too, so the loss is 1/τ-sized, not tiny.
        let z: [f32; 8] = [1.0, 0.0, -1.0, 0.1, -1.0, -0.1, -1.0, 0.05];
        let wide: Vec<f64> = z.iter().map(|&z| f64::from(z)).collect();
        let (loss, grad) = with_grad(&z, 4, 2, tau);
        let (expected, expected_grad) = reference(&wide, 4, 2, f64::from(tau as f32));
        // Exponents of size 2/τ have that many u of error.
        let tolerance = 8.0 * f64::from(f32::EPSILON) / tau;
        assert_close(f64::from(loss), expected, tolerance);
        let error = gradient_error(&grad, &expected_grad, &wide, 2, tau);
        assert!(error <= tolerance, "{tau}: {error}");
    }
}

/// Bit for bit, with one thread, two and five.
#[test]
fn threads_change_nothing() {
    let pool = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads")
    };
    for (rows, dim, tau) in [(258, 33, 0.5), (1026, 32, 0.5), (258, 33, 0.01)] {
        let z = scattered::<f32>(rows * dim);
        let one = pool(1).install(|| with_grad(&z, rows, dim, tau));
        for threads in [2, 5] {
            let more = pool(threads).install(|| with_grad(&z, rows, dim, tau));
            assert!(one == more, "{rows} x {dim}, {threads} threads");
        }
    }
}

/// Linear in the rows beyond those whose terms are kept, and of any size that is asked.
#[test]
fn memory_is_linear() {
    let per_row = |rows| nt_xent_workspace_len(rows, 128) / rows;
    assert!(per_row(1 << 14) <= 4 * 128, "{}", per_row(1 << 14));
    assert!(per_row(1 << 20) <= 4 * 128, "{}", per_row(1 << 20));
    assert_eq!(nt_xent_workspace_len(usize::MAX - 1, 128), usize::MAX);
    assert_eq!(nt_xent_workspace_len(2, usize::MAX), usize::MAX);
    assert_eq!(nt_xent_workspace_len(usize::MAX, usize::MAX), usize::MAX);
    // Asked not to keep terms, it is from the first row on.
    let streaming = nt_xent_streaming_workspace_len;
    assert!(streaming(1024, 128) * 2 < nt_xent_workspace_len(1024, 128));
    for rows in [1024, 1 << 14, 1 << 20] {
        assert!(
            streaming(rows, 128) <= (3 * 128 + 40) * rows + 70_000,
            "{rows}"
        );
    }
    for rows in 1..=64 {
        assert!(streaming(rows, 16) <= (3 * 16 + 40) * rows.next_multiple_of(16) + 4352);
    }
    assert_eq!(streaming(usize::MAX, usize::MAX), usize::MAX);
    let (mut grad, mut short) = (vec![0.0; 1024 * 128], vec![0.0; streaming(1024, 128) - 1]);
    let refused = nt_xent_with_grad(
        &scattered(1024 * 128),
        1024,
        128,
        0.5,
        &mut grad,
        &mut short,
    );
    assert!(matches!(
        refused,
        Err(Error::Workspace { expected, .. }) if expected == streaming(1024, 128)
    ));
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
    let mut narrow_workspace = vec![0.0; nt_xent_workspace_len(4, 2)];
    let mut wide_workspace = vec![0.0; nt_xent_workspace_len(4, 2)];
    let narrow = nt_xent(&z, 4, 2, tau, &mut narrow_workspace).expect("legal");
    let wide = nt_xent(&wide, 4, 2, f64::from(tau), &mut wide_workspace).expect("legal");
    assert!(wide < 1e-8, "{wide}");
    // Exponents of size 20 in f32 are right to 1e-6.
    assert_close(f64::from(narrow) / wide, 1.0, 5e-6);
}
