//! Barlow Twins on the emulated grid against `kernels-core` in f64.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use kernels_core::barlow_twins as core;
use kernels_cuda::barlow_twins::{
    BarlowTwins, BarlowTwinsOptions, barlow_twins, barlow_twins_with_grad,
    barlow_twins_workspace_len,
};
use kernels_cuda::emulator::Emulator;
use kernels_cuda::{Buffer, Error};
use support::{near, near_largest, normal, wide};

type Size = (usize, usize);

fn value(
    z: &[f32],
    (rows, dim): Size,
    options: &BarlowTwinsOptions<f32>,
    seed: u64,
) -> Result<BarlowTwins<f32>, Error> {
    let device = Emulator::new(seed);
    let z = Buffer::of(&device, z)?;
    let workspace = Buffer::new(&device, barlow_twins_workspace_len(rows, dim))?;
    barlow_twins(&device, z.array(), rows, dim, options, workspace.array())
}

fn gradient(
    z: &[f32],
    (rows, dim): Size,
    options: &BarlowTwinsOptions<f32>,
    seed: u64,
) -> Result<(BarlowTwins<f32>, Vec<f32>), Error> {
    let device = Emulator::new(seed);
    let z = Buffer::of(&device, z)?;
    let grad = Buffer::new(&device, rows * dim)?;
    let workspace = Buffer::new(&device, barlow_twins_workspace_len(rows, dim))?;
    let (out, room) = (grad.array(), workspace.array());
    let loss = barlow_twins_with_grad(&device, z.array(), rows, dim, options, out, room)?;
    Ok((loss, grad.to_vec()?))
}

fn expected(
    z: &[f32],
    (rows, dim): Size,
    options: &BarlowTwinsOptions<f32>,
) -> (BarlowTwins<f64>, Vec<f64>) {
    let options = BarlowTwinsOptions {
        lambda: options.lambda.into(),
        scale: options.scale.into(),
        epsilon: options.epsilon.into(),
    };
    let mut grad = vec![0.0; rows * dim];
    let mut room = vec![0.0; core::barlow_twins_workspace_len(rows, dim)];
    let z = wide(z);
    let loss = core::barlow_twins_with_grad(&z, rows, dim, &options, &mut grad, &mut room);
    (loss.unwrap(), grad)
}

fn parts<T>(loss: BarlowTwins<T>) -> [T; 3] {
    [loss.loss, loss.invariance, loss.redundancy]
}

fn check(z: &[f32], size: Size, options: &BarlowTwinsOptions<f32>, seed: u64) {
    let what = format!("{size:?}");
    let (want, want_grad) = expected(z, size, options);
    let of_value = value(z, size, options, seed).unwrap();
    let (got, grad) = gradient(z, size, options, seed + 1).unwrap();
    assert_eq!(
        parts(got),
        parts(of_value),
        "{what}: with and without gradient"
    );
    // An entry of C, of order one, is right to a few u absolutely.
    for (got, want) in parts(got).into_iter().zip(parts(want)) {
        near(&what, &[got], &[want], 3e-6);
    }
    // Entries are sums of terms of either sign, none larger than the largest of all.
    near_largest(&what, &grad, &want_grad, 6e-6);
}

/// Views that agree in part.
fn views(seed: u64, (rows, dim): Size) -> Vec<f32> {
    let common = normal(seed, rows / 2 * dim, 1.0);
    let noise = normal(seed + 1, rows * dim, 0.7);
    let entry = |(at, noise): (usize, f32)| common[at % common.len()] + noise;
    noise.into_iter().enumerate().map(entry).collect()
}

#[test]
fn all_edges() {
    let sizes = [
        (6, 1),
        (6, 2),
        (8, 3),
        (16, 33),
        (66, 32),
        (64, 64),
        (130, 65),
        (34, 129),
        (8, 257),
        (600, 36),
        (514, 5),
    ];
    for (seed, size) in (1..).zip(sizes) {
        check(
            &views(seed, size),
            size,
            &BarlowTwinsOptions::default(),
            seed,
        );
    }
}

#[test]
fn options_and_offsets() {
    let options = BarlowTwinsOptions {
        lambda: 0.3,
        scale: 0.02,
        epsilon: 0.0,
    };
    let size = (70, 9);
    check(&views(3, size), size, &options, 1);
    // Around 4096 numbers of size 1 are multiples of 2^-11: inputs are rounded, not results.
    let far: Vec<f32> = views(4, size).iter().map(|x| x + 4096.0).collect();
    check(&far, size, &options, 2);
    for scale in [1e-30, 1e30] {
        let scaled: Vec<f32> = views(5, size).iter().map(|x| x * scale).collect();
        check(&scaled, size, &options, 3);
    }
}

#[test]
fn all_interleavings_agree_to_the_bit() {
    let size = (40, 12);
    let z = views(9, size);
    let options = BarlowTwinsOptions::default();
    let (first, first_grad) = gradient(&z, size, &options, 0).unwrap();
    for seed in 1..5 {
        let (loss, grad) = gradient(&z, size, &options, seed).unwrap();
        assert_eq!((loss, &grad), (first, &first_grad));
    }
}

/// With ε a constant column costs its full 1.
#[test]
fn constant_columns() {
    let size = (12, 3);
    let mut z = views(2, size);
    for row in z.chunks_mut(3) {
        row[1] = 0.1;
    }
    check(&z, size, &BarlowTwinsOptions::default(), 1);
}

#[test]
fn errors_are_those_of_kernels_core() {
    let size = (8, 3);
    let good = views(1, size);
    let options = BarlowTwinsOptions::default();
    let strict = BarlowTwinsOptions {
        epsilon: 0.0,
        ..options
    };
    let negative = BarlowTwinsOptions {
        lambda: -1.0,
        ..options
    };
    let with = |values: &[(usize, f32)]| {
        let mut z = good.clone();
        for &(at, x) in values {
            z[at] = x;
        }
        z
    };
    // Column 2 of view B.
    let constant = with(&[(14, 0.3), (17, 0.3), (20, 0.3), (23, 0.3)]);
    // Column 1 of view A.
    let tiny = with(&[(1, 1e-40), (4, 0.0), (7, 0.0), (10, 0.0)]);
    let cases = [
        (with(&[(23, f32::NAN)]), options),
        (with(&[(2, f32::INFINITY), (3, f32::NAN)]), options),
        (with(&[(1, 3e38), (4, -3e38)]), options),
        (constant, strict),
        (tiny, strict),
        (good.clone(), negative),
    ];
    let mut room = vec![0.0; core::barlow_twins_workspace_len(8, 3)];
    for (case, (z, options)) in cases.iter().enumerate() {
        let want = core::barlow_twins(z, 8, 3, options, &mut room).unwrap_err();
        let got = value(z, size, options, 1).unwrap_err();
        assert_eq!(got.to_string(), want.to_string(), "case {case}");
    }
    let text = |result: Result<BarlowTwins<f32>, Error>| result.unwrap_err().to_string();
    assert_eq!(
        text(value(&good[..6], (2, 3), &options, 1)),
        "barlow_twins: `rows` must be at least 4 (two views of at least two images), got 2"
    );
    assert_eq!(
        text(value(&good, (4, 4), &options, 1)),
        "barlow_twins: `z` must have 16 elements, got 24"
    );
}
