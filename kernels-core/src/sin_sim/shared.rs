//! The plain term with the cosine cost, computed in the middle of NT-Xent.
//!
//! NT-Xent has what this term needs: unit rows u, and the products of all pairs, from which
//! costs `1 − u_i·v_j` follow. And it computes what this term asks for: the gradient with
//! respect to u_i is `−λ Σ_j P_ij v_j`, so the plan joins the weights with which NT-Xent
//! multiplies the rows anyway, and both gradients go back through one normalisation. What is
//! left is Sinkhorn itself and one pass that writes the plan.
//!
//! **Accuracy.** `1 − u·v` cancels for close directions: its error is some `(d/16 + 5) u`,
//! where half the squared difference would have that *times the cost*. Costs count in units
//! of ε, and from [`FINE`] u on the exponents are right to 1e-3. At a smaller ε, in units of
//! the cost, the costs are computed from differences. The gradient's error is of the size of
//! u λ/N, as NT-Xent's own is of u/(Nτ), where a sum of differences would be relative to the
//! distance of the views: when these have all but met.

use super::options::OtOptions;
use super::ot_term::{OPERATION, OtTerm, solve_plain};
use crate::cost::{Cost, cost_matrix, divide, largest_or_one};
use crate::nt_xent::{Between, Pulls};
use crate::sinkhorn::{CostSource, Problem};
use crate::{Error, Real, check};

/// The least ε, in units of the cost and of u, for which costs come from the products.
const FINE: f64 = 16384.0;

/// The term, before and after.
pub(super) struct Shared<'w, 'o, T> {
    pub(super) options: &'o OtOptions<T>,
    /// Both views, n rows each.
    pub(super) z: &'o [T],
    pub(super) n: usize,
    pub(super) dim: usize,
    /// What the plan is multiplied by: `−2Nτλ`.
    pub(super) factor: T,
    /// [`shared_workspace_len`].
    pub(super) workspace: &'w mut [T],
    pub(super) out: &'o mut OtTerm<T>,
}

/// Elements of the workspace: costs, and a state that stores its kernel.
pub(super) fn shared_workspace_len(n: usize) -> usize {
    let problem = Problem::<f64>::new(CostSource::Matrix(&[]), n, n).with_stored_kernel();
    let costs = n.saturating_mul(n);
    costs.saturating_add(problem.workspace_len())
}

impl<'w, T: Real> Between<'w, T> for Shared<'w, '_, T> {
    fn costs(&mut self) -> &mut [T] {
        self.workspace
            .get_mut(..self.n * self.n)
            .unwrap_or_default()
    }

    fn pulls(self) -> Result<Option<Pulls<'w, T>>, Error> {
        let (options, n) = (self.options, self.n);
        let mut scratch = self.workspace;
        let costs = check::take(&mut scratch, n * n);
        let mut units = options.units(OPERATION, largest_or_one(costs))?;
        if units.epsilon * units.divisor < T::of(0.5 * FINE) * T::epsilon() {
            let (a, b) = self.z.split_at(self.z.len() / 2);
            cost_matrix(Cost::Cosine, a, b, n, n, self.dim, costs)?;
            units = options.units(OPERATION, largest_or_one(costs))?;
        }
        divide(costs, units.divisor);
        let (state, outcome) = solve_plain(costs, n, options, &units, scratch)?;
        let (entries, transport_cost) = state.into_plan()?;
        *self.out = OtTerm::plain(outcome, transport_cost, &units);
        let factor = self.factor / units.divisor;
        Ok(Some(Pulls { entries, n, factor }))
    }
}
