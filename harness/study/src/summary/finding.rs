//! What the numbers say, in plain words: sentences for the head of a report, none of
//! which says more than its interval does.

use serde::Serialize;

use super::{Comparison, Probe, Summary, Verdict};
use crate::{
    names,
    words::{counted, list, points},
};

mod constants;
mod methods;

/// What can be said on one topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A few words.
    pub topic: &'static str,
    /// A sentence or two.
    pub text: String,
}

/// By topic, the answer to the main question first.
pub fn findings(summary: &Summary) -> Vec<Finding> {
    let said = |topic, text: Option<String>| text.map(|text| Finding { topic, text });
    if summary.progress.done == 0 {
        return said("No results", Some(nothing(summary)))
            .into_iter()
            .collect();
    }
    let all = [
        said(
            "SinSim against SimCLR",
            Some(headline(summary, Probe::Linear)),
        ),
        said("In numbers", details(summary)),
        said("Highest mean", methods::leaders(summary)),
        said("Untrained encoder", methods::learning(summary)),
        said("Weight λ", constants::weights(summary)),
        said("Regularisation ε", constants::epsilons(summary)),
        said("On h or on z", constants::places(summary)),
    ];
    all.into_iter().flatten().collect()
}

fn nothing(summary: &Summary) -> String {
    let progress = summary.progress;
    match (progress.cells, progress.failed) {
        (0, _) => "The study has no cells: there is nothing to report.".to_owned(),
        (cells, failed) if failed == cells => format!(
            "No run came to a result: all {cells} cells failed, for the reasons given below."
        ),
        (cells, failed) => format!(
            "No run has come to a result yet: of {}, {failed} failed and {} open.",
            counted(cells, "cell", "cells"),
            match progress.open {
                1 => "1 is".to_owned(),
                open => format!("{open} are"),
            },
        ),
    }
}

/// Does SinSim beat SimCLR? One sentence over all data sets.
fn headline(summary: &Summary, probe: Probe) -> String {
    let comparisons = summary.comparisons(probe);
    if comparisons.is_empty() {
        return "This study does not compare SinSim with SimCLR: it has no pair of the two \
                on one data set."
            .to_owned();
    }
    let of = |verdict| {
        let here = comparisons
            .iter()
            .filter(|c| c.difference.verdict == verdict);
        let names: Vec<String> = here.map(|c| place(c, &comparisons)).collect();
        (!names.is_empty()).then(|| list(&names))
    };
    let mut parts: Vec<String> = Vec::new();
    let higher = of(Verdict::Higher);
    let lower = of(Verdict::Lower);
    parts.extend(higher.map(|on| format!("is better than SimCLR, beyond the seeds, on {on}")));
    parts.extend(lower.map(|on| format!("is worse than SimCLR, beyond the seeds, on {on}")));
    let equal = of(Verdict::NoDifference);
    parts.extend(equal.map(|on| format!("shows no difference beyond the seeds on {on}")));
    let few = of(Verdict::TooFewSeeds);
    parts.extend(few.map(|on| format!("has too few seeds to say on {on}")));
    format!(
        "At equal budget, by the {}, SinSim {}.",
        probe.words(),
        parts.join("; it ")
    )
}

/// Where a comparison was made: the data set, with what sets it apart from others on it.
fn place(comparison: &Comparison, all: &[Comparison]) -> String {
    let setting = comparison.group.setting;
    let dataset = names::dataset(setting.dataset);
    let same = all
        .iter()
        .filter(|c| c.group.setting.dataset == setting.dataset);
    if same.count() > 1 {
        format!("{dataset} ({})", setting.constants())
    } else {
        dataset.to_owned()
    }
}

/// The numbers of the comparisons by the classifiers of both tables.
fn details(summary: &Summary) -> Option<String> {
    /// More are in the table.
    const MOST: usize = 6;
    let of = |probe: Probe| {
        let comparisons = summary.comparisons(probe);
        let numbers: Vec<String> = comparisons
            .iter()
            .filter_map(|c| Some(format!("{} on {}", numbers(c)?, place(c, &comparisons))))
            .take(MOST)
            .collect();
        (!numbers.is_empty()).then(|| format!("{}: {}.", probe.words(), list(&numbers)))
    };
    let both: Vec<String> = [Probe::Linear, Probe::Mlp]
        .into_iter()
        .filter_map(of)
        .collect();
    if both.is_empty() {
        return None;
    }
    Some(format!(
        "SinSim − SimCLR in percentage points, with the 95 % interval where there are seeds \
         enough. By {}",
        both.join(" By ")
    ))
}

/// `+0.8 (0.2 to 1.4)`.
fn numbers(comparison: &Comparison) -> Option<String> {
    let difference = &comparison.difference;
    let spread = difference.spread?;
    let mean = points(spread.mean);
    Some(match difference.interval {
        Some((low, high)) => format!("{mean} ({} to {})", points(low), points(high)),
        None => format!("{mean} ({})", counted(spread.n, "seed", "seeds")),
    })
}
