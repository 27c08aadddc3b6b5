//! `report.html`: the whole report on one page, in one file.
//!
//! It reads without scripts and without a network, in light and dark, on a telephone and
//! on paper. `maud` escapes every text; what goes in as it is are the style sheet and
//! the figures that `harness-plot` has just written. Maps come from files, so they go in as
//! images, in which nothing can run.

mod appendix;
mod protocol;
mod results;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Content, ReportError};
use crate::{
    cell::Part,
    names,
    summary::Summary,
    words::{count, counted, list},
};

const STYLE: &str = include_str!("style.css");

/// The page.
pub fn page(content: &Content) -> Result<String, ReportError> {
    let title = title(content.summary);
    let sections = sections(content)?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – " (content.study.name) }
                style { (PreEscaped(STYLE)) (PreEscaped(dark())) }
            }
            body {
                main {
                    (head(content, &title))
                    nav aria-label="Contents" {
                        ol {
                            @for section in &sections {
                                li { a href={ "#" (section.id) } { (section.heading) } }
                            }
                        }
                    }
                    @for section in &sections {
                        section id=(section.id) aria-labelledby={ (section.id) "-heading" } {
                            h2 id={ (section.id) "-heading" } { (section.heading) }
                            (section.body)
                        }
                    }
                }
            }
        }
    };
    Ok(page.into_string())
}

/// A part of the page.
struct Section {
    id: &'static str,
    heading: &'static str,
    body: Markup,
}

fn sections(content: &Content) -> Result<Vec<Section>, ReportError> {
    let mut all = Vec::new();
    let mut add = |id, heading, body: Option<Markup>| {
        if let Some(body) = body {
            all.push(Section { id, heading, body });
        }
    };
    add("protocol", "Protocol", protocol::table(content));
    add("accuracy", "Accuracy", results::accuracy(content)?);
    add(
        "difference",
        "SinSim against SimCLR",
        results::differences(content),
    );
    add("maps", "Maps of the embeddings", results::maps(content));
    add(
        "constants",
        "Weight and regularisation",
        results::constants(content)?,
    );
    add("curves", "Training curves", results::curves(content)?);
    add("cost", "Cost", results::cost(content)?);
    add(
        "failures",
        "Failed and open cells",
        appendix::failures(content),
    );
    add(
        "again",
        "How to run it again",
        Some(appendix::again(content)),
    );
    add(
        "configurations",
        "Every configuration",
        appendix::configurations(content),
    );
    Ok(all)
}

/// What the study is about, by what is in it.
fn title(summary: &Summary) -> String {
    let mut methods: Vec<&str> = Vec::new();
    for group in summary.of_part(Part::Methods) {
        let method = names::method(group.setting.method);
        if group.setting.method != names::SINSIM && !methods.contains(&method) {
            methods.push(method);
        }
    }
    let sinsim = summary
        .groups
        .iter()
        .any(|g| g.setting.method == names::SINSIM);
    match (sinsim, methods.as_slice()) {
        (true, []) => "SinSim: a study of its constants".to_owned(),
        (true, others) => format!("SinSim against {}", list(others)),
        (false, []) => "A study without runs".to_owned(),
        (false, all) => format!("Self-supervised encoders: {}", list(all)),
    }
}

fn head(content: &Content, title: &str) -> Markup {
    let (study, progress) = (content.study, content.summary.progress);
    let (first, rest) = match content.findings.split_first() {
        Some((first, rest)) => (first.text.as_str(), rest),
        None => ("", [].as_slice()),
    };
    html! {
        header {
            p.kicker { "Report on the study “" (study.name) "”" }
            h1 { (title) }
            p.meta {
                (study.program) " · "
                @if progress.done == progress.cells {
                    (counted(progress.cells, "cell", "cells")) ", all complete"
                } @else {
                    (count(progress.done)) " of " (counted(progress.cells, "cell", "cells")) " complete"
                }
            }
            div.abstract {
                p.lead { (first) }
                @for finding in rest { p.finding { b { (finding.topic) "." } " " (finding.text) } }
                @if !content.limits.is_empty() {
                    h2.limits id="limits" { "What this does not show" }
                    ul { @for limit in &content.limits { li { (limit) } } }
                }
            }
        }
    }
}

/// Figures in the dark, but not on paper.
fn dark() -> String {
    let rules = harness_plot::dark_rules();
    format!("@media screen and (prefers-color-scheme:dark){{{rules}}}")
}
