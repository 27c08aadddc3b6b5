//! Numbers of every kind, for both scalar types.
//!
//! Raw bits are mostly extreme numbers, which the checks at the door refuse; most
//! numbers here are ordinary or of a chosen magnitude, so that they get past.

use arbitrary::Arbitrary;
use kernels_core::Real;

/// `f32` and `f64`.
pub trait Scalar: Real {
    /// Any value: NaN, infinite, subnormal.
    fn from_raw(bits: u64) -> Self;
}

impl Scalar for f32 {
    fn from_raw(bits: u64) -> Self {
        Self::from_bits((bits >> 32) as u32 ^ bits as u32)
    }
}

impl Scalar for f64 {
    fn from_raw(bits: u64) -> Self {
        Self::from_bits(bits)
    }
}

/// A number to be.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Number {
    /// Sixteenths.
    Small(i8),
    /// Near one, with digits: `1 + k/2¹⁵`.
    NearOne(i16),
    /// `mantissa · 2^exponent`.
    Scaled(i8, i8),
    /// The same, far into the range of f64.
    FarScaled(i8, i16),
    /// +∞: a forbidden pair, an imposed marginal.
    Infinite,
    /// Any bits.
    Raw(u64),
}

impl Number {
    /// The nearest value of the scalar type.
    pub fn of<T: Scalar>(self) -> T {
        let scaled = |mantissa: i8, exponent: i16| {
            T::of(f64::from(mantissa) * 2.0_f64.powi(i32::from(exponent)))
        };
        match self {
            Self::Small(value) => T::of(f64::from(value) / 16.0),
            Self::NearOne(value) => T::of(1.0 + f64::from(value) / 32768.0),
            Self::Scaled(mantissa, exponent) => scaled(mantissa, i16::from(exponent)),
            Self::FarScaled(mantissa, exponent) => scaled(mantissa, exponent % 1100),
            Self::Infinite => T::infinity(),
            Self::Raw(bits) => T::from_raw(bits),
        }
    }
}

/// `numbers` over and over, slowly changed so that rows differ; zeros if there are none.
pub fn fill<T: Scalar>(numbers: &[Number], start: usize, len: usize) -> Vec<T> {
    let entry = |k: usize| {
        let k = start.wrapping_add(k);
        let Some(number) = numbers.get(k % numbers.len().max(1)) else {
            return T::zero();
        };
        let round = k / numbers.len();
        // A factor of 1 in the first round; afterwards finite numbers stay finite.
        if round == 0 {
            number.of()
        } else {
            number.of::<T>() / T::count(1 + round)
        }
    };
    (0..len).map(entry).collect()
}

/// Makes weights of any numbers: not negative, with a sum of one if there is any mass.
pub fn tidy<T: Scalar>(weights: &mut [T]) {
    let usable = |w: T| w.is_finite() && w.wide().abs() < 1e30;
    weights
        .iter_mut()
        .for_each(|w| *w = if usable(*w) { w.abs() } else { T::zero() });
    let total: f64 = weights.iter().map(|w| w.wide()).sum();
    if total > 0.0 {
        weights
            .iter_mut()
            .for_each(|w| *w = T::of(w.wide() / total));
    }
}

/// Every number must be finite.
#[track_caller]
pub fn assert_finite<T: Real>(what: &str, values: &[T]) {
    let bad = values.iter().position(|value| !value.is_finite());
    assert!(bad.is_none(), "{what}: {values:?}");
}
