//! `C = α A·B + β C` with the accuracy of f32 on tensor cores (see `warp_tile`), for many
//! problems of one size at once, and with the sum split into parts where C is small.
//!
//! A is m × k and B is k × n. Each may be stored transposed; a [`Form`] says which:
//! [`Plain`] `A·B`, [`OfColumns`] `XᵀY` of matrices with k rows, [`OfRows`] `X·Yᵀ` of
//! matrices with k columns.
//!
//! Grid: tiles of 64 × 64 of C; splits × problems. A block goes through k in slabs of 32:
//! the next slab comes into registers while the warps, 4 × 2 of them, multiply the one in
//! shared memory. Shared memory: 4608 words. Bytes: `4·m·n·k (1/64 + 1/64)` from the cache,
//! each operand at least once from memory; operations: `6·m·n·k` on tensor cores.
//!
//! Error: at most about `(k/16 + 24) u Σ |a b|` with `u = 2⁻²⁴`, and far less as a rule, as
//! roundings are of either sign. What lies outside of the matrices counts as zero.

use core::fmt::Debug;
use core::marker::PhantomData;

use crate::four::Rows;
use crate::kernel::Kernel;
use crate::memory::Global;
use crate::operand::{Operand, PANEL_WORDS};
use crate::reduce::over_block;
use crate::thread::Thread;
use crate::warp_tile::{SLAB, Tile, WARP_COLUMNS, WARP_ROWS, add_slab, place};

pub use crate::operand::TILE;

/// How operands are stored.
pub trait Form: Copy + Debug + Send + Sync + 'static {
    /// The kernel's name.
    const NAME: &'static str;
    /// Whether the left operand is stored k × m.
    const LEFT_TRANSPOSED: bool;
    /// Whether the right operand is stored n × k.
    const RIGHT_TRANSPOSED: bool;
}

/// `A·B`.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl Form for Plain {
    const NAME: &'static str = "matrix_product";
    const LEFT_TRANSPOSED: bool = false;
    const RIGHT_TRANSPOSED: bool = false;
}

/// `XᵀY`: products of columns.
#[derive(Clone, Copy, Debug)]
pub struct OfColumns;

impl Form for OfColumns {
    const NAME: &'static str = "matrix_product_of_columns";
    const LEFT_TRANSPOSED: bool = true;
    const RIGHT_TRANSPOSED: bool = false;
}

/// `X·Yᵀ`: products of rows.
#[derive(Clone, Copy, Debug)]
pub struct OfRows;

impl Form for OfRows {
    const NAME: &'static str = "matrix_product_of_rows";
    const LEFT_TRANSPOSED: bool = false;
    const RIGHT_TRANSPOSED: bool = true;
}

/// The product in one of the forms.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MatrixProduct<F> {
    /// problems × m × k.
    pub left: Global<f32>,
    /// problems × k × n.
    pub right: Global<f32>,
    /// splits × problems × m × n: a part of the sum each.
    pub out: Global<f32>,
    /// A number for each block, 0 or, where something is not finite, NaN; may be empty.
    pub status: Global<f32>,
    /// m.
    pub rows: u32,
    /// n.
    pub columns: u32,
    /// k.
    pub depth: u32,
    /// Parts of the sum.
    pub splits: u32,
    /// Terms of a part: a multiple of [`SLAB`].
    pub part: u32,
    /// α.
    pub alpha: f32,
    /// β; where it is 0, C is not read.
    pub beta: f32,
    /// Not 0 if C is symmetric (and β is 0 and `status` empty): tiles below the diagonal are
    /// not computed but mirrored.
    pub symmetric: u32,
    /// How operands are stored.
    pub form: PhantomData<F>,
}

impl<F: Form> MatrixProduct<F> {
    /// Writes an element; 0, or NaN if it is not finite.
    #[inline(always)]
    fn store<T: Thread>(&self, thread: T, out: Rows, [i, j]: [u32; 2], sum: f32) -> f32 {
        if i >= self.rows || j >= self.columns {
            return 0.0;
        }
        let index = out.index(i, j);
        let mut value = self.alpha * sum;
        if self.beta != 0.0 {
            value += self.beta * thread.load(self.out, index);
        }
        thread.store(self.out, index, value);
        value * 0.0
    }

    /// Writes a warp's tile, whose first element is `first`; 0, or NaN if something is not
    /// finite. Written out: a loop would put the lane's numbers into memory.
    #[inline(always)]
    fn finish<T: Thread>(&self, thread: T, out: Rows, first: [u32; 2], tile: Tile) -> f32 {
        let one = |j, e, sum| {
            let [row, column] = place(thread.lane(), j, e);
            let [row, column] = [first[0] + row, first[1] + column];
            if self.symmetric != 0 && row / TILE != column / TILE {
                self.store(thread, out, [column, row], sum);
            }
            self.store(thread, out, [row, column], sum)
        };
        let product =
            |j, [a, b, c, d]: [f32; 4]| one(j, 0, a) + one(j, 1, b) + one(j, 2, c) + one(j, 3, d);
        let [a, b, c, d] = tile;
        product(0, a) + product(1, b) + product(2, c) + product(3, d)
    }
}

impl<F: Form> Kernel for MatrixProduct<F> {
    const NAME: &'static str = F::NAME;

    fn shared_words(&self) -> u32 {
        2 * PANEL_WORDS
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let [tile, part] = thread.block();
        let tiles = self.columns.div_ceil(TILE).max(1);
        let [row, column] = [tile / tiles * TILE, tile % tiles * TILE];
        if self.symmetric != 0 && row > column {
            return;
        }
        let splits = self.splits.max(1);
        let (problem, split) = (part / splits, part % splits);
        let problems = thread.grid()[1] / splits;
        let operand = |array, across, first, count, words| Operand {
            matrix: Rows::new(
                array,
                problem as usize * count as usize * self.depth as usize,
                if across { count } else { self.depth },
            ),
            across,
            first,
            count,
            words,
        };
        let left = operand(self.left, F::LEFT_TRANSPOSED, row, self.rows, 0);
        let columns = self.columns;
        let across = !F::RIGHT_TRANSPOSED;
        let right = operand(self.right, across, column, columns, PANEL_WORDS);

        let warp = thread.warp();
        let place = [warp / 2 * WARP_ROWS, warp % 2 * WARP_COLUMNS];
        let panels = [left.panel().from(place[0]), right.panel().from(place[1])];
        let mut k = split * self.part;
        let end = k.saturating_add(self.part).min(self.depth);
        let mut sum = [[0.0; 4]; 4];
        let mut next = [left.fetch(thread, k, end), right.fetch(thread, k, end)];
        while k < end {
            // Nobody reads the slab before any longer.
            thread.barrier();
            left.put(thread, next[0]);
            right.put(thread, next[1]);
            thread.barrier();
            k += SLAB;
            next = [left.fetch(thread, k, end), right.fetch(thread, k, end)];
            add_slab(thread, panels[0], panels[1], &mut sum);
        }

        let one = self.rows as usize * columns as usize;
        let start = (split as usize * problems as usize + problem as usize) * one;
        let out = Rows::new(self.out, start, columns);
        let first = [row + place[0], column + place[1]];
        let bad = self.finish(thread, out, first, sum);
        if !self.status.is_empty() {
            thread.barrier();
            let bad = over_block(thread, bad, 0, |a, b| a + b);
            if thread.thread() == 0 {
                let block = part as usize * thread.grid()[0] as usize + tile as usize;
                thread.store(self.status, block, bad);
            }
        }
    }
}
