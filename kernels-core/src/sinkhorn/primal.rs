//! A primal value beside the dual one: how far from the optimum at most. The values are
//! defined with [`DualityGap`], the feasible plan with [`State::duality_gap`].

use super::State;
use super::apply::{Gather, Spread};
use super::blocks::MAX_BLOCKS;
use super::feasible::{Compare, Lacking, relative_entropy};
use super::sums::Sums;
use crate::{Error, Real, check, vector};

const OPERATION: &str = "duality_gap";

/// What a feasible plan tells about the optimum V: `dual ≤ V ≤ primal`.
///
/// For a *feasible* plan P', the primal value is
/// `⟨P',C⟩ + ε KL(P' | a⊗b) + ρ_a KL(P'1 | a) + ρ_b KL(P'ᵀ1 | b)`, a side with infinite ρ
/// left out, since its marginal is right. With the plan P of the potentials (f, g), of
/// whatever quality, `C_ij = f_i + g_j − ε log(P_ij / a_i b_j)`, and the primal value of P'
/// less the dual value of (f, g) is
///
/// `gap = ε KL(P' | P) + Σ_sides ρ KL(P'1 | a exp(−f/ρ))` over the sides with finite ρ:
///
/// a sum of terms none of which is negative, so `gap ≥ 0` holds exactly, and the optimum
/// lies within the gap of either value. Near the optimum the gap is of the order of the
/// marginal error (times costs) where mass had to be moved, and of its square elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DualityGap<T> {
    /// Value of a feasible plan near that of the potentials.
    pub primal: T,
    /// Value of the potentials. [`super::Outcome::value`] is the same where the columns
    /// are exact, as they are after a run.
    pub dual: T,
    /// `primal − dual`, but computed without cancellation and never negative.
    pub gap: T,
}

/// Workspace elements for [`State::duality_gap`] and [`State::primal_value`]: `2 (n + m)`.
#[must_use]
pub fn gap_workspace_len(n: usize, m: usize) -> usize {
    n.saturating_add(m).saturating_mul(2)
}

