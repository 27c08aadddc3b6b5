//! `harness export`: options.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

/// Options of `harness export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// Run folder that `harness train` wrote
    #[arg(long, value_name = "RUN")]
    pub run: PathBuf,
    /// What other tools read
    #[arg(long, value_enum)]
    pub format: Format,
    /// File [default: resnet18.safetensors or resnet18.onnx in the run folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Folder with one folder per data set, for a run that does not state how its pixels are
    /// scaled [default: as in the run]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// A file format for networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Weights by torchvision's names, for a ResNet-18 that is already there
    Safetensors,
    /// The whole network with its weights
    Onnx,
}
