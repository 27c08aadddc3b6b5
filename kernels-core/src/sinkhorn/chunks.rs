//! How rows are shared out: into chunks that depend on the sizes alone, so that sums
//! are added in the same order by one thread and by many.

use core::marker::PhantomData;

use super::pass::{Chunk, ChunkSums, ChunkTask, Pass};
use super::series::Series;
use crate::Real;
use crate::panel::GROUP;
use crate::parallel::run_all;

/// Chunks at most, and so threads that can be used at most.
pub(super) const MAX_CHUNKS: usize = 16;
/// A chunk has at least this many rows: its column sums are reduced once for them all.
const MIN_ROWS: usize = 64;

/// Rows of each chunk but the last.
pub(super) fn chunk_rows(n: usize) -> usize {
    n.div_ceil(MAX_CHUNKS).max(MIN_ROWS).next_multiple_of(GROUP)
}

/// Number of chunks, from 1 to [`MAX_CHUNKS`].
pub(super) fn chunk_count(n: usize) -> usize {
    n.div_ceil(chunk_rows(n)).max(1)
}

/// Memory of the chunks: column sums, terms and tile for each.
#[derive(Debug)]
pub(super) struct ChunkMemory<'s, T> {
    pub(super) columns: &'s mut [T],
    pub(super) terms: &'s mut [T],
    pub(super) tiles: &'s mut [T],
}

impl<T: Real> ChunkMemory<'_, T> {
    /// Runs a pass over all rows; the sums over rows of all chunks are added in order.
    pub(super) fn run<S: Series>(
        &mut self,
        pass: &Pass<'_, T>,
        f: &[T],
        a: &[T],
        next_f: &mut [T],
    ) -> ChunkSums<T> {
        let (n, m) = (f.len(), pass.g.len());
        let size = chunk_rows(n);
        let count = chunk_count(n);
        let tile = self.tiles.len() / count;
        let mut sums = [ChunkSums::default(); MAX_CHUNKS];
        let memory = self
            .columns
            .chunks_exact_mut(m)
            .zip(self.terms.chunks_exact_mut(GROUP * m))
            .zip(Tiles {
                rest: self.tiles,
                tile,
            })
            .zip(sums.iter_mut());
        let rows = f
            .chunks(size)
            .zip(a.chunks(size))
            .zip(next_f.chunks_mut(size));
        let chunks = rows.zip(memory).enumerate();
        let tasks = chunks.map(
            |(k, (((f, a), next_f), (((columns, terms), tile), sums)))| ChunkTask::<T, S> {
                pass,
                chunk: Chunk {
                    first: k * size,
                    f,
                    a,
                    next_f,
                    columns,
                    terms,
                    tile,
                    sums,
                },
                series: PhantomData,
            },
        );
        run_all(tasks, n.saturating_mul(m));
        sums.iter()
            .fold(ChunkSums::default(), |total, chunk| ChunkSums {
                error: total.error + chunk.error,
                mass: total.mass + chunk.mass,
            })
    }
}

/// Cuts a slice into pieces of `tile` elements, also if that is zero, without end.
struct Tiles<'t, T> {
    rest: &'t mut [T],
    tile: usize,
}

impl<'t, T> Iterator for Tiles<'t, T> {
    type Item = &'t mut [T];

    fn next(&mut self) -> Option<Self::Item> {
        let rest = core::mem::take(&mut self.rest);
        let (tile, rest) = rest.split_at_mut_checked(self.tile)?;
        self.rest = rest;
        Some(tile)
    }
}
