//! The figures: what is drawn of the summary. `harness-plot` draws it.

use harness_plot::{AxisOf, Chart, Cloud, Colour, Level, Row, Sample, Scale, Size, Strip, Tile};

use super::{curves, table::Table};
use crate::{
    cell::Part,
    names,
    summary::{Group, Probe, Setting, Spread, Summary},
    words::{counted, duration},
};

/// Panels with their words.
pub struct Figure {
    /// Where in the report it is.
    pub kind: Kind,
    /// Name of its file.
    pub file: String,
    /// Over it in its file; before its caption on the page.
    pub title: String,
    /// Under the title, in its file.
    pub subtitle: String,
    /// Under it, on the page.
    pub caption: String,
    /// What is drawn.
    pub tiles: Vec<Tile>,
    /// Panels side by side, in its file.
    pub columns: usize,
    /// Panels that are shown at once; further ones are folded away on the page.
    pub shown: usize,
}

/// What a figure shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Accuracy of each method.
    Accuracy,
    /// Figure 2.
    Lambda,
    /// Figure 3.
    Epsilon,
    /// The objective over the steps.
    Curves,
    /// Seconds of each method.
    Time,
}

const MEASURED: &str = "linear probe, test top-1 (%)";

/// All figures that the study has cells for.
pub fn figures(summary: &Summary, tables: &[Table]) -> Vec<Figure> {
    let mut all = Vec::new();
    all.extend(tables.first().map(accuracy));
    all.extend(lambda(summary));
    all.extend(epsilon(summary));
    all.extend(training(summary));
    all.extend(time(summary));
    all
}

/// A file's name made of any text, unlike those `taken`.
pub fn file_name(prefix: &str, name: &str, taken: &[String]) -> String {
    let tame = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let name: String = name.chars().take(60).map(tame).collect();
    let plain = format!("{prefix}{name}.svg");
    let numbered = (2..).map(|n| format!("{prefix}{name}-{n}.svg"));
    let mut names = std::iter::once(plain).chain(numbered);
    names.find(|name| !taken.contains(name)).unwrap_or_default()
}

fn sample(x: f64, values: &[(u64, f64)], factor: f64) -> Option<Sample> {
    let spread = Spread::of(values.iter().map(|value| value.1))?.times(factor);
    Some(Sample {
        x,
        values: values.iter().map(|value| factor * value.1).collect(),
        mean: spread.mean,
        sd: spread.sd,
    })
}

fn accuracy(table: &Table) -> Figure {
    let strip = |(column, dataset): (usize, &&str)| {
        let row = |row: &super::table::Row| Row {
            name: row.name.clone(),
            colour: row.method.as_deref().map_or(Colour::Grey, names::colour),
            sample: row
                .entries
                .get(column)
                .and_then(|entry| sample(0.0, &entry.values, 100.0)),
            baseline: row.method.is_none(),
        };
        Tile::Strip(Strip {
            title: names::dataset(dataset).to_owned(),
            of: MEASURED.to_owned(),
            digits: 1,
            from_zero: false,
            rows: table.rows.iter().map(row).collect(),
        })
    };
    Figure {
        kind: Kind::Accuracy,
        file: "accuracy.svg".to_owned(),
        title: "Every seed of every method".to_owned(),
        subtitle: "Small dots: seeds. Large dot and bar: mean ± sample standard deviation."
            .to_owned(),
        caption: "Table I as a picture: each small dot is one seed, the large dot their mean, the \
                  bar one sample standard deviation to each side. Axes do not begin at zero; an arrow stands for what is far off the scale."
            .to_owned(),
        tiles: table.columns.iter().enumerate().map(strip).collect(),
        columns: 2,
        shown: usize::MAX,
    }
}

