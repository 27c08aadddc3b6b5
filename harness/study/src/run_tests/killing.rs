//! A whole study, stopped and killed in the middle. The study is this test program
//! itself, told by a variable to run one test; its cells are processes of the script.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{cells, host, script};
use crate::{
    cell::Cell,
    folder::{Manifest, StudyDir},
    options::StudyArgs,
    process::ProcessRunner,
    runner::Stop,
    session::{Asked, Means, conduct},
};

/// Names the folder of the child's study.
const VARIABLE: &str = "SINSIM_TEST_STUDY";

fn grid() -> Vec<Cell> {
    cells(&["simclr", "vicreg", "byol"], &[0, 1], "--act=slow")
}

/// Body of the child; as a test of its own it does nothing.
#[test]
fn child_studies() {
    let Some(folder) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
        return;
    };
    let (stop, program) = (Stop::listen().unwrap(), script());
    let runner = ProcessRunner::new(program.clone(), Vec::new());
    let manifest = Manifest::new("test", String::new(), String::new(), grid());
    let asked = Asked {
        out: folder,
        manifest,
    };
    let means = Means {
        runner: &runner,
        stop: &stop,
        jobs: 2,
        threads: 1,
    };
    let argv = ["harness".to_owned(), "reproduce".to_owned()];
    let summary = conduct(&asked, &StudyArgs::default(), host(&program, &argv), means).unwrap();
    std::process::exit(summary.status.into());
}

fn start(folder: &Path) -> Child {
    let (_, module) = module_path!().split_once("::").unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("{module}::child_studies"),
            "--nocapture",
        ])
        .env(VARIABLE, folder)
        .stdout(Stdio::null())
        .stderr(fs::File::create(folder.join("stderr")).unwrap())
        .spawn()
        .unwrap()
}

fn done(dir: &StudyDir) -> Vec<Cell> {
    grid()
        .into_iter()
        .filter(|cell| matches!(dir.result(cell), Ok(Some(_))))
        .collect()
}

fn calls(dir: &StudyDir, cell: &Cell) -> Vec<String> {
    let text = fs::read_to_string(dir.run(cell).join("calls")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Waits for two cells to be done and a third to be begun.
fn wait_for_the_middle(dir: &StudyDir) {
    let start = Instant::now();
    let begun = || grid().iter().filter(|cell| dir.is_begun(cell)).count();
    while !(done(dir).len() >= 2 && begun() > done(dir).len()) {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "not within a minute"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn stopped_in_the_middle_it_saves_and_goes_on() {
    let temp = tempfile::tempdir().unwrap();
    let dir = StudyDir::create(temp.path()).unwrap();
    let mut child = start(temp.path());
    wait_for_the_middle(&dir);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    let said = fs::read_to_string(temp.path().join("stderr")).unwrap();
    assert_eq!(status.code(), Some(143), "{said}");
    assert!(said.contains("continue with: harness reproduce"), "{said}");
    let before = done(&dir);
    assert!((2..6).contains(&before.len()), "{said}");
    // Every cell that was begun has saved: none is left running.
    for cell in grid()
        .iter()
        .filter(|cell| dir.is_begun(cell) && !before.contains(cell))
    {
        assert!(dir.run(cell).join("saved").is_file(), "{}: {said}", cell.id);
    }

    let status = start(temp.path()).wait().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(done(&dir).len(), 6);
    for cell in grid() {
        let calls = calls(&dir, &cell);
        if before.contains(&cell) {
            assert_eq!(calls, ["resume=no"], "{}", cell.id);
        } else {
            assert_eq!(
                calls.last().map(String::as_str) == Some("resume=yes"),
                calls.len() == 2
            );
        }
    }
    let report = fs::read_to_string(temp.path().join("report/tables.md")).unwrap();
    assert_eq!(report, "6 of 6, 1 maps");
}

#[test]
fn killed_in_the_middle_it_repeats_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let dir = StudyDir::create(temp.path()).unwrap();
    let mut child = start(temp.path());
    wait_for_the_middle(&dir);
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    let before = done(&dir);
    let status = start(temp.path()).wait().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(done(&dir).len(), 6);
    for cell in &before {
        assert_eq!(calls(&dir, cell), ["resume=no"], "{}", cell.id);
    }
}
