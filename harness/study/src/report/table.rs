//! Tables I and II, and their like: methods down, data sets across.

use crate::{
    cell::{Part, RunResult},
    names,
    summary::{Group, Probe, Setting, Spread, Summary, Verdict, difference},
    words::{count, counted, list, percent, shared},
};

/// One probe's accuracies.
pub struct Table<'a> {
    /// `Table I`.
    pub number: &'static str,
    /// What the encoders were judged by.
    pub probe: Probe,
    /// Data sets, as on the command line.
    pub columns: Vec<&'a str>,
    /// Methods, then the baseline.
    pub rows: Vec<Row>,
    /// What it is.
    pub caption: String,
    /// Under which conditions: the same for all tables.
    pub conditions: String,
    /// Cells that failed, and why; entries point at them, counted from 1.
    pub notes: Vec<String>,
}

/// One method on every data set.
pub struct Row {
    /// In print.
    pub name: String,
    /// As on the command line; `None` is the baseline.
    pub method: Option<String>,
    /// An entry for each column.
    pub entries: Vec<Entry>,
}

/// One method on one data set.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// Share of right answers per seed.
    pub values: Vec<(u64, f64)>,
    /// Their mean and spread.
    pub spread: Option<Spread>,
    /// Seeds that were asked for; 0 where the method was not asked for.
    pub asked: usize,
    /// Whether it is above every other of its column, beyond the seeds.
    pub best: bool,
    /// Numbers of the notes that concern it.
    pub notes: Vec<usize>,
}

impl Entry {
    /// `91.2 ± 0.3`, or a dash.
    pub fn text(&self) -> String {
        self.spread.as_ref().map_or_else(|| "–".to_owned(), percent)
    }

    /// `2/3`, where seeds are missing.
    pub fn missing(&self) -> Option<String> {
        let n = self.values.len();
        (n < self.asked).then(|| format!("{n}/{}", self.asked))
    }
}

/// The tables of a study; none where it has no cells for them.
pub fn tables<'a>(summary: &Summary<'a>) -> Vec<Table<'a>> {
    let groups: Vec<&Group<'a>> = summary.of_part(Part::Methods).collect();
    if groups.is_empty() {
        return Vec::new();
    }
    let numbered = [
        ("Table I", Probe::Linear),
        ("Table II", Probe::Mlp),
        ("Table III", Probe::Knn),
    ];
    numbered
        .into_iter()
        .map(|(number, probe)| table(summary, &groups, number, probe))
        .collect()
}

fn table<'a>(
    summary: &Summary<'a>,
    groups: &[&Group<'a>],
    number: &'static str,
    probe: Probe,
) -> Table<'a> {
    let columns = Summary::datasets(groups.iter().copied());
    let mut notes: Vec<String> = Vec::new();
    let mut rows: Vec<Row> = Vec::new();
    for (name, members) in variants(groups) {
        let mut entries = Vec::new();
        for column in &columns {
            let member = members
                .iter()
                .find(|group| group.setting.dataset == *column);
            entries
                .push(member.map_or_else(Entry::default, |group| entry(group, probe, &mut notes)));
        }
        let method = members.first().map(|group| group.setting.method.to_owned());
        rows.push(Row {
            name,
            method,
            entries,
        });
    }
    let baseline = columns.iter().map(|dataset| {
        let values = summary.untrained(dataset, probe);
        Entry {
            spread: Spread::of(values.iter().map(|value| value.1)),
            values,
            ..Entry::default()
        }
    });
    rows.push(Row {
        name: names::UNTRAINED.to_owned(),
        method: None,
        entries: baseline.collect(),
    });
    for column in 0..columns.len() {
        mark_best(&mut rows, column);
    }
    Table {
        number,
        probe,
        caption: caption(probe),
        conditions: conditions_of(groups),
        columns,
        rows,
        notes,
    }
}

/// Rows: one for each method, or one for each of its settings where a data set has several.
fn variants<'g, 'a>(groups: &[&'g Group<'a>]) -> Vec<(String, Vec<&'g Group<'a>>)> {
    let mut methods: Vec<&str> = Vec::new();
    for group in groups {
        if !methods.contains(&group.setting.method) {
            methods.push(group.setting.method);
        }
    }
    methods.sort_by_key(|method| names::method_rank(method));
    let mut rows = Vec::new();
    for method in methods {
        let own: Vec<&Group> = groups
            .iter()
            .copied()
            .filter(|g| g.setting.method == method)
            .collect();
        let mark = if names::is_beyond_paper(method) {
            " †"
        } else {
            ""
        };
        let one_each = Summary::datasets(own.iter().copied()).len() == own.len();
        if one_each {
            rows.push((format!("{}{mark}", names::method(method)), own));
            continue;
        }
        let mut kinds: Vec<(Setting, Vec<&Group>)> = Vec::new();
        for group in own {
            let mut kind = group.setting;
            kind.dataset = "";
            match kinds.iter_mut().find(|known| known.0 == kind) {
                Some(known) => known.1.push(group),
                None => kinds.push((kind, vec![group])),
            }
        }
        let alone = |kind: &Setting| {
            let same = kinds.iter().filter(|other| other.0.label() == kind.label());
            same.count() == 1
        };
        let label = |kind: &Setting| {
            let args = if alone(kind) {
                String::new()
            } else {
                format!(" {}", kind.args.join(" "))
            };
            format!("{}{mark}{args}", kind.label())
        };
        let named: Vec<String> = kinds.iter().map(|kind| label(&kind.0)).collect();
        rows.extend(named.into_iter().zip(kinds.into_iter().map(|kind| kind.1)));
    }
    rows
}

