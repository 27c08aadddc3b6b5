//! Tolerances: an operation on values in [0, 1] rounds about five times, each by
//! at most 2⁻²⁵; 1e-6 leaves a factor of six. torchvision's numbers have six
//! digits: half a unit of the last is added.

use super::{assert_close, pattern, unit};
use crate::augment::color::{brightness, contrast, grayscale, hue, saturation, solarize};

const F32: f64 = 1e-6;
const PRINTED: f64 = 1.5e-6;

/// Grey of each pixel, in f64.
fn luma(pixels: &[f32]) -> Vec<f64> {
    let area = pixels.len() / 3;
    let at = |c: usize, i: usize| f64::from(pixels[c * area + i]);
    (0..area)
        .map(|i| 0.299 * at(0, i) + 0.587 * at(1, i) + 0.114 * at(2, i))
        .collect()
}

fn blend(image: f64, poorer: f64, factor: f64) -> f64 {
    (factor * image + (1.0 - factor) * poorer).clamp(0.0, 1.0)
}

/// Every fourth grey level of each channel, all combined: every hue sector, black,
/// white, greys, ties between channels.
fn all_colours() -> Vec<f32> {
    let steps: Vec<u8> = (0..=255).step_by(17).collect();
    let mut planes = [Vec::new(), Vec::new(), Vec::new()];
    for &r in &steps {
        for &g in &steps {
            for &b in &steps {
                planes[0].push(r);
                planes[1].push(g);
                planes[2].push(b);
            }
        }
    }
    unit(&planes.concat())
}

#[test]
fn brightness_scales_and_cuts() {
    for factor in [0.0_f32, 0.4, 1.0, 1.7] {
        let mut pixels = all_colours();
        let want: Vec<f64> = pixels
            .iter()
            .map(|&x| blend(x.into(), 0.0, factor.into()))
            .collect();
        brightness(&mut pixels, factor);
        assert_close(&pixels, &want, F32);
    }
}

#[test]
fn contrast_blends_with_the_mean_grey() {
    for factor in [0.0_f32, 0.4, 1.0, 1.7] {
        // An odd number of pixels, larger than the blocks of the sum.
        let mut pixels = unit(&pattern(3, 43, 37));
        let grey = luma(&pixels);
        let mean = grey.iter().sum::<f64>() / grey.len() as f64;
        let want: Vec<f64> = pixels
            .iter()
            .map(|&x| blend(x.into(), mean, factor.into()))
            .collect();
        contrast(&mut pixels, 3, factor);
        // The mean's running sums of 64 values round each to 2⁻¹⁹ of them at most.
        assert_close(&pixels, &want, 3.0 * F32);
    }
}

#[test]
fn contrast_of_one_channel_takes_its_own_mean() {
    let mut pixels = unit(&pattern(1, 3, 4));
    contrast(&mut pixels, 1, 1.4);
    // F.adjust_contrast(pattern(1, 3, 4) / 255, 1.4)
    let want = [
        0.0, 0.08732, 0.290458, 0.493595, 0.0, 0.147712, 0.35085, 0.553987, 0.125752, 0.328889,
        0.532026, 0.735163,
    ];
    assert_close(&pixels, &want, PRINTED);
}

#[test]
fn saturation_blends_with_each_pixels_grey() {
    for factor in [0.0_f32, 0.4, 1.0, 1.7] {
        let mut pixels = all_colours();
        let grey = luma(&pixels);
        let want: Vec<f64> = pixels
            .iter()
            .enumerate()
            .map(|(i, &x)| blend(x.into(), grey[i % grey.len()], factor.into()))
            .collect();
        saturation(&mut pixels, factor);
        assert_close(&pixels, &want, F32);
    }
}

#[test]
fn grayscale_is_luma_in_every_channel() {
    let mut pixels = all_colours();
    let want = luma(&pixels).repeat(3);
    grayscale(&mut pixels);
    assert_close(&pixels, &want, F32);
}

#[test]
fn solarize_inverts_from_the_threshold_on() {
    let mut pixels = [0.0, 0.25, 0.5, 0.75, 1.0];
    solarize(&mut pixels, 0.5);
    assert_eq!(pixels, [0.0, 0.25, 0.5, 0.25, 0.0]);
    solarize(&mut pixels, 0.0);
    assert_eq!(pixels, [1.0, 0.75, 0.5, 0.75, 1.0]);
}

