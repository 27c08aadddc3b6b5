//! Studies whose cells only pretend: what is run, what is not, and what is said of it.

use std::{fs, time::Duration};

use harness_run::RunDir;

use super::{Act, Pretender, cells, go, write_result};
use crate::{
    drive::Crew,
    error::StudyError,
    estimate::Pace,
    folder::StudyDir,
    ledger::{Ledger, Writer},
    options::{ReportArgs, StudyArgs},
    overview::Overview,
    runner::Stop,
    session::report,
    shard::Shard,
};

const METHODS: [&str; 4] = ["simclr", "vicreg", "byol", "swav"];

/// One cell at a time.
fn crew<'a>(dir: &'a StudyDir, runner: &'a Pretender, stop: &'a Stop) -> Crew<'a> {
    Crew {
        dir,
        runner,
        stop,
        jobs: 1,
        threads: 1,
        least_room: 0,
        held: Duration::from_secs(5),
        every: Duration::from_secs(600),
    }
}

fn retry() -> StudyArgs {
    StudyArgs {
        retry_failed: true,
        ..StudyArgs::default()
    }
}

#[test]
fn a_finished_cell_is_not_repeated() {
    let temp = tempfile::tempdir().unwrap();
    let grid = cells(&METHODS, &[0, 1], "");
    let runner = Pretender::default();
    let summary = go(temp.path(), &grid, &StudyArgs::default(), &runner).unwrap();
    assert_eq!((summary.cells, summary.done, summary.status), (8, 8, 0));
    let order: Vec<String> = runner.calls().into_iter().map(|(id, _)| id).collect();
    assert_eq!(
        order,
        grid.iter().map(|cell| cell.id.clone()).collect::<Vec<_>>()
    );
    let read = || fs::read_to_string(temp.path().join("report/tables.md")).unwrap();
    assert_eq!(read(), "8 of 8, 1 maps");
    assert_eq!(
        fs::read_to_string(temp.path().join("maps/mnist.svg")).unwrap(),
        "<svg/>\n"
    );

    let again = Pretender::default();
    assert_eq!(
        go(temp.path(), &grid, &StudyArgs::default(), &again).unwrap(),
        summary
    );
    assert!(again.calls().is_empty());

    // More seeds: what is there is used.
    let more = cells(&METHODS, &[1, 0, 2], "");
    assert_eq!(
        go(temp.path(), &more, &StudyArgs::default(), &again)
            .unwrap()
            .done,
        12
    );
    assert!(
        again.calls().iter().all(|(id, _)| id.ends_with("-s2")),
        "{:?}",
        again.calls()
    );
    assert_eq!(read(), "12 of 12, 1 maps");
}

#[test]
fn an_interrupted_study_goes_on_where_it_stood() {
    let temp = tempfile::tempdir().unwrap();
    let grid = cells(&METHODS, &[0], "");
    let first = Pretender::with("mnist/vicreg-s0", Act::Stop);
    let summary = go(temp.path(), &grid, &StudyArgs::default(), &first).unwrap();
    assert_eq!((summary.done, summary.failed, summary.open), (1, 0, 3));
    assert_eq!(first.calls().len(), 2);
    // Checkpoints stay where they are needed: a third of a gigabyte each.
    let checkpoint = |method: &str| {
        let cell = temp.path().join(format!("runs/mnist/{method}-s0"));
        cell.join("checkpoints/step-1.ckpt").exists()
    };
    assert!(checkpoint("vicreg") && !checkpoint("simclr"));
    let second = Pretender::default();
    let summary = go(temp.path(), &grid, &StudyArgs::default(), &second).unwrap();
    assert_eq!((summary.done, summary.status), (4, 0));
    let expected = [("vicreg", true), ("byol", false), ("swav", false)];
    let expected = expected.map(|(name, resumed)| (format!("mnist/{name}-s0"), resumed));
    assert_eq!(second.calls(), expected);
}

#[test]
fn a_failed_cell_is_recorded_and_the_rest_goes_on() {
    let temp = tempfile::tempdir().unwrap();
    let grid = cells(&METHODS, &[0], "");
    for (act, words) in [(Act::Fail, "no images"), (Act::Silent, "without a result")] {
        let runner = Pretender::with("mnist/vicreg-s0", act);
        // The first time it is open, the second time failed.
        let summary = go(temp.path(), &grid, &retry(), &runner).unwrap();
        assert_eq!((summary.done, summary.failed, summary.status), (3, 1, 1));
        let ledger = Ledger::read(&temp.path().join("ledger")).unwrap();
        let reason = ledger.cells["mnist/vicreg-s0"].failure.clone().unwrap();
        assert!(reason.contains(words), "{reason}");
        // Not tried again unless asked for.
        let idle = Pretender::default();
        let summary = go(temp.path(), &grid, &StudyArgs::default(), &idle).unwrap();
        assert_eq!((summary.failed, summary.status), (1, 1));
        assert!(idle.calls().is_empty());
    }
    let well = Pretender::default();
    let summary = go(temp.path(), &grid, &retry(), &well).unwrap();
    assert_eq!((summary.done, summary.failed, summary.status), (4, 0, 0));
    assert_eq!(well.calls(), [("mnist/vicreg-s0".to_owned(), true)]);
}

