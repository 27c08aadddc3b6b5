//! A 16 × 32 tile of a matrix product for each warp, from slabs in shared memory.
//!
//! Products have the accuracy of f32 (see [`tensor`](crate::pairs::tensor)): three on tensor
//! cores, sums of sixteen terms from zero, and ordinary sums of those.
//!
//! A lane reads one number at a time. All 32 are in different banks where rows of
//! [`STRIDE_ALONG`] words run along the sum's index k (rows of the left operand, columns of
//! the right), or rows of [`STRIDE_ACROSS`] words run across it. So either operand may lie
//! in memory either way.

use core::array::from_fn;

use crate::pairs::tensor::add_products;
use crate::thread::Thread;

/// Rows of a warp's tile.
pub const WARP_ROWS: u32 = 16;
/// Columns of a warp's tile.
pub const WARP_COLUMNS: u32 = 32;
/// Terms of the sum in a slab of shared memory.
pub const SLAB: u32 = 32;
/// Words between rows of a slab that run along the sum's index: `4 mod 32`.
pub const STRIDE_ALONG: u32 = SLAB + 4;
/// Words between rows of a slab that run across the sum's index, 64 numbers each:
/// `8 mod 32`.
pub const STRIDE_ACROSS: u32 = 64 + 8;

/// What a lane holds of its warp's tile: four products of 16 × 8.
pub type Tile = [[f32; 4]; 4];

/// A slab of one operand in shared memory: element (i, k), with i a row of the left operand
/// or a column of the right one, is word `start + outer·i + inner·k`.
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    /// The first word.
    pub start: u32,
    /// Words from i to i + 1.
    pub outer: u32,
    /// Words from k to k + 1.
    pub inner: u32,
}

impl Panel {
    /// The same from row or column `i` on.
    #[inline(always)]
    #[must_use]
    pub fn from(self, i: u32) -> Self {
        Self {
            start: self.start + self.outer * i,
            ..self
        }
    }

    #[inline(always)]
    fn load<T: Thread>(self, thread: T, i: u32, k: u32) -> f32 {
        thread.shared_load(self.start + self.outer * i + self.inner * k)
    }
}

/// *Warp.* Adds the product of the first [`WARP_ROWS`] rows of `left` and the first
/// [`WARP_COLUMNS`] columns of `right`, summed over a [`SLAB`].
#[inline(always)]
pub fn add_slab<T: Thread>(thread: T, left: Panel, right: Panel, sums: &mut Tile) {
    let (group, pair) = (thread.lane() / 4, thread.lane() % 4);
    let mut k = pair;
    while k < SLAB {
        // Two steps of eight terms.
        let a = [0, 8].map(|step| {
            [(0, 0), (8, 0), (0, 4), (8, 4)]
                .map(|(i, along)| left.load(thread, group + i, k + step + along))
        });
        let b = from_fn(|t| {
            let column = group + 8 * t as u32;
            [0, 8].map(|step| [0, 4].map(|along| right.load(thread, column, k + step + along)))
        });
        add_products::<T, 2, 4>(thread, &a, &b, sums);
        k += 16;
    }
}

/// Row and column, in the warp's tile, of number `e` of product `j` of a lane.
#[inline(always)]
#[must_use]
pub fn place(lane: u32, j: u32, e: u32) -> [u32; 2] {
    [lane / 4 + 8 * (e / 2), 8 * j + 2 * (lane % 4) + e % 2]
}
