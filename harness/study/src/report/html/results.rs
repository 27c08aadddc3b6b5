//! Tables and figures.

use std::path::Path;

use base64::{Engine, prelude::BASE64_STANDARD};
use maud::{Markup, PreEscaped, html};

use crate::{
    names,
    report::{
        Content, ReportError,
        figure::{Figure, Kind},
        table::{Entry, Table},
    },
    summary::{Comparison, Probe, Verdict},
    words::{duration, fixed, plus_minus, points},
};
use harness_plot::Tile;

/// Named where a figure fails.
const PAGE: &str = "report.html";

/// Tables I to III, and the first as a picture.
pub fn accuracy(content: &Content) -> Result<Option<Markup>, ReportError> {
    if content.tables.is_empty() {
        return Ok(None);
    }
    let figures = figures(content, Kind::Accuracy)?;
    Ok(Some(html! {
        @for (i, table) in content.tables.iter().enumerate() {
            (one(table, i == 0))
            @if i == 0 { (figures) }
        }
    }))
}

fn one(table: &Table, first: bool) -> Markup {
    let id = |note: &usize| format!("{}-note-{note}", table.probe.key());
    let beyond = table
        .rows
        .iter()
        .any(|row| row.method.as_deref().is_some_and(names::is_beyond_paper));
    html! {
        div.table {
            div.scroll tabindex="0" role="region" aria-label=(table.number) {
                table.results {
                    caption {
                        b { (table.number) "." } " " (table.caption) " "
                        @if first { (table.conditions) } @else { "Conditions as in Table I." }
                    }
                    thead { tr {
                        th scope="col" { "method" }
                        @for dataset in &table.columns { th scope="col" { (names::dataset(dataset)) } }
                    } }
                    tbody {
                        @for row in &table.rows {
                            tr.baseline[row.method.is_none()] {
                                th scope="row" { (row.name) }
                                @for entry in &row.entries { td { (number(entry, &id)) } }
                            }
                        }
                    }
                }
            }
            @if beyond { p.note { "† beyond the paper" } }
            @for (i, note) in table.notes.iter().enumerate() {
                p.note id=(id(&(i + 1))) { sup { (i + 1) } " " (note) }
            }
        }
    }
}

fn number(entry: &Entry, id: &dyn Fn(&usize) -> String) -> Markup {
    html! {
        @if entry.best { b { (entry.text()) } } @else { (entry.text()) }
        @if let Some(missing) = entry.missing() {
            " " span.missing title="seeds with a result, of those asked for" { "(" (missing) ")" }
        }
        @for note in &entry.notes { sup { a href={ "#" (id(note)) } { (note) } } }
    }
}

/// SinSim − SimCLR by every probe.
pub fn differences(content: &Content) -> Option<Markup> {
    let probes = Probe::ALL.map(|probe| content.summary.comparisons(probe));
    let [linear, mlp, knn] = &probes;
    let first = linear.first()?;
    // In the caption, if they are everywhere the same.
    let constants = first.group.setting.constants();
    let same = linear
        .iter()
        .all(|c| c.group.setting.constants() == constants);
    Some(html! {
        p {
            "Runs with the same seed start from the same encoder and see the images in the same order, so \
             they are compared in pairs. An interval (Student’s t, 95 %) is given from three seeds \
             on; where it contains zero, the seeds alone may explain the difference."
        }
        div.table {
            div.scroll tabindex="0" role="region" aria-label="SinSim minus SimCLR" {
                table.results {
                    caption {
                        b { "SinSim − SimCLR." } " Top-1 accuracy on test images in percentage points, paired over seeds"
                        @if same && !constants.is_empty() { "; " (constants) }
                        "."
                    }
                    thead { tr {
                        th scope="col" { "data set" }
                        th.words scope="col" { "probe" }
                        th scope="col" { "mean ± sd" }
                        th scope="col" { "95 % interval" }
                        th scope="col" { "seeds" }
                        th.words scope="col" { "what can be said" }
                    } }
                    @for ((linear, mlp), knn) in linear.iter().zip(mlp).zip(knn) {
                        tbody {
                            @for (i, comparison) in [linear, mlp, knn].into_iter().enumerate() {
                                (difference(comparison, i == 0, same))
                            }
                        }
                    }
                }
            }
        }
    })
}

fn difference(comparison: &Comparison, first: bool, same: bool) -> Markup {
    let found = &comparison.difference;
    let setting = comparison.group.setting;
    let equal = setting.args == comparison.reference.setting.args;
    let mark = match found.verdict {
        Verdict::Higher => "higher",
        Verdict::Lower => "lower",
        Verdict::NoDifference | Verdict::TooFewSeeds => "undecided",
    };
    html! {
        tr {
            @if first {
                th scope="rowgroup" rowspan="3" {
                    (names::dataset(setting.dataset))
                    @if !same { br; span.missing { (setting.constants()) } }
                }
            }
            td.words { (comparison.probe.words()) }
            td { @match found.spread {
                Some(spread) => {
                    @if spread.mean > 0.0 { "+" }
                    (plus_minus(&spread.times(100.0), 1))
                }
                None => "–",
            } }
            td { @match found.interval {
                Some((low, high)) => { (points(low)) " to " (points(high)) }
                None => "–",
            } }
            td { (found.seeds.len()) }
            td.words.(mark) {
                (found.verdict.words())
                @if !equal { " (their other arguments differ)" }
            }
        }
    }
}

