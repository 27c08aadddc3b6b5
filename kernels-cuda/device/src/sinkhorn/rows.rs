//! The pass over the costs: next row potentials, the marginal error of the present ones,
//! and column sums of the plan with the next ones.
//!
//! A block takes some rows, one after the other. Each thread keeps 4 neighbouring columns
//! of every 1024 in registers: their g and b, the terms of the present row, and its share
//! of the column sums. So the costs are read once, with one exponential for each; while a
//! row is summed over the block the next one is on its way from memory. A row whose sum
//! cannot be trusted (`kernels_core::pieces::Series::trusts`) is summed again relative to
//! its largest term. Where ε exceeds the width of the costs, `rows_wide` takes over.
//!
//! Grid: the blocks of rows. Shared memory: 16 words. Bytes: `4 n m` read, `4 blocks m`
//! written. Operations: one exponential, 6 flops for each pair.

use core::array::from_fn;

use kernels_core::pieces::{Direct, NearOne, RowOut, RowSums, Series};

use super::Shared;
use super::rows_wide::SinkhornRowsWide;
use super::status::Status;
use crate::kernel::Kernel;
use crate::reduce::{larger, over_block};
use crate::thread::{BLOCK, Thread, WARPS};

/// Columns that the threads of a block hold in one group of 4.
const STRIDE: u32 = 4 * BLOCK;

/// Columns of a thread: K groups of 4.
type Columns<const K: usize> = [[f32; 4]; K];

/// Up to 1024 columns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornRows1024(pub Shared);

/// Up to 4096 columns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornRows4096(pub Shared);

impl Kernel for SinkhornRows1024 {
    const NAME: &'static str = "sinkhorn_rows1024";

    fn shared_words(&self) -> u32 {
        SinkhornRowsWide(self.0).shared_words()
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        run::<T, 1>(&self.0, thread);
    }
}

impl Kernel for SinkhornRows4096 {
    const NAME: &'static str = "sinkhorn_rows4096";

    fn shared_words(&self) -> u32 {
        SinkhornRowsWide(self.0).shared_words()
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        run::<T, 4>(&self.0, thread);
    }
}

/// Whether there is something to do; what was done in the last launch is passed on.
#[inline(always)]
pub(crate) fn proceed<T: Thread>(shared: &Shared, thread: T) -> bool {
    if shared.status.load(thread, Status::DONE) == 0.0 {
        return true;
    }
    if thread.thread() == 0 && thread.block() == [0, 0] {
        shared.status.store(thread, Status::STOPPED, 1.0);
    }
    false
}

#[inline(always)]
fn run<T: Thread, const K: usize>(shared: &Shared, thread: T) {
    if !proceed(shared, thread) {
        return;
    }
    if shared.near_one(thread) {
        // A few iterations will do at such an ε.
        SinkhornRowsWide(*shared).pass::<T, NearOne>(thread);
    } else {
        pass::<T, K>(shared, thread);
    }
}

/// The first of four neighbouring columns.
#[inline(always)]
fn first_column<T: Thread>(thread: T, k: usize) -> u32 {
    4 * thread.thread() + STRIDE * k as u32
}

/// A row's costs in the columns of this thread; 0 beyond the last.
#[inline(always)]
fn costs<T: Thread, const K: usize>(shared: &Shared, thread: T, row: u32) -> Columns<K> {
    let start = shared.row_start(row);
    from_fn(|k| {
        let j = first_column(thread, k);
        // Rows begin at multiples of 16 bytes, and groups do not straddle the end.
        if shared.m.is_multiple_of(4) && shared.cost.address().is_multiple_of(16) {
            if j < shared.m {
                return thread.load4(shared.cost, start + j as usize);
            }
            return [0.0; 4];
        }
        from_fn(|c| {
            let j = j + c as u32;
            if j < shared.m {
                thread.load(shared.cost, start + j as usize)
            } else {
                0.0
            }
        })
    })
}

