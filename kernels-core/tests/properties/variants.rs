//! Problems with everything that a problem may have: zero weights, forbidden pairs,
//! marginals that are imposed or priced.

use crate::common::{Case, assert_close, case};
use kernels_core::sinkhorn::{Outcome, Problem, SinkhornOptions, State};
use proptest::prelude::*;

/// A case and the prices of its marginals.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub(crate) case: Case,
    pub(crate) rho: (f64, f64),
    pub(crate) epsilon: f64,
}

impl Variant {
    pub(crate) fn problem(&self) -> Problem<'_, f64> {
        self.case.problem().unbalanced(self.rho.0, self.rho.1)
    }

    /// Runs to `threshold` and shows the state.
    pub(crate) fn solved<R>(&self, threshold: f64, show: impl FnOnce(State<'_, f64>) -> R) -> R {
        let problem = self.problem();
        let mut workspace = vec![f64::NAN; problem.workspace_len()];
        let mut state = State::new(&problem, self.epsilon, &mut workspace).expect("legal");
        let options = SinkhornOptions {
            epsilon: self.epsilon,
            threshold,
            max_iterations: 20_000,
        };
        state.run(&options).expect("finite");
        show(state)
    }

    /// Where plain iterations converge, another way has to converge to their value.
    pub(crate) fn is_solved_like_plain_iterations(
        &self,
        solve: impl FnOnce(&Problem<'_, f64>, &SinkhornOptions<f64>) -> Outcome<f64>,
    ) {
        let options = SinkhornOptions {
            epsilon: self.epsilon,
            threshold: 1e-12,
            max_iterations: 20_000,
        };
        let problem = self.problem();
        let mut workspace = vec![f64::NAN; problem.workspace_len()];
        let state = State::new(&problem, self.epsilon, &mut workspace);
        let plain = state.expect("legal").run(&options).expect("finite");
        let found = solve(&problem, &options);
        if plain.converged {
            assert!(found.converged, "{found:?}, plain {plain:?}");
            // Both are within ε times the square of the error.
            assert_close(found.value, plain.value, 1e-12 * (1.0 + plain.value.abs()));
        }
    }
}

/// `case()` with or without an atom of weight zero on either side, a forbidden pair, and
/// prices; in an unbalanced problem the masses are not one. ε from 0.2 to 3.
pub(crate) fn variant() -> impl Strategy<Value = Variant> {
    let rho = || prop_oneof![Just(f64::INFINITY), 0.3..4.0_f64];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (case(), rho(), rho(), flags, 0.2..3.0_f64, 0.5..2.0_f64).prop_map(
        |(mut case, rho_a, rho_b, (zero_a, zero_b, barred), epsilon, mass)| {
            for (zero, weights) in [(zero_a, &mut case.a), (zero_b, &mut case.b)] {
                if zero && weights.len() > 1 {
                    let last = weights.len() - 1;
                    weights[last] = 0.0;
                    let total: f64 = weights.iter().sum();
                    weights.iter_mut().for_each(|w| *w /= total);
                }
            }
            // From 3 × 3 on a plan exists if the atoms concerned are not too heavy.
            if barred && case.n > 3 && case.m > 3 && case.a[0] + case.b[0] < 0.8 {
                case.cost[0] = f64::INFINITY;
            }
            if rho_a.is_finite() || rho_b.is_finite() {
                case.a.iter_mut().for_each(|w| *w *= mass);
                // Two imposed masses would have to be equal; one may differ.
                case.b.iter_mut().for_each(|w| *w /= mass);
            }
            Variant {
                case,
                rho: (rho_a, rho_b),
                epsilon,
            }
        },
    )
}
