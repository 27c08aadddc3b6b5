//! `harness eval`: options.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

/// Options of `harness eval`.
#[derive(Args, Clone, Debug)]
pub struct EvalArgs {
    /// Run folder that `harness train` wrote
    #[arg(long, value_name = "RUN")]
    pub run: PathBuf,
    /// How the frozen encoder is judged
    #[arg(long, value_enum)]
    pub probe: Probe,
    /// Folder with one folder per data set [default: as in the run]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Neighbours of the k-NN probe [default: as in the run]
    #[arg(long, value_name = "K")]
    pub knn_k: Option<usize>,
    /// Epochs of the linear probe [default: as in the run]
    #[arg(long, value_name = "N")]
    pub linear_epochs: Option<usize>,
    /// Threads; 0 is one per core [default: as in the run]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

/// A way to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Probe {
    /// Logistic regression on the representations
    Linear,
    /// Vote of the nearest representations
    Knn,
}
