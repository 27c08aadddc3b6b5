//! What is known of one cell of the grid: what was asked for, and what came of it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One training run of a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Name, unique in the study and fit for a folder: `mnist/sinsim-l0.8-e0.05-s0`.
    pub id: String,
    /// Name of the data set, as on the command line.
    pub dataset: String,
    /// Name of the method, as on the command line.
    pub method: String,
    /// The run's seed.
    pub seed: u64,
    /// Weight of the transport term, where the method has one.
    pub lambda: Option<f64>,
    /// Entropic regularisation, where the method has one.
    pub epsilon: Option<f64>,
    /// Where the transport term acts (`h`, `z`), where the method has one.
    pub ot_on: Option<String>,
    /// What of the report it is for; one cell may serve several.
    pub parts: Vec<Part>,
    /// Arguments of `harness train` beside the above, `--out` and `--threads`.
    pub args: Vec<String>,
}

/// A part of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Tables I and II: each method on each data set.
    Methods,
    /// Figure 1: a map of the embeddings.
    Maps,
    /// Figure 2: accuracy against λ.
    Lambda,
    /// Figure 3: accuracy against ε.
    Epsilon,
}

/// A cell and what came of it.
#[derive(Clone, Debug)]
pub struct Finished {
    /// What was asked for.
    pub cell: Cell,
    /// Where it stands.
    pub state: CellState,
    /// Its run folder.
    pub folder: PathBuf,
}

/// Where a cell stands.
#[derive(Clone, Debug, PartialEq)]
pub enum CellState {
    /// Not started, or interrupted.
    Open,
    /// Ended without a result; the reason.
    Failed(String),
    /// Complete.
    Done(Box<RunResult>),
}

/// `result.json` of a run, as far as a report needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Training method.
    pub method: String,
    /// Data set.
    pub dataset: String,
    /// Name of the recipe that the configuration started from.
    pub recipe: String,
    /// First layers of the encoder.
    pub stem: String,
    /// Backend that computed it.
    pub backend: String,
    /// Passes over the images.
    pub epochs: usize,
    /// Optimiser steps.
    pub steps: u64,
    /// Images in a batch.
    pub batch_size: usize,
    /// The run's seed.
    pub seed: u64,
    /// Images that were learnt from.
    pub pretrain_images: usize,
    /// Labelled images that the probes were fitted on.
    pub train_images: usize,
    /// Images that accuracies are counted on.
    pub test_images: usize,
    /// The frozen encoder after training.
    pub trained: Judgement,
    /// The same encoder before it.
    pub untrained: Judgement,
    /// Seconds in training steps.
    pub train_seconds: f64,
}

/// Test accuracies of a frozen encoder.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Linear probe: Table I.
    pub linear: TopK,
    /// Two-layer perceptron: Table II.
    pub mlp: TopK,
    /// k nearest neighbours.
    pub knn: TopK,
}

/// Shares of test images, of 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopK {
    /// The first guess is right.
    pub top1: f64,
    /// One of the first five is.
    pub top5: f64,
}
