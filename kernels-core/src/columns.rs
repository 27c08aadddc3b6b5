//! Statistics of the columns of a batch: centring, standard deviations, and the
//! normalisation by both (batch normalisation) with its gradient.
//!
//! A matrix has N rows (samples) and d columns (features). Loops run along rows and keep
//! one accumulator per column, so they read memory in order and vectorise.
//!
//! Centring: `c_ij = s_ij − (1/N) Σ_k s_kj` with `s_ij = x_ij − x_0j`. Taking off the first
//! row first makes a constant column exactly zero and keeps the digits of a column far from
//! the origin: the error is about `√N u max_i |s_ij|`, at most N u, whatever the offset.
//!
//! Deviation: `σ_j = p sqrt( Σ_i (c_ij/p)² / D )`, `p = max_i |c_ij|`, where D is N (biased)
//! or N − 1: no square overflows, and none that matters underflows.
//!
//! Normalisation: `ẑ = c/σ`, `σ = sqrt(deviation² + ε)`; a gradient g with respect to ẑ
//! becomes `(g − mean g − ẑ mean(g ẑ))/σ` with respect to x.

use crate::{Error, Real, check, vector};

/// Writes the centred columns of `x` to `out`; `means` (one element per column) is scratch.
pub(crate) fn centre<T: Real>(
    operation: &'static str,
    x: &[T],
    dim: usize,
    means: &mut [T],
    out: &mut [T],
) -> Result<(), Error> {
    let dim = dim.max(1);
    let first = x.get(..dim).unwrap_or_default();
    let share = T::count(x.len() / dim).recip();
    means.fill(T::zero());
    for (out_row, row) in out.chunks_exact_mut(dim).zip(x.chunks_exact(dim)) {
        let columns = out_row.iter_mut().zip(means.iter_mut());
        for ((out, mean), (&value, &origin)) in columns.zip(row.iter().zip(first)) {
            *out = value - origin;
            *mean += share * *out;
        }
    }
    for out_row in out.chunks_exact_mut(dim) {
        vector::add_scaled(out_row, -T::one(), means);
    }
    check::all_fit(operation, "a difference between rows", out)
}

/// Writes the standard deviation of each column of the centred matrix to `deviations`; a
/// column without a normal number in it has deviation zero. `peaks` is scratch.
pub(crate) fn deviations<T: Real>(
    centred: &[T],
    dim: usize,
    denominator: usize,
    peaks: &mut [T],
    deviations: &mut [T],
) {
    let dim = dim.max(1);
    peaks.fill(T::zero());
    for row in centred.chunks_exact(dim) {
        for (peak, value) in peaks.iter_mut().zip(row) {
            *peak = peak.max(value.abs());
        }
    }
    for peak in peaks.iter_mut().filter(|peak| !peak.is_normal()) {
        // The squares of what is in this column are zero, and so is their sum.
        *peak = T::one();
    }
    deviations.fill(T::zero());
    for row in centred.chunks_exact(dim) {
        for ((sum, &peak), &value) in deviations.iter_mut().zip(peaks.iter()).zip(row) {
            let ratio = value / peak;
            *sum += ratio * ratio;
        }
    }
    let denominator = T::count(denominator);
    for (sum, &peak) in deviations.iter_mut().zip(peaks.iter()) {
        *sum = peak * (*sum / denominator).sqrt();
    }
}

/// Divides the centred columns by σ; `sigmas` comes with the deviations and leaves with
/// `sqrt(deviation² + ε)`.
pub(crate) fn normalize<T: Real>(
    operation: &'static str,
    epsilon: T,
    sigmas: &mut [T],
    centred: &mut [T],
) -> Result<(), Error> {
    let root = epsilon.sqrt();
    for (column, sigma) in sigmas.iter_mut().enumerate() {
        *sigma = sigma.hypot(root);
        check::fits(operation, "a standard deviation", *sigma)?;
        if !sigma.is_normal() {
            return Err(Error::ZeroVariance {
                operation,
                argument: "z",
                column,
            });
        }
    }
    for row in centred.chunks_exact_mut(sigmas.len().max(1)) {
        for (value, &sigma) in row.iter_mut().zip(sigmas.iter()) {
            *value /= sigma;
        }
    }
    Ok(())
}

