//! The plan `P_ij = a_i b_j exp((f_i + g_j − C_ij)/ε)`, times the masses, and what the points get
//! from it.
//!
//! | kernel | grid | bytes |
//! |---|---|---|
//! | [`SinkhornPlan`] | blocks of columns × rows | `8 n m` |
//! | [`SinkhornTransportCost`] | the blocks | `4 n m` |
//! | [`SinkhornPull`] | blocks of 8 rows | `4 n m` and `n m d / 2` from the second cache |

use core::f32::consts::LOG2_E;

use kernels_core::elementary::Elementary;

use super::Shared;
use super::status::Status;
use crate::kernel::Kernel;
use crate::memory::Global;
use crate::reduce::{block_reduce_words, over_block};
use crate::thread::{BLOCK, Thread};

impl Shared {
    /// An entry of the plan; `power` is [`Self::power`].
    #[inline(always)]
    fn entry<T: Thread>(&self, thread: T, i: u32, j: u32, power: f32) -> f32 {
        let a = thread.load(self.a, i as usize);
        let b = thread.load(self.b, j as usize);
        // Without weight there is no mass, whatever the potential.
        if !(a > 0.0) || !(b > 0.0) {
            return 0.0;
        }
        let cost = thread.load(self.cost, self.row_start(i) + j as usize);
        let f = thread.load(self.f, i as usize);
        let g = thread.load(self.g, j as usize);
        let exponent = ((f - cost) + g) * self.rate() + power;
        // The weights go into the sum last, so that they cannot vanish in it.
        (a * b) * exponent.exp2_at::<T::Level>()
    }

    /// What the masses add to exponents of two, exactly 0 in a balanced problem. As a
    /// factor, masses of 1e-23 would underflow that potentials make up for.
    #[inline(always)]
    fn power<T: Thread>(&self, thread: T) -> f32 {
        let log_a = self.status.load(thread, Status::LOG_MASS_A);
        let log_b = self.status.load(thread, Status::LOG_MASS_B);
        (log_a + log_b) * LOG2_E
    }
}

/// The whole plan.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornPlan {
    /// The problem.
    pub shared: Shared,
    /// n × m.
    pub out: Global<f32>,
}

impl Kernel for SinkhornPlan {
    const NAME: &'static str = "sinkhorn_plan";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let shared = &self.shared;
        let power = shared.power(thread);
        let [block, first] = thread.block();
        let j = block * BLOCK + thread.thread();
        let mut i = first;
        while i < shared.n && j < shared.m {
            let value = shared.entry(thread, i, j, power);
            thread.store(self.out, shared.row_start(i) + j as usize, value);
            i += thread.grid()[1];
        }
    }
}

/// Parts of `⟨P,C⟩`, where a pair without mass does not count. Grid: the blocks, which
/// take every so many-th row.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornTransportCost {
    /// The problem.
    pub shared: Shared,
    /// One for each block.
    pub parts: Global<f32>,
}

impl Kernel for SinkhornTransportCost {
    const NAME: &'static str = "sinkhorn_transport_cost";

    fn shared_words(&self) -> u32 {
        block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let shared = &self.shared;
        let power = shared.power(thread);
        let mut sum = 0.0;
        let mut i = thread.block()[0];
        while i < shared.n {
            let mut j = thread.thread();
            while j < shared.m {
                let mass = shared.entry(thread, i, j, power);
                if mass > 0.0 {
                    sum += mass * thread.load(shared.cost, shared.row_start(i) + j as usize);
                }
                j += BLOCK;
            }
            i += thread.grid()[0];
        }
        let sum = over_block(thread, sum, 0, |a, b| a + b);
        if thread.thread() == 0 {
            thread.store(self.parts, thread.block()[0] as usize, sum);
        }
    }
}

/// Rows that a block of [`SinkhornPull`] takes.
pub const PULL_ROWS: u32 = 8;
/// Columns whose entries are in shared memory at a time.
const PULL_COLUMNS: u32 = 64;

