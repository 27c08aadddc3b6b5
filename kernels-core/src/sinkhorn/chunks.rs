//! How rows are shared out: into chunks that depend on the sizes alone, so that sums
//! are added in the same order by one thread and by many.

use core::marker::PhantomData;

use super::pass::{Chunk, ChunkTask, Pass};
use super::row::RowSums;
use super::series::Series;
use super::stored::StoredKernel;
use crate::Real;
use crate::panel::GROUP;
use crate::parallel::{Pieces, run_all};

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
    /// The terms are kept in `kernel`, if one is given.
    pub(super) fn run<S: Series>(
        &mut self,
        pass: &Pass<'_, T>,
        f: &[T],
        a: &[T],
        next_f: &mut [T],
        kernel: Option<&mut StoredKernel<'_, T>>,
    ) -> RowSums<T> {
        let (n, m) = (f.len(), pass.g.len());
        let size = chunk_rows(n);
        let count = chunk_count(n);
        let tile = self.tiles.len() / count;
        let mut sums = [RowSums::default(); MAX_CHUNKS];
        let (terms, shifts) = match kernel {
            Some(kernel) => (
                Pieces::new(kernel.entries, size * m),
                Pieces::new(kernel.f, size),
            ),
            None => (Pieces::new(self.terms, GROUP * m), Pieces::new(&mut [], 0)),
        };
        let memory = Pieces::new(self.columns, m)
            .zip(terms.zip(shifts))
            .zip(Pieces::new(self.tiles, tile))
            .zip(sums.iter_mut());
        let rows = Pieces::new(next_f, size)
            .zip(f.chunks(size))
            .zip(a.chunks(size));
        let chunks = rows.zip(memory).enumerate();
        let tasks =
            chunks.map(
                |(k, (((next_f, f), a), (((columns, (terms, shifts)), tile), sums)))| ChunkTask::<
                    T,
                    S,
                > {
                    pass,
                    chunk: Chunk {
                        first: k * size,
                        f,
                        a,
                        next_f,
                        columns,
                        terms,
                        shifts,
                        tile,
                        sums,
                    },
                    series: PhantomData,
                },
            );
        run_all(tasks, n.saturating_mul(m));
        sums.into_iter().fold(RowSums::default(), RowSums::plus)
    }
}
