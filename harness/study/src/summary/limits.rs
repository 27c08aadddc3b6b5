//! What the numbers do not show. A report says it beside what they do.

use super::{LEAST_PAIRS, Probe, Summary};
use crate::{
    cell::{Part, RunResult},
    names,
    words::{count, counted, list},
};

/// Sentences; none for a study without results.
pub fn limits(summary: &Summary) -> Vec<String> {
    let mut all = Vec::new();
    if summary.progress.done == 0 {
        return all;
    }
    all.extend(incomplete(summary));
    all.push(seeds(summary));
    all.extend(short(summary));
    all.extend(subset(summary));
    all.extend(test_images(summary));
    all.extend(many_comparisons(summary));
    if summary.of_part(Part::Lambda).next().is_some()
        || summary.of_part(Part::Epsilon).next().is_some()
    {
        all.push(
            "The curves over λ and ε are measured on the test images: they show how much the \
             constants matter, and are no way to choose them."
                .to_owned(),
        );
    }
    all
}

fn incomplete(summary: &Summary) -> Option<String> {
    let progress = summary.progress;
    let mut missing = Vec::new();
    if progress.failed > 0 {
        missing.push(format!("{} failed", count(progress.failed)));
    }
    match progress.open {
        0 => {}
        1 => missing.push("1 is open".to_owned()),
        open => missing.push(format!("{} are open", count(open))),
    }
    let of = counted(progress.cells, "cell", "cells");
    (!missing.is_empty()).then(|| {
        format!(
            "It is not the whole study: of {of}, {}.",
            missing.join(" and ")
        )
    })
}

fn seeds(summary: &Summary) -> String {
    let counts = || {
        summary
            .groups
            .iter()
            .map(|group| group.runs.len())
            .filter(|&n| n > 0)
    };
    let (fewest, most) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
    let number = if fewest == most {
        counted(most, "seed", "seeds")
    } else {
        format!("{fewest} to {most} seeds")
    };
    let mut text = format!(
        "Each number rests on {number}: ± is their sample standard deviation, and covers initial \
         weights, order and augmentation, not another choice of images."
    );
    if fewest < LEAST_PAIRS {
        text += &format!(" With fewer than {LEAST_PAIRS} no interval is given.");
    }
    text
}

/// Of all results: the smallest and the largest of a number.
fn range(summary: &Summary, of: impl Fn(&RunResult) -> usize) -> Option<(usize, usize)> {
    let runs = || summary.groups.iter().flat_map(|group| &group.runs);
    let values = || runs().map(|run| of(run.result));
    Some((values().min()?, values().max()?))
}

fn short(summary: &Summary) -> Option<String> {
    let (least, most) = range(summary, |result| result.epochs)?;
    // The shortest published schedule for these encoders, but for one of 100.
    if most >= 200 {
        return None;
    }
    let epochs = if least == most {
        counted(most, "epoch", "epochs")
    } else {
        format!("{least} to {most} epochs")
    };
    Some(format!(
        "Training lasted {epochs}, where published results rest on 200 to 1000: accuracies are \
         not comparable with those, and the order of the methods may change with longer training."
    ))
}

fn subset(summary: &Summary) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    for dataset in Summary::datasets(&summary.groups) {
        let here = summary
            .groups
            .iter()
            .filter(|g| g.setting.dataset == dataset);
        let used = here
            .flat_map(|g| &g.runs)
            .map(|run| run.result.pretrain_images)
            .min();
        if let (Some(used), Some(all)) = (used, names::images_of(dataset))
            && used < all
        {
            let name = names::dataset(dataset);
            parts.push(format!("{} of {} of {name}", count(used), count(all)));
        }
    }
    (!parts.is_empty()).then(|| {
        format!(
            "Encoders learnt from a part of the training images: {}.",
            list(&parts)
        )
    })
}

/// How far an accuracy may be from that on all images of the kind.
fn test_images(summary: &Summary) -> Option<String> {
    let (fewest, most) = range(summary, |result| result.test_images)?;
    if fewest == 0 {
        return None;
    }
    // Two standard deviations of a share, where it is widest among those seen.
    let shares = summary.groups.iter().flat_map(|group| group.runs.iter());
    let variance = shares
        .filter_map(|run| {
            let share = Probe::Linear.of(&run.result.trained).top1;
            let images = run.result.test_images as f64;
            (share.is_finite() && images > 0.0).then(|| share * (1.0 - share) / images)
        })
        .fold(0.0, f64::max);
    let images = if fewest == most {
        counted(most, "test image", "test images")
    } else {
        format!("{} to {} test images", count(fewest), count(most))
    };
    Some(format!(
        "With {images}, an accuracy is up to {:.1} points (1.96 standard errors) from what all \
         images of the kind would give; the seeds share these images, so that their spread does \
         not contain this.",
        196.0 * variance.sqrt()
    ))
}

fn many_comparisons(summary: &Summary) -> Option<String> {
    let probes = [Probe::Linear, Probe::Mlp, Probe::Knn];
    let compared = probes.map(|probe| {
        let all = summary.comparisons(probe);
        all.iter()
            .filter(|c| c.difference.interval.is_some())
            .count()
    });
    let number: usize = compared.iter().sum();
    (number > 1).then(|| {
        format!(
            "Each of the {number} comparisons of SinSim with SimCLR has its own interval of 95 %: \
             without any true difference, one in twenty would still stand out."
        )
    })
}
