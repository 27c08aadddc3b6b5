//! What the tables say of the methods: which is best, and what training brought.

use super::super::{Group, LEAST_PAIRS, Probe, Summary, Verdict, difference};
use crate::{
    cell::Part,
    names,
    words::{counted, list, percent},
};

/// The best method on each data set, and whether it is.
pub(super) fn leaders(summary: &Summary) -> Option<String> {
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
pub(super) fn learning(summary: &Summary) -> Option<String> {
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
