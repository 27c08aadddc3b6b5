//! What Figures 2 and 3 say of the constants of the transport term: its weight, its place.

use super::super::{Group, Probe, Summary, Verdict, difference};
use crate::{
    cell::Part,
    names,
    words::{counted, points},
};

/// The best weight on each data set of Figure 2.
pub(super) fn weights(summary: &Summary) -> Option<String> {
    best(summary, Part::Lambda, "weights", |group| {
        Some(format!("λ = {}", group.setting.lambda?))
    })
}

/// The best regularisation on each data set of Figure 3, and its place.
pub(super) fn epsilons(summary: &Summary) -> Option<String> {
    best(summary, Part::Epsilon, "settings", |group| {
        let (epsilon, place) = (group.setting.epsilon?, group.setting.ot_on?);
        Some(format!("ε = {epsilon} with the term on {place},"))
    })
}

/// The best setting of a figure on each data set, of those that `name` names.
fn best(
    summary: &Summary,
    part: Part,
    many: &str,
    name: impl Fn(&Group) -> Option<String>,
) -> Option<String> {
    let datasets = Summary::datasets(summary.of_part(part));
    let of = |dataset: &&str| {
        let mut tried = 0;
        let mut best: Option<(&Group, String, f64)> = None;
        for group in summary
            .of_part(part)
            .filter(|g| g.setting.dataset == *dataset)
        {
            let (Some(name), Some(spread)) = (name(group), group.accuracy(Probe::Linear)) else {
                continue;
            };
            tried += 1;
            if best.as_ref().is_none_or(|(.., mean)| spread.mean > *mean) {
                best = Some((group, name, spread.mean));
            }
        }
        let (group, name, _) = best.filter(|_| tried > 1)?;
        let against = summary.compared(group, Probe::Linear);
        let verdict = against.and_then(|c| {
            let mean = points(c.difference.spread?.mean);
            Some(format!(
                ", {mean} points from SimCLR: {}",
                c.difference.verdict.words()
            ))
        });
        Some(format!(
            "{name} on {} (of {tried} {many}{})",
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
pub(super) fn places(summary: &Summary) -> Option<String> {
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
