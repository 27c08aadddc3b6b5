//! A verdict for the eye, on stderr: accuracies, and who is taken for whom. Few classes
//! are shown in full, of many the worst and the most frequent confusions.

use std::fmt::Write;

use harness_study::cell::TopK;

use crate::eval::Verdict;

/// Classes up to which the whole confusion matrix is shown.
const WHOLE: usize = 20;
/// Lines of either list where there are more.
const LINES: usize = 10;
/// Characters of a class name in the matrix.
const NAME: usize = 12;

pub(super) fn print(verdict: &Verdict, untrained: Option<TopK>) {
    eprint!("{}", text(verdict, untrained));
}

fn text(verdict: &Verdict, untrained: Option<TopK>) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = writeln!(out, "\n{:>10} {:>9}", "top-1", "top-5");
    let mut row = |top: TopK, what: &str| {
        let _ = writeln!(out, "{} {}  {what}", percent(top.top1), percent(top.top5));
    };
    row(verdict.top, "test images");
    if let Some(untrained) = untrained {
        row(untrained, "with the untrained encoder");
    }
    out.push('\n');
    if verdict.per_class.len() <= WHOLE {
        matrix(&mut out, verdict);
    } else {
        worst(&mut out, verdict);
        confusions(&mut out, verdict);
    }
    out
}

fn percent(share: f64) -> String {
    format!("{:8.2} %", 100.0 * share)
}

fn short(name: &str) -> String {
    name.chars().take(NAME).collect()
}

/// Rows are true classes, columns what they are taken for.
fn matrix(out: &mut String, verdict: &Verdict) {
    let width = verdict.confusion.iter().flatten().max();
    let width = width.map_or(1, |count| count.to_string().len()).max(2) + 1;
    let _ = write!(out, "{:<NAME$} {:>10} ", "class", "accuracy");
    for column in 0..verdict.per_class.len() {
        let _ = write!(out, "{column:>width$}");
    }
    out.push('\n');
    for (label, (class, row)) in verdict.per_class.iter().zip(&verdict.confusion).enumerate() {
        let accuracy = class.accuracy.map_or_else(|| "-".to_owned(), percent);
        let name = short(&class.class);
        let _ = write!(out, "{name:<NAME$} {accuracy:>10} ");
        for (column, count) in row.iter().enumerate() {
            match (*count, column == label) {
                (0, false) => out.push_str(&format!("{:>width$}", ".")),
                (count, _) => out.push_str(&format!("{count:>width$}")),
            }
        }
        let _ = writeln!(out, "  {label}");
    }
}

fn worst(out: &mut String, verdict: &Verdict) {
    let mut classes: Vec<_> = verdict.per_class.iter().collect();
    classes.retain(|class| class.accuracy.is_some());
    classes.sort_by(|a, b| {
        a.accuracy
            .partial_cmp(&b.accuracy)
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let _ = writeln!(out, "the classes that are recognised least:");
    for class in classes.into_iter().take(LINES) {
        let accuracy = percent(class.accuracy.unwrap_or(0.0));
        let (right, images) = (class.right, class.images);
        let _ = writeln!(out, "{accuracy}  {} ({right} of {images})", class.class);
    }
}

fn confusions(out: &mut String, verdict: &Verdict) {
    let mut pairs = Vec::new();
    for (label, row) in verdict.confusion.iter().enumerate() {
        let others = row
            .iter()
            .enumerate()
            .filter(|&(guess, &count)| guess != label && count > 0);
        pairs.extend(others.map(|(guess, &count)| (count, label, guess)));
    }
    pairs.sort_by_key(|&(count, label, guess)| (std::cmp::Reverse(count), label, guess));
    let _ = writeln!(out, "\nthe most frequent confusions:");
    let name = |class: usize| {
        verdict
            .per_class
            .get(class)
            .map_or("", |c| c.class.as_str())
    };
    for (count, label, guess) in pairs.into_iter().take(LINES) {
        let _ = writeln!(out, "{count:>8}    {} for {}", name(label), name(guess));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::scores::Scores;

    fn verdict(classes: usize) -> Verdict {
        // Every class is recognised but the last, which is taken for the first.
        let one_hot = |label: usize| (0..classes).map(move |c| f64::from(u8::from(c == label)));
        let guess = |label: usize| if label + 1 == classes { 0 } else { label };
        let values = (0..classes)
            .flat_map(|label| one_hot(guess(label)))
            .collect();
        let labels: Vec<u16> = (0..classes as u16).collect();
        let names: Vec<String> = (0..classes).map(|c| format!("class-{c}")).collect();
        Scores::new(values, classes).verdict(&labels, &names)
    }

    #[test]
    fn few_classes_are_shown_in_full() {
        let table = text(
            &verdict(3),
            Some(TopK {
                top1: 0.25,
                top5: 0.25,
            }),
        );
        assert!(
            table.contains("66.67 %") && table.contains("25.00 %"),
            "{table}"
        );
        let last = table.lines().last().unwrap();
        let cells: Vec<&str> = last.split_whitespace().collect();
        assert_eq!(cells, ["class-2", "0.00", "%", "1", ".", "0", "2"]);
    }

    #[test]
    fn of_many_classes_the_worst_are_shown() {
        let table = text(&verdict(40), None);
        assert!(table.contains("0.00 %  class-39 (0 of 1)"), "{table}");
        assert!(table.contains("class-39 for class-0"), "{table}");
        assert!(table.lines().count() < 30, "{table}");
    }
}
