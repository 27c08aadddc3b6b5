//! From the column sums of the blocks to the next column potentials, and when to stop.
//!
//! A block takes 32 columns, a lane one; its 8 warps share out the blocks of rows. Every
//! block adds up the marginal error for itself, in the same order, so that all come to
//! the same decision; the first one notes it. A column whose sum cannot be trusted is
//! summed again over the rows, relative to its largest term; that reads the costs of all
//! columns of the block twice, and happens in the first iterations at a small ε.
//!
//! Grid: ⌈m/32⌉. Shared memory: 272 words. Bytes: `4 blocks m` read.

use kernels_core::pieces::{Direct, NearOne, Series};

use super::Shared;
use super::status::Status;
use crate::kernel::Kernel;
use crate::memory::Global;
use crate::reduce::{block_reduce_words, larger, over_block, over_lanes};
use crate::thread::{BLOCK, Thread, WARP, WARPS};

/// Where the sums of the warps begin, behind two reductions.
const SUMS: u32 = 2 * WARPS;

/// Takes the next potentials over, unless the present ones will do.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornColumns {
    /// The problem.
    pub shared: Shared,
    /// The marginal error that will do.
    pub threshold: f32,
    /// Whether the error is only to be noted: the limit of iterations is reached.
    pub last: u32,
}

impl Kernel for SinkhornColumns {
    const NAME: &'static str = "sinkhorn_columns";

    fn shared_words(&self) -> u32 {
        2 * block_reduce_words(1) + BLOCK
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let shared = &self.shared;
        if shared.status.load(thread, Status::STOPPED) != 0.0 {
            return;
        }
        let [error, mass] = totals(shared, thread);
        let stop = shared.fresh == 0 && error <= self.threshold;
        let advance = !stop && self.last == 0;
        if shared.near_one(thread) {
            update::<T, NearOne>(shared, thread, advance);
        } else {
            update::<T, Direct>(shared, thread, advance);
        }
        take_rows(shared, thread, advance);
        if thread.thread() == 0 && thread.block()[0] == 0 {
            shared.note(thread, [error, mass], stop, advance);
        }
    }
}

/// *Block.* The marginal error and the mass of the present plan.
#[inline(always)]
pub(crate) fn totals<T: Thread>(shared: &Shared, thread: T) -> [f32; 2] {
    let (mut error, mut mass) = (0.0, 0.0);
    let mut block = thread.thread();
    while block < shared.blocks {
        error += thread.load(shared.row_parts, 2 * block as usize);
        mass += thread.load(shared.row_parts, 2 * block as usize + 1);
        block += BLOCK;
    }
    let of_rows = shared.status.load(thread, Status::MASS_A);
    let error = over_block(thread, error, 0, |a, b| a + b);
    let mass = over_block(thread, mass, WARPS, |a, b| a + b);
    [of_rows * error, of_rows * mass]
}

/// f of the rows that are this block's share.
#[inline(always)]
fn take_rows<T: Thread>(shared: &Shared, thread: T, advance: bool) {
    let mut row = thread.block()[0] * BLOCK + thread.thread();
    while row < shared.n {
        // Without mass they act on nothing, so they need not lag behind g.
        if advance || !(thread.load(shared.a, row as usize) > 0.0) {
            let next = thread.load(shared.next_f, row as usize);
            thread.store(shared.f, row as usize, next);
        }
        row += thread.grid()[0] * BLOCK;
    }
}

