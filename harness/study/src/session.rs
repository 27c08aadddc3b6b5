//! `harness reproduce`, `harness sweep` and `harness report`, from options to exit
//! status.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use serde::Serialize;

use crate::{
    budget::Budget,
    cell::{Cell, CellState, Finished},
    drive::Crew,
    error::StudyError,
    estimate::Pace,
    folder::{Manifest, StudyDir},
    ledger::{Event, Ledger, Writer},
    machine, maps,
    options::{ReportArgs, ReproduceArgs, StudyArgs, SweepArgs, quoted},
    overview::Overview,
    process::ProcessRunner,
    room,
    runner::{Runner, Stop},
    shard::Shard,
    study::Study,
    train_options,
};

/// Writes the report on a study into a folder.
pub type WriteReport<'a> =
    &'a dyn Fn(&Study, &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// The report, as [`WriteReport`] wants it.
pub fn write_report(
    study: &Study,
    folder: &Path,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Ok(crate::report::write(study, folder)?)
}

/// The program that the study is part of.
#[derive(Clone, Copy)]
pub struct Host<'a> {
    /// What runs cells and draws maps: [`crate::process::this_program`].
    pub program: &'a Path,
    /// Its name and version.
    pub version: &'a str,
    /// Its command line, to be repeated.
    pub argv: &'a [String],
    /// Writes the report.
    pub report: WriteReport<'a>,
}

/// How a study ended; the line of JSON on stdout.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Its folder.
    pub study: PathBuf,
    /// Cells of the whole grid.
    pub cells: usize,
    /// Complete ones.
    pub done: usize,
    /// Failed ones.
    pub failed: usize,
    /// Those that are left to run, by this share or others.
    pub open: usize,
    /// Where the report is, if one was written.
    pub report: Option<PathBuf>,
    /// Exit status.
    #[serde(skip)]
    pub status: u8,
}

impl Summary {
    /// The exit status: 0 when all that was asked for is done, 1 when a cell failed, and
    /// what a signal asks for.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.status)
    }
}

/// What a study is asked to be.
pub struct Asked {
    /// Folder and name.
    pub out: PathBuf,
    /// What `study.json` will say.
    pub manifest: Manifest,
}

/// `harness reproduce`.
pub fn reproduce(args: &ReproduceArgs, host: Host<'_>) -> Result<Summary, StudyError> {
    train_options::check(&args.run.train)?;
    let name = args.budget.name();
    let mut asked = ask(&args.run, host, name, args.command(), args.cells());
    asked.manifest.map_points = args.budget.plan().map_points;
    run(asked, &args.run, args.budget, host)
}

/// `harness sweep`.
pub fn sweep(args: &SweepArgs, host: Host<'_>) -> Result<Summary, StudyError> {
    train_options::check(&args.run.train)?;
    let asked = ask(&args.run, host, "sweep", args.command(), args.cells());
    run(asked, &args.run, args.budget, host)
}

/// `harness report`.
pub fn report(args: &ReportArgs, host: Host<'_>) -> Result<Summary, StudyError> {
    let (dir, manifest) = StudyDir::open(&args.study)?;
    conclude(&dir, &manifest, host, &Stop::listen()?, !args.no_maps)
}

fn ask(args: &StudyArgs, host: Host<'_>, name: &str, command: String, cells: Vec<Cell>) -> Asked {
    Asked {
        out: args
            .out
            .clone()
            .unwrap_or_else(|| Path::new("studies").join(name)),
        manifest: Manifest::new(name, command, host.version.to_owned(), cells),
    }
}

fn run(
    asked: Asked,
    args: &StudyArgs,
    budget: Budget,
    host: Host<'_>,
) -> Result<Summary, StudyError> {
    let stop = Stop::listen()?;
    let mut machine_args = args.machine_args(budget);
    // Cells of one data set and seed begin with the same encoder: it is judged once.
    let untrained = asked.out.join("untrained").display().to_string();
    machine_args.extend(["--untrained-cache".to_owned(), untrained]);
    let mut runner = ProcessRunner::new(host.program.to_owned(), machine_args);
    runner.timeout = args.timeout;
    let (jobs, threads) = args.places(budget);
    conduct(
        &asked,
        args,
        host,
        Means {
            runner: &runner,
            stop: &stop,
            jobs,
            threads,
        },
    )
}

/// What a study is run with.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// What runs a cell.
    pub runner: &'a dyn Runner,
    /// The wish to stop.
    pub stop: &'a Stop,
    /// Cells at once.
    pub jobs: usize,
    /// Threads of each.
    pub threads: usize,
}

