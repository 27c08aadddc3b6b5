//! Weights of one side: shares that sum to one, and the mass that they share.

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
