//! Fitting a classifier on frozen, standardised features by Adam with an exponentially
//! falling rate: the protocol of Ermolov et al. 2021, "Whitening for self-supervised
//! representation learning". The linear probe and the perceptron share it.

use burn::{
    module::Module,
    nn::loss::CrossEntropyLossConfig,
    optim::{AdamConfig, GradientsParams, decay::WeightDecayConfig},
    tensor::{Device, Int, Tensor, TensorData},
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{features::Features, scores::Scores, standardise::Standardise};
use crate::config::ProbeConfig;

/// Learning rate at the end of the exponential fall.
const FINAL_LR: f64 = 1e-6;

/// What maps features to class scores.
pub(super) trait Classifier: Module {
    /// Rows that a batch must have to be learnt from.
    const LEAST_ROWS: usize;

    /// Maps `[batch, dim]` to `[batch, classes]`.
    fn scores(&self, rows: Tensor<2>) -> Tensor<2>;
}

/// The scores of the test rows, by a classifier that `build` makes for a width and that
/// is fitted on the training rows.
pub(super) fn scores<M: Classifier>(
    build: impl FnOnce(&Device) -> M,
    [train, test]: [&Features; 2],
    labels: &[u16],
    config: &ProbeConfig,
    seed: u64,
    device: &Device,
) -> Scores {
    let scale = Standardise::fit(train);
    let train_device = device.clone().autodiff();
    train_device.seed(seed);
    let model = build(&train_device);
    let model = fit(
        model,
        &scale.apply(train),
        labels,
        config,
        seed,
        &train_device,
    );
    let test = scale.apply(test).tensor(&train_device.inner());
    let scores = model.valid().scores(test);
    let classes = scores.dims()[1];
    let values = scores.into_data().iter::<f32>().map(f64::from).collect();
    Scores::new(values, classes)
}

/// Minimises the mean cross entropy (plus L2).
pub(super) fn fit<M: Classifier>(
    mut model: M,
    train: &Features,
    labels: &[u16],
    config: &ProbeConfig,
    seed: u64,
    device: &Device,
) -> M {
    let decay = WeightDecayConfig::new(config.linear_weight_decay as f32);
    let mut optimizer = AdamConfig::new()
        .with_weight_decay(Some(decay))
        .with_epsilon(1e-8)
        .init();
    let loss = CrossEntropyLossConfig::new().init(device);
    let mut order: Vec<usize> = (0..train.rows).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let last = config.linear_epochs.saturating_sub(1).max(1) as f64;
    for epoch in 0..config.linear_epochs {
        let lr = config.linear_lr * (FINAL_LR / config.linear_lr).powf(epoch as f64 / last);
        order.shuffle(&mut rng);
        for batch in order.chunks(config.linear_batch) {
            if batch.len() < M::LEAST_ROWS {
                continue;
            }
            let rows: Vec<f32> = batch.iter().flat_map(|&i| train.row(i)).copied().collect();
            let targets: Vec<i32> = batch.iter().map(|&i| i32::from(labels[i])).collect();
            let rows = TensorData::new(rows, [batch.len(), train.dim]);
            let targets =
                Tensor::<1, Int>::from_data(TensorData::new(targets, [batch.len()]), device);
            let scores = model.scores(Tensor::<2>::from_data(rows, device));
            let gradients = loss.forward(scores, targets).backward();
            let gradients = GradientsParams::from_grads(gradients, &model);
            model = optimizer.step(lr, model, gradients);
        }
    }
    model
}

/// Data that the tests of both probes are fitted on.
#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use rand::RngExt;

    /// Constants that suit few rows.
    pub fn probe() -> ProbeConfig {
        ProbeConfig {
            linear_epochs: 400,
            mlp_epochs: 400,
            linear_batch: 64,
            mlp_hidden: 16,
            ..ProbeConfig::default()
        }
    }

    /// Rows of class `i mod classes`, each drawn by `row`.
    pub fn draw(
        rows: usize,
        classes: usize,
        seed: u64,
        mut row: impl FnMut(usize, &mut dyn FnMut() -> f32) -> Vec<f32>,
    ) -> (Features, Vec<u16>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut noise = || rng.random::<f32>() - 0.5;
        let labels: Vec<u16> = (0..rows).map(|i| (i % classes) as u16).collect();
        let values: Vec<f32> = labels
            .iter()
            .flat_map(|&label| row(label.into(), &mut noise))
            .collect();
        let dim = values.len() / rows;
        (Features { values, rows, dim }, labels)
    }

    /// How many of the test rows are predicted right.
    pub fn right(scores: &Scores, labels: &[u16]) -> usize {
        let predicted = scores.predicted();
        let pairs = predicted.iter().zip(labels);
        pairs.filter(|(p, l)| **p == Some(**l)).count()
    }
}