/// Curves of the transport term's settings that differ in one constant: what they have in
/// common, and their groups.
fn families<'g, 'a>(
    groups: impl Iterator<Item = &'g Group<'a>>,
    common: impl Fn(&mut Setting<'a>),
) -> Vec<(Setting<'a>, Vec<&'g Group<'a>>)> {
    let mut all: Vec<(Setting, Vec<&Group>)> = Vec::new();
    for group in groups {
        let mut setting = group.setting;
        common(&mut setting);
        match all.iter_mut().find(|family| family.0 == setting) {
            Some(family) => family.1.push(group),
            None => all.push((setting, vec![group])),
        }
    }
    all
}

/// Colours of curves in one panel, beside SimCLR's.
const HUES: [Colour; 5] = [
    Colour::Blue,
    Colour::Green,
    Colour::Purple,
    Colour::Amber,
    Colour::Sky,
];

fn cloud(i: usize, family: &(Setting, Vec<&Group>), x: &dyn Fn(&Group) -> Option<f64>) -> Cloud {
    let of = |group: &&Group| sample(x(group)?, &group.top1(Probe::Linear), 100.0);
    let mut samples: Vec<Sample> = family.1.iter().filter_map(of).collect();
    samples.sort_by(|a, b| a.x.total_cmp(&b.x));
    Cloud {
        name: family.0.label(),
        colour: HUES[i % HUES.len()],
        samples,
    }
}

/// SimCLR and the untrained encoder.
fn levels(summary: &Summary, group: Option<&&Group>, dataset: &str) -> Vec<Level> {
    let simclr = group
        .and_then(|group| summary.reference(group))
        .and_then(|reference| reference.accuracy(Probe::Linear));
    let untrained = summary.untrained(dataset, Probe::Linear);
    let untrained = Spread::of(untrained.into_iter().map(|value| value.1));
    let level = |name: &str, colour, spread: Option<Spread>| {
        spread.map(|spread| Level {
            name: name.to_owned(),
            colour,
            value: 100.0 * spread.mean,
        })
    };
    let both = [
        level("SimCLR", Colour::Orange, simclr),
        level("untrained", Colour::Grey, untrained),
    ];
    both.into_iter().flatten().collect()
}

fn lambda(summary: &Summary) -> Option<Figure> {
    let mut tiles = Vec::new();
    for dataset in Summary::datasets(summary.of_part(Part::Lambda)) {
        let here = || {
            summary
                .of_part(Part::Lambda)
                .filter(|g| g.setting.dataset == dataset)
        };
        let families = families(here().filter(|g| g.setting.lambda.is_some()), |s| {
            s.lambda = None
        });
        // At weight zero there is no term: SimCLR is that point.
        let zero: Vec<&Group> = here()
            .filter(|g| g.setting.method == names::SIMCLR)
            .collect();
        let weights = families.iter().flat_map(|family| &family.1);
        let positive = weights
            .filter_map(|g| g.setting.lambda)
            .filter(|l| *l > 0.0);
        let (low, high) = positive.fold((f64::INFINITY, 0.0), |(low, high), l| {
            (f64::min(low, l), f64::max(high, l))
        });
        let log = high > 15.0 * low;
        // A logarithmic axis has no zero: it stands apart at the left.
        let zero_at = if log { low / 3.0 } else { 0.0 };
        let at = |group: &Group| match group.setting.lambda.unwrap_or(0.0) {
            weight if weight > 0.0 => Some(weight),
            _ => Some(zero_at),
        };
        let with_zero = |family: &(Setting<'_>, Vec<&Group<'_>>)| {
            let own_zero = family.1.iter().any(|g| g.setting.lambda == Some(0.0));
            !own_zero
        };
        let clouds = families.iter().enumerate().map(|(i, family)| {
            let mut cloud = cloud(i, family, &at);
            if with_zero(family) {
                let simclr = zero.iter().find(|g| g.setting.args == family.0.args);
                let point = simclr.and_then(|g| sample(zero_at, &g.top1(Probe::Linear), 100.0));
                cloud.samples.splice(0..0, point);
            }
            cloud
        });
        let clouds: Vec<Cloud> = clouds.collect();
        let first = families.first().and_then(|family| family.1.first());
        tiles.push(Tile::Chart(Chart {
            title: names::dataset(dataset).to_owned(),
            x: AxisOf {
                title: "weight λ of the transport term".to_owned(),
                scale: if log { Scale::Log } else { Scale::Linear },
                names: vec![(zero_at, "0".to_owned())],
            },
            y: AxisOf {
                title: MEASURED.to_owned(),
                ..AxisOf::default()
            },
            clouds,
            levels: levels(summary, first, dataset),
            size: Size::Large,
            curves: Vec::new(),
        }));
    }
    sweep(
        tiles,
        Kind::Lambda,
        "figure2-lambda.svg",
        "Figure 2. Accuracy against the weight λ",
        "At λ = 0 the objective is SimCLR's.",
    )
}

fn epsilon(summary: &Summary) -> Option<Figure> {
    let mut tiles = Vec::new();
    for dataset in Summary::datasets(summary.of_part(Part::Epsilon)) {
        let here = summary.of_part(Part::Epsilon);
        let own = here.filter(|g| g.setting.dataset == dataset && g.setting.epsilon.is_some());
        let families = families(own, |setting| setting.epsilon = None);
        let at = |group: &Group| group.setting.epsilon;
        let clouds = families
            .iter()
            .enumerate()
            .map(|(i, family)| cloud(i, family, &at));
        let first = families.first().and_then(|family| family.1.first());
        tiles.push(Tile::Chart(Chart {
            title: names::dataset(dataset).to_owned(),
            x: AxisOf {
                title: "entropic regularisation ε".to_owned(),
                scale: Scale::Log,
                ..AxisOf::default()
            },
            y: AxisOf {
                title: MEASURED.to_owned(),
                ..AxisOf::default()
            },
            clouds: clouds.collect(),
            levels: levels(summary, first, dataset),
            size: Size::Large,
            curves: Vec::new(),
        }));
    }
    sweep(
        tiles,
        Kind::Epsilon,
        "figure3-epsilon.svg",
        "Figure 3. Accuracy against ε",
        "The term acts on the projection z or on the encoder's output h.",
    )
}

fn sweep(tiles: Vec<Tile>, kind: Kind, file: &str, title: &str, note: &str) -> Option<Figure> {
    (!tiles.is_empty()).then(|| Figure {
        kind,
        file: file.to_owned(),
        title: title.to_owned(),
        subtitle: format!("Mean ± sample standard deviation over seeds. {note}"),
        caption: format!(
            "{note} Small dots: seeds; large dots and bars: mean ± sample standard deviation. \
             Dashed: levels to compare with, in the legend alone where they are off the scale."
        ),
        tiles,
        columns: 2,
        shown: usize::MAX,
    })
}

/// A figure for each data set, the settings of the tables first.
fn training(summary: &Summary) -> Vec<Figure> {
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

fn time(summary: &Summary) -> Option<Figure> {
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

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn names_of_files_stay_in_their_folder() {
        let first = file_name("figure1-", "../A b", &[]);
        assert_eq!(first, "figure1----a-b.svg");
        assert_eq!(
            file_name("figure1-", "../a-b", &[first]),
            "figure1----a-b-2.svg"
        );
    }
}
