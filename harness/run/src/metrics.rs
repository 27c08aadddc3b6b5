//! `metrics.jsonl`: what each step measured, a line of JSON per step, as [`Record`] has it.
//!
//! A line is one write to the system, so a killed process leaves whole lines and at
//! most one that is cut short. JSON has no NaN and no infinity: such numbers are
//! written as `null`, and read as NaN.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use super::record::{Numbers, Record, Sinkhorn};
use super::{RunError, atomic};

/// Appends records.
#[derive(Debug)]
pub struct MetricsWriter {
    path: PathBuf,
    file: File,
    /// Bytes in whole lines.
    length: u64,
}

impl MetricsWriter {
    /// Goes on after `step` in the file at `path`, which is made if it is not there.
    /// Records of later steps and a last line that was cut short are dropped, all at
    /// once: killed while it does so, the file is the old one or the new one.
    pub fn open(path: &Path, step: u64) -> Result<Self, RunError> {
        let old = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            old => old.map_err(RunError::io("read", path))?,
        };
        let mut kept = Vec::with_capacity(old.len());
        for (number, line) in lines(&old) {
            let Stepped { step: found } = parse(path, number, line)?;
            if found <= step {
                kept.extend_from_slice(line);
                kept.push(b'\n');
            }
        }
        if kept.len() < old.len() {
            atomic::write(path, &kept).map_err(RunError::io("write", path))?;
        }
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .map_err(RunError::io("open", path))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            length: kept.len() as u64,
        })
    }

    /// Appends a record, which needs a whole number `step`. When this returns, the
    /// line survives the end of this process; [`MetricsWriter::sync`] makes it
    /// survive a power cut.
    pub fn append(&mut self, record: &impl Serialize) -> Result<(), RunError> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        if let Err(error) = self.file.write_all(&line) {
            // Half a line would spoil the next one. If it cannot be taken back
            // either, opening the file again drops it.
            let _ = self.file.set_len(self.length);
            return Err(RunError::io("append to", &self.path)(error));
        }
        self.length += line.len() as u64;
        Ok(())
    }

    /// Returns when all records are on the disk. Called before a checkpoint is
    /// saved, it keeps a power cut from taking records that the checkpoint counts on.
    pub fn sync(&self) -> Result<(), RunError> {
        self.file
            .sync_data()
            .map_err(RunError::io("sync", &self.path))
    }
}

/// The records of a file. A last line without its end is passed over: it was cut
/// short, or is being written just now.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, RunError> {
    let text = fs::read(path).map_err(RunError::io("read", path))?;
    lines(&text)
        .map(|(number, line)| parse(path, number, line))
        .collect()
}

/// The one field that every record has.
#[derive(Deserialize)]
struct Stepped {
    step: u64,
}

/// Whole lines with their numbers, counted from 1.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let whole = text
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |end| end + 1);
    let lines = text[..whole].split_inclusive(|&byte| byte == b'\n');
    (1..).zip(lines.map(|line| &line[..line.len() - 1]))
}

fn parse<T: DeserializeOwned>(path: &Path, line: usize, text: &[u8]) -> Result<T, RunError> {
    serde_json::from_slice(text).map_err(|error| RunError::Record {
        path: path.to_owned(),
        line,
        reason: format!("{:?} ({error})", excerpt(text)),
    })
}

/// The beginning of a line, for a message.
fn excerpt(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().take(40).collect()
}

#[cfg(test)]
impl MetricsWriter {
    /// A writer on a file as it is, for a test with a device.
    pub(super) fn over(path: &Path) -> Self {
        let file = OpenOptions::new().append(true).open(path).expect("opens");
        Self {
            path: path.to_owned(),
            file,
            length: 0,
        }
    }
}
