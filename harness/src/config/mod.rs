//! Everything that a run is made of, in one value: what `config.toml` holds, and
//! enough to run again.

mod probe;
mod recipe;
mod sections;
mod validate;

use serde::{Deserialize, Serialize};

use crate::{
    augment::AugmentConfig,
    loss::{LossConfig, Method},
    model::ModelConfig,
};

pub use probe::ProbeConfig;
pub use recipe::Recipe;
pub use sections::{
    ComputeConfig, DataConfig, Decay, OptimizerConfig, OptimizerKind, ScheduleConfig,
};

/// Version of `config.toml`'s layout; raised when an old file would be misread.
pub const FORMAT: u32 = 2;

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Layout version, [`FORMAT`].
    pub format: u32,
    /// Where the values came from that were not given.
    pub recipe: Recipe,
    /// Seeds weights, order and augmentation.
    pub seed: u64,
    /// What is trained on.
    pub data: DataConfig,
    /// Encoder and heads.
    pub model: ModelConfig,
    /// How long and in which portions.
    pub schedule: ScheduleConfig,
    /// How weights move.
    pub optimizer: OptimizerConfig,
    /// The objective and its constants.
    pub loss: LossConfig,
    /// How the frozen encoder is judged.
    pub probe: ProbeConfig,
    /// Where it computes; changes speed and the last digits, not the experiment.
    pub compute: ComputeConfig,
    /// How view A and view B are made from an image.
    pub augment: [AugmentConfig; 2],
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
    /// An option that belongs to other methods.
    #[error("{option}: method {method} has no such constant; leave it out or choose --method {of}")]
    Foreign {
        /// The option.
        option: &'static str,
        /// The run's method.
        method: &'static str,
        /// Methods that have it.
        of: &'static str,
    },
    /// A configuration file that cannot be read.
    #[error("configuration: {0}; it must be as `harness train --print-config` prints it")]
    Parse(#[from] toml::de::Error),
    /// A value that TOML cannot hold.
    #[error("config.toml could not be written: {0}")]
    Write(#[from] toml::ser::Error),
    /// A layout from another version of this program.
    #[error(
        "the configuration has format {got}, this program reads format {FORMAT}; use the version \
         that wrote it, or start from `harness train --print-config`"
    )]
    Format {
        /// What the file says.
        got: u32,
    },
    /// A file that cannot be opened.
    #[error("--config {}: {source}", path.display())]
    Open {
        /// The file.
        path: std::path::PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Augmentation constants.
    #[error("augmentation: {0}")]
    Augment(String),
}

impl TrainConfig {
    /// What is trained by.
    pub fn method(&self) -> Method {
        self.loss.method()
    }

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
}
