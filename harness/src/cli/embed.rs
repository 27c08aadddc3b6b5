//! `harness embed`: options.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::features::FeatureArgs;

/// Options of `harness embed`.
#[derive(Args, Clone, Debug)]
pub struct EmbedArgs {
    /// Run folder that `harness train` wrote
    #[arg(long, value_name = "RUN")]
    pub run: PathBuf,
    /// Which labelled images
    #[arg(long, value_enum, default_value_t = Split::Test)]
    pub split: Split,
    /// Folder for features.npy, labels.npy and classes.json
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Write the images' bytes, too: images.npy
    #[arg(long)]
    pub images: bool,
    /// Where its features come from.
    #[command(flatten)]
    pub features: FeatureArgs,
}

/// A part of the labelled images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// What probes are fitted on
    Train,
    /// What accuracies are counted on
    Test,
}
