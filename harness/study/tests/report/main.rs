//! Reports of studies that went well, and of studies that did not.
//!
//! To look at one: `SINSIM_REPORT=folder cargo test -p harness-study --test report`.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a fixture that cannot be made is a failed test"
)]

mod sample;
mod sound;

use std::fs;

use harness_study::{
    cell::{CellState, Finished, Part},
    study::MapPicture,
};
use sound::Report;

fn failed(mut cell: Finished, reason: &str) -> Finished {
    cell.state = CellState::Failed(reason.into());
    cell
}

fn opened(mut cell: Finished) -> Finished {
    cell.state = CellState::Open;
    let _ = fs::remove_dir_all(&cell.folder);
    cell
}

#[test]
fn a_complete_study() {
    let report = Report::of("complete", |runs| sample::complete(runs, 3));
    for name in [
        "accuracy.svg",
        "figure1-mnist.svg",
        "figure1-cifar10.svg",
        "figure2-lambda.svg",
        "figure3-epsilon.svg",
        "curves-cifar10.svg",
        "time.svg",
    ] {
        assert!(report.has(name), "{name}");
    }
    let tables = report.text("tables.md");
    for text in [
        "Table I",
        "Table II",
        "Table III",
        "| SinSim |",
        "SwAV †",
        "untrained encoder",
        "3 seeds (0, 1 and 2)",
    ] {
        assert!(tables.contains(text), "{text}");
    }
    let first = |name: &str| tables.find(name).unwrap_or_else(|| panic!("{name}"));
    assert!(
        first("| SinSim |") < first("| SimCLR |") && first("| Barlow Twins |") < first("| SwAV")
    );
    // The table's number is that of the CSV.
    let lines = report.lines("summary.csv");
    let line = lines
        .iter()
        .find(|l| l["dataset"] == "cifar10" && l["method"] == "byol" && l["probe"] == "linear")
        .unwrap();
    let (mean, sd): (f64, f64) = (
        line["top1_mean"].parse().unwrap(),
        line["top1_sd"].parse().unwrap(),
    );
    assert!(tables.contains(&format!("{:.1} ± {:.1}", 100.0 * mean, 100.0 * sd)));
    let html = report.text("report.html");
    for text in [
        "MADE-UP",
        "harness reproduce --budget small",
        "prefers-color-scheme",
        "scope=\"row\"",
        "Barlow Twins",
        "lambda = 0.8",
    ] {
        assert!(html.contains(text), "{text}");
    }
    assert!(!html.contains("/somewhere"), "a path of the machine");
    assert_eq!(
        html,
        Report::of("again", |runs| sample::complete(runs, 3)).text("report.html")
    );
}

#[test]
fn a_study_in_its_middle() {
    let report = Report::of("partly", |runs| {
        let mut study = sample::complete(runs, 3);
        study.cells = study
            .cells
            .into_iter()
            .enumerate()
            .map(|(i, cell)| match i {
                3 => failed(cell, "the loss is not finite at step 312: lower the learning rate (--lr) and run it again"),
                4 => failed(cell, "killed by signal 9: out of memory?"),
                i if i > 75 => opened(cell),
                _ => cell,
            })
            .collect();
        study.maps[1].svg = "nowhere.svg".into();
        study
    });
    let tables = report.text("tables.md");
    assert!(
        tables.contains("(2/3)")
            && tables.contains("<sup>1</sup>")
            && tables.contains("not finite at step 312")
    );
    let html = report.text("report.html");
    for text in [
        "too few",
        "It is not the whole study",
        "could not be read",
        "cells are open",
    ] {
        assert!(html.contains(text), "{text}");
    }
    assert!(!report.has("figure1-cifar10.svg"));
}

#[test]
fn a_study_in_which_all_failed() {
    let report = Report::of("failed", |runs| {
        let mut study = sample::complete(runs, 1);
        study.cells = study
            .cells
            .into_iter()
            .map(|cell| failed(cell, "no data: run `harness download`"))
            .collect();
        study.maps.clear();
        study
    });
    let html = report.text("report.html");
    assert!(html.contains("No run came to a result"));
    assert!(report.text("tables.md").contains("– (0/1)"));
}

#[test]
fn a_study_of_one_seed() {
    let report = Report::of("one-seed", |runs| sample::complete(runs, 1));
    let html = report.text("report.html");
    assert!(
        html.contains("too few seeds to say") && !html.contains("beyond the seeds of every other")
    );
    assert!(
        !report.text("tables.md").contains("**"),
        "one seed makes nothing the best"
    );
    let lines = report.lines("summary.csv");
    assert!(
        lines
            .iter()
            .all(|line| line["top1_sd"].is_empty() && !line["top1_mean"].is_empty())
    );
}