#[test]
fn a_full_disk_stops_the_study_and_blames_no_cell() {
    let temp = tempfile::tempdir().unwrap();
    let dir = StudyDir::create(temp.path()).unwrap();
    let grid = cells(&METHODS, &[0], "");
    let (runner, stop) = (
        Pretender::with("mnist/vicreg-s0", Act::Fail),
        Stop::default(),
    );
    let crew = Crew {
        least_room: u64::MAX,
        ..crew(&dir, &runner, &stop)
    };
    let mut writer = Writer::open(temp.path(), &dir.ledger(), Shard::WHOLE).unwrap();
    let todo: Vec<_> = grid.iter().collect();
    let mut overview = Overview::new(1, 4, 0, todo.clone(), Pace::default());
    let error = crew
        .run(&todo, &mut writer, &mut overview, &mut || Ok(()))
        .unwrap_err()
        .to_string();
    for words in ["full", "mnist/vicreg-s0", "no images", "same command again"] {
        assert!(error.contains(words), "{error}");
    }
    // The first is done, the second is open as the others are.
    assert_eq!(runner.calls().len(), 2);
    drop(writer);
    let well = Pretender::default();
    let summary = go(temp.path(), &grid, &StudyArgs::default(), &well).unwrap();
    assert_eq!((summary.done, summary.failed), (4, 0));
    assert_eq!(well.calls()[0], ("mnist/vicreg-s0".to_owned(), true));
}

#[test]
fn other_arguments_in_the_same_folder_are_refused_before_anything_runs() {
    let temp = tempfile::tempdir().unwrap();
    let before = cells(&["simclr"], &[0], "--epochs 1");
    go(
        temp.path(),
        &before,
        &StudyArgs::default(),
        &Pretender::default(),
    )
    .unwrap();
    let runner = Pretender::default();
    let now = cells(&["vicreg", "simclr"], &[0], "--epochs 2");
    let error = go(temp.path(), &now, &StudyArgs::default(), &runner)
        .unwrap_err()
        .to_string();
    for words in [
        "mnist/simclr-s0",
        "--epochs 1",
        "--epochs 2",
        "another --out",
    ] {
        assert!(error.contains(words), "{error}");
    }
    assert!(runner.calls().is_empty());
    // A run that somebody else made there.
    let foreign = temp.path().join("runs/mnist/byol-s0");
    fs::create_dir_all(&foreign).unwrap();
    fs::write(foreign.join("config.toml"), "").unwrap();
    let error = go(
        temp.path(),
        &cells(&["byol"], &[0], ""),
        &StudyArgs::default(),
        &runner,
    );
    assert!(
        matches!(error, Err(StudyError::OtherArguments { .. })),
        "{error:?}"
    );
    let error = go(temp.path(), &[], &StudyArgs::default(), &runner);
    assert!(matches!(error, Err(StudyError::Empty(_))), "{error:?}");
}

#[test]
fn shares_run_every_cell_once_and_the_report_merges_them() {
    let temp = tempfile::tempdir().unwrap();
    let grid = cells(&METHODS, &[0, 1, 2], "");
    let mut all = Vec::new();
    for index in 1..=5 {
        let shard = Some(Shard::new(index, 5).unwrap());
        let runner = Pretender::default();
        let args = StudyArgs {
            shard,
            ..StudyArgs::default()
        };
        let summary = go(temp.path(), &grid, &args, &runner).unwrap();
        assert_eq!(
            (summary.cells, summary.report, summary.status),
            (12, None, 0)
        );
        all.extend(runner.calls());
    }
    all.sort();
    let mut expected: Vec<_> = grid.iter().map(|cell| (cell.id.clone(), false)).collect();
    expected.sort();
    assert_eq!(all, expected);
    assert!(!temp.path().join("report").exists());

    let program = super::script();
    let host = super::host(&program, &[]);
    let args = ReportArgs {
        study: temp.path().to_owned(),
        no_maps: true,
    };
    let summary = report(&args, host).unwrap();
    assert_eq!((summary.done, summary.open), (12, 0));
    let text = fs::read_to_string(temp.path().join("report/tables.md")).unwrap();
    assert_eq!(text, "12 of 12, 0 maps");
    let nowhere = ReportArgs {
        study: temp.path().join("runs"),
        no_maps: true,
    };
    let error = report(&nowhere, host).unwrap_err().to_string();
    assert!(error.contains("is no study"), "{error}");
}

#[test]
fn a_cell_that_another_process_has_is_waited_for() {
    let temp = tempfile::tempdir().unwrap();
    let dir = StudyDir::create(temp.path()).unwrap();
    let grid = cells(&["simclr", "vicreg"], &[0], "");
    let folder = dir.begin(&grid[0]).unwrap();
    fs::write(folder.join("config.toml"), "").unwrap();
    let lock = RunDir::open(&folder).unwrap().lock().unwrap();
    let (runner, stop) = (Pretender::default(), Stop::default());
    let crew = Crew {
        jobs: 2,
        held: Duration::from_millis(20),
        ..crew(&dir, &runner, &stop)
    };
    let mut writer = Writer::open(temp.path(), &dir.ledger(), Shard::WHOLE).unwrap();
    let todo: Vec<_> = grid.iter().collect();
    let mut overview = Overview::new(2, 2, 0, todo.clone(), Pace::default());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            write_result(&folder);
            drop(lock);
        });
        crew.run(&todo, &mut writer, &mut overview, &mut || Ok(()))
            .unwrap();
    });
    assert_eq!(runner.calls(), [("mnist/vicreg-s0".to_owned(), false)]);
    assert!(dir.result(&grid[0]).unwrap().is_some());
}
