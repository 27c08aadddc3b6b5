//! `exp`, `2^x`, `2^x − 1` and `ln` without branches or tables, so that a loop over
//! them becomes vector code at every instruction level, also where there is no mathematics
//! library.
//!
//! **`2^x`.** With `n` the integer nearest to x and `r = x − n`, `|r| ≤ ½`, exact:
//! `2^x = 2^n (1 + r Q(r))`. Adding 1.5·2^p (p the bits of the mantissa) rounds x to
//! an integer and leaves n in the low bits of the sum, from where one shift takes it
//! to the exponent of the result.
//!
//! **`2^x − 1`** is `2^n r Q(r) + (2^n − 1)`: for small x the first term stands alone
//! and no digit cancels; otherwise `|2^n − 1| ≥ ½`.
//!
//! **`exp x`** is `2^n · 2^s`, `n = ⌊x/ln 2⌉`, `s = (x − n ln 2)/ln 2`, with ln 2 in two
//! parts of which `n` times the first is exact.
//!
//! **`ln x`.** `x = 2^n (1 + f)`, `1 + f ∈ [√½, √2)`, `s = f/(2 + f)`, and
//! `ln(1+f) = 2 atanh s = f − (h − s (h + 2s² R(s²)))`, `h = f²/2`, where f is exact and
//! all else is small beside it.
//!
//! `Q` and `R` are the minimax polynomials of `(2^r − 1)/r` and `(atanh(s)/s − 1)/s²`
//! for the ranges above (Remez exchange with 40 digits); their errors are below a fifth
//! of the unit roundoff.
//!
//! | | result | error (f32, all arguments: `just elementary`) |
//! |---|---|---|
//! | x below the logarithm of the smallest normal number | 0: no subnormals | |
//! | x above that of the largest | +∞ | |
//! | `ln 0`, `ln` of a negative number | −∞, NaN | |
//! | NaN | NaN | |
//! | else | | `exp`, `ln`, `2^x`: at most 1.5 ulp; `2^x − 1`: 3 ulp |

// Coefficients stand as they were computed; f32 takes the nearest.
#![allow(clippy::excessive_precision, clippy::approx_constant)]

use crate::Real;
use crate::level::{Level, Task, dispatch};

/// The functions, for a scalar type. See the module's documentation.
pub trait Elementary: Sized {
    /// `2^self`.
    fn exp2_at<L: Level>(self) -> Self;
    /// `2^self − 1`, for `|self| < 120`.
    fn exp2_m1_at<L: Level>(self) -> Self;
    /// `e^self`.
    fn exp_at<L: Level>(self) -> Self;
    /// The natural logarithm.
    fn ln_at<L: Level>(self) -> Self;
}

/// `((c[n] r + …) r + c[1]) r + c[0]`.
#[inline(always)]
fn horner<L: Level, T: Real, const N: usize>(coefficients: &[T; N], r: T) -> T {
    let mut sum = T::zero();
    for &c in coefficients.iter().rev() {
        sum = L::mul_add(sum, r, c);
    }
    sum
}

