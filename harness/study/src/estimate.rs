//! How long the rest takes: a rough model of a cell's cost, corrected by what cells
//! really took. The model is only asked for ratios between cells; one measured cell
//! sets the scale of all, one of the same data set and method that of its like.

use std::{collections::HashMap, time::Duration};

use crate::cell::Cell;

/// The model's estimate of a cell on one core, in seconds; on a GPU it is wrong by a
/// factor that the first measurement corrects.
///
/// Throughputs: [`crate::budget`]. A layer costs as many operations as there are
/// pixels, so they fall with the area of the image; strides round 28 pixels up to 32.
pub fn prior(cell: &Cell) -> f64 {
    let args = cell.train_args();
    let number = |name, default| {
        option(&args, name)
            .and_then(|v| v.parse().ok())
            .unwrap_or(default)
    };
    let (train, test, pixels): (f64, f64, f64) = match cell.dataset.as_str() {
        "mnist" => (60_000.0, 10_000.0, 32.0),
        "stl10" => (105_000.0, 8_000.0, 96.0),
        _ => (50_000.0, 10_000.0, 32.0),
    };
    let train = number("--limit", train).min(train);
    let test = number("--test-limit", test).min(test);
    let rate_at = |pixels: f64| match option(&args, "--stem") {
        Some("torchvision") => 60.0 * (32.0 / pixels).powi(2),
        // Without the option: a published recipe, which has it on small images alone.
        None if cell.dataset == "stl10" => 60.0 * (32.0 / pixels).powi(2),
        _ => 7.5 * (32.0 / pixels).powi(2),
    };
    let target = if cell.method == "byol" { 1.3 } else { 1.0 };
    let training =
        target * number("--epochs", 10.0) * train / rate_at(number("--view-size", pixels));
    // The untrained encoder is judged once for the cells that begin with it.
    const ENCODERS: f64 = 1.2;
    let features = ENCODERS * (train.min(50_000.0) + test) / (7.0 * rate_at(pixels));
    // Seconds a row of the linear probe, 512 → 10, and of the perceptron, 512 → 512 → 10,
    // there and back.
    let per_row = 2e-6 * number("--linear-epochs", 100.0) + 8e-5 * number("--mlp-epochs", 30.0);
    let probes = ENCODERS * train.min(50_000.0) * per_row;
    const START: f64 = 2.0;
    START + training + features + probes
}

/// The value of the last `--name value` or `--name=value`.
fn option<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    let mut found = None;
    for (at, arg) in args.iter().enumerate() {
        if let Some(rest) = arg.strip_prefix(name) {
            match rest.strip_prefix('=') {
                Some(value) => found = Some(value),
                None if rest.is_empty() => found = args.get(at + 1).map(String::as_str).or(found),
                None => {}
            }
        }
    }
    found
}

/// Sums of measured and of expected seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    measured: f64,
    expected: f64,
}

impl Sums {
    fn ratio(self) -> Option<f64> {
        (self.expected > 0.0 && self.measured > 0.0).then(|| self.measured / self.expected)
    }
}

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    like: HashMap<(String, String), Sums>,
    dataset: HashMap<String, Sums>,
    all: Sums,
}

impl Pace {
    /// A complete cell took so many seconds.
    pub fn observe(&mut self, cell: &Cell, seconds: f64) {
        // Zero is a cell whose time is not known; NaN is none.
        if !(seconds > 0.0 && seconds.is_finite()) {
            return;
        }
        let expected = prior(cell);
        let like = self
            .like
            .entry((cell.dataset.clone(), cell.method.clone()))
            .or_default();
        let dataset = self.dataset.entry(cell.dataset.clone()).or_default();
        for sums in [like, dataset, &mut self.all] {
            sums.measured += seconds;
            sums.expected += expected;
        }
    }

