//! What is needed to do it again.

use maud::{Markup, html};

use super::results;
use crate::{
    cell::CellState,
    names,
    report::{Content, command, config, config::Configuration},
    summary::Group,
    words::{count, counted},
};

/// Cells without a result; `None` if there is none.
pub fn failures(content: &Content) -> Option<Markup> {
    let groups = &content.summary.groups;
    let failed: Vec<_> = groups.iter().flat_map(|group| &group.failures).collect();
    let cells = groups.iter().flat_map(|group| &group.cells);
    let open: Vec<&str> = cells
        .filter(|cell| cell.state == CellState::Open)
        .map(|cell| cell.cell.id.as_str())
        .collect();
    if failed.is_empty() && open.is_empty() {
        return None;
    }
    Some(html! {
        @if !failed.is_empty() {
            p { (counted(failed.len(), "cell", "cells")) " ended without a result:" }
            dl {
                @for failure in &failed {
                    dt { code { (failure.id) } }
                    dd { (failure.reason) }
                }
            }
        }
        @if !open.is_empty() {
            details {
                summary {
                    (count(open.len()))
                    @if open.len() == 1 { " cell is open" } @else { " cells are open" }
                    " (not started, or interrupted)"
                }
                ul.ids { @for id in &open { li { code { (id) } } } }
            }
        }
    })
}

/// The commands.
pub fn again(content: &Content) -> Markup {
    let study = content.study;
    let first = content
        .summary
        .groups
        .iter()
        .find_map(|group| group.cells.first());
    html! {
        p { "The whole study; finished cells are kept, interrupted ones go on, and this report is written anew:" }
        pre tabindex="0" { code { (study.command) } }
        @if let Some(cell) = first {
            p {
                "One cell by itself, here " code { (cell.cell.id) } "; the command of every other is with its \
                 configuration. Where the data lie is left to " code { "--data-dir" } "."
            }
            pre tabindex="0" { code { (command::train(cell)) } }
        }
        p {
            "The numbers are in " a.file href="tables.csv" { "tables.csv" } " (a line for each cell and probe), "
            a.file href="summary.csv" { "summary.csv" } " (a line for each setting and probe) and "
            a.file href="report.json" { "report.json" } "."
            @if !study.program.is_empty() { " Written by " (study.program) "." }
        }
    }
}

/// Folded, by setting; `None` without cells.
pub fn configurations(content: &Content) -> Option<Markup> {
    let groups = &content.summary.groups;
    if groups.is_empty() {
        return None;
    }
    Some(html! {
        details { summary { "Every setting with its accuracies" } (results::settings(content)) }
        p {
            "The exact configuration of each cell, as its run wrote it down, but for the path to the data. \
             Cells of one setting are together; of all but the first, what differs is given."
        }
        @for (group, configurations) in groups.iter().zip(&content.configurations) {
            (setting(group, configurations))
        }
    })
}

fn setting(group: &Group, configurations: &[Configuration]) -> Markup {
    let whole = configurations.iter().position(|one| one.text.is_ok());
    html! {
        details.setting {
            summary {
                (names::dataset(group.setting.dataset)) " · " (group.setting.label())
                span.missing { " " (counted(group.asked(), "seed", "seeds")) }
            }
            @for (i, (cell, own)) in group.cells.iter().zip(configurations).enumerate() {
                p.cell { code { (own.id) } }
                pre tabindex="0" { code { (command::train(cell)) } }
                @match (&own.text, whole) {
                    (Err(reason), _) => p.note { "No configuration: " (reason) "." },
                    (Ok(text), Some(first)) if first != i => {
                        (against(text, &configurations[first], own))
                    }
                    (Ok(text), _) => pre tabindex="0" { code { (text) } },
                }
            }
        }
    }
}

/// What a configuration has that the first of its setting has not; all of it, where
/// that cannot be said.
fn against(text: &str, first: &Configuration, own: &Configuration) -> Markup {
    let (Some(first_table), Some(own_table)) = (&first.table, &own.table) else {
        return html! { pre tabindex="0" { code { (text) } } };
    };
    let changed = config::changed(first_table, own_table);
    html! {
        p.note {
            "As " code { (first.id) }
            @if changed.is_empty() { "." } @else {
                " but for "
                @for (i, (path, value)) in changed.iter().enumerate() {
                    @if i > 0 { ", " }
                    code { (path) " = " (value) }
                }
                "."
            }
        }
    }
}
