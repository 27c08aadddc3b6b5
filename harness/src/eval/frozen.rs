//! `encoder.safetensors`: a trained encoder with all that using it takes. Tensors have
//! torchvision's names; the header says which network it is and how pixels become its
//! input, so that neither the run nor its images are needed to use it.

use std::{collections::HashMap, fs, io::ErrorKind};

use burn::{module::Module, tensor::Device};

use super::error::EvalError;
use crate::{
    augment::Normalize,
    config::TrainConfig,
    data::Dataset,
    error::Error,
    model::{ResNet18, state_dict},
    run::{RunDir, RunError},
};

/// Its name in the run folder.
pub const FILE: &str = "encoder.safetensors";
/// What every file says of its network.
const ARCHITECTURE: &str = "resnet18";

/// An encoder that is learning no more.
pub struct Frozen {
    /// The network.
    pub encoder: ResNet18,
    /// Planes of its images.
    pub channels: usize,
    /// How its images are scaled; files of older versions do not say.
    normalize: Option<Normalize>,
}

impl Frozen {
    /// The encoder of a finished run.
    pub fn open(dir: &RunDir, config: &TrainConfig, device: &Device) -> Result<Self, Error> {
        let path = dir.path().join(FILE);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let run = dir.path().to_owned();
                return Err(EvalError::NoEncoder { run }.into());
            }
            read => read.map_err(RunError::io("read", &path))?,
        };
        let unreadable = |reason: String| EvalError::Encoder {
            file: path.clone(),
            reason,
        };
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes)
            .map_err(|error| unreadable(format!("not a safetensors file: {error}")))?;
        let none = HashMap::new();
        let entries = header.metadata().as_ref().unwrap_or(&none);
        for (what, expected) in statements(config) {
            let got = entries.get(what).map_or("nothing", String::as_str);
            if got != expected {
                return Err(EvalError::Foreign {
                    file: path.clone(),
                    what,
                    expected: expected.to_owned(),
                    got: got.to_owned(),
                }
                .into());
            }
        }
        let channels = header
            .info("conv1.weight")
            .and_then(|info| info.shape.get(1).copied())
            .ok_or_else(|| unreadable("it has no conv1.weight of four dimensions".to_owned()))?;
        let normalize = match (entries.get("mean"), entries.get("std")) {
            (Some(mean), Some(std)) => Some(
                constants(mean, std, channels)
                    .map_err(|reason| unreadable(format!("mean and std: {reason}")))?,
            ),
            _ => None,
        };
        // The shapes are the file's own: a forged header must not make a huge network.
        let channels = match channels {
            1..=4 => channels,
            other => {
                return Err(unreadable(format!(
                    "its first layer is for {other} channels, expected 1 to 4"
                ))
                .into());
            }
        };
        let fresh = ResNet18::new(config.model.stem, channels, device).materialize();
        let encoder = state_dict::load_safetensors(fresh, &bytes)
            .map_err(|error| unreadable(error.to_string()))?;
        Ok(Self {
            encoder,
            channels,
            normalize,
        })
    }

    /// How `data` are scaled for this encoder: as in training, where the file says it.
    pub fn normalize(&self, data: &Dataset) -> Result<Normalize, EvalError> {
        let got = data.train.images.channels;
        if got != self.channels {
            return Err(EvalError::Channels {
                dataset: data.kind.name(),
                expected: self.channels,
                got,
            });
        }
        let stored = self.normalize.clone();
        Ok(stored.unwrap_or_else(|| Normalize::measure(&data.pretrain)))
    }

    /// The scaling that the file states.
    pub fn stated_normalize(&self) -> Option<&Normalize> {
        self.normalize.as_ref()
    }
}

/// The bytes of `encoder.safetensors`.
pub fn to_bytes(
    config: &TrainConfig,
    encoder: &ResNet18,
    normalize: &Normalize,
) -> Result<Vec<u8>, Error> {
    let metadata = metadata(config, normalize)?;
    let entries = state_dict::state_dict(encoder);
    Ok(state_dict::to_safetensors(&entries, metadata)?)
}

/// What the header says.
pub fn metadata(
    config: &TrainConfig,
    normalize: &Normalize,
) -> Result<HashMap<String, String>, Error> {
    let constants = |values: &[f32]| serde_json::to_string(values).map_err(Error::Json);
    let statements = statements(config).map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut metadata = HashMap::from(statements);
    metadata.insert("method".to_owned(), config.method().name().to_owned());
    metadata.insert("mean".to_owned(), constants(&normalize.mean)?);
    metadata.insert("std".to_owned(), constants(&normalize.std)?);
    Ok(metadata)
}

/// What file and configuration must agree on.
fn statements(config: &TrainConfig) -> [(&'static str, &'static str); 3] {
    [
        ("architecture", ARCHITECTURE),
        ("stem", config.model.stem.name()),
        ("dataset", config.data.dataset.name()),
    ]
}

fn constants(mean: &str, std: &str, channels: usize) -> Result<Normalize, String> {
    let parse = |text: &str| serde_json::from_str::<Vec<f32>>(text).map_err(|e| e.to_string());
    let normalize = Normalize {
        mean: parse(mean)?,
        std: parse(std)?,
    };
    normalize.validate(channels).map_err(|e| e.to_string())?;
    Ok(normalize)
}
