//! The balanced entropic transport problem and what is checked about it once.

use crate::{Error, Real, check, vector};

/// `min_P ⟨P,C⟩ + ε KL(P | a⊗b)` over plans with row sums `a` and column sums `b`.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a, T> {
    /// `n × m`, row-major. +∞ forbids a pair; NaN, −∞ and numbers within a factor of 8
    /// of overflow are refused.
    pub cost: &'a [T],
    /// Rows: atoms of the first measure.
    pub n: usize,
    /// Columns: atoms of the second measure.
    pub m: usize,
    /// Weights of the rows, or `None` for `1/n` each. They may be zero and must sum to
    /// one within 0.1 %; the rest is divided out.
    pub a: Option<&'a [T]>,
    /// Weights of the columns, likewise.
    pub b: Option<&'a [T]>,
}

/// What the solver has to know about the entries of the cost matrix.
#[derive(Clone, Copy, Debug)]
pub(super) struct CostRange<T> {
    /// Largest minus smallest permitted entry.
    pub(super) width: T,
    /// Whether a pair is forbidden.
    pub(super) masked: bool,
}

impl<T: Real> Problem<'_, T> {
    /// Checks lengths and entries.
    pub(super) fn check(&self, operation: &'static str) -> Result<CostRange<T>, Error> {
        check::at_least_one(operation, "n", self.n)?;
        check::at_least_one(operation, "m", self.m)?;
        check::shape(operation, "cost", self.cost, self.n.saturating_mul(self.m))?;
        let (mut low, mut high, mut masked) = (T::infinity(), T::neg_infinity(), false);
        for (index, &entry) in self.cost.iter().enumerate() {
            if entry == T::infinity() {
                masked = true;
            } else if entry.abs() <= check::room() {
                low = low.min(entry);
                high = high.max(entry);
            } else {
                let expected =
                    "+inf (a forbidden pair), or at most an eighth of the largest number";
                let got = entry.wide();
                return Err(Error::Element {
                    operation,
                    argument: "cost",
                    expected,
                    index,
                    got,
                });
            }
        }
        Ok(CostRange {
            width: high - low,
            masked,
        })
    }

    /// Every atom with mass needs a permitted partner with mass. This is necessary, not
    /// sufficient: where no plan exists for subtler reasons the iteration does not
    /// converge, and says so.
    pub(super) fn check_partners(
        &self,
        operation: &'static str,
        a: &[T],
        b: &[T],
        reached: &mut [T],
    ) -> Result<(), Error> {
        let open = |weight: T, entry: T| weight > T::zero() && entry < T::infinity();
        reached.fill(T::zero());
        for (index, (row, &weight)) in self.cost.chunks_exact(self.m).zip(a).enumerate() {
            if weight == T::zero() {
                continue;
            }
            if !row.iter().zip(b).any(|(&entry, &b_j)| open(b_j, entry)) {
                return Err(Error::Infeasible {
                    operation,
                    side: "row",
                    index,
                });
            }
            for (mark, &entry) in reached.iter_mut().zip(row) {
                if open(weight, entry) {
                    *mark = T::one();
                }
            }
        }
        match reached.iter().zip(b).position(|(&mark, &b_j)| b_j > mark) {
            None => Ok(()),
            Some(index) => Err(Error::Infeasible {
                operation,
                side: "column",
                index,
            }),
        }
    }
}

/// Copies weights into the workspace, normalised.
pub(super) fn fill_weights<T: Real>(
    operation: &'static str,
    argument: &'static str,
    given: Option<&[T]>,
    out: &mut [T],
) -> Result<(), Error> {
    let Some(given) = given else {
        out.fill(T::count(out.len()).recip());
        return Ok(());
    };
    check::shape(operation, argument, given, out.len())?;
    let bad = |weight: &T| !weight.is_finite() || *weight < T::zero();
    if let Some((index, weight)) = given.iter().enumerate().find(|(_, weight)| bad(weight)) {
        let expected = "finite and not negative";
        return Err(Error::Element {
            operation,
            argument,
            expected,
            index,
            got: weight.wide(),
        });
    }
    let total = vector::sum_of(given, |weight| weight);
    if !((total - T::one()).abs() <= T::of(1e-3)) {
        let expected = "weights that sum to 1 (within 0.001)";
        return Err(Error::Parameter {
            operation,
            argument,
            expected,
            got: total.wide(),
        });
    }
    for (slot, &weight) in out.iter_mut().zip(given) {
        *slot = weight / total;
    }
    Ok(())
}
