//! What else may be done with the products of all pairs: the transport term of SinSim finds
//! the costs between the views among them, and its plan pulls rows as the negatives do.

use super::layout::{Lanes, PANEL, Square};
use crate::level::Level;
use crate::{Error, Real};

/// A second loss of the same unit rows, computed between the two sweeps.
pub(crate) trait Between<'w, T>: Send {
    /// Room for the costs between the views, `1 − u_i·u_(N+j)`, N × N; empty if they are not
    /// wanted.
    fn costs(&mut self) -> &mut [T];

    /// Its pulls, once the costs are there.
    ///
    /// # Errors
    /// Its own.
    fn pulls(self) -> Result<Option<Pulls<'w, T>>, Error>;
}

/// None.
pub(super) struct Nothing;

impl<'w, T: 'w> Between<'w, T> for Nothing {
    fn costs(&mut self) -> &mut [T] {
        &mut []
    }

    fn pulls(self) -> Result<Option<Pulls<'w, T>>, Error> {
        Ok(None)
    }
}

/// How much row i of view A and row j of view B pull each other: `factor · entries_ij` is
/// added to the gradient of either with respect to the other, in units of `1/(2Nτ)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pulls<'p, T> {
    /// N × N.
    pub(crate) entries: &'p [T],
    pub(crate) n: usize,
    pub(crate) factor: T,
}

impl<T: Real> Pulls<'_, T> {
    /// Adds those of the rows of two panels, `p ≤ q`.
    #[inline(always)]
    pub(super) fn add<L: Level>(&self, p: usize, q: usize, out: &mut [Lanes<T>]) {
        let (n, rows, columns) = (self.n, p * PANEL, q * PANEL);
        if columns + PANEL <= n || rows >= n {
            // Two panels of one view.
            return;
        }
        if rows + PANEL <= n && columns >= n && columns + PANEL <= 2 * n {
            for (i, out) in (rows..).zip(out) {
                let start = i * n + columns - n;
                let entries = self.entries.get(start..).unwrap_or_default();
                for (slot, &entry) in out.iter_mut().zip(entries) {
                    *slot = L::mul_add(self.factor, entry, *slot);
                }
            }
            return;
        }
        // A panel where one view ends.
        for (i, out) in (rows..).zip(out) {
            for (j, slot) in (columns..).zip(out) {
                let (low, high) = (i.min(j), i.max(j));
                if low < n && (n..2 * n).contains(&high) {
                    let entry = self.entries.get(low * n + high - n);
                    *slot += self.factor * entry.copied().unwrap_or(T::zero());
                }
            }
        }
    }
}

/// The rows of the cost matrix that one block of rows has.
pub(super) struct CostBlock<'c, T> {
    /// Whole rows, of those in view A.
    pub(super) out: &'c mut [T],
    /// The row that they begin with.
    pub(super) first: usize,
    pub(super) n: usize,
}

impl<T: Real> CostBlock<'_, T> {
    /// Takes the costs from the products of two panels, `p ≤ q`.
    #[inline(always)]
    pub(super) fn write(&mut self, p: usize, q: usize, products: &Square<T>) {
        let (n, columns) = (self.n, q * PANEL);
        if self.out.is_empty() || columns + PANEL <= n {
            return;
        }
        let skip = n.saturating_sub(columns);
        let start = (columns + skip).saturating_sub(n);
        let rows = self.out.chunks_exact_mut(n.max(1));
        let rows = rows.skip((p * PANEL).saturating_sub(self.first));
        for (row, products) in rows.zip(products) {
            let row = row.get_mut(start..).unwrap_or_default();
            for (slot, &product) in row.iter_mut().zip(products.iter().skip(skip)) {
                // Not negative, however rounded.
                let cost = T::one() - product;
                *slot = if cost > T::zero() { cost } else { T::zero() };
            }
        }
    }
}
