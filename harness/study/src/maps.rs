//! Figure 1: maps of the embeddings of several methods side by side, drawn by
//! `harness tsne` as a process of its own. A map that cannot be drawn is a warning.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use crate::{
    cell::{CellState, Finished, Part},
    error::StudyError,
    folder::{StudyDir, write_json},
    process::{own_group, supervise, tail},
    runner::Stop,
    study::MapPicture,
};

/// What a map was drawn of, beside its picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Drawn {
    cells: Vec<String>,
    points: usize,
    caption: String,
}

/// A map to be drawn.
struct Map<'a> {
    dataset: &'a str,
    cells: Vec<&'a Finished>,
    points: usize,
}

/// The maps that can be drawn: of the cells that are done.
fn maps(finished: &[Finished], points: usize) -> Vec<Map<'_>> {
    let mut maps: Vec<Map<'_>> = Vec::new();
    for one in finished {
        let wanted = one.cell.parts.contains(&Part::Maps);
        if !(wanted && matches!(one.state, CellState::Done(_))) {
            continue;
        }
        match maps.iter_mut().find(|map| map.dataset == one.cell.dataset) {
            Some(map) => map.cells.push(one),
            None => maps.push(Map {
                dataset: &one.cell.dataset,
                cells: vec![one],
                points,
            }),
        }
    }
    maps
}

impl Map<'_> {
    fn svg(&self, dir: &StudyDir) -> PathBuf {
        dir.maps().join(format!("{}.svg", self.dataset))
    }

    fn note(&self, dir: &StudyDir) -> PathBuf {
        dir.maps().join(format!("{}.json", self.dataset))
    }

    fn drawn(&self) -> Drawn {
        let methods: Vec<&str> = self
            .cells
            .iter()
            .map(|one| one.cell.method.as_str())
            .collect();
        let seed = self.cells.first().map_or(0, |one| one.cell.seed);
        Drawn {
            cells: self.cells.iter().map(|one| one.cell.id.clone()).collect(),
            points: self.points,
            caption: format!(
                "t-SNE of the frozen encoder's features of test images of {}: {}; seed {seed}, \
                 at most {} points, perplexity 30, after PCA",
                self.dataset,
                methods.join(", "),
                self.points
            ),
        }
    }

    /// Whether the picture is there, and of these cells as they are.
    fn is_current(&self, dir: &StudyDir) -> bool {
        let time = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
        let read =
            || -> Option<Drawn> { serde_json::from_slice(&fs::read(self.note(dir)).ok()?).ok() };
        let Some(picture) = time(&self.svg(dir)) else {
            return false;
        };
        let newest: Option<SystemTime> = self
            .cells
            .iter()
            .filter_map(|one| time(&one.folder.join("result.json")))
            .max();
        read().as_ref() == Some(&self.drawn()) && newest.is_none_or(|newest| newest <= picture)
    }
}

/// Draws the maps that are not there, or that are older than their runs. What went
/// wrong is said by `warn`.
pub fn draw(
    dir: &StudyDir,
    finished: &[Finished],
    points: usize,
    program: &Path,
    stop: &Stop,
    warn: &mut dyn FnMut(String),
) -> Result<(), StudyError> {
    for map in maps(finished, points) {
        if map.is_current(dir) || stop.is_requested() {
            continue;
        }
        let folder = dir.maps();
        fs::create_dir_all(&folder).map_err(StudyError::io("create", &folder))?;
        if let Err(why) = run(&map, dir, program, stop) {
            warn(format!(
                "the map of {} could not be drawn: {why}",
                map.dataset
            ));
            continue;
        }
        write_json(&map.note(dir), &map.drawn())?;
    }
    Ok(())
}

/// One call of `harness tsne`.
fn run(map: &Map<'_>, dir: &StudyDir, program: &Path, stop: &Stop) -> Result<(), String> {
    let log = dir.maps().join(format!("{}.log", map.dataset));
    let file = fs::File::create(&log).map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.arg("tsne");
    for one in &map.cells {
        command.arg("--run").arg(&one.folder);
    }
    command
        .arg("--out")
        .arg(map.svg(dir))
        .args(["--points", &map.points.to_string(), "--seed", "0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file);
    own_group(&mut command);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    // Nothing is lost when it is stopped: it does not get time to save.
    let grace = std::time::Duration::from_secs(2);
    let (status, _) =
        supervise(&mut child, stop, None, grace).map_err(|error| error.to_string())?;
    if status.success() && map.svg(dir).is_file() {
        Ok(())
    } else {
        Err(format!(
            "`harness tsne` ended with {status}: {}",
            tail(&log, 0)
        ))
    }
}

/// The pictures that are there.
pub fn pictures(dir: &StudyDir, finished: &[Finished], points: usize) -> Vec<MapPicture> {
    let maps = maps(finished, points);
    let there = maps.iter().filter(|map| map.is_current(dir));
    there
        .map(|map| MapPicture {
            dataset: map.dataset.to_owned(),
            svg: map.svg(dir),
            caption: map.drawn().caption,
        })
        .collect()
}
