//! The exact configuration of every cell, from its `config.toml`, and the protocol in
//! words.
//!
//! It is read as TOML of any layout, key by key: a report is also made of runs that an
//! older or a newer program wrote.

use std::collections::BTreeMap;

use harness_run::RunDir;
use toml::{Table, Value};

use crate::summary::{Group, Summary};

/// What a run was.
pub struct Configuration {
    /// Name of the cell.
    pub id: String,
    /// The text of `config.toml`, but for where data lie; or why there is none.
    pub text: Result<String, String>,
    /// What it says, as far as it can be read.
    pub table: Option<Table>,
}

/// Of every cell, by group.
pub fn read(summary: &Summary) -> Vec<Vec<Configuration>> {
    summary.groups.iter().map(of_group).collect()
}

fn of_group(group: &Group) -> Vec<Configuration> {
    let of = |finished: &&crate::cell::Finished| {
        let text = RunDir::open(&finished.folder).and_then(|run| run.read_config());
        let text = text
            .map(|text| anywhere(&text))
            .map_err(|_| "it has no config.toml".to_owned());
        let table = text.as_ref().ok().and_then(|text| text.parse().ok());
        Configuration {
            id: finished.cell.id.clone(),
            text,
            table,
        }
    };
    group.cells.iter().map(of).collect()
}

/// Without the path to the data, which belongs to the machine and not to the experiment.
fn anywhere(text: &str) -> String {
    let of_machine = |line: &&str| {
        let key = line.split_once('=').map(|(key, _)| key.trim());
        key == Some("data_dir")
    };
    let lines: Vec<&str> = text.lines().filter(|line| !of_machine(line)).collect();
    lines.join("\n")
}

/// Values by their path: `loss.lambda` is `0.8`.
pub fn flat(table: &Table) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (key, value) in table {
        put(&mut all, key.clone(), value);
    }
    all
}

fn put(all: &mut BTreeMap<String, String>, path: String, value: &Value) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                put(all, format!("{path}.{key}"), value);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_table) => {
            for (i, value) in items.iter().enumerate() {
                put(all, format!("{path}[{i}]"), value);
            }
        }
        value => {
            all.insert(path, value.to_string());
        }
    }
}

/// Values of `other` that are not those of `first`: path and value.
pub fn changed(first: &Table, other: &Table) -> Vec<(String, String)> {
    let (first, other) = (flat(first), flat(other));
    let mut all: Vec<(String, String)> = other
        .iter()
        .filter(|(path, value)| first.get(*path) != Some(value))
        .map(|(path, value)| (path.clone(), value.clone()))
        .collect();
    let gone = first.keys().filter(|path| !other.contains_key(*path));
    all.extend(gone.map(|path| (path.clone(), "not set".to_owned())));
    all
}

/// A section in one line: `knn k 20, linear epochs 100`.
pub fn section(table: &Table, name: &str, without: &[&str]) -> Option<String> {
    let section = table.get(name)?.as_table()?;
    let values = flat(section);
    let of = |(path, value): (&String, &String)| {
        let last = path.rsplit('.').next().unwrap_or(path);
        (!without.contains(&last)).then(|| {
            let value = value.trim_matches('"');
            match path.as_str() {
                "kind" => value.to_owned(),
                path => format!("{} {value}", path.replace(['_', '.'], " ")),
            }
        })
    };
    Some(values.iter().filter_map(of).collect::<Vec<_>>().join(", "))
}

/// How views are made, in words; both, if they are made differently.
pub fn views(table: &Table) -> Option<String> {
    let views = table.get("augment")?.as_array()?;
    let words: Vec<String> = views
        .iter()
        .filter_map(|view| Some(view_words(view.as_table()?)))
        .collect();
    match words.as_slice() {
        [] => None,
        [first, rest @ ..] if rest.iter().all(|other| other == first) => Some(first.clone()),
        all => {
            let named = all
                .iter()
                .zip('A'..)
                .map(|(words, name)| format!("view {name}: {words}"));
            Some(named.collect::<Vec<_>>().join("; "))
        }
    }
}

