//! Shift and scale of the channels before the encoder.

use serde::{Deserialize, Serialize};

use super::AugmentError;
use crate::data::Images;

/// `(value − mean) / std` per channel, for values in [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalize {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel.
    pub std: Vec<f32>,
}

impl Normalize {
    /// Leaves values in [0, 1] as they are.
    pub fn identity(channels: usize) -> Self {
        Self {
            mean: vec![0.0; channels],
            std: vec![1.0; channels],
        }
    }

    /// Mean and (population) standard deviation of all pixels of a set. Sums are
    /// of integers, so exact. A constant channel, or no image, keeps its scale.
    pub fn measure(images: &Images) -> Self {
        let area = (images.height * images.width).max(1);
        let mut sums = vec![(0_u64, 0_u64, 0_u64); images.channels];
        for image in images.pixels.chunks_exact((area * images.channels).max(1)) {
            for (plane, (count, sum, squares)) in image.chunks_exact(area).zip(&mut sums) {
                *count += area as u64;
                *sum += plane.iter().map(|&x| u64::from(x)).sum::<u64>();
                *squares += plane
                    .iter()
                    .map(|&x| u64::from(x) * u64::from(x))
                    .sum::<u64>();
            }
        }
        let moments = sums.into_iter().map(|(count, sum, squares)| {
            let count = count.max(1) as f64;
            let mean = sum as f64 / count;
            let variance = squares as f64 / count - mean * mean;
            // Of bytes, the least variance that is not 0 is about 1 / count.
            let std = if variance > 0.5 / count {
                variance.sqrt()
            } else {
                255.0
            };
            ((mean / 255.0) as f32, (std / 255.0) as f32)
        });
        let (mean, std) = moments.unzip();
        Self { mean, std }
    }

    /// Refuses constants that do not belong to `channels`, or divide by nothing.
    pub fn validate(&self, channels: usize) -> Result<(), AugmentError> {
        let (mean, std) = (self.mean.len(), self.std.len());
        if mean != channels || std != channels {
            return Err(AugmentError::Normalize {
                expected: format!("one mean and one std for each of {channels} channels"),
                got: format!("{mean} and {std}"),
            });
        }
        let sound = |(mean, std): (&f32, &f32)| mean.is_finite() && *std > 0.0 && std.is_finite();
        if !self.mean.iter().zip(&self.std).all(sound) {
            return Err(AugmentError::Normalize {
                expected: "finite means and finite std > 0".into(),
                got: format!("mean {:?}, std {:?}", self.mean, self.std),
            });
        }
        Ok(())
    }

    /// Mean and reciprocal std, channel by channel.
    pub(super) fn channels(&self) -> impl Iterator<Item = (f32, f32)> {
        self.mean
            .iter()
            .zip(&self.std)
            .map(|(&mean, &std)| (mean, 1.0 / std))
    }
}
