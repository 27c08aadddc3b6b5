//! `harness embed`: options.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

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
    /// Folder with one folder per data set [default: as in the run]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Neither use nor keep the features in the run folder
    #[arg(long)]
    pub no_cache: bool,
    /// Threads; 0 is one per core [default: as in the run]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
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
