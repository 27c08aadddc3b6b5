//! What the present potentials lead to: one pass over the costs, and the columns.

use core::marker::PhantomData;

use super::State;
use super::chunks::chunk_count;
use super::columns::{ColumnSoftMin, ColumnUpdate};
use super::pass::Pass;
use super::row::{Damping, RowRule, RowSums};
use super::series::{Direct, NearOne, Series};
use crate::level::dispatch;
use crate::{Error, Real, check, vector};

pub(super) const OPERATION: &str = "sinkhorn";

impl<T: Real> State<'_, T> {
    /// `1/(ε ln 2)`: exponents are powers of two.
    pub(super) fn rate(&self) -> T {
        T::of(core::f64::consts::LOG2_E) / self.epsilon
    }

    /// Whether exponents are small. Potentials that an iteration has made differ by at most
    /// the width of the cost; those that were given may differ by anything.
    fn near_one(&self) -> bool {
        let narrow = !self.range.masked && self.range.width < self.epsilon;
        narrow && (!self.fresh || self.spread_of_g() <= self.epsilon)
    }

    /// Largest less smallest g of the columns with mass.
    fn spread_of_g(&self) -> T {
        let columns = self.g.iter().zip(self.b.share.iter());
        let massive = columns.filter(|(_, b)| **b > T::zero());
        let (low, high) = massive.fold((T::infinity(), T::neg_infinity()), |range, (&g, _)| {
            (range.0.min(g), range.1.max(g))
        });
        high - low
    }

    /// What the present potentials lead to: `next_f`, `next_g` and the marginal error, by
    /// the stored kernel if that will do. Without `columns`, `next_g` stays what it is.
    pub(super) fn look_ahead(&mut self, columns: bool) -> Result<(), Error> {
        if self.look_ahead_by_kernel(columns)? {
            return Ok(());
        }
        self.look_ahead_by_costs(columns, true)
    }

    /// Looks ahead by the costs if the last look-ahead went by the stored kernel; tells
    /// whether it did. With `more` to come the kernel is replaced by that of the present
    /// potentials, at which the two agree.
    pub(super) fn confirm(&mut self, columns: bool, more: bool) -> Result<bool, Error> {
        let by_kernel = self.by_kernel;
        if by_kernel {
            self.look_ahead_by_costs(columns, more)?;
        }
        Ok(by_kernel)
    }

    fn rules(&self) -> (RowRule<T>, Damping<T>) {
        let damping_a = Damping::new(self.rho.0, self.epsilon, self.omega, self.b.log_mass);
        let damping_b = Damping::new(self.rho.1, self.epsilon, self.omega, self.a.log_mass);
        (RowRule::new(self.epsilon, damping_a), damping_b)
    }

    /// Tells whether it could be done.
    fn look_ahead_by_kernel(&mut self, columns: bool) -> Result<bool, Error> {
        let (rule, damping) = self.rules();
        if self.fresh || !self.kernel.prepare(self.g, self.b.share, rule.rate) {
            return Ok(false);
        }
        let sums = self.kernel.run(
            &rule,
            columns,
            self.f,
            self.a.share,
            self.next_f,
            self.memory.columns,
        );
        let update = ColumnUpdate {
            columns: self.memory.columns,
            g: self.g,
            base: self.kernel.g,
            b: self.b.share,
            next_g: self.next_g,
            epsilon: self.epsilon,
            damping,
            series: PhantomData::<Direct>,
        };
        if sums.distrusted > 0 || (columns && !dispatch(update)) {
            return Ok(false);
        }
        self.by_kernel = true;
        self.take_sums(&sums)?;
        self.check_columns(columns)?;
        Ok(true)
    }

    fn look_ahead_by_costs(&mut self, columns: bool, keep: bool) -> Result<(), Error> {
        self.by_kernel = false;
        if self.near_one() {
            self.pass::<NearOne>(columns, false)
        } else {
            self.pass::<Direct>(columns, keep && self.kernel.is_kept())
        }
    }

    /// One pass over the costs; its terms are stored if they are to be kept.
    fn pass<S: Series>(&mut self, columns: bool, keep: bool) -> Result<(), Error> {
        let (rule, damping) = self.rules();
        let g: &[T] = if self.b.some_zero {
            mask(self.b.share, self.g, self.masked)
        } else {
            self.g
        };
        let pass = Pass {
            rows: self.rows,
            g,
            b: self.b.share,
            rule,
            fresh: self.fresh,
            columns,
        };
        let kernel = keep.then_some(&mut self.kernel);
        let sums = self
            .memory
            .run::<S>(&pass, self.f, self.a.share, self.next_f, kernel);
        if keep {
            vector::copy(self.kernel.g, self.g);
            self.kernel.valid = true;
        }
        self.take_sums(&sums)?;
        if !columns {
            return Ok(());
        }
        let update = ColumnUpdate {
            columns: self.memory.columns,
            g: self.g,
            base: self.g,
            b: self.b.share,
            next_g: self.next_g,
            epsilon: self.epsilon,
            damping,
            series: PhantomData::<S>,
        };
        if !dispatch(update) {
            self.column_soft_min::<S>(true);
            let offset = self.epsilon * damping.log_mass;
            let columns = self.b.share.iter().zip(self.g.iter());
            let columns = columns.zip(self.memory.columns.iter());
            for (next, ((&b, &g), &soft_min)) in self.next_g.iter_mut().zip(columns) {
                if b > T::zero() {
                    *next = damping.next(g, soft_min - offset);
                }
            }
        }
        self.check_columns(columns)
    }

    /// Errors and masses from the sums over rows, and the row potentials of a pass.
    fn take_sums(&mut self, sums: &RowSums<T>) -> Result<(), Error> {
        self.marginal_error = self.a.mass * sums.error;
        self.mass = self.a.mass * sums.mass;
        if self.a.some_zero {
            // Without mass they act on nothing, so they need not lag behind g.
            let rows = self.f.iter_mut().zip(self.next_f.iter());
            for ((f, &next), &a) in rows.zip(self.a.share.iter()) {
                *f = if a > T::zero() { *f } else { next };
            }
        }
        check_room(
            self.a.share.iter().zip(self.next_f.iter()),
            "a row potential",
        )
    }

    fn check_columns(&self, updated: bool) -> Result<(), Error> {
        if !updated {
            return Ok(());
        }
        check_room(
            self.b.share.iter().zip(self.next_g.iter()),
            "a column potential",
        )
    }

    /// Soft minima of all columns by way of their maxima, for `next_f` or for f, where
    /// the column sums of the pass were.
    fn column_soft_min<S: Series>(&mut self, ahead: bool) {
        let m = self.g.len();
        let (epsilon, rate) = (self.epsilon, self.rate());
        let tile = self.memory.tiles.len() / chunk_count(self.f.len());
        dispatch(ColumnSoftMin {
            rows: &self.rows,
            f: if ahead { self.next_f } else { self.f },
            a: self.a.share,
            epsilon,
            rate,
            maxima: self.memory.terms.get_mut(..m).unwrap_or_default(),
            out: self.memory.columns.get_mut(..m).unwrap_or_default(),
            tile: self.memory.tiles.get_mut(..tile).unwrap_or_default(),
            series: PhantomData::<S>,
        });
    }

    /// Potentials of the columns without mass, which take no part in the iteration.
    pub(super) fn fill_zero_columns(&mut self) {
        self.soft_min_of_zero_columns(false);
        fill_zeros(self.b.share, self.memory.columns, self.g);
    }

    /// The same for the next potentials.
    pub(super) fn fill_zero_columns_ahead(&mut self) {
        self.soft_min_of_zero_columns(true);
        fill_zeros(self.b.share, self.memory.columns, self.next_g);
    }

    /// Writes what they should be to the start of the column sums.
    fn soft_min_of_zero_columns(&mut self, ahead: bool) {
        if self.near_one() {
            self.column_soft_min::<NearOne>(ahead);
        } else {
            self.column_soft_min::<Direct>(ahead);
        }
        let log_mass = self.a.log_mass;
        let damping = Damping::new(self.rho.1, self.epsilon, T::one(), log_mass);
        for (slot, &g) in self.memory.columns.iter_mut().zip(self.g.iter()) {
            *slot = damping.next(g, *slot - self.epsilon * log_mass);
        }
    }
}

