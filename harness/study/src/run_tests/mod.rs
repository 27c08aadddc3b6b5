//! Studies run to their ends, and stopped before: by runners that only pretend, and by
//! real processes of a script that behaves like the program.

mod driving;
mod grids;
#[cfg(unix)]
mod killing;
mod ledgers;
#[cfg(unix)]
mod processes;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use crate::{
    cell::{Cell, Judgement, RunResult, TopK},
    error::StudyError,
    folder::Manifest,
    grid::Request,
    options::StudyArgs,
    runner::{Ended, Failure, Job, Runner, Stop},
    session::{Asked, Host, Means, Summary, conduct},
    study::Study,
};

/// A grid of `methods` on MNIST, with some arguments.
fn cells(methods: &[&str], seeds: &[u64], args: &str) -> Vec<Cell> {
    let request = Request {
        datasets: vec!["mnist".to_owned()],
        methods: methods.iter().map(|&name| name.to_owned()).collect(),
        seeds: seeds.to_vec(),
        maps: vec!["mnist".to_owned()],
        ..Request::default()
    };
    request.cells(|_, _| args.split_whitespace().map(str::to_owned).collect())
}

fn result() -> RunResult {
    let half = TopK {
        top1: 0.5,
        top5: 0.9,
    };
    let judged = Judgement {
        linear: half,
        mlp: half,
        knn: half,
    };
    RunResult {
        method: "m".to_owned(),
        dataset: "d".to_owned(),
        recipe: "quick".to_owned(),
        stem: "small".to_owned(),
        backend: "flex".to_owned(),
        epochs: 1,
        steps: 1,
        batch_size: 2,
        seed: 0,
        pretrain_images: 2,
        train_images: 2,
        test_images: 2,
        trained: judged,
        untrained: judged,
        train_seconds: 1.0,
    }
}

fn write_result(folder: &Path) {
    fs::write(
        folder.join("result.json"),
        serde_json::to_vec(&result()).unwrap(),
    )
    .unwrap();
}

/// What the pretending runner does with a cell.
#[derive(Clone, Copy)]
enum Act {
    Done,
    Fail,
    /// Ends well without a result.
    Silent,
    /// Asks the study to stop, as a signal would, and saves.
    Stop,
}

/// Pretends to run cells; those that are not named are done at once.
#[derive(Default)]
struct Pretender {
    acts: HashMap<String, Act>,
    /// Ids, and whether they were continued.
    calls: Mutex<Vec<(String, bool)>>,
}

impl Pretender {
    fn with(id: &str, act: Act) -> Self {
        Self {
            acts: HashMap::from([(id.to_owned(), act)]),
            ..Self::default()
        }
    }

    fn calls(&self) -> Vec<(String, bool)> {
        self.calls.lock().unwrap().clone()
    }
}

impl Runner for Pretender {
    fn run(&self, job: &Job<'_>, stop: &Stop) -> Result<Ended, Failure> {
        self.calls
            .lock()
            .unwrap()
            .push((job.cell.id.clone(), job.resume));
        fs::write(job.folder.join("config.toml"), "").unwrap();
        fs::create_dir_all(job.folder.join("checkpoints")).unwrap();
        fs::write(job.folder.join("checkpoints/step-1.ckpt"), "").unwrap();
        match self.acts.get(&job.cell.id).copied().unwrap_or(Act::Done) {
            Act::Done => {
                write_result(job.folder);
                Ok(Ended::Complete)
            }
            Act::Fail => Err(Failure::Exit {
                code: 1,
                tail: "error: no images".to_owned(),
            }),
            Act::Silent => Ok(Ended::Complete),
            Act::Stop => {
                stop.request();
                Ok(Ended::Interrupted)
            }
        }
    }
}

/// The script beside this file.
fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/run_tests/fake-harness")
}

/// A report that says how far the study is.
fn little_report(
    study: &Study,
    folder: &Path,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    use crate::cell::CellState;
    fs::create_dir_all(folder)?;
    let done = study
        .cells
        .iter()
        .filter(|one| matches!(one.state, CellState::Done(_)))
        .count();
    let text = format!("{done} of {}, {} maps", study.cells.len(), study.maps.len());
    fs::write(folder.join("tables.md"), text)?;
    Ok(())
}

fn host<'a>(program: &'a Path, argv: &'a [String]) -> Host<'a> {
    Host {
        program,
        version: "harness 0.0",
        argv,
        report: &little_report,
    }
}

/// Runs a study in `folder`, one cell at a time.
fn go(
    folder: &Path,
    cells: &[Cell],
    args: &StudyArgs,
    runner: &dyn Runner,
) -> Result<Summary, StudyError> {
    let asked = Asked {
        out: folder.to_owned(),
        manifest: Manifest::new(
            "test",
            "harness test".to_owned(),
            "p".to_owned(),
            cells.to_vec(),
        ),
    };
    let stop = Stop::default();
    let means = Means {
        runner,
        stop: &stop,
        jobs: 1,
        threads: 1,
    };
    conduct(
        &asked,
        args,
        host(&script(), &["harness".to_owned(), "test".to_owned()]),
        means,
    )
}
