//! The command line: what can be asked, and nothing of how it is done.

pub mod completions;
pub mod devices;
pub mod embed;
pub mod eval;
pub mod export;
pub mod features;
pub mod loss;
pub mod train;
pub mod tsne;

use clap::{Parser, Subcommand};
use harness_images::cli::{DatasetsArgs, DownloadArgs};
use harness_study::options::{ReportArgs, ReproduceArgs, SweepArgs};

/// Trains image encoders without labels by contrastive and Sinkhorn-regularised
/// losses, and judges them by their frozen representations.
#[derive(Parser, Debug)]
// An option that is given twice counts as given last: scripts may add to a list.
#[command(name = "harness", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Train an encoder; with no options, on the built-in images in minutes
    #[command(args_override_self = true)]
    Train(Box<train::TrainArgs>),
    /// Judge the frozen encoder of a run by its test accuracy
    #[command(args_override_self = true)]
    Eval(eval::EvalArgs),
    /// Draw the test images of runs as points on a plane, side by side
    #[command(args_override_self = true)]
    Tsne(tsne::TsneArgs),
    /// Write representations as arrays for NumPy
    Embed(embed::EmbedArgs),
    /// Write the encoder for PyTorch (safetensors) or any runtime (ONNX)
    Export(export::ExportArgs),
    /// Run the paper's experiments and write the report; the same command continues
    Reproduce(Box<ReproduceArgs>),
    /// Run a grid over the constants of the transport term and write the report
    Sweep(Box<SweepArgs>),
    /// Write the report on experiments that were run before, by one machine or by many
    Report(ReportArgs),
    /// List the data sets: where each is, whether whole, and how to get it
    Datasets(DatasetsArgs),
    /// Get official data sets, checked; a download that broke off is continued
    Download(DownloadArgs),
    /// List what this machine and this build can compute on, and why not on a GPU
    Devices(devices::DevicesArgs),
    /// Print a script by which a shell completes commands and options
    Completions(completions::CompletionsArgs),
    /// Write manual pages
    Man(completions::ManArgs),
}