fn view_words(view: &Table) -> String {
    let number = |table: &Table, key: &str| match table.get(key) {
        Some(Value::Float(value)) => Some(*value),
        Some(Value::Integer(value)) => Some(*value as f64),
        _ => None,
    };
    let positive = |table: &Table, key: &str| number(table, key).filter(|value| *value > 0.0);
    // A part that is applied to some of the images alone: its name, its probability.
    let part = |key: &str| {
        let table = view.get(key)?.as_table()?;
        let share = number(table, "probability").unwrap_or(1.0);
        (share > 0.0).then_some((table, share))
    };
    let often = |share: f64| {
        if share < 1.0 {
            format!(" p {}", short(share))
        } else {
            String::new()
        }
    };
    let mut words: Vec<String> = Vec::new();
    if let Some(range) = view.get("crop_scale").and_then(Value::as_array) {
        let ends: Vec<String> = range
            .iter()
            .filter_map(Value::as_float)
            .map(short)
            .collect();
        words.push(format!("crop {} of the area", ends.join("–")));
    }
    words.extend(positive(view, "size").map(|size| format!("to {} px", short(size))));
    words.extend(positive(view, "flip").map(|share| format!("flip{}", often(share))));
    if let Some((affine, share)) = part("affine") {
        let turn = positive(affine, "degrees").map(|by| format!("turn ±{}°", short(by)));
        let shift =
            positive(affine, "translate").map(|by| format!("shift ±{} %", short(100.0 * by)));
        let both: Vec<String> = turn.into_iter().chain(shift).collect();
        if !both.is_empty() {
            words.push(format!("{}{}", both.join(" and "), often(share)));
        }
    }
    if let Some((jitter, share)) = part("jitter") {
        let strengths = ["brightness", "contrast", "saturation", "hue"]
            .map(|key| number(jitter, key).unwrap_or(0.0));
        if strengths.iter().any(|strength| *strength > 0.0) {
            words.push(format!(
                "jitter {}{}",
                strengths.map(short).join("/"),
                often(share)
            ));
        }
    }
    words.extend(positive(view, "grayscale").map(|share| format!("grey{}", often(share))));
    words.extend(part("blur").map(|(_, share)| format!("blur{}", often(share))));
    words.extend(part("solarize").map(|(_, share)| format!("solarize{}", often(share))));
    words.join(", ")
}

/// A number without the digits that a 32-bit float does not have.
fn short(value: f64) -> String {
    format!("{}", (value * 1e6).round() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "method = \"sinsim\"\nseed = 0\n[data]\ndata_dir = \"/home/someone\"\nlimit = 10\n\
        [probe]\nknn_k = 20\nlinear_lr = 0.01\n[[augment]]\nsize = 28\ncrop_scale = [0.2, 1.0]\nflip = 0.5\n\
        [augment.affine]\nprobability = 1.0\ndegrees = 15.0\ntranslate = 0.1\n\
        [augment.blur]\nprobability = 0.0\n[[augment]]\nsize = 28\ncrop_scale = [0.2, 1.0]\nflip = 0.0\n";

    #[test]
    fn a_configuration_in_words() {
        let table: Table = anywhere(TEXT).parse().unwrap();
        assert!(!flat(&table).contains_key("data.data_dir"));
        assert_eq!(
            views(&table).unwrap(),
            "view A: crop 0.2–1 of the area, to 28 px, flip p 0.5, turn ±15° and shift ±10 %; \
             view B: crop 0.2–1 of the area, to 28 px"
        );
        assert_eq!(
            section(&table, "probe", &["knn_k"]).unwrap(),
            "linear lr 0.01"
        );
        assert_eq!(section(&table, "none", &[]), None);
        let other: Table = anywhere(
            &TEXT
                .replace("seed = 0", "seed = 1")
                .replace("limit = 10\n", ""),
        )
        .parse()
        .unwrap();
        assert_eq!(
            changed(&table, &other),
            [
                ("seed".to_owned(), "1".to_owned()),
                ("data.limit".to_owned(), "not set".to_owned())
            ]
        );
    }
}
