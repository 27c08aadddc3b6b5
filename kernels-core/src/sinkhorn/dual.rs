//! What potentials are worth, and the shift that makes no difference to it.

use super::State;
use super::gradient::Prices;
use super::weights::Weights;
use crate::Real;

impl<T: Real> State<'_, T> {
    /// The dual value of the present potentials, whose columns are exact.
    pub(super) fn dual_value(&self) -> T {
        if self.is_balanced() {
            // The plan has mass 1, but for rounding that ε would magnify.
            self.dual_sides()
        } else {
            self.dual_value_with_mass()
        }
    }

    /// The dual value of any potentials.
    pub(super) fn dual_value_with_mass(&self) -> T {
        self.dual_sides() - self.epsilon * (self.mass - self.a.mass * self.b.mass)
    }

    fn dual_sides(&self) -> T {
        let side = |weights: &Weights<'_, T>, potentials: &[T], rho: T| {
            weights.mean_of(potentials, |p| Prices::price(p, rho))
        };
        side(&self.a, self.f, self.rho.0) + side(&self.b, self.g, self.rho.1)
    }

    pub(super) fn is_balanced(&self) -> bool {
        self.rho.0 == T::infinity() && self.rho.1 == T::infinity()
    }

    /// Shifts mass-free: P, and so every later iterate, depends on f ⊕ g alone.
    pub(super) fn fix_gauge(&mut self) {
        if !self.is_balanced() {
            return;
        }
        let (of_f, of_g) = (self.a.mean_of(self.f, |p| p), self.b.mean_of(self.g, |p| p));
        let shift = (of_g - of_f) * T::of(0.5);
        for f in self.f.iter_mut().chain(self.next_f.iter_mut()) {
            *f += shift;
        }
        for g in self.g.iter_mut().chain(self.next_g.iter_mut()) {
            *g -= shift;
        }
    }
}
