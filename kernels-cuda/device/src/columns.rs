//! The columns of the two views of a batch, and who takes them.
//!
//! z holds N rows of view A, then N of view B, of d numbers each. The 2d columns of both
//! are numbered through. A block takes [`BLOCK`] columns, a thread each, and a share of the
//! rows, so that neighbours read neighbours; its partial results go to
//! `parts[share][column]`, and a second kernel adds the shares in their order.

use core::array::from_fn;

use crate::memory::Global;
use crate::thread::{BLOCK, Thread};

/// Views of a batch.
pub const VIEWS: u32 = 2;

/// Where columns stand.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// N: rows of a view.
    pub images: u32,
    /// d: columns of a view.
    pub dim: u32,
}

impl Batch {
    /// Columns of both views.
    #[inline(always)]
    #[must_use]
    pub const fn width(self) -> u32 {
        VIEWS * self.dim
    }

    /// The thread's column, if there is one.
    #[inline(always)]
    pub fn column<T: Thread>(self, thread: T) -> Option<Column> {
        let column = thread.block()[0] * BLOCK + thread.thread();
        if column >= self.width() {
            return None;
        }
        let dim = self.dim.max(1);
        let view = (column / dim) as usize * self.images as usize * dim as usize;
        Some(Column {
            number: column as usize,
            first: view + (column % dim) as usize,
            dim,
            rows: self.images,
        })
    }
}

/// A thread's column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its number among those of both views.
    pub number: usize,
    /// Where its first element stands.
    pub first: usize,
    dim: u32,
    rows: u32,
}

impl Column {
    /// Where its element in a row of the view stands.
    #[inline(always)]
    #[must_use]
    pub fn at(self, row: u32) -> usize {
        self.first + row as usize * self.dim as usize
    }

    /// Takes the rows of the block's share, four at a time: `load` first, so that four
    /// loads are under way together, then `push`.
    #[inline(always)]
    pub fn fold<T: Thread, A, V: Copy>(
        self,
        thread: T,
        start: A,
        load: impl Fn(usize) -> V,
        push: impl Fn(A, usize, V) -> A,
    ) -> A {
        let shares = thread.grid()[1].max(1);
        let mut total = start;
        let mut row = thread.block()[1];
        while row < self.rows {
            let values: [(bool, usize, V); 4] = from_fn(|k| {
                let here = row + k as u32 * shares;
                let inside = here < self.rows;
                let index = self.at(if inside { here } else { row });
                (inside, index, load(index))
            });
            for (inside, index, value) in values {
                if inside {
                    total = push(total, index, value);
                }
            }
            row += 4 * shares;
        }
        total
    }
}

/// A slot of the parts: `[share][column]`.
#[inline(always)]
pub fn slot<T: Thread>(thread: T, width: u32, column: usize) -> usize {
    thread.block()[1] as usize * width as usize + column
}

/// What `push` makes of the shares of one column and 0; eight loads are under way together.
#[inline(always)]
pub fn fold_parts<T: Thread>(
    thread: T,
    parts: Global<f32>,
    shares: u32,
    width: u32,
    column: usize,
    push: impl Fn(f32, f32) -> f32,
) -> f32 {
    let mut result = 0.0;
    let mut share = 0;
    while share < shares {
        let values: [f32; 8] = from_fn(|k| {
            let share = share + k as u32;
            if share < shares {
                thread.load(parts, share as usize * width as usize + column)
            } else {
                0.0
            }
        });
        result = values.into_iter().fold(result, &push);
        share += 8;
    }
    result
}

/// The sum of the shares of one column.
#[inline(always)]
pub fn total<T: Thread>(
    thread: T,
    parts: Global<f32>,
    shares: u32,
    width: u32,
    column: usize,
) -> f32 {
    fold_parts(thread, parts, shares, width, column, |a, b| a + b)
}
