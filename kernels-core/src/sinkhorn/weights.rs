//! Weights of one side: shares that sum to one, and the mass that they share.
//!
//! An entry of the plan is `M_a M_b a_i b_j exp(y_ij)`, M the masses. Where these are far
//! from one, `M_a M_b` may underflow or overflow although the entry does not: with both of
//! 1e-177 in f64, potentials make up for one of them, `exp(y) ≈ 1e177`. There the product
//! goes into the exponent ([`Scale`]).

use crate::{Error, Real, check, vector};

/// `a = mass · share`, `Σ share = 1`.
#[derive(Debug)]
pub(super) struct Weights<'s, T> {
    /// Normalised weights.
    pub(super) share: &'s mut [T],
    /// Their sum before; 1 in a balanced problem.
    pub(super) mass: T,
    /// Its logarithm; exactly 0 in a balanced problem.
    pub(super) log_mass: T,
    /// Whether an atom has none.
    pub(super) some_zero: bool,
}

impl<'s, T: Real> Weights<'s, T> {
    /// Copies weights into the workspace, normalised.
    pub(super) fn fill(
        operation: &'static str,
        argument: &'static str,
        given: Option<&[T]>,
        balanced: bool,
        share: &'s mut [T],
    ) -> Result<Self, Error> {
        let Some(given) = given else {
            share.fill(T::count(share.len()).recip());
            return Ok(Self::of(share, T::one(), T::zero()));
        };
        check::shape(operation, argument, given, share.len())?;
        let bad = |weight: &T| !weight.is_finite() || *weight < T::zero();
        if let Some((index, weight)) = given.iter().enumerate().find(|(_, weight)| bad(weight)) {
            return Err(Error::Element {
                operation,
                argument,
                expected: "finite and not negative",
                index,
                got: weight.wide(),
            });
        }
        let total = vector::sum_of(given, |weight| weight);
        let refused = if balanced {
            let off = !((total - T::one()).abs() <= T::of(1e-3));
            off.then_some("weights that sum to 1 (within 0.001)")
        } else {
            (!total.is_normal()).then_some("weights with a positive, finite sum")
        };
        if let Some(expected) = refused {
            return Err(Error::Parameter {
                operation,
                argument,
                expected,
                got: total.wide(),
            });
        }
        for (slot, &weight) in share.iter_mut().zip(given) {
            *slot = weight / total;
        }
        Ok(if balanced {
            Self::of(share, T::one(), T::zero())
        } else {
            Self::of(share, total, total.ln())
        })
    }

    fn of(share: &'s mut [T], mass: T, log_mass: T) -> Self {
        let some_zero = share.iter().any(|&weight| weight == T::zero());
        Self {
            share,
            mass,
            log_mass,
            some_zero,
        }
    }

    /// `mass · Σ share_i term(p_i)`, where an atom without mass does not count even if
    /// its potential is infinite.
    pub(super) fn mean_of(&self, potentials: &[T], term: impl Fn(T) -> T) -> T {
        let weighted = |w: T, p: T| {
            if w > T::zero() {
                w * term(p)
            } else {
                T::zero()
            }
        };
        self.mass * vector::reduce(self.share, potentials, weighted)
    }
}

/// What `a_i b_j exp(y)` is multiplied by: `factor · 2^power`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale<T> {
    pub(super) factor: T,
    /// Added to exponents, which are in units of ln 2; zero where masses are moderate.
    pub(super) power: T,
}

impl<T: Real> Scale<T> {
    /// The product of two masses.
    pub(super) fn of(mass_a: T, mass_b: T) -> Self {
        // A quarter of the range of exponents each, up to 4e9 in f32 and 1e77 in f64, leaves
        // half of it to the shares.
        let bound = T::max_value().sqrt().sqrt();
        let moderate = |mass: T| mass <= bound && mass.recip() <= bound;
        if moderate(mass_a) && moderate(mass_b) {
            Self {
                factor: mass_a * mass_b,
                power: T::zero(),
            }
        } else {
            // Off by u times the logarithms, as the potentials are that hold them.
            Self {
                factor: T::one(),
                power: mass_a.log2() + mass_b.log2(),
            }
        }
    }
}
