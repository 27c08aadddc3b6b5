//! The sections of a configuration that have no module of their own.

use std::path::PathBuf;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::{backend::BackendKind, data::DatasetKind};

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
    /// Count accuracies on the first so many test images.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub test_limit: Option<usize>,
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
    /// How the learning rate falls afterwards.
    pub decay: Decay,
    /// Steps between checkpoints; 0 is one per epoch.
    pub checkpoint_steps: u64,
    /// Steps between looks at the embeddings (collapse); 0 is never.
    pub diagnostics_steps: u64,
}

/// How the learning rate falls after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// Half a cosine down to zero
    Cosine,
    /// A fifth of it 50 epochs before the end, and a fifth of that 25 before (W-MSE)
    Steps,
    /// Not at all
    Constant,
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
