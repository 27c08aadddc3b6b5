//! `report.json`: everything that the report was made of, for other programs. Accuracies
//! are shares of 1.

use serde::Serialize;

use super::{Content, ReportError, command};
use crate::{
    cell::Part,
    names,
    summary::{Difference, Failure, Finding, Group, Probe, Progress, Setting, Spread, Summary},
};

/// Version of the layout; raised when an old reader would misread it.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    format: u32,
    study: &'a str,
    command: &'a str,
    program: &'a str,
    machine: &'a str,
    progress: Progress,
    findings: &'a [Finding],
    limits: &'a [String],
    groups: Vec<OfGroup<'a>>,
    untrained: Vec<Untrained<'a>>,
    maps: Vec<OfMap<'a>>,
}

#[derive(Serialize)]
struct OfGroup<'a> {
    #[serde(flatten)]
    setting: Setting<'a>,
    parts: &'a [Part],
    seeds_asked: usize,
    failures: &'a [Failure<'a>],
    runs: Vec<OfRun<'a>>,
    probes: Vec<OfProbe>,
    train_seconds: Option<Spread>,
    command: Option<String>,
}

#[derive(Serialize)]
struct OfRun<'a> {
    cell: &'a str,
    seed: u64,
    result: &'a crate::cell::RunResult,
}

#[derive(Serialize)]
struct OfProbe {
    probe: Probe,
    top1: Option<Spread>,
    top5: Option<Spread>,
    untrained_top1: Option<Spread>,
    /// Where the group is SinSim's and there is a SimCLR to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    minus_simclr: Option<Difference>,
}

#[derive(Serialize)]
struct Untrained<'a> {
    dataset: &'a str,
    probe: Probe,
    top1: Option<Spread>,
}

#[derive(Serialize)]
struct OfMap<'a> {
    dataset: &'a str,
    file: &'a str,
    caption: &'a str,
}

/// The file.
pub fn report(content: &Content) -> Result<Vec<u8>, ReportError> {
    let (study, summary) = (content.study, content.summary);
    let datasets = Summary::datasets(&summary.groups);
    let untrained = datasets.into_iter().flat_map(|dataset| {
        Probe::ALL.map(|probe| Untrained {
            dataset,
            probe,
            top1: spread(summary.untrained(dataset, probe)),
        })
    });
    let maps = content.maps.iter().filter(|map| map.svg.is_ok());
    let report = Report {
        format: FORMAT,
        study: &study.name,
        command: &study.command,
        program: &study.program,
        machine: &study.machine,
        progress: summary.progress,
        findings: &content.findings,
        limits: &content.limits,
        groups: summary
            .groups
            .iter()
            .map(|group| of_group(summary, group))
            .collect(),
        untrained: untrained.collect(),
        maps: maps
            .map(|map| OfMap {
                dataset: &map.dataset,
                file: &map.file,
                caption: &map.caption,
            })
            .collect(),
    };
    let mut text = serde_json::to_vec_pretty(&report)?;
    text.push(b'\n');
    Ok(text)
}

fn spread(values: Vec<(u64, f64)>) -> Option<Spread> {
    Spread::of(values.into_iter().map(|value| value.1))
}

fn of_group<'g>(summary: &'g Summary, group: &'g Group) -> OfGroup<'g> {
    let probe = |probe: Probe| OfProbe {
        probe,
        top1: group.accuracy(probe),
        top5: spread(group.values(|result| probe.of(&result.trained).top5)),
        untrained_top1: spread(group.untrained_top1(probe)),
        minus_simclr: (group.setting.method == names::SINSIM)
            .then(|| summary.compared(group, probe))
            .flatten()
            .map(|comparison| comparison.difference),
    };
    let runs = group.runs.iter();
    OfGroup {
        setting: group.setting,
        parts: &group.parts,
        seeds_asked: group.asked(),
        failures: &group.failures,
        runs: runs
            .map(|run| OfRun {
                cell: run.id,
                seed: run.seed,
                result: run.result,
            })
            .collect(),
        probes: Probe::ALL.map(probe).into(),
        train_seconds: spread(group.values(|result| result.train_seconds)),
        command: group.cells.first().map(|cell| command::train(cell)),
    }
}