/// Figure 1.
pub fn maps(content: &Content) -> Option<Markup> {
    if content.maps.is_empty() {
        return None;
    }
    Some(html! {
        @for map in &content.maps {
            @let dataset = names::dataset(&map.dataset);
            figure.wide {
                @match &map.svg {
                    Ok(svg) => {
                        div.scroll tabindex="0" role="region" aria-label={ "Map of " (dataset) } {
                            img.map alt={ "Map of the embeddings on " (dataset) ": " (map.caption) }
                                src={ "data:image/svg+xml;base64," (BASE64_STANDARD.encode(svg)) };
                        }
                    }
                    Err(reason) => { p.note { "The picture could not be read: " (reason) } }
                }
                figcaption { b { "Figure 1, " (dataset) "." } " " (map.caption) }
            }
        }
    })
}

/// Figures 2 and 3.
pub fn constants(content: &Content) -> Result<Option<Markup>, ReportError> {
    let (lambda, epsilon) = (
        figures(content, Kind::Lambda)?,
        figures(content, Kind::Epsilon)?,
    );
    let any = |kind| content.figures.iter().any(|figure| figure.kind == kind);
    Ok((any(Kind::Lambda) || any(Kind::Epsilon)).then(|| html! { (lambda) (epsilon) }))
}

/// A figure for each data set.
pub fn curves(content: &Content) -> Result<Option<Markup>, ReportError> {
    let all = figures(content, Kind::Curves)?;
    Ok(content
        .figures
        .iter()
        .any(|figure| figure.kind == Kind::Curves)
        .then_some(all))
}

/// Seconds, and on which machine.
pub fn cost(content: &Content) -> Result<Option<Markup>, ReportError> {
    let all = figures(content, Kind::Time)?;
    let machine = &content.study.machine;
    let runs = content.summary.groups.iter().flat_map(|group| &group.runs);
    let seconds: f64 = runs
        .map(|run| run.result.train_seconds)
        .filter(|s| s.is_finite())
        .sum();
    Ok((content.summary.progress.done > 0).then(|| {
        html! {
            p {
                "Training took " (duration(seconds)) " in total"
                @if !machine.is_empty() { ", on " (machine) }
                ". Cells may have run side by side, so this is not how long one waits."
            }
            (all)
        }
    }))
}

fn figures(content: &Content, kind: Kind) -> Result<Markup, ReportError> {
    let mut all = Vec::new();
    for figure in content.figures.iter().filter(|figure| figure.kind == kind) {
        all.push(drawn(figure)?);
    }
    Ok(html! { @for figure in all { (figure) } })
}

fn drawn(figure: &Figure) -> Result<Markup, ReportError> {
    let mut svgs = Vec::new();
    for tile in &figure.tiles {
        svgs.push(PreEscaped(tile.svg(Path::new(PAGE))?));
    }
    let size = match figure.tiles.first() {
        Some(Tile::Chart(chart)) if chart.size == harness_plot::Size::Small => "tiles small",
        _ => "tiles",
    };
    let (shown, folded) = svgs.split_at(figure.shown.min(svgs.len()));
    Ok(html! {
        figure.wide {
            div class=(size) { @for svg in shown { div { (svg) } } }
            @if !folded.is_empty() {
                details {
                    summary { "Other settings (" (folded.len()) ")" }
                    div class=(size) { @for svg in folded { div { (svg) } } }
                }
            }
            figcaption { b { (figure.title) "." } " " (figure.caption) " " a.file href=(figure.file) { (figure.file) } }
        }
    })
}

/// Every setting with its accuracies, for a study that is more than its tables.
pub fn settings(content: &Content) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Every setting" {
            table.results {
                caption { b { "Every setting." } " Top-1 accuracy on test images in %, mean ± sd over seeds." }
                thead { tr {
                    @for head in ["data set", "setting", "seeds", "linear", "MLP", "kNN", "seconds"] {
                        th scope="col" { (head) }
                    }
                } }
                tbody {
                    @for group in &content.summary.groups {
                        tr {
                            th scope="row" { (names::dataset(group.setting.dataset)) }
                            td.words { (group.setting.label()) }
                            td { (group.runs.len()) "/" (group.asked()) }
                            @for probe in Probe::ALL {
                                td { (group.accuracy(probe).map_or_else(|| "–".to_owned(), |s| crate::words::percent(&s))) }
                            }
                            td {
                                @let seconds = group.values(|result| result.train_seconds);
                                @let mean = crate::summary::Spread::of(seconds.into_iter().map(|v| v.1));
                                (mean.map_or_else(|| "–".to_owned(), |spread| fixed(spread.mean, 0)))
                            }
                        }
                    }
                }
            }
        }
    }
}
