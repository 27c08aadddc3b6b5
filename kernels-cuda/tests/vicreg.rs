//! VICReg on the emulated grid against `kernels-core` in f64.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use kernels_core::vicreg as core;
use kernels_cuda::emulator::Emulator;
use kernels_cuda::vicreg::{VicReg, VicRegOptions, vicreg, vicreg_with_grad, vicreg_workspace_len};
use kernels_cuda::{Buffer, Error};
use support::{near_largest, normal, wide};

type Size = (usize, usize);

fn value(
    z: &[f32],
    (rows, dim): Size,
    options: &VicRegOptions<f32>,
    seed: u64,
) -> Result<VicReg<f32>, Error> {
    let device = Emulator::new(seed);
    let z = Buffer::of(&device, z)?;
    let workspace = Buffer::new(&device, vicreg_workspace_len(rows, dim))?;
    vicreg(&device, z.array(), rows, dim, options, workspace.array())
}

fn gradient(
    z: &[f32],
    (rows, dim): Size,
    options: &VicRegOptions<f32>,
    seed: u64,
) -> Result<(VicReg<f32>, Vec<f32>), Error> {
    let device = Emulator::new(seed);
    let z = Buffer::of(&device, z)?;
    let grad = Buffer::new(&device, rows * dim)?;
    let workspace = Buffer::new(&device, vicreg_workspace_len(rows, dim))?;
    let (grad_array, room) = (grad.array(), workspace.array());
    let loss = vicreg_with_grad(&device, z.array(), rows, dim, options, grad_array, room)?;
    Ok((loss, grad.to_vec()?))
}

fn expected(z: &[f32], (rows, dim): Size, options: &VicRegOptions<f32>) -> (VicReg<f64>, Vec<f64>) {
    let options = VicRegOptions {
        invariance: options.invariance.into(),
        variance: options.variance.into(),
        covariance: options.covariance.into(),
        gamma: options.gamma.into(),
        epsilon: options.epsilon.into(),
    };
    let mut grad = vec![0.0; rows * dim];
    let mut room = vec![0.0; core::vicreg_workspace_len(rows, dim)];
    let z = wide(z);
    let loss = core::vicreg_with_grad(&z, rows, dim, &options, &mut grad, &mut room);
    (loss.unwrap(), grad)
}

fn parts<T>(loss: VicReg<T>) -> [T; 4] {
    [loss.loss, loss.invariance, loss.variance, loss.covariance]
}

fn check(z: &[f32], size: Size, options: &VicRegOptions<f32>, seed: u64) {
    let what = format!("{size:?}");
    let (want, want_grad) = expected(z, size, options);
    let of_value = value(z, size, options, seed).unwrap();
    let (got, grad) = gradient(z, size, options, seed + 1).unwrap();
    assert_eq!(
        parts(got),
        parts(of_value),
        "{what}: with and without gradient"
    );
    // Sums of up to some ten thousand terms of one sign, rounded at random: about 20 u.
    for (got, want) in parts(got).into_iter().zip(parts(want)) {
        let relative = (f64::from(got) - want).abs() / want.max(1e-30);
        assert!(relative <= 3e-6, "{what}: got {got}, want {want}");
    }
    // Entries are sums of terms of either sign, none larger than the largest of all.
    near_largest(&what, &grad, &want_grad, 3e-6);
}

/// Both views of a kind: a little apart, some columns narrow, so that hinges are active.
fn views(seed: u64, (rows, dim): Size) -> Vec<f32> {
    let common = normal(seed, rows / 2 * dim, 1.0);
    let noise = normal(seed + 1, rows * dim, 0.3);
    let entry = |(at, noise): (usize, f32)| {
        let width = 0.4 + 0.2 * (at % dim % 7) as f32;
        width * (common[at % common.len()] + noise)
    };
    noise.into_iter().enumerate().map(entry).collect()
}

/// d × d matrices, N × N matrices, sums in parts, several blocks of columns.
#[test]
fn both_forms_and_all_edges() {
    let sizes = [
        (4, 1),
        (4, 2),
        (6, 3),
        (4, 33),
        (66, 33),
        (128, 64),
        (130, 65),
        (62, 129),
        (8, 257),
        (600, 36),
        (514, 5),
    ];
    for (seed, size) in (1..).zip(sizes) {
        check(&views(seed, size), size, &VicRegOptions::default(), seed);
    }
}

#[test]
fn options_and_offsets() {
    let options = VicRegOptions {
        invariance: 3.0,
        variance: 0.7,
        covariance: 11.0,
        gamma: 2.5,
        epsilon: 0.05,
    };
    let size = (70, 9);
    check(&views(3, size), size, &options, 1);
    // Around 4096 numbers of size 1 are multiples of 2^-11: inputs are rounded, not results.
    let far: Vec<f32> = views(4, size).iter().map(|x| x + 4096.0).collect();
    check(&far, size, &options, 2);
    let large: Vec<f32> = views(5, size).iter().map(|x| x * 1e6).collect();
    let no_hinge = VicRegOptions {
        gamma: 2e6,
        ..options
    };
    check(&large, size, &no_hinge, 3);
}

#[test]
fn all_interleavings_agree_to_the_bit() {
    for size in [(40, 12), (12, 40)] {
        let z = views(9, size);
        let options = VicRegOptions::default();
        let (first, first_grad) = gradient(&z, size, &options, 0).unwrap();
        for seed in 1..5 {
            let (loss, grad) = gradient(&z, size, &options, seed).unwrap();
            assert_eq!((loss, &grad), (first, &first_grad));
        }
    }
}

/// A constant column has no gradient from the parts that look at columns.
#[test]
fn constant_columns() {
    let size = (12, 3);
    let mut z = views(2, size);
    for row in z.chunks_mut(3) {
        row[1] = 0.1;
    }
    let (loss, grad) = gradient(&z, size, &VicRegOptions::default(), 1).unwrap();
    assert!(loss.loss.is_finite());
    assert!(grad.chunks(3).all(|row| row[1] == 0.0));
}

#[test]
fn errors_are_those_of_kernels_core() {
    let options = VicRegOptions::default();
    for size in [(8, 3), (4, 5)] {
        let good = views(1, size);
        let last = good.len() - 1;
        let with = |values: &[(usize, f32)]| {
            let mut z = good.clone();
            for &(at, x) in values {
                z[at] = x;
            }
            z
        };
        let negative = VicRegOptions {
            gamma: -1.0,
            ..options
        };
        let zero = VicRegOptions {
            epsilon: 0.0,
            ..options
        };
        let cases = [
            (with(&[(last, f32::NAN)]), options),
            (with(&[(2, f32::INFINITY), (3, f32::NAN)]), options),
            (with(&[(1, 3e38)]), options),
            (good.clone(), negative),
            (good.clone(), zero),
        ];
        let (rows, dim) = size;
        let mut room = vec![0.0; core::vicreg_workspace_len(rows, dim)];
        for (case, (z, options)) in cases.iter().enumerate() {
            let want = core::vicreg(z, rows, dim, options, &mut room).unwrap_err();
            let got = value(z, size, options, 1).unwrap_err();
            assert_eq!(got.to_string(), want.to_string(), "case {case}");
        }
    }
    let text = |result: Result<VicReg<f32>, Error>| result.unwrap_err().to_string();
    let z = [0.0; 12];
    assert_eq!(
        text(value(&z[..6], (2, 3), &options, 1)),
        "vicreg: `rows` must be at least 4 (two views of at least two images), got 2"
    );
    assert_eq!(
        text(value(&z, (4, 4), &options, 1)),
        "vicreg: `z` must have 16 elements, got 12"
    );
}
