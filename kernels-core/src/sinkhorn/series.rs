//! How a term of a sum of exponentials, and the logarithm of the sum, are computed.
//!
//! Terms are `b_j exp(y_j)` with `y_j = (f + g_j − C_j)/ε` and `Σ b_j = 1`; f is the
//! present potential of the row, so that near convergence the sum is near one.
//!
//! **Large ε.** When ε exceeds the width of the cost, every exponent is small, the sum
//! is 1 − O(1/ε), and `ε log Σ` would magnify its rounding by ε. There
//! `log Σ = log1p(Σ_j b_j expm1(y_j))` keeps full relative accuracy: the potentials
//! differ by at most the width, so exponents spread over at most 2.

use crate::Real;
use crate::level::Level;

/// A way of summing exponentials; exponents are in units of ln 2.
pub trait Series: Copy + Send + Sync + 'static {
    /// The term of exponent `y`, less [`Series::unit`].
    fn term<L: Level, T: Real>(y: T) -> T;
    /// What the logarithm adds to a sum of terms.
    fn unit<T: Real>() -> T;
    /// Whether a sum of terms is far enough from overflow, underflow and cancellation.
    fn trusts<T: Real>(total: T) -> bool;
    /// `ln(unit + total)`.
    fn log<L: Level, T: Real>(total: T) -> T;
    /// `exp(y) − unit`, for one number.
    fn exp<L: Level, T: Real>(y: T) -> T;
    /// `1/(unit + total) − unit`: as `exp(−log(total))`.
    fn reciprocal<T: Real>(total: T) -> T;
    /// `unit + total − 1`.
    fn excess<T: Real>(total: T) -> T;
}

/// The textbook formula.
#[derive(Clone, Copy, Debug)]
pub struct Direct;

/// For ε above the width of the cost, with no pair forbidden.
#[derive(Clone, Copy, Debug)]
pub struct NearOne;

impl Series for Direct {
    #[inline(always)]
    fn term<L: Level, T: Real>(y: T) -> T {
        y.exp2_at::<L>()
    }

    #[inline(always)]
    fn unit<T: Real>() -> T {
        T::zero()
    }

    /// Terms below the smallest normal number are dropped (2⁻¹²⁶ in f32): with a total
    /// of 2⁻⁴⁰ or more, n of them are n·2⁻⁸⁶ of it. NaN is not trusted.
    #[inline(always)]
    fn trusts<T: Real>(total: T) -> bool {
        total > T::of(9e-13) && total < T::of(1e12)
    }

    #[inline(always)]
    fn log<L: Level, T: Real>(total: T) -> T {
        total.ln_at::<L>()
    }

    #[inline(always)]
    fn exp<L: Level, T: Real>(y: T) -> T {
        L::exp(y)
    }

    #[inline(always)]
    fn reciprocal<T: Real>(total: T) -> T {
        total.recip()
    }

    #[inline(always)]
    fn excess<T: Real>(total: T) -> T {
        total - T::one()
    }
}

impl Series for NearOne {
    #[inline(always)]
    fn term<L: Level, T: Real>(y: T) -> T {
        // Where the sum will not be trusted, anything finite will do.
        let bound = T::of(100.0);
        let low = if y > -bound { y } else { -bound };
        let y = if low < bound { low } else { bound };
        y.exp2_m1_at::<L>()
    }

    #[inline(always)]
    fn unit<T: Real>() -> T {
        T::one()
    }

    /// `log1p` loses at most 4 bits of its argument down to −0.95. Exponents spread over
    /// at most 2 (2.9 in units of ln 2), so `term` has not cut any of them off.
    #[inline(always)]
    fn trusts<T: Real>(total: T) -> bool {
        total > T::of(-0.95) && total < T::of(20.0)
    }

    #[inline(always)]
    fn log<L: Level, T: Real>(total: T) -> T {
        L::ln_1p(total)
    }

    #[inline(always)]
    fn exp<L: Level, T: Real>(y: T) -> T {
        L::exp_m1(y)
    }

    #[inline(always)]
    fn reciprocal<T: Real>(total: T) -> T {
        -total / (T::one() + total)
    }

    #[inline(always)]
    fn excess<T: Real>(total: T) -> T {
        total
    }
}
