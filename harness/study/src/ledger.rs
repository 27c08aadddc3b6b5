//! What happened to the cells of a study: when each was started, how long it took, and
//! why it failed. Each share of the grid has a file of its own, so that machines that
//! share a file system never write to the same one; a reader merges them by time.
//!
//! A line is written whole and synced. A power cut can cut the last one short: it is
//! skipped by readers, and closed by the next writer.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use crate::{error::StudyError, shard::Shard};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A process began to work on the study.
    Session {
        /// Name and version of the program.
        program: String,
        /// Processor, cores, system.
        machine: String,
        /// Share of the grid.
        shard: String,
    },
    /// A cell was started, or continued.
    Started {
        /// Its id.
        cell: String,
    },
    /// A cell is complete.
    Done {
        /// Its id.
        cell: String,
        /// Time since it was started or continued.
        seconds: f64,
    },
    /// A cell ended without a result.
    Failed {
        /// Its id.
        cell: String,
        /// Time since it was started or continued.
        seconds: f64,
        /// What is known of it.
        reason: String,
    },
    /// A cell was stopped, and can be continued.
    Interrupted {
        /// Its id.
        cell: String,
        /// Time since it was started or continued.
        seconds: f64,
    },
}

/// A line of a ledger.
#[derive(Serialize, Deserialize)]
struct Line {
    /// Milliseconds since 1970.
    time: u64,
    #[serde(flatten)]
    event: Event,
}

/// What is known of the past of one cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// How often it was started or continued.
    pub attempts: u32,
    /// Time that it took, over all attempts whose end is known.
    pub seconds: f64,
    /// Why the latest attempt failed, if it did.
    pub failure: Option<String>,
}

/// The ledgers of all shares.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// By the cell's id.
    pub cells: HashMap<String, History>,
    /// Machines that worked on it, in order of appearance.
    pub machines: Vec<String>,
    /// Lines that could not be read.
    pub unreadable: usize,
}

impl Ledger {
    /// Reads every file of a folder.
    pub fn read(folder: &Path) -> Result<Self, StudyError> {
        let mut lines = Vec::new();
        let mut ledger = Self::default();
        for entry in fs::read_dir(folder).map_err(StudyError::io("read", folder))? {
            let path = entry.map_err(StudyError::io("read", folder))?.path();
            if path
                .extension()
                .is_none_or(|extension| extension != "jsonl")
            {
                continue;
            }
            let text = fs::read(&path).map_err(StudyError::io("read", &path))?;
            let filled = text
                .split(|&byte| byte == b'\n')
                .filter(|line| !line.is_empty());
            for line in filled {
                match serde_json::from_slice::<Line>(line) {
                    Ok(line) => lines.push(line),
                    Err(_) => ledger.unreadable += 1,
                }
            }
        }
        // Stable: lines of one file keep their order where the clock stood still.
        lines.sort_by_key(|line| line.time);
        for line in lines {
            ledger.note(line.event);
        }
        Ok(ledger)
    }

    /// One event on.
    pub fn note(&mut self, event: Event) {
        match event {
            Event::Session { machine, .. } => {
                if !self.machines.contains(&machine) {
                    self.machines.push(machine);
                }
            }
            Event::Started { cell } => {
                let history = self.cells.entry(cell).or_default();
                history.attempts += 1;
                history.failure = None;
            }
            Event::Done { cell, seconds } | Event::Interrupted { cell, seconds } => {
                let history = self.cells.entry(cell).or_default();
                history.seconds += seconds;
                history.failure = None;
            }
            Event::Failed {
                cell,
                seconds,
                reason,
            } => {
                let history = self.cells.entry(cell).or_default();
                history.seconds += seconds;
                history.failure = Some(reason);
            }
        }
    }
}

/// The ledger of one share, held by this process.
#[derive(Debug)]
pub struct Writer {
    file: File,
    path: std::path::PathBuf,
}

impl Writer {
    /// Opens the ledger of a share of the study at `study`, and keeps other processes
    /// from running the same share while it lives.
    pub fn open(study: &Path, folder: &Path, shard: Shard) -> Result<Self, StudyError> {
        let path = folder.join(format!("{}.jsonl", shard.file_name()));
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(StudyError::io("open", &path))?;
        // Not every file system has locks; where it has none, the run folders' own
        // locks are missing too, and nobody can help.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(StudyError::Running {
                path: study.to_owned(),
                shard: shard.to_string(),
            });
        }
        close_last_line(&mut file).map_err(StudyError::io("continue", &path))?;
        Ok(Self { file, path })
    }

    /// Records an event. When this returns, it is on the disk.
    pub fn record(&mut self, event: &Event) -> Result<(), StudyError> {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let line = Line {
            time: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            event: event.clone(),
        };
        let mut text = serde_json::to_string(&line).map_err(|source| StudyError::Json {
            path: self.path.clone(),
            source,
        })?;
        text.push('\n');
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data())
            .map_err(StudyError::io("write", &self.path))
    }
}

/// Ends a line that was cut short, so that the next begins on its own.
fn close_last_line(file: &mut File) -> io::Result<()> {
    if file.metadata()?.len() == 0 {
        return Ok(());
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last != *b"\n" {
        file.write_all(b"\n")?;
    }
    Ok(())
}