fn entry(group: &Group, probe: Probe, notes: &mut Vec<String>) -> Entry {
    let mut own = Vec::new();
    for failure in &group.failures {
        notes.push(format!("{} failed: {}", failure.id, failure.reason));
        own.push(notes.len());
    }
    Entry {
        values: group.top1(probe),
        spread: group.accuracy(probe),
        asked: group.asked(),
        best: false,
        notes: own,
    }
}

/// Marks the highest mean of a column, if its difference from every other is beyond the
/// seeds.
fn mark_best(rows: &mut [Row], column: usize) {
    let entries: Vec<Entry> = rows
        .iter()
        .filter_map(|row| row.entries.get(column).cloned())
        .collect();
    let known = |entry: &&Entry| entry.spread.is_some();
    let mean = |entry: &Entry| entry.spread.map_or(f64::NEG_INFINITY, |spread| spread.mean);
    let best = (0..entries.len()).max_by(|&a, &b| mean(&entries[a]).total_cmp(&mean(&entries[b])));
    let Some(best) = best else { return };
    let others = entries.iter().enumerate().filter(|(i, _)| *i != best);
    let mut others = others.map(|other| other.1).filter(known).peekable();
    if others.peek().is_none() {
        return;
    }
    let above =
        |other: &Entry| difference(&entries[best].values, &other.values).verdict == Verdict::Higher;
    if others.all(above)
        && let Some(entry) = rows[best].entries.get_mut(column)
    {
        entry.best = true;
    }
}

fn caption(probe: Probe) -> String {
    let what = match probe {
        Probe::Linear => "Linear probe on the frozen encoder",
        Probe::Mlp => "Two-layer MLP on the frozen encoder",
        Probe::Knn => "Nearest neighbours in the features of the frozen encoder",
    };
    format!(
        "{what}: top-1 accuracy on test images in %, mean ± sample standard deviation over seeds."
    )
}

/// Seeds, epochs, images, recipe, constants of SinSim; and what bold is.
fn conditions_of(groups: &[&Group]) -> String {
    let mut seeds: Vec<u64> = groups
        .iter()
        .flat_map(|group| group.cells.iter().map(|cell| cell.cell.seed))
        .collect();
    seeds.sort_unstable();
    seeds.dedup();
    let names: Vec<String> = seeds.iter().map(u64::to_string).collect();
    let names = if names.len() <= 12 {
        format!(" ({})", list(&names))
    } else {
        String::new()
    };
    let mut parts = vec![format!("{}{names}", counted(seeds.len(), "seed", "seeds"))];
    let of = |value: &dyn Fn(&RunResult) -> String| conditions(groups, value);
    if groups.iter().any(|group| !group.runs.is_empty()) {
        parts.push(format!(
            "epochs {}",
            of(&|result| result.epochs.to_string())
        ));
        parts.push(format!(
            "images learnt from {}",
            of(&|result| count(result.pretrain_images))
        ));
        parts.push(format!(
            "test images {}",
            of(&|result| count(result.test_images))
        ));
        parts.push(format!("recipe {}", of(&|result| result.recipe.clone())));
    }
    let sinsim = groups.iter().filter(|g| g.setting.method == names::SINSIM);
    let constants: Vec<(String, String)> = sinsim
        .map(|group| {
            let dataset = names::dataset(group.setting.dataset).to_owned();
            (dataset, group.setting.constants())
        })
        .collect();
    if constants.iter().any(|(_, words)| !words.is_empty()) {
        parts.push(format!("SinSim with {}", shared(&constants)));
    }
    format!(
        "{}. Bold: above every other of the column by the paired differences over seeds, whose \
         95 % interval excludes zero.",
        upper(&parts.join("; "))
    )
}

/// What results of some groups have in common, or what each data set has.
pub fn conditions(groups: &[&Group], of: &dyn Fn(&RunResult) -> String) -> String {
    let all = groups.iter().flat_map(|group| {
        let dataset = names::dataset(group.setting.dataset);
        group
            .runs
            .iter()
            .map(move |run| (dataset.to_owned(), of(run.result)))
    });
    shared(&all.collect::<Vec<_>>())
}

fn upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}