/// `out_i = [out_i +] factor Σ_j P_ij (x_i − y_j)`, for the points of the rows, or for those
/// of the columns with `transposed`, over what the costs were divided by: with factor 2 the gradient of a squared distance. Differences are taken
/// before they are summed, so that close points keep their digits.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornPull {
    /// The problem.
    pub shared: Shared,
    /// Points of the side that gets the gradient, × dim.
    pub own: Global<f32>,
    /// What each of them is multiplied by, or empty.
    pub own_scale: Global<f32>,
    /// Points of the other side, × dim.
    pub other: Global<f32>,
    /// What each of them is multiplied by, or empty.
    pub other_scale: Global<f32>,
    /// Where the gradient goes, as `own`.
    pub out: Global<f32>,
    /// Numbers in a point.
    pub dim: u32,
    /// What it is multiplied by.
    pub factor: f32,
    /// What is kept of what `out` holds: 0 or 1.
    pub keep: u32,
    /// Whether the columns get it.
    pub transposed: u32,
}

impl Kernel for SinkhornPull {
    const NAME: &'static str = "sinkhorn_pull";

    fn shared_words(&self) -> u32 {
        PULL_ROWS * PULL_COLUMNS
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let shared = &self.shared;
        let (count, others) = if self.transposed == 0 {
            (shared.n, shared.m)
        } else {
            (shared.m, shared.n)
        };
        let power = shared.power(thread);
        let factor = self.factor / shared.status.load(thread, Status::DIVISOR);
        let first = thread.block()[0] * PULL_ROWS;
        let dim = self.dim as usize;
        // A coordinate for each thread: of this many at a time.
        let mut start = 0;
        while start < self.dim {
            let d = start + thread.thread();
            let inside = d < self.dim;
            let own: [f32; PULL_ROWS as usize] = core::array::from_fn(|r| {
                let row = first + r as u32;
                if inside && row < count {
                    let scale = scale_of(thread, self.own_scale, row);
                    scale * thread.load(self.own, row as usize * dim + d as usize)
                } else {
                    0.0
                }
            });
            let mut sums = [0.0; PULL_ROWS as usize];
            let mut tile = 0;
            while tile < others {
                thread.barrier();
                self.fill(thread, first, tile, (count, others), power);
                thread.barrier();
                let mut k = 0;
                while k < PULL_COLUMNS && tile + k < others && inside {
                    let index = (tile + k) as usize * dim + d as usize;
                    let scale = scale_of(thread, self.other_scale, tile + k);
                    let other = scale * thread.load(self.other, index);
                    sums = core::array::from_fn(|r| {
                        let weight: f32 = thread.shared_load(k * PULL_ROWS + r as u32);
                        sums[r] + weight * (own[r] - other)
                    });
                    k += 1;
                }
                tile += PULL_COLUMNS;
            }
            for (r, &sum) in sums.iter().enumerate() {
                let row = first + r as u32;
                if inside && row < count {
                    let index = row as usize * dim + d as usize;
                    let kept = if self.keep != 0 {
                        thread.load(self.out, index)
                    } else {
                        0.0
                    };
                    thread.store(self.out, index, kept + factor * sum);
                }
            }
            start += BLOCK;
        }
    }
}

#[inline(always)]
fn scale_of<T: Thread>(thread: T, scales: Global<f32>, row: u32) -> f32 {
    if scales.is_empty() {
        1.0
    } else {
        thread.load(scales, row as usize)
    }
}

impl SinkhornPull {
    /// Entries of the plan for 8 points of this side and 64 of the other.
    #[inline(always)]
    fn fill<T: Thread>(
        &self,
        thread: T,
        first: u32,
        tile: u32,
        (count, others): (u32, u32),
        power: f32,
    ) {
        let mut slot = thread.thread();
        while slot < PULL_ROWS * PULL_COLUMNS {
            let (row, other) = (first + slot % PULL_ROWS, tile + slot / PULL_ROWS);
            let mut entry = 0.0;
            if row < count && other < others {
                entry = if self.transposed == 0 {
                    self.shared.entry(thread, row, other, power)
                } else {
                    self.shared.entry(thread, other, row, power)
                };
            }
            thread.shared_store(slot, entry);
            slot += BLOCK;
        }
    }
}
