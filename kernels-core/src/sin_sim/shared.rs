//! The plain term with the cosine cost, computed in the middle of NT-Xent: costs come from its
//! products, and the plan joins the weights of its multiplication. What is shared, how accurate
//! it is and when it is done is with [`super::sin_sim_with_grad`]; costs are compared with
//! [`FINE`] times their error.

use super::options::OtOptions;
use super::ot_term::{OPERATION, OtTerm, solve_plain};
use crate::cost::{divide, unit_of};
use crate::nt_xent::{Between, Pulls};
use crate::sinkhorn::{CostSource, Problem};
use crate::{Error, Real, check, vector};

/// What a cost is compared with, in units of its error.
const FINE: f64 = 256.0;

/// The term, before and after.
pub(super) struct Shared<'w, 'o, T> {
    pub(super) options: &'o OtOptions<T>,
    /// Rows of a view.
    pub(super) n: usize,
    pub(super) dim: usize,
    /// What the plan is multiplied by: `−2Nτλ`.
    pub(super) factor: T,
    /// [`shared_workspace_len`].
    pub(super) workspace: &'w mut [T],
    /// `None` after all if the term is to be computed apart.
    pub(super) out: &'o mut Option<OtTerm<T>>,
}

/// Elements of the workspace: costs, and a state that stores its kernel.
pub(super) fn shared_workspace_len(n: usize) -> usize {
    let problem = Problem::<f64>::new(CostSource::Matrix(&[]), n, n).with_stored_kernel();
    let costs = n.saturating_mul(n);
    costs.saturating_add(problem.workspace_len())
}

impl<T: Real> Shared<'_, '_, T> {
    /// Whether costs with an error of their own size near zero will do.
    fn suffices(&self, largest: T) -> bool {
        let error = T::count(self.dim.saturating_add(5)) * T::epsilon() * T::of(0.5);
        let (epsilon, rho) = (self.options.sinkhorn.epsilon, self.options.rho);
        let mut least = epsilon.min(rho);
        if self.options.is_relative() {
            // Units of the largest cost, and the value in them.
            least = least.min(T::one()) * largest;
        }
        // What leaves the middle of the range is another's to compute, or to refuse.
        let factor = (self.factor / unit_of(largest)).abs();
        let bound = T::max_value().sqrt();
        least >= T::of(FINE) * error && factor <= bound && factor.recip() <= bound
    }
}

impl<'w, T: Real> Between<'w, T> for Shared<'w, '_, T> {
    fn costs(&mut self) -> &mut [T] {
        self.workspace
            .get_mut(..self.n * self.n)
            .unwrap_or_default()
    }

    fn pulls(mut self) -> Result<Option<Pulls<'w, T>>, Error> {
        let (options, n) = (self.options, self.n);
        let largest = vector::largest(self.costs());
        if !self.suffices(largest) {
            return Ok(None);
        }
        let units = options.units(OPERATION, unit_of(largest))?;
        let mut scratch = self.workspace;
        let costs = check::take(&mut scratch, n * n);
        divide(costs, units.divisor);
        let (state, outcome) = solve_plain(costs, n, options, &units, scratch)?;
        let (entries, transport_cost) = state.into_plan()?;
        *self.out = Some(OtTerm::plain(outcome, transport_cost, &units));
        let factor = self.factor / units.divisor;
        Ok(Some(Pulls { entries, n, factor }))
    }
}
