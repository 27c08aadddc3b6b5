//! `harness tsne`: the test images of runs as points on a plane, side by side.

use std::path::{Path, PathBuf};

use harness_maps::{
    Heading, Key, Panel, Place, Points, TsneOptions, csv, pca, picture, png, sample,
    trustworthiness, tsne,
};
use serde::Serialize;

use super::{features::FinishedRun, print_json};
use crate::{
    cli::tsne::{MapMethod, TsneArgs},
    data::Dataset,
    error::Error,
    eval::{Features, cache::Which},
    progress::Progress,
    run::{RunError, atomic},
};

/// Neighbours that trustworthiness looks at, or fewer where there are few points.
const NEIGHBOURS: usize = 12;

/// Pixels of the PNG for one of the SVG: sharp in print.
const PNG_SCALE: f32 = 2.0;

/// The last line on stdout.
#[derive(Serialize)]
struct Report {
    map: MapMethod,
    dataset: &'static str,
    points: usize,
    seed: u64,
    runs: Vec<RunReport>,
    svg: String,
    png: String,
    csv: String,
}

#[derive(Serialize)]
struct RunReport {
    run: String,
    method: &'static str,
    trustworthiness: f64,
    neighbours: usize,
}

/// The map of one run.
struct Mapped {
    title: String,
    note: String,
    map: Vec<Place>,
    report: RunReport,
}

pub(super) fn run(args: &TsneArgs) -> Result<(), Error> {
    let mut first: Option<(Dataset, Vec<usize>)> = None;
    let mut maps: Vec<Mapped> = Vec::new();
    for path in &args.runs {
        let run = FinishedRun::open(path, |config| args.features.configure(config))?;
        let (data, normalize) = run.data()?;
        let (shown, chosen) = first.get_or_insert_with(|| {
            let chosen = sample(&data.test.labels, args.points, args.seed);
            (data.clone(), chosen)
        });
        if !same_images(shown, &data) {
            return Err(Error::OtherImages {
                first: args.runs[0].clone(),
                other: path.clone(),
            });
        }
        let use_cache = !args.features.no_cache;
        let (sets, _) = run.features(Which::Trained, &data, &normalize, use_cache)?;
        maps.push(lay_out(args, &run, &chosen_rows(&sets.test, chosen))?);
    }
    // clap asks for one run at least.
    let Some((data, chosen)) = first else {
        return Ok(());
    };

    let labels: Vec<u16> = chosen.iter().map(|&i| data.test.labels[i]).collect();
    let classes: Vec<&str> = data.classes.iter().map(String::as_str).collect();
    let panels: Vec<Panel<'_>> = maps
        .iter()
        .map(|map| Panel {
            title: map.title.clone(),
            note: map.note.clone(),
            map: &map.map,
            labels: &labels,
        })
        .collect();
    let heading = heading(args, &data, chosen.len());
    let svg = picture(&heading, &panels, &Key::new(&classes))?;
    let table = csv(&panels, &classes, &chosen)?;
    let write = |extension: &str, bytes: &[u8]| {
        let path = out(args, extension);
        atomic::write(&path, bytes).map_err(RunError::io("write", &path))?;
        Ok::<_, Error>(path.display().to_string())
    };
    let report = Report {
        map: args.method,
        dataset: data.kind.name(),
        points: chosen.len(),
        seed: args.seed,
        svg: write("svg", svg.as_bytes())?,
        png: write("png", &png(&svg, PNG_SCALE)?)?,
        csv: write("csv", table.as_bytes())?,
        runs: maps.into_iter().map(|map| map.report).collect(),
    };
    print_json(&report)
}

/// The features of the chosen images.
fn chosen_rows(features: &Features, chosen: &[usize]) -> Features {
    Features {
        values: chosen
            .iter()
            .flat_map(|&i| features.row(i))
            .copied()
            .collect(),
        rows: chosen.len(),
        dim: features.dim,
    }
}

fn lay_out(args: &TsneArgs, run: &FinishedRun, features: &Features) -> Result<Mapped, Error> {
    let points = Points::new(&features.values, features.rows, features.dim)?;
    let method = run.config.method();
    let (map, shown) = match args.method {
        MapMethod::Pca => {
            let pca = pca(&points, 2)?;
            let share: f64 = pca.explained.iter().sum();
            let shown = format!("{:.0} % of the variance, ", 100.0 * share);
            (pca.map(), shown)
        }
        MapMethod::Tsne => {
            let options = TsneOptions {
                perplexity: args.perplexity,
                iterations: args.iterations,
                learning_rate: args.learning_rate,
                seed: args.seed,
                ..TsneOptions::default()
            };
            let mut progress = Progress::new(method.title(), 0, args.iterations as u64);
            let tick = |done: usize| progress.set(done as u64, || "iterations".to_owned());
            (tsne(&points, &options, tick)?, String::new())
        }
    };
    let k = NEIGHBOURS.min(points.rows().saturating_sub(1) / 2).max(1);
    let trust = trustworthiness(&points, &map, k)?;
    Ok(Mapped {
        title: title(args, run),
        note: format!("{shown}trustworthiness {trust:.3} ({k} neighbours)"),
        map,
        report: RunReport {
            run: run.dir.path().display().to_string(),
            method: method.name(),
            trustworthiness: trust,
            neighbours: k,
        },
    })
}

/// The method; with the folder's name where there are several runs, for they may be of
/// the same method.
fn title(args: &TsneArgs, run: &FinishedRun) -> String {
    let method = run.config.method().title();
    match run.dir.path().file_name() {
        Some(folder) if args.runs.len() > 1 => format!("{method} ({})", folder.display()),
        _ => method.to_owned(),
    }
}

fn heading(args: &TsneArgs, data: &Dataset, points: usize) -> Heading {
    let dataset = data.kind.name();
    let seed = args.seed;
    let (title, how) = match args.method {
        MapMethod::Tsne => ("t-SNE", format!(", perplexity {}", args.perplexity)),
        MapMethod::Pca => ("Principal components", String::new()),
    };
    Heading {
        title: format!("{title} of encoder features on {dataset}"),
        subtitle: format!("{points} test images{how}, seed {seed}"),
    }
}

/// Whether two maps can show the same images.
fn same_images(a: &Dataset, b: &Dataset) -> bool {
    a.kind == b.kind && a.test.labels == b.test.labels && a.test.images == b.test.images
}

/// Where the file of a kind goes: beside the one that was named.
fn out(args: &TsneArgs, extension: &str) -> PathBuf {
    let Some(path) = &args.out else {
        return Path::new(args.method.name()).with_extension(extension);
    };
    let known = ["svg", "png", "csv"];
    match path.extension() {
        Some(of) if known.iter().any(|known| of.eq_ignore_ascii_case(known)) => {
            path.with_extension(extension)
        }
        // A dot that does not begin a kind of file is part of the name.
        _ => {
            let mut name = path.clone().into_os_string();
            name.push(".");
            name.push(extension);
            name.into()
        }
    }
}
