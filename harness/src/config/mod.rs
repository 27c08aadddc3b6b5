//! Everything that a run is made of, in one value: what `config.toml` holds, and
//! enough to run again.

mod probe;
mod recipe;

use std::path::PathBuf;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

pub use probe::ProbeConfig;

use crate::{
    augment::AugmentConfig,
    backend::BackendKind,
    data::DatasetKind,
    loss::{LossConfig, Method},
    model::{HeadConfig, StemKind},
};

/// Version of `config.toml`'s layout; raised when an old file would be misread.
pub const FORMAT: u32 = 1;

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Layout version, [`FORMAT`].
    pub format: u32,
    /// What is trained by.
    pub method: Method,
    /// Seeds weights, order and augmentation.
    pub seed: u64,
    /// What is trained on.
    pub data: DataConfig,
    /// Encoder and head.
    pub model: ModelConfig,
    /// How long and in which portions.
    pub schedule: ScheduleConfig,
    /// How weights move.
    pub optimizer: OptimizerConfig,
    /// The objective's constants.
    pub loss: LossConfig,
    /// How the frozen encoder is judged.
    pub probe: ProbeConfig,
    /// Where it computes; changes speed and the last digits, not the experiment.
    pub compute: ComputeConfig,
    /// How view A and view B are made from an image.
    pub augment: [AugmentConfig; 2],
}

/// Which images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// The data set.
    pub dataset: DatasetKind,
    /// Root with a folder per data set; none is the platform's cache directory.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub data_dir: Option<PathBuf>,
    /// Never download.
    pub offline: bool,
    /// Use the first so many training images.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<usize>,
}

/// Network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// First layers of the encoder.
    pub stem: StemKind,
    /// Projection head.
    pub projection_head: HeadConfig,
}

/// Length, portions and learning-rate shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Passes over the images.
    pub epochs: usize,
    /// Images in a batch; each gives two views.
    pub batch_size: usize,
    /// Batches whose gradients are averaged into one step.
    pub accumulate: usize,
    /// Epochs (fractions allowed) in which the learning rate rises from zero.
    pub warmup_epochs: f64,
    /// Steps between checkpoints; 0 is one per epoch.
    pub checkpoint_steps: u64,
}

/// How weights move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizerConfig {
    /// The rule.
    pub kind: OptimizerKind,
    /// Peak learning rate, as it is used: not scaled by the batch size.
    pub lr: f64,
    /// Momentum of SGD and LARS; β₁ of Adam and AdamW.
    pub momentum: f64,
    /// Weight decay; norms and biases are excluded.
    pub weight_decay: f64,
}

/// Update rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Stochastic gradient descent with momentum (PyTorch's form, no dampening)
    Sgd,
    /// Layer-wise adaptive rate scaling (You et al. 2017), trust 0.02
    Lars,
    /// Adam with L2 regularisation (Kingma & Ba 2015)
    Adam,
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019)
    AdamW,
}

/// Where it computes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComputeConfig {
    /// burn's backend.
    pub backend: BackendKind,
    /// Threads; 0 is one per core.
    pub threads: usize,
}

/// A configuration that no run can have.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value outside its range.
    #[error("{option}: expected {expected}, got {got}")]
    Value {
        /// The option or field.
        option: &'static str,
        /// Its range.
        expected: &'static str,
        /// The value.
        got: String,
    },
    /// A `config.toml` that cannot be read.
    #[error("config.toml: {0}; it must be a file that `harness train` wrote")]
    Parse(#[from] toml::de::Error),
    /// A value that TOML cannot hold.
    #[error("config.toml could not be written: {0}")]
    Write(#[from] toml::ser::Error),
    /// A layout from another version of this program.
    #[error(
        "config.toml has format {got}, this program reads format {FORMAT}; use the version that wrote it"
    )]
    Format {
        /// What the file says.
        got: u32,
    },
    /// Augmentation constants.
    #[error("augmentation: {0}")]
    Augment(String),
}

impl TrainConfig {
    /// The text of `config.toml`.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        Ok(toml::to_string_pretty(self)?)
    }

    /// Reads `config.toml` and checks it.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        #[derive(Deserialize)]
        struct Probe {
            format: u32,
        }
        // The version first: a newer layout should say so, not complain of fields.
        let Probe { format } = toml::from_str(text)?;
        if format != FORMAT {
            return Err(ConfigError::Format { got: format });
        }
        let config: Self = toml::from_str(text)?;
        config.validate()?;
        Ok(config)
    }

    /// Refuses what cannot be trained, before anything is loaded.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let whole = |option, value: usize, least: usize, expected| {
            if value >= least {
                Ok(())
            } else {
                Err(ConfigError::Value {
                    option,
                    expected,
                    got: value.to_string(),
                })
            }
        };
        let real = |option, value: f64, ok: bool, expected| {
            // NaN makes every comparison in `ok` false, and so is refused.
            if value.is_finite() && ok {
                Ok(())
            } else {
                Err(ConfigError::Value {
                    option,
                    expected,
                    got: value.to_string(),
                })
            }
        };
        let s = &self.schedule;
        whole("--epochs", s.epochs, 1, "at least 1")?;
        whole(
            "--batch-size",
            s.batch_size,
            2,
            "at least 2 (an image needs negatives)",
        )?;
        whole("--accumulate", s.accumulate, 1, "at least 1")?;
        whole("--limit", self.data.limit.unwrap_or(2), 2, "at least 2")?;
        let head = &self.model.projection_head;
        whole("--head-hidden", head.hidden, 1, "at least 1")?;
        whole("--head-output", head.output, 1, "at least 1")?;
        real(
            "--warmup-epochs",
            s.warmup_epochs,
            s.warmup_epochs >= 0.0,
            "a number ≥ 0",
        )?;
        let o = &self.optimizer;
        real("--lr", o.lr, o.lr > 0.0, "a number > 0")?;
        real(
            "--momentum",
            o.momentum,
            (0.0..1.0).contains(&o.momentum),
            "a number in [0, 1)",
        )?;
        real(
            "--weight-decay",
            o.weight_decay,
            o.weight_decay >= 0.0,
            "a number ≥ 0",
        )?;
        let l = &self.loss;
        real(
            "--temperature",
            l.temperature.into(),
            l.temperature > 0.0,
            "a number > 0",
        )?;
        real("--lambda", l.lambda.into(), l.lambda >= 0.0, "a number ≥ 0")?;
        real(
            "--epsilon",
            l.epsilon.into(),
            l.epsilon > 0.0,
            "a number > 0",
        )?;
        real(
            "--threshold",
            l.threshold.into(),
            l.threshold >= 0.0,
            "a number ≥ 0",
        )?;
        whole("--max-iterations", l.max_iterations, 1, "at least 1")?;
        self.probe.validate()?;
        for view in &self.augment {
            view.validate()
                .map_err(|error| ConfigError::Augment(error.to_string()))?;
        }
        Ok(())
    }
}
