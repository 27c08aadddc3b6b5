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
//! tree-shaped drivers may split the work as they like. (For softmax in one pass: Milakov &
//! Gimelshein 2018.)
//!
//! Cost: an exponential for each term or merge; memory: three numbers.
//!
//! Special values: −∞ adds nothing, also when everything is −∞ (`−∞ − −∞` is never
//! formed). +∞ makes the result +∞. NaN makes it NaN, also next to +∞.
//!
//! Error, with u the unit roundoff, m the maximum, for up to 10⁶ terms in any order, by
//! any driver: at most `3 u max(1, |m|, |result|)`, so 3 ulp of the largest of the three
//! (`tests/accuracy.rs`, f32). Three things keep it from growing with n:
//!
//! * What an addition rounds off is kept (`rest`) and added later: n additions cost 2u
//!   instead of n u (Kahan 1965; Knuth's two-sum for two numbers of any size).
//! * When the maximum rises by a little, δ ≤ ln 2, the old sum is not multiplied by a
//!   rounded `exp(−δ)` but changed by `s expm1(−δ)`, which is off by some `u δ s`. A million
//!   ascending terms cost what their total ascent does, not u each; and what has been
//!   ascended past fades.
//! * `x − m` is exact where x and m are close, and rounded by `u |x − m|` elsewhere, where
//!   the term is `exp(−|x − m|)`.

use crate::{Real, vector};

/// Partial sums over a slice, so that the loop is not one chain of additions.
const LANES: usize = 16;

/// A partial sum of exponentials, held as (maximum, scaled sum), and what rounding left of the
/// sum: three numbers, however many terms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogSumExp<T> {
    max: T,
    sum: T,
    /// What rounding left of the sum, less than its last digit.
    rest: T,
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
            rest: T::zero(),
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
                rest: T::zero(),
            }
        }
    }

    /// The sum of `exp x` over a slice: one pass for the maximum, one for the sum. n exponentials
    /// for n terms, no memory.
    #[must_use]
    pub fn of(xs: &[T]) -> Self {
        let max = vector::largest(xs);
        if !max.is_finite() || xs.iter().any(|x| x.is_nan()) {
            // No finite maximum to subtract: the monoid knows the special values.
            return xs.iter().fold(Self::identity(), |total, &x| total.push(x));
        }
        let (sum, rest) = sum_of(xs, |x| (x - max).exp());
        Self { max, sum, rest }
    }

    /// Adds the term `exp x`. One exponential.
    #[must_use]
    pub fn push(self, x: T) -> Self {
        self.merge(Self::single(x))
    }

    /// Adds the terms of another partial sum. One exponential.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        if self.max.is_nan() || other.max.is_nan() {
            return Self {
                max: T::nan(),
                sum: T::nan(),
                rest: T::zero(),
            };
        }
        let (low, high) = if self.max > other.max {
            (other, self)
        } else {
            (self, other)
        };
        if low.max == T::neg_infinity() {
            return high;
        }
        if high.max == T::infinity() {
            return Self::single(high.max);
        }
        let (scaled, scaled_rest) = low.relative_to(high.max);
        let (sum, lost) = two_sum(high.sum, scaled);
        // Normalised: the sum is the nearest number to sum and rest.
        let (sum, rest) = two_sum(sum, lost + (high.rest + scaled_rest));
        Self {
            max: high.max,
            sum,
            rest,
        }
    }

    /// Sum and rest relative to a maximum that is not smaller.
    fn relative_to(self, max: T) -> (T, T) {
        let gap = self.max - max;
        if gap < T::of(-core::f64::consts::LN_2) {
            let factor = gap.exp();
            return (self.sum * factor, self.rest * factor);
        }
        let change = gap.exp_m1();
        let (sum, lost) = two_sum(self.sum, self.sum * change);
        (sum, lost + (self.rest + self.rest * change))
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

/// `log Σ exp x_i` of a slice; −∞ for an empty one. n exponentials for n terms, on one thread,
/// no memory; [`LogSumExp`] is for sums that come in parts.
#[must_use]
pub fn log_sum_exp<T: Real>(xs: &[T]) -> T {
    LogSumExp::of(xs).finish()
}

/// `x + y` and what its rounding left off, exactly (Knuth, TAOCP 2, 4.2.2).
fn two_sum<T: Real>(x: T, y: T) -> (T, T) {
    let sum = x + y;
    let of_y = sum - x;
    let of_x = sum - of_y;
    (sum, (x - of_x) + (y - of_y))
}

/// `Σ term(x)` of terms that are not negative, and what rounding left off.
fn sum_of<T: Real>(xs: &[T], term: impl Fn(T) -> T) -> (T, T) {
    let mut sums = [T::zero(); LANES];
    let mut surplus = [T::zero(); LANES];
    for chunk in xs.chunks(LANES) {
        for ((sum, surplus), &x) in sums.iter_mut().zip(surplus.iter_mut()).zip(chunk) {
            let wanted = term(x) - *surplus;
            let reached = *sum + wanted;
            *surplus = (reached - *sum) - wanted;
            *sum = reached;
        }
    }
    let (mut total, mut rest) = (T::zero(), T::zero());
    for (sum, surplus) in sums.into_iter().zip(surplus) {
        let (next, lost) = two_sum(total, sum);
        total = next;
        rest += lost - surplus;
    }
    two_sum(total, rest)
}

#[cfg(test)]
mod tests {
    use super::{sum_of, two_sum};

    #[test]
    fn nothing_is_lost_of_a_sum_of_two() {
        let tiny = f64::EPSILON / 8.0;
        assert_eq!(two_sum(1.0, tiny), (1.0, tiny));
        assert_eq!(two_sum(tiny, 1.0), (1.0, tiny));
        assert_eq!(two_sum(1.0, -tiny), (1.0, -tiny));
        // A tie is rounded to even, and what that adds is taken off.
        let half = f64::EPSILON / 2.0;
        assert_eq!(
            two_sum(1.0 + f64::EPSILON, half),
            (1.0 + 2.0 * f64::EPSILON, -half)
        );
        assert_eq!(two_sum(3.0, 4.0), (7.0, 0.0));
    }

    /// A one, and 800 terms that are each below its last digit.
    #[test]
    fn small_terms_add_up() {
        let tiny = f64::EPSILON / 64.0;
        let mut terms = [tiny; 801];
        for place in [0, 1, 400, 800] {
            terms.fill(tiny);
            terms[place] = 1.0;
            let (sum, rest) = sum_of(&terms, |x| x);
            let error = ((sum - 1.0) + rest - 800.0 * tiny).abs();
            // A one that comes first in its lane has all that comes later kept beside it; one
            // that comes later rounds what the lane held by then, 25 or 50 tiny terms.
            let allowed = if place < 16 {
                1e-12 * tiny
            } else {
                25.0 * tiny
            };
            assert!(error <= allowed, "{place}: {error:e}");
        }
    }
}
