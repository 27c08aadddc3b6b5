//! What training was like: the objective over the steps, and the time that it took.

use harness_plot::{Row, Strip, Tile};

use super::{super::curves, Figure, Kind, file_name, sample};
use crate::{
    cell::Part,
    names,
    summary::{Group, Summary},
    words::{counted, duration},
};

/// A figure for each data set, the settings of the tables first.
pub(super) fn training(summary: &Summary) -> Vec<Figure> {
    let mut all = Vec::new();
    let mut files: Vec<String> = Vec::new();
    for dataset in Summary::datasets(&summary.groups) {
        let here = || {
            summary
                .groups
                .iter()
                .filter(|g| g.setting.dataset == dataset)
        };
        let of_tables = |group: &&Group| group.parts.contains(&Part::Methods);
        let first: Vec<Tile> = here()
            .filter(of_tables)
            .filter_map(|g| curves::tile(g, names::method(g.setting.method).to_owned()))
            .collect();
        let shown = if first.is_empty() {
            usize::MAX
        } else {
            first.len()
        };
        let rest = here().filter(|g| !of_tables(g));
        let rest = rest.filter_map(|g| curves::tile(g, g.setting.label()));
        let tiles: Vec<Tile> = first.into_iter().chain(rest).collect();
        if tiles.is_empty() {
            continue;
        }
        let file = file_name("curves-", dataset, &files);
        files.push(file.clone());
        all.push(Figure {
            kind: Kind::Curves,
            file,
            title: format!("Training on {}", names::dataset(dataset)),
            subtitle: "Objective over optimiser steps, a curve per seed; each method has its own scale.".to_owned(),
            caption: "Objective over optimiser steps, a curve per seed, means over short stretches. Each \
                      method has its own scale: objectives of different methods are not comparable."
                .to_owned(),
            tiles,
            columns: 4,
            shown,
        });
    }
    all
}

/// Seconds of each method.
pub(super) fn time(summary: &Summary) -> Option<Figure> {
    let tables: Vec<&Group> = summary.of_part(Part::Methods).collect();
    let (groups, plain) = if tables.is_empty() {
        (summary.groups.iter().collect(), false)
    } else {
        (tables, true)
    };
    let seconds = |group: &Group| group.values(|result| result.train_seconds);
    let mut tiles = Vec::new();
    for dataset in Summary::datasets(groups.iter().copied()) {
        let here = || groups.iter().filter(|g| g.setting.dataset == dataset);
        let values = here().flat_map(|g| seconds(g)).map(|value| value.1);
        let longest = values.fold(0.0, f64::max);
        let (unit, factor) = match longest {
            s if s < 180.0 => ("seconds", 1.0),
            s if s < 10_800.0 => ("minutes", 1.0 / 60.0),
            _ => ("hours", 1.0 / 3600.0),
        };
        let row = |group: &&&Group| Row {
            name: if plain {
                names::method(group.setting.method).to_owned()
            } else {
                group.setting.label()
            },
            colour: names::colour(group.setting.method),
            sample: sample(0.0, &seconds(group), factor),
            baseline: false,
        };
        let rows: Vec<Row> = here()
            .filter(|g| !g.runs.is_empty())
            .map(|g| row(&g))
            .collect();
        if rows.is_empty() {
            continue;
        }
        tiles.push(Tile::Strip(Strip {
            title: names::dataset(dataset).to_owned(),
            of: format!("{unit} in training steps, per run"),
            digits: 1,
            from_zero: true,
            rows,
        }));
    }
    let all = summary.groups.iter().flat_map(|g| &g.runs);
    let all: Vec<f64> = all
        .map(|run| run.result.train_seconds)
        .filter(|s| s.is_finite())
        .collect();
    let caption = format!(
        "Time in training steps, in which probes are not counted: {} of all {} together.",
        duration(all.iter().sum()),
        counted(all.len(), "run", "runs")
    );
    (!tiles.is_empty()).then(|| Figure {
        kind: Kind::Time,
        file: "time.svg".to_owned(),
        title: "Time of a run".to_owned(),
        subtitle: "Small dots: seeds. Large dot and bar: mean ± sample standard deviation."
            .to_owned(),
        caption,
        tiles,
        columns: 2,
        shown: usize::MAX,
    })
}
