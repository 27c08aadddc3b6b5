//! `log Σ exp x_i` without overflow.
//!
//! Definition: with `m = max_i x_i`, `log Σ exp x_i = m + log Σ exp(x_i − m)`; every
//! exponent is at most 0 and one of them is 0, so the sum lies in `[1, n]`.
//!
//! The pair `(m, s)` stands for `m + log s` and is a commutative monoid:
//!
//! | law | meaning |
//! |---|---|
//! | `identity = (−∞, 0)` | the sum of nothing: `log 0 = −∞` |
//! | `push(x)` | merge with `(x, 1)` |
//! | `(m, s) · (m', s') = (M, s·exp(m−M) + s'·exp(m'−M))`, `M = max(m, m')` | sums add |
//!
//! Associative and commutative up to rounding, so serial, per-column, lane-wise and
//! tree-shaped drivers may split the work as they like.
//!
//! Special values: −∞ adds nothing, also when everything is −∞ (`−∞ − −∞` is never
//! formed). +∞ makes the result +∞. NaN makes it NaN, also next to +∞.
//!
//! Error: one `exp` and at most `n` additions, so about `(n + 2)·u` relative in `s`,
//! which is that much absolute in the result, plus one rounding of `m + log s`.

use crate::{Real, vector};

/// A partial sum of exponentials, held as (maximum, scaled sum).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogSumExp<T> {
    max: T,
    sum: T,
}

impl<T: Real> Default for LogSumExp<T> {
    fn default() -> Self {
        Self::identity()
    }
}

impl<T: Real> LogSumExp<T> {
    /// The sum of no terms.
    #[must_use]
    pub fn identity() -> Self {
        Self {
            max: T::neg_infinity(),
            sum: T::zero(),
        }
    }

    /// The sum of the one term `exp x`.
    #[must_use]
    pub fn single(x: T) -> Self {
        if x == T::neg_infinity() {
            Self::identity()
        } else {
            Self {
                max: x,
                sum: T::one(),
            }
        }
    }

    /// The sum of `exp x` over a slice: one pass for the maximum, one for the sum.
    #[must_use]
    pub fn of(xs: &[T]) -> Self {
        let max = vector::largest(xs);
        if !max.is_finite() || xs.iter().any(|x| x.is_nan()) {
            // No finite maximum to subtract: the monoid knows the special values.
            return xs.iter().fold(Self::identity(), |total, &x| total.push(x));
        }
        Self {
            max,
            sum: vector::sum_of(xs, |x| (x - max).exp()),
        }
    }

    /// Adds the term `exp x`.
    #[must_use]
    pub fn push(self, x: T) -> Self {
        self.merge(Self::single(x))
    }

    /// Adds the terms of another partial sum.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let max = if self.max.is_nan() || other.max.is_nan() {
            return Self {
                max: T::nan(),
                sum: T::nan(),
            };
        } else if self.max > other.max {
            self.max
        } else {
            other.max
        };
        if max == T::neg_infinity() {
            return Self::identity();
        }
        if max == T::infinity() {
            return Self { max, sum: T::one() };
        }
        let sum = self.sum * (self.max - max).exp() + other.sum * (other.max - max).exp();
        Self { max, sum }
    }

    /// The largest term's exponent so far.
    #[must_use]
    pub fn max(self) -> T {
        self.max
    }

    /// The sum of the terms, each divided by `exp max`.
    #[must_use]
    pub fn sum(self) -> T {
        self.sum
    }

    /// `log Σ exp x_i` of everything added.
    #[must_use]
    pub fn finish(self) -> T {
        self.max + self.sum.ln()
    }
}

/// `log Σ exp x_i` of a slice; −∞ for an empty one.
#[must_use]
pub fn log_sum_exp<T: Real>(xs: &[T]) -> T {
    LogSumExp::of(xs).finish()
}
