//! How the workspace is shared out, and the order in which pairs of blocks are taken.
//!
//! Rows come in panels of [`PANEL`], panels in at most [`MAX_BLOCKS`] blocks. The last
//! panel and the last slab of coordinates are filled up with zeros.
//!
//! **Rounds.** A pair of blocks {I, J} gives to the gradients of both. In round r the
//! pairs with `I + J ≡ r (mod B)` are taken: I determines J, so no block is in two
//! pairs of a round, and a round's pairs may run side by side. B rounds take every pair
//! once, {I, I} included, and what a block is given comes in the order of the rounds.

use core::ops::Range;

use crate::{Real, check};

/// Rows of a panel, and coordinates of a slab: a cache line of `f32`.
pub(super) const PANEL: usize = 16;

/// One number of each row of a panel, or [`PANEL`] coordinates of one row.
pub(super) type Lanes<T> = [T; PANEL];

/// A panel of rows with a panel of columns, or with a slab of coordinates.
pub(super) type Square<T> = [Lanes<T>; PANEL];

/// Blocks at most; half of it is the number of threads that can be used.
pub(super) const MAX_BLOCKS: usize = 32;
/// A block has at least this many panels, if there are as many: a round should take
/// longer than threads need to meet.
const MIN_PANELS: usize = 4;
/// Panels of rows and of columns whose terms are held together: 16 KiB of `f32`.
pub(super) const TILE: usize = 4;
/// Up to so many rows the terms of the first sweep are kept for the second, if the workspace
/// has room: the exponentials of the upper triangle, 2.1 MiB of `f32` at most.
const KEEP_ROWS: usize = 1024;

/// Sizes of a problem.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) dim: usize,
    /// Panels of rows.
    pub(super) panels: usize,
    /// Slabs of coordinates.
    pub(super) slabs: usize,
    /// Panels of a block; the last block may have fewer.
    pub(super) block: usize,
    pub(super) blocks: usize,
    /// Whether the second sweep finds the terms of the first.
    pub(super) keeps: bool,
}

impl Shape {
    pub(super) fn new(rows: usize, dim: usize) -> Self {
        let panels = rows.div_ceil(PANEL).max(1);
        let block = panels.div_ceil(MAX_BLOCKS).max(MIN_PANELS.min(panels));
        Self {
            rows,
            dim,
            panels,
            slabs: dim.div_ceil(PANEL),
            block,
            blocks: panels.div_ceil(block),
            keeps: rows <= KEEP_ROWS,
        }
    }

    /// The same, whose second sweep computes the terms again.
    pub(super) fn streaming(self) -> Self {
        Self {
            keeps: false,
            ..self
        }
    }

    /// Lanes of all rows, in slabs.
    pub(super) fn row_lanes(&self) -> usize {
        let per_panel = self.slabs.saturating_mul(PANEL);
        self.panels.saturating_mul(per_panel)
    }

    /// Lanes of all rows, by coordinates.
    pub(super) fn panel_lanes(&self) -> usize {
        self.panels.saturating_mul(self.dim)
    }

    /// Pairs of blocks, {I, I} included.
    fn pairs_len(&self) -> usize {
        self.blocks * (self.blocks + 1) / 2
    }

    /// Lanes of what the pairs add up: their row sums and their column sums.
    pub(super) fn sum_lanes(&self) -> usize {
        self.pairs_len().saturating_mul(self.block * 2)
    }

    /// Lanes of the terms of one tile, whose rows of squares are [`TILE`] apart.
    #[inline(always)]
    pub(super) fn tile(&self) -> usize {
        let side = self.block.min(TILE);
        ((side - 1) * TILE + side) * PANEL
    }

    /// Lanes of the terms of one pair that are in memory together.
    pub(super) fn pair_tiles(&self) -> usize {
        if self.keeps {
            self.block.div_ceil(TILE).pow(2) * self.tile()
        } else {
            self.tile()
        }
    }

    /// Lanes of all terms that are in memory together.
    fn tile_lanes(&self) -> usize {
        let pairs = if self.keeps {
            self.pairs_len()
        } else {
            self.blocks / 2 + 1
        };
        pairs * self.pair_tiles()
    }

    /// Panels of a block.
    pub(super) fn panels_of(&self, block: usize) -> Range<usize> {
        let start = block * self.block;
        start..self.panels.min(start + self.block)
    }

    /// The pairs `(I, J)`, `I ≤ J`, of one round.
    pub(super) fn round(&self, round: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let blocks = self.blocks;
        (0..blocks).filter_map(move |i| {
            let wrapped = if i > round { blocks } else { 0 };
            let j = wrapped + round - i;
            (i <= j).then_some((i, j))
        })
    }

