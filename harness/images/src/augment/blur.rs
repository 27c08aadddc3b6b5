//! Gaussian blur of small float images, one axis after the other.
//!
//! The kernel has `2r + 1` taps with `r = ⌊size / 10⌋ / 2` (SimCLR's tenth of the
//! view) and weights `exp(−j² / 2σ²)`, normalized over these taps. Beyond the
//! border the image is mirrored about its outermost pixel, as torchvision does.

/// Memory that the blur reuses.
#[derive(Debug, Default)]
pub(super) struct BlurBuffers {
    /// A row with `r` mirrored pixels on either side.
    row: Vec<f32>,
    /// A plane after the horizontal pass.
    plane: Vec<f32>,
    /// Weights of the taps 0 to r.
    kernel: Vec<f32>,
}

/// Taps on either side of the centre for a view of `size` pixels.
pub(super) fn radius(size: usize) -> usize {
    size / 10 / 2
}

/// Blurs every plane of `size × size` pixels.
pub(super) fn blur(pixels: &mut [f32], size: usize, sigma: f64, buffers: &mut BlurBuffers) {
    let radius = radius(size);
    if radius == 0 || size == 0 {
        return;
    }
    let BlurBuffers { row, plane, kernel } = buffers;
    gaussian(radius, sigma, kernel);
    row.resize(size + 2 * radius, 0.0);
    plane.resize(size * size, 0.0);
    for pixels in pixels.chunks_exact_mut(size * size) {
        for (source, target) in pixels.chunks_exact(size).zip(plane.chunks_exact_mut(size)) {
            for (x, value) in row.iter_mut().enumerate() {
                *value = source[mirror(x as isize - radius as isize, size)];
            }
            let tap = |offset: usize| &row[offset..offset + size];
            weigh(kernel, target, |j| (tap(radius - j), tap(radius + j)));
        }
        let line = |y: usize| &plane[y * size..(y + 1) * size];
        for (y, target) in pixels.chunks_exact_mut(size).enumerate() {
            let at = y as isize;
            weigh(kernel, target, |j| {
                let j = j as isize;
                (line(mirror(at - j, size)), line(mirror(at + j, size)))
            });
        }
    }
}

/// `out = k₀ · centre + Σ kⱼ · (before + after)`, whole rows at a time so that the
/// inner loops are plain vector arithmetic. `taps(0)` gives the centre twice.
fn weigh<'a>(kernel: &[f32], out: &mut [f32], taps: impl Fn(usize) -> (&'a [f32], &'a [f32])) {
    let Some((&weight, rest)) = kernel.split_first() else {
        return;
    };
    for (out, x) in out.iter_mut().zip(taps(0).0) {
        *out = weight * x;
    }
    for (j, &weight) in rest.iter().enumerate() {
        let (before, after) = taps(j + 1);
        for ((out, a), b) in out.iter_mut().zip(before).zip(after) {
            *out += weight * (a + b);
        }
    }
}

/// Weights of the taps 0 to `radius`; with the mirror images of 1 to `radius`
/// they sum to 1.
fn gaussian(radius: usize, sigma: f64, kernel: &mut Vec<f32>) {
    let weight = |j: usize| {
        let z = j as f64 / sigma;
        libm::exp(-0.5 * z * z)
    };
    let total = 1.0 + 2.0 * (1..=radius).map(weight).sum::<f64>();
    kernel.clear();
    kernel.extend(
        (0..=radius)
            .map(|j| if j == 0 { 1.0 } else { weight(j) } / total)
            .map(|w| w as f32),
    );
}

/// The position in `0..len` that shows at `index`: … 2 1 | 0 1 2 … n−1 | n−2 …
///
/// Holds for any distance, though a tenth of the size never needs it.
pub(super) fn mirror(index: isize, len: usize) -> usize {
    let period = 2 * (len as isize - 1);
    if period <= 0 {
        return 0;
    }
    let i = index.rem_euclid(period);
    (if i < len as isize { i } else { period - i }) as usize
}
