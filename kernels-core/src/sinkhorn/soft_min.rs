//! The two half steps, as sums over rows and over columns of the cost matrix.
//!
//! For a row, with weights `b` and potential `g` on the other side:
//!
//! `f_i = −ε log Σ_j b_j exp((g_j − C_ij)/ε) = −(M + ε log s)`,
//! `M = max_j (g_j − C_ij)` over `b_j > 0`, `s = Σ_j b_j exp((g_j − C_ij − M)/ε)`.
//!
//! This is the (max, sum) pair of `log_sum_exp` in units of the cost, with the weights
//! as factors. `M` is not divided by ε: `f_i + M` then cancels without loss, which is
//! what makes the marginal error, `a_i (s exp((f_i + M)/ε) − 1)`, right also where
//! `M/ε` is large.
//!
//! **Large ε.** When ε exceeds the width of the cost, every exponent is small, s is
//! 1 − O(1/ε), and `ε log s` would magnify the rounding of s by ε. There
//! `log s = log1p(Σ_j b_j expm1(·))` (since Σ b = 1) keeps full relative accuracy: the
//! potentials differ by at most the width, so exponents are at least −2, the sum at
//! least e⁻² − 1, and log1p's argument loses at most 3 bits.
//!
//! **Zero weights and forbidden pairs.** Where `b_j = 0` the caller passes `g_j = −∞`;
//! forbidden pairs have `C = +∞`. Both make the exponent −∞ and add nothing. When all
//! of a row is such, M = −∞ and f = +∞.
//!
//! The columns are summed row by row, so that memory is read in order: one pass for
//! the maxima, one for the sums.

use crate::{Real, vector};

/// How a term and the logarithm of their sum are computed.
pub(super) trait Series<T> {
    /// `exp y` up to a constant, for `y ≤ 0`.
    fn term(y: T) -> T;
    /// `log Σ b_j exp y_j` from `Σ b_j term(y_j)`.
    fn log_total(total: T) -> T;
}

/// The textbook formula.
pub(super) struct Direct;

/// For ε above the width of the cost, with no pair forbidden.
pub(super) struct NearOne;

impl<T: Real> Series<T> for Direct {
    #[inline(always)]
    fn term(y: T) -> T {
        y.exp()
    }

    #[inline(always)]
    fn log_total(total: T) -> T {
        total.ln()
    }
}

impl<T: Real> Series<T> for NearOne {
    #[inline(always)]
    fn term(y: T) -> T {
        y.exp_m1()
    }

    #[inline(always)]
    fn log_total(total: T) -> T {
        total.ln_1p()
    }
}

/// `M` and `log s` of one atom.
#[derive(Clone, Copy, Debug)]
pub(super) struct SoftMin<T> {
    max: T,
    log_sum: T,
}

impl<T: Real> SoftMin<T> {
    /// The new potential.
    pub(super) fn potential(self, epsilon: T) -> T {
        -(self.max + epsilon * self.log_sum)
    }

    /// `(Σ_j P_ij)/a_i − 1` for an atom that has the potential `f`.
    pub(super) fn relative_excess(self, f: T, rate: T) -> T {
        ((f + self.max) * rate + self.log_sum).exp_m1()
    }
}

/// The half step of one row. `rate` is 1/ε; `opposite` is g, or −∞ at zero weights.
#[inline(always)]
pub(super) fn row<T: Real, S: Series<T>>(
    cost: &[T],
    opposite: &[T],
    weights: &[T],
    rate: T,
) -> SoftMin<T> {
    let max = vector::largest_difference(opposite, cost);
    if max == T::neg_infinity() {
        return SoftMin {
            max,
            log_sum: T::zero(),
        };
    }
    let total = vector::reduce3(opposite, cost, weights, |g, c, b| {
        b * S::term((g - c - max) * rate)
    });
    SoftMin {
        max,
        log_sum: S::log_total(total),
    }
}

