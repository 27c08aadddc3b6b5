//! The two sweeps over the pairs of rows: what the rows sum to, and the gradients.
//!
//! Both compute a tile of products `u_i·u_j` for `i ≤ j` only: it serves row i and
//! row j. A tile is up to [`TILE`] panels of rows by as many of columns.

use core::marker::PhantomData;

use super::between::{CostBlock, Pulls};
use super::layout::{Lanes, MAX_BLOCKS, PANEL, Square};
use super::pull::Pull;
use super::reduce::Reduce;
use super::terms::Terms;
use super::tile::add_columns;
use super::units::Units;
use crate::level::Level;
use crate::parallel::run_all;
use crate::{Real, check};

/// What blocks of rows own, until a pair of blocks takes it.
type Blocks<'b, E> = [Option<&'b mut [E]>; MAX_BLOCKS];

/// What all tiles of a sweep share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sweep<'s, T, K> {
    pub(super) units: Units<'s, T>,
    /// For each row, what is subtracted from its products.
    pub(super) shifts: &'s [Lanes<T>],
    /// `1/(τ ln 2)`.
    pub(super) rate: T,
    pub(super) terms: PhantomData<K>,
}

impl<'s, T: Real, K: Terms> Sweep<'s, T, K> {
    /// Reduces the terms of every row, into `totals`. `sums` is memory; the terms are
    /// written to `tiles`, if there are any, and the costs between the views to `costs`.
    pub(super) fn reduce(
        &self,
        totals: &mut [Lanes<T>],
        sums: &mut [Lanes<T>],
        mut tiles: &mut [Lanes<T>],
        costs: &mut [T],
    ) {
        let shape = &self.units.shape;
        let tile = if tiles.is_empty() {
            0
        } else {
            shape.pair_tiles()
        };
        let pair = (2 * shape.block).max(1);
        let mut memory = sums.chunks_exact_mut(pair);
        let mut room = || {
            let sums = memory.next().unwrap_or_default();
            (sums, check::take(&mut tiles, tile))
        };
        if costs.is_empty() {
            let tasks = shape.pairs();
            let tasks = tasks.map(|pair| self.reduction(pair, room(), &mut []));
            run_all(tasks, self.work());
        } else {
            // The costs of a row belong to one task at a time.
            let rows = shape.block * PANEL * (shape.rows / 2);
            for round in 0..shape.blocks {
                let mut blocks: Blocks<'_, T> = [const { None }; MAX_BLOCKS];
                for (slot, costs) in blocks.iter_mut().zip(costs.chunks_mut(rows.max(1))) {
                    *slot = Some(costs);
                }
                let tasks = shape.round(round).map(|(i, j)| {
                    let costs = blocks.get_mut(i).and_then(Option::take);
                    self.reduction((i, j), room(), costs.unwrap_or_default())
                });
                run_all(tasks, self.work() / shape.blocks);
            }
        }
        totals.fill([K::identity(); PANEL]);
        let pairs = shape.pairs().zip(sums.chunks_exact(pair));
        for ((i, j), sums) in pairs {
            let (of_rows, of_columns) = sums.split_at(shape.block.min(sums.len()));
            for (block, sums) in [(i, of_rows), (j, of_columns)] {
                let totals = totals.get_mut(shape.panels_of(block)).unwrap_or_default();
                let totals = totals.as_flattened_mut();
                for (total, &sum) in totals.iter_mut().zip(sums.as_flattened()) {
                    *total = K::combine(*total, sum);
                }
            }
        }
    }

    /// The task of one pair of blocks, with memory for its sums and its terms.
    fn reduction<'t>(
        &'t self,
        (i, j): (usize, usize),
        (sums, kept): (&'t mut [Lanes<T>], &'t mut [Lanes<T>]),
        costs: &'t mut [T],
    ) -> Reduce<'t, 's, T, K> {
        let shape = &self.units.shape;
        Reduce {
            sweep: self,
            first: shape.panels_of(i),
            second: shape.panels_of(j),
            sums,
            kept,
            costs: CostBlock {
                out: costs,
                first: i * shape.block * PANEL,
                n: shape.rows / 2,
            },
        }
    }

    /// `grad_i = Σ_j (factor_i term_ij + factor_j term_ji + pulls_ij) u_j`. `tiles` holds the
    /// terms if the first sweep has kept them, and is memory otherwise.
    pub(super) fn gradients(
        &self,
        factors: &[Lanes<T>],
        kept: bool,
        pulls: Option<Pulls<'_, T>>,
        grads: &mut [Lanes<T>],
        tiles: &mut [Lanes<T>],
    ) {
        let shape = &self.units.shape;
        grads.fill([T::zero(); PANEL]);
        let mut start = 0;
        for round in 0..shape.blocks {
            let mut blocks: Blocks<'_, Lanes<T>> = [const { None }; MAX_BLOCKS];
            let block_lanes = shape.block * shape.slabs * PANEL;
            for (slot, grads) in blocks.iter_mut().zip(grads.chunks_mut(block_lanes.max(1))) {
                *slot = Some(grads);
            }
            if !kept {
                start = 0;
            }
            let mut count = 0;
            let tiles = tiles.get_mut(start..).unwrap_or_default();
            let tiles = tiles.chunks_exact_mut(shape.pair_tiles().max(1));
            let tasks = shape.round(round).zip(tiles).map(|((i, j), tile)| {
                count += 1;
                let mut take = |block: usize| {
                    let slot = blocks.get_mut(block);
                    slot.and_then(Option::take).unwrap_or_default()
                };
                Pull {
                    sweep: self,
                    factors,
                    first: shape.panels_of(i),
                    second: shape.panels_of(j),
                    first_grads: take(i),
                    second_grads: take(j),
                    tile,
                    kept,
                    pulls,
                }
            });
            run_all(tasks, self.work() / shape.blocks);
            start += count * shape.pair_tiles();
        }
    }

    /// Multiplications of a sweep, or so.
    fn work(&self) -> usize {
        let shape = &self.units.shape;
        shape
            .rows
            .saturating_mul(shape.rows)
            .saturating_mul(shape.dim)
            / 2
    }

    /// The products of the rows of two panels; −∞ where they do not count. All of them are
    /// shown to `look` before.
    #[inline(always)]
    pub(super) fn products<L: Level>(
        &self,
        p: usize,
        q: usize,
        look: impl FnOnce(&Square<T>),
    ) -> Square<T> {
        let (units, shape) = (&self.units, &self.units.shape);
        let mut products = [[T::zero(); PANEL]; PANEL];
        let pieces = core::iter::once((units.panel(p), units.panel(q)));
        add_columns::<L, T>(pieces, &mut products);
        look(&products);
        if shape.is_special(p, q) {
            shape.exclude(p * PANEL, q, &mut products);
        }
        products
    }
}
