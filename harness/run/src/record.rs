//! A line of `metrics.jsonl`: what a step measured.
//!
//! ```json
//! {"step":7,"epoch":1,"loss":5.2,"terms":{"nt_xent":5.1,"ot":0.12},
//!  "sinkhorn":{"marginal_error":1e-3,"iterations":14,"converged":true},
//!  "diagnostics":{"alignment":0.4,"uniformity":-2.9,"effective_rank":37.5},
//!  "learning_rate":1e-3,"images_per_second":412.0}
//! ```
//!
//! `terms` and `diagnostics` are numbers by name, so that a method brings its own and
//! nothing else has to know them. What a step did not measure is left out.
//!
//! Reading is tolerant: other fields are passed over, numbers that are missing are NaN,
//! and so is `null`, because JSON has neither NaN nor infinity. Files of version 0.1,
//! in which `nt_xent` and `ot` stood beside `loss`, give the same records.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// Numbers by name.
pub type Numbers = BTreeMap<String, f64>;

/// What a step measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Line")]
pub struct Record {
    /// The step, counted from 1.
    pub step: u64,
    /// Its epoch.
    pub epoch: u64,
    /// The objective.
    pub loss: f64,
    /// Its parts by name, before their weights.
    #[serde(skip_serializing_if = "Numbers::is_empty")]
    pub terms: Numbers,
    /// The transport problem, where one was solved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sinkhorn: Option<Sinkhorn>,
    /// Signs of collapse, in the steps that looked for them.
    #[serde(skip_serializing_if = "Numbers::is_empty")]
    pub diagnostics: Numbers,
    /// Learning rate that was used.
    pub learning_rate: f64,
    /// Images per second.
    pub images_per_second: f64,
}

/// What Sinkhorn said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sinkhorn {
    /// L1 distance of the plan's marginals from what they should be.
    #[serde(default = "nan", deserialize_with = "number")]
    pub marginal_error: f64,
    /// Iterations that were made; a mean over several problems need not be whole.
    #[serde(default = "nan", deserialize_with = "number")]
    pub iterations: f64,
    /// Whether it ended below its threshold, all problems of the step.
    #[serde(default)]
    pub converged: bool,
}

/// A line as it may stand in a file, of any version.
#[derive(Deserialize)]
struct Line {
    step: u64,
    #[serde(default)]
    epoch: u64,
    #[serde(default = "nan", deserialize_with = "number")]
    loss: f64,
    #[serde(default, deserialize_with = "numbers")]
    terms: Numbers,
    #[serde(default)]
    sinkhorn: Option<Sinkhorn>,
    #[serde(default, deserialize_with = "numbers")]
    diagnostics: Numbers,
    #[serde(default = "nan", deserialize_with = "number")]
    learning_rate: f64,
    #[serde(default = "nan", deserialize_with = "number")]
    images_per_second: f64,
    // Version 0.1.
    #[serde(default, deserialize_with = "present")]
    nt_xent: Option<f64>,
    #[serde(default)]
    ot: Option<OldTransport>,
}

/// The transport term of version 0.1.
#[derive(Deserialize)]
struct OldTransport {
    #[serde(default = "nan", deserialize_with = "number")]
    value: f64,
    #[serde(flatten)]
    sinkhorn: Sinkhorn,
}

impl From<Line> for Record {
    fn from(line: Line) -> Self {
        let mut terms = line.terms;
        let old = [
            ("nt_xent", line.nt_xent),
            ("ot", line.ot.as_ref().map(|ot| ot.value)),
        ];
        for (name, value) in old {
            if let Some(value) = value {
                terms.entry(name.to_owned()).or_insert(value);
            }
        }
        Self {
            step: line.step,
            epoch: line.epoch,
            loss: line.loss,
            terms,
            sinkhorn: line.sinkhorn.or(line.ot.map(|ot| ot.sinkhorn)),
            diagnostics: line.diagnostics,
            learning_rate: line.learning_rate,
            images_per_second: line.images_per_second,
        }
    }
}

fn nan() -> f64 {
    f64::NAN
}

fn number<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

/// A number that is there, if only as `null`.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    number(from).map(Some)
}

fn numbers<'de, D: Deserializer<'de>>(from: D) -> Result<Numbers, D::Error> {
    let found = Option::<BTreeMap<String, Option<f64>>>::deserialize(from)?;
    let named = found.into_iter().flatten();
    Ok(named
        .map(|(name, value)| (name, value.unwrap_or(f64::NAN)))
        .collect())
}
