//! NT-Xent on the emulated grid against `kernels-core` in f64.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use kernels_core::nt_xent as reference;
use kernels_cuda::emulator::Emulator;
use kernels_cuda::nt_xent::{nt_xent, nt_xent_with_grad, nt_xent_workspace_len};
use kernels_cuda::{Buffer, Error};
use support::normal;

/// Loss and gradient.
fn on_device(
    z: &[f32],
    rows: usize,
    dim: usize,
    temperature: f32,
    seed: u64,
) -> Result<(f32, Vec<f32>), Error> {
    let device = Emulator::new(seed);
    let z = Buffer::of(&device, z)?;
    let grad = Buffer::new(&device, rows * dim)?;
    let workspace = Buffer::new(&device, nt_xent_workspace_len(rows, dim))?;
    let (z, workspace) = (z.array(), workspace.array());
    let out = grad.array();
    let loss = nt_xent_with_grad(&device, z, rows, dim, temperature, out, workspace)?;
    let value = nt_xent(&device, z, rows, dim, temperature, workspace)?;
    assert_eq!(value, loss);
    Ok((loss, grad.to_vec()?))
}

fn in_f64(z: &[f32], rows: usize, dim: usize, temperature: f32) -> Result<(f64, Vec<f64>), Error> {
    let z: Vec<f64> = z.iter().map(|&x| f64::from(x)).collect();
    let mut grad = vec![0.0; z.len()];
    let mut workspace = vec![0.0; reference::nt_xent_workspace_len(rows, dim)];
    let temperature = f64::from(temperature);
    let loss = reference::nt_xent_with_grad(&z, rows, dim, temperature, &mut grad, &mut workspace);
    Ok((loss?, grad))
}

/// Relative errors of the loss and of the gradient, the latter by its largest element.
fn errors(
    z: &[f32],
    rows: usize,
    dim: usize,
    temperature: f32,
    seed: u64,
) -> Result<[f64; 2], Error> {
    let (loss, grad) = on_device(z, rows, dim, temperature, seed)?;
    let (want, gradient) = in_f64(z, rows, dim, temperature)?;
    let of_loss = (f64::from(loss) - want).abs() / want.max(f64::MIN_POSITIVE);
    let size = gradient
        .iter()
        .fold(f64::MIN_POSITIVE, |a, b| a.max(b.abs()));
    let pairs = grad.iter().zip(&gradient);
    let of_grad = pairs.map(|(&a, b)| (f64::from(a) - b).abs() / size);
    let worst = of_grad.fold(0.0, |a: f64, b| if b <= a { a } else { b });
    Ok([of_loss, worst])
}

fn check(
    z: &[f32],
    [rows, dim]: [usize; 2],
    temperature: f32,
    tolerances: [f64; 2],
) -> Result<(), Error> {
    let [loss, grad] = errors(z, rows, dim, temperature, 5)?;
    let what = format!("{rows} × {dim}, τ = {temperature}");
    assert!(loss <= tolerances[0], "{what}: loss off by {loss:e}");
    assert!(grad <= tolerances[1], "{what}: gradient off by {grad:e}");
    Ok(())
}

#[test]
fn sizes_and_temperatures() {
    // Products of units are off by some 1e-7, which averages out in sums over rows; what is
    // left is that over τ at most, and it is seldom a fifth of these.
    for (sizes, temperature, tolerance) in [
        ([2, 1], 0.5, 0.0),
        ([2, 5], 0.5, 0.0),
        ([4, 3], 0.5, 1e-6),
        ([32, 8], 0.5, 1e-6),
        ([62, 31], 0.1, 1e-6),
        ([64, 32], 0.5, 1e-6),
        ([66, 33], 0.07, 1e-6),
        ([128, 64], 0.5, 1e-6),
        ([130, 65], 0.2, 1e-6),
        ([254, 16], 0.1, 1e-6),
        ([34, 128], 0.5, 1e-6),
        ([36, 129], 0.05, 1e-6),
        // Below 0.0231 each row has its own shift.
        ([66, 33], 0.023, 2e-6),
        ([66, 40], 0.01, 3e-6),
    ] {
        let z = normal(sizes[0] as u64, sizes[0] * sizes[1], 2.0);
        check(&z, sizes, temperature, [tolerance; 2]).unwrap();
    }
}