macro_rules! elementary {
    ($float:ident, $exp2:expr, $bits:ident, $signed:ident, $mantissa:literal, $low:literal, $high:literal,
     $exp_low:literal, $exp_high:literal, $ln2_high:literal, $ln2_low:literal, $root_half:literal,
     $q:expr, $r:expr) => {
        impl Elementary for $float {
            #[inline(always)]
            fn exp2_at<L: Level>(self) -> Self {
                $exp2(self)
            }

            #[inline(always)]
            fn exp2_m1_at<L: Level>(self) -> Self {
                let shifted = self + Self::MAGIC;
                let r = self - (shifted - Self::MAGIC);
                let small = r * horner::<L, Self, _>(&Self::Q, r);
                let power = Self::times_power(1.0, shifted);
                L::mul_add(small, power, power - 1.0)
            }

            #[inline(always)]
            fn exp_at<L: Level>(self) -> Self {
                let shifted = L::mul_add(self, core::$float::consts::LOG2_E, Self::MAGIC);
                let n = shifted - Self::MAGIC;
                let rest = L::mul_add(n, -$ln2_low, L::mul_add(n, -$ln2_high, self));
                let r = rest * core::$float::consts::LOG2_E;
                let one_plus = L::mul_add(r, horner::<L, Self, _>(&Self::Q, r), 1.0);
                let scaled = Self::times_power(one_plus, shifted);
                Self::select(self, $exp_low, $exp_high, scaled)
            }

            #[inline(always)]
            fn ln_at<L: Level>(self) -> Self {
                // A subnormal number has too few bits of mantissa: scaled into the range.
                let tiny = self < Self::MIN_POSITIVE;
                let x = if tiny { self * Self::SUBNORMAL } else { self };
                let offset = x.to_bits().wrapping_sub($root_half);
                let exponent = (offset as $signed) >> $mantissa;
                let mask = (1 << $mantissa) - 1;
                let f = Self::from_bits((offset & mask) + $root_half) - 1.0;
                let n = exponent as Self - if tiny { $mantissa as Self } else { 0.0 };
                let s = f / (2.0 + f);
                let z = s * s;
                let half = 0.5 * f * f;
                let tail = 2.0 * z * horner::<L, Self, _>(&Self::R, z);
                let inner = half - L::mul_add(s, half + tail, n * $ln2_low);
                let log = L::mul_add(n, $ln2_high, f - inner);
                let special = if self == 0.0 {
                    Self::NEG_INFINITY
                } else if self == Self::INFINITY {
                    self
                } else {
                    Self::NAN
                };
                if self > 0.0 && self < Self::INFINITY {
                    log
                } else {
                    special
                }
            }
        }

        impl Constants for $float {
            #[inline(always)]
            fn polynomial<L: Level>(self) -> Self {
                let shifted = self + Self::MAGIC;
                let r = self - (shifted - Self::MAGIC);
                let one_plus = L::mul_add(r, horner::<L, Self, _>(&Self::Q, r), 1.0);
                let scaled = Self::times_power(one_plus, shifted);
                Self::select(self, $low, $high, scaled)
            }

            const MAGIC: Self = 1.5 * (1_u64 << $mantissa) as Self;
            const SUBNORMAL: Self = (1_u64 << $mantissa) as Self;
            type Q = [Self; $q.len()];
            const Q: Self::Q = $q;
            type R = [Self; $r.len()];
            const R: Self::R = $r;

            #[inline(always)]
            fn times_power(value: Self, shifted: Self) -> Self {
                Self::from_bits(value.to_bits().wrapping_add(shifted.to_bits() << $mantissa))
            }

            #[inline(always)]
            fn select(x: Self, low: Self, high: Self, value: Self) -> Self {
                // In this order NaN is neither below nor inside, and stays NaN.
                let outside = if x < low { 0.0 } else { x * Self::INFINITY };
                if x >= low && x < high { value } else { outside }
            }
        }
    };
}

/// `e^x − 1` without a mathematics library: 3 ulp up to 1, and `u |x|` relative beyond.
#[inline(always)]
pub fn exp_m1_at<L: Level, T: Real>(x: T) -> T {
    let y = x * T::of(core::f64::consts::LOG2_E);
    let bound = T::of(100.0);
    if y.abs() < bound {
        y.exp2_m1_at::<L>()
    } else {
        x.exp_at::<L>() - T::one()
    }
}

/// `ln(1 + x)` without a mathematics library, to 3 ulp: the quotient makes up for the
/// rounding of the sum.
#[inline(always)]
pub fn ln_1p_at<L: Level, T: Real>(x: T) -> T {
    let sum = T::one() + x;
    let rounded = sum - T::one();
    if rounded == T::zero() || sum == T::infinity() {
        return x;
    }
    sum.ln_at::<L>() * (x / rounded)
}

/// `2^x` in single precision without an instruction for it.
#[inline(always)]
pub(crate) fn polynomial_exp2<L: Level>(x: f32) -> f32 {
    x.polynomial::<L>()
}

/// What the two scalar types differ in.
trait Constants: Sized {
    /// `2^self`.
    fn polynomial<L: Level>(self) -> Self;
    /// Rounds to an integer when added and subtracted.
    const MAGIC: Self;
    /// Brings subnormal numbers into the normal range.
    const SUBNORMAL: Self;
    type Q;
    /// `(2^r − 1)/r`, ascending powers.
    const Q: Self::Q;
    type R;
    /// `(atanh(s)/s − 1)/s²` in powers of `s²`.
    const R: Self::R;
    /// `value · 2^n` by adding n, from the low bits of `shifted`, to the exponent.
    fn times_power(value: Self, shifted: Self) -> Self;
    /// 0 below `low`, `value` inside, +∞ from `high` on.
    fn select(x: Self, low: Self, high: Self, value: Self) -> Self;
}

