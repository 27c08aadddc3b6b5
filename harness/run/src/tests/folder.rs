//! Making, finding and locking run folders.

use std::{fs, path::Path};

use super::names;
use crate::{RunDir, RunError, checkpoint::save, tests::sample};

#[test]
fn a_new_run_takes_a_new_or_foreign_folder() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("a/b/run");
    let dir = RunDir::create(&path).unwrap();
    assert_eq!(dir.path(), path);
    // Killed before anything was written, it is still free.
    drop(dir.lock().unwrap());
    RunDir::create(&path).unwrap();
    // A log is no run.
    fs::write(path.join("log.txt"), "").unwrap();
    RunDir::create(&path).unwrap();
}

#[test]
fn a_new_run_refuses_a_folder_with_a_run() {
    let temp = tempfile::tempdir().unwrap();
    let refused = |fill: &dyn Fn(&RunDir)| {
        let path = tempfile::tempdir_in(temp.path()).unwrap().keep();
        fill(&RunDir::create(&path).unwrap());
        let before = names(&path);
        let error = RunDir::create(&path).unwrap_err();
        assert!(matches!(error, RunError::Occupied { .. }));
        let text = error.to_string();
        assert!(
            text.contains("--out") && text.contains("--resume"),
            "{text}"
        );
        assert_eq!(names(&path), before);
    };
    refused(&|dir| dir.write_config("seed = 1").unwrap());
    refused(&|dir| drop(dir.metrics(0).unwrap()));
    refused(&|dir| drop(save(dir.path(), &sample(1)).unwrap()));
    refused(&|dir| drop(dir.write_file_atomic("result.json", b"{}").unwrap()));
}

#[test]
fn what_is_no_run_is_not_opened() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("file");
    fs::write(&file, "").unwrap();
    let cases = [
        (temp.path().join("missing"), "nothing there"),
        (file, "a file"),
        (temp.path().to_owned(), "a folder without it"),
        (Path::new("").to_owned(), "no path"),
    ];
    for (path, got) in cases {
        let text = RunDir::open(&path).unwrap_err().to_string();
        assert!(text.contains("config.toml") && text.contains(got), "{text}");
    }
    RunDir::create(temp.path())
        .unwrap()
        .write_config("seed = 1\n")
        .unwrap();
    assert_eq!(
        RunDir::open(temp.path()).unwrap().read_config().unwrap(),
        "seed = 1\n"
    );
}

#[test]
fn files_are_replaced_and_stay_in_the_folder() {
    let temp = tempfile::tempdir().unwrap();
    let dir = RunDir::create(temp.path()).unwrap();
    for text in ["one, and longer", "two"] {
        let path = dir
            .write_file_atomic("result.json", text.as_bytes())
            .unwrap();
        assert_eq!(path, temp.path().join("result.json"));
        assert_eq!(dir.read_file("result.json").unwrap(), text.as_bytes());
    }
    for name in ["", ".", "..", "/x", "a/b", "../x", "a/", "checkpoints/../x"] {
        assert!(
            matches!(
                dir.write_file_atomic(name, b""),
                Err(RunError::FileName { .. })
            ),
            "{name}"
        );
        assert!(
            matches!(dir.read_file(name), Err(RunError::FileName { .. })),
            "{name}"
        );
    }
    let text = dir
        .read_file("encoder.safetensors")
        .unwrap_err()
        .to_string();
    assert!(text.contains("encoder.safetensors"), "{text}");
    assert_eq!(names(temp.path()), ["checkpoints", "result.json"]);
}

#[test]
fn one_process_trains_in_a_run_at_a_time() {
    let temp = tempfile::tempdir().unwrap();
    let dir = RunDir::create(temp.path()).unwrap();
    // What a killed process left: a number, and no lock.
    fs::write(temp.path().join(".lock"), "4194304\nrubbish").unwrap();
    let lock = dir.lock().unwrap();
    // A second open file is to the system what another process is.
    let text = dir.lock().unwrap_err().to_string();
    assert!(text.contains("--out"), "{text}");
    if cfg!(unix) {
        assert!(
            text.contains(&format!("process {}", std::process::id())),
            "{text}"
        );
    }
    drop(lock);
    let _again = dir.lock().unwrap();
}

#[test]
fn who_takes_the_lock_clears_away_what_was_half_written() {
    let temp = tempfile::tempdir().unwrap();
    let dir = RunDir::create(temp.path()).unwrap();
    let left = [
        ".config.toml.1-0.partial",
        "checkpoints/.step-000000001.ckpt.1-0.partial",
    ];
    let others = [".hidden", "notes.partial", "checkpoints/.partial.txt"];
    for name in left.iter().chain(&others) {
        fs::write(temp.path().join(name), "x").unwrap();
    }
    let _lock = dir.lock().unwrap();
    assert!(left.iter().all(|name| !temp.path().join(name).exists()));
    assert!(others.iter().all(|name| temp.path().join(name).exists()));
}
