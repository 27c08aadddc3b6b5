//! A primal value beside the dual one: how far from the optimum at most.
//!
//! For a *feasible* plan P', the primal value is
//! `⟨P',C⟩ + ε KL(P' | a⊗b) + ρ_a KL(P'1 | a) + ρ_b KL(P'ᵀ1 | b)`, a side with infinite ρ
//! left out, since its marginal is right. With the plan P of the potentials (f, g), of
//! whatever quality, `C_ij = f_i + g_j − ε log(P_ij / a_i b_j)`, and the primal value of P'
//! less the dual value of (f, g) is
//!
//! `gap = ε KL(P' | P) + Σ_sides ρ KL(P'1 | a exp(−f/ρ))` over the sides with finite ρ:
//!
//! a sum of terms none of which is negative, so `gap ≥ 0` holds exactly, and the optimum
//! lies within the gap of either value. Near the optimum the gap is of the order of the
//! marginal error (times costs) where mass had to be moved, and of its square elsewhere.
//!
//! **How P' is made** (Altschuler, Weed & Rigollet 2017, algorithm 2, row by row):
//!
//! | imposed | P' |
//! |---|---|
//! | neither | P |
//! | one side | P, its rows (or columns) scaled to their weights |
//! | both | rows scaled by `min(1, a_i/r_i)`, then columns by `min(1, b_j/c_j)`; then what is missing, `p_i` and `q_j`, is added as `p_i q_j / Σp` |
//!
//! The last term would put mass on forbidden pairs. With a mask, what is missing is given
//! to permitted pairs in their order, each as much as both its sides miss. Not every mask
//! lets that end well; if more than rounding is left over, the answer is
//! [`Error::NotConverged`], and more iterations leave less to be placed.
//!
//! Cost: three sweeps over the plan; memory `2 (n + m)`, [`gap_workspace_len`].

use super::State;
use super::plan::PlanVisitor;
use crate::level::Level;
use crate::{Error, Real, check, vector};

const OPERATION: &str = "duality_gap";

/// What a feasible plan tells about the optimum V: `dual ≤ V ≤ primal`.
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

/// Workspace elements for [`State::duality_gap`] and [`State::primal_value`].
#[must_use]
pub fn gap_workspace_len(n: usize, m: usize) -> usize {
    n.saturating_add(m).saturating_mul(2)
}

impl<T: Real> State<'_, T> {
    /// The value of a feasible plan that is made from the present one.
    ///
    /// # Errors
    /// As [`State::duality_gap`].
    pub fn primal_value(&mut self, workspace: &mut [T]) -> Result<T, Error> {
        self.duality_gap(workspace).map(|gap| gap.primal)
    }

    /// Primal value, dual value and their difference for the present potentials.
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

        x.fill(T::one());
        column_sums.fill(T::zero());
        let (plan, mut stream) = self.coupling();
        // What no scaling can supply.
        let mut missing = T::zero();
        let mut scale_rows = ScaleRows {
            weights: plan.a,
            mass: mass_a,
            imposed,
            x,
            column_sums,
            missing: &mut missing,
        };
        stream.visit(&plan, &mut scale_rows);
        for ((y, sum), &b) in y.iter_mut().zip(column_sums.iter_mut()).zip(plan.b) {
            *y = scaling(b * mass_b, *sum, (imposed.1, imposed.0), &mut missing);
            *sum *= *y;
        }
        row_sums.fill(T::zero());
        stream.visit(&plan, &mut ScaledSums { x, y, row_sums });

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
        let mut compare = Compare {
            plan: (plan.f, plan.g, plan.a, plan.b),
            mass: mass_a * mass_b,
            ln_mass: mass_a.ln() + mass_b.ln(),
            epsilon,
            x,
            y,
            // With one imposed side, the scaling has made it right.
            lacking: (imposed == (true, true)).then_some((row_sums, column_sums)),
            shortfall,
            in_order: masked,
            gap: T::zero(),
            primal: T::zero(),
        };
        stream.visit(&plan, &mut compare);
        let (near, primal) = (compare.gap, compare.primal);
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

