//! Colour operations on planar images with values in [0, 1].
//!
//! Except for [`solarize`] and [`grayscale`] each is torchvision's *blend* of the
//! image with a poorer version of itself, `factor · image + (1 − factor) ·
//! poorer`, cut to [0, 1]: with black for brightness, with the mean grey for
//! contrast, with its own grey for saturation. Hue is a rotation in HSV space.
//!
//! The loops have no branches and no calls, so that the compiler turns them into
//! vector instructions of any processor, with the same results on each.

/// Luma weights of ITU-R BT.601, which sum to 1.
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// `min(max(x, 0), 1)` in the form that compiles to two instructions.
fn cut(x: f32) -> f32 {
    let x = if x > 0.0 { x } else { 0.0 };
    if x < 1.0 { x } else { 1.0 }
}

fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

fn luma(r: f32, g: f32, b: f32) -> f32 {
    LUMA[0] * r + LUMA[1] * g + LUMA[2] * b
}

/// Calls `f` with the three channels of every pixel.
fn each_rgb(pixels: &mut [f32], f: impl Fn(f32, f32, f32) -> (f32, f32, f32)) {
    let area = pixels.len() / 3;
    let (red, rest) = pixels.split_at_mut(area);
    let (green, blue) = rest.split_at_mut(area);
    for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
        (*r, *g, *b) = f(*r, *g, *b);
    }
}

/// Blends with black.
pub(super) fn brightness(pixels: &mut [f32], factor: f32) {
    for x in pixels {
        *x = cut(factor * *x);
    }
}

/// Blends with the mean grey of the image, which has 1 or 3 channels.
pub(super) fn contrast(pixels: &mut [f32], channels: usize, factor: f32) {
    let rest = (1.0 - factor) * mean_grey(pixels, channels);
    for x in pixels {
        *x = cut(factor * *x + rest);
    }
}

/// Blends each pixel of an RGB image with its grey.
pub(super) fn saturation(pixels: &mut [f32], factor: f32) {
    each_rgb(pixels, |r, g, b| {
        let rest = (1.0 - factor) * luma(r, g, b);
        (
            cut(factor * r + rest),
            cut(factor * g + rest),
            cut(factor * b + rest),
        )
    });
}

/// Gives each pixel of an RGB image its grey in all channels.
pub(super) fn grayscale(pixels: &mut [f32]) {
    each_rgb(pixels, |r, g, b| {
        let grey = luma(r, g, b);
        (grey, grey, grey)
    });
}

/// Inverts values of at least `threshold`.
pub(super) fn solarize(pixels: &mut [f32], threshold: f32) {
    for x in pixels {
        *x = if *x >= threshold { 1.0 - *x } else { *x };
    }
}

/// Turns the hue of an RGB image by `turns`, in [−0.5, 0.5].
///
/// With value `v = max`, chroma `c = max − min` and hue `h` in sixths of a turn,
/// a channel of the HSV colour is `v − c · cut(min(k, 4 − k))`, where `k = h + n
/// mod 6` and `n` is 5, 3, 1 for red, green, blue. `v` and `c` stay; so neither
/// the saturation `c / v` nor a case for black is needed.
pub(super) fn hue(pixels: &mut [f32], turns: f32) {
    let shift = 6.0 * turns;
    each_rgb(pixels, |r, g, b| {
        let value = larger(larger(r, g), b);
        let chroma = value - smaller(smaller(r, g), b);
        // Grey has no hue; any divisor but 0 will do, for `chroma` hides it.
        let scale = 1.0 / if chroma > 0.0 { chroma } else { 1.0 };
        let from_red = (g - b) * scale;
        let from_green = (b - r) * scale + 2.0;
        let from_blue = (r - g) * scale + 4.0;
        let sector = if g == value { from_green } else { from_blue };
        let sector = if r == value { from_red } else { sector };
        // Between −1 − 3 and 5 + 3: one addition wraps it.
        let h = wrap(sector + shift);
        let channel = |n: f32| {
            let k = wrap(h + n);
            value - chroma * cut(smaller(k, 4.0 - k))
        };
        (channel(5.0), channel(3.0), channel(1.0))
    });
}

/// `x mod 6` for `x` in [−6, 12).
fn wrap(x: f32) -> f32 {
    let x = if x < 0.0 { x + 6.0 } else { x };
    if x >= 6.0 { x - 6.0 } else { x }
}

fn mean_grey(pixels: &[f32], channels: usize) -> f32 {
    let area = (pixels.len() / channels).max(1);
    let mut means = pixels
        .chunks_exact(area)
        .map(|plane| sum(plane) / area as f64);
    if channels == 3 {
        LUMA.iter()
            .zip(means)
            .map(|(&weight, mean)| f64::from(weight) * mean)
            .sum::<f64>() as f32
    } else {
        means.next().unwrap_or(0.0) as f32
    }
}

/// The sum in a fixed order: 16 running sums, gathered in f64 every 64 rounds so
/// that they stay small.
fn sum(values: &[f32]) -> f64 {
    let mut total = 0.0;
    for block in values.chunks(64 * 16) {
        let mut lanes = [0.0_f32; 16];
        let (rows, tail) = block.as_chunks::<16>();
        for row in rows {
            for (lane, x) in lanes.iter_mut().zip(row) {
                *lane += x;
            }
        }
        total += lanes.iter().chain(tail).map(|&x| f64::from(x)).sum::<f64>();
    }
    total
}
