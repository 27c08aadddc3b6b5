//! Representations of whole image sets, computed once: what every probe looks at.

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};

use super::error::EvalError;
use crate::{
    augment::{Normalize, plain},
    data::{Dataset, Images},
    model::ResNet18,
};

/// Images that the encoder takes at a time here.
const BATCH: usize = 128;

/// Rows of representations, in the order of the images.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Row-major `rows × dim`.
    pub values: Vec<f32>,
    /// Images.
    pub rows: usize,
    /// Width of a representation.
    pub dim: usize,
}

/// Features of a data set's labelled images under one encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureSets {
    /// What probes are fitted on.
    pub train: Features,
    /// What accuracies are counted on.
    pub test: Features,
}

impl FeatureSets {
    /// Runs the encoder over the labelled training images and the test images.
    /// `tick` hears how many of [`FeatureSets::images`] are done.
    pub fn extract(
        encoder: &ResNet18,
        data: &Dataset,
        normalize: &Normalize,
        device: &Device,
        mut tick: impl FnMut(usize),
    ) -> Result<Self, EvalError> {
        // Without autodiff: there batch norm uses its running statistics.
        let encoder = encoder.valid();
        let (train, test) = (&data.train.images, &data.test.images);
        let train = extract(&encoder, train, normalize, device, &mut tick);
        let done = train.rows;
        let test = extract(&encoder, test, normalize, device, |n| tick(done + n));
        for (set, features) in [("train", &train), ("test", &test)] {
            if let Some(value) = features.values.iter().position(|v| !v.is_finite()) {
                let image = value / features.dim.max(1);
                return Err(EvalError::NotFinite { set, image });
            }
        }
        Ok(Self { train, test })
    }

    /// How many images [`FeatureSets::extract`] looks at.
    pub fn images(data: &Dataset) -> usize {
        data.train.images.len() + data.test.images.len()
    }
}

/// The encoder's output on every image, without augmentation.
fn extract(
    encoder: &ResNet18,
    images: &Images,
    normalize: &Normalize,
    device: &Device,
    mut tick: impl FnMut(usize),
) -> Features {
    let shape = [images.channels, images.height, images.width];
    let pixels = images.image_len();
    let mut values = Vec::with_capacity(images.len() * crate::model::FEATURES);
    for start in (0..images.len()).step_by(BATCH) {
        let rows = BATCH.min(images.len() - start);
        let mut input = vec![0.0; rows * pixels];
        for (row, out) in input.chunks_exact_mut(pixels).enumerate() {
            plain(images.get(start + row), normalize, out);
        }
        let input = TensorData::new(input, [rows, shape[0], shape[1], shape[2]]);
        let h: Tensor<2> = encoder.forward(Tensor::from_data(input, device));
        // The encoder computes in f32 on every backend of this program.
        values.extend(h.into_data().iter::<f32>());
        tick(start + rows);
    }
    let rows = images.len();
    Features {
        dim: values.len().checked_div(rows).unwrap_or(0),
        values,
        rows,
    }
}

impl Features {
    /// One representation.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.dim..(index + 1) * self.dim]
    }

    /// The matrix on a device.
    pub fn tensor(&self, device: &Device) -> Tensor<2> {
        Tensor::from_data(
            TensorData::new(self.values.clone(), [self.rows, self.dim]),
            device,
        )
    }
}
