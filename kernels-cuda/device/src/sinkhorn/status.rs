//! What kernels tell each other and the host: some numbers in device memory.

use crate::memory::Global;
use crate::thread::Thread;

/// The numbers, by their place.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Status(pub Global<f32>);

impl Status {
    /// Words.
    pub const LEN: usize = 32;
    /// 1 when the threshold is met, or something was refused: nothing moves any more.
    pub const DONE: usize = 0;
    /// The same, one launch later.
    pub const STOPPED: usize = 1;
    /// Iterations made; exact up to 2²⁴.
    pub const ITERATIONS: usize = 2;
    /// The marginal error of the present potentials.
    pub const ERROR: usize = 3;
    /// The mass of the present plan.
    pub const MASS: usize = 4;
    /// The mass of the rows, 1 in a balanced problem.
    pub const MASS_A: usize = 5;
    /// Its logarithm.
    pub const LOG_MASS_A: usize = 6;
    /// The mass of the columns.
    pub const MASS_B: usize = 7;
    /// Its logarithm.
    pub const LOG_MASS_B: usize = 8;
    /// Largest less smallest permitted cost.
    pub const WIDTH: usize = 9;
    /// 1 if a pair is forbidden.
    pub const MASKED: usize = 10;
    /// The dual value.
    pub const VALUE: usize = 11;
    /// `⟨a,f⟩` and `⟨b,g⟩`, or what takes their place in an unbalanced problem, added.
    pub const SIDES: usize = 12;
    /// What was refused: one of the codes below, 0 for nothing.
    pub const REFUSED: usize = 13;
    /// The largest permitted cost, before it was divided.
    pub const LARGEST: usize = 14;
    /// What the costs were divided by.
    pub const DIVISOR: usize = 15;

    /// The cost matrix.
    pub const BAD_COST: u32 = 1;
    /// The weights of the rows; 3 is those of the columns.
    pub const BAD_WEIGHTS: u32 = 2;
    /// A potential.
    pub const BAD_POTENTIAL: u32 = 4;

    /// One of the numbers.
    #[inline(always)]
    pub fn load<T: Thread>(self, thread: T, place: usize) -> f32 {
        thread.load(self.0, place)
    }

    /// Notes one of them.
    #[inline(always)]
    pub fn store<T: Thread>(self, thread: T, place: usize, value: f32) {
        thread.store(self.0, place, value);
    }

    /// Notes that something was refused, unless something was before. The host finds out
    /// what exactly, from the input.
    #[inline(always)]
    pub fn refuse<T: Thread>(self, thread: T, code: u32) {
        if self.load(thread, Self::REFUSED) == 0.0 {
            self.store(thread, Self::REFUSED, code as f32);
            self.store(thread, Self::DONE, 1.0);
        }
    }
}