elementary!(
    f32,
    L::exp2_single,
    u32,
    i32,
    23,
    -126.0,
    128.0,
    -87.336_54,
    88.722_84,
    0.693_359_375,
    -2.121_944_4e-4,
    0x3f35_04f3,
    [
        0.693_147_188_029_026_9,
        0.240_226_510_842_170_85,
        0.055_503_571_050_832_946,
        0.009_618_030_769_927_126,
        0.001_339_086_707_883_685_5,
        0.000_154_697_354_094_993_1
    ],
    [
        0.333_333_332_763_043_45,
        0.200_000_615_452_534_5,
        0.142_753_494_850_516_75,
        0.116_667_093_754_181_56
    ]
);

elementary!(
    f64,
    Constants::polynomial::<L>,
    u64,
    i64,
    52,
    -1022.0,
    1024.0,
    -708.396_418_532_264_1,
    709.782_712_893_384,
    0.693_147_180_369_123_8,
    1.908_214_929_270_587_7e-10,
    0x3fe6_a09e_667f_3bcd,
    [
        0.693_147_180_559_945_3,
        0.240_226_506_959_100_98,
        0.055_504_108_664_821_66,
        0.009_618_129_107_606_887,
        0.001_333_355_814_639_599_5,
        0.000_154_035_304_417_388_46,
        1.525_273_385_329_004e-5,
        1.321_544_258_639_115_1e-6,
        1.017_805_172_404_655e-7,
        7.072_586_228_732_705e-9,
        4.456_676_073_360_377e-10
    ],
    [
        0.333_333_333_333_333_33,
        0.200_000_000_000_004_46,
        0.142_857_142_853_973_84,
        0.111_111_111_968_018_91,
        0.090_908_977_241_354_9,
        0.076_931_248_405_424_35,
        0.066_342_581_442_216_97,
        0.065_446_095_729_293_19
    ]
);

/// `x_i ← e^{x_i}`.
pub fn exp_in_place<T: Real>(xs: &mut [T]) {
    struct Exp<'x, T>(&'x mut [T]);
    impl<T: Real> Task for Exp<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run<L: Level>(self) {
            for x in self.0 {
                *x = x.exp_at::<L>();
            }
        }
    }
    dispatch(Exp(xs));
}

/// `x_i ← ln x_i`.
pub fn ln_in_place<T: Real>(xs: &mut [T]) {
    struct Ln<'x, T>(&'x mut [T]);
    impl<T: Real> Task for Ln<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run<L: Level>(self) {
            for x in self.0 {
                *x = x.ln_at::<L>();
            }
        }
    }
    dispatch(Ln(xs));
}

#[cfg(test)]
mod tests {
    use super::{exp_m1_at, ln_1p_at};
    use crate::level::Fused;

    #[test]
    fn small_numbers_keep_their_digits() {
        for k in 0..400 {
            let x = 10_f64.powf(f64::from(k) / 10.0 - 38.0) as f32;
            for x in [x, -x] {
                let exact = f64::from(x);
                let got = f64::from(exp_m1_at::<Fused, f32>(x));
                let error = (got - exact.exp_m1()).abs() / exact.exp_m1().abs();
                // Beyond 1 the product by log2 e is rounded by u |x| absolutely.
                let tolerance = 1.8e-7 * f64::from(x.abs()).max(1.0);
                let fits = error <= tolerance || got == exact.exp_m1() || got == f64::INFINITY;
                assert!(fits, "exp_m1({x}): {got}");
                if x > -1.0 {
                    let got = f64::from(ln_1p_at::<Fused, f32>(x));
                    let error = (got - exact.ln_1p()).abs() / exact.ln_1p().abs();
                    assert!(error <= 1.8e-7, "ln_1p({x}): {got}");
                }
            }
        }
        assert_eq!(ln_1p_at::<Fused, f32>(f32::INFINITY), f32::INFINITY);
        assert_eq!(ln_1p_at::<Fused, f32>(-1.0), f32::NEG_INFINITY);
        assert_eq!(exp_m1_at::<Fused, f32>(f32::NEG_INFINITY), -1.0);
        assert!(exp_m1_at::<Fused, f32>(f32::NAN).is_nan());
        assert!(ln_1p_at::<Fused, f32>(f32::NAN).is_nan());
    }
}