#[inline(always)]
fn update<T: Thread, S: Series>(shared: &Shared, thread: T, advance: bool) {
    let damping = shared.column_damping(thread);
    let column = thread.block()[0] * WARP + thread.lane();
    let inside = column < shared.m;
    let mut part = 0.0;
    let mut block = thread.warp();
    while block < shared.blocks && inside {
        let index = shared.row_start(block) + column as usize;
        part += thread.load(shared.column_parts, index);
        block += WARPS;
    }
    let (g, b) = if inside {
        let g = thread.load(shared.g, column as usize);
        (g, thread.load(shared.b, column as usize))
    } else {
        (0.0, 0.0)
    };
    let total = over_warps(thread, part, |a, b| a + b);
    let log = S::log::<T::Level, f32>(total) + damping.log_mass;
    let mut next = damping.next(g, g - shared.epsilon * log);
    let distrusted = b > 0.0 && !S::trusts(total);
    let distrusted = over_lanes(thread, f32::from(u8::from(distrusted)), WARP, larger);
    // The same in every warp: they have the same columns.
    if distrusted != 0.0 && advance {
        let soft_min = soft_min::<T, S>(shared, thread, column, shared.next_f);
        next = damping.next(g, soft_min - shared.epsilon * damping.log_mass);
    }
    if advance && b > 0.0 && thread.warp() == 0 {
        thread.store(shared.g, column as usize, next);
    }
}

/// *Block.* Combines what the warps have for a column; all get the result, in the order
/// of the warps.
#[inline(always)]
fn over_warps<T: Thread>(thread: T, value: f32, combine: impl Fn(f32, f32) -> f32) -> f32 {
    // What was here before has been read.
    thread.barrier();
    thread.shared_store(SUMS + thread.thread(), value);
    thread.barrier();
    let mut total = thread.shared_load(SUMS + thread.lane());
    let mut warp = 1;
    while warp < WARPS {
        total = combine(
            total,
            thread.shared_load(SUMS + warp * WARP + thread.lane()),
        );
        warp += 1;
    }
    total
}

/// *Block.* `−ε log Σ_i a_i exp((f_i − C_ij)/ε)` by way of the largest term.
#[inline(always)]
fn soft_min<T: Thread, S: Series>(shared: &Shared, thread: T, column: u32, f: Global<f32>) -> f32 {
    let mut max = f32::NEG_INFINITY;
    for_rows(shared, thread, column, f, |_, value| {
        max = if value > max { value } else { max };
    });
    let max = over_warps(thread, max, larger);
    let mut sum = 0.0;
    let rate = shared.rate();
    for_rows(shared, thread, column, f, |a, value| {
        sum += a * S::term::<T::Level, f32>((value - max) * rate);
    });
    let sum = over_warps(thread, sum, |a, b| a + b);
    if max == f32::NEG_INFINITY {
        return f32::INFINITY;
    }
    -(max + shared.epsilon * S::log::<T::Level, f32>(sum))
}

/// Visits the rows with weight that are this warp's share: `(a_i, f_i − C_ij)`.
#[inline(always)]
fn for_rows<T: Thread>(
    shared: &Shared,
    thread: T,
    column: u32,
    f: Global<f32>,
    mut visit: impl FnMut(f32, f32),
) {
    let mut row = thread.warp();
    while row < shared.n && column < shared.m {
        let a = thread.load(shared.a, row as usize);
        if a > 0.0 {
            let cost = thread.load(shared.cost, shared.row_start(row) + column as usize);
            visit(a, thread.load(f, row as usize) - cost);
        }
        row += WARPS;
    }
}

/// Potentials of the columns without weight, which take no part in the iteration: what
/// their costs ask for. Grid: ⌈m/32⌉.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornZeroColumns(pub Shared);

impl Kernel for SinkhornZeroColumns {
    const NAME: &'static str = "sinkhorn_zero_columns";

    fn shared_words(&self) -> u32 {
        2 * block_reduce_words(1) + BLOCK
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let shared = &self.0;
        let column = thread.block()[0] * WARP + thread.lane();
        let b = if column < shared.m {
            thread.load(shared.b, column as usize)
        } else {
            1.0
        };
        let some = over_lanes(thread, f32::from(u8::from(!(b > 0.0))), WARP, larger);
        // The same in every warp.
        if some == 0.0 {
            return;
        }
        let soft_min = if shared.near_one(thread) {
            soft_min::<T, NearOne>(shared, thread, column, shared.f)
        } else {
            soft_min::<T, Direct>(shared, thread, column, shared.f)
        };
        if !(b > 0.0) && thread.warp() == 0 {
            let damping = shared.column_damping(thread);
            let next = damping.next(0.0, soft_min - shared.epsilon * damping.log_mass);
            thread.store(shared.g, column as usize, next);
        }
    }
}
