//! How the frozen encoder is judged: the constants of the three probes.

use serde::{Deserialize, Serialize};

use super::{ConfigError, Recipe, validate::check};

/// Constants of the probes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeConfig {
    /// Neighbours of the k-NN probe.
    pub knn_k: usize,
    /// Temperature of its cosine-weighted vote.
    pub knn_temperature: f32,
    /// Epochs of the linear probe.
    pub linear_epochs: usize,
    /// Epochs of the perceptron, which costs a hundred times the work.
    pub mlp_epochs: usize,
    /// Rows in a batch of either.
    pub linear_batch: usize,
    /// First learning rate of either; it falls exponentially to 1e-6.
    pub linear_lr: f64,
    /// Weight decay of either.
    pub linear_weight_decay: f64,
    /// Width of the perceptron's hidden layer.
    #[serde(default = "mlp_hidden")]
    pub mlp_hidden: usize,
}

/// No public reference gives the width of the non-linear classifier: that of the
/// representation.
fn mlp_hidden() -> usize {
    512
}

impl Default for ProbeConfig {
    /// k-NN by solo-learn's constants; the optimiser of W-MSE, for fewer epochs.
    fn default() -> Self {
        Self {
            knn_k: 20,
            knn_temperature: 0.07,
            linear_epochs: 100,
            mlp_epochs: 30,
            linear_batch: 1000,
            linear_lr: 1e-2,
            linear_weight_decay: 5e-6,
            mlp_hidden: mlp_hidden(),
        }
    }
}

impl ProbeConfig {
    /// The protocol that goes with a recipe. The linear probe is W-MSE's on cached features
    /// for all; k-NN votes by cosine also for W-MSE, whose five Euclidean neighbours are some
    /// three points lower.
    pub fn of(recipe: Recipe) -> Self {
        let published = Self {
            linear_epochs: 500,
            ..Self::default()
        };
        match recipe {
            Recipe::Quick => Self::default(),
            Recipe::SoloLearn | Recipe::Paper => published,
            Recipe::WMse => Self {
                knn_k: 5,
                ..published
            },
            Recipe::Lightly => Self {
                knn_k: 200,
                knn_temperature: 0.1,
                ..published
            },
        }
    }

    /// Refuses what no probe can be fitted by.
    pub fn validate(&self) -> Result<(), ConfigError> {
        for (option, value) in [
            ("--knn-k", self.knn_k),
            ("--linear-epochs", self.linear_epochs),
            ("--mlp-epochs", self.mlp_epochs),
            ("probe.linear_batch", self.linear_batch),
            ("--mlp-hidden", self.mlp_hidden),
        ] {
            check(option, value >= 1, "at least 1", value)?;
        }
        // NaN makes every comparison false, and so is refused.
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let t = self.knn_temperature;
        let above = "a number > 0";
        check("--knn-temperature", positive(t.into()), above, t)?;
        let lr = self.linear_lr;
        check("probe.linear_lr", positive(lr), above, lr)?;
        let decay = self.linear_weight_decay;
        let ok = decay >= 0.0 && decay.is_finite();
        check("probe.linear_weight_decay", ok, "a number ≥ 0", decay)
    }
}
