//! `harness tsne`: options.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::features::FeatureArgs;

/// Options of `harness tsne`.
#[derive(Args, Clone, Debug)]
pub struct TsneArgs {
    /// Run folder that `harness train` wrote; each --run is a panel beside the others
    #[arg(long = "run", value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// How the features are laid out on the plane
    #[arg(long, value_enum, default_value_t = MapMethod::Tsne)]
    pub method: MapMethod,
    /// Images of the test set that are drawn, as many of each class
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub points: usize,
    /// About how many neighbours a point has (t-SNE)
    #[arg(long, value_name = "P", default_value_t = 30.0)]
    pub perplexity: f32,
    /// Steps of the descent (t-SNE)
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub iterations: usize,
    /// Length of a step [default: points / 12, at least 200]
    #[arg(long, value_name = "R")]
    pub learning_rate: Option<f32>,
    /// Chooses the images, and sets equal ones apart
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Picture to write; .svg, .png and .csv lie beside each other [default: METHOD.svg]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Where the features of each come from.
    #[command(flatten)]
    pub features: FeatureArgs,
}

/// A way from many dimensions to the plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MapMethod {
    /// Neighbours stay neighbours, as far as a plane allows
    Tsne,
    /// The two directions of the largest variance
    Pca,
}

impl MapMethod {
    /// The name on the command line and of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tsne => "tsne",
            Self::Pca => "pca",
        }
    }
}
