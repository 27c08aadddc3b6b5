//! How the pairs of a sweep are shared out to threads that write for rows and for columns.
//!
//! Rows are cut into B blocks and columns into as many. In round r, row block k meets
//! column block `k + r (mod B)`: no two pairs of blocks of a round have a row or a column in
//! common, so each owns what it writes, and B rounds meet every pair of blocks once. What a row
//! or a column is given comes in the order of the rounds, which depends on the sizes alone.
//! (A Latin square, as for matrix factorisation by Gemulla et al. 2011, and as the tiles of
//! NT-Xent.) Nothing is computed twice, and there is no memory for partial sums.

use core::ops::Range;

use super::chunks::{MAX_CHUNKS, chunk_count};
use crate::panel::{GROUP, PANEL};
use crate::parallel::Pieces;

/// What a sweep writes for, and so how its pairs may be shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Writes {
    /// Rows: one round, in which every row block meets all columns.
    Rows,
    /// Rows and columns.
    Both,
    /// Something that each pair changes for the next: one block.
    InOrder,
}

/// Blocks at most, and so threads that can be used at most.
pub(super) const MAX_BLOCKS: usize = MAX_CHUNKS;

/// One round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    /// Row blocks.
    pub(super) blocks: usize,
    pub(super) round: usize,
    /// Rows of a block.
    rows: usize,
    /// Columns of a block; the last ones may have fewer, or none.
    columns: usize,
    m: usize,
    /// Whether a block meets all columns.
    whole: bool,
}

impl Round {
    /// The rounds of a sweep over n × m pairs.
    pub(super) fn all(writes: Writes, n: usize, m: usize) -> impl Iterator<Item = Self> + use<> {
        let blocks = match writes {
            Writes::Rows => chunk_count(n),
            Writes::Both => chunk_count(n).min(chunk_count(m)),
            Writes::InOrder => 1,
        };
        let whole = writes != Writes::Both || blocks == 1;
        let rows = n.div_ceil(blocks).next_multiple_of(GROUP);
        let columns = m.div_ceil(blocks).next_multiple_of(PANEL);
        (0..if whole { 1 } else { blocks }).map(move |round| Self {
            blocks,
            round,
            rows,
            columns: if whole { m } else { columns },
            m,
            whole,
        })
    }

    /// The first row of a block.
    pub(super) fn first_row(&self, block: usize) -> usize {
        block * self.rows
    }

    /// The columns that a row block meets.
    pub(super) fn columns(&self, block: usize) -> Range<usize> {
        if self.whole {
            return 0..self.m;
        }
        let turned = block + self.round;
        let wrapped = if turned < self.blocks { 0 } else { self.blocks };
        let start = (turned - wrapped) * self.columns;
        start.min(self.m)..self.m.min(start + self.columns)
    }

    /// Columns of all blocks.
    pub(super) fn all_columns(&self) -> usize {
        self.m
    }

    /// Room for one number in each column that a block can meet.
    pub(super) fn width(&self) -> usize {
        self.columns
    }

    /// What a row block finds in a slice with `width` numbers for each row.
    pub(super) fn of_rows<'s, T>(&self, slice: &'s [T], width: usize, block: usize) -> &'s [T] {
        let start = (self.first_row(block) * width).min(slice.len());
        let end = slice.len().min(start + self.rows * width);
        slice.get(start..end).unwrap_or_default()
    }

    /// What it finds in a slice with `width` numbers for each column.
    pub(super) fn of_columns<'s, T>(&self, slice: &'s [T], width: usize, block: usize) -> &'s [T] {
        let columns = self.columns(block);
        let range = columns.start * width..columns.end * width;
        slice.get(range).unwrap_or_default()
    }

    /// For each row block its part of a slice with `width` numbers for each row.
    pub(super) fn rows_mut<'s, T>(&self, slice: &'s mut [T], width: usize) -> Pieces<'s, T> {
        Pieces::new(slice, self.rows * width)
    }

    /// For each row block its part of a slice with `width` numbers for each column. Only
    /// where columns are written.
    pub(super) fn columns_mut<'s, T>(
        &self,
        slice: &'s mut [T],
        width: usize,
    ) -> impl Iterator<Item = &'s mut [T]> + use<'s, T> {
        let size = self.columns * width;
        let (head, tail) = slice.split_at_mut((self.round * size).min(slice.len()));
        let last = Pieces::new(tail, size).take(self.blocks - self.round);
        last.chain(Pieces::new(head, size).take(self.round))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec;
    use std::vec::Vec;

    /// Every pair of a row and a column is met once, by a block that owns both.
    #[test]
    fn every_pair_is_met_once() {
        for (n, m) in [
            (1, 1),
            (64, 64),
            (65, 300),
            (300, 65),
            (1000, 700),
            (1025, 1025),
        ] {
            for writes in [Writes::Rows, Writes::Both, Writes::InOrder] {
                let mut met = vec![0; n * m];
                for round in Round::all(writes, n, m) {
                    let (mut rows, mut columns) = (vec![0; n * 2], vec![0; m * 3]);
                    let of_rows = round.rows_mut(&mut rows, 2).take(round.blocks);
                    let of_columns: Vec<_> = match writes {
                        Writes::Rows => Vec::new(),
                        _ => round.columns_mut(&mut columns, 3).collect(),
                    };
                    let mut of_columns = of_columns.into_iter();
                    for (k, rows) in of_rows.enumerate() {
                        let meets = round.columns(k);
                        assert!(meets.len() <= round.width());
                        let indices: Vec<usize> = (0..n).collect();
                        let mine = round.of_rows(&indices, 1, k);
                        // Three numbers for each column, two for each row.
                        let triples: Vec<usize> = (0..3 * m).collect();
                        let theirs = round.of_columns(&triples, 3, k);
                        assert_eq!(theirs.len(), 3 * meets.len());
                        assert!(theirs.first().is_none_or(|&first| first == 3 * meets.start));
                        let doubles: Vec<usize> = (0..2 * n).collect();
                        assert_eq!(round.of_rows(&doubles, 2, k).len(), 2 * mine.len());
                        assert_eq!(rows.len(), 2 * mine.len());
                        assert_eq!(
                            mine.first().copied().unwrap_or(round.first_row(k)),
                            round.first_row(k)
                        );
                        if writes != Writes::Rows {
                            let columns = of_columns.next().expect("as many as row blocks");
                            assert_eq!(columns.len(), 3 * meets.len(), "{n} {m} {k}");
                            columns.iter_mut().for_each(|mark| *mark += 1);
                        }
                        rows.iter_mut().for_each(|mark| *mark += 1);
                        for &i in mine {
                            meets.clone().for_each(|j| met[i * m + j] += 1);
                        }
                    }
                    assert!(rows.iter().all(|&marks| marks == 1));
                    assert!(writes == Writes::Rows || columns.iter().all(|&marks| marks == 1));
                }
                assert!(met.iter().all(|&times| times == 1), "{writes:?} {n} {m}");
            }
        }
    }

    /// Columns are marked where they are: the rotation is that of `columns`.
    #[test]
    fn rotated_columns_are_the_ones_met() {
        let m = 700;
        for round in Round::all(Writes::Both, 1000, m) {
            let mut columns: Vec<usize> = (0..m).collect();
            let parts = round.columns_mut(&mut columns, 1);
            for (k, part) in parts.take(round.blocks).enumerate() {
                assert_eq!(part.to_vec(), round.columns(k).collect::<Vec<_>>());
            }
        }
    }
}
