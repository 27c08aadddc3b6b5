//! Copies, zeros and scaled sums.

use crate::kernel::Kernel;
use crate::memory::Global;
use crate::thread::{BLOCK, Thread};

/// `to = from`, or zeros if `from` is empty. Grid: blocks that share the elements.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    /// As long as `to`, or empty.
    pub from: Global<f32>,
    /// Where it goes.
    pub to: Global<f32>,
}

impl Kernel for Fill {
    const NAME: &'static str = "fill";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let step = thread.grid()[0] as usize * BLOCK as usize;
        let mut i = thread.block()[0] as usize * BLOCK as usize + thread.thread() as usize;
        while i < self.to.len() {
            let value = if self.from.is_empty() {
                0.0
            } else {
                thread.load(self.from, i)
            };
            thread.store(self.to, i, value);
            i += step;
        }
    }
}

/// `to += factor · from`. Grid: blocks that share the elements.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct AddScaled {
    /// As long as `to`.
    pub from: Global<f32>,
    /// What it is added to.
    pub to: Global<f32>,
    /// What it is multiplied by.
    pub factor: f32,
}

impl Kernel for AddScaled {
    const NAME: &'static str = "add_scaled";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let step = thread.grid()[0] as usize * BLOCK as usize;
        let mut i = thread.block()[0] as usize * BLOCK as usize + thread.thread() as usize;
        while i < self.to.len() {
            let sum = thread.load(self.to, i) + self.factor * thread.load(self.from, i);
            thread.store(self.to, i, sum);
            i += step;
        }
    }
}
