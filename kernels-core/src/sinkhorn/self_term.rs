//! The parts of a divergence: a cloud's transport to itself, and the costs of any of its three
//! problems in a matrix.

use super::divergence::OPERATION;
use super::options::{Outcome, SinkhornOptions};
use super::problem::{CostSource, Problem};
use super::state::State;
use crate::cost::{Cost, cost_matrix, divide};
use crate::{Error, Real, check, vector};

/// The problem with its costs, each divided by `store`, in a matrix; or as it is.
pub(super) fn stored<'p, T: Real>(
    problem: &Problem<'p, T>,
    store: Option<T>,
    matrix: &'p mut [T],
) -> Result<Problem<'p, T>, Error> {
    let (Some(divisor), CostSource::Points { cost, x, y, dim }) = (store, problem.cost) else {
        return Ok(*problem);
    };
    let (n, m) = (problem.n, problem.m);
    let matrix = check::take(&mut { matrix }, n * m);
    cost_matrix(cost, x, y, n, m, dim, matrix)?;
    divide(matrix, divisor);
    // +∞ would forbid a pair.
    check::all_fit(OPERATION, "a cost divided by the scale", matrix)?;
    Ok(Problem {
        cost: CostSource::Matrix(matrix),
        ..*problem
    })
}

/// `OT_ε` of a cloud against itself.
#[derive(Clone, Copy)]
pub(super) struct SelfTerm<'a, T> {
    pub(super) cost: Cost,
    pub(super) points: &'a [T],
    pub(super) weights: Option<&'a [T]>,
    pub(super) n: usize,
    pub(super) dim: usize,
    pub(super) rho: T,
    /// What stored costs are divided by.
    pub(super) store: Option<T>,
}

impl<T: Real> SelfTerm<'_, T> {
    /// What came out; the potential goes to `potential`, minus half the gradient with
    /// respect to the points (of undivided costs) to `grad`.
    pub(super) fn solve(
        &self,
        options: &SinkhornOptions<T>,
        potential: &mut [T],
        grad: Option<&mut [T]>,
        scratch: &mut [T],
        (matrix, workspace): (&mut [T], &mut [T]),
    ) -> Result<Outcome<T>, Error> {
        let points = self.points;
        let problem = Problem {
            cost: CostSource::Points {
                cost: self.cost,
                x: points,
                y: points,
                dim: self.dim,
            },
            n: self.n,
            m: self.n,
            a: self.weights,
            b: self.weights,
            rho_a: self.rho,
            rho_b: self.rho,
            store_kernel: self.store.is_some(),
        };
        let problem = stored(&problem, self.store, matrix)?;
        let mut state = State::new(&problem, options.epsilon, workspace)?;
        let converged = state.run_symmetric(options)?;
        vector::copy(potential, state.f);
        if let Some(grad) = grad {
            let mut rest = scratch;
            let first = check::take(&mut rest, points.len());
            let second = check::take(&mut rest, points.len());
            let dim = self.dim;
            state.envelope_gradient(self.cost, points, points, dim, first, second)?;
            for (out, (&p, &q)) in grad.iter_mut().zip(first.iter().zip(second.iter())) {
                *out = -T::of(0.5) * (p + q);
            }
        }
        let error = state.marginal_error;
        Ok(Outcome {
            value: check::fits(OPERATION, "a self term", state.dual_value_with_mass())?,
            marginal_error: check::fits(OPERATION, "the marginal error of a self term", error)?,
            mass: state.mass,
            iterations: state.iterations,
            converged,
        })
    }
}
