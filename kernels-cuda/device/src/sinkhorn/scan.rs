//! Width and mask of the costs, and a check of every entry.
//!
//! Grid of the first: the blocks that share the entries, which are read once; 4 words of
//! parts each. Grid of the second: 1.

use crate::kernel::Kernel;
use crate::memory::Global;
use crate::reduce::{block_reduce_words, larger, over_block};
use crate::sinkhorn::status::Status;
use crate::thread::{BLOCK, Thread, WARPS};

/// Costs and potentials must stay below: a pass adds up to four of them.
pub const ROOM: f32 = f32::MAX / 8.0;

/// What blocks find about their entries: largest, −smallest, whether one is forbidden,
/// and whether one is refused.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornScan {
    /// The costs.
    pub cost: Global<f32>,
    /// 4 × blocks.
    pub parts: Global<f32>,
}

impl Kernel for SinkhornScan {
    const NAME: &'static str = "sinkhorn_scan";

    fn shared_words(&self) -> u32 {
        4 * block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let mut found = [f32::NEG_INFINITY, f32::NEG_INFINITY, 0.0, 0.0];
        let step = thread.grid()[0] as usize * BLOCK as usize;
        let mut i = thread.block()[0] as usize * BLOCK as usize + thread.thread() as usize;
        while i < self.cost.len() {
            let cost = thread.load(self.cost, i);
            if cost == f32::INFINITY {
                found[2] = 1.0;
            } else if cost.abs() <= ROOM {
                found[0] = larger(found[0], cost);
                found[1] = larger(found[1], -cost);
            } else {
                found[3] = 1.0;
            }
            i += step;
        }
        merge(thread, found, |thread, found| {
            let start = 4 * thread.block()[0] as usize;
            for (k, value) in found.into_iter().enumerate() {
                thread.store(self.parts, start + k, value);
            }
        });
    }
}

/// From the parts to the status.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornScanned {
    /// 4 × blocks.
    pub parts: Global<f32>,
    /// Where width and mask are noted.
    pub status: Status,
    /// Blocks of the scan.
    pub blocks: u32,
}

impl Kernel for SinkhornScanned {
    const NAME: &'static str = "sinkhorn_scanned";

    fn shared_words(&self) -> u32 {
        4 * block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let mut found = [f32::NEG_INFINITY, f32::NEG_INFINITY, 0.0, 0.0];
        let mut block = thread.thread();
        while block < self.blocks {
            let start = 4 * block as usize;
            found = core::array::from_fn(|k| larger(found[k], thread.load(self.parts, start + k)));
            block += BLOCK;
        }
        merge(
            thread,
            found,
            |thread, [high, minus_low, masked, refused]| {
                // With no permitted entry there is no width.
                let width = larger(high + minus_low, 0.0);
                self.status.store(thread, Status::WIDTH, width);
                self.status.store(thread, Status::MASKED, masked);
                self.status.store(thread, Status::LARGEST, high);
                self.status.store(thread, Status::DIVISOR, 1.0);
                if refused != 0.0 {
                    self.status.refuse(thread, Status::BAD_COST);
                }
            },
        );
    }
}

/// Divides the costs by the largest of them, unless that is zero or subnormal. Grid: blocks
/// that share the entries.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornRescale {
    /// The costs.
    pub cost: Global<f32>,
    /// Where the largest is, and where the divisor is noted.
    pub status: Status,
}

impl Kernel for SinkhornRescale {
    const NAME: &'static str = "sinkhorn_rescale";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let largest = self.status.load(thread, Status::LARGEST);
        if !(largest >= f32::MIN_POSITIVE) {
            return;
        }
        let start = thread.block()[0] as usize * BLOCK as usize + thread.thread() as usize;
        if start == 0 {
            let width = self.status.load(thread, Status::WIDTH);
            self.status.store(thread, Status::WIDTH, width / largest);
            self.status.store(thread, Status::DIVISOR, largest);
        }
        let mut i = start;
        while i < self.cost.len() {
            let cost = thread.load(self.cost, i);
            thread.store(self.cost, i, cost / largest);
            i += thread.grid()[0] as usize * BLOCK as usize;
        }
    }
}

/// *Block.* The largest of each, given to `then` in one thread.
#[inline(always)]
fn merge<T: Thread>(thread: T, found: [f32; 4], then: impl FnOnce(T, [f32; 4])) {
    let mut scratch = 0;
    let found = found.map(|value| {
        let merged = over_block(thread, value, scratch, larger);
        scratch += WARPS;
        merged
    });
    if thread.thread() == 0 {
        then(thread, found);
    }
}
