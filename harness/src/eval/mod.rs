//! Judging a frozen encoder by its representations: test accuracy of a linear
//! probe and of k nearest neighbours. Batch norm is in evaluation mode, features
//! are computed once, labels of the test set are used for counting alone.

pub mod features;
pub mod knn;
pub mod linear_probe;

use burn::{module::Module, tensor::Device};
use serde::Serialize;

use crate::{augment::Normalize, config::ProbeConfig, data::Dataset, model::ResNet18};
use features::{Features, extract};

/// Images that the encoder takes at a time here.
const BATCH: usize = 128;

/// Features of a data set's labelled images under one encoder.
pub struct Cached {
    train: Features,
    test: Features,
}

/// Test accuracies, fractions of 1.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Accuracy {
    /// Linear probe, top-1.
    pub linear: f64,
    /// k nearest neighbours, top-1.
    pub knn: f64,
}

impl Cached {
    /// Runs the encoder over the labelled training images and the test images.
    /// `tick` hears how many of [`Cached::images`] are done.
    pub fn new(
        encoder: &ResNet18,
        data: &Dataset,
        normalize: &Normalize,
        device: &Device,
        mut tick: impl FnMut(usize),
    ) -> Self {
        let encoder = encoder.valid();
        let train = extract(
            &encoder,
            &data.train.images,
            normalize,
            BATCH,
            device,
            &mut tick,
        );
        let done = train.rows;
        let test = extract(&encoder, &data.test.images, normalize, BATCH, device, |n| {
            tick(done + n)
        });
        Self { train, test }
    }

    /// How many images [`Cached::new`] looks at.
    pub fn images(data: &Dataset) -> usize {
        data.train.images.len() + data.test.images.len()
    }

    /// Test accuracy of the linear probe.
    pub fn linear(&self, data: &Dataset, config: &ProbeConfig, seed: u64, device: &Device) -> f64 {
        let classes = data.classes.len();
        let labels = &data.train.labels;
        let predicted = linear_probe::predict(
            &self.train,
            labels,
            &self.test,
            classes,
            config,
            seed,
            device,
        );
        accuracy(&predicted, &data.test.labels)
    }

    /// Test accuracy of k nearest neighbours.
    pub fn knn(&self, data: &Dataset, config: &ProbeConfig, device: &Device) -> f64 {
        let (k, temperature) = (config.knn_k, config.knn_temperature);
        let labels = &data.train.labels;
        let predicted = knn::predict(&self.train, labels, &self.test, k, temperature, device);
        accuracy(&predicted, &data.test.labels)
    }

    /// Both probes.
    pub fn accuracy(
        &self,
        data: &Dataset,
        config: &ProbeConfig,
        seed: u64,
        device: &Device,
    ) -> Accuracy {
        Accuracy {
            linear: self.linear(data, config, seed, device),
            knn: self.knn(data, config, device),
        }
    }
}

/// Share of equal entries.
fn accuracy(predicted: &[u16], expected: &[u16]) -> f64 {
    let right = predicted
        .iter()
        .zip(expected)
        .filter(|(a, b)| a == b)
        .count();
    right as f64 / expected.len().max(1) as f64
}