impl<T: Real> State<'_, T> {
    /// The value of a feasible plan that is made from the present one:
    /// [`State::duality_gap`]'s `primal`, at the same cost.
    ///
    /// # Errors
    /// As [`State::duality_gap`].
    pub fn primal_value(&mut self, workspace: &mut [T]) -> Result<T, Error> {
        self.duality_gap(workspace).map(|gap| gap.primal)
    }

    /// Primal value, dual value and their difference for the present potentials:
    /// see [`DualityGap`].
    ///
    /// The feasible plan P' is made from P as by Altschuler, Weed & Rigollet (2017,
    /// algorithm 2), row by row:
    ///
    /// | imposed | P' |
    /// |---|---|
    /// | neither | P |
    /// | one side | P, its rows (or columns) scaled to their weights |
    /// | both | P, scaled down to the weights, and what is missing added |
    ///
    /// Where both are imposed, rows are scaled by `min(1, a_i/r_i)`, then columns by
    /// `min(1, b_j/c_j)`, r and c their sums; then what is missing, `p_i` and `q_j`, is added
    /// as `p_i q_j / Σp`. That term would put mass on forbidden pairs: with a mask, what is
    /// missing is given to permitted pairs in their order, each as much as both its sides
    /// miss. Not every mask lets that end well; if more than rounding is left over, the
    /// answer is [`Error::NotConverged`], and more iterations leave less to be placed.
    ///
    /// Cost: four sweeps over the plan; memory `2 (n + m)`, [`gap_workspace_len`].
    ///
    /// # Errors
    /// A workspace that is too short, a plan that cannot be made feasible along permitted
    /// pairs, or values that do not fit the scalar type.
    pub fn duality_gap(&mut self, workspace: &mut [T]) -> Result<DualityGap<T>, Error> {
        let (n, m) = (self.f.len(), self.g.len());
        let workspace = check::workspace(OPERATION, workspace, gap_workspace_len(n, m))?;
        let mut rest = workspace;
        let mut take = |len: usize| check::take(&mut rest, len);
        let (x, row_sums, y, column_sums) = (take(n), take(n), take(m), take(m));
        // The plan comes from the costs, so the dual value has to as well.
        self.confirm(true, true)?;
        let (rho_a, rho_b) = self.rho;
        let imposed = (rho_a == T::infinity(), rho_b == T::infinity());
        let (mass_a, mass_b) = (self.a.mass, self.b.mass);
        let (epsilon, masked) = (self.epsilon, self.range.masked);
        let dual = self.dual_value_with_mass();

        let (plan, mut stream) = self.coupling();
        // What no scaling can supply.
        let mut missing = T::zero();
        Sums::marginals(Some(&mut *row_sums), None).of(&plan, &mut stream);
        for ((x, &sum), &a) in x.iter_mut().zip(row_sums.iter()).zip(plan.a) {
            *x = scaling(a * mass_a, sum, imposed, &mut missing);
        }
        column_sums.fill(T::zero());
        let mut scaled = Spread {
            u: x,
            width: 1,
            out: column_sums,
        };
        stream.visit(&plan, &mut scaled);
        for ((y, sum), &b) in y.iter_mut().zip(column_sums.iter_mut()).zip(plan.b) {
            *y = scaling(b * mass_b, *sum, (imposed.1, imposed.0), &mut missing);
            *sum *= *y;
        }
        row_sums.fill(T::zero());
        let mut scaled = Gather {
            v: y,
            width: 1,
            mean: false,
            out: row_sums,
        };
        stream.visit(&plan, &mut scaled);
        for (sum, &x) in row_sums.iter_mut().zip(x.iter()) {
            *sum *= x;
        }

        let mut prices = T::zero();
        let mut shortfall = T::zero();
        let sides = [
            (&mut *row_sums, plan.a, plan.f, rho_a, mass_a),
            (&mut *column_sums, plan.b, plan.g, rho_b, mass_b),
        ];
        let mut gap = T::zero();
        for (sums, weights, potentials, rho, mass) in sides {
            let mut short = T::zero();
            for ((sum, &w), &p) in sums.iter_mut().zip(weights).zip(potentials) {
                let w = w * mass;
                if w == T::zero() {
                    *sum = T::zero();
                } else if rho == T::infinity() {
                    *sum = (w - *sum).max(T::zero());
                    short += *sum;
                } else {
                    let wanted = w * (-p / rho).exp();
                    prices += rho * relative_entropy(*sum, w, || w.ln());
                    gap += rho * relative_entropy(*sum, wanted, || w.ln() - p / rho);
                }
            }
            shortfall = shortfall.max(short);
        }
        // With one imposed side, the scaling has made it right.
        let lacking = if imposed != (true, true) {
            Lacking::Nothing
        } else if masked {
            Lacking::InOrder(row_sums, column_sums)
        } else {
            Lacking::Product(row_sums, column_sums, shortfall)
        };
        let mut compare = Compare {
            plan: (plan.f, plan.g, plan.a, plan.b),
            mass: mass_a * mass_b,
            ln_mass: mass_a.ln() + mass_b.ln(),
            epsilon,
            x,
            y,
            lacking,
            gaps: [T::zero(); MAX_BLOCKS],
            primals: [T::zero(); MAX_BLOCKS],
        };
        stream.visit(&plan, &mut compare);
        let near = vector::sum_of(&compare.gaps, |gap| gap);
        let primal = vector::sum_of(&compare.primals, |primal| primal);
        if masked && imposed == (true, true) {
            missing += vector::sum_of(row_sums, |left| left);
        }
        // Row sums of n terms are off by some u.
        let rounding = T::of(4.0) * T::count(n.saturating_add(m)) * T::epsilon() * mass_a;
        if !(missing <= rounding) {
            return Err(Error::NotConverged {
                operation: OPERATION,
                iterations: self.iterations,
                expected: rounding.wide(),
                got: missing.wide(),
            });
        }
        Ok(DualityGap {
            primal: check::fits(OPERATION, "the primal value", primal + prices)?,
            dual: check::fits(OPERATION, "the dual value", dual)?,
            gap: check::fits(OPERATION, "the duality gap", epsilon * near + gap)?,
        })
    }
}

/// What an atom's share of the plan is multiplied by, given whether its own side and the
/// other one are imposed.
#[inline(always)]
fn scaling<T: Real>(weight: T, sum: T, imposed: (bool, bool), missing: &mut T) -> T {
    if !imposed.0 || weight == T::zero() {
        return T::one();
    }
    if imposed.1 {
        return if sum > weight { weight / sum } else { T::one() };
    }
    if sum > T::zero() {
        return weight / sum;
    }
    *missing += weight;
    T::one()
}