/// `q log(q/p) − q + p`, not negative; `ln_p` is asked where p is small or has underflown.
#[inline(always)]
fn relative_entropy<T: Real>(q: T, p: T, ln_p: impl FnOnce() -> T) -> T {
    if q == T::zero() {
        return p;
    }
    let d = (q - p) / p;
    let near = p.is_normal() && d.abs() < T::of(0.5);
    let term = if near {
        // For small d the terms of first order have to cancel.
        p * ((T::one() + d) * d.ln_1p() - d)
    } else {
        q * (q.ln() - ln_p()) - q + p
    };
    // NaN is kept.
    if term < T::zero() { T::zero() } else { term }
}

/// Row factors, and the column sums that they leave.
struct ScaleRows<'v, T> {
    weights: &'v [T],
    mass: T,
    imposed: (bool, bool),
    x: &'v mut [T],
    column_sums: &'v mut [T],
    missing: &'v mut T,
}

impl<T: Real> PlanVisitor<T> for ScaleRows<'_, T> {
    #[inline(always)]
    fn row<L: Level>(&mut self, i: usize, _: &[T], masses: &[T]) {
        let (Some(x), Some(&weight)) = (self.x.get_mut(i), self.weights.get(i)) else {
            return;
        };
        let sum = vector::sum_of(masses, |mass| mass);
        *x = scaling(weight * self.mass, sum, self.imposed, self.missing);
        vector::add_scaled(self.column_sums, *x, masses);
    }
}

/// Row sums of the scaled plan.
struct ScaledSums<'v, T> {
    x: &'v [T],
    y: &'v [T],
    row_sums: &'v mut [T],
}

impl<T: Real> PlanVisitor<T> for ScaledSums<'_, T> {
    #[inline(always)]
    fn row<L: Level>(&mut self, i: usize, _: &[T], masses: &[T]) {
        if let (Some(sum), Some(&x)) = (self.row_sums.get_mut(i), self.x.get(i)) {
            *sum = x * vector::dot(masses, self.y);
        }
    }
}

/// The scaled plan with its correction, entry by entry.
struct Compare<'v, T> {
    /// f, g, a, b.
    plan: (&'v [T], &'v [T], &'v [T], &'v [T]),
    mass: T,
    /// Its logarithm, also where it has underflown.
    ln_mass: T,
    epsilon: T,
    x: &'v [T],
    y: &'v [T],
    /// What rows and columns miss, if it has to be added.
    lacking: Option<(&'v mut [T], &'v mut [T])>,
    shortfall: T,
    /// Whether it is given out in order, or as a product.
    in_order: bool,
    /// `KL(P' | P)`.
    gap: T,
    /// `⟨P',C⟩ + ε KL(P' | a⊗b)`.
    primal: T,
}

impl<T: Real> PlanVisitor<T> for Compare<'_, T> {
    #[inline(always)]
    fn row<L: Level>(&mut self, i: usize, costs: &[T], masses: &[T]) {
        let (f, g, a, b) = self.plan;
        let (Some(&f), Some(&a), Some(&x)) = (f.get(i), a.get(i), self.x.get(i)) else {
            return;
        };
        let (mut gap, mut transport, mut entropy) = (T::zero(), T::zero(), T::zero());
        let columns = costs.iter().zip(masses).zip(g.iter().zip(b)).zip(self.y);
        for (j, (((&c, &p), (&g, &b)), &y)) in columns.enumerate() {
            if b == T::zero() {
                continue;
            }
            let product = a * b * self.mass;
            if c == T::infinity() {
                entropy += product;
                continue;
            }
            let mut q = x * y * p;
            if let Some((rows, columns)) = &mut self.lacking
                && let (Some(row), Some(column)) = (rows.get_mut(i), columns.get_mut(j))
            {
                if self.in_order {
                    let moved = row.min(*column);
                    *row -= moved;
                    *column -= moved;
                    q += moved;
                } else if self.shortfall > T::zero() {
                    q += *row * (*column / self.shortfall);
                }
            }
            let ln_product = || a.ln() + b.ln() + self.ln_mass;
            let ln_p = || ln_product() + ((f - c) + g) / self.epsilon;
            gap += relative_entropy(q, p, ln_p);
            entropy += relative_entropy(q, product, ln_product);
            transport += q * c;
        }
        self.gap += gap;
        self.primal += transport + self.epsilon * entropy;
    }
}
