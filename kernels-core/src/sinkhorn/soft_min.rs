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
        return SoftMin { max, log_sum: T::zero() };
    }
    let total = vector::reduce3(opposite, cost, weights, |g, c, b| b * S::term((g - c - max) * rate));
    SoftMin { max, log_sum: S::log_total(total) }
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
            SoftMin { max, log_sum: S::log_total(*slot) }.potential(epsilon)
        };
    }
}