/// g with −∞ where there is no weight, and b.
#[inline(always)]
fn sides<T: Thread, const K: usize>(shared: &Shared, thread: T) -> (Columns<K>, Columns<K>) {
    let b: Columns<K> = from_fn(|k| {
        from_fn(|c| {
            let j = first_column(thread, k) + c as u32;
            if j < shared.m {
                thread.load(shared.b, j as usize)
            } else {
                0.0
            }
        })
    });
    let g = from_fn(|k| {
        from_fn(|c| {
            let j = first_column(thread, k) + c as u32;
            if b[k][c] > 0.0 {
                thread.load(shared.g, j as usize)
            } else {
                f32::NEG_INFINITY
            }
        })
    });
    (g, b)
}

#[inline(always)]
fn pass<T: Thread, const K: usize>(shared: &Shared, thread: T) {
    let rule = shared.row_rule(thread);
    let rate = shared.rate();
    let (g, b) = sides::<T, K>(shared, thread);
    let terms_of = |cost: &Columns<K>, shift: f32| -> Columns<K> {
        from_fn(|k| {
            from_fn(|c| Direct::term::<T::Level, f32>(((shift - cost[k][c]) + g[k][c]) * rate))
        })
    };
    let sum_of = |terms: &Columns<K>, scratch: u32| -> f32 {
        let own = terms.iter().zip(&b).fold(0.0, |sum, (terms, b)| {
            sum + ((b[0] * terms[0] + b[1] * terms[1]) + (b[2] * terms[2] + b[3] * terms[3]))
        });
        over_block(thread, own, scratch, |x, y| x + y)
    };

    let rows = shared.n.div_ceil(shared.blocks.max(1));
    let first = thread.block()[0] * rows;
    let last = shared.n.min(first + rows);
    let mut sums = RowSums::default();
    let mut columns = [[0.0; 4]; K];
    let mut next = if first < last {
        costs::<T, K>(shared, thread, first)
    } else {
        [[0.0; 4]; K]
    };
    // Two reductions in a row use different shared memory: between them lies a barrier.
    let mut scratch = 0;
    let mut row = first;
    while row < last {
        let cost = next;
        if row + 1 < last {
            next = costs::<T, K>(shared, thread, row + 1);
        }
        let f = thread.load(shared.f, row as usize);
        let a = thread.load(shared.a, row as usize);
        // A row without mass acts on nothing, and its potential may be infinite.
        let usable = shared.fresh == 0 && a > 0.0;
        let mut shift = f;
        let mut terms = terms_of(&cost, shift);
        let mut total = sum_of(&terms, scratch);
        scratch = WARPS - scratch;
        let mut out = RowOut::unreachable();
        let mut reachable = true;
        if !usable || !Direct::trusts(total) {
            let own = cost
                .iter()
                .zip(&g)
                .fold(f32::NEG_INFINITY, |max, (cost, g)| {
                    let largest = |i: usize, j: usize| larger(g[i] - cost[i], g[j] - cost[j]);
                    larger(max, larger(largest(0, 1), largest(2, 3)))
                });
            let max = over_block(thread, own, scratch, larger);
            scratch = WARPS - scratch;
            reachable = max != f32::NEG_INFINITY;
            shift = if reachable { -max } else { 0.0 };
            terms = terms_of(&cost, shift);
            total = sum_of(&terms, scratch);
            scratch = WARPS - scratch;
        }
        if reachable {
            out = rule.outcome::<T::Level, Direct>(f, shift, total);
        }
        let weight = sums.add(a, &out);
        columns = from_fn(|k| from_fn(|c| columns[k][c] + weight * terms[k][c]));
        if thread.thread() == 0 {
            thread.store(shared.next_f, row as usize, out.next);
        }
        row += 1;
    }
    let start = shared.row_start(thread.block()[0]);
    for (k, group) in columns.into_iter().enumerate() {
        let j = first_column(thread, k);
        for (c, sum) in group.into_iter().enumerate() {
            let j = j + c as u32;
            if j < shared.m {
                thread.store(shared.column_parts, start + j as usize, sum);
            }
        }
    }
    if thread.thread() == 0 {
        let slot = 2 * thread.block()[0] as usize;
        thread.store(shared.row_parts, slot, sums.error);
        thread.store(shared.row_parts, slot + 1, sums.mass);
    }
}
