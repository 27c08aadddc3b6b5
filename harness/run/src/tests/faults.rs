//! Full disks, and kills between any two steps of a write.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
};

use super::{names, sample};
use crate::{
    RunDir, RunError,
    atomic::{self, Replacement, Sink, Stage},
    checkpoint::{FOLDER, Saving, file_path, load_latest, save},
    container,
};

/// A disk with room for `SPACE` bytes.
struct Disk<const SPACE: usize> {
    file: File,
    used: usize,
}

impl<const SPACE: usize> Write for Disk<SPACE> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(SPACE - self.used);
        if fits == 0 && !bytes.is_empty() {
            return Err(ErrorKind::StorageFull.into());
        }
        self.used += fits;
        self.file.write(&bytes[..fits])
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl<const SPACE: usize> Sink for Disk<SPACE> {
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }
}

/// A disk that takes every byte, and then cannot keep them.
struct Liar(File);

impl Write for Liar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Liar {
    fn sync(&mut self) -> io::Result<()> {
        Err(io::Error::other("the disk is gone"))
    }
}

fn full_after<const SPACE: usize>() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("result.json");
    atomic::write(&path, b"old").unwrap();
    let new = [b'x'; 100];
    let open = |file| Disk::<SPACE> { file, used: 0 };
    let error = Replacement::new(&path, &new, open).finish().unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::StorageFull,
        "{SPACE} bytes of room"
    );
    assert_eq!(fs::read(&path).unwrap(), b"old", "{SPACE} bytes of room");
    assert_eq!(names(temp.path()), ["result.json"], "{SPACE} bytes of room");
}

#[test]
fn a_full_disk_leaves_the_old_file_and_nothing_else() {
    full_after::<0>();
    full_after::<1>();
    full_after::<50>();
    full_after::<99>();
    // With room enough it is the new one: the test could tell.
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("result.json");
    let open = |file| Disk::<100> { file, used: 0 };
    Replacement::new(&path, &[b'x'; 100], open)
        .finish()
        .unwrap();
    assert_eq!(fs::read(&path).unwrap(), [b'x'; 100]);
}

#[test]
fn what_cannot_be_synced_is_not_put_in_place() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("config.toml");
    atomic::write(&path, b"old").unwrap();
    Replacement::new(&path, b"new", Liar).finish().unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(temp.path()), ["config.toml"]);
}

#[cfg(target_os = "linux")]
#[test]
fn what_may_not_be_written_is_an_error_with_its_path() {
    // No permission stops root, so: a file system that takes no files from anyone,
    // and a path that goes through a file.
    let proc = std::path::Path::new("/proc/run");
    let message = RunDir::create(proc).unwrap_err().to_string();
    assert!(
        message.starts_with("could not create /proc/run"),
        "{message}"
    );
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("file");
    fs::write(&file, "").unwrap();
    let message = RunDir::create(&file.join("run")).unwrap_err().to_string();
    assert!(
        message.contains("a part of the path is a file"),
        "{message}"
    );
    let message = save(std::path::Path::new("/proc"), &sample(1))
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with("could not create /proc/checkpoints"),
        "{message}"
    );
    // A device that is always full.
    let error = File::create("/dev/full")
        .unwrap()
        .write_all(b"x")
        .unwrap_err();
    let message = RunError::io("write", &file)(error).to_string();
    assert!(message.contains("free some space"), "{message}");
}

#[test]
fn killed_after_any_step_a_replacement_is_old_or_new() {
    let mut seen = Vec::new();
    for steps in 0..=5 {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("config.toml");
        atomic::write(&path, b"old").unwrap();
        let mut replacement = Replacement::new(&path, b"new", |file| file);
        let mut stage = Stage::New;
        for _ in 0..steps {
            stage = replacement.step().unwrap();
        }
        // Killed: nothing is cleaned up.
        std::mem::forget(replacement);
        let new = matches!(stage, Stage::Renamed | Stage::Durable);
        let expected: &[u8] = if new { b"new" } else { b"old" };
        assert_eq!(fs::read(&path).unwrap(), expected, "killed at {stage:?}");
        let left = names(temp.path()).len() - 1;
        assert_eq!(
            left,
            usize::from(!new && stage != Stage::New),
            "killed at {stage:?}"
        );
        // The next to train clears up.
        atomic::remove_leftovers(temp.path()).unwrap();
        assert_eq!(names(temp.path()), ["config.toml"], "killed at {stage:?}");
        seen.push(stage);
    }
    use Stage::*;
    assert_eq!(seen, [New, Created, Written, Synced, Renamed, Durable]);
}

#[test]
fn killed_after_any_step_of_a_save_there_is_one_to_go_on_from() {
    for kill_after in 0.. {
        let temp = tempfile::tempdir().unwrap();
        let dir = RunDir::create(temp.path()).unwrap();
        for step in [10, 20] {
            save(dir.path(), &sample(step)).unwrap();
        }
        // One too many, as a kill between the save and the removal leaves it.
        let oldest = file_path(dir.path(), 5);
        fs::write(&oldest, container::encode(&sample(5)).unwrap()).unwrap();
        let bytes = container::encode(&sample(30)).unwrap();
        let path = file_path(dir.path(), 30);
        let mut saving = Saving::new(dir.path(), &path, &bytes);
        let mut taken = 0;
        let mut done = false;
        while taken < kill_after && !done {
            done = saving.step().unwrap();
            taken += 1;
        }
        std::mem::forget(saving);
        let (found, warnings) = load_latest(dir.path()).unwrap().unwrap();
        // Four steps: created, written, synced, renamed.
        let expected = if kill_after >= 4 { 30 } else { 20 };
        assert_eq!(found, sample(expected), "killed after {kill_after} steps");
        assert!(warnings.is_empty());
        if kill_after < 5 {
            assert!(oldest.exists(), "removed before the new one is durable");
        }
        // The next process saves as if nothing had been.
        let _lock = dir.lock().unwrap();
        save(dir.path(), &sample(40)).unwrap();
        let kept = names(&dir.path().join(FOLDER));
        let before = format!("step-{expected:09}.ckpt");
        assert_eq!(
            kept,
            [before.as_str(), "step-000000040.ckpt"],
            "killed after {kill_after}"
        );
        if done {
            // Five to be durable, two removals, and one to see that there is no more.
            assert_eq!(taken, 8);
            return;
        }
    }
}