/// A study from beginning to end, or to its interruption.
pub fn conduct(
    asked: &Asked,
    args: &StudyArgs,
    host: Host<'_>,
    means: Means<'_>,
) -> Result<Summary, StudyError> {
    let manifest = &asked.manifest;
    if manifest.cells.is_empty() {
        return Err(StudyError::Empty(
            "the grid has no cells; name at least one data set, method and seed",
        ));
    }
    let shard = args.shard.unwrap_or(Shard::WHOLE);
    let dir = StudyDir::create(&asked.out)?;
    for cell in &manifest.cells {
        dir.check(cell)?;
    }
    if args.report_only {
        dir.write_manifest(manifest)?;
        return conclude(&dir, manifest, host, means.stop, true);
    }
    let mut writer = Writer::open(dir.path(), &dir.ledger(), shard)?;
    dir.write_manifest(manifest)?;
    writer.record(&Event::Session {
        program: host.version.to_owned(),
        machine: machine::describe(),
        shard: shard.to_string(),
    })?;
    let ledger = Ledger::read(&dir.ledger())?;
    if ledger.unreadable > 0 {
        eprintln!(
            "warning: {} lines of the ledger cannot be read and are left out (cut short by a \
             kill?)",
            ledger.unreadable
        );
    }
    let own: Vec<&Cell> = share(&manifest.cells, shard);
    let (mut pace, mut todo, mut done, mut given_up) = (Pace::default(), Vec::new(), 0, 0);
    for cell in &own {
        match dir.state(cell, &ledger) {
            CellState::Done(_) => {
                done += 1;
                let seconds = ledger
                    .cells
                    .get(&cell.id)
                    .map_or(0.0, |history| history.seconds);
                pace.observe(cell, seconds);
            }
            CellState::Failed(_) if !args.retry_failed => given_up += 1,
            CellState::Failed(_) | CellState::Open => todo.push(*cell),
        }
    }
    let crew = Crew {
        dir: &dir,
        runner: means.runner,
        stop: means.stop,
        jobs: means.jobs,
        threads: means.threads,
        least_room: room::LEAST,
        held: Duration::from_secs(5),
        every: args.report_every.unwrap_or(Duration::from_secs(600)),
    };
    announce(&dir, manifest, shard, &crew);
    if given_up > 0 {
        eprintln!(
            "{given_up} cells failed before and are left out; --retry-failed tries them again"
        );
    }
    let mut overview = Overview::new(means.jobs, own.len(), done, todo.clone(), pace);
    let mut now_and_then = || {
        // Other shares write at other times: the report is for who merges them.
        if shard.is_whole() {
            write(&dir, manifest, host).map(drop)
        } else {
            Ok(())
        }
    };
    crew.run(&todo, &mut writer, &mut overview, &mut now_and_then)?;
    drop(overview);

    let mut summary = if shard.is_whole() {
        conclude(&dir, manifest, host, means.stop, true)?
    } else {
        let ledger = Ledger::read(&dir.ledger())?;
        let finished = dir.finished(&manifest.cells, &ledger);
        let mut summary = count(&dir, &finished, None);
        // The status is that of this share.
        let own = dir.finished(&own.into_iter().cloned().collect::<Vec<_>>(), &ledger);
        summary.status = count(&dir, &own, None).status;
        eprintln!(
            "share {shard} has ended; when all have, merge them with: harness report --study {}",
            quoted(&dir.path().display().to_string())
        );
        summary
    };
    if let Some(signal) = means.stop.signal() {
        summary.status = signal.exit_code();
    }
    if means.stop.is_requested() {
        let command: Vec<String> = host.argv.iter().map(|word| quoted(word)).collect();
        eprintln!(
            "interrupted; what is done stays done, continue with: {}",
            command.join(" ")
        );
    }
    Ok(summary)
}

/// The cells of a share, in their order.
pub fn share(cells: &[Cell], shard: Shard) -> Vec<&Cell> {
    let dealt = cells
        .iter()
        .enumerate()
        .filter(|(position, _)| shard.has(*position));
    dealt.map(|(_, cell)| cell).collect()
}

fn announce(dir: &StudyDir, manifest: &Manifest, shard: Shard, crew: &Crew<'_>) {
    let part = if shard.is_whole() {
        String::new()
    } else {
        format!(", share {shard}")
    };
    let threads = match crew.threads {
        0 => "all cores".to_owned(),
        1 => "1 thread".to_owned(),
        n => format!("{n} threads"),
    };
    eprintln!(
        "study folder {}: {} cells{part}, {} at a time with {threads} each",
        dir.path().display(),
        manifest.cells.len(),
        crew.jobs,
    );
}

/// Draws what can be drawn, writes the report, and counts.
fn conclude(
    dir: &StudyDir,
    manifest: &Manifest,
    host: Host<'_>,
    stop: &Stop,
    draw: bool,
) -> Result<Summary, StudyError> {
    let ledger = Ledger::read(&dir.ledger())?;
    let finished = dir.finished(&manifest.cells, &ledger);
    if draw && !stop.is_requested() {
        let mut warn = |text: String| eprintln!("warning: {text}");
        maps::draw(
            dir,
            &finished,
            manifest.map_points,
            host.program,
            stop,
            &mut warn,
        )?;
    }
    let finished = write(dir, manifest, host)?;
    Ok(count(dir, &finished, Some(dir.report())))
}

/// Writes the report on what is there.
fn write(dir: &StudyDir, manifest: &Manifest, host: Host<'_>) -> Result<Vec<Finished>, StudyError> {
    let ledger = Ledger::read(&dir.ledger())?;
    let cells = dir.finished(&manifest.cells, &ledger);
    let machine = if ledger.machines.is_empty() {
        machine::describe()
    } else {
        ledger.machines.join("; ")
    };
    let study = Study {
        name: manifest.name.clone(),
        command: manifest.command.clone(),
        program: manifest.program.clone(),
        machine,
        maps: maps::pictures(dir, &cells, manifest.map_points),
        cells,
    };
    (host.report)(&study, &dir.report()).map_err(StudyError::Report)?;
    Ok(study.cells)
}

fn count(dir: &StudyDir, finished: &[Finished], report: Option<PathBuf>) -> Summary {
    let number =
        |fits: fn(&CellState) -> bool| finished.iter().filter(|one| fits(&one.state)).count();
    let failed = number(|state| matches!(state, CellState::Failed(_)));
    Summary {
        study: dir.path().to_owned(),
        cells: finished.len(),
        done: number(|state| matches!(state, CellState::Done(_))),
        failed,
        open: number(|state| matches!(state, CellState::Open)),
        report,
        status: u8::from(failed > 0),
    }
}
