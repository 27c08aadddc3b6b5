//! BYOL on the emulated grid against `kernels-core` in f64.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use kernels_core::byol as core;
use kernels_cuda::byol::{byol, byol_symmetric_with_grad, byol_with_grad, byol_workspace_len};
use kernels_cuda::emulator::Emulator;
use kernels_cuda::{Buffer, Error};
use support::{SIZES, near, normal, wide};

/// Value, value with gradient, both directions (for an even number of rows).
#[derive(Clone, Copy, Debug)]
enum Which {
    Value,
    Gradient,
    Symmetric,
}

fn run(
    which: Which,
    q: &[f32],
    target: &[f32],
    (rows, dim): (usize, usize),
    seed: u64,
) -> Result<(f32, Vec<f32>), Error> {
    let device = Emulator::new(seed);
    let q = Buffer::of(&device, q)?;
    let target = Buffer::of(&device, target)?;
    let grad = Buffer::new(&device, rows * dim)?;
    let workspace = Buffer::new(&device, byol_workspace_len(rows))?;
    let (q, target) = (q.array(), target.array());
    let (out, room) = (grad.array(), workspace.array());
    let loss = match which {
        Which::Value => return Ok((byol(&device, q, target, rows, dim, room)?, Vec::new())),
        Which::Gradient => byol_with_grad(&device, q, target, rows, dim, out, room)?,
        Which::Symmetric => byol_symmetric_with_grad(&device, q, target, rows, dim, out, room)?,
    };
    Ok((loss, grad.to_vec()?))
}

fn check(which: Which, q: &[f32], target: &[f32], (rows, dim): (usize, usize), seed: u64) {
    let (got, grad) = run(which, q, target, (rows, dim), seed).unwrap();
    let (wide_q, wide_target) = (wide(q), wide(target));
    let mut want_grad = vec![0.0; q.len()];
    let want = match which {
        Which::Symmetric => {
            core::byol_symmetric_with_grad(&wide_q, &wide_target, rows, dim, &mut want_grad)
        }
        _ => core::byol_with_grad(&wide_q, &wide_target, rows, dim, &mut want_grad),
    };
    // Terms of a row's loss are squares of differences that are right to 3 u each.
    near("loss", &[got], &[want.unwrap()], 1e-6);
    if matches!(which, Which::Value) {
        return;
    }
    // Times rows and the row's norm, entries of the gradient are of order one.
    let scaled = |at: usize| {
        let row = &wide_q[at / dim * dim..][..dim];
        let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        norm * rows as f64
    };
    for (at, (&got, want)) in grad.iter().zip(want_grad).enumerate() {
        let error = (f64::from(got) - want).abs() * scaled(at);
        assert!(error <= 3e-6, "{which:?} {rows} x {dim}: {got}, {want}");
    }
}

#[test]
fn all_sizes() {
    for &dim in &SIZES[1..] {
        for rows in [1, 2, 9] {
            let (q, target) = (
                normal(dim as u64, rows * dim, 1.0),
                normal(dim as u64 + 9, rows * dim, 3.0),
            );
            check(Which::Value, &q, &target, (rows, dim), 1);
            check(Which::Gradient, &q, &target, (rows, dim), 2);
        }
    }
    for &rows in &SIZES[1..] {
        let (q, target) = (normal(5, rows * 5, 1.0), normal(6, rows * 5, 1.0));
        check(Which::Gradient, &q, &target, (rows, 5), 3);
        if rows % 2 == 0 {
            check(Which::Symmetric, &q, &target, (rows, 5), 4);
        }
    }
    let (q, target) = (normal(7, 6 * 36, 1.0), normal(8, 6 * 36, 1.0));
    for seed in 0..5 {
        check(Which::Symmetric, &q, &target, (6, 36), seed);
    }
}

/// Rows of any length, and predictions that agree with their targets.
#[test]
fn lengths_do_not_matter() {
    for exponent in [-124, -70, 0, 60, 125] {
        let scale = f64::from(exponent).exp2();
        let (q, target) = (normal(1, 3 * 8, scale), normal(2, 3 * 8, 1.0 / scale));
        let grad_fits = exponent > -100;
        let which = if grad_fits {
            Which::Gradient
        } else {
            Which::Value
        };
        check(which, &q, &target, (3, 8), 1);
    }
    let q = normal(3, 4 * 33, 1.0);
    let (loss, grad) = run(Which::Gradient, &q, &q, (4, 33), 1).unwrap();
    assert_eq!(loss, 0.0);
    assert!(grad.iter().all(|&x| x == 0.0));
}

#[test]
fn errors_are_those_of_kernels_core() {
    let good = normal(1, 4 * 3, 1.0);
    let with = |at: usize, x: f32| {
        let mut bad = good.clone();
        bad[at] = x;
        bad
    };
    let mut no_direction = good.clone();
    no_direction[3..6].fill(0.0);
    let tiny = good.iter().map(|x| x * 1e-37).collect::<Vec<_>>();
    let cases = [
        (with(7, f32::NAN), good.clone()),
        (good.clone(), with(4, f32::INFINITY)),
        (no_direction.clone(), good.clone()),
        (good.clone(), no_direction),
        (tiny, good.clone()),
        (good.clone(), vec![f32::MAX; 12]),
    ];
    for (case, (q, target)) in cases.iter().enumerate() {
        let mut grad = vec![0.0; 12];
        let of_core = [
            core::byol(q, target, 4, 3).map(|_| ()),
            core::byol_with_grad(q, target, 4, 3, &mut grad).map(|_| ()),
            core::byol_symmetric_with_grad(q, target, 4, 3, &mut grad).map(|_| ()),
        ];
        let which = [Which::Value, Which::Gradient, Which::Symmetric];
        for (want, which) in of_core.into_iter().zip(which) {
            let got = run(which, q, target, (4, 3), 1).map(|_| ());
            // As text: NaN is not equal to itself.
            let want = want.map_err(Error::Kernel);
            assert_eq!(format!("{got:?}"), format!("{want:?}"), "{case}, {which:?}");
        }
    }
    let texts = [
        (
            run(Which::Value, &good, &good, (0, 3), 1),
            "byol: `rows` must be at least 1, got 0",
        ),
        (
            run(Which::Symmetric, &good[..9], &good[..9], (3, 3), 1),
            "byol_symmetric_with_grad: `rows` must be even and at least 2 (two views of each \
             image), got 3",
        ),
        (
            run(Which::Gradient, &good, &good[..9], (4, 3), 1),
            "byol_with_grad: `target` must have 12 elements, got 9",
        ),
    ];
    for (result, text) in texts {
        assert_eq!(result.unwrap_err().to_string(), text);
    }
    let device = Emulator::new(1);
    let q = Buffer::of(&device, &good).unwrap();
    let short = Buffer::new(&device, 3).unwrap();
    let refused = byol(&device, q.array(), q.array(), 4, 3, short.array()).unwrap_err();
    let text = "byol: the workspace must have at least 16 elements, got 3; ask the matching \
                *_workspace_len function";
    assert_eq!(refused.to_string(), text);
}
