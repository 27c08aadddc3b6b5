//! `harness eval`: options.

use std::path::PathBuf;

use clap::Args;

use crate::eval::Probe;

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
    /// Width of the perceptron's hidden layer [default: as in the run]
    #[arg(long, value_name = "N")]
    pub mlp_hidden: Option<usize>,
    /// Epochs of the linear probe [default: as in the run]
    #[arg(long, value_name = "N")]
    pub linear_epochs: Option<usize>,
    /// Epochs of the perceptron [default: as in the run]
    #[arg(long, value_name = "N")]
    pub mlp_epochs: Option<usize>,
    /// Judge the encoder that training began with, too
    #[arg(long)]
    pub untrained: bool,
    /// Neither use nor keep the features in the run folder
    #[arg(long)]
    pub no_cache: bool,
    /// Threads; 0 is one per core [default: as in the run]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}
