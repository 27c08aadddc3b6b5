//! The report on a study: the same numbers as tables, figures, a page to read, and files
//! for other programs.
//!
//! ```text
//! study ─► summary ─► table  ─► markdown, csv, json ─┐
//!                ├──► figure ─► harness-plot ────────┤─► files of the folder
//!                └──► config (of the run folders) ───┘   html: all of it on one page
//! ```
//!
//! A report is made of what there is: cells may be open or failed, run folders may be
//! gone, there may be no cell at all. Whatever is missing is named in it. The same study
//! gives the same bytes.

mod command;
mod config;
mod csv;
mod curves;
mod figure;
mod html;
mod json;
mod markdown;
mod table;

use std::{
    fs,
    path::{Path, PathBuf},
};

use harness_plot::{Heading, PlotError};

use crate::{
    study::Study,
    summary::{Finding, Summary, findings, limits},
};
use config::Configuration;
use figure::Figure;
use table::Table;

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The system refused.
    #[error(
        "could not {operation} {}: {source}; the study is complete without its report, \
         write it again when this is mended", path.display()
    )]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// A figure could not be made.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// A table could not be made.
    #[error("could not write the report's tables as CSV: {0}")]
    Csv(String),
    /// The numbers could not be written.
    #[error("could not write the report's numbers as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// All that is in a report.
struct Content<'a> {
    study: &'a Study,
    summary: &'a Summary<'a>,
    findings: Vec<Finding>,
    limits: Vec<String>,
    tables: Vec<Table<'a>>,
    figures: Vec<Figure>,
    maps: Vec<Map>,
    configurations: Vec<Vec<Configuration>>,
}

/// A picture of Figure 1.
struct Map {
    dataset: String,
    caption: String,
    /// Name in the report's folder.
    file: String,
    /// The picture, or why there is none.
    svg: Result<Vec<u8>, String>,
}

/// Writes the report on `study` into `folder`, which is made if it is not there. Files of
/// an earlier report are replaced.
pub fn write(study: &Study, folder: &Path) -> Result<(), ReportError> {
    fs::create_dir_all(folder).map_err(|source| ReportError::Io {
        operation: "create",
        path: folder.to_owned(),
        source,
    })?;
    let summary = Summary::of(study);
    let tables = table::tables(&summary);
    let content = Content {
        findings: findings(&summary),
        limits: limits(&summary),
        figures: figure::figures(&summary, &tables),
        maps: maps(study),
        configurations: config::read(&summary),
        tables,
        summary: &summary,
        study,
    };
    for figure in &content.figures {
        let heading = Heading {
            title: figure.title.clone(),
            subtitle: figure.subtitle.clone(),
        };
        let path = folder.join(&figure.file);
        harness_plot::sheet(&path, &heading, &figure.tiles, figure.columns)?;
    }
    for map in &content.maps {
        if let Ok(svg) = &map.svg {
            put(folder, &map.file, svg)?;
        }
    }
    put(folder, "tables.md", markdown::tables(&content).as_bytes())?;
    put(folder, "tables.csv", &csv::cells(study)?)?;
    put(folder, "summary.csv", &csv::groups(&summary)?)?;
    put(folder, "report.json", &json::report(&content)?)?;
    put(folder, "report.html", html::page(&content)?.as_bytes())
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), ReportError> {
    let path = folder.join(name);
    harness_run::atomic::write(&path, bytes).map_err(|source| ReportError::Io {
        operation: "write",
        path,
        source,
    })
}

fn maps(study: &Study) -> Vec<Map> {
    let mut files: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for map in &study.maps {
        let file = figure::file_name("figure1-", &map.dataset, &files);
        files.push(file.clone());
        all.push(Map {
            dataset: map.dataset.clone(),
            caption: map.caption.clone(),
            file,
            svg: fs::read(&map.svg).map_err(|error| error.to_string()),
        });
    }
    all
}
