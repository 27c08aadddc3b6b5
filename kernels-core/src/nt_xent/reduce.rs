//! The first sweep: what the terms of each row sum to.

use core::ops::Range;

use super::between::CostBlock;
use super::layout::{Lanes, PANEL};
use super::pairs::Tile;
use super::sweep::Sweep;
use super::terms::Terms;
use super::tile::fold;
use crate::Real;
use crate::level::{Level, Task};

/// One pair of blocks of the first sweep.
pub(super) struct Reduce<'t, 's, T, K> {
    pub(super) sweep: &'t Sweep<'s, T, K>,
    pub(super) first: Range<usize>,
    pub(super) second: Range<usize>,
    /// Of the first block's rows, then of the second's.
    pub(super) sums: &'t mut [Lanes<T>],
    /// Room for the terms, or nothing.
    pub(super) kept: &'t mut [Lanes<T>],
    /// Room for the costs of the first block's rows, or nothing.
    pub(super) costs: CostBlock<'t, T>,
}

impl<T: Real, K: Terms> Task for Reduce<'_, '_, T, K> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(self) {
        let Self {
            sweep,
            first,
            second,
            sums,
            kept,
            mut costs,
        } = self;
        sums.fill([K::identity(); PANEL]);
        let (of_rows, of_columns) = sums.split_at_mut(sums.len() / 2);
        let mut memory = kept.chunks_exact_mut(sweep.units.shape.tile().max(1));
        for tile in Tile::all(&first, &second) {
            let kept = memory.next().unwrap_or_default();
            for p in tile.rows.clone() {
                let Some(shifts_of_rows) = sweep.shifts.get(p) else {
                    continue;
                };
                let mut across = [[K::identity::<T>(); PANEL]; PANEL];
                for q in tile.columns_of(p) {
                    let products =
                        sweep.products::<L>(p, q, |products| costs.write(p, q, products));
                    let Some(shifts) = sweep.shifts.get(q) else {
                        continue;
                    };
                    let mut down = [K::identity::<T>(); PANEL];
                    let mut kept = kept
                        .get_mut(tile.place(p, q))
                        .unwrap_or_default()
                        .iter_mut();
                    let rows = products.iter().zip(shifts_of_rows);
                    for ((products, &shift), across) in rows.zip(&mut across) {
                        let (row, column) = K::of::<L, T>(products, shift, shifts, sweep.rate);
                        combine_all::<T, K>(across, &row);
                        combine_all::<T, K>(&mut down, &column);
                        if let Some(slot) = kept.next() {
                            *slot = row;
                        }
                    }
                    if p != q
                        && let Some(totals) = of_columns.get_mut(q - second.start)
                    {
                        combine_all::<T, K>(totals, &down);
                    }
                }
                if let Some(totals) = of_rows.get_mut(p - first.start) {
                    for (total, terms) in totals.iter_mut().zip(&across) {
                        *total = K::combine(*total, fold(terms, K::combine));
                    }
                }
            }
        }
    }
}

/// Lane by lane.
#[inline(always)]
fn combine_all<T: Real, K: Terms>(totals: &mut Lanes<T>, terms: &Lanes<T>) {
    for (total, &term) in totals.iter_mut().zip(terms) {
        *total = K::combine(*total, term);
    }
}
