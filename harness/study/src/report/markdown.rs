//! `tables.md`.

use super::{
    Content,
    table::{Entry, Table},
};
use crate::{
    names,
    summary::{Comparison, Probe},
    words::{counted, points},
};

/// All tables, the comparison, and what they do not show.
pub fn tables(content: &Content) -> String {
    let study = content.study;
    let progress = content.summary.progress;
    let mut text = format!(
        "# Tables of the study {}\n\n{}, {} of {} complete. Run again by `{}`.\n",
        plain(&study.name),
        plain(&study.program),
        progress.done,
        counted(progress.cells, "cell", "cells"),
        plain(&study.command).replace('\\', ""),
    );
    let findings = content.findings.iter();
    let findings: Vec<String> = findings
        .map(|finding| format!("{}. {}", finding.topic, finding.text))
        .collect();
    paragraphs(&mut text, "## Findings", &findings);
    paragraphs(&mut text, "## What this does not show", &content.limits);
    if content.tables.is_empty() {
        text += "\nThis study has no cells for Tables I and II.\n";
    }
    for table in &content.tables {
        one(&mut text, table);
    }
    differences(&mut text, content);
    text
}

fn paragraphs(text: &mut String, heading: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    *text += &format!("\n{heading}\n\n");
    for item in items {
        *text += &format!("- {}\n", plain(item));
    }
}

fn one(text: &mut String, table: &Table) {
    let heads: Vec<String> = table
        .columns
        .iter()
        .map(|name| plain(names::dataset(name)))
        .collect();
    *text += &format!(
        "\n## {}\n\n{} {}\n\n",
        table.number,
        plain(&table.caption),
        plain(&table.conditions)
    );
    *text += &format!(
        "| method | {} |\n|---|{}\n",
        heads.join(" | "),
        "---:|".repeat(heads.len())
    );
    for row in &table.rows {
        let entries: Vec<String> = row.entries.iter().map(entry).collect();
        *text += &format!("| {} | {} |\n", plain(&row.name), entries.join(" | "));
    }
    let beyond = table.rows.iter().filter_map(|row| row.method.as_deref());
    if beyond.into_iter().any(names::is_beyond_paper) {
        *text += "\n† beyond the paper.\n";
    }
    for (i, note) in table.notes.iter().enumerate() {
        *text += &format!("\n<sup>{}</sup> {}\n", i + 1, plain(note));
    }
}

fn entry(entry: &Entry) -> String {
    let mut text = entry.text();
    if entry.best {
        text = format!("**{text}**");
    }
    if let Some(missing) = entry.missing() {
        text += &format!(" ({missing})");
    }
    for note in &entry.notes {
        text += &format!(" <sup>{note}</sup>");
    }
    text
}

fn differences(text: &mut String, content: &Content) {
    let all: Vec<Comparison> = Probe::ALL
        .into_iter()
        .flat_map(|probe| content.summary.comparisons(probe))
        .collect();
    if all.is_empty() {
        return;
    }
    *text += "\n## SinSim − SimCLR\n\nPaired differences over equal seeds, in percentage points.\n\n\
              | data set | SinSim | probe | mean | sd | 95 % interval | seeds | |\n\
              |---|---|---|---:|---:|---:|---:|---|\n";
    for comparison in &all {
        let found = &comparison.difference;
        let setting = comparison.group.setting;
        let interval = found.interval.map_or_else(
            || "–".to_owned(),
            |(low, high)| format!("{} to {}", points(low), points(high)),
        );
        let sd = found.spread.and_then(|spread| spread.sd);
        *text += &format!(
            "| {} | {} | {} | {} | {} | {interval} | {} | {} |\n",
            plain(names::dataset(setting.dataset)),
            plain(&setting.constants()),
            comparison.probe.words(),
            found
                .spread
                .map_or_else(|| "–".to_owned(), |spread| points(spread.mean)),
            sd.map_or_else(|| "–".to_owned(), |sd| format!("{:.1}", 100.0 * sd)),
            found.seeds.len(),
            found.verdict.words(),
        );
    }
}

/// Text in which no letter means anything to Markdown or HTML, on one line.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        match letter {
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '$' | '!' => {
                plain.push('\\');
                plain.push(letter);
            }
            letter if letter.is_control() => plain.push(' '),
            letter => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn letters_mean_nothing() {
        assert_eq!(plain("a|b\n<script>`x`"), "a\\|b &lt;script&gt;\\`x\\`");
    }
}
