//! Separable rows-and-columns code against a plain two-dimensional sum.

use super::{assert_close, pattern, unit};
use crate::augment::blur::{BlurBuffers, blur, mirror, radius};

/// One sum over the whole window per pixel, reflecting step by step.
fn blur_2d(pixels: &[f32], size: usize, sigma: f64) -> Vec<f64> {
    let r = radius(size) as i64;
    let weight = |d: i64| (-((d * d) as f64) / (2.0 * sigma * sigma)).exp();
    let total: f64 = (-r..=r).map(weight).sum();
    let last = size as i64 - 1;
    let reflect = |mut i: i64| loop {
        if i < 0 {
            i = -i;
        } else if i > last {
            i = 2 * last - i;
        } else {
            return i as usize;
        }
    };
    let mut out = Vec::new();
    for plane in pixels.chunks_exact(size * size) {
        for y in 0..size as i64 {
            for x in 0..size as i64 {
                let mut sum = 0.0;
                for dy in -r..=r {
                    for dx in -r..=r {
                        let value = plane[reflect(y + dy) * size + reflect(x + dx)];
                        sum += weight(dy) * weight(dx) * f64::from(value);
                    }
                }
                out.push(sum / (total * total));
            }
        }
    }
    out
}

#[test]
fn equals_the_two_dimensional_sum() {
    // Radii 1, 1, 2 and 4 (the 96 pixels of STL-10).
    for size in [20, 32, 41, 96] {
        for sigma in [0.1, 0.7, 2.0] {
            let start = unit(&pattern(2, size, size));
            let mut pixels = start.clone();
            blur(&mut pixels, size, sigma, &mut BlurBuffers::default());
            // Ten roundings of values up to 1 by 2⁻²⁵ each, and those of the weights.
            assert_close(&pixels, &blur_2d(&start, size, sigma), 1e-6);
        }
    }
}

#[test]
fn kernel_is_a_tenth_of_the_view() {
    let radii = [1, 9, 19, 20, 32, 39, 40, 64, 96, 224].map(radius);
    assert_eq!(radii, [0, 0, 0, 1, 1, 1, 2, 3, 4, 11]);
}

#[test]
fn a_point_becomes_torchvisions_kernel() {
    // A point in the middle of black shows the weights themselves:
    // t = torch.zeros(1, 21, 21).double(); t[0, 10, 10] = 1
    // F.gaussian_blur(t, 3, [0.7])[0, 9:12, 9:12]
    let size = 21;
    let mut pixels = vec![0.0; size * size];
    pixels[10 * size + 10] = 1.0;
    blur(&mut pixels, size, 0.7, &mut BlurBuffers::default());
    let window: Vec<f32> = (9..12)
        .flat_map(|y| pixels[y * size + 9..y * size + 12].to_vec())
        .collect();
    let want = [
        0.0438708, 0.121712, 0.0438708, 0.121712, 0.3376688, 0.121712, 0.0438708, 0.121712,
        0.0438708,
    ];
    assert_close(&window, &want, 1e-6);
}

#[test]
fn tiny_and_huge_sigma_are_finite() {
    let start = unit(&pattern(1, 32, 32));
    // No weight but the centre's is above 0: the image stays.
    for sigma in [f64::from(f32::MIN_POSITIVE), 1e-300, 0.01] {
        let mut pixels = start.clone();
        blur(&mut pixels, 32, sigma, &mut BlurBuffers::default());
        assert_eq!(pixels, start);
    }
    // All weights equal: a box of three by three.
    let mut pixels = start.clone();
    blur(&mut pixels, 32, 1e3, &mut BlurBuffers::default());
    assert_close(&pixels, &blur_2d(&start, 32, 1e12), 1e-6);
}

#[test]
fn views_too_small_for_a_kernel_stay() {
    for size in [1, 2, 19] {
        let start = unit(&pattern(1, size, size));
        let mut pixels = start.clone();
        blur(&mut pixels, size, 2.0, &mut BlurBuffers::default());
        assert_eq!(pixels, start);
    }
}

#[test]
fn buffers_carry_nothing_over() {
    let mut buffers = BlurBuffers::default();
    for size in [96, 32, 41, 96] {
        let mut used = unit(&pattern(3, size, size));
        let mut fresh = used.clone();
        blur(&mut used, size, 1.1, &mut buffers);
        blur(&mut fresh, size, 1.1, &mut BlurBuffers::default());
        assert_eq!(used, fresh);
    }
}

#[test]
fn mirror_repeats_for_any_distance() {
    let line: Vec<usize> = (-7..8).map(|i| mirror(i, 4)).collect();
    assert_eq!(line, [1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
    assert_eq!([-5, 0, 3].map(|i| mirror(i, 1)), [0, 0, 0]);
}
