//! `harness eval`: options.

use std::path::PathBuf;

use clap::Args;

use super::features::FeatureArgs;
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
    /// Neighbours of the k-NN probe [default: as in the run]
    #[arg(long, value_name = "K")]
    pub knn_k: Option<usize>,
    /// Temperature of the k-NN probe's vote [default: as in the run]
    #[arg(long, value_name = "T")]
    pub knn_temperature: Option<f32>,
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
    /// Where its features come from.
    #[command(flatten)]
    pub features: FeatureArgs,
}
