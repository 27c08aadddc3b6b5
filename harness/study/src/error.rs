//! What can go wrong with a study as a whole, in the words that the user reads. What
//! goes wrong with one cell is in [`crate::runner::Failure`].

use std::{
    io,
    path::{Path, PathBuf},
};

/// A failure that ends a study, or keeps it from starting.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// The operating system refused.
    #[error("could not {operation} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A folder that no study was written in.
    #[error(
        "{} is no study: expected a folder with a study.json of this program, got {got}; \
         give the folder that `harness reproduce` or `harness sweep` wrote (its --out)",
        path.display()
    )]
    NotAStudy {
        /// What was given.
        path: PathBuf,
        /// What is wrong with it.
        got: String,
    },
    /// The folder of a cell was made by another command.
    #[error(
        "{id} is there already, made with other arguments: expected\n  {asked}\nfound in {}\n  \
         {found}\nchoose another --out, or delete that folder to run the cell anew",
        folder.display()
    )]
    OtherArguments {
        /// The cell.
        id: String,
        /// Its run folder.
        folder: PathBuf,
        /// Arguments that are asked for.
        asked: String,
        /// Arguments that it was made with.
        found: String,
    },
    /// A cell's own option among those for all cells.
    #[error(
        "{option} after the `--`: expected options of `harness train` that are the same for \
         every cell, got one that the study sets for each; {advice}"
    )]
    OwnOption {
        /// The option.
        option: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// Another process runs the same share.
    #[error(
        "share {shard} of {} is being run by another process; wait until it ends, \
         or divide the study by --shard", path.display()
    )]
    Running {
        /// The study.
        path: PathBuf,
        /// The share.
        shard: String,
    },
    /// There is no room for what cells write.
    #[error(
        "the disk of {} is full: {} MB are left, and {cell} failed ({reason}); make room and \
         give the same command again, it continues where it stood", path.display(), left >> 20
    )]
    DiskFull {
        /// The study.
        path: PathBuf,
        /// Bytes that are left.
        left: u64,
        /// The first cell that failed.
        cell: String,
        /// What it said.
        reason: String,
    },
    /// A grid without cells.
    #[error("nothing to run: {0}")]
    Empty(&'static str),
    /// Signals, or the run folders' own files.
    #[error(transparent)]
    Run(#[from] harness_run::RunError),
    /// A file of the study as JSON.
    #[error("{} could not be written as JSON: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// The report could not be written.
    #[error(
        "the report could not be written: {0}; the runs are complete and untouched, \
             write it again with `harness report`"
    )]
    Report(Box<dyn std::error::Error + Send + Sync>),
}

impl StudyError {
    /// For `map_err`: an [`StudyError::Io`] of `operation` on `path`.
    pub fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            operation,
            path,
            source,
        }
    }
}
