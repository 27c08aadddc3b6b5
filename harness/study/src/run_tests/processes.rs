//! One cell as a process, in all the ways in which it can end.

use std::{
    fs,
    time::{Duration, Instant},
};

use super::{cells, script};
use crate::{
    process::ProcessRunner,
    runner::{Ended, Failure, Job, Runner, Stop},
};

/// Runs a cell that does `act`, and asks it to stop after `stop_after`.
fn run(
    act: &str,
    stop_after: Option<Duration>,
    change: impl FnOnce(&mut ProcessRunner),
) -> (tempfile::TempDir, Result<Ended, Failure>) {
    let temp = tempfile::tempdir().unwrap();
    let cell = cells(&["simclr"], &[0], &format!("--act={act}")).remove(0);
    let mut runner = ProcessRunner::new(script(), vec!["--offline".to_owned()]);
    change(&mut runner);
    let stop = Stop::default();
    let job = Job {
        cell: &cell,
        folder: temp.path(),
        resume: false,
        threads: 1,
    };
    let ended = std::thread::scope(|scope| {
        if let Some(after) = stop_after {
            let (stop, begun) = (&stop, temp.path().join("config.toml"));
            scope.spawn(move || {
                wait_for(&begun);
                std::thread::sleep(after);
                stop.request();
            });
        }
        runner.run(&job, &stop)
    });
    (temp, ended)
}

/// A minute is far beyond what it takes.
fn wait_for(path: &std::path::Path) {
    let start = Instant::now();
    while !path.exists() && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn it_ends_well() {
    let (temp, ended) = run("quick", None, |_| {});
    assert_eq!(ended.unwrap(), Ended::Complete);
    assert!(temp.path().join("result.json").is_file());
    assert_eq!(fs::read_to_string(temp.path().join("log.txt")).unwrap(), "");
}

#[test]
fn it_fails_and_says_why() {
    let (temp, ended) = run("fail", None, |_| {});
    let error = ended.unwrap_err();
    assert!(matches!(error, Failure::Exit { code: 1, .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "exit status 1: first word\nerror: no images"
    );
    assert!(temp.path().join("log.txt").is_file());
}

#[test]
fn it_is_killed_from_outside() {
    let (_temp, ended) = run("killed", None, |_| {});
    let text = ended.unwrap_err().to_string();
    assert!(
        text.contains("signal 9") && text.contains("out of memory"),
        "{text}"
    );
}

#[test]
fn there_is_no_such_program() {
    let (_temp, ended) = run("quick", None, |runner| {
        runner.program = "/nowhere/harness".into()
    });
    let text = ended.unwrap_err().to_string();
    assert!(text.contains("could not start /nowhere/harness"), "{text}");
}

#[test]
fn asked_to_stop_it_has_time_to_save() {
    let (temp, ended) = run("save", Some(Duration::from_millis(100)), |_| {});
    assert_eq!(ended.unwrap(), Ended::Interrupted);
    assert!(temp.path().join("saved").is_file());
}

#[test]
fn one_that_does_not_listen_is_killed_in_the_end() {
    let start = Instant::now();
    let (_temp, ended) = run("deaf", Some(Duration::ZERO), |runner| {
        runner.grace = Duration::from_millis(200);
    });
    assert_eq!(ended.unwrap(), Ended::Interrupted);
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[test]
fn one_that_hangs_is_given_up() {
    for act in ["save", "deaf"] {
        let (temp, ended) = run(act, None, |runner| {
            // The script has to come as far as its trap.
            runner.timeout = Some(Duration::from_secs(2));
            runner.grace = Duration::from_millis(200);
        });
        let error = ended.unwrap_err();
        assert!(
            matches!(error, Failure::TimedOut { .. }),
            "{act}: {error:?}"
        );
        assert_eq!(temp.path().join("saved").is_file(), act == "save");
    }
}

#[test]
fn the_log_of_a_long_run_is_told_by_its_end() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("log.txt");
    let text: String = (0..10_000).map(|n| format!("line {n}\n")).collect();
    fs::write(&path, &text).unwrap();
    let tail = |begin| crate::process::tail(&path, begin);
    assert_eq!(
        tail(0),
        "line 9995\nline 9996\nline 9997\nline 9998\nline 9999"
    );
    // What an earlier attempt said is not this one's.
    assert_eq!(tail(text.len() as u64 - 10), "line 9999");
    assert_eq!(tail(text.len() as u64), "");
    assert_eq!(crate::process::tail(&temp.path().join("none"), 0), "");
}
