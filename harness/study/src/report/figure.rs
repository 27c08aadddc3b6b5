//! The figures: what is drawn of the summary. `harness-plot` draws it.

mod sweeps;
mod training;

use harness_plot::{Colour, Row, Sample, Strip, Tile};

use super::table::Table;
use crate::{
    names,
    summary::{Spread, Summary},
};
use sweeps::{epsilon, lambda};
use training::{time, training};

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
