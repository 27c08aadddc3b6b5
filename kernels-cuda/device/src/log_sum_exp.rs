//! `log Σ exp x` over the rows and over the columns of a matrix.
//!
//! Rows: a block for each row; every thread takes every [`BLOCK`]-th group of four, and
//! the block merges what they have. Columns: a thread for each column, a block for
//! [`BLOCK`] columns and a share of the rows, so that neighbours read neighbours; a second
//! kernel merges the shares.

use core::f32::consts::LOG2_E;

use kernels_core::pieces::ScaledSum;

use crate::kernel::Kernel;
use crate::memory::Global;
use crate::reduce::{block_reduce_words, over_block};
use crate::thread::{BLOCK, Thread};

/// Merges sums of `exp x`.
#[inline(always)]
fn merge<T: Thread>(a: ScaledSum<f32>, b: ScaledSum<f32>) -> ScaledSum<f32> {
    a.merge::<T::Level>(b, LOG2_E)
}

/// `out_i = log Σ_j exp x_ij`. Grid: the rows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LogSumExpOfRows {
    /// rows × columns.
    pub x: Global<f32>,
    /// rows.
    pub out: Global<f32>,
    /// Columns.
    pub columns: u32,
}

impl Kernel for LogSumExpOfRows {
    const NAME: &'static str = "log_sum_exp_of_rows";

    fn shared_words(&self) -> u32 {
        block_reduce_words(2)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let row = thread.block()[0] as usize;
        let start = row * self.columns as usize;
        let mut sum = ScaledSum::identity();
        let mut j = thread.thread();
        while j < self.columns {
            let x = thread.load(self.x, start + j as usize);
            sum = sum.push::<T::Level, 1>([x], LOG2_E);
            j += BLOCK;
        }
        let sum = over_block(thread, sum, 0, merge::<T>);
        if thread.thread() == 0 {
            thread.store(self.out, row, sum.log::<T::Level>(1.0));
        }
    }
}

/// Partial sums of the columns: block `(c, s)` adds the rows `s`, `s + shares`, … of
/// [`BLOCK`] columns. Grid: blocks of columns × shares.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LogSumExpOfColumns {
    /// rows × columns.
    pub x: Global<f32>,
    /// 2 × shares × columns: maxima, then sums.
    pub parts: Global<f32>,
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
}

impl Kernel for LogSumExpOfColumns {
    const NAME: &'static str = "log_sum_exp_of_columns";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let [block, share] = thread.block();
        let column = block * BLOCK + thread.thread();
        if column >= self.columns {
            return;
        }
        let shares = thread.grid()[1];
        let mut sum = ScaledSum::identity();
        let mut row = share;
        while row < self.rows {
            let index = row as usize * self.columns as usize + column as usize;
            sum = sum.push::<T::Level, 1>([thread.load(self.x, index)], LOG2_E);
            row += shares;
        }
        let slot = share as usize * self.columns as usize + column as usize;
        thread.store(self.parts, slot, sum.max);
        let sums = shares as usize * self.columns as usize;
        thread.store(self.parts, sums + slot, sum.sum);
    }
}

/// Merges partial sums. Grid: blocks of columns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LogSumExpOfParts {
    /// 2 × shares × columns: maxima, then sums.
    pub parts: Global<f32>,
    /// columns.
    pub out: Global<f32>,
    /// Shares.
    pub shares: u32,
    /// Columns.
    pub columns: u32,
}

impl Kernel for LogSumExpOfParts {
    const NAME: &'static str = "log_sum_exp_of_parts";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let column = thread.block()[0] * BLOCK + thread.thread();
        if column >= self.columns {
            return;
        }
        let sums = self.shares as usize * self.columns as usize;
        let mut sum = ScaledSum::identity();
        let mut share = 0;
        while share < self.shares {
            let slot = share as usize * self.columns as usize + column as usize;
            let part = ScaledSum {
                max: thread.load(self.parts, slot),
                sum: thread.load(self.parts, sums + slot),
            };
            sum = merge::<T>(sum, part);
            share += 1;
        }
        thread.store(self.out, column as usize, sum.log::<T::Level>(1.0));
    }
}
