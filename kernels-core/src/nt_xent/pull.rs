//! The second sweep: the terms times the rows are the gradients.

use core::ops::Range;

use super::between::Pulls;
use super::layout::{Lanes, PANEL, Shape, TILE};
use super::pairs::Tile;
use super::sweep::Sweep;
use super::terms::Terms;
use super::tile::{add_columns, add_rows};
use crate::Real;
use crate::level::{Level, Task};

/// One pair of blocks of the second sweep.
pub(super) struct Pull<'t, 's, T, K> {
    pub(super) sweep: &'t Sweep<'s, T, K>,
    pub(super) factors: &'t [Lanes<T>],
    pub(super) first: Range<usize>,
    pub(super) second: Range<usize>,
    pub(super) first_grads: &'t mut [Lanes<T>],
    /// Empty if both blocks are the same.
    pub(super) second_grads: &'t mut [Lanes<T>],
    pub(super) tile: &'t mut [Lanes<T>],
    pub(super) kept: bool,
    /// Those of another loss, to be added.
    pub(super) pulls: Option<Pulls<'t, T>>,
}

impl<T: Real, K: Terms> Task for Pull<'_, '_, T, K> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(mut self) {
        let memory = core::mem::take(&mut self.tile);
        let lanes = self.sweep.units.shape.tile();
        let step = if self.kept { lanes } else { 0 };
        for (k, tile) in Tile::all(&self.first, &self.second).enumerate() {
            let Some(terms) = memory.get_mut(k * step..k * step + lanes) else {
                break;
            };
            self.pulls::<L>(&tile, terms);
            self.pull_rows::<L>(&tile, terms);
            self.pull_columns::<L>(&tile, terms);
        }
    }
}

impl<T: Real, K: Terms> Pull<'_, '_, T, K> {
    /// `factor_i term_ij + factor_j term_ji`, and other pulls, for one tile.
    #[inline(always)]
    fn pulls<L: Level>(&self, tile: &Tile, terms: &mut [Lanes<T>]) {
        for p in tile.rows.clone() {
            for q in tile.columns_of(p) {
                let terms = terms.get_mut(tile.place(p, q)).unwrap_or_default();
                if self.kept {
                    self.weigh(p, q, terms);
                } else {
                    self.compute::<L>(p, q, terms);
                }
                if let Some(pulls) = &self.pulls {
                    pulls.add::<L>(p, q, terms);
                }
            }
        }
    }

    /// From terms that were kept.
    #[inline(always)]
    fn weigh(&self, p: usize, q: usize, out: &mut [Lanes<T>]) {
        let (Some(of_rows), Some(of_columns)) = (self.factors.get(p), self.factors.get(q)) else {
            return;
        };
        // A copy, so that the compiler need not fear that it changes with `out`.
        let of_columns = *of_columns;
        for (out, &of_row) in out.iter_mut().zip(of_rows) {
            let mut pulls = *out;
            for (pull, &of_column) in pulls.iter_mut().zip(&of_columns) {
                *pull *= of_row + of_column;
            }
            *out = pulls;
        }
    }

    /// From the rows.
    #[inline(always)]
    fn compute<L: Level>(&self, p: usize, q: usize, out: &mut [Lanes<T>]) {
        let sweep = self.sweep;
        let products = sweep.products::<L>(p, q, |_| ());
        let sides = |p: usize| sweep.shifts.get(p).zip(self.factors.get(p));
        let (Some(of_rows), Some((shifts, of_columns))) = (sides(p), sides(q)) else {
            return;
        };
        let of_columns = *of_columns;
        let rows = products.iter().zip(of_rows.0).zip(of_rows.1);
        for (((products, &shift), &of_row), out) in rows.zip(out) {
            let (row, column) = K::of::<L, T>(products, shift, shifts, sweep.rate);
            let mut pulls = [T::zero(); PANEL];
            let terms = row.iter().zip(&column).zip(&of_columns);
            for (pull, ((&a, &b), &of_column)) in pulls.iter_mut().zip(terms) {
                *pull = L::mul_add(a, of_row, b * of_column);
            }
            *out = pulls;
        }
    }

    /// Adds a tile's share to the gradients of its rows.
    #[inline(always)]
    fn pull_rows<L: Level>(&mut self, tile: &Tile, terms: &[Lanes<T>]) {
        let units = &self.sweep.units;
        let shape: &Shape = &units.shape;
        let (squares, _) = terms.as_chunks::<PANEL>();
        let (grads, _) = self.first_grads.as_chunks_mut::<PANEL>();
        for p in tile.rows.clone() {
            let start = (p - self.first.start) * shape.slabs;
            let grads = grads.get_mut(start..start + shape.slabs);
            let columns = tile.columns_of(p);
            let first = tile.square(p, columns.start);
            let terms = squares
                .get(first..first + columns.len())
                .unwrap_or_default();
            for (slab, grads) in grads.unwrap_or_default().iter_mut().enumerate() {
                let pieces = terms.iter().zip(units.slabs(columns.start, slab));
                add_rows::<L, T>(pieces, grads);
            }
        }
    }

    /// Adds a tile's share to the gradients of its columns, but for the panels on the
    /// diagonal, whose terms below it are in the tile too.
    #[inline(always)]
    fn pull_columns<L: Level>(&mut self, tile: &Tile, terms: &[Lanes<T>]) {
        let units = &self.sweep.units;
        let shape: &Shape = &units.shape;
        let (grads, first) = if self.second_grads.is_empty() {
            (&mut *self.first_grads, self.first.start)
        } else {
            (&mut *self.second_grads, self.second.start)
        };
        let (squares, _) = terms.as_chunks::<PANEL>();
        let (grads, _) = grads.as_chunks_mut::<PANEL>();
        for q in tile.columns.clone() {
            let start = (q - first) * shape.slabs;
            let grads = grads.get_mut(start..start + shape.slabs);
            let rows = tile.rows_of(q);
            let terms = squares
                .get(tile.square(rows.start, q)..)
                .unwrap_or_default();
            let terms = terms.iter().step_by(TILE).take(rows.len());
            for (slab, grads) in grads.unwrap_or_default().iter_mut().enumerate() {
                let pieces = terms.clone().zip(units.slabs(rows.start, slab));
                let pieces = pieces.map(|(terms, rows)| (terms.as_slice(), rows.as_slice()));
                add_columns::<L, T>(pieces, grads);
            }
        }
    }
}
