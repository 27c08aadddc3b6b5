//! All pairs (i, j) of the rows of A (n × d) and of B (m × d), without a matrix of n × m.
//!
//! What becomes of a pair is a function of the product `a_i·b_j` and of what is known of
//! row i and of column j ([`Terms`]); what becomes of a row is one of two things:
//!
//! * [`reduce()`]: `Σ_j 2^(r y_ij)` as a [`ScaledSum`](kernels_core::pieces::ScaledSum);
//! * [`apply()`]: `Σ_j w_ij v_j` for V (m × e), and `Σ_j w_ij`.
//!
//! They are drivers, called by kernels that bring the terms. Sinkhorn on points and NT-Xent
//! are such.
//!
//! **Grid.** A block takes [`TILE`] rows and every `splits`-th tile of [`TILE`] columns, so
//! that few rows still fill a GPU: `[row tiles, splits]` ([`splits`]), for `apply` `[row
//! tiles × chunks of V's columns, splits]`. Each split writes parts of its own; the kernel
//! that comes after adds them up in the order of the splits ([`merged_sum`], [`merged`]).
//! Nothing depends on the order in which blocks run.
//!
//! **Products** are three of the tensor core's (`tensor`), as accurate as in f32. Slabs of
//! [`SLAB`] coordinates go through shared memory (`tile`); eight warps, four down and two
//! across, each have 16 × 32 products of a tile, 16 in each lane ([`Spot`]).
//!
//! **Error.** A product is off by at most about `(d/16 + 8) u Σ_k |a_ik b_jk|`, with
//! `u = 2⁻²⁴`. Entries from `2¹²⁸ (1 − 2⁻¹²)` on count as infinite.
//!
//! **Cost.** For each pair `3 d` multiplications on the tensor core in `reduce` and
//! `3 d c + 3 e` in `apply` with c chunks. Device memory is read `4 d (n + m n/64)` bytes,
//! the second term nearly always from the L2 cache, where blocks find the same columns at
//! the same time. Shared memory: [`REDUCE_WORDS`] or [`APPLY_WORDS`]. Rows are loaded four
//! numbers at once where d (and e) is a multiple of four and the array begins at a multiple
//! of 16 bytes; up to d = 16 half of the products of a slab, all zero, are left out.
//!
//! | file | subject |
//! |---|---|
//! | `tensor` | products of f32 from products of TF32 |
//! | `tile` | a tile of products |
//! | `reduce` | sums of exponentials over each row |
//! | `apply` | weighted sums of vectors for each row |

mod apply;
mod reduce;
pub mod tensor;
mod tile;

pub use apply::{APPLY_WORDS, Parts, apply, chunks, merged};
pub use reduce::{REDUCE_WORDS, merged_sum, reduce};
pub use tile::{SLAB, Spot, TILE};

use crate::memory::Global;
use crate::thread::Thread;

/// The rows of A and of B.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Points {
    /// n × d.
    pub a: Global<f32>,
    /// m × d.
    pub b: Global<f32>,
    /// n.
    pub rows: u32,
    /// m.
    pub columns: u32,
    /// d.
    pub dim: u32,
}

/// A row or a column, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct At<D> {
    /// Its number.
    pub index: u32,
    /// What is known; nothing beyond the last.
    pub data: D,
}

impl<D: Default> At<D> {
    /// One of `count`, or one beyond the last.
    #[inline(always)]
    fn new(index: u32, count: u32, load: impl FnOnce(u32) -> D) -> Self {
        let data = if index < count {
            load(index)
        } else {
            D::default()
        };
        Self { index, data }
    }
}

/// What becomes of a pair.
pub trait Terms: Copy {
    /// What is known of a row: its norm, its potential.
    type Row: Copy + Default;
    /// What is known of a column.
    type Column: Copy + Default;

    /// Whether [`apply()`] may be asked for `Σ_j w_ij`.
    const MASSES: bool = true;

    /// Loads it; at most once for each row and tile. `i < rows`.
    fn row<T: Thread>(&self, thread: T, i: u32) -> Self::Row;
    /// Loads it; once for each column of a tile. `j < columns`.
    fn column<T: Thread>(&self, thread: T, j: u32) -> Self::Column;
    /// The exponent `y_ij` for [`reduce()`], where −∞ leaves the pair out, or the weight
    /// `w_ij` for [`apply()`], where 0 does. No collective operation.
    fn term<T: Thread>(
        &self,
        thread: T,
        row: At<Self::Row>,
        column: At<Self::Column>,
        product: f32,
    ) -> f32;
}

/// Blocks that fill a GPU of about 130 multiprocessors, two on each.
const BLOCKS: u32 = 264;

/// Among how many blocks the columns of a tile of rows are shared out: as many as fill a
/// GPU, at most one for each tile of columns. The same on every GPU, as is the result.
#[must_use]
pub const fn splits(rows: u32, columns: u32) -> u32 {
    let most = columns.div_ceil(TILE);
    let Some(splits) = BLOCKS.checked_div(rows.div_ceil(TILE)) else {
        return 1;
    };
    let splits = if splits > most { most } else { splits };
    if splits == 0 { 1 } else { splits }
}
