//! What can go wrong, in the words that the user reads.

use crate::{
    backend::BackendError,
    config::ConfigError,
    train::{
        schedule::TooFewImages,
        trainer::{RestoreError, StepError},
    },
};

/// Any failure of a command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Options or `config.toml`.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Backend or threads.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// Data set.
    #[error(transparent)]
    Data(#[from] crate::data::DataError),
    /// Making views.
    #[error(transparent)]
    Augment(#[from] crate::augment::AugmentError),
    /// Run folder, checkpoints, metrics.
    #[error(transparent)]
    Run(#[from] crate::run::RunError),
    /// A study of many runs.
    #[error(transparent)]
    Study(#[from] harness_study::error::StudyError),
    /// This program's own file could not be found, to be run again.
    #[error("could not find the program's own file, to run it for each cell: {0}")]
    Program(std::io::Error),
    /// Figures.
    #[error(transparent)]
    Plot(#[from] crate::plot::PlotError),
    /// Fewer images than a step needs.
    #[error(transparent)]
    TooFewImages(#[from] TooFewImages),
    /// A stored state that does not fit.
    #[error("{0}; the run folder was written by another version or configuration of this program")]
    Restore(#[from] RestoreError),
    /// A training step failed. Boxed: it is larger than all the others.
    #[error(transparent)]
    Step(Box<StepFailure>),
    /// Tensors could not be written.
    #[error("tensors could not be written as safetensors: {0}")]
    Safetensors(#[from] safetensors::SafeTensorError),
    /// An encoder that cannot be judged.
    #[error(transparent)]
    Eval(#[from] crate::eval::EvalError),
    /// Maps of features.
    #[error(transparent)]
    Map(#[from] harness_maps::MapError),
    /// Runs that cannot be shown side by side.
    #[error(
        "--run: expected runs with the same test images, got {} beside {}, whose data set, limit \
         of test images or seed of built-in images differs; draw them apart",
        other.display(), first.display()
    )]
    OtherImages {
        /// The first run.
        first: std::path::PathBuf,
        /// The one that differs.
        other: std::path::PathBuf,
    },
    /// A result could not be written as JSON.
    #[error("a result could not be written as JSON: {0}")]
    Json(serde_json::Error),
    /// `--resume` with options that belong to another experiment.
    #[error(
        "--resume: {0}; a resumed run keeps its experiment, only --epochs, --checkpoint-steps, --diagnostics-steps, --threads, --backend, --data-dir, --offline, --test-limit and the probes may change. Start a new run with another --out"
    )]
    Resume(String),
}

/// Where a run stood when a step failed, and what can be gone back to.
#[derive(Debug, thiserror::Error)]
#[error(
    "step {step} (epoch {epoch}, seed {seed}, batch begins with images {first_images:?}): \
     {source}. {}", last_good(*.checkpoint)
)]
pub struct StepFailure {
    /// The step, counted from 1.
    pub step: u64,
    /// Its epoch, counted from 0: with the seed, what the batch was made from.
    pub epoch: u64,
    /// The run's seed.
    pub seed: u64,
    /// The batch's first images.
    pub first_images: Vec<u32>,
    /// Step of the last good checkpoint.
    pub checkpoint: Option<u64>,
    /// What happened.
    pub source: StepError,
}

fn last_good(step: Option<u64>) -> String {
    match step {
        Some(step) => format!("The last good checkpoint is that of step {step}"),
        None => "There is no checkpoint to go back to".to_owned(),
    }
}