    /// The pairs of all rounds.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let shape = *self;
        (0..shape.blocks).flat_map(move |round| shape.round(round))
    }

    /// The other view of row i's image.
    #[inline(always)]
    pub(super) fn partner(&self, i: usize) -> usize {
        let half = self.rows / 2;
        if i < half { i + half } else { i - half }
    }

    /// Whether some pairs of rows of two panels, `p ≤ q`, do not count as negatives.
    #[inline(always)]
    pub(super) fn is_special(&self, p: usize, q: usize) -> bool {
        let distance = (q - p) * PANEL;
        let partial = q + 1 == self.panels && !self.rows.is_multiple_of(PANEL);
        p == q || partial || distance.abs_diff(self.rows / 2) < PANEL
    }

    /// Sets what does not count to −∞, in the products of the rows from `first` on with
    /// panel `q`: a row with itself, with its other view, and what fills up a panel.
    #[inline(always)]
    pub(super) fn exclude<T: Real>(&self, first: usize, q: usize, products: &mut [Lanes<T>]) {
        let start = q * PANEL;
        for (i, products) in (first..).zip(products) {
            if i >= self.rows {
                products.fill(T::neg_infinity());
                continue;
            }
            for j in [i, self.partner(i)] {
                if let Some(product) = products.get_mut(j.wrapping_sub(start)) {
                    *product = T::neg_infinity();
                }
            }
            for product in products.iter_mut().skip(self.rows.saturating_sub(start)) {
                *product = T::neg_infinity();
            }
        }
    }
}

/// The workspace, cut up.
#[derive(Debug)]
pub(super) struct Memory<'w, T> {
    /// Unit rows: for each panel, coordinate by coordinate.
    pub(super) panels: &'w mut [Lanes<T>],
    /// Unit rows again: for each panel and slab of coordinates, row by row.
    pub(super) rows: &'w mut [Lanes<T>],
    /// Gradients with respect to the unit rows, as `rows`.
    pub(super) grads: &'w mut [Lanes<T>],
    /// What the pairs add up.
    pub(super) sums: &'w mut [Lanes<T>],
    /// Terms.
    pub(super) tiles: &'w mut [Lanes<T>],
    /// `‖z_i‖`.
    pub(super) norms: &'w mut [Lanes<T>],
    /// `u_i·u_π(i)`.
    pub(super) positives: &'w mut [Lanes<T>],
    /// What is subtracted from the products of a row before the exponential.
    pub(super) shifts: &'w mut [Lanes<T>],
    /// `Σ_j` of the negatives' terms, then what turns a term into a probability.
    pub(super) factors: &'w mut [Lanes<T>],
    /// `Σ_j p_ij` over the negatives.
    pub(super) masses: &'w mut [Lanes<T>],
    /// `ℓ_i`.
    pub(super) losses: &'w mut [Lanes<T>],
}

/// Bytes of a cache line, where vector loads should start.
const LINE: usize = 64;

impl<'w, T: Real> Memory<'w, T> {
    /// Elements of the workspace.
    pub(super) fn len(shape: &Shape) -> usize {
        let matrices = shape
            .panel_lanes()
            .saturating_add(shape.row_lanes().saturating_mul(2));
        let sums = shape.sum_lanes().saturating_add(shape.tile_lanes());
        matrices
            .saturating_add(sums)
            .saturating_add(shape.panels.saturating_mul(6))
            .saturating_mul(PANEL)
            .saturating_add(LINE / 4)
    }

    /// `workspace` has [`Memory::len`] elements.
    pub(super) fn new(shape: &Shape, workspace: &'w mut [T]) -> Self {
        // Where it starts changes no result.
        let skip = workspace.as_ptr().align_offset(LINE).min(LINE / 4);
        let aligned = workspace.get_mut(skip..).unwrap_or_default();
        let (mut rest, _) = aligned.as_chunks_mut::<PANEL>();
        let mut take = |lanes: usize| check::take(&mut rest, lanes);
        Self {
            panels: take(shape.panel_lanes()),
            rows: take(shape.row_lanes()),
            grads: take(shape.row_lanes()),
            sums: take(shape.sum_lanes()),
            tiles: take(shape.tile_lanes()),
            norms: take(shape.panels),
            positives: take(shape.panels),
            shifts: take(shape.panels),
            factors: take(shape.panels),
            masses: take(shape.panels),
            losses: take(shape.panels),
        }
    }
}
