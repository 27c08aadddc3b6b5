//! Sums over the rows and columns of a coupling: products, marginals and what weights
//! are differentiated by.

use super::blocks::{Round, Writes};
use super::coupling::{Coupling, Part, Stream, Visitor};
use super::gradient::Constants;
use super::weights::Scale;
use crate::level::Level;
use crate::{Real, vector};

/// `rows_i = Σ_j Q_ij (s + t C_ij + k v_j)` and `columns_j = Σ_i Q_ij (s + t C_ij + k u_i)`.
pub(super) struct Sums<'v, T> {
    pub(super) s: T,
    pub(super) t: T,
    pub(super) k: T,
    pub(super) u: Option<&'v [T]>,
    pub(super) v: Option<&'v [T]>,
    pub(super) rows: Option<&'v mut [T]>,
    pub(super) columns: Option<&'v mut [T]>,
}

impl<'v, T: Real> Sums<'v, T> {
    /// The marginals: `Σ_j Q_ij` and `Σ_i Q_ij`, those that are wanted.
    pub(super) fn marginals(rows: Option<&'v mut [T]>, columns: Option<&'v mut [T]>) -> Self {
        Self {
            s: T::one(),
            t: T::zero(),
            k: T::zero(),
            u: None,
            v: None,
            rows,
            columns,
        }
    }

    /// Overwrites the sums with those of a coupling.
    pub(super) fn of(&mut self, coupling: &Coupling<'_, T>, stream: &mut Stream<'_, T>) {
        for sums in [&mut self.rows, &mut self.columns].into_iter().flatten() {
            sums.fill(T::zero());
        }
        stream.visit(coupling, self);
    }

    /// Writes the sums also of the rows and columns without weight, as if they had weight
    /// one each: the sums *over* the weights, `rows_i / a_i`, have a limit there. `ones`
    /// is scratch for n and m numbers.
    pub(super) fn complete(
        &mut self,
        coupling: &Coupling<'_, T>,
        stream: &mut Stream<'_, T>,
        constants: &Constants<T>,
        ones: (&mut [T], &mut [T]),
    ) {
        let columns = self.columns.take();
        if self.rows.is_some() && mark_zeros(coupling.a, ones.0) {
            let (a, scale) = (&*ones.0, Scale::of(T::one(), constants.mass.1));
            stream.visit(
                &Coupling {
                    a,
                    scale,
                    ..*coupling
                },
                self,
            );
        }
        self.columns = columns;
        let rows = self.rows.take();
        if self.columns.is_some() && mark_zeros(coupling.b, ones.1) {
            let (b, scale) = (&*ones.1, Scale::of(constants.mass.0, T::one()));
            stream.visit(
                &Coupling {
                    b,
                    scale,
                    ..*coupling
                },
                self,
            );
        }
        self.rows = rows;
    }
}

/// One where there is no weight, zero elsewhere; whether there is such an atom.
fn mark_zeros<T: Real>(weights: &[T], out: &mut [T]) -> bool {
    let mut some = false;
    for (slot, &weight) in out.iter_mut().zip(weights) {
        let zero = weight == T::zero();
        *slot = if zero { T::one() } else { T::zero() };
        some |= zero;
    }
    some
}

/// What a completed sum is divided by.
#[inline(always)]
pub(super) fn divisor<T: Real>(share: T, mass: T) -> T {
    if share == T::zero() {
        T::one()
    } else {
        share * mass
    }
}

impl<T: Real> Visitor<T> for Sums<'_, T> {
    type Part<'p>
        = SumsPart<'p, T>
    where
        Self: 'p;

    fn writes(&self) -> Writes {
        if self.columns.is_some() {
            Writes::Both
        } else {
            Writes::Rows
        }
    }

    fn parts(&mut self, round: Round) -> impl Iterator<Item = SumsPart<'_, T>> {
        let (s, t, k, u, v) = (self.s, self.t, self.k, self.u, self.v);
        let rows = round.rows_mut(self.rows.as_deref_mut().unwrap_or_default(), 1);
        let columns = round.columns_mut(self.columns.as_deref_mut().unwrap_or_default(), 1);
        let sums = rows.zip(columns).enumerate();
        sums.map(move |(block, (rows, columns))| SumsPart {
            s,
            t,
            k,
            u: u.map(|u| round.of_rows(u, 1, block)),
            v: v.map(|v| round.of_columns(v, 1, block)),
            rows,
            columns,
        })
    }
}

/// [`Sums`] of one block; a side that is not wanted is empty.
pub(super) struct SumsPart<'p, T> {
    s: T,
    t: T,
    k: T,
    u: Option<&'p [T]>,
    v: Option<&'p [T]>,
    rows: &'p mut [T],
    columns: &'p mut [T],
}

impl<T: Real> Part<T> for SumsPart<'_, T> {
    #[inline(always)]
    fn row<L: Level>(&mut self, i: usize, costs: &[T], masses: &[T]) {
        let (s, t, k) = (self.s, self.t, self.k);
        // A forbidden pair has no mass and an infinite cost.
        let term = |mass: T, cost: T, shift: T| {
            if mass == T::zero() {
                T::zero()
            } else {
                mass * (shift + t * cost)
            }
        };
        if let Some(slot) = self.rows.get_mut(i) {
            *slot += match self.v {
                Some(v) => vector::reduce3(masses, costs, v, |mass, cost, v| {
                    term(mass, cost, s + k * v)
                }),
                None => vector::reduce(masses, costs, |mass, cost| term(mass, cost, s)),
            };
        }
        let shift = self.u.and_then(|u| u.get(i)).map_or(s, |&u| s + k * u);
        let columns = self.columns.iter_mut();
        for (slot, (&mass, &cost)) in columns.zip(masses.iter().zip(costs)) {
            *slot += term(mass, cost, shift);
        }
    }
}
