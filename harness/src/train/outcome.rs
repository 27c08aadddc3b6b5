//! The end of a run: probes beside the untrained encoder's, files, figure, and the
//! line of JSON that says it all.

use std::collections::HashMap;

use burn::tensor::Device;
use serde::Serialize;

use super::trainer::{Trainer, fresh_network};
use crate::{
    augment::Normalize,
    config::TrainConfig,
    data::Dataset,
    error::Error,
    eval::{Accuracy, Cached},
    model::{ResNet18, state_dict},
    plot,
    progress::Progress,
    run::RunDir,
};

/// What training itself measured.
pub struct Training {
    /// Images (not views) per second over the whole run, data pipeline included.
    pub images_per_second: f64,
    /// Objective of the last step.
    pub final_loss: f32,
}

/// A run's result: `result.json`, and the last line on stdout.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Training method.
    pub method: &'static str,
    /// Data set.
    pub dataset: &'static str,
    /// First layers of the encoder.
    pub stem: &'static str,
    /// Backend.
    pub backend: &'static str,
    /// Passes over the images.
    pub epochs: usize,
    /// Optimiser steps.
    pub steps: u64,
    /// Images in a batch.
    pub batch_size: usize,
    /// The run's seed.
    pub seed: u64,
    /// Images that were learnt from.
    pub pretrain_images: usize,
    /// Labelled images that the probes were fitted on.
    pub train_images: usize,
    /// Images that accuracies are counted on.
    pub test_images: usize,
    /// Objective of the last step.
    pub final_loss: f32,
    /// Test accuracy of the linear probe.
    pub linear_top1: f64,
    /// The same of the encoder before training.
    pub linear_top1_untrained: f64,
    /// Test accuracy of k nearest neighbours.
    pub knn_top1: f64,
    /// The same of the encoder before training.
    pub knn_top1_untrained: f64,
    /// Images per second in training.
    pub images_per_second: f64,
    /// SHA-256 of the encoder's and head's weights.
    pub weights_digest: String,
    /// The picture.
    pub figure: String,
}

/// Judges the trained network and writes what stays: `encoder.safetensors`,
/// `training.svg`, `result.json`.
pub fn conclude(
    config: &TrainConfig,
    dir: &RunDir,
    trainer: &Trainer,
    data: &Dataset,
    training: Training,
    device: &Device,
) -> Result<Outcome, Error> {
    write_encoder(config, dir, &trainer.network.encoder)?;
    let weights_digest = state_dict::digest(&state_dict::state_dict(&trainer.network));
    let trained = judge("probing", config, &trainer.network.encoder, data, device);
    let shape = super::image_shape(config, data);
    let untrained = fresh_network(config, shape, &device.clone().autodiff()).encoder;
    let untrained = judge("untrained", config, &untrained, data, device);
    let figure = draw(config, dir, data, trained, untrained)?;
    let outcome = Outcome {
        method: config.method().name(),
        dataset: config.data.dataset.name(),
        stem: config.model.stem.name(),
        backend: config.compute.backend.name(),
        epochs: config.schedule.epochs,
        steps: trainer.step,
        batch_size: config.schedule.batch_size,
        seed: config.seed,
        pretrain_images: data.pretrain.len(),
        train_images: data.train.images.len(),
        test_images: data.test.images.len(),
        final_loss: training.final_loss,
        linear_top1: trained.linear,
        linear_top1_untrained: untrained.linear,
        knn_top1: trained.knn,
        knn_top1_untrained: untrained.knn,
        images_per_second: training.images_per_second,
        weights_digest,
        figure,
    };
    let text = serde_json::to_string_pretty(&outcome).map_err(Error::Json)?;
    dir.write_file_atomic("result.json", text.as_bytes())?;
    Ok(outcome)
}

/// Both probes on one encoder.
fn judge(
    what: &str,
    config: &TrainConfig,
    encoder: &ResNet18,
    data: &Dataset,
    device: &Device,
) -> Accuracy {
    let normalize = Normalize::measure(&data.pretrain);
    let mut progress = Progress::new(what, 0, Cached::images(data) as u64);
    let features = Cached::new(encoder, data, &normalize, device, |done| {
        progress.set(done as u64, || "images".to_owned());
    });
    features.accuracy(data, &config.probe, config.seed, device)
}

fn write_encoder(config: &TrainConfig, dir: &RunDir, encoder: &ResNet18) -> Result<(), Error> {
    let metadata = HashMap::from([
        ("architecture".to_owned(), "resnet18".to_owned()),
        ("stem".to_owned(), config.model.stem.name().to_owned()),
        ("dataset".to_owned(), config.data.dataset.name().to_owned()),
        ("method".to_owned(), config.method().name().to_owned()),
    ]);
    let bytes = state_dict::to_safetensors(&state_dict::state_dict(encoder), metadata)?;
    dir.write_file_atomic("encoder.safetensors", &bytes)?;
    Ok(())
}

/// Draws `training.svg`: the curves of `metrics.jsonl` beside the accuracies.
fn draw(
    config: &TrainConfig,
    dir: &RunDir,
    data: &Dataset,
    trained: Accuracy,
    untrained: Accuracy,
) -> Result<String, Error> {
    let heading = plot::Heading {
        title: format!(
            "{} on {}",
            config.method().name(),
            config.data.dataset.name()
        ),
        subtitle: format!(
            "ResNet-18 ({} stem), {} images, {} epochs, batches of {}, seed {}",
            config.model.stem.name(),
            data.pretrain.len(),
            config.schedule.epochs,
            config.schedule.batch_size,
            config.seed
        ),
    };
    let group = |name: &str, trained, untrained| {
        let name = name.to_owned();
        plot::Group {
            name,
            trained,
            untrained,
        }
    };
    let accuracies = plot::Accuracies {
        groups: vec![
            group("linear probe", trained.linear, untrained.linear),
            group("k-NN", trained.knn, untrained.knn),
        ],
        chance: Some(1.0 / data.classes.len() as f64),
    };
    let panels = plot::training_panels(&dir.read_metrics()?);
    let path = dir.path().join("training.svg");
    plot::training_figure(&path, &heading, &panels, &accuracies)?;
    Ok(path.display().to_string())
}
