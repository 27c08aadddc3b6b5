//! Numbers for spreadsheets: `tables.csv`, a line for each cell and probe, and
//! `summary.csv`, a line for each setting and probe. Accuracies are shares of 1; a
//! field is empty where there is no number.

use super::{ReportError, command};
use crate::{
    cell::CellState,
    study::Study,
    summary::{Group, Probe, Spread, Summary},
};

const CELLS: [&str; 23] = [
    "cell",
    "dataset",
    "method",
    "lambda",
    "epsilon",
    "ot_on",
    "seed",
    "args",
    "state",
    "reason",
    "recipe",
    "stem",
    "backend",
    "epochs",
    "batch_size",
    "pretrain_images",
    "test_images",
    "probe",
    "top1",
    "top5",
    "untrained_top1",
    "untrained_top5",
    "train_seconds",
];

const GROUPS: [&str; 23] = [
    "dataset",
    "method",
    "lambda",
    "epsilon",
    "ot_on",
    "args",
    "probe",
    "seeds_asked",
    "seeds",
    "top1_mean",
    "top1_sd",
    "top5_mean",
    "top5_sd",
    "untrained_top1_mean",
    "untrained_top1_sd",
    "train_seconds_mean",
    "minus_simclr_seeds",
    "minus_simclr_mean",
    "minus_simclr_sd",
    "minus_simclr_low",
    "minus_simclr_high",
    "minus_simclr_verdict",
    "failed",
];

/// `tables.csv`.
pub fn cells(study: &Study) -> Result<Vec<u8>, ReportError> {
    let mut lines = Lines::new(&CELLS)?;
    for finished in &study.cells {
        let cell = &finished.cell;
        for probe in Probe::ALL {
            let (state, reason, result) = match &finished.state {
                CellState::Open => ("open", "", None),
                CellState::Failed(reason) => ("failed", reason.as_str(), None),
                CellState::Done(result) => ("done", "", Some(result)),
            };
            let text = |of: &dyn Fn(&crate::cell::RunResult) -> String| {
                result.map_or_else(String::new, |result| of(result))
            };
            lines.put(&[
                cell.id.clone(),
                cell.dataset.clone(),
                cell.method.clone(),
                number(cell.lambda),
                number(cell.epsilon),
                cell.ot_on.clone().unwrap_or_default(),
                cell.seed.to_string(),
                command::joined(&cell.args),
                state.to_owned(),
                reason.to_owned(),
                text(&|r| r.recipe.clone()),
                text(&|r| r.stem.clone()),
                text(&|r| r.backend.clone()),
                text(&|r| r.epochs.to_string()),
                text(&|r| r.batch_size.to_string()),
                text(&|r| r.pretrain_images.to_string()),
                text(&|r| r.test_images.to_string()),
                probe.key().to_owned(),
                text(&|r| number(Some(probe.of(&r.trained).top1))),
                text(&|r| number(Some(probe.of(&r.trained).top5))),
                text(&|r| number(Some(probe.of(&r.untrained).top1))),
                text(&|r| number(Some(probe.of(&r.untrained).top5))),
                text(&|r| number(Some(r.train_seconds))),
            ])?;
        }
    }
    lines.finish()
}

/// `summary.csv`.
pub fn groups(summary: &Summary) -> Result<Vec<u8>, ReportError> {
    let mut lines = Lines::new(&GROUPS)?;
    for group in &summary.groups {
        for probe in Probe::ALL {
            lines.put(&line(summary, group, probe))?;
        }
    }
    lines.finish()
}

fn line(summary: &Summary, group: &Group, probe: Probe) -> [String; 23] {
    let setting = group.setting;
    let of = |values: Vec<(u64, f64)>| Spread::of(values.into_iter().map(|value| value.1));
    let mean = |spread: Option<Spread>| number(spread.map(|spread| spread.mean));
    let sd = |spread: Option<Spread>| number(spread.and_then(|spread| spread.sd));
    let top1 = group.accuracy(probe);
    let top5 = of(group.values(|result| probe.of(&result.trained).top5));
    let untrained = of(group.untrained_top1(probe));
    let seconds = of(group.values(|result| result.train_seconds));
    let against = (setting.method == crate::names::SINSIM)
        .then(|| summary.compared(group, probe))
        .flatten()
        .map(|comparison| comparison.difference);
    let difference = against.as_ref().and_then(|found| found.spread);
    let interval = against.as_ref().and_then(|found| found.interval);
    [
        setting.dataset.to_owned(),
        setting.method.to_owned(),
        number(setting.lambda),
        number(setting.epsilon),
        setting.ot_on.unwrap_or_default().to_owned(),
        command::joined(setting.args),
        probe.key().to_owned(),
        group.asked().to_string(),
        top1.map_or(0, |spread| spread.n).to_string(),
        mean(top1),
        sd(top1),
        mean(top5),
        sd(top5),
        mean(untrained),
        sd(untrained),
        mean(seconds),
        against
            .as_ref()
            .map_or_else(String::new, |found| found.seeds.len().to_string()),
        mean(difference),
        sd(difference),
        number(interval.map(|interval| interval.0)),
        number(interval.map(|interval| interval.1)),
        against.map_or_else(String::new, |found| found.verdict.words().to_owned()),
        group.failures.len().to_string(),
    ]
}

fn number(value: Option<f64>) -> String {
    value
        .filter(|value| value.is_finite())
        .map_or_else(String::new, |value| value.to_string())
}

/// A file of lines.
struct Lines(csv::Writer<Vec<u8>>);

impl Lines {
    fn new(head: &[&str]) -> Result<Self, ReportError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(head).map_err(failed)?;
        Ok(Self(writer))
    }

    fn put(&mut self, fields: &[String]) -> Result<(), ReportError> {
        self.0.write_record(fields).map_err(failed)
    }

    fn finish(self) -> Result<Vec<u8>, ReportError> {
        self.0.into_inner().map_err(failed)
    }
}

fn failed(error: impl ToString) -> ReportError {
    ReportError::Csv(error.to_string())
}
