//! Batch norm's arithmetic on slices: images `[batch, channels, positions]`, a
//! channel at a time.
//!
//! With `x̂ = (x − μ)/σ`, `σ = √(variance + ε)`, `y = γx̂ + β` and incoming gradient
//! `D` over `M` values of a channel:
//! `∂β = ΣD`, `∂γ = ΣDx̂`, `∂x = (γ/σ)(D − ∂β/M − x̂·∂γ/M)` (Ioffe & Szegedy 2015).
//! With a rectifier behind it, `D` is zero where `y ≤ 0`.
//!
//! Channels are independent and go to threads; a channel's sums are taken plane by
//! plane in f64, so that they depend neither on threads nor on cancellation.

use rayon::prelude::*;

/// Shape of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planes {
    pub(super) channels: usize,
    pub(super) positions: usize,
}

/// What one channel's values are normalised by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moments {
    pub(super) mean: f32,
    /// Biased.
    pub(super) variance: f32,
}

impl Planes {
    fn image(&self) -> usize {
        self.channels * self.positions
    }

    /// The planes of a channel, image after image.
    fn of<'a>(&self, values: &'a [f32], channel: usize) -> impl Iterator<Item = &'a [f32]> {
        let (at, positions) = (channel * self.positions, self.positions);
        values
            .chunks_exact(self.image())
            .map(move |image| &image[at..at + positions])
    }
}

/// Sum of f32 values in f64, in eight lanes that the compiler keeps in registers.
fn sum(values: impl Iterator<Item = f32> + Clone) -> f64 {
    values.map(f64::from).sum()
}

/// Mean and biased variance of each channel.
pub(super) fn moments(planes: Planes, x: &[f32]) -> Vec<Moments> {
    let count = (x.len() / planes.channels.max(1)).max(1) as f64;
    (0..planes.channels)
        .into_par_iter()
        .map(|channel| {
            let mean = planes.of(x, channel).map(plane_sum).sum::<f64>() / count;
            let centre = mean as f32;
            // Around the mean, so that nothing cancels.
            let squares: f64 = planes
                .of(x, channel)
                .map(|p| plane_squares(p, centre))
                .sum();
            Moments {
                mean: centre,
                variance: (squares / count) as f32,
            }
        })
        .collect()
}

/// Lanes of a vector sum: independent partial sums that the compiler vectorises.
const LANES: usize = 16;

/// Sums a plane's `value(index)` in lanes of f32 over short runs, and the runs in f64.
#[inline(always)]
fn run_sum(len: usize, value: impl Fn(usize) -> f32) -> f64 {
    const RUN: usize = 64 * LANES;
    let mut total = 0.0;
    let mut start = 0;
    while start < len {
        let end = (start + RUN).min(len);
        let mut lanes = [0.0_f32; LANES];
        let whole = start + (end - start) / LANES * LANES;
        let mut at = start;
        while at < whole {
            for (lane, sum) in lanes.iter_mut().enumerate() {
                *sum += value(at + lane);
            }
            at += LANES;
        }
        total += sum(lanes.iter().copied());
        total += sum((whole..end).map(&value));
        start = end;
    }
    total
}

fn plane_sum(plane: &[f32]) -> f64 {
    run_sum(plane.len(), |i| plane[i])
}

fn plane_squares(plane: &[f32], centre: f32) -> f64 {
    run_sum(plane.len(), |i| (plane[i] - centre) * (plane[i] - centre))
}

/// A channel's normalisation as the line `y = scale·x + shift`, and its parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) scale: f32,
    pub(super) shift: f32,
    mean: f32,
    /// `1/σ`.
    inverse: f32,
    /// Whether a rectifier follows.
    rectified: bool,
}

/// The lines of all channels.
pub(super) fn lines(
    moments: &[Moments],
    gamma: &[f32],
    beta: &[f32],
    epsilon: f32,
    rectified: bool,
) -> Vec<Line> {
    let lines = moments.iter().zip(gamma).zip(beta);
    lines
        .map(|((m, gamma), beta)| {
            let inverse = 1.0 / (m.variance + epsilon).sqrt();
            let scale = gamma * inverse;
            Line {
                scale,
                shift: beta - m.mean * scale,
                mean: m.mean,
                inverse,
                rectified,
            }
        })
        .collect()
}

impl Line {
    #[inline(always)]
    fn at(&self, x: f32) -> f32 {
        x * self.scale + self.shift
    }

    /// The incoming gradient behind the rectifier.
    #[inline(always)]
    fn behind(&self, x: f32, gradient: f32) -> f32 {
        // Computed again rather than kept: a multiplication is cheaper than a load.
        if self.rectified && self.at(x) <= 0.0 {
            0.0
        } else {
            gradient
        }
    }
}

/// `y = scale·x + shift`, and zero where that is negative if the line is rectified.
pub(super) fn normalise(planes: Planes, x: &[f32], lines: &[Line], y: &mut [f32]) {
    y.par_chunks_mut(planes.image())
        .zip(x.par_chunks(planes.image()))
        .for_each(|(y, x)| {
            let each = y
                .chunks_exact_mut(planes.positions)
                .zip(x.chunks_exact(planes.positions));
            for ((y, x), line) in each.zip(lines) {
                let (line, floor) = (
                    *line,
                    if line.rectified {
                        0.0
                    } else {
                        f32::NEG_INFINITY
                    },
                );
                for (y, x) in y.iter_mut().zip(x) {
                    let value = line.at(*x);
                    // Not `max`, which would hide a NaN.
                    *y = if value < floor { floor } else { value };
                }
            }
        });
}

/// Gradients of β and γ.
pub(super) fn sums(
    planes: Planes,
    x: &[f32],
    gradient: &[f32],
    lines: &[Line],
) -> (Vec<f32>, Vec<f32>) {
    let of = |(channel, line): (usize, &Line)| {
        let (mut beta, mut gamma) = (0.0, 0.0);
        for (x, d) in planes.of(x, channel).zip(planes.of(gradient, channel)) {
            beta += run_sum(x.len(), |i| line.behind(x[i], d[i]));
            gamma += run_sum(x.len(), |i| line.behind(x[i], d[i]) * (x[i] - line.mean));
        }
        (beta as f32, (gamma * f64::from(line.inverse)) as f32)
    };
    lines.par_iter().enumerate().map(of).unzip()
}

/// Gradient of the input, given the gradients of β and γ.
pub(super) fn input_gradient(
    planes: Planes,
    x: &[f32],
    gradient: &[f32],
    lines: &[Line],
    (beta, gamma): (&[f32], &[f32]),
    out: &mut [f32],
) {
    let count = (x.len() / planes.channels.max(1)).max(1) as f32;
    let image = planes.image();
    out.par_chunks_mut(image)
        .zip(x.par_chunks(image))
        .zip(gradient.par_chunks(image))
        .for_each(|((out, x), gradient)| {
            let p = planes.positions;
            let values = out
                .chunks_exact_mut(p)
                .zip(x.chunks_exact(p))
                .zip(gradient.chunks_exact(p));
            for (((out, x), d), ((line, beta), gamma)) in
                values.zip(lines.iter().zip(beta).zip(gamma))
            {
                let (line, mean) = (*line, beta / count);
                let slope = gamma * line.inverse / count;
                for ((out, &x), &d) in out.iter_mut().zip(x).zip(d) {
                    let d = line.behind(x, d);
                    *out = line.scale * (d - mean - (x - line.mean) * slope);
                }
            }
        });
}