#[test]
fn the_exceptions_to_learning_are_named() {
    let said = |name: &str, learned: fn(&Finished) -> bool| {
        let report = Report::of(name, |runs| {
            let mut study = sample::complete(runs, 1);
            study.cells.retain(|cell| cell.cell.dataset == "mnist");
            for cell in &mut study.cells {
                let learned = learned(cell);
                if let CellState::Done(result) = &mut cell.state {
                    result.untrained.linear.top1 = if learned { 0.1 } else { 1.0 };
                }
            }
            study
        });
        report.text("report.html")
    };
    let few = said("few", |cell| cell.cell.method == "simclr");
    assert!(few.contains("1 of 6 pairs of method and data set ends higher"));
    assert!(few.contains("by the linear probe: SimCLR on MNIST."));
    let most = said("most", |cell| cell.cell.method != "byol");
    assert!(most.contains("by the linear probe; not BYOL on MNIST."));
    let all = said("all", |_| true);
    assert!(all.contains("6 of 6 pairs of method and data set end higher by the linear probe."));
}

#[test]
fn a_sweep_without_tables() {
    let report = Report::of("sweep", |runs| {
        let mut study = sample::complete(runs, 3);
        study.name = "sweep".into();
        study.cells.retain(|cell| cell.cell.dataset == "mnist");
        for cell in &mut study.cells {
            cell.cell.parts.retain(|part| *part == Part::Lambda);
        }
        study.cells.retain(|cell| !cell.cell.parts.is_empty());
        study.maps.clear();
        study
    });
    assert!(
        report
            .text("tables.md")
            .contains("no cells for Tables I and II")
    );
    assert!(
        report.has("figure2-lambda.svg")
            && !report.has("figure3-epsilon.svg")
            && !report.has("accuracy.svg")
    );
}

#[test]
fn a_study_without_cells() {
    let report = Report::of("empty", |_| sample::study(Vec::new(), Vec::new()));
    assert!(report.text("report.html").contains("nothing to report"));
    assert!(report.lines("tables.csv").is_empty());
}

#[test]
fn words_are_only_words() {
    const BAD: &str = "</title></script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u{0}\u{8}|`*\n=cmd";
    let report = Report::of("hostile", |runs| {
        let mut study = sample::complete(runs, 3);
        study.cells.truncate(40);
        for (i, cell) in study.cells.iter_mut().enumerate() {
            match i % 5 {
                0 => cell.cell.dataset = BAD.into(),
                1 => cell.cell.method = BAD.into(),
                2 => cell.cell.ot_on = Some(BAD.into()),
                3 => cell.cell.args = vec![BAD.into()],
                _ => cell.state = CellState::Failed(BAD.into()),
            }
            cell.cell.id = format!("{BAD}{i}");
            if let CellState::Done(result) = &mut cell.state {
                result.recipe = BAD.into();
                result.backend = BAD.into();
            }
            let config = cell.folder.join("config.toml");
            fs::write(
                config,
                format!("note = '''{BAD}'''\n[optimizer]\n'{}' = 1\n", "<b>"),
            )
            .unwrap();
        }
        study.maps.push(MapPicture {
            dataset: BAD.into(),
            svg: BAD.into(),
            caption: BAD.into(),
        });
        for text in [
            &mut study.name,
            &mut study.command,
            &mut study.program,
            &mut study.machine,
        ] {
            *text = BAD.into();
        }
        study
    });
    for name in ["report.html", "tables.md"] {
        let text = report.text(name);
        assert!(
            !text.contains("<script") && !text.contains("<img src=x"),
            "{name}"
        );
    }
    // What a spreadsheet reads back is what it was.
    let lines = report.lines("tables.csv");
    assert!(
        lines.iter().any(|line| line["dataset"] == BAD)
            && lines.iter().any(|line| line["reason"] == BAD)
    );
}

#[test]
fn numbers_that_are_none_are_left_out() {
    let report = Report::of("nan", |runs| {
        let mut study = sample::complete(runs, 3);
        study.cells.retain(|cell| cell.cell.dataset == "mnist");
        for (i, cell) in study.cells.iter_mut().enumerate() {
            let CellState::Done(result) = &mut cell.state else {
                continue;
            };
            match i % 6 {
                0 => result.trained.linear.top1 = f64::NAN,
                1 => result.trained.mlp.top5 = f64::INFINITY,
                2 => result.untrained.linear.top1 = f64::NAN,
                3 => result.train_seconds = f64::NEG_INFINITY,
                4 => cell.cell.epsilon = cell.cell.epsilon.map(|_| f64::NAN),
                _ => cell.cell.lambda = cell.cell.lambda.map(|_| f64::INFINITY),
            }
        }
        study
    });
    assert!(report.has("report.html"));
}
