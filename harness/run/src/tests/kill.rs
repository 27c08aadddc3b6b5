//! Real processes that are really killed. The child is this test program itself,
//! told by a variable to run one test, which then is the child's body.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{names, sample};
use crate::{
    RunDir, RunError,
    checkpoint::{FOLDER, load_latest, save},
    interrupt::{Interrupt, Signal},
};

/// Names the folder that the child works in.
const VARIABLE: &str = "SINSIM_TEST_CHILD";

/// In the child: its folder.
fn folder() -> Option<RunDir> {
    let path = std::env::var_os(VARIABLE)?;
    Some(RunDir::open(Path::new(&path)).unwrap())
}

/// Starts the test `name` of this file as a child in `dir`.
fn spawn(name: &str, dir: &RunDir) -> Child {
    let (_, module) = module_path!().split_once("::").unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::{name}"), "--nocapture"])
        .env(VARIABLE, dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits for the child to do something; a minute is far beyond what it takes.
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{what}: not within a minute"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn new_run() -> (tempfile::TempDir, RunDir) {
    let temp = tempfile::tempdir().unwrap();
    let dir = RunDir::create(temp.path()).unwrap();
    dir.write_config("").unwrap();
    (temp, dir)
}

/// Body of the child below; as a test of its own it does nothing.
#[test]
fn child_saves() {
    let Some(dir) = folder() else { return };
    let _lock = dir.lock().unwrap();
    let start = load_latest(dir.path())
        .unwrap()
        .map_or(0, |(found, _)| found.step);
    // The parent kills it long before the end.
    for step in start + 1..start + 1_000_000 {
        save(dir.path(), &sample(step)).unwrap();
    }
}

#[test]
fn a_killed_process_leaves_a_good_checkpoint_and_no_lock() {
    let (_temp, dir) = new_run();
    let newest = || {
        load_latest(dir.path()).unwrap().map(|(found, warnings)| {
            assert!(warnings.is_empty(), "{warnings:?}");
            assert_eq!(found, sample(found.step));
            found.step
        })
    };
    let mut reached = 0;
    for delay in 0..8 {
        let mut child = spawn("child_saves", &dir);
        // Looking while it writes is what `harness eval` might do: files vanish
        // between the listing and the reading, so names alone are looked at.
        let first = format!("step-{:09}.ckpt", reached + 3);
        wait_until("saving", || {
            names(&dir.path().join(FOLDER)).last() >= Some(&first)
        });
        assert!(matches!(dir.lock(), Err(RunError::Locked { .. })));
        // Odd delays, so that the kill comes at another place of the loop each time.
        std::thread::sleep(Duration::from_micros(delay * 737));
        child.kill().unwrap();
        child.wait().unwrap();
        let step = newest().unwrap();
        assert!(step >= reached + 2, "from {reached} to {step}");
        reached = step;
    }
    let _lock = dir.lock().unwrap();
    let left = names(&dir.path().join(FOLDER));
    // One too many where the kill came before the removal.
    assert!((2..=3).contains(&left.len()), "{left:?}");
}

/// Body of the child below: says what it hears by files.
#[test]
fn child_listens() {
    let Some(dir) = folder() else { return };
    let say = |name: &str| drop(dir.write_file_atomic(name, b"").unwrap());
    let interrupt = Interrupt::install().unwrap();
    assert_eq!(interrupt.requested(), None);
    say("ready");
    wait_until("a signal", || interrupt.requested().is_some());
    let signal = interrupt.requested().unwrap();
    say(if signal == Signal::Interrupt {
        "interrupt"
    } else {
        "terminate"
    });
    if dir.path().join("drop").exists() {
        drop(interrupt);
        say("dropped");
    }
    wait_until("permission to end", || dir.path().join("end").exists());
    std::process::exit(signal.exit_code().into());
}

/// Sends signals one after the other, each when the file before it has appeared.
#[cfg(unix)]
fn listen(dir: &RunDir, script: &[(&str, &str)]) -> (Child, impl Fn(&str) + use<>) {
    let child = spawn("child_listens", dir);
    let id = child.id().to_string();
    let path = dir.path().to_owned();
    let wait = move |name: &str| wait_until(name, || path.join(name).exists());
    for (file, signal) in script {
        wait(file);
        assert!(
            Command::new("kill")
                .args(["-s", signal, &id])
                .status()
                .unwrap()
                .success()
        );
    }
    (child, wait)
}

#[cfg(unix)]
#[test]
fn the_first_signal_is_a_request() {
    for (signal, file, code) in [("INT", "interrupt", 130), ("TERM", "terminate", 143)] {
        let (_temp, dir) = new_run();
        let (mut child, wait) = listen(&dir, &[("ready", signal)]);
        wait(file);
        assert!(
            child.try_wait().unwrap().is_none(),
            "it goes on until it ends by itself"
        );
        // A batch system's second SIGTERM changes nothing.
        let (id, repeat) = (child.id().to_string(), signal == "TERM");
        if repeat {
            assert!(
                Command::new("kill")
                    .args(["-s", "TERM", &id])
                    .status()
                    .unwrap()
                    .success()
            );
            std::thread::sleep(Duration::from_millis(20));
            assert!(child.try_wait().unwrap().is_none());
        }
        dir.write_file_atomic("end", b"").unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
    }
}

#[cfg(unix)]
#[test]
fn a_second_ctrl_c_ends_at_once() {
    for (first, file) in [("INT", "interrupt"), ("TERM", "terminate")] {
        let (_temp, dir) = new_run();
        let (mut child, _) = listen(&dir, &[("ready", first), (file, "INT")]);
        // There is no file "end": the child cannot have got this far by itself.
        assert_eq!(child.wait().unwrap().code(), Some(130), "after {first}");
    }
}

#[cfg(unix)]
#[test]
fn when_nobody_listens_any_more_a_signal_ends_at_once() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (_temp, dir) = new_run();
        dir.write_file_atomic("drop", b"").unwrap();
        let (mut child, _) = listen(&dir, &[("ready", "INT"), ("dropped", signal)]);
        assert_eq!(child.wait().unwrap().code(), Some(code));
    }
}
