//! The end of a run: probes beside the untrained encoder's, files, figure, and the
//! line of JSON that says it all.

use std::path::Path;

use burn::tensor::Device;
use harness_study::cell::{Judgement, RunResult};
use serde::Serialize;

use super::trainer::{Trainer, fresh_network};
use crate::{
    augment::Normalize,
    config::TrainConfig,
    data::Dataset,
    error::Error,
    eval::{FeatureSets, Spread, fingerprint, frozen, untrained},
    model::{ResNet18, state_dict},
    plot,
    progress::Progress,
    run::RunDir,
};

/// What training itself measured.
pub struct Training {
    /// Seconds in training steps over the whole run, data pipeline included.
    pub seconds: f64,
    /// Images (not views) per second of these.
    pub images_per_second: f64,
    /// Objective of the last step.
    pub final_loss: f32,
    /// Mean squared distance of the two views' projections on the unit sphere at the end,
    /// where it was measured.
    pub alignment: Option<f64>,
}

/// A run's result: `result.json`, and the last line on stdout. What a study's report
/// needs, and what is of this run alone.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// What was trained and how well, for a report.
    #[serde(flatten)]
    pub result: RunResult,
    /// Objective of the last step.
    pub final_loss: f32,
    /// How the test set's representations fill their space.
    pub embedding: Spread,
    /// Images per second in training.
    pub images_per_second: f64,
    /// SHA-256 of the encoder's and head's weights.
    pub weights_digest: String,
    /// The picture.
    pub figure: Option<String>,
}

impl Outcome {
    /// The accuracies by names for curves.
    pub fn probes(&self) -> [(&'static str, f64); 6] {
        let (trained, untrained) = (&self.result.trained, &self.result.untrained);
        [
            ("probe/linear_top1", trained.linear.top1),
            ("probe/mlp_top1", trained.mlp.top1),
            ("probe/knn_top1", trained.knn.top1),
            ("probe/linear_top1_untrained", untrained.linear.top1),
            ("probe/mlp_top1_untrained", untrained.mlp.top1),
            ("probe/knn_top1_untrained", untrained.knn.top1),
        ]
    }
}

/// Judges the trained network and writes what stays: `encoder.safetensors`,
/// `training.svg`, `result.json`.
pub fn conclude(
    config: &TrainConfig,
    dir: &RunDir,
    trainer: &Trainer,
    data: &Dataset,
    training: Training,
    untrained_cache: Option<&Path>,
    device: &Device,
) -> Result<Outcome, Error> {
    let normalize = Normalize::measure(&data.pretrain);
    let encoder = frozen::to_bytes(config, &trainer.network.encoder, &normalize)?;
    dir.write_file_atomic(frozen::FILE, &encoder)?;
    let weights_digest = state_dict::digest(&state_dict::state_dict(&trainer.network));
    let judge = |what, encoder: &ResNet18| judge(what, config, encoder, data, &normalize, device);
    let (trained, features) = judge("probing", &trainer.network.encoder)?;
    let shape = super::image_shape(config, data);
    let untrained = fresh_network(config, shape, &device.clone().autodiff()).encoder;
    let kept = match untrained_cache {
        Some(folder) => {
            let key = fingerprint::of_judgement(config, &untrained, data, &normalize)?;
            Some(untrained::Kept::new(folder, &key))
        }
        None => None,
    };
    let untrained = match kept.as_ref().and_then(untrained::Kept::read) {
        Some(judgement) => judgement,
        None => {
            let (judgement, _) = judge("untrained", &untrained)?;
            // What is not kept is judged again by the next: slow, but nothing is lost.
            if let Some(Err(error)) = kept.map(|kept| kept.write(judgement)) {
                eprintln!("warning: the untrained encoder's accuracies are not kept: {error}");
            }
            judgement
        }
    };
    // A run of hours is not lost for a picture of it.
    let figure = match draw(config, dir, data, trained, untrained) {
        Ok(path) => Some(path),
        Err(error) => {
            eprintln!("warning: {error}");
            None
        }
    };
    let outcome = Outcome {
        result: RunResult {
            method: config.method().name().to_owned(),
            dataset: config.data.dataset.name().to_owned(),
            recipe: config.recipe.name().to_owned(),
            stem: config.model.stem.name().to_owned(),
            backend: config.compute.backend.name().to_owned(),
            epochs: config.schedule.epochs,
            steps: trainer.step,
            batch_size: config.schedule.batch_size,
            seed: config.seed,
            pretrain_images: data.pretrain.len(),
            train_images: data.train.images.len(),
            test_images: data.test.images.len(),
            trained,
            untrained,
            train_seconds: training.seconds,
        },
        final_loss: training.final_loss,
        embedding: Spread::measure(&features.test, training.alignment),
        images_per_second: training.images_per_second,
        weights_digest,
        figure,
    };
    let text = serde_json::to_string_pretty(&outcome).map_err(Error::Json)?;
    dir.write_file_atomic("result.json", text.as_bytes())?;
    Ok(outcome)
}

/// All probes on one encoder, and what they looked at.
fn judge(
    what: &str,
    config: &TrainConfig,
    encoder: &ResNet18,
    data: &Dataset,
    normalize: &Normalize,
    device: &Device,
) -> Result<(Judgement, FeatureSets), Error> {
    let mut progress = Progress::new(what, 0, FeatureSets::images(data) as u64);
    let features = FeatureSets::extract(encoder, data, normalize, device, |done| {
        progress.set(done as u64, || "images".to_owned());
    })?;
    let judgement = features.judgement(data, &config.probe, config.seed, device);
    Ok((judgement, features))
}

/// Draws `training.svg`: the curves of `metrics.jsonl` beside the accuracies.
fn draw(
    config: &TrainConfig,
    dir: &RunDir,
    data: &Dataset,
    trained: Judgement,
    untrained: Judgement,
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
    let group = |name: &str, top: fn(&Judgement) -> f64| plot::Group {
        name: name.to_owned(),
        trained: top(&trained),
        untrained: top(&untrained),
    };
    let accuracies = plot::Accuracies {
        groups: vec![
            group("linear probe", |j| j.linear.top1),
            group("perceptron", |j| j.mlp.top1),
            group("k-NN", |j| j.knn.top1),
        ],
        chance: Some(1.0 / data.classes.len() as f64),
    };
    let panels = plot::training_panels(&dir.read_metrics()?);
    let path = dir.path().join("training.svg");
    plot::training_figure(&path, &heading, &panels, &accuracies)?;
    Ok(path.display().to_string())
}
