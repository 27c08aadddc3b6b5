//! Each operation against a slow, obvious f64 version of itself, and against
//! numbers of torchvision 0.28 (`import torchvision.transforms.functional as F`).
//! `f` there is [`pattern`]`(3, 2, 4)` as doubles divided by 255.

mod affine;
mod blur;
mod color;
mod config;
mod crop;
mod limits;
mod loader;
mod normalize;
mod plan;
mod prefetch;
mod seed;
mod view;

use crate::data::{ImageRef, Images};

/// Bytes that look random and are easily made elsewhere:
/// `(7c² + 37x + 11y² + 53cy + 3x²c) mod 256`.
fn pattern(channels: usize, height: usize, width: usize) -> Vec<u8> {
    let mut pixels = Vec::new();
    for c in 0..channels {
        for y in 0..height {
            for x in 0..width {
                let value = 7 * c * c + 37 * x + 11 * y * y + 53 * c * y + 3 * x * x * c;
                pixels.push((value % 256) as u8);
            }
        }
    }
    pixels
}

fn image(pixels: &[u8], channels: usize, height: usize, width: usize) -> ImageRef<'_> {
    ImageRef {
        channels,
        height,
        width,
        pixels,
    }
}

/// `count` different images.
fn images(count: usize, channels: usize, height: usize, width: usize) -> Images {
    let one = pattern(channels, height, width);
    let shifted = |i: usize| {
        one.iter()
            .map(move |&x| x.wrapping_mul(3).wrapping_add(i as u8))
    };
    Images {
        channels,
        height,
        width,
        pixels: (0..count).flat_map(shifted).collect(),
    }
}

fn unit(bytes: &[u8]) -> Vec<f32> {
    bytes.iter().map(|&x| f32::from(x) / 255.0).collect()
}

#[track_caller]
fn assert_close(got: &[f32], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "lengths");
    for (i, (&g, &w)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(g) - w).abs();
        assert!(
            error <= tolerance,
            "value {i}: got {g}, want {w}, differs by {error:e}"
        );
    }
}

/// Mean and standard deviation.
fn moments(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for x in values {
        n += 1.0;
        sum += x;
        squares += x * x;
    }
    let mean = sum / n;
    (mean, (squares / n - mean * mean).sqrt())
}

/// Kolmogorov-Smirnov: the largest gap between the values' distribution and the
/// uniform one on `[least, most]`, times √n. Above 2.3 once in 20,000 samples.
fn ks_uniform(mut values: Vec<f64>, least: f64, most: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let gap = |(i, &x): (usize, &f64)| {
        let u = (x - least) / (most - least);
        let i = i as f64;
        (u - i / n).abs().max(((i + 1.0) / n - u).abs())
    };
    values.iter().enumerate().map(gap).fold(0.0, f64::max) * n.sqrt()
}
