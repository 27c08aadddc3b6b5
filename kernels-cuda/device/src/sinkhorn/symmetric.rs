//! The averaged step of a measure against itself, `f ← ½ (f + next f)`, `g = f`.
//!
//! Grid: ⌈n/256⌉; the costs have been read by `rows`.

use super::Shared;
use super::columns::totals;
use super::status::Status;
use crate::kernel::Kernel;
use crate::reduce::block_reduce_words;
use crate::thread::{BLOCK, Thread};

/// Takes the averaged potentials over, unless the present ones will do.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornAverage {
    /// The problem; n = m.
    pub shared: Shared,
    /// The marginal error that will do.
    pub threshold: f32,
    /// Whether the error is only to be noted.
    pub last: u32,
}

impl Kernel for SinkhornAverage {
    const NAME: &'static str = "sinkhorn_average";

    fn shared_words(&self) -> u32 {
        2 * block_reduce_words(1)
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
        let i = (thread.block()[0] * BLOCK + thread.thread()) as usize;
        if i < shared.n as usize && advance {
            let f = thread.load(shared.f, i);
            let average = 0.5 * (f + thread.load(shared.next_f, i));
            thread.store(shared.f, i, average);
            thread.store(shared.g, i, average);
        }
        if i == 0 {
            shared.note(thread, [error, mass], stop, advance);
        }
    }
}
