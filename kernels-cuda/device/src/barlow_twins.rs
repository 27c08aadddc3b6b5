//! Barlow Twins: normalisation of the columns and its gradient.
//!
//! `ẑ = c/σ` with `σ = sqrt(deviation² + ε)`, and a gradient g with respect to ẑ becomes
//! `(g − mean g − ẑ mean(g ẑ))/σ` with respect to z. Products of matrices come from
//! `matrix_product`, statistics from `column_statistics`.

use kernels_core::pieces::Level;

use crate::column_statistics::deviation;
use crate::columns::{Batch, slot, total};
use crate::four::hypotenuse;
use crate::kernel::Kernel;
use crate::memory::Global;
use crate::reduce::block_reduce_words;
use crate::thread::{BLOCK, Thread};
use crate::totals::leave;

/// From the squares of the columns to σ. Grid: blocks of columns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ColumnSigmas {
    /// shares × 2d.
    pub squares: Global<f32>,
    /// 2d.
    pub scales: Global<f32>,
    /// 2d.
    pub sigmas: Global<f32>,
    /// A number for each block: 0, or NaN if a σ is not a normal number.
    pub status: Global<f32>,
    /// Shares.
    pub shares: u32,
    /// 2d.
    pub width: u32,
    /// N.
    pub images: f32,
    /// `sqrt ε`.
    pub root: f32,
}

impl Kernel for ColumnSigmas {
    const NAME: &'static str = "column_sigmas";

    fn shared_words(&self) -> u32 {
        block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let column = (thread.block()[0] * BLOCK + thread.thread()) as usize;
        let mut status = 0.0;
        if column < self.width as usize {
            let squares = total(thread, self.squares, self.shares, self.width, column);
            let scale = thread.load(self.scales, column);
            let deviation = deviation(thread, squares, scale, self.images);
            let sigma = hypotenuse(thread, deviation, self.root);
            if !sigma.is_normal() {
                status = f32::NAN;
            }
            thread.store(self.sigmas, column, sigma);
        }
        leave(thread, self.status, status);
    }
}

/// `ẑ = c/σ`. Grid: blocks of columns × shares of the rows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NormalizeColumns {
    /// 2N × d.
    pub z: Global<f32>,
    /// 2d.
    pub means: Global<f32>,
    /// 2d.
    pub sigmas: Global<f32>,
    /// 2N × d.
    pub normal: Global<f32>,
    /// N and d.
    pub batch: Batch,
}

impl Kernel for NormalizeColumns {
    const NAME: &'static str = "normalize_columns";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let Some(column) = self.batch.column(thread) else {
            return;
        };
        let origin = thread.load(self.z, column.first);
        let mean = thread.load(self.means, column.number);
        let sigma = thread.load(self.sigmas, column.number);
        column.fold(
            thread,
            (),
            |index| thread.load(self.z, index) - origin - mean,
            |(), index, c| thread.store(self.normal, index, c / sigma),
        );
    }
}

/// `mean g` and `mean(g ẑ)` over a share. Grid: blocks of columns × shares.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct GradientMeans {
    /// 2N × d: g.
    pub grad: Global<f32>,
    /// 2N × d: ẑ.
    pub normal: Global<f32>,
    /// shares × 2d.
    pub means: Global<f32>,
    /// shares × 2d.
    pub slopes: Global<f32>,
    /// N and d.
    pub batch: Batch,
}

impl Kernel for GradientMeans {
    const NAME: &'static str = "gradient_means";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let Some(column) = self.batch.column(thread) else {
            return;
        };
        let share = 1.0 / self.batch.images as f32;
        let (mean, slope) = column.fold(
            thread,
            (0.0, 0.0),
            |index| {
                [
                    thread.load(self.grad, index),
                    thread.load(self.normal, index),
                ]
            },
            |(mean, slope), _, [g, z]| {
                let g = share * g;
                (mean + g, T::Level::mul_add(g, z, slope))
            },
        );
        let slot = slot(thread, self.batch.width(), column.number);
        thread.store(self.means, slot, mean);
        thread.store(self.slopes, slot, slope);
    }
}

/// Adds the shares, in place of the first. Grid: blocks of columns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct GradientTotals {
    /// shares × 2d.
    pub means: Global<f32>,
    /// shares × 2d.
    pub slopes: Global<f32>,
    /// Shares.
    pub shares: u32,
    /// 2d.
    pub width: u32,
}

impl Kernel for GradientTotals {
    const NAME: &'static str = "gradient_totals";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let column = (thread.block()[0] * BLOCK + thread.thread()) as usize;
        if column < self.width as usize {
            for parts in [self.means, self.slopes] {
                let sum = total(thread, parts, self.shares, self.width, column);
                thread.store(parts, column, sum);
            }
        }
    }
}

/// g becomes the gradient with respect to z, in place. Grid: blocks of columns × shares.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NormalizeBackward {
    /// 2N × d: g, then the gradient.
    pub grad: Global<f32>,
    /// 2N × d: ẑ.
    pub normal: Global<f32>,
    /// 2d, and more.
    pub means: Global<f32>,
    /// 2d, and more.
    pub slopes: Global<f32>,
    /// 2d.
    pub sigmas: Global<f32>,
    /// A number for each block: 0, or NaN if the gradient is not finite.
    pub status: Global<f32>,
    /// N and d.
    pub batch: Batch,
}

impl Kernel for NormalizeBackward {
    const NAME: &'static str = "normalize_backward";

    fn shared_words(&self) -> u32 {
        block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let mut status = 0.0;
        if let Some(column) = self.batch.column(thread) {
            let mean = thread.load(self.means, column.number);
            let slope = thread.load(self.slopes, column.number);
            let sigma = thread.load(self.sigmas, column.number);
            status = column.fold(
                thread,
                0.0,
                |index| {
                    [
                        thread.load(self.grad, index),
                        thread.load(self.normal, index),
                    ]
                },
                |bad, index, [g, z]| {
                    let value = T::Level::mul_add(-z, slope, g - mean) / sigma;
                    thread.store(self.grad, index, value);
                    bad + value * 0.0
                },
            );
        }
        leave(thread, self.status, status);
    }
}
