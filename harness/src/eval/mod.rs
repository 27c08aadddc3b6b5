//! Judging a frozen encoder by its representations: test accuracy of a linear probe, of
//! a perceptron and of k nearest neighbours. Batch norm is in evaluation mode, features
//! are computed once, labels of the test set are used for counting alone.
//!
//! ```text
//! frozen ──► features ──► linear_probe, mlp_probe, knn ──► scores ──► verdict
//! (encoder)   │    ▲      (fitted on the training set)              (top-1, confusion, …)
//!             ▼    │
//!            cache ─
//! ```

pub mod cache;
pub mod error;
pub mod features;
pub mod fingerprint;
mod fit;
pub mod frozen;
pub mod knn;
pub mod linear_probe;
pub mod mlp_probe;
pub mod scores;
pub mod spread;
mod standardise;
#[cfg(test)]
mod tests;
pub mod untrained;

use burn::tensor::Device;
use clap::ValueEnum;
use harness_study::cell::Judgement;
use serde::Serialize;

pub use error::EvalError;
pub use features::{FeatureSets, Features};
pub use frozen::Frozen;
pub use scores::Verdict;
pub use spread::Spread;

use crate::{config::ProbeConfig, data::Dataset};

/// A way to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Probe {
    /// Logistic regression on the representations
    Linear,
    /// Perceptron with one hidden layer on the representations
    Mlp,
    /// Vote of the nearest representations
    Knn,
}

impl Probe {
    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Mlp => "mlp",
            Self::Knn => "knn",
        }
    }
}

impl FeatureSets {
    /// What a probe makes of the test set.
    pub fn judge(
        &self,
        probe: Probe,
        data: &Dataset,
        config: &ProbeConfig,
        seed: u64,
        device: &Device,
    ) -> Verdict {
        let classes = data.classes.len();
        let labels = &data.train.labels;
        let sets = [&self.train, &self.test];
        let scores = match probe {
            Probe::Linear => linear_probe::scores(sets, labels, classes, config, seed, device),
            Probe::Mlp => mlp_probe::scores(sets, labels, classes, config, seed, device),
            Probe::Knn => knn::scores(sets, labels, classes, config, device),
        };
        scores.verdict(&data.test.labels, &data.classes)
    }

    /// The shares that all probes get right.
    pub fn judgement(
        &self,
        data: &Dataset,
        config: &ProbeConfig,
        seed: u64,
        device: &Device,
    ) -> Judgement {
        let top = |probe| self.judge(probe, data, config, seed, device).top;
        Judgement {
            linear: top(Probe::Linear),
            mlp: top(Probe::Mlp),
            knn: top(Probe::Knn),
        }
    }
}
