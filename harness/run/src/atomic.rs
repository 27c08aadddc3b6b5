//! Replacing a file as a whole.
//!
//! The bytes go to a temporary file in the same folder, which is synced to the disk
//! and then renamed over the target; at last the folder is synced, because the new
//! name is the folder's content. Killed at any moment, or out of space, the target
//! is what it was or what it should become, never something between. The order
//! matters: renamed before it is synced, a file can be empty after a power cut.
//!
//! The work is a state machine of [`Stage`]s, so that a test can stop after each.

use std::{
    fs::{self, File, OpenOptions},
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Ends the name of a temporary file; one that a killed process left is removed by
/// [`remove_leftovers`].
const SUFFIX: &str = ".partial";

/// How far a replacement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing is done.
    New,
    /// The temporary file is there, and empty.
    Created,
    /// It has its bytes, as far as this process is concerned.
    Written,
    /// They are on the disk.
    Synced,
    /// The target is the new file, as far as processes are concerned.
    Renamed,
    /// The new name is on the disk: a power cut changes nothing any more.
    Durable,
}

/// Where the bytes go: a file, or in tests a disk that fills up.
pub(super) trait Sink: Write {
    /// Returns when what was written is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

impl Sink for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// One replacement. Dropped before it is renamed, it removes its temporary file.
pub(super) struct Replacement<'a, S: Sink = File> {
    target: &'a Path,
    bytes: &'a [u8],
    temp: PathBuf,
    stage: Stage,
    open: fn(File) -> S,
    sink: Option<S>,
}

/// Replaces `path`, or creates it. When this returns `Ok`, the file is on the disk.
/// When it fails, the old file is as it was, and no temporary file stays; only where
/// the last step fails, syncing the folder, is the new one already in place.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Replacement::new(path, bytes, |file| file).finish()
}

impl<'a, S: Sink> Replacement<'a, S> {
    /// Nothing is touched before [`Replacement::step`].
    pub(super) fn new(target: &'a Path, bytes: &'a [u8], open: fn(File) -> S) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        // Machines that share a folder have processes of equal numbers.
        static CHANCE: OnceLock<u64> = OnceLock::new();
        let chance = CHANCE.get_or_init(|| RandomState::new().build_hasher().finish());
        let own = format!(
            "{}-{chance:x}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let temp = target.with_file_name(format!(".{name}.{own}{SUFFIX}"));
        Self {
            target,
            bytes,
            temp,
            stage: Stage::New,
            open,
            sink: None,
        }
    }

    /// One step on; gives the stage that is reached.
    pub(super) fn step(&mut self) -> io::Result<Stage> {
        self.stage = match (self.stage, &mut self.sink) {
            (Stage::New, _) => {
                let file = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .open(&self.temp)?;
                self.sink = Some((self.open)(file));
                Stage::Created
            }
            (Stage::Created, Some(sink)) => {
                sink.write_all(self.bytes)?;
                sink.flush()?;
                Stage::Written
            }
            (Stage::Written, Some(sink)) => {
                sink.sync()?;
                // Closed here: Windows renames no open file.
                self.sink = None;
                Stage::Synced
            }
            (Stage::Synced, _) => {
                fs::rename(&self.temp, self.target)?;
                Stage::Renamed
            }
            (Stage::Renamed, _) => {
                sync_folder(folder_of(self.target))?;
                Stage::Durable
            }
            // The sink is there from `Created` to `Written`, so this is `Durable`.
            (stage, _) => stage,
        };
        Ok(self.stage)
    }

    /// Steps until it is durable.
    pub(super) fn finish(mut self) -> io::Result<()> {
        while self.step()? != Stage::Durable {}
        Ok(())
    }
}

impl<S: Sink> Drop for Replacement<'_, S> {
    fn drop(&mut self) {
        self.sink = None;
        if !matches!(self.stage, Stage::New | Stage::Renamed | Stage::Durable) {
            // The error that brought us here is the one to report.
            let _ = fs::remove_file(&self.temp);
        }
    }
}

/// Removes temporary files that killed processes left in `folder`. Only for who
/// knows that nobody else is writing there.
pub(super) fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(SUFFIX) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Puts names on the disk. Windows opens no folders, and keeps names in order itself.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}
