//! Options of the commands that look at the features of a frozen encoder.

use std::path::PathBuf;

use clap::Args;

/// What of a finished run's configuration is the machine's.
#[derive(Args, Clone, Debug)]
pub struct FeatureArgs {
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
