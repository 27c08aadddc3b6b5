//! What can go wrong with a run folder, in the words that the user reads.

use std::{
    fmt,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use super::container::Problem;

/// A failure in a run folder.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The operating system refused.
    #[error("could not {operation} {}: {source}{}", path.display(), advice(source))]
    Io {
        /// What was tried, as a verb: "read", "create".
        operation: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A new run in a folder that has one.
    #[error("{} already holds a run; choose another --out, or continue it with --resume", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that no run was started in.
    #[error(
        "{} is no run: expected a folder with config.toml in it, got {got}; \
         give the folder that `harness train` wrote (its --out)", path.display()
    )]
    NotARun {
        /// What was given.
        path: PathBuf,
        /// What it is.
        got: &'static str,
    },
    /// Another process trains here.
    #[error(
        "{} is being trained by {}; wait until it ends, or choose another --out",
        path.display(), holder(*pid)
    )]
    Locked {
        /// The run.
        path: PathBuf,
        /// The other process, if it could be found out.
        pid: Option<u32>,
    },
    /// A name that would leave the run folder.
    #[error("files of a run have plain names without folders, got {name:?}")]
    FileName {
        /// The name.
        name: String,
    },
    /// A state that the checkpoint format cannot hold.
    #[error("the checkpoint of step {step} cannot be written: {reason}")]
    Encode {
        /// Its step.
        step: u64,
        /// What it is about.
        reason: String,
    },
    /// There are checkpoints, and none can be used.
    #[error("{}", no_valid(folder, files))]
    NoValidCheckpoint {
        /// Where they lie.
        folder: PathBuf,
        /// Each, newest first, with what is wrong.
        files: Vec<(PathBuf, Problem)>,
    },
    /// A line of `metrics.jsonl` that is no record.
    #[error(
        "{}, line {line}: expected a record with a step, got {reason}; \
         the other lines are untouched: correct or delete this one", path.display()
    )]
    Record {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A record that has no JSON.
    #[error("a record of metrics.jsonl could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The system took no signal handler.
    #[error("could not listen to Ctrl-C and SIGTERM: {0}")]
    Signals(io::Error),
}

impl RunError {
    /// For `map_err`: an [`RunError::Io`] of `operation` on `path`.
    pub fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            operation,
            path,
            source,
        }
    }
}

/// What the user can do, where the system's words alone do not say it.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; free some space and go on with --resume, what was saved before is intact"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; choose a folder that you may write to"
        }
        ErrorKind::NotADirectory => "; a part of the path is a file",
        ErrorKind::Unsupported => "; choose a folder on a local disk",
        _ => "",
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

fn no_valid(folder: &Path, files: &[(PathBuf, Problem)]) -> String {
    use fmt::Write;
    let mut text = format!("no checkpoint in {} can be used:", folder.display());
    for (path, problem) in files {
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy();
        // Writing into a String cannot fail.
        let _ = write!(text, "\n  {name}: {problem}");
    }
    text.push_str(
        "\nput a copy of one of them back from a backup, or start a new run with another --out",
    );
    text
}