/// The gradient with respect to the normalised columns becomes the one with respect to the
/// raw columns, in place.
pub(crate) fn normalize_backward<T: Real>(
    normal: &[T],
    sigmas: &[T],
    scratch: &mut [T],
    grad: &mut [T],
) {
    let dim = sigmas.len().max(1);
    let (means, slopes) = scratch.split_at_mut(dim.min(scratch.len()));
    let share = T::count(normal.len() / dim).recip();
    means.fill(T::zero());
    slopes.fill(T::zero());
    for (grad, normal) in grad.chunks_exact(dim).zip(normal.chunks_exact(dim)) {
        vector::add_scaled(means, share, grad);
        for (slope, (&g, &value)) in slopes.iter_mut().zip(grad.iter().zip(normal)) {
            *slope += share * g * value;
        }
    }
    for (grad, normal) in grad.chunks_exact_mut(dim).zip(normal.chunks_exact(dim)) {
        let statistics = means.iter().zip(slopes.iter()).zip(sigmas);
        let columns = grad.iter_mut().zip(normal).zip(statistics);
        for ((out, &value), ((&mean, &slope), &sigma)) in columns {
            *out = (*out - mean - value * slope) / sigma;
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec;

    /// 0, 1, …, 6 around any offset and at any scale; and a constant column.
    #[test]
    fn offsets_and_scales_do_no_harm() {
        for offset in [0.0_f32, 1e6, -3e6] {
            for exponent in [-100, -60, 0, 60, 100] {
                let unit = 2.0_f32.powi(exponent);
                let x: vec::Vec<f32> = (0..7)
                    .flat_map(|k| [(offset + k as f32) * unit, 0.1 * unit])
                    .collect();
                let (mut c, mut means, mut sigma) = (vec![0.0; 14], [0.0; 2], [0.0; 2]);
                centre("test", &x, 2, &mut means, &mut c).expect("finite");
                deviations(&c, 2, 7, &mut means, &mut sigma);
                // The integers and their mean 3 are exact up to the factor 1/7: 2 ulp of 6.
                for (k, row) in c.chunks(2).enumerate() {
                    let error = row[0] / unit - (k as f32 - 3.0);
                    assert!(error.abs() <= 1e-6, "{offset} {exponent}: {error}");
                    assert_eq!(row[1], 0.0);
                }
                // The variance of 0..7 is 4.
                assert!((sigma[0] / unit - 2.0).abs() <= 1e-6);
                assert_eq!(sigma[1], 0.0);
            }
        }
        let (mut c, mut means) = ([0.0; 2], [0.0; 1]);
        let far = [f32::MAX, -f32::MAX];
        assert!(centre("test", &far, 1, &mut means, &mut c).is_err());
    }

    /// Against slopes of `Σ g ẑ`, with a g whose columns do not sum to zero.
    #[test]
    fn normalisation_has_its_gradient() {
        let x = [0.3, -1.0, 1.2, 0.4, -0.5, 2.0, 0.9, -0.7_f64];
        let g = [1.0, 0.5, -0.2, 2.0, 0.7, 0.1, 1.5, -0.3];
        let normal = |x: &[f64]| {
            let (mut c, mut scratch, mut sigma) = ([0.0; 8], [0.0; 2], [0.0; 2]);
            centre("test", x, 2, &mut scratch, &mut c).expect("finite");
            deviations(&c, 2, 4, &mut scratch, &mut sigma);
            normalize("test", 0.1, &mut sigma, &mut c).expect("varied");
            (c, sigma)
        };
        let (z, sigma) = normal(&x);
        let mut grad = g;
        normalize_backward(&z, &sigma, &mut [0.0; 4], &mut grad);
        for (k, grad) in grad.into_iter().enumerate() {
            let at = |step: f64| {
                let mut moved = x;
                moved[k] += step;
                let z = normal(&moved).0;
                z.iter().zip(&g).map(|(z, g)| z * g).sum::<f64>()
            };
            // Truncation h² and rounding u/h are both near 1e-10.
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((grad - slope).abs() <= 1e-9, "{k}: {grad} and {slope}");
        }
    }
}
