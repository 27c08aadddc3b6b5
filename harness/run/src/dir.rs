//! The run folder itself: made, found again, locked, and its small files.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use super::{
    RunError, atomic,
    checkpoint::FOLDER,
    metrics::{self, MetricsWriter, Record},
};

const CONFIG: &str = "config.toml";
const METRICS: &str = "metrics.jsonl";
const LOCK: &str = ".lock";

/// Any of these makes a folder a run, finished or not.
const SIGNS: [&str; 4] = [CONFIG, METRICS, "result.json", "encoder.safetensors"];

/// A run folder.
#[derive(Clone, Debug)]
pub struct RunDir {
    path: PathBuf,
}

/// While this lives, no other process gets a lock on the run. The system releases
/// it when the process ends, however it ends.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct RunLock {
    _file: File,
}

impl RunDir {
    /// The folder of a new run, made with its parents if it is not there. A folder
    /// that holds other files is taken (a log may be among them), one that holds a
    /// run is refused.
    pub fn create(path: &Path) -> Result<Self, RunError> {
        let checkpoints = path.join(FOLDER);
        let occupied = SIGNS.iter().any(|name| path.join(name).exists())
            || fs::read_dir(&checkpoints).is_ok_and(|mut entries| entries.next().is_some());
        if occupied {
            return Err(RunError::Occupied {
                path: path.to_owned(),
            });
        }
        fs::create_dir_all(&checkpoints).map_err(RunError::io("create", &checkpoints))?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// The folder of a run that was started before.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let no_run = |got| {
            Err(RunError::NotARun {
                path: path.to_owned(),
                got,
            })
        };
        if path.as_os_str().is_empty() {
            return no_run("no path");
        }
        match fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => no_run("nothing there"),
            Err(error) => Err(RunError::io("open", path)(error)),
            Ok(found) if !found.is_dir() => no_run("a file"),
            Ok(_) if !path.join(CONFIG).is_file() => no_run("a folder without it"),
            Ok(_) => Ok(Self {
                path: path.to_owned(),
            }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the run for this process, and clears away what a killed one left half
    /// written.
    ///
    /// The lock belongs to the open file, not to its name, so a `.lock` that is left
    /// over locks nothing. It is never removed: a process could hold the removed
    /// file while the next locks a new one.
    pub fn lock(&self) -> Result<RunLock, RunError> {
        let path = self.path.join(LOCK);
        // Not truncated: until it is locked, the number in it is somebody else's.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(RunError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Where it cannot be read (Windows), the message does without.
                let _ = file.read_to_string(&mut text);
                let pid = text.trim().parse().ok();
                return Err(RunError::Locked {
                    path: self.path.clone(),
                    pid,
                });
            }
            Err(TryLockError::Error(error)) => return Err(RunError::io("lock", &path)(error)),
        }
        for folder in [self.path.clone(), self.path.join(FOLDER)] {
            if folder.is_dir() {
                atomic::remove_leftovers(&folder).map_err(RunError::io("tidy", &folder))?;
            }
        }
        // The number only makes the other's message better: a full disk is no reason
        // to fail here.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(RunLock { _file: file })
    }

    /// Replaces `config.toml`.
    pub fn write_config(&self, text: &str) -> Result<(), RunError> {
        self.write_file_atomic(CONFIG, text.as_bytes()).map(drop)
    }

    /// The text of `config.toml`.
    pub fn read_config(&self) -> Result<String, RunError> {
        let path = self.path.join(CONFIG);
        fs::read_to_string(&path).map_err(RunError::io("read", &path))
    }

    /// Replaces a file of the run, or creates it; gives its path. Either all of
    /// `bytes` is on the disk, or the old file is as it was.
    pub fn write_file_atomic(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, RunError> {
        let path = self.file(name)?;
        atomic::write(&path, bytes).map_err(RunError::io("write", &path))?;
        Ok(path)
    }

    /// A file of the run.
    pub fn read_file(&self, name: &str) -> Result<Vec<u8>, RunError> {
        let path = self.file(name)?;
        fs::read(&path).map_err(RunError::io("read", &path))
    }

    /// `metrics.jsonl`, to be continued after `step`: later records, and a last line
    /// that was cut short, are gone when this returns. At step 0 that is all.
    pub fn metrics(&self, step: u64) -> Result<MetricsWriter, RunError> {
        MetricsWriter::open(&self.path.join(METRICS), step)
    }

    /// The records of `metrics.jsonl`.
    pub fn read_metrics(&self) -> Result<Vec<Record>, RunError> {
        metrics::read(&self.path.join(METRICS))
    }

    fn file(&self, name: &str) -> Result<PathBuf, RunError> {
        let mut parts = Path::new(name).components();
        match (parts.next(), parts.next()) {
            (Some(std::path::Component::Normal(part)), None) if part == name => {
                Ok(self.path.join(name))
            }
            _ => Err(RunError::FileName {
                name: name.to_owned(),
            }),
        }
    }
}
