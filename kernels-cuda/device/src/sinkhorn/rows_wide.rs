//! The pass over the costs for any number of columns.
//!
//! As `rows`, but nothing of a row stays in registers: a block first sums its rows, one
//! after the other, and then visits them once more for the column sums, with what the
//! first visit found in shared memory.
//!
//! Grid: the blocks of rows. Shared memory: 16 words and 2 for each row of a block. Bytes:
//! `8 n m` read, `4 blocks m` written. Operations: two exponentials for each pair.

use kernels_core::pieces::{Direct, NearOne, RowOut, RowSums, Series};

use super::Shared;
use super::rows::proceed;
use crate::kernel::Kernel;
use crate::reduce::{block_reduce_words, larger, over_block};
use crate::thread::{BLOCK, Thread, WARPS};

/// Any number of columns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornRowsWide(pub Shared);

/// Where weights and shifts begin, behind two reductions.
const ROWS: u32 = 2 * WARPS;

impl SinkhornRowsWide {
    fn rows(&self) -> u32 {
        self.0.n.div_ceil(self.0.blocks.max(1))
    }
}

impl Kernel for SinkhornRowsWide {
    const NAME: &'static str = "sinkhorn_rows_wide";

    fn shared_words(&self) -> u32 {
        2 * block_reduce_words(1) + 2 * self.rows()
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        if !proceed(&self.0, thread) {
            return;
        }
        if self.0.near_one(thread) {
            self.pass::<T, NearOne>(thread);
        } else {
            self.pass::<T, Direct>(thread);
        }
    }
}

impl SinkhornRowsWide {
    #[inline(always)]
    pub(super) fn pass<T: Thread, S: Series>(&self, thread: T) {
        let shared = &self.0;
        let first = thread.block()[0] * self.rows();
        let last = shared.n.min(first + self.rows());
        let rule = shared.row_rule(thread);
        let mut sums = RowSums::default();
        let mut row = first;
        while row < last {
            let f = thread.load(shared.f, row as usize);
            let a = thread.load(shared.a, row as usize);
            let (shift, out) = self.row::<T, S>(thread, row, f, shared.fresh == 0 && a > 0.0);
            let out = out.map_or_else(RowOut::unreachable, |total| {
                rule.outcome::<T::Level, S>(f, shift, total)
            });
            let weight = sums.add(a, &out);
            if thread.thread() == 0 {
                thread.store(shared.next_f, row as usize, out.next);
                thread.shared_store(ROWS + 2 * (row - first), weight);
                thread.shared_store(ROWS + 2 * (row - first) + 1, shift);
            }
            row += 1;
        }
        thread.barrier();
        self.spread::<T, S>(thread, first, last, S::unit::<f32>() * sums.offset);
        if thread.thread() == 0 {
            let slot = 2 * thread.block()[0] as usize;
            thread.store(shared.row_parts, slot, sums.error);
            thread.store(shared.row_parts, slot + 1, sums.mass);
        }
    }

    /// *Block.* The shift of a row, and its sum unless nothing reaches it.
    #[inline(always)]
    fn row<T: Thread, S: Series>(
        &self,
        thread: T,
        row: u32,
        f: f32,
        usable: bool,
    ) -> (f32, Option<f32>) {
        let total = self.sum::<T, S>(thread, row, f);
        if usable && S::trusts(total) {
            return (f, Some(total));
        }
        let shared = &self.0;
        let mut max = f32::NEG_INFINITY;
        let mut j = thread.thread();
        while j < shared.m {
            let cost = thread.load(shared.cost, shared.row_start(row) + j as usize);
            max = larger(max, self.potential(thread, j).0 - cost);
            j += BLOCK;
        }
        let max = over_block(thread, max, WARPS, larger);
        if max == f32::NEG_INFINITY {
            // For the next reduction: what this one wrote has been read.
            thread.barrier();
            return (0.0, None);
        }
        (-max, Some(self.sum::<T, S>(thread, row, -max)))
    }

    /// g_j, −∞ where there is no weight, and b_j.
    #[inline(always)]
    fn potential<T: Thread>(&self, thread: T, j: u32) -> (f32, f32) {
        let b = thread.load(self.0.b, j as usize);
        let g = if b > 0.0 {
            thread.load(self.0.g, j as usize)
        } else {
            f32::NEG_INFINITY
        };
        (g, b)
    }

    #[inline(always)]
    fn sum<T: Thread, S: Series>(&self, thread: T, row: u32, shift: f32) -> f32 {
        let shared = &self.0;
        let rate = shared.rate();
        let mut sum = 0.0;
        let mut j = thread.thread();
        while j < shared.m {
            let (g, b) = self.potential(thread, j);
            let cost = thread.load(shared.cost, shared.row_start(row) + j as usize);
            sum += b * S::term::<T::Level, f32>(((shift - cost) + g) * rate);
            j += BLOCK;
        }
        let sum = over_block(thread, sum, 0, |a, b| a + b);
        // The same words serve the next row.
        thread.barrier();
        sum
    }

    /// Column sums over the rows of the block.
    #[inline(always)]
    fn spread<T: Thread, S: Series>(&self, thread: T, first: u32, last: u32, offset: f32) {
        let shared = &self.0;
        let rate = shared.rate();
        let mut j = thread.thread();
        while j < shared.m {
            let (g, _) = self.potential(thread, j);
            let mut sum = 0.0;
            let mut row = first;
            while row < last {
                let weight: f32 = thread.shared_load(ROWS + 2 * (row - first));
                let shift: f32 = thread.shared_load(ROWS + 2 * (row - first) + 1);
                let cost = thread.load(shared.cost, shared.row_start(row) + j as usize);
                // A row without weight may have terms that are no numbers.
                if weight != 0.0 {
                    sum += weight * S::term::<T::Level, f32>(((shift - cost) + g) * rate);
                }
                row += 1;
            }
            let slot = shared.row_start(thread.block()[0]) + j as usize;
            thread.store(shared.column_parts, slot, sum + offset);
            j += BLOCK;
        }
    }
}
