//! Features with mean 0 and deviation 1 over the training set, so that one learning
//! rate suits every encoder, also an untrained one.

use super::features::Features;

/// Mean and deviation of each feature over the training rows.
pub(super) struct Standardise {
    mean: Vec<f32>,
    inverse_deviation: Vec<f32>,
}

impl Standardise {
    pub(super) fn fit(train: &Features) -> Self {
        let (mut sum, mut squares) = (vec![0.0_f64; train.dim], vec![0.0_f64; train.dim]);
        for row in train.values.chunks_exact(train.dim.max(1)) {
            for ((sum, square), &x) in sum.iter_mut().zip(&mut squares).zip(row) {
                *sum += f64::from(x);
                *square += f64::from(x) * f64::from(x);
            }
        }
        let rows = train.rows.max(1) as f64;
        let mean: Vec<f32> = sum.iter().map(|s| (s / rows) as f32).collect();
        let inverse_deviation = sum.iter().zip(&squares).map(|(s, q)| {
            let variance = (q / rows - (s / rows) * (s / rows)).max(0.0);
            // A feature that never changes says nothing: it is set to zero, not blown up.
            if variance > 1e-12 {
                (1.0 / variance.sqrt()) as f32
            } else {
                0.0
            }
        });
        Self {
            inverse_deviation: inverse_deviation.collect(),
            mean,
        }
    }

    pub(super) fn apply(&self, features: &Features) -> Features {
        let mut out = features.clone();
        for row in out.values.chunks_exact_mut(features.dim.max(1)) {
            for ((x, mean), inverse) in row.iter_mut().zip(&self.mean).zip(&self.inverse_deviation)
            {
                *x = (*x - mean) * inverse;
            }
        }
        out
    }
}
