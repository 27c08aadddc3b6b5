//! The folder of a study:
//!
//! ```text
//! STUDY/
//!   study.json           what was asked for: the grid, the command        [`Manifest`]
//!   ledger/I-of-N.jsonl  what happened, a line an event, a file a share   [`crate::ledger`]
//!   runs/ID/             run folder of a cell, as `harness train` makes it
//!     args.json          the arguments that it was made with
//!     log.txt            what the process said
//!     checkpoints/       until the cell is done
//!     result.json        the truth about whether the cell is done
//!   untrained/           accuracies that cells share which begin with the same encoder
//!   maps/DATASET.svg     Figure 1
//!   report/              tables, figures, report.html
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use harness_run::{RunDir, RunError, atomic};
use serde::{Deserialize, Serialize};

use crate::{
    cell::{Cell, CellState, Finished, RunResult},
    error::StudyError,
    ledger::Ledger,
};

/// Version of the layout of `study.json`.
const FORMAT: u32 = 1;

/// `study.json`: what was asked for by the latest command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Layout version.
    pub format: u32,
    /// Name of the study.
    pub name: String,
    /// Command that runs it.
    pub command: String,
    /// Name and version of the program.
    pub program: String,
    /// The grid, in the order in which it is run.
    pub cells: Vec<Cell>,
    /// Points of a map of Figure 1.
    pub map_points: usize,
}

impl Manifest {
    /// What is asked for now.
    pub fn new(name: &str, command: String, program: String, cells: Vec<Cell>) -> Self {
        Self {
            format: FORMAT,
            name: name.to_owned(),
            command,
            program,
            cells,
            map_points: 2000,
        }
    }
}

/// The arguments that a run folder was made with.
#[derive(Serialize, Deserialize)]
struct Arguments {
    args: Vec<String>,
}

/// The folder of a study.
#[derive(Clone, Debug)]
pub struct StudyDir {
    path: PathBuf,
}

impl StudyDir {
    /// A folder, made if it is not there.
    pub fn create(path: &Path) -> Result<Self, StudyError> {
        let ledger = path.join("ledger");
        fs::create_dir_all(&ledger).map_err(StudyError::io("create", &ledger))?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// The folder of a study that was begun before, and what was asked for.
    pub fn open(path: &Path) -> Result<(Self, Manifest), StudyError> {
        let file = path.join("study.json");
        let refuse = |got: String| StudyError::NotAStudy {
            path: path.to_owned(),
            got,
        };
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let got = if path.is_dir() {
                    "a folder without it"
                } else {
                    "nothing there"
                };
                return Err(refuse(got.to_owned()));
            }
            Err(error) => return Err(StudyError::io("read", &file)(error)),
        };
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| refuse(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(refuse(format!("format {}, not {FORMAT}", manifest.format)));
        }
        Ok((
            Self {
                path: path.to_owned(),
            },
            manifest,
        ))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where events are recorded.
    pub fn ledger(&self) -> PathBuf {
        self.path.join("ledger")
    }

    /// Where maps are drawn.
    pub fn maps(&self) -> PathBuf {
        self.path.join("maps")
    }

    /// Where the report is written.
    pub fn report(&self) -> PathBuf {
        self.path.join("report")
    }

    /// Run folder of a cell.
    pub fn run(&self, cell: &Cell) -> PathBuf {
        self.path.join("runs").join(&cell.id)
    }

    /// Replaces `study.json`.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<(), StudyError> {
        write_json(&self.path.join("study.json"), manifest)
    }

    /// The result of a cell, if it is done; else what is wrong with `result.json`, if
    /// there is one.
    pub fn result(&self, cell: &Cell) -> Result<Option<RunResult>, String> {
        match fs::read(self.run(cell).join("result.json")) {
            Ok(text) => match serde_json::from_slice(&text) {
                Ok(result) => Ok(Some(result)),
                Err(error) => Err(format!("result.json cannot be read: {error}")),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("result.json cannot be read: {error}")),
        }
    }

    /// Where a cell stands.
    pub fn state(&self, cell: &Cell, ledger: &Ledger) -> CellState {
        if let Ok(Some(result)) = self.result(cell) {
            return CellState::Done(Box::new(result));
        }
        let failure = ledger
            .cells
            .get(&cell.id)
            .and_then(|history| history.failure.clone());
        failure.map_or(CellState::Open, CellState::Failed)
    }

    /// Every cell and where it stands.
    pub fn finished(&self, cells: &[Cell], ledger: &Ledger) -> Vec<Finished> {
        let finished = |cell: &Cell| Finished {
            cell: cell.clone(),
            state: self.state(cell, ledger),
            folder: self.run(cell),
        };
        cells.iter().map(finished).collect()
    }

    /// Whether a run was begun in the cell's folder.
    pub fn is_begun(&self, cell: &Cell) -> bool {
        self.run(cell).join("config.toml").is_file()
    }

    /// Whether another process trains the cell, perhaps one that outlived its study.
    pub fn is_held(&self, cell: &Cell) -> bool {
        RunDir::open(&self.run(cell))
            .and_then(|run| run.lock())
            .is_err_and(|error| matches!(error, RunError::Locked { .. }))
    }

    /// Refuses a cell whose folder was made with other arguments.
    pub fn check(&self, cell: &Cell) -> Result<(), StudyError> {
        let folder = self.run(cell);
        let file = folder.join("args.json");
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A run that is not ours: its arguments are not known.
                if !self.is_begun(cell) {
                    return Ok(());
                }
                Vec::new()
            }
            Err(error) => return Err(StudyError::io("read", &file)(error)),
        };
        let asked = cell.train_args();
        let found = serde_json::from_slice::<Arguments>(&text).map(|stored| stored.args);
        if found.as_ref().is_ok_and(|found| *found == asked) {
            return Ok(());
        }
        Err(StudyError::OtherArguments {
            id: cell.id.clone(),
            folder,
            asked: asked.join(" "),
            found: found.map_or_else(
                |_| "no readable args.json".to_owned(),
                |args| args.join(" "),
            ),
        })
    }

    /// Removes the checkpoints of a cell that is done: some hundred megabytes, which only
    /// a run that goes on needs. What cannot be removed costs room and nothing else.
    pub fn tidy(&self, cell: &Cell) {
        let _ = fs::remove_dir_all(self.run(cell).join("checkpoints"));
    }

    /// Makes the folder of a cell and notes what it is made with.
    pub fn begin(&self, cell: &Cell) -> Result<PathBuf, StudyError> {
        let folder = self.run(cell);
        fs::create_dir_all(&folder).map_err(StudyError::io("create", &folder))?;
        let file = folder.join("args.json");
        if !file.exists() {
            write_json(
                &file,
                &Arguments {
                    args: cell.train_args(),
                },
            )?;
        }
        Ok(folder)
    }
}

/// Replaces a JSON file as a whole.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), StudyError> {
    let mut text = serde_json::to_string_pretty(value).map_err(|source| StudyError::Json {
        path: path.to_owned(),
        source,
    })?;
    text.push('\n');
    atomic::write(path, text.as_bytes()).map_err(StudyError::io("write", path))
}
