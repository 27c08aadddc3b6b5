//! `RUN/tensorboard/`: the numbers of `metrics.jsonl` once more, as event files for
//! TensorBoard and for the tools that read its files. `tensorboard --logdir runs` shows
//! all runs of a folder.
//!
//! In the training loop, after `let mut board = TensorBoard::open(dir.path(), step + 1)?`
//! one line per step: `board.record(&record, tensorboard::now())?`; and when the probes
//! are done `board.scalars(step, now(), &[("probe/linear_top1", accuracy)])?`.
//!
//! # Format
//! A file is a row of records, each framed as in TFRecord (TensorFlow,
//! `core/lib/io/record_writer.h`): the length as 8 bytes, a checksum of these, the
//! bytes, a checksum of them. Checksums are CRC-32C, rotated by 15 bits and shifted by a
//! constant. The bytes are an `Event` (`core/util/event.proto`), of which the fields that
//! scalars need are declared here by their numbers. Values are single precision; NaN and
//! infinities are kept, TensorBoard marks them.
//!
//! # Resuming
//! An event file is only ever appended to, and TensorBoard never goes back to a file
//! after it has seen a later one. So each start makes a new file, whose second event is
//! `SessionLog::START` with the first step that will be written: readers drop what
//! earlier files have of that step and later ones, as the `event.proto` version 2 promises
//! them, and nothing is shown twice. Files are read in the order of their names, which
//! begin with the second they were made in; a file made in the same second as the one
//! before, or after the clock was set back, is dated a second after it.
//!
//! A step is one record and one write, so a killed process leaves at most one record cut
//! short at the end of its file, where readers stop without complaint.
//!
//! The tests hold all this to a parser of their own and, where it is installed, to
//! TensorBoard (2.21 was: values, order of the files, purge after a cut record).

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use prost::Message;

use super::{RunError, record::Record};

/// The folder in that of the run.
const FOLDER: &str = "tensorboard";
/// What names of event files begin with.
const PREFIX: &str = "events.out.tfevents.";
/// The version from which on `SessionLog::START` means what it means above.
const VERSION: &str = "brain.Event:2";
/// `SessionLog.SessionStatus.START`.
const START: i32 = 1;

/// Appends events to a file of its own.
#[derive(Debug)]
pub struct TensorBoard {
    path: PathBuf,
    file: File,
    /// Bytes in whole records.
    length: u64,
}

impl TensorBoard {
    /// Begins a file in the folder `tensorboard` of a run. `first_step` is the first step
    /// that will be written: what earlier files say of it and of later ones is void.
    pub fn open(run_dir: &Path, first_step: u64) -> Result<Self, RunError> {
        let folder = run_dir.join(FOLDER);
        fs::create_dir_all(&folder).map_err(RunError::io("create", &folder))?;
        let second = next_second(&folder).map_err(RunError::io("read", &folder))?;
        let path = folder.join(format!("{PREFIX}{second:010}.sinsim"));
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(RunError::io("create", &path))?;
        let mut board = Self {
            path,
            file,
            length: 0,
        };
        let wall_time = now();
        board.append(&Event {
            wall_time,
            file_version: Some(VERSION.to_owned()),
            ..Event::default()
        })?;
        board.append(&Event {
            wall_time,
            step: signed(first_step),
            session_log: Some(SessionLog { status: START }),
            ..Event::default()
        })?;
        Ok(board)
    }

    /// Writes values of a step by their tags; TensorBoard groups tags by what stands
    /// before the first `/`. `wall_time` is in seconds since 1970, as [`now`] gives it.
    pub fn scalars(
        &mut self,
        step: u64,
        wall_time: f64,
        values: &[(&str, f64)],
    ) -> Result<(), RunError> {
        if values.is_empty() {
            return Ok(());
        }
        let value = |&(tag, value): &(&str, f64)| Value {
            tag: tag.to_owned(),
            simple_value: Some(value as f32),
        };
        self.append(&Event {
            wall_time,
            step: signed(step),
            summary: Some(Summary {
                value: values.iter().map(value).collect(),
            }),
            ..Event::default()
        })
    }

    /// Writes all that a record holds.
    pub fn record(&mut self, record: &Record, wall_time: f64) -> Result<(), RunError> {
        let mut values = vec![
            ("train/loss".to_owned(), record.loss),
            ("train/learning_rate".to_owned(), record.learning_rate),
            (
                "train/images_per_second".to_owned(),
                record.images_per_second,
            ),
        ];
        let named = [
            ("terms", &record.terms),
            ("diagnostics", &record.diagnostics),
        ];
        for (group, numbers) in named {
            let tagged = numbers.iter();
            values.extend(tagged.map(|(name, &value)| (format!("{group}/{name}"), value)));
        }
        if let Some(sinkhorn) = record.sinkhorn {
            values.extend([
                (
                    "sinkhorn/marginal_error".to_owned(),
                    sinkhorn.marginal_error,
                ),
                ("sinkhorn/iterations".to_owned(), sinkhorn.iterations),
            ]);
        }
        let values: Vec<(&str, f64)> = values.iter().map(|(tag, v)| (tag.as_str(), *v)).collect();
        self.scalars(record.step, wall_time, &values)
    }

    /// Where the events go.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn append(&mut self, event: &Event) -> Result<(), RunError> {
        let record = framed(&event.encode_to_vec());
        if let Err(error) = self.file.write_all(&record) {
            // Behind half a record readers would find no other.
            let _ = self.file.set_len(self.length);
            return Err(RunError::io("append to", &self.path)(error));
        }
        self.length += record.len() as u64;
        Ok(())
    }
}

/// Seconds since 1970.
pub fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock before 1970 is wrong anyway.
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// The second that a new file is named after: now, but later than all files' that are there.
fn next_second(folder: &Path) -> std::io::Result<u64> {
    let mut second = now() as u64;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let dated = rest.and_then(|rest| rest.split('.').next()?.parse::<u64>().ok());
        if let Some(dated) = dated {
            second = second.max(dated.saturating_add(1));
        }
    }
    Ok(second)
}

/// A step as the format has it; none is as large as the largest.
fn signed(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}

/// A record with its length and checksums.
fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [
        &length[..],
        &masked_crc(&length).to_le_bytes(),
        data,
        &masked_crc(data).to_le_bytes(),
    ]
    .concat()
}

/// The checksum of `core/lib/hash/crc32c.h`: masked, because a CRC over bytes that
/// contain their own CRC is worth little.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

/// `Event` of `core/util/event.proto`. Of the last three one is there.
#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
    #[prost(message, optional, tag = "7")]
    session_log: Option<SessionLog>,
}

/// `SessionLog` of the same.
#[derive(Clone, PartialEq, Message)]
struct SessionLog {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// `Summary` of `core/framework/summary.proto`.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

/// `Summary.Value` of the same.
#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    /// Optional, so that zero is written too.
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

#[cfg(test)]
impl TensorBoard {
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
