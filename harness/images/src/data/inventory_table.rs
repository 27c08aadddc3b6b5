//! An inventory for people: a line per data set, and below it what there is to say.

use std::fmt;

use super::inventory::{Count, DatasetState, Inventory, State};

impl fmt::Display for Inventory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "Data sets in {}", self.data_dir.display())?;
        let head = [
            "data set",
            "state",
            "train",
            "test",
            "unlabelled",
            "MB on disk",
        ];
        let rows: Vec<[String; 6]> = std::iter::once(head.map(str::to_owned))
            .chain(self.datasets.iter().map(row))
            .collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        for (row, set) in rows
            .iter()
            .zip(std::iter::once(None).chain(self.datasets.iter().map(Some)))
        {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = width(column).unwrap_or(0);
                // Words at the left, numbers at the right.
                line += &match column {
                    0 | 1 => format!("{cell:<width$}  "),
                    _ => format!("{cell:>width$}  "),
                };
            }
            writeln!(out, "{}", line.trim_end())?;
            if let Some(set) = set {
                details(out, set)?;
            }
        }
        if !self.verified && self.datasets.iter().any(|set| set.folder.is_some()) {
            writeln!(out, "Sizes were looked at; --verify reads every file.")?;
        }
        Ok(())
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::BuiltIn => "built in",
            Self::Complete => "complete",
            Self::Subset => "subset",
            Self::Incomplete => "incomplete",
            Self::Absent => "not there",
            Self::Damaged => "damaged",
        })
    }
}

impl fmt::Display for Count {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self { official: 0, .. } => out.pad("-"),
            Self { images, official } if images == official => out.pad(&images.to_string()),
            Self { images, official } => out.pad(&format!("{images} of {official}")),
        }
    }
}

fn row(set: &DatasetState) -> [String; 6] {
    let megabytes = format!("{:.1}", set.bytes as f64 / 1e6);
    [
        set.dataset.name().to_owned(),
        set.state.to_string(),
        set.train.to_string(),
        set.test.to_string(),
        set.unlabelled.to_string(),
        if set.folder.is_some() {
            megabytes
        } else {
            "-".to_owned()
        },
    ]
}

fn details(out: &mut fmt::Formatter<'_>, set: &DatasetState) -> fmt::Result {
    if let Some(folder) = &set.folder {
        writeln!(out, "    in {}", folder.display())?;
    }
    for problem in &set.problems {
        writeln!(out, "    damaged: {problem}")?;
    }
    if set.folder.is_some() && !set.missing.is_empty() {
        writeln!(out, "    missing: {}", set.missing.join(", "))?;
    }
    if set.unfinished_download > 0 {
        let megabytes = set.unfinished_download as f64 / 1e6;
        writeln!(
            out,
            "    a download of it stopped after {megabytes:.1} MB and can be continued"
        )?;
    }
    let Some(get) = &set.get else { return Ok(()) };
    let megabytes = get.bytes as f64 / 1e6;
    match set.state {
        State::Subset | State::Damaged => writeln!(
            out,
            "    the official set ({megabytes:.1} MB): move this folder away, or name another \
             --data-dir, and {}",
            get.command
        ),
        _ => writeln!(out, "    to get it ({megabytes:.1} MB): {}", get.command),
    }
}
