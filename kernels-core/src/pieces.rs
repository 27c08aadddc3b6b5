//! The formulas that loops are made of, for drivers that live elsewhere.
//!
//! The functions of this crate run these pieces serially, in vector lanes and in threads;
//! `kernels-cuda` runs the same ones in the lanes of a warp. Who uses a kernel does not
//! need them.
//!
//! | piece | what it is |
//! |---|---|
//! | [`Level`] | what the instruction set offers: a fused product, an exponential |
//! | [`ScaledSum`] | `Σ 2^(r y)` as a monoid (maximum, scaled sum) |
//! | [`Series`] | terms and logarithm of a sum of exponentials, also where ε is large |
//! | [`Prices`] | what a potential is worth where the marginal is not imposed |
//! | [`RowRule`], [`Damping`], [`RowOut`], [`RowSums`] | a row sum becomes the next potential, an error, a weight |
//! | [`NtXentRow`], [`fixed_shift_fits`] | loss and probabilities of a row of NT-Xent |
//! | [`checked_norm`] | why a row has no direction |
//! | [`check`] | what an entry point refuses, with the same texts |

pub use crate::level::{Fused, Level, Plain};
pub use crate::normalize::checked_norm;
pub use crate::nt_xent::rows::{NtXentRow, fixed_shift_fits};
pub use crate::sinkhorn::gradient::Prices;
pub use crate::sinkhorn::row::{Damping, RowOut, RowRule, RowSums};
pub use crate::sinkhorn::series::{Direct, NearOne, Series};

use crate::Real;

/// The checks of sizes and parameters that entry points make.
pub mod check {
    pub use crate::check::{at_least_one, fits, not_negative, positive, several_images, two_views};
}

/// `Σ 2^(r y)` held as (maximum of y, sum relative to it): the lean relative of
/// [`LogSumExp`](crate::log_sum_exp::LogSumExp) for lanes that add few terms each. The
/// rate r > 0 is the same for all terms of a sum: `1/ln 2` for `Σ exp y`, `1/(ε ln 2)` for
/// `Σ exp(y/ε)`; y is never multiplied by it before the maximum is subtracted.
///
/// A commutative monoid with the identity `(−∞, 0)`. Nothing makes up for rounding: n
/// terms are off by at most `(n + 3) u` of their sum, and a tree of lanes by its depth and
/// what one lane adds. −∞ adds nothing; +∞ makes the sum +∞, NaN makes it NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScaledSum<T> {
    /// The largest y so far.
    pub max: T,
    /// The terms, each divided by `2^(r max)`.
    pub sum: T,
}

impl<T: Real> ScaledSum<T> {
    /// The sum of no terms.
    #[inline(always)]
    #[must_use]
    pub fn identity() -> Self {
        Self {
            max: T::neg_infinity(),
            sum: T::zero(),
        }
    }

    /// Adds some terms at once: one rescaling for all of them.
    #[inline(always)]
    #[must_use]
    pub fn push<L: Level, const N: usize>(self, ys: [T; N], rate: T) -> Self {
        let max = ys
            .iter()
            .fold(self.max, |max, &y| if y > max { y } else { max });
        let base = base(max);
        let old = self.sum * ((self.max - base) * rate).exp2_at::<L>();
        let sum = ys
            .iter()
            .fold(old, |sum, &y| sum + ((y - base) * rate).exp2_at::<L>());
        Self { max, sum }
    }

    /// Adds the terms of another sum.
    #[inline(always)]
    #[must_use]
    pub fn merge<L: Level>(self, other: Self, rate: T) -> Self {
        let max = if other.max > self.max {
            other.max
        } else {
            self.max
        };
        let base = base(max);
        let scaled = |part: Self| part.sum * ((part.max - base) * rate).exp2_at::<L>();
        Self {
            max,
            sum: scaled(self) + scaled(other),
        }
    }

    /// `unit · ln Σ 2^(r y)` with `unit = 1/(r ln 2)`, which is 1 or ε; −∞ for nothing.
    #[inline(always)]
    #[must_use]
    pub fn log<L: Level>(self, unit: T) -> T {
        self.max + unit * self.sum.ln_at::<L>()
    }
}

/// What is subtracted: nothing where the maximum is infinite, as it is with nothing but −∞
/// so far.
#[inline(always)]
fn base<T: Real>(max: T) -> T {
    if max.abs() == T::infinity() {
        T::zero()
    } else {
        max
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Fused, ScaledSum};

    fn of(ys: &[f64]) -> ScaledSum<f64> {
        ys.iter().fold(ScaledSum::identity(), |sum, &y| {
            sum.push::<Fused, 1>([y], 1.0)
        })
    }

    fn log2(sum: ScaledSum<f64>) -> f64 {
        sum.log::<Fused>(std::f64::consts::LOG2_E)
    }

    #[test]
    fn splits_agree_with_the_definition() {
        let ys = [3.0, -2.0, f64::NEG_INFINITY, 900.0, 899.5, -1e300];
        let exact = 900.0 + (1.0 + 2_f64.powf(-0.5)).log2();
        // The result is about 900 and rounded a few times.
        let tolerance = 900.0 * 4.0 * f64::EPSILON;
        for split in 0..=ys.len() {
            let (left, right) = ys.split_at(split);
            let sum = of(left).merge::<Fused>(of(right), 1.0);
            let error = (log2(sum) - exact).abs();
            assert!(error <= tolerance, "{split}: {error}");
        }
        let at_once = ScaledSum::identity().push::<Fused, 6>(ys, 1.0);
        assert!((log2(at_once) - exact).abs() <= tolerance);
    }

    /// `ε ln Σ exp(y/ε)`, term by term, all at once and merged.
    #[test]
    fn a_rate_divides_by_epsilon() {
        let (ys, epsilon) = ([0.3, 1.1, -0.4, 0.9], 0.25_f64);
        let rate = std::f64::consts::LOG2_E / epsilon;
        let exact = epsilon * ys.iter().map(|y| (y / epsilon).exp()).sum::<f64>().ln();
        let one_by_one = ys.iter().fold(ScaledSum::identity(), |sum, &y| {
            sum.push::<Fused, 1>([y], rate)
        });
        let [a, b, c, d] = ys;
        let low = ScaledSum::identity().push::<Fused, 2>([a, c], rate);
        let high = ScaledSum::identity().push::<Fused, 2>([b, d], rate);
        for sum in [
            one_by_one,
            low.merge::<Fused>(high, rate),
            high.merge::<Fused>(low, rate),
        ] {
            // A few roundings of numbers of size one.
            let error = (sum.log::<Fused>(epsilon) - exact).abs();
            assert!(error <= 8.0 * f64::EPSILON, "{error}");
        }
    }

    #[test]
    fn special_values() {
        let nothing = of(&[f64::NEG_INFINITY, f64::NEG_INFINITY]);
        assert_eq!(log2(nothing), f64::NEG_INFINITY);
        assert!(log2(of(&[1.0, f64::NAN])).is_nan());
        assert!(log2(of(&[f64::NAN, 1.0])).is_nan());
        assert_eq!(log2(of(&[f64::INFINITY, 1.0])), f64::INFINITY);
        assert_eq!(log2(of(&[1.0, f64::INFINITY])), f64::INFINITY);
        assert!(log2(of(&[f64::NAN, f64::INFINITY])).is_nan());
        // No rate makes a large number overflow before the maximum is subtracted.
        let large = of(&[1.5e308, 1.5e308]);
        assert_eq!(large.max, 1.5e308);
        assert_eq!(large.sum, 2.0);
    }
}
