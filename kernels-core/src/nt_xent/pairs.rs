//! The tiles of a pair of blocks.

use core::ops::Range;

use super::layout::{PANEL, TILE};

/// A tile: panels of rows and panels of columns. Where they overlap, only the panels on
/// and above the diagonal count.
#[derive(Clone, Debug)]
pub(super) struct Tile {
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
}

impl Tile {
    /// The tiles of a pair of blocks.
    #[inline(always)]
    pub(super) fn all(
        first: &Range<usize>,
        second: &Range<usize>,
    ) -> impl Iterator<Item = Self> + use<> {
        let (first, second) = (first.clone(), second.clone());
        let part = |whole: &Range<usize>, start| start..whole.end.min(start + TILE);
        first.clone().step_by(TILE).flat_map(move |p| {
            let (rows, second) = (part(&first, p), second.clone());
            let starts = second.clone().step_by(TILE);
            starts.filter(move |&q| q >= p).map(move |q| Self {
                rows: rows.clone(),
                columns: part(&second, q),
            })
        })
    }

    /// The columns that count for row panel p.
    #[inline(always)]
    pub(super) fn columns_of(&self, p: usize) -> Range<usize> {
        self.columns.start.max(p)..self.columns.end
    }

    /// The rows that a column panel has a share of as a column.
    #[inline(always)]
    pub(super) fn rows_of(&self, q: usize) -> Range<usize> {
        self.rows.start..self.rows.end.min(q)
    }

    /// Which of the tile's squares belongs to two panels.
    #[inline(always)]
    pub(super) fn square(&self, p: usize, q: usize) -> usize {
        (p - self.rows.start) * TILE + (q - self.columns.start)
    }

    /// Where its terms are.
    #[inline(always)]
    pub(super) fn place(&self, p: usize, q: usize) -> Range<usize> {
        let start = self.square(p, q) * PANEL;
        start..start + PANEL
    }
}
