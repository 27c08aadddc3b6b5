//! How representations fill their space: numbers that tell a collapsed encoder without
//! any label, by the diagnostics of `kernels-core`.

use kernels_core::diagnostics::{
    Spectrum, effective_rank, effective_rank_workspace_len, uniformity, uniformity_workspace_len,
};
use serde::Serialize;

use super::features::Features;

/// Rows that uniformity looks at: its cost is quadratic in them.
const ROWS: usize = 2_048;
/// Rows of the spectrum, whose cost is cubic in them up to the dimension. The effective
/// rank is at most one less, so that of an encoder with more directions is cut short.
const SPECTRUM_ROWS: usize = 256;
/// Wang & Isola's constant of uniformity.
const T: f32 = 2.0;

/// Diagnostics of an embedding.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Mean squared distance of two views of an image on the unit sphere, in the last steps
    /// of training; of single images there is none.
    pub alignment: Option<f64>,
    /// Logarithm of the mean Gaussian potential of pairs, t = 2: 0 when collapsed. None
    /// where a representation is zero and so has no direction.
    pub uniformity: Option<f64>,
    /// Exponential of the entropy of the covariance's spectrum: 1 to the dimension, and
    /// less than `spectrum_rows`.
    pub effective_rank: Option<f64>,
    /// Rows that uniformity was measured on, evenly spaced over the test set.
    pub rows: usize,
    /// Rows that the effective rank was measured on, likewise.
    pub spectrum_rows: usize,
}

impl Spread {
    /// Of the test set's representations; `alignment` is training's own.
    pub fn measure(features: &Features, alignment: Option<f64>) -> Self {
        let dim = features.dim;
        let (rows, sample) = evenly(features, ROWS);
        let mut workspace = vec![0.0_f32; uniformity_workspace_len(rows, dim)];
        let uniformity = uniformity(&sample, rows, dim, T, &mut workspace).ok();
        let (spectrum_rows, sample) = evenly(features, SPECTRUM_ROWS);
        workspace.resize(effective_rank_workspace_len(spectrum_rows, dim), 0.0);
        let spectrum = Spectrum::CovarianceEigenvalues;
        let rank = effective_rank(&sample, spectrum_rows, dim, spectrum, &mut workspace).ok();
        Self {
            alignment,
            uniformity: uniformity.map(f64::from),
            effective_rank: rank.map(f64::from),
            rows,
            spectrum_rows,
        }
    }
}

/// At most `most` rows at even distances, and how many they are.
fn evenly(features: &Features, most: usize) -> (usize, Vec<f32>) {
    let rows = features.rows.min(most);
    let chosen = (0..rows).flat_map(|i| features.row(i * features.rows / rows));
    (rows, chosen.copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(rows: usize, dim: usize, value: impl Fn(usize, usize) -> f32) -> Features {
        let values = (0..rows * dim).map(|i| value(i / dim, i % dim)).collect();
        Features { values, rows, dim }
    }

    #[test]
    fn a_collapsed_encoder_is_told_from_one_that_spreads() {
        let collapsed = Spread::measure(&features(9, 4, |_, k| 1.0 + k as f32), None);
        assert_eq!(collapsed.effective_rank, Some(0.0));
        // All pairs coincide: log 1, up to rounding of the norms.
        assert!(collapsed.uniformity.is_some_and(|u| u.abs() <= 1e-6));
        // Both ends of four axes, evenly: covariance is a multiple of the unit matrix.
        let axes = features(8, 4, |i, k| {
            let sign = if i < 4 { 1.0 } else { -1.0 };
            if i % 4 == k { sign } else { 0.0 }
        });
        let axes = Spread::measure(&axes, Some(0.5));
        assert!(axes.effective_rank.is_some_and(|r| (r - 4.0).abs() <= 1e-4));
        // 28 pairs, 24 at squared distance 2 and 4 at squared distance 4.
        let expected = ((24.0 * (-4.0_f64).exp() + 4.0 * (-8.0_f64).exp()) / 28.0).ln();
        assert!(
            axes.uniformity
                .is_some_and(|u| (u - expected).abs() <= 1e-5)
        );
        assert_eq!(axes.alignment, Some(0.5));
    }

    #[test]
    fn many_rows_are_sampled_and_no_rows_are_borne() {
        let many = Spread::measure(&features(ROWS * 2 + 1, 2, |i, k| (i * 2 + k) as f32), None);
        assert_eq!((many.rows, many.spectrum_rows), (ROWS, SPECTRUM_ROWS));
        let none = Spread::measure(&features(0, 0, |_, _| 0.0), None);
        assert_eq!((none.uniformity, none.effective_rank), (None, None));
    }
}