#[test]
fn tiny_losses_keep_their_accuracy() {
    // Two views that are nearly the same, and nearly orthogonal images: the loss is about
    // 30 exp(−1/τ). Exponents of 1/τ are off by about u/τ, which is the relative error of
    // the loss; in the gradient the positive and the negatives nearly cancel.
    for (temperature, of_loss) in [(0.1, 1e-6), (0.05, 2e-6), (0.03, 3e-6), (0.015, 6e-6)] {
        let (images, dim) = (16, 24);
        let mut z = normal(9, 2 * images * dim, 0.02);
        for i in 0..2 * images {
            z[i * dim + i % images] += 3.0;
        }
        check(&z, [2 * images, dim], temperature, [of_loss, 1e-5]).unwrap();
    }
}

#[test]
fn rows_of_any_magnitude() {
    let (rows, dim) = (12, 7);
    let mut z = normal(3, rows * dim, 1.0);
    // Scales whose squares underflow or overflow; gradients have the reciprocal's.
    for (i, row) in z.chunks_mut(dim).enumerate() {
        let scale = [1e-30, 1.0, 1e30][i % 3];
        row.iter_mut().for_each(|x| *x *= scale);
    }
    let (loss, grad) = on_device(&z, rows, dim, 0.5, 1).unwrap();
    let (want, gradient) = in_f64(&z, rows, dim, 0.5).unwrap();
    assert!((f64::from(loss) / want - 1.0).abs() <= 2e-6);
    for (i, (got, want)) in grad.chunks(dim).zip(gradient.chunks(dim)).enumerate() {
        let size = want.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        for (&got, want) in got.iter().zip(want) {
            let error = (f64::from(got) - want).abs();
            assert!(error <= 1e-5 * size, "row {i}: {got}, {want}");
        }
    }
}

#[test]
fn any_order_of_threads_gives_the_same_bits() {
    let z = normal(8, 70 * 20, 1.0);
    let first = on_device(&z, 70, 20, 0.2, 0).unwrap();
    for seed in 1..4 {
        assert_eq!(on_device(&z, 70, 20, 0.2, seed).unwrap(), first);
    }
}

#[test]
fn refusals_are_those_of_kernels_core() {
    let text = |z: &[f32], rows: usize, dim: usize, temperature: f32| {
        let refused = on_device(z, rows, dim, temperature, 1).unwrap_err();
        let (mut grad, mut workspace) = (vec![0.0; rows * dim], vec![0.0; 1 << 20]);
        let other =
            reference::nt_xent_with_grad(z, rows, dim, temperature, &mut grad, &mut workspace);
        let text = refused.to_string();
        assert_eq!(text, other.unwrap_err().to_string());
        text
    };
    let mut z = normal(2, 12, 1.0);
    text(&z, 3, 4, 0.5);
    text(&z, 0, 4, 0.5);
    text(&[], 4, 0, 0.5);
    text(&z, 4, 4, 0.5);
    text(&z, 4, 3, 0.0);
    text(&z, 4, 3, f32::NAN);
    text(&z, 4, 3, 1e-40);
    z[7] = f32::NAN;
    assert!(text(&z, 4, 3, 0.5).contains('7'));
    z[6..9].fill(0.0);
    assert!(text(&z, 4, 3, 0.5).contains('2'));
    z[6..9].fill(3e38);
    text(&z, 4, 3, 0.5);
}

#[test]
fn a_gradient_that_does_not_fit_is_refused() {
    let z: Vec<f32> = normal(2, 12, 1.0).iter().map(|x| x * 2e-37).collect();
    let refused = on_device(&z, 4, 3, 1e-3, 1).unwrap_err().to_string();
    assert!(refused.contains("the gradient"), "{refused}");
}

#[test]
fn a_short_workspace_is_refused() {
    let device = Emulator::new(1);
    let z = Buffer::of(&device, &normal(2, 12, 1.0)).unwrap();
    let needed = nt_xent_workspace_len(4, 3);
    let workspace = Buffer::new(&device, needed - 1).unwrap();
    let refused = nt_xent(&device, z.array(), 4, 3, 0.5, workspace.array()).unwrap_err();
    let text = refused.to_string();
    assert!(text.contains(&needed.to_string()), "{text}");
}
