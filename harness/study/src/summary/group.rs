//! Cells that differ in their seed alone.

use std::{cmp::Ordering, path::Path};

use serde::Serialize;

use super::Spread;
use crate::{
    cell::{Cell, CellState, Finished, Judgement, Part, RunResult, TopK},
    names,
};

/// How a frozen encoder was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// Table I.
    Linear,
    /// Table II.
    Mlp,
    /// Beside them.
    Knn,
}

impl Probe {
    /// In the order of the tables.
    pub const ALL: [Self; 3] = [Self::Linear, Self::Mlp, Self::Knn];

    /// As in a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Linear => "linear probe",
            Self::Mlp => "two-layer MLP",
            Self::Knn => "nearest neighbours",
        }
    }

    /// As in a file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Mlp => "mlp",
            Self::Knn => "knn",
        }
    }

    /// Its accuracies.
    pub fn of(self, judgement: &Judgement) -> TopK {
        match self {
            Self::Linear => judgement.linear,
            Self::Mlp => judgement.mlp,
            Self::Knn => judgement.knn,
        }
    }
}

/// All that makes a run, but its seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Setting<'a> {
    /// Data set, as on the command line.
    pub dataset: &'a str,
    /// Method, as on the command line.
    pub method: &'a str,
    /// Weight of the transport term.
    pub lambda: Option<f64>,
    /// Entropic regularisation.
    pub epsilon: Option<f64>,
    /// Where the transport term acts.
    pub ot_on: Option<&'a str>,
    /// Further arguments.
    pub args: &'a [String],
}

impl<'a> Setting<'a> {
    /// Of a cell.
    pub fn of(cell: &'a Cell) -> Self {
        Self {
            dataset: &cell.dataset,
            method: &cell.method,
            // No command line gives others, and none could be written down.
            lambda: cell.lambda.filter(|value| value.is_finite()),
            epsilon: cell.epsilon.filter(|value| value.is_finite()),
            ot_on: cell.ot_on.as_deref(),
            args: &cell.args,
        }
    }

    /// Place in the tables. Equal for names that the paper does not have, which stay
    /// in the order of the grid.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let number = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        };
        let dataset = names::dataset_rank(self.dataset);
        let method = names::method_rank(self.method);
        dataset
            .cmp(&names::dataset_rank(other.dataset))
            .then_with(|| method.cmp(&names::method_rank(other.method)))
            // z, where the term acts in SimCLR's own space, before h.
            .then_with(|| other.ot_on.cmp(&self.ot_on))
            .then_with(|| number(self.lambda, other.lambda))
            .then_with(|| number(self.epsilon, other.epsilon))
    }

    /// The constants of the transport term: `λ 0.8, ε 0.05, on z`.
    pub fn constants(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        words.extend(self.lambda.map(|value| format!("λ {value}")));
        words.extend(self.epsilon.map(|value| format!("ε {value}")));
        words.extend(self.ot_on.map(|place| format!("on {place}")));
        words.join(", ")
    }

    /// Method with its constants: `SinSim (λ 0.8, ε 0.05, on z)`.
    pub fn label(&self) -> String {
        let method = names::method(self.method);
        match self.constants() {
            constants if constants.is_empty() => method.to_owned(),
            constants => format!("{method} ({constants})"),
        }
    }
}

/// A complete cell.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Name of the cell.
    pub id: &'a str,
    /// Its seed.
    pub seed: u64,
    /// What came of it.
    pub result: &'a RunResult,
    /// Its run folder.
    pub folder: &'a Path,
}

/// A cell that ended without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Failure<'a> {
    /// Name of the cell.
    pub id: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// Cells of one setting.
#[derive(Debug)]
pub struct Group<'a> {
    /// What they have in common.
    pub setting: Setting<'a>,
    /// What of the report they are for.
    pub parts: Vec<Part>,
    /// All of them.
    pub cells: Vec<&'a Finished>,
    /// Those that are complete, one for each seed.
    pub runs: Vec<Run<'a>>,
    /// Those that failed.
    pub failures: Vec<Failure<'a>>,
}

impl<'a> Group<'a> {
    pub(super) fn new(setting: Setting<'a>) -> Self {
        Self {
            setting,
            parts: Vec::new(),
            cells: Vec::new(),
            runs: Vec::new(),
            failures: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, finished: &'a Finished) {
        let cell = &finished.cell;
        for &part in &cell.parts {
            if !self.parts.contains(&part) {
                self.parts.push(part);
            }
        }
        self.cells.push(finished);
        match &finished.state {
            CellState::Open => {}
            CellState::Failed(reason) => self.failures.push(Failure {
                id: &cell.id,
                reason,
            }),
            // A seed that was run twice is still one sample.
            CellState::Done(_) if self.runs.iter().any(|run| run.seed == cell.seed) => {}
            CellState::Done(result) => self.runs.push(Run {
                id: &cell.id,
                seed: cell.seed,
                result,
                folder: &finished.folder,
            }),
        }
        self.runs.sort_by_key(|run| run.seed);
    }

    /// Seeds that were asked for.
    pub fn asked(&self) -> usize {
        let mut seeds: Vec<u64> = self.cells.iter().map(|cell| cell.cell.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        seeds.len()
    }

    /// Top-1 accuracy per seed, without what is not a number.
    pub fn top1(&self, probe: Probe) -> Vec<(u64, f64)> {
        self.values(|result| probe.of(&result.trained).top1)
    }

    /// Top-1 accuracy per seed, of the encoders before training.
    pub fn untrained_top1(&self, probe: Probe) -> Vec<(u64, f64)> {
        self.values(|result| probe.of(&result.untrained).top1)
    }

    /// A value per seed, without what is not a number.
    pub fn values(&self, of: impl Fn(&RunResult) -> f64) -> Vec<(u64, f64)> {
        let values = self.runs.iter().map(|run| (run.seed, of(run.result)));
        values.filter(|value| value.1.is_finite()).collect()
    }

    /// Mean and spread of top-1 accuracy over seeds.
    pub fn accuracy(&self, probe: Probe) -> Option<Spread> {
        Spread::of(self.top1(probe).into_iter().map(|value| value.1))
    }
}
