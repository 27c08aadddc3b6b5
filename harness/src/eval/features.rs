//! Representations of a whole image set, computed once: what every probe looks at.

use burn::tensor::{Device, Tensor, TensorData};

use crate::{
    augment::{Normalize, plain},
    data::Images,
    model::ResNet18,
};

/// Rows of representations, in the order of the images.
#[derive(Clone, Debug)]
pub struct Features {
    /// Row-major `rows × dim`.
    pub values: Vec<f32>,
    /// Images.
    pub rows: usize,
    /// Width of a representation.
    pub dim: usize,
}

/// The encoder's output on every image, without augmentation.
///
/// `encoder` must be on a device without autodiff: there batch norm uses its
/// running statistics. `tick` hears how many images are done.
pub fn extract(
    encoder: &ResNet18,
    images: &Images,
    normalize: &Normalize,
    batch: usize,
    device: &Device,
    mut tick: impl FnMut(usize),
) -> Features {
    let shape = [images.channels, images.height, images.width];
    let pixels = images.image_len();
    let mut values = Vec::with_capacity(images.len() * crate::model::FEATURES);
    for start in (0..images.len()).step_by(batch) {
        let rows = batch.min(images.len() - start);
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
