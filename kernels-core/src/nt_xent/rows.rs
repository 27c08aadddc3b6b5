//! What is done row by row, before, between and after the sweeps.

use super::layout::{Lanes, PANEL};
use super::tile::fold;
use super::units::Units;
use crate::level::{Level, Task};
use crate::{Real, check};

/// `u_i·u_π(i)`, for all rows.
pub(super) struct Positives<'t, T> {
    pub(super) units: Units<'t, T>,
    pub(super) out: &'t mut [T],
}

impl<T: Real> Task for Positives<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(self) {
        let shape = self.units.shape;
        self.out.fill(T::one());
        let mut out = self.out;
        let first = check::take(&mut out, shape.rows / 2);
        let second = check::take(&mut out, shape.rows / 2);
        for (i, (a, b)) in first.iter_mut().zip(second).enumerate() {
            let mut lanes = [T::zero(); PANEL];
            for slab in 0..shape.slabs {
                let other = self.units.row(i + shape.rows / 2, slab);
                let Some((row, other)) = self.units.row(i, slab).zip(other) else {
                    continue;
                };
                for (lane, (&x, &y)) in lanes.iter_mut().zip(row.iter().zip(other)) {
                    *lane = L::mul_add(x, y, *lane);
                }
            }
            *a = fold(&lanes, |x, y| x + y);
            *b = *a;
        }
    }
}

/// Whether `exp(−2/τ)` is a normal number, with a little to spare.
pub fn fixed_shift_fits<T: Real>(temperature: T) -> bool {
    T::of(2.01) / temperature < -T::min_positive_value().ln()
}

/// What `δ_i = q_i − s_iπ(i)` makes of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NtXentRow<T> {
    /// `ℓ_i = log(1 + exp δ_i)`.
    pub loss: T,
    /// `P_i = 1/(1 + exp(−δ_i))`.
    pub mass: T,
}

impl<T: Real> NtXentRow<T> {
    /// Both, with their relative accuracy at any δ; −∞ gives zeros.
    #[inline(always)]
    #[must_use]
    pub fn new<L: Level>(delta: T) -> Self {
        let one = T::one();
        let small = (-delta.abs()).exp_at::<L>();
        // log(1 + small): the quotient makes up for the rounding of the sum.
        let sum = one + small;
        let log = if sum > one {
            sum.ln_at::<L>() * (small / (sum - one))
        } else {
            small
        };
        let positive_part = if delta > T::zero() { delta } else { T::zero() };
        Self {
            loss: positive_part + log,
            mass: if delta > T::zero() { one } else { small } / sum,
        }
    }
}

/// From the sums of the negatives to losses and probabilities, for all rows.
pub(super) struct Finish<'t, T> {
    pub(super) temperature: T,
    pub(super) positives: &'t [T],
    pub(super) shifts: &'t [T],
    /// Z, then P/Z.
    pub(super) factors: &'t mut [T],
    pub(super) masses: &'t mut [T],
    pub(super) losses: &'t mut [T],
}

impl<T: Real> Task for Finish<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(self) {
        let outputs = self.masses.iter_mut().zip(self.losses.iter_mut());
        let rows = self.positives.iter().zip(self.shifts);
        for ((factor, (mass, loss)), (&positive, &shift)) in
            self.factors.iter_mut().zip(outputs).zip(rows)
        {
            let total = *factor;
            let delta = total.ln_at::<L>() + (shift - positive) / self.temperature;
            let row = NtXentRow::new::<L>(delta);
            *loss = row.loss;
            *mass = row.mass;
            *factor = if total > T::zero() {
                *mass / total
            } else {
                T::zero()
            };
        }
    }
}

/// The gradient of one panel of rows, back through the normalisation.
pub(super) struct Backward<'t, T> {
    pub(super) units: Units<'t, T>,
    pub(super) first: usize,
    /// `1/(nτ)`.
    pub(super) weight: T,
    pub(super) masses: &'t [T],
    pub(super) norms: &'t [T],
    pub(super) grads: &'t [Lanes<T>],
    pub(super) out: &'t mut [T],
}

impl<T: Real> Task for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(self) {
        let shape = self.units.shape;
        for (r, out) in self.out.chunks_exact_mut(shape.dim.max(1)).enumerate() {
            let i = self.first + r;
            let partner = shape.partner(i);
            let masses = self.masses.get(i).zip(self.masses.get(partner));
            let (Some((&mass, &other_mass)), Some(&norm)) = (masses, self.norms.get(i)) else {
                continue;
            };
            let pull = -(mass + other_mass);
            let mut radial = [T::zero(); PANEL];
            for (slab, out) in out.chunks_mut(PANEL).enumerate() {
                let rows = self.units.row(i, slab).zip(self.units.row(partner, slab));
                let (Some((unit, other)), Some(&grads)) = (rows, self.grads.get(slab * PANEL + r))
                else {
                    continue;
                };
                let mut grads = grads;
                for (grad, &other) in grads.iter_mut().zip(other) {
                    *grad = L::mul_add(pull, other, *grad) * self.weight;
                }
                for (sum, (&grad, &u)) in radial.iter_mut().zip(grads.iter().zip(unit)) {
                    *sum = L::mul_add(grad, u, *sum);
                }
                if let Some(grads) = grads.get(..out.len()) {
                    out.copy_from_slice(grads);
                }
            }
            let radial = fold(&radial, |x, y| x + y);
            for (slab, out) in out.chunks_mut(PANEL).enumerate() {
                let Some(unit) = self.units.row(i, slab) else {
                    continue;
                };
                for (out, &u) in out.iter_mut().zip(unit) {
                    *out = (*out - radial * u) / norm;
                }
            }
        }
    }
}
