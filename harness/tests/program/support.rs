//! Running the program as a user does.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

/// The program, with options that make a run of seconds.
pub fn harness() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.stdin(Stdio::null());
    command
}

/// `harness train` on few built-in images with the cheapest stem.
pub fn tiny_train(out: &Path) -> Command {
    let mut command = harness();
    command.arg("train").arg("--out").arg(out);
    command.args(TINY.split_whitespace());
    command
}

const TINY: &str = "--dataset synthetic --limit 96 --batch-size 16 --epochs 2 --stem torchvision \
                    --linear-epochs 2 --mlp-epochs 2 --threads 2 --head-hidden 32 --head-output 16";

/// Runs a command that must succeed, and gives the JSON of its last line.
pub fn result(command: &mut Command) -> serde_json::Value {
    let output = finish(command);
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}",
        stderr(&output)
    );
    let stdout = String::from_utf8_lossy(&output.stdout);
    let line = stdout
        .lines()
        .last()
        .unwrap_or_else(|| panic!("{command:?} printed nothing"));
    serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in the last line: {line}"))
}

/// A finished run of few images for one epoch, in `out`; gives its result.
pub fn finished_run(out: &Path) -> serde_json::Value {
    result(tiny_train(out).args(["--limit", "32", "--epochs", "1"]))
}

/// Runs a command that must fail with `code`, and gives what it said.
pub fn failure(command: &mut Command, code: i32) -> String {
    let output = finish(command);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{command:?}:\n{}",
        stderr(&output)
    );
    let text = stderr(&output);
    assert!(!text.contains("panicked"), "{command:?} panicked:\n{text}");
    text
}

fn finish(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|e| panic!("{command:?} could not be started: {e}"))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
