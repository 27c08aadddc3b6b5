//! The terms of a feasible plan's value and of its gap, entry by entry; see `primal`.

use super::blocks::{MAX_BLOCKS, Round, Writes};
use super::coupling::{Part, Visitor};
use crate::Real;
use crate::level::Level;

/// `q log(q/p) − q + p`, not negative; `ln_p` is asked where p is small or has underflown.
#[inline(always)]
pub(super) fn relative_entropy<T: Real>(q: T, p: T, ln_p: impl FnOnce() -> T) -> T {
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

/// What rows and columns miss, if it has to be added.
pub(super) enum Lacking<'v, T> {
    Nothing,
    /// `p_i q_j / Σp`.
    Product(&'v [T], &'v [T], T),
    /// To permitted pairs in their order.
    InOrder(&'v mut [T], &'v mut [T]),
}

/// The scaled plan with its correction.
pub(super) struct Compare<'v, T> {
    /// f, g, a, b.
    pub(super) plan: (&'v [T], &'v [T], &'v [T], &'v [T]),
    pub(super) mass: T,
    /// Its logarithm, also where it has underflown.
    pub(super) ln_mass: T,
    pub(super) epsilon: T,
    pub(super) x: &'v [T],
    pub(super) y: &'v [T],
    pub(super) lacking: Lacking<'v, T>,
    /// `KL(P' | P)`, block by block.
    pub(super) gaps: [T; MAX_BLOCKS],
    /// `⟨P',C⟩ + ε KL(P' | a⊗b)`, likewise.
    pub(super) primals: [T; MAX_BLOCKS],
}

/// [`Compare`] of one block.
pub(super) struct ComparePart<'p, T> {
    plan: (&'p [T], &'p [T], &'p [T], &'p [T]),
    mass: T,
    ln_mass: T,
    epsilon: T,
    x: &'p [T],
    y: &'p [T],
    lacking: Lacking<'p, T>,
    gap: &'p mut T,
    primal: &'p mut T,
}

impl<T: Real> Visitor<T> for Compare<'_, T> {
    type Part<'p>
        = ComparePart<'p, T>
    where
        Self: 'p;

    fn writes(&self) -> Writes {
        match self.lacking {
            Lacking::InOrder(..) => Writes::InOrder,
            Lacking::Nothing | Lacking::Product(..) => Writes::Rows,
        }
    }

    fn parts(&mut self, round: Round) -> impl Iterator<Item = ComparePart<'_, T>> {
        let (f, g, a, b) = self.plan;
        let (x, y, mass, ln_mass, epsilon) =
            (self.x, self.y, self.mass, self.ln_mass, self.epsilon);
        let lacking = &mut self.lacking;
        let mut shared = None;
        let mut in_order = Lacking::Nothing;
        match lacking {
            Lacking::Nothing => {}
            Lacking::Product(rows, columns, total) => shared = Some((*rows, *columns, *total)),
            Lacking::InOrder(rows, columns) => in_order = Lacking::InOrder(rows, columns),
        }
        let totals = self.gaps.iter_mut().zip(&mut self.primals).enumerate();
        totals.map(move |(block, (gap, primal))| ComparePart {
            plan: (round.of_rows(f, 1, block), g, round.of_rows(a, 1, block), b),
            mass,
            ln_mass,
            epsilon,
            x: round.of_rows(x, 1, block),
            y,
            lacking: match shared {
                Some((rows, columns, total)) => {
                    Lacking::Product(round.of_rows(rows, 1, block), columns, total)
                }
                // There is one block.
                None => core::mem::replace(&mut in_order, Lacking::Nothing),
            },
            gap,
            primal,
        })
    }
}

impl<T: Real> Part<T> for ComparePart<'_, T> {
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
            let q = x * y * p + self.lacking.add(i, j);
            let ln_product = || a.ln() + b.ln() + self.ln_mass;
            let ln_p = || ln_product() + ((f - c) + g) / self.epsilon;
            gap += relative_entropy(q, p, ln_p);
            entropy += relative_entropy(q, product, ln_product);
            transport += q * c;
        }
        *self.gap += gap;
        *self.primal += transport + self.epsilon * entropy;
    }
}

impl<T: Real> Lacking<'_, T> {
    /// What the pair is given.
    #[inline(always)]
    fn add(&mut self, i: usize, j: usize) -> T {
        match self {
            Self::Nothing => T::zero(),
            Self::Product(rows, columns, total) => match rows.get(i).zip(columns.get(j)) {
                Some((&row, &column)) if *total > T::zero() => row * (column / *total),
                _ => T::zero(),
            },
            Self::InOrder(rows, columns) => match rows.get_mut(i).zip(columns.get_mut(j)) {
                Some((row, column)) => {
                    let moved = row.min(*column);
                    *row -= moved;
                    *column -= moved;
                    moved
                }
                None => T::zero(),
            },
        }
    }
}
