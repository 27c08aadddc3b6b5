//! Sums of what blocks left behind, and the sums of squares of a matrix.
//!
//! A loss is a sum over rows, columns or elements. Each block of a kernel adds its share and
//! stores one number; [`Totals`] adds the numbers, up to eight such arrays at once, so that
//! the host reads back eight words. The order is fixed. Rounding: that of a share, and
//! `blocks/256 + 8` more.
//!
//! Whether a result is finite goes the same way: `x·0` is 0, or NaN where x is not finite,
//! and the sum says whether all were.

use core::array::from_fn;

use crate::kernel::Kernel;
use crate::memory::Global;
use crate::reduce::{block_reduce_words, over_block};
use crate::thread::{BLOCK, Thread};

/// Arrays that [`Totals`] adds.
pub const TOTALS: u32 = 8;

/// *Block.* Adds a number of each thread and stores the sum as the block's.
#[inline(always)]
pub fn leave<T: Thread>(thread: T, parts: Global<f32>, value: f32) {
    // Shared memory may still be in use from the sum before.
    thread.barrier();
    let sum = over_block(thread, value, 0, |a, b| a + b);
    let [x, y] = thread.block();
    if thread.thread() == 0 {
        let block = y as usize * thread.grid()[0] as usize + x as usize;
        thread.store(parts, block, sum);
    }
}

/// The sums of some arrays; 0 for an empty one. Grid: [`TOTALS`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Totals {
    /// The arrays.
    pub parts: [Global<f32>; TOTALS as usize],
    /// [`TOTALS`] sums.
    pub out: Global<f32>,
}

impl Kernel for Totals {
    const NAME: &'static str = "totals";

    fn shared_words(&self) -> u32 {
        block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let block = thread.block()[0];
        let mut sum = 0.0;
        for (number, parts) in (0..).zip(self.parts) {
            if number == block {
                let mut k = thread.thread() as usize;
                while k < parts.len() {
                    sum += thread.load(parts, k);
                    k += BLOCK as usize;
                }
            }
        }
        let sum = over_block(thread, sum, 0, |a, b| a + b);
        if thread.thread() == 0 {
            thread.store(self.out, block as usize, sum);
        }
    }
}

/// Adds the splits of square matrix products and takes the sums of squares of
/// `C_ij − target δ_ij`, on and off the diagonal. In place of the first split it leaves
/// `on (C_ii − target)` and `off C_ij`: the gradient of a loss that is such a sum.
/// Grid: blocks of columns × shares of the rows. Bytes: `4 (splits + 1)` an element.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SquaresOfProduct {
    /// splits × problems × side × side.
    pub product: Global<f32>,
    /// A number for each block.
    pub on_diagonal: Global<f32>,
    /// A number for each block.
    pub off_diagonal: Global<f32>,
    /// Splits.
    pub splits: u32,
    /// Rows of all problems.
    pub rows: u32,
    /// Side of a matrix.
    pub side: u32,
    /// What the diagonal should be.
    pub target: f32,
    /// Factor of the diagonal.
    pub on: f32,
    /// Factor of the rest.
    pub off: f32,
}

impl SquaresOfProduct {
    #[inline(always)]
    fn index(&self, row: u32, column: u32) -> usize {
        row as usize * self.side as usize + column as usize
    }

    /// The sum of the splits; 0 where there is no row.
    #[inline(always)]
    fn sum<T: Thread>(&self, thread: T, row: u32, column: u32) -> f32 {
        let split = self.index(self.rows, 0);
        let mut sum = 0.0;
        let mut k = 0;
        while k < self.splits && row < self.rows {
            let index = k as usize * split + self.index(row, column);
            sum += thread.load(self.product, index);
            k += 1;
        }
        sum
    }
}

impl Kernel for SquaresOfProduct {
    const NAME: &'static str = "squares_of_product";

    fn shared_words(&self) -> u32 {
        block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let column = thread.block()[0] * BLOCK + thread.thread();
        let (mut on, mut off) = (0.0, 0.0);
        let step = thread.grid()[1];
        let mut row = thread.block()[1];
        while row < self.rows && column < self.side {
            // Four loads under way together.
            let values: [f32; 4] = from_fn(|k| self.sum(thread, row + k as u32 * step, column));
            for value in values {
                if row < self.rows {
                    let index = self.index(row, column);
                    let mut value = value;
                    if row % self.side.max(1) == column {
                        value -= self.target;
                        on += value * value;
                        // An entry that is not wanted may be infinite.
                        value = if self.on == 0.0 { 0.0 } else { self.on * value };
                    } else {
                        off += value * value;
                        value *= self.off;
                    }
                    thread.store(self.product, index, value);
                }
                row += step;
            }
        }
        leave(thread, self.on_diagonal, on);
        leave(thread, self.off_diagonal, off);
    }
}
