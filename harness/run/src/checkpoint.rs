//! The newest states of a run: written so that a kill at any moment leaves one to go
//! on from, read so that damage is reported and never trained on.

use std::{
    fmt, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    RunError,
    atomic::{Replacement, Stage},
    container::{self, Problem},
};

/// Where checkpoints lie in a run folder.
pub const FOLDER: &str = "checkpoints";

/// How many are kept: one to go on from, one in case the disk damages it.
const KEPT: usize = 2;

/// A state that training can go on from.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Optimiser steps that are done.
    pub step: u64,
    /// Epochs that are done.
    pub epoch: u64,
    /// Small state: schedule, sampler, generators, digest of the configuration.
    /// Integers come back exactly; a float may come back as its neighbour, and NaN
    /// comes back as null, so what has to be exact belongs into a section or into
    /// the bits of an integer.
    pub meta: Value,
    /// Large state by name, such as `network` and `optimizer`.
    pub sections: Vec<(String, Vec<u8>)>,
}

/// A checkpoint that was passed over.
#[derive(Debug)]
pub struct Warning {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: Problem,
    /// Where it was moved to, out of the way of those to come.
    pub aside: Option<PathBuf>,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}; going back to the checkpoint before it",
            self.path.display(),
            self.problem
        )?;
        match &self.aside {
            Some(aside) => write!(f, " (the file is kept as {})", aside.display()),
            None => write!(f, " (the file could not be moved aside)"),
        }
    }
}

/// Writes a checkpoint of the run in folder `run`, and then removes all but the
/// newest two; gives its path. When this returns `Ok`, the checkpoint is on the
/// disk; when it fails, or is killed, those before it are still there.
pub fn save(run: &Path, checkpoint: &Checkpoint) -> Result<PathBuf, RunError> {
    let bytes = container::encode(checkpoint)?;
    let path = file_path(run, checkpoint.step);
    let folder = run.join(FOLDER);
    fs::create_dir_all(&folder).map_err(RunError::io("create", &folder))?;
    Saving::new(run, &path, &bytes).finish()?;
    Ok(path)
}

/// The newest checkpoint of the run in folder `run` that is whole.
///
/// Those that are newer and damaged are reported, and renamed so that they neither
/// count as newest nor get overwritten. `None`: there is none at all, the run was
/// killed before its first. If there are some and none is whole, that is an error,
/// and no file is touched. A file that the disk does not give at all is an error at
/// once: it may be back tomorrow.
pub fn load_latest(run: &Path) -> Result<Option<(Checkpoint, Vec<Warning>)>, RunError> {
    let mut refused: Vec<(PathBuf, Problem)> = Vec::new();
    for (step, path) in list(run)? {
        let bytes = fs::read(&path).map_err(RunError::io("read", &path))?;
        match container::decode(&bytes).and_then(|found| expect_step(step, found)) {
            Ok(found) => {
                let warnings = refused.into_iter().map(|(path, problem)| {
                    let aside = move_aside(&path);
                    Warning {
                        path,
                        problem,
                        aside,
                    }
                });
                return Ok(Some((found, warnings.collect())));
            }
            Err(problem) => refused.push((path, problem)),
        }
    }
    if refused.is_empty() {
        return Ok(None);
    }
    Err(RunError::NoValidCheckpoint {
        folder: run.join(FOLDER),
        files: refused,
    })
}

/// A save as a state machine: the file's replacement, then the removal of old ones,
/// one at a time.
pub(super) struct Saving<'a> {
    run: &'a Path,
    path: &'a Path,
    file: Replacement<'a>,
    durable: bool,
}

impl<'a> Saving<'a> {
    /// Nothing is touched before [`Saving::step`].
    pub(super) fn new(run: &'a Path, path: &'a Path, bytes: &'a [u8]) -> Self {
        Self {
            run,
            path,
            file: Replacement::new(path, bytes, |file| file),
            durable: false,
        }
    }

    /// Steps until there is nothing left to do.
    fn finish(mut self) -> Result<(), RunError> {
        while !self.step()? {}
        Ok(())
    }

    /// One step on; gives whether there is nothing left to do.
    pub(super) fn step(&mut self) -> Result<bool, RunError> {
        if !self.durable {
            let stage = self.file.step().map_err(RunError::io("write", self.path))?;
            self.durable = stage == Stage::Durable;
            return Ok(false);
        }
        let mut others = list(self.run)?;
        others.retain(|(_, path)| path != self.path);
        if others.len() < KEPT {
            return Ok(true);
        }
        // Newest first: the last is the oldest.
        if let Some((_, oldest)) = others.last() {
            fs::remove_file(oldest).map_err(RunError::io("remove", oldest))?;
        }
        Ok(false)
    }
}

/// Where the checkpoint of a step lies. Nine digits keep the names in order.
pub(super) fn file_path(run: &Path, step: u64) -> PathBuf {
    run.join(FOLDER).join(format!("step-{step:09}.ckpt"))
}

/// Checkpoint files by their names, newest first.
fn list(run: &Path) -> Result<Vec<(u64, PathBuf)>, RunError> {
    let folder = run.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(RunError::io("list", &folder))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let name = entry.map_err(RunError::io("list", &folder))?.file_name();
        let step = name
            .to_str()
            .and_then(|name| name.strip_prefix("step-")?.strip_suffix(".ckpt"));
        if let Some(step) = step.and_then(|digits| digits.parse().ok()) {
            files.push((step, folder.join(name)));
        }
    }
    files.sort_unstable_by(|a, b| b.cmp(a));
    Ok(files)
}

/// A file that was copied to another step's name would turn time back.
fn expect_step(name: u64, found: Checkpoint) -> Result<Checkpoint, Problem> {
    if found.step == name {
        Ok(found)
    } else {
        Err(Problem::Step {
            name,
            content: found.step,
        })
    }
}

/// Gives a damaged file a free name that is not a checkpoint's.
fn move_aside(path: &Path) -> Option<PathBuf> {
    let aside = |n: u32| match n {
        1 => path.with_added_extension("damaged"),
        n => path.with_added_extension(format!("damaged-{n}")),
    };
    let free = (1..100).map(aside).find(|name| !name.exists())?;
    // Where the folder cannot be written to, it stays; nothing can be saved over it either.
    fs::rename(path, &free).ok()?;
    Some(free)
}
