//! A measure against itself: `OT_ε(a, a)` with one potential.
//!
//! With `C = Cᵀ` and `a = b` the optimal potentials are equal, and
//! `f ← ½ (f + τ softmin f)` finds them in a few iterations, where alternating updates
//! would take as long as for two different measures (Knight, Ruiz & Uçar 2014;
//! Feydy et al. 2019, eq. 3.8). Neither marginal is exact before convergence, so the
//! dual value keeps its mass term.

use super::State;
use super::options::SinkhornOptions;
use crate::{Error, Real, vector};

impl<T: Real> State<'_, T> {
    /// Iterates on one potential until the marginal error is within the threshold or
    /// the limit is reached. The problem must be one of a cloud against itself.
    pub(super) fn run_symmetric(&mut self, options: &SinkhornOptions<T>) -> Result<bool, Error> {
        let half = T::of(0.5);
        loop {
            if self.iterations >= options.max_iterations {
                return Ok(false);
            }
            let rows = self.f.iter_mut().zip(self.next_f.iter());
            for (f, &next) in rows {
                *f = half * (*f + next);
            }
            vector::copy(self.g, self.f);
            self.fresh = false;
            self.look_ahead(false)?;
            self.iterations = self.iterations.saturating_add(1);
            if self.marginal_error <= options.threshold {
                self.confirm(false, true)?;
            }
            if self.marginal_error <= options.threshold {
                return Ok(true);
            }
        }
    }
}
