//! From class scores to what is reported: top-1 and top-5, accuracy per class, and who
//! is taken for whom.

use harness_study::cell::TopK;
use serde::Serialize;

/// A score of each class for each row; −∞ stands for a class that is no guess at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    values: Vec<f64>,
    classes: usize,
}

/// What a probe's guesses are worth, counted on the test set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Shares of rows.
    #[serde(flatten)]
    pub top: TopK,
    /// By class, in the order of the labels.
    pub per_class: Vec<ClassAccuracy>,
    /// `confusion[i][j]`: rows of class `i` that are taken for class `j`.
    pub confusion: Vec<Vec<u64>>,
}

/// What a probe makes of the rows of one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassAccuracy {
    /// The class.
    pub class: String,
    /// Its rows.
    pub images: u64,
    /// Those that are recognised.
    pub right: u64,
    /// Their share; none where there are no rows.
    pub accuracy: Option<f64>,
}

impl Scores {
    /// Row-major scores, `classes` to a row.
    pub fn new(values: Vec<f64>, classes: usize) -> Self {
        Self { values, classes }
    }

    /// The class with the largest score of each row, the first of equal ones; none where
    /// no class is a guess. NaN is no guess.
    pub fn predicted(&self) -> Vec<Option<u16>> {
        self.rows().map(largest).collect()
    }

    /// Counts against the true classes. `names` are those of the classes.
    pub fn verdict(&self, labels: &[u16], names: &[String]) -> Verdict {
        let mut confusion = vec![vec![0_u64; names.len()]; names.len()];
        let mut images = vec![0_u64; names.len()];
        let (mut first, mut five) = (0_u64, 0_u64);
        for (row, &label) in self.rows().zip(labels) {
            let label = usize::from(label);
            let place = place(row, label);
            first += u64::from(place == Some(0));
            five += u64::from(place.is_some_and(|p| p < 5));
            if let Some(images) = images.get_mut(label) {
                *images += 1;
            }
            let cells = confusion.get_mut(label);
            let guess = largest(row).map(usize::from);
            if let Some(cell) = cells.zip(guess).and_then(|(c, guess)| c.get_mut(guess)) {
                *cell += 1;
            }
        }
        let share = |count: u64| count as f64 / labels.len().max(1) as f64;
        let top1 = share(first);
        let top = TopK {
            top1,
            // Among five classes or fewer the true one is always one of five.
            top5: if names.len() > 5 { share(five) } else { top1 },
        };
        let per_class = names.iter().zip(&images).zip(&confusion).enumerate();
        let per_class = per_class.map(|(class, ((name, &images), row))| {
            let right = row[class];
            ClassAccuracy {
                class: name.clone(),
                images,
                right,
                accuracy: (images > 0).then(|| right as f64 / images as f64),
            }
        });
        Verdict {
            top,
            per_class: per_class.collect(),
            confusion,
        }
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.classes.max(1))
    }
}

/// Index of the largest guess.
fn largest(row: &[f64]) -> Option<u16> {
    let mut best: Option<usize> = None;
    for (class, &score) in row.iter().enumerate() {
        if score > best.map_or(f64::NEG_INFINITY, |b| row[b]) {
            best = Some(class);
        }
    }
    best.map(|class| class as u16)
}

/// How many classes are guessed before `label`; none where it is no guess.
fn place(row: &[f64], label: usize) -> Option<usize> {
    let own = *row.get(label)?;
    if own.is_nan() || own == f64::NEG_INFINITY {
        return None;
    }
    let ahead = |(class, &score): (usize, &f64)| score > own || (score == own && class < label);
    Some(row.iter().enumerate().filter(|&pair| ahead(pair)).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO: f64 = f64::NEG_INFINITY;

    fn names(classes: usize) -> Vec<String> {
        (0..classes).map(|class| format!("c{class}")).collect()
    }

    #[test]
    fn counts_are_those_of_a_table_by_hand() {
        // Seven classes. Row by row the true class is 1st, 2nd, 5th, 6th, and last.
        let rows = [
            [0.1, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0],
            [0.9, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0],
            [7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
            [7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
            [7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
        ];
        let verdict = Scores::new(rows.concat(), 7).verdict(&[1, 1, 4, 5, 6], &names(7));
        assert_eq!(
            verdict.top,
            TopK {
                top1: 0.2,
                top5: 0.6
            }
        );
        assert_eq!(verdict.confusion[1], [1, 1, 0, 0, 0, 0, 0]);
        assert_eq!(verdict.confusion[6], [1, 0, 0, 0, 0, 0, 0]);
        let accuracy = |class: usize| verdict.per_class[class].accuracy;
        assert_eq!(
            (accuracy(0), accuracy(1), accuracy(6)),
            (None, Some(0.5), Some(0.0))
        );
    }

    #[test]
    fn few_classes_have_no_top5_of_their_own() {
        let scores = Scores::new(vec![1.0, 0.0, 1.0, 0.0], 2);
        let top = scores.verdict(&[0, 1], &names(2)).top;
        assert_eq!(
            top,
            TopK {
                top1: 0.5,
                top5: 0.5
            }
        );
    }

    #[test]
    fn equal_scores_go_to_the_first_class() {
        let scores = Scores::new(vec![0.5; 12], 6);
        assert_eq!(scores.predicted(), [Some(0), Some(0)]);
        let top = scores.verdict(&[4, 5], &names(6)).top;
        assert_eq!(
            top,
            TopK {
                top1: 0.0,
                top5: 0.5
            }
        );
    }

    #[test]
    fn what_is_no_guess_is_never_right() {
        let nan = f64::NAN;
        let rows = [
            [NO, NO, 1.0, NO, NO, NO],
            [nan, nan, nan, nan, nan, nan],
            [NO, NO, NO, NO, NO, NO],
            [nan, 2.0, 1.0, NO, NO, NO],
        ];
        let scores = Scores::new(rows.concat(), 6);
        assert_eq!(scores.predicted(), [Some(2), None, None, Some(1)]);
        for label in [0, 3] {
            let top = scores.verdict(&[label; 4], &names(6)).top;
            assert_eq!(
                top,
                TopK {
                    top1: 0.0,
                    top5: 0.0
                }
            );
        }
        let verdict = scores.verdict(&[2; 4], &names(6));
        assert_eq!(
            verdict.top,
            TopK {
                top1: 0.25,
                top5: 0.5
            }
        );
        assert_eq!(verdict.per_class[2].images, 4);
        assert_eq!(verdict.confusion[2], [0, 1, 1, 0, 0, 0]);
    }

    #[test]
    fn labels_beyond_the_classes_and_no_rows_at_all_are_borne() {
        let verdict = Scores::new(vec![1.0, 0.0], 2).verdict(&[9], &names(2));
        assert_eq!(verdict.top.top1, 0.0);
        let none = Scores::new(Vec::new(), 0).verdict(&[], &[]);
        assert_eq!(
            none.top,
            TopK {
                top1: 0.0,
                top5: 0.0
            }
        );
    }
}