/// The half step of all columns. `opposite` is f, or −∞ at zero weights; the new g is
/// written to `potentials`; `maxima` is scratch.
pub(super) fn columns<T: Real, S: Series<T>>(
    cost: &[T],
    opposite: &[T],
    weights: &[T],
    epsilon: T,
    potentials: &mut [T],
    maxima: &mut [T],
) {
    let m = potentials.len();
    let rate = epsilon.recip();
    maxima.fill(T::neg_infinity());
    for (row, &f) in cost.chunks_exact(m).zip(opposite) {
        for (max, &c) in maxima.iter_mut().zip(row) {
            let value = f - c;
            *max = if value > *max { value } else { *max };
        }
    }
    potentials.fill(T::zero());
    for ((row, &f), &a) in cost.chunks_exact(m).zip(opposite).zip(weights) {
        if a == T::zero() {
            continue;
        }
        for ((total, &max), &c) in potentials.iter_mut().zip(maxima.iter()).zip(row) {
            // A column that nothing reaches has max = −∞ and stays out by the test below.
            *total += a * S::term((f - c - max) * rate);
        }
    }
    for (slot, &max) in potentials.iter_mut().zip(maxima.iter()) {
        *slot = if max == T::neg_infinity() {
            T::infinity()
        } else {
            SoftMin {
                max,
                log_sum: S::log_total(*slot),
            }
            .potential(epsilon)
        };
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::log_sum_exp::LogSumExp;
    use std::vec::Vec;

    const N: usize = 19;
    const M: usize = 33;

    fn wave(len: usize, rate: f64) -> Vec<f64> {
        (0..len)
            .map(|k| (rate * (k * k + 1) as f64).sin())
            .collect()
    }

    fn weights(len: usize) -> Vec<f64> {
        let raw: Vec<f64> = wave(len, 0.7).iter().map(|w| w + 1.5).collect();
        let total: f64 = raw.iter().sum();
        raw.iter().map(|w| w / total).collect()
    }

    /// −ε log Σ_j b_j exp((g_j − C_ij)/ε) by the monoid, with log-weights.
    fn reference(cost: &[f64], g: &[f64], b: &[f64], epsilon: f64) -> f64 {
        let terms = cost
            .iter()
            .zip(g)
            .zip(b)
            .map(|((c, g), b)| b.ln() + (g - c) / epsilon);
        -epsilon
            * terms
                .fold(LogSumExp::identity(), |sum, term| sum.push(term))
                .finish()
    }

    /// Exponents are divided by ε and multiplied back: an error of a few u times the
    /// potentials, plus a few u times ε for the logarithm.
    fn close(got: f64, expected: f64, epsilon: f64) {
        let tolerance = 8.0 * f64::EPSILON * (4.0 + epsilon);
        assert!(
            (got - expected).abs() <= tolerance,
            "{got} {expected} at {epsilon}"
        );
    }

    #[test]
    fn rows_and_columns_agree_with_the_monoid() {
        let (cost, a, b) = (wave(N * M, 0.3), weights(N), weights(M));
        let (f, g) = (wave(N, 0.9), wave(M, 1.1));
        for epsilon in [0.01, 0.3, 3.0, 100.0] {
            for (row_cost, _) in cost.chunks(M).zip(&a) {
                let expected = reference(row_cost, &g, &b, epsilon);
                let direct = row::<f64, Direct>(row_cost, &g, &b, 1.0 / epsilon);
                close(direct.potential(epsilon), expected, epsilon);
                if epsilon >= 3.0 {
                    let near_one = row::<f64, NearOne>(row_cost, &g, &b, 1.0 / epsilon);
                    close(near_one.potential(epsilon), expected, epsilon);
                }
            }
            let (mut new_g, mut scratch) = (Vec::from([0.0; M]), Vec::from([0.0; M]));
            columns::<f64, Direct>(&cost, &f, &a, epsilon, &mut new_g, &mut scratch);
            for (j, &got) in new_g.iter().enumerate() {
                let column: Vec<f64> = cost.iter().skip(j).step_by(M).copied().collect();
                close(got, reference(&column, &f, &a, epsilon), epsilon);
            }
        }
    }

    /// For ε = 10⁹ the soft minimum is the weighted mean of `C_ij − g_j` to within 1/ε.
    /// `ln` of a sum near one has lost that by then, `ln_1p` has not.
    #[test]
    fn large_epsilon_keeps_the_mean() {
        let (cost, g, b) = (wave(M, 0.3), wave(M, 1.1), weights(M));
        let terms = cost.iter().zip(&g).zip(&b);
        let mean: f64 = terms.map(|((c, g), b)| b * (c - g)).sum();
        let epsilon = 1e9;
        let near_one = row::<f64, NearOne>(&cost, &g, &b, 1.0 / epsilon).potential(epsilon);
        assert!((near_one - mean).abs() < 1e-8, "{near_one} {mean}");
        let direct = row::<f64, Direct>(&cost, &g, &b, 1.0 / epsilon).potential(epsilon);
        assert!(
            (direct - mean).abs() > 1e-8,
            "the direct form no longer needs a companion"
        );
    }

    #[test]
    fn nothing_reachable_is_infinite_and_not_nan() {
        let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
        let got = row::<f64, Direct>(&[1.0, high], &[low, 0.0], &[0.0, 1.0], 1.0);
        assert_eq!(got.potential(1.0), high);
        let (mut g, mut scratch) = ([0.0; 2], [0.0; 2]);
        let cost = [1.0, high, 5.0, 2.0];
        columns::<f64, Direct>(&cost, &[0.0, low], &[1.0, 0.0], 1.0, &mut g, &mut scratch);
        assert_eq!(g, [1.0, high]);
    }
}
