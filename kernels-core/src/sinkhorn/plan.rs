//! The plan of a state, entry by entry: it is never stored.

use super::State;
use crate::Real;

impl<T: Real> State<'_, T> {
    /// `P_ij`, or `None` outside the matrix.
    #[must_use]
    pub fn plan(&self, i: usize, j: usize) -> Option<T> {
        let (a, f) = (*self.a.get(i)?, *self.f.get(i)?);
        let (b, g) = (*self.b.get(j)?, *self.g.get(j)?);
        let cost = *self
            .cost
            .get(i.checked_mul(self.b.len())?.checked_add(j)?)?;
        Some(plan_entry(a, f, b, g, cost, self.epsilon.recip()))
    }

    /// The plan row by row, each an iterator over `(P_ij, C_ij)`.
    pub(super) fn plan_rows(&self) -> impl Iterator<Item = impl Iterator<Item = (T, T)>> {
        let rate = self.epsilon.recip();
        let rows = self
            .cost
            .chunks_exact(self.b.len())
            .zip(self.a.iter().zip(self.f.iter()));
        rows.map(move |(row, (&a, &f))| {
            let columns = row.iter().zip(self.b.iter().zip(self.g.iter()));
            columns.map(move |(&cost, (&b, &g))| (plan_entry(a, f, b, g, cost, rate), cost))
        })
    }

    pub(super) fn transport_cost(&self) -> T {
        let mut total = T::zero();
        for row in self.plan_rows() {
            // A forbidden pair has no mass and an infinite cost.
            let carried = row.filter(|&(mass, _)| mass != T::zero());
            total += carried.fold(T::zero(), |sum, (mass, cost)| sum + mass * cost);
        }
        total
    }
}

fn plan_entry<T: Real>(a: T, f: T, b: T, g: T, cost: T, rate: T) -> T {
    if a == T::zero() || b == T::zero() || cost == T::infinity() {
        return T::zero();
    }
    // In the order of the half step that came last, so that rounding agrees with it.
    a * b * (((f - cost) + g) * rate).exp()
}
