//! Mean and spread of a few numbers, and what a difference of two such is worth.
//!
//! Runs of two methods with the same seed share the initial weights of the encoder and the order
//! of the images, so they are compared in pairs: of the differences dᵢ over n seeds, the interval
//!
//! ```text
//! mean(d) ± t(0.975; n − 1) · sd(d) / √n
//! ```
//!
//! covers the mean over all seeds in 95 of 100 studies, if differences are about normal.
//! Of two seeds it would be 12.7 standard deviations wide: from three on there is one.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Fewest pairs that an interval is given for.
pub const LEAST_PAIRS: usize = 3;

/// A few numbers in short.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// How many.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation; of one number there is none.
    pub sd: Option<f64>,
}

impl Spread {
    /// Of `values`, without those that are not finite. `None`: none is left.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().map(|value| value / n as f64).sum::<f64>();
        let squares = values.iter().map(|value| (value - mean).powi(2));
        let sd = (n > 1).then(|| (squares.sum::<f64>() / (n - 1) as f64).sqrt());
        Some(Self { n, mean, sd })
    }

    /// In another unit.
    pub fn times(self, factor: f64) -> Self {
        Self {
            mean: factor * self.mean,
            sd: self.sd.map(|sd| factor.abs() * sd),
            ..self
        }
    }

    /// Where the mean over all seeds is, with 95 % confidence.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let sd = self.sd.filter(|_| self.n >= LEAST_PAIRS)?;
        let student = StudentsT::new(0.0, 1.0, (self.n - 1) as f64).ok()?;
        let half = student.inverse_cdf(0.975) * sd / (self.n as f64).sqrt();
        half.is_finite()
            .then_some((self.mean - half, self.mean + half))
    }
}

/// What can be said of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The interval is above zero.
    Higher,
    /// It is below.
    Lower,
    /// It contains zero.
    NoDifference,
    /// There is no interval.
    TooFewSeeds,
}

impl Verdict {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Higher => "higher, beyond the seeds",
            Self::Lower => "lower, beyond the seeds",
            Self::NoDifference => "no difference beyond the seeds",
            Self::TooFewSeeds => "too few seeds to say",
        }
    }
}

/// One thing against another, over the seeds that both have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Seeds of both, rising.
    pub seeds: Vec<u64>,
    /// The differences over them. `None`: there is no such seed.
    pub spread: Option<Spread>,
    /// 95 % interval of the mean difference.
    pub interval: Option<(f64, f64)>,
    /// What can be said.
    pub verdict: Verdict,
}

/// `a` minus `b`, each a value per seed.
pub fn difference(a: &[(u64, f64)], b: &[(u64, f64)]) -> Difference {
    let of = |values: &[(u64, f64)], seed| {
        let found = values.iter().find(|value| value.0 == seed);
        found.map(|value| value.1).filter(|value| value.is_finite())
    };
    let mut pairs: Vec<(u64, f64)> = a
        .iter()
        .filter_map(|&(seed, _)| Some((seed, of(a, seed)? - of(b, seed)?)))
        .collect();
    pairs.sort_by_key(|pair| pair.0);
    pairs.dedup_by_key(|pair| pair.0);
    let spread = Spread::of(pairs.iter().map(|pair| pair.1));
    let interval = spread.and_then(|spread| spread.interval());
    let verdict = match interval {
        None => Verdict::TooFewSeeds,
        Some((low, _)) if low > 0.0 => Verdict::Higher,
        Some((_, high)) if high < 0.0 => Verdict::Lower,
        Some(_) => Verdict::NoDifference,
    };
    Difference {
        seeds: pairs.iter().map(|pair| pair.0).collect(),
        spread,
        interval,
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!(
            (found - expected).abs() <= tolerance,
            "{found}, not {expected}"
        );
    }

    #[test]
    fn of_few_numbers() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([f64::NAN, f64::INFINITY]), None);
        let one = Spread::of([0.5, f64::NAN]).unwrap();
        assert_eq!((one.n, one.mean, one.sd), (1, 0.5, None));
        // 2, 4, 4, 4, 5, 5, 7, 9: squares of differences from the mean sum to 32.
        let eight = Spread::of([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        close(eight.mean, 5.0, 1e-15);
        close(eight.sd.unwrap(), (32.0f64 / 7.0).sqrt(), 1e-15);
    }

    #[test]
    fn intervals_are_students() {
        assert_eq!(Spread::of([1.0, 2.0]).unwrap().interval(), None);
        // Published table: t(0.975) is 4.303 of 2 degrees of freedom, 2.776 of 4; its three
        // digits are the tolerance.
        let three = Spread::of([1.0, 2.0, 3.0]).unwrap();
        close(three.interval().unwrap().1, 2.0 + 4.303 / 3f64.sqrt(), 1e-3);
        let five = Spread::of([0.0, 1.0, 2.0, 3.0, 4.0]).unwrap();
        let half = 2.776 * 2.5f64.sqrt() / 5f64.sqrt();
        close(five.interval().unwrap().0, 2.0 - half, 1e-3);
    }

    #[test]
    fn pairs_are_of_equal_seeds() {
        let a = [(3, 0.93), (1, 0.91), (2, 0.92), (9, 0.1)];
        let b = [(1, 0.80), (2, 0.82), (3, 0.81), (4, 0.99)];
        let found = difference(&a, &b);
        assert_eq!(found.seeds, [1, 2, 3]);
        close(found.spread.unwrap().mean, 0.11, 1e-12);
        assert_eq!(found.verdict, Verdict::Higher);
        assert_eq!(difference(&b, &a).verdict, Verdict::Lower);
        // The same seeds in another order cancel what the pairs had in common.
        let crossed = [(1, 0.93), (2, 0.70), (3, 0.91)];
        assert_eq!(difference(&crossed, &b).verdict, Verdict::NoDifference);
        assert_eq!(difference(&a[..2], &b).verdict, Verdict::TooFewSeeds);
        let none = difference(&a[3..], &b);
        assert_eq!((none.spread, none.verdict), (None, Verdict::TooFewSeeds));
        let nan = [(1, f64::NAN), (2, 0.9), (3, 0.9)];
        assert_eq!(difference(&nan, &b).seeds, [2, 3]);
    }
}
