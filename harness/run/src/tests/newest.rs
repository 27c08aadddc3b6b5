//! Which checkpoint is loaded.

use std::{fs, path::Path};

use super::{names, replaced, sample};
use crate::{
    RunError,
    checkpoint::{Checkpoint, FOLDER, file_path, load_latest, save},
    container::{self, Problem},
};

fn with_steps(steps: &[u64]) -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    for &step in steps {
        save(temp.path(), &sample(step)).unwrap();
    }
    temp
}

fn truncate(run: &Path, step: u64) {
    let path = file_path(run, step);
    let bytes = fs::read(&path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

#[test]
fn the_newest_two_are_kept_and_the_newest_is_loaded() {
    // Past nine digits the order of names is not the order of steps.
    let temp = with_steps(&[0, 1, 999_999_999, 1_000_000_000]);
    let kept = names(&temp.path().join(FOLDER));
    assert_eq!(kept, ["step-1000000000.ckpt", "step-999999999.ckpt"]);
    let (found, warnings) = load_latest(temp.path()).unwrap().unwrap();
    assert_eq!(found, sample(1_000_000_000));
    assert!(warnings.is_empty());
    // Saved again, it is replaced, and still two are kept.
    let again = Checkpoint { epoch: 77, ..found };
    let path = save(temp.path(), &again).unwrap();
    assert_eq!(path, file_path(temp.path(), again.step));
    assert_eq!(load_latest(temp.path()).unwrap().unwrap().0, again);
    assert_eq!(names(&temp.path().join(FOLDER)).len(), 2);
}

#[test]
fn no_checkpoint_is_no_error() {
    let temp = tempfile::tempdir().unwrap();
    assert!(load_latest(temp.path()).unwrap().is_none());
    let folder = temp.path().join(FOLDER);
    fs::create_dir(&folder).unwrap();
    for other in [
        "step-.ckpt",
        "step-x.ckpt",
        "step-000000001.ckpt.damaged",
        "notes.txt",
    ] {
        fs::write(folder.join(other), "").unwrap();
    }
    assert!(load_latest(temp.path()).unwrap().is_none());
}

#[test]
fn a_damaged_one_is_reported_kept_aside_and_passed_over() {
    let temp = with_steps(&[1, 2]);
    truncate(temp.path(), 2);
    let damaged = fs::read(file_path(temp.path(), 2)).unwrap();
    let (found, warnings) = load_latest(temp.path()).unwrap().unwrap();
    assert_eq!(found, sample(1));
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}")
    };
    let text = warning.to_string();
    for word in [
        "step-000000002.ckpt:",
        "cut short",
        "step-000000002.ckpt.damaged",
    ] {
        assert!(text.contains(word), "{text}");
    }
    assert_eq!(fs::read(warning.aside.as_ref().unwrap()).unwrap(), damaged);

    // The step is saved anew and damaged again: both files stay.
    save(temp.path(), &sample(2)).unwrap();
    truncate(temp.path(), 2);
    load_latest(temp.path()).unwrap().unwrap();
    for step in 3..9 {
        save(temp.path(), &sample(step)).unwrap();
    }
    let expected = [
        "step-000000002.ckpt.damaged",
        "step-000000002.ckpt.damaged-2",
        "step-000000007.ckpt",
        "step-000000008.ckpt",
    ];
    assert_eq!(names(&temp.path().join(FOLDER)), expected);
}

#[test]
fn newer_misnamed_and_foreign_files_are_passed_over_too() {
    let temp = with_steps(&[1]);
    let put = |step, bytes: &[u8]| fs::write(file_path(temp.path(), step), bytes).unwrap();
    let good = container::encode(&sample(2)).unwrap();
    put(
        2,
        &replaced(&good, "\"version\":\"1\"", "\"version\":\"9\""),
    );
    put(3, &good);
    put(4, b"");
    let (found, warnings) = load_latest(temp.path()).unwrap().unwrap();
    assert_eq!(found, sample(1));
    let problems: Vec<&Problem> = warnings.iter().map(|w| &w.problem).collect();
    assert!(
        matches!(
            problems.as_slice(),
            [Problem::Container { got: 0, .. }, Problem::Step { name: 3, content: 2 }, Problem::Version { got }]
                if got == "9"
        ),
        "{problems:?}"
    );
}

#[test]
fn when_none_is_good_each_is_named_and_none_is_moved() {
    let temp = with_steps(&[1, 2]);
    truncate(temp.path(), 1);
    let mut bytes = fs::read(file_path(temp.path(), 2)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(file_path(temp.path(), 2), bytes).unwrap();
    // Twice: a second try must not find an empty folder and begin at step 0.
    for _ in 0..2 {
        let error = load_latest(temp.path()).unwrap_err();
        assert!(matches!(&error, RunError::NoValidCheckpoint { files, .. } if files.len() == 2));
        let text = error.to_string();
        for word in [
            "step-000000001.ckpt: cut",
            "step-000000002.ckpt: damaged",
            "backup",
            "--out",
        ] {
            assert!(text.contains(word), "{text}");
        }
    }
}

#[test]
fn what_the_disk_does_not_give_is_an_error_not_a_damage() {
    let temp = with_steps(&[1]);
    // A folder cannot be read as a file, not even by root.
    fs::create_dir(file_path(temp.path(), 2)).unwrap();
    let text = load_latest(temp.path()).unwrap_err().to_string();
    assert!(
        text.contains("could not read") && text.contains("step-000000002.ckpt"),
        "{text}"
    );
}