fn fill_zeros<T: Real>(weights: &[T], values: &[T], out: &mut [T]) {
    for (slot, (&b, &value)) in out.iter_mut().zip(weights.iter().zip(values)) {
        if b == T::zero() {
            *slot = value;
        }
    }
}

/// Copies potentials, −∞ where the weight is zero.
pub(super) fn mask<'m, T: Real>(weights: &[T], potentials: &[T], out: &'m mut [T]) -> &'m [T] {
    for ((slot, &w), &p) in out.iter_mut().zip(weights).zip(potentials) {
        *slot = if w > T::zero() { p } else { T::neg_infinity() };
    }
    out
}

/// A pass adds and subtracts two potentials and two costs: near the largest number an
/// exponent would overflow to −∞ and its term be lost without a word.
pub(super) fn check_room<'v, T: Real>(
    mut pairs: impl Iterator<Item = (&'v T, &'v T)>,
    quantity: &'static str,
) -> Result<(), Error> {
    // NaN is out of range.
    let outside = |weight: T, p: T| weight > T::zero() && !(p.abs() <= check::room());
    match pairs.find(|(weight, potential)| outside(**weight, **potential)) {
        None => Ok(()),
        Some((_, potential)) => Err(Error::Overflow {
            operation: OPERATION,
            quantity,
            got: potential.wide(),
        }),
    }
}
