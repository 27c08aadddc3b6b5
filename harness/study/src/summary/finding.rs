//! What the numbers say, in plain words: sentences for the head of a report, none of
//! which says more than its interval does.

use serde::Serialize;

use super::{Comparison, Group, LEAST_PAIRS, Probe, Summary, Verdict, difference};
use crate::{
    cell::Part,
    names,
    words::{counted, list, percent, points},
};

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
        said("Highest mean", leaders(summary)),
        said("Untrained encoder", learning(summary)),
        said("Weight λ", weights(summary)),
        said("On h or on z", places(summary)),
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

/// The best method on each data set, and whether it is.
fn leaders(summary: &Summary) -> Option<String> {
    let datasets = Summary::datasets(summary.of_part(Part::Methods));
    let of = |dataset: &&str| {
        let here = summary.of_part(Part::Methods);
        let groups: Vec<&Group> = here.filter(|g| g.setting.dataset == *dataset).collect();
        let mean = |group: &Group| group.accuracy(Probe::Linear).map(|spread| spread.mean);
        let with = groups.iter().filter(|group| mean(group).is_some());
        let best = with.clone().max_by(|a, b| {
            let (a, b) = (mean(a), mean(b));
            a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal)
        })?;
        let values = best.top1(Probe::Linear);
        let others = with.filter(|group| group.setting != best.setting);
        let others: Vec<(Verdict, &str)> = others
            .map(|group| {
                let found = difference(&values, &group.top1(Probe::Linear));
                (found.verdict, names::method(group.setting.method))
            })
            .collect();
        let mut rivals: Vec<&str> = Vec::new();
        for (_, name) in others
            .iter()
            .filter(|(verdict, _)| *verdict != Verdict::Higher)
        {
            if !rivals.contains(name) {
                rivals.push(name);
            }
        }
        if others.is_empty() {
            return None;
        }
        let beyond = if rivals.is_empty() {
            "beyond the seeds of every other".to_owned()
        } else if others
            .iter()
            .all(|(verdict, _)| *verdict == Verdict::TooFewSeeds)
        {
            Verdict::TooFewSeeds.words().to_owned()
        } else {
            format!("not beyond the seeds of {}", list(&rivals))
        };
        let accuracy = percent(&best.accuracy(Probe::Linear)?);
        Some(format!(
            "{} on {} ({accuracy} %, {beyond})",
            names::method(best.setting.method),
            names::dataset(dataset)
        ))
    };
    let found: Vec<String> = datasets.iter().filter_map(of).collect();
    (!found.is_empty()).then(|| format!("By the linear probe: {}.", found.join("; ")))
}

/// Did training help at all?
fn learning(summary: &Summary) -> Option<String> {
    let (mut with, mut beyond) = (0, 0);
    let (mut above, mut not): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for group in summary.of_part(Part::Methods) {
        let gain = difference(
            &group.top1(Probe::Linear),
            &group.untrained_top1(Probe::Linear),
        );
        let Some(spread) = gain.spread else { continue };
        with += usize::from(spread.n >= LEAST_PAIRS);
        beyond += usize::from(gain.verdict == Verdict::Higher);
        let method = names::method(group.setting.method);
        let pair = format!("{method} on {}", names::dataset(group.setting.dataset));
        // Means of accuracies that were read back are finite.
        if spread.mean > 0.0 {
            above.push(pair);
        } else {
            not.push(pair);
        }
    }
    let pairs = above.len() + not.len();
    if pairs == 0 {
        return None;
    }
    let of = counted(
        pairs,
        "pair of method and data set",
        "pairs of method and data set",
    );
    let ends = if above.len() == 1 { "ends" } else { "end" };
    let mut text = format!(
        "Against the untrained encoder, {} of {of} {ends} higher by the linear probe",
        above.len()
    );
    if with > 0 {
        text += &format!(", {beyond} of them beyond the seeds");
    }
    // The exceptions are named, whichever side they are on.
    text += &match (above.is_empty(), not.is_empty()) {
        (true, _) | (_, true) => String::new(),
        _ if not.len() <= above.len() => format!("; not {}", list(&not)),
        _ => format!(": {}", list(&above)),
    };
    Some(text + ".")
}

/// The best weight on each data set of Figure 2.
fn weights(summary: &Summary) -> Option<String> {
    let datasets = Summary::datasets(summary.of_part(Part::Lambda));
    let of = |dataset: &&str| {
        let mut tried = 0;
        let mut best: Option<(&Group, f64)> = None;
        let here = summary.of_part(Part::Lambda);
        for group in here.filter(|g| g.setting.dataset == *dataset && g.setting.lambda.is_some()) {
            let Some(spread) = group.accuracy(Probe::Linear) else {
                continue;
            };
            tried += 1;
            if best.is_none_or(|(_, mean)| spread.mean > mean) {
                best = Some((group, spread.mean));
            }
        }
        let (group, _) = best.filter(|_| tried > 1)?;
        let against = summary.compared(group, Probe::Linear);
        let verdict = against.and_then(|c| {
            let mean = points(c.difference.spread?.mean);
            Some(format!(
                ", {mean} points from SimCLR: {}",
                c.difference.verdict.words()
            ))
        });
        Some(format!(
            "λ = {} on {} (of {tried} weights{})",
            group.setting.lambda?,
            names::dataset(dataset),
            verdict.unwrap_or_default()
        ))
    };
    let found: Vec<String> = datasets.iter().filter_map(of).collect();
    (!found.is_empty()).then(|| {
        format!(
            "The highest mean by the linear probe is at {}. A best of many, chosen by the \
             same test images, looks better than it is.",
            found.join("; ")
        )
    })
}

/// On h or on z? Over all settings that were run both ways.
fn places(summary: &Summary) -> Option<String> {
    let (mut higher, mut lower, mut equal, mut few) = (0, 0, 0, 0);
    for h in summary
        .groups
        .iter()
        .filter(|g| g.setting.ot_on == Some("h"))
    {
        let mut as_z = h.setting;
        as_z.ot_on = Some("z");
        let Some(z) = summary.groups.iter().find(|g| g.setting == as_z) else {
            continue;
        };
        let found = difference(&h.top1(Probe::Linear), &z.top1(Probe::Linear));
        match found.verdict {
            _ if found.spread.is_none() => {}
            Verdict::Higher => higher += 1,
            Verdict::Lower => lower += 1,
            Verdict::NoDifference => equal += 1,
            Verdict::TooFewSeeds => few += 1,
        }
    }
    let pairs = higher + lower + equal + few;
    if pairs == 0 {
        return None;
    }
    let of = counted(pairs, "setting", "settings");
    let mut text =
        format!("The term on the encoder’s output h against the same on the projection z, in {of}");
    if few == pairs {
        return Some(text + ": too few seeds to say.");
    }
    text += &format!(
        ": higher beyond the seeds in {higher}, lower in {lower}, no difference beyond them in {equal}"
    );
    if few > 0 {
        text += &format!(", too few seeds in {few}");
    }
    Some(text + ".")
}
