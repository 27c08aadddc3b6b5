//! What the present potentials lead to: one pass over the costs, and the columns.

use core::marker::PhantomData;

use super::State;
use super::chunks::chunk_count;
use super::columns::{ColumnSoftMin, ColumnUpdate};
use super::pass::{Damping, Pass};
use super::series::{Direct, NearOne, Series};
use crate::level::dispatch;
use crate::{Error, Real, check};

pub(super) const OPERATION: &str = "sinkhorn";

impl<T: Real> State<'_, T> {
    /// `1/(ε ln 2)`: exponents are powers of two.
    pub(super) fn rate(&self) -> T {
        T::of(core::f64::consts::LOG2_E) / self.epsilon
    }

    fn near_one(&self) -> bool {
        !self.range.masked && self.range.width < self.epsilon
    }

    /// One pass; without `columns`, `next_g` stays what it is.
    pub(super) fn look_ahead(&mut self, columns: bool) -> Result<(), Error> {
        if self.near_one() {
            self.look_ahead_by::<NearOne>(columns)
        } else {
            self.look_ahead_by::<Direct>(columns)
        }
    }

    /// One pass: `next_f`, `next_g` and the marginal error of the present (f, g).
    fn look_ahead_by<S: Series>(&mut self, columns: bool) -> Result<(), Error> {
        let (damping_a, damping_b) = (
            Damping::new(self.rho.0, self.epsilon, self.omega, self.b.log_mass),
            Damping::new(self.rho.1, self.epsilon, self.omega, self.a.log_mass),
        );
        let rate = self.rate();
        let pass = Pass {
            rows: self.rows,
            g: if self.b.some_zero {
                mask(self.b.share, self.g, self.masked)
            } else {
                self.g
            },
            b: self.b.share,
            epsilon: self.epsilon,
            rate,
            damping: damping_a,
            fresh: self.fresh,
            columns,
        };
        let sums = self
            .memory
            .run::<S>(&pass, self.f, self.a.share, self.next_f);
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
        )?;
        if !columns {
            return Ok(());
        }
        let update = ColumnUpdate {
            columns: self.memory.columns,
            g: self.g,
            b: self.b.share,
            next_g: self.next_g,
            epsilon: self.epsilon,
            damping: damping_b,
            series: PhantomData::<S>,
        };
        if !dispatch(update) {
            self.column_soft_min::<S>(true);
            let offset = self.epsilon * damping_b.log_mass;
            let columns = self.b.share.iter().zip(self.g.iter());
            let columns = columns.zip(self.memory.columns.iter());
            for (next, ((&b, &g), &soft_min)) in self.next_g.iter_mut().zip(columns) {
                if b > T::zero() {
                    *next = damping_b.next(g, soft_min - offset);
                }
            }
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
        let (maxima, _) = self.memory.terms.split_at_mut(m);
        let (out, _) = self.memory.columns.split_at_mut(m);
        let (tile, _) = self.memory.tiles.split_at_mut(tile);
        dispatch(ColumnSoftMin {
            rows: &self.rows,
            f: if ahead { self.next_f } else { self.f },
            a: self.a.share,
            epsilon,
            rate,
            maxima,
            out,
            tile,
            series: PhantomData::<S>,
        });
    }

    /// Potentials of the columns without mass, which take no part in the iteration.
    pub(super) fn fill_zero_columns(&mut self) {
        let log_mass = self.a.log_mass;
        let damping = Damping::new(self.rho.1, self.epsilon, T::one(), log_mass);
        let epsilon = self.epsilon;
        if self.near_one() {
            self.column_soft_min::<NearOne>(false);
        } else {
            self.column_soft_min::<Direct>(false);
        }
        let columns = self.b.share.iter().zip(self.memory.columns.iter());
        for (g, (&b, &soft_min)) in self.g.iter_mut().zip(columns) {
            if b == T::zero() {
                *g = damping.next(*g, soft_min - epsilon * log_mass);
            }
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
