//! Interrupted runs end where uninterrupted ones do, bit for bit.

use std::{
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use crate::support::{failure, result, tiny_train};

/// Starts a run and waits until `steps` steps are recorded.
fn start(out: &Path, steps: usize) -> Child {
    let child = tiny_train(out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let child = child.unwrap_or_else(|e| panic!("could not be started: {e}"));
    let begin = Instant::now();
    while recorded(out) < steps {
        assert!(
            begin.elapsed() < Duration::from_secs(120),
            "no {steps} steps within two minutes"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn recorded(out: &Path) -> usize {
    std::fs::read_to_string(out.join("metrics.jsonl")).map_or(0, |text| text.lines().count())
}

fn resume(out: &Path) -> serde_json::Value {
    result(tiny_train(out).arg("--resume"))
}

#[test]
fn two_goes_give_the_weights_of_one() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name);
    let whole = result(&mut tiny_train(&path("whole")));

    // Paused between epochs.
    let paused = path("paused");
    let output = tiny_train(&paused)
        .args(["--stop-after", "1"])
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(recorded(&paused), 6);
    assert_eq!(resume(&paused)["weights_digest"], whole["weights_digest"]);

    // Killed in the middle of the second epoch: the work since the checkpoint is repeated.
    let killed = path("killed");
    let mut child = start(&killed, 8);
    child.kill().unwrap();
    child.wait().unwrap();
    let line = resume(&killed);
    assert_eq!(line["weights_digest"], whole["weights_digest"]);
    assert_eq!(line["trained"], whole["trained"]);
    assert_eq!(recorded(&killed), 12, "each step is recorded once");

    // Killed in the first epoch.
    let early = path("early");
    let mut child = start(&early, 2);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(resume(&early)["weights_digest"], whole["weights_digest"]);
}

#[cfg(unix)]
#[test]
fn signals_save_and_say_so_by_the_exit_code() {
    let temp = tempfile::tempdir().unwrap();
    let whole = result(&mut tiny_train(&temp.path().join("whole")));
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let out = temp.path().join(name);
        let mut child = start(&out, 3);
        let kill = std::process::Command::new("kill")
            .args(["-s", name, &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        let steps = recorded(&out);
        assert!(
            (3..12).contains(&steps),
            "stopped after {steps} of 12 steps"
        );
        assert_eq!(
            resume(&out)["weights_digest"],
            whole["weights_digest"],
            "{name}"
        );
    }
}

#[test]
fn a_damaged_checkpoint_falls_back_to_the_one_before() {
    let temp = tempfile::tempdir().unwrap();
    let whole = result(&mut tiny_train(&temp.path().join("whole")));
    let out = temp.path().join("run");
    let steps = ["--stop-after", "1", "--checkpoint-steps", "4"];
    assert!(
        tiny_train(&out)
            .args(steps)
            .output()
            .unwrap()
            .status
            .success()
    );
    let checkpoints = checkpoints(&out);
    assert_eq!(checkpoints.len(), 2, "the newest two are kept");
    truncate(&checkpoints[1]);
    assert_eq!(resume(&out)["weights_digest"], whole["weights_digest"]);
}

#[test]
fn when_no_checkpoint_is_good_the_message_says_what_to_do() {
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("run");
    assert!(
        tiny_train(&out)
            .args(["--stop-after", "1"])
            .output()
            .unwrap()
            .status
            .success()
    );
    for file in checkpoints(&out) {
        truncate(&file);
    }
    let message = failure(tiny_train(&out).arg("--resume"), 1);
    assert!(message.contains(".ckpt"), "{message}");
    let message = failure(tiny_train(&out).args(["--resume", "--lr", "0.5"]), 1);
    assert!(message.contains("lr = 0.5"), "{message}");
}

fn checkpoints(out: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(out.join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "ckpt"))
        .collect();
    files.sort();
    files
}

fn truncate(file: &Path) {
    let bytes = std::fs::read(file).unwrap();
    std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
}