/// The textbook way: to hue in degrees, saturation and value, and back by sector.
fn hue_by_sectors(r: f64, g: f64, b: f64, turns: f64) -> [f64; 3] {
    let (max, min) = (r.max(g).max(b), r.min(g).min(b));
    let delta = max - min;
    let degrees = if delta == 0.0 {
        0.0
    } else if max == r {
        60.0 * ((g - b) / delta)
    } else if max == g {
        60.0 * ((b - r) / delta + 2.0)
    } else {
        60.0 * ((r - g) / delta + 4.0)
    };
    let saturation = if max == 0.0 { 0.0 } else { delta / max };
    let turned = (degrees + 360.0 * turns).rem_euclid(360.0) / 60.0;
    let fraction = turned - turned.floor();
    let p = max * (1.0 - saturation);
    let q = max * (1.0 - saturation * fraction);
    let t = max * (1.0 - saturation * (1.0 - fraction));
    match turned.floor() as usize {
        0 => [max, t, p],
        1 => [q, max, p],
        2 => [p, max, t],
        3 => [p, q, max],
        4 => [t, p, max],
        _ => [max, p, q],
    }
}

#[test]
fn hue_turns_every_colour_as_the_textbook() {
    for turns in [-0.5_f32, -0.2, -1e-3, 0.0, 0.1, 0.33, 0.5] {
        let mut pixels = all_colours();
        let area = pixels.len() / 3;
        let mut want = vec![0.0; pixels.len()];
        for i in 0..area {
            let at = |c: usize| f64::from(pixels[c * area + i]);
            let turned = hue_by_sectors(at(0), at(1), at(2), turns.into());
            for (c, value) in turned.into_iter().enumerate() {
                want[c * area + i] = value;
            }
        }
        hue(&mut pixels, turns);
        // The sector number, up to 12, rounds by 2⁻²² and is scaled by the chroma.
        assert_close(&pixels, &want, 2.0 * F32);
    }
}

#[test]
fn torchvision_agrees() {
    let start = unit(&pattern(3, 2, 4));
    // F.adjust_contrast(f, 1.4). torchvision's luma weights are 0.2989, 0.587,
    // 0.114: 1e-4 less red in the grey.
    let want = [
        0.0, 0.054428, 0.257566, 0.460703, 0.0, 0.114821, 0.317958, 0.521095, 0.0, 0.10933,
        0.361879, 0.64737, 0.241095, 0.460703, 0.713252, 0.998742, 0.005017, 0.241095, 0.543056,
        0.910899, 0.64737, 0.883448, 1.0, 0.147762,
    ];
    let mut pixels = start.clone();
    contrast(&mut pixels, 3, 1.4);
    assert_close(&pixels, &want, 1e-4);
    // F.adjust_saturation(f, 1.5)
    let want = [
        0.0, 0.125995, 0.256718, 0.377853, 0.0, 0.084439, 0.215162, 0.39352, 0.026861, 0.184819,
        0.368483, 0.577853, 0.297069, 0.455027, 0.638691, 0.905285, 0.15039, 0.325995, 0.562601,
        0.860206, 0.732363, 0.907968, 1.0, 0.0,
    ];
    let mut pixels = start.clone();
    saturation(&mut pixels, 1.5);
    assert_close(&pixels, &want, 1e-4);
    // F.adjust_hue(f, 0.1)
    let want = [
        0.038431, 0.185882, 0.338039, 0.494902, 0.123137, 0.270589, 0.422745, 0.211765, 0.0,
        0.145098, 0.290196, 0.435294, 0.043137, 0.188235, 0.333333, 0.819608, 0.109804, 0.278431,
        0.494118, 0.756863, 0.568627, 0.737255, 0.952941, 0.309804,
    ];
    let mut pixels = start.clone();
    hue(&mut pixels, 0.1);
    assert_close(&pixels, &want, PRINTED);
    // F.adjust_hue(f, -0.2)
    let want = [
        0.0, 0.145098, 0.290196, 0.435294, 0.043137, 0.188235, 0.333333, 0.819608, 0.109804,
        0.278431, 0.494118, 0.756863, 0.568627, 0.737255, 0.952941, 0.431372, 0.060392, 0.212549,
        0.378823, 0.559216, 0.228235, 0.380392, 0.546667, 0.211765,
    ];
    let mut pixels = start;
    hue(&mut pixels, -0.2);
    assert_close(&pixels, &want, PRINTED);
}