    /// Seconds that a cell will take.
    pub fn seconds(&self, cell: &Cell) -> f64 {
        let like = self.like.get(&(cell.dataset.clone(), cell.method.clone()));
        let dataset = self.dataset.get(&cell.dataset);
        let known = [like, dataset, Some(&self.all)];
        let ratio = known.into_iter().flatten().find_map(|sums| sums.ratio());
        prior(cell) * ratio.unwrap_or(1.0)
    }

    /// Time until the last of these cells ends, run `jobs` at a time: their sum is
    /// shared, and none ends before itself. `running` are those that have begun, with
    /// the seconds that they have had.
    pub fn left<'a>(
        &self,
        waiting: impl Iterator<Item = &'a Cell>,
        running: impl Iterator<Item = (&'a Cell, f64)>,
        jobs: usize,
    ) -> Duration {
        let waiting = waiting.map(|cell| self.seconds(cell));
        let running = running.map(|(cell, had)| (self.seconds(cell) - had).max(0.0));
        let (mut sum, mut longest) = (0.0, 0.0_f64);
        for seconds in waiting.chain(running) {
            sum += seconds;
            longest = longest.max(seconds);
        }
        Duration::from_secs_f64((sum / jobs.max(1) as f64).max(longest).min(1e9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{budget::Budget, grid::Request};

    fn cell(dataset: &str, method: &str) -> Cell {
        let request = Request {
            datasets: vec![dataset.to_owned()],
            methods: vec![method.to_owned()],
            seeds: vec![0],
            ..Request::default()
        };
        request
            .cells(|dataset, _| Budget::Small.train_args(dataset))
            .remove(0)
    }

    #[test]
    fn options_are_found_in_both_forms_and_the_last_one_counts() {
        let args = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(option(&args("--epochs 3 --limit=7"), "--epochs"), Some("3"));
        assert_eq!(
            option(&args("--epochs 3 --epochs=7"), "--epochs"),
            Some("7")
        );
        assert_eq!(option(&args("--epochs-of 3"), "--epochs"), None);
        assert_eq!(option(&args("--epochs"), "--epochs"), None);
    }

    #[test]
    fn measured_cells_correct_the_model() {
        let (mnist, cifar) = (cell("mnist", "simclr"), cell("cifar10", "byol"));
        let mut pace = Pace::default();
        assert_eq!(pace.seconds(&mnist), prior(&mnist));
        for useless in [0.0, f64::NAN, f64::INFINITY, -1.0] {
            pace.observe(&mnist, useless);
        }
        assert_eq!(pace.seconds(&mnist), prior(&mnist));
        // This machine is three times as slow.
        pace.observe(&mnist, 3.0 * prior(&mnist));
        assert!((pace.seconds(&cifar) / prior(&cifar) - 3.0).abs() < 1e-9);
        // And on CIFAR-10 five times: what is measured there counts for its like alone.
        pace.observe(&cifar, 5.0 * prior(&cifar));
        assert!((pace.seconds(&cifar) / prior(&cifar) - 5.0).abs() < 1e-9);
        assert!((pace.seconds(&mnist) / prior(&mnist) - 3.0).abs() < 1e-9);
        let other = cell("cifar10", "simclr");
        assert!((pace.seconds(&other) / prior(&other) - 5.0).abs() < 1e-9);
    }

    #[test]
    fn the_rest_is_shared_but_no_cell_is() {
        let mnist = cell("mnist", "simclr");
        let one = prior(&mnist);
        let pace = Pace::default();
        let left = |n, jobs| {
            pace.left(std::iter::repeat_n(&mnist, n), std::iter::empty(), jobs)
                .as_secs_f64()
        };
        // A Duration has nanoseconds.
        assert!((left(4, 2) - 2.0 * one).abs() < 1e-6);
        assert!((left(1, 2) - one).abs() < 1e-6);
        assert_eq!(left(0, 0), 0.0);
        let late = pace.left(std::iter::empty(), std::iter::once((&mnist, 2.0 * one)), 1);
        assert_eq!(late, Duration::ZERO);
    }
}
