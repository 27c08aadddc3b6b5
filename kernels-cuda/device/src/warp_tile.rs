//! A 16 × 32 tile of a matrix product for each warp, on tensor cores, with the accuracy
//! of f32.
//!
//! A tensor core multiplies TF32 numbers, which have 11 significant bits. A number of 24
//! bits is split in two, `x = hi + lo`: hi is x without its low 13 bits, and lo, exact, has
//! at most 13, of which the tensor core takes 11. Three products,
//!
//! `x·y ≈ lo·hi' + hi·lo' + hi·hi'`, the small ones first,
//!
//! leave an error of at most `2^-19 |x y|`, and of about `2^-22 |x y|` on average: what is
//! cut off lo, and lo·lo'.
//!
//! Tensor cores may cut off, not round, when they add. Sums here are short (a slab of 32
//! terms starts from zero), and whoever adds slabs does it in f32.
//!
//! A lane reads one number at a time from shared memory. All 32 are in different banks
//! where rows of [`STRIDE_ALONG`] words run along the sum's index k (rows of the left
//! operand, columns of the right), or rows of [`STRIDE_ACROSS`] words run across it.

use core::array::from_fn;

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

/// x without its low 13 bits, and those.
#[inline(always)]
#[must_use]
pub fn split(x: f32) -> [f32; 2] {
    let high = f32::from_bits(x.to_bits() & !0x1fff);
    [high, x - high]
}

/// *Warp.* The product of the first [`WARP_ROWS`] rows of `left` and the first
/// [`WARP_COLUMNS`] columns of `right`, summed over a [`SLAB`].
#[inline(always)]
#[must_use]
pub fn multiply_slab<T: Thread>(thread: T, left: Panel, right: Panel) -> Tile {
    let (group, pair) = (thread.lane() / 4, thread.lane() % 4);
    let mut tile = [[0.0; 4]; 4];
    let mut k = pair;
    while k < SLAB {
        let a = [(0, 0), (8, 0), (0, 4), (8, 4)]
            .map(|(i, along)| split(left.load(thread, group + i, k + along)));
        let b: [[[f32; 2]; 2]; 4] = from_fn(|j| {
            [0, 4].map(|along| split(right.load(thread, group + 8 * j as u32, k + along)))
        });
        let (a_high, a_low) = (a.map(|[high, _]| high), a.map(|[_, low]| low));
        let b_high = b.map(|pair| pair.map(|[high, _]| high));
        let b_low = b.map(|pair| pair.map(|[_, low]| low));
        tile = from_fn(|j| thread.multiply(a_low, b_high[j], tile[j]));
        tile = from_fn(|j| thread.multiply(a_high, b_low[j], tile[j]));
        tile = from_fn(|j| thread.multiply(a_high, b_high[j], tile[j]));
        k += 8;
    }
    tile
}

/// The sum of two tiles.
#[inline(always)]
#[must_use]
pub fn add(a: Tile, b: Tile) -> Tile {
    from_fn(|j| from_fn(|e| a[j][e] + b[j][e]))
}

/// Row and column, in the warp's tile, of number `e` of product `j` of a lane.
#[inline(always)]
#[must_use]
pub fn place(lane: u32, j: u32, e: u32) -> [u32; 2] {
    [lane / 4 + 8 * (e / 2), 8 * j + 2 * (lane % 4) + e % 2]
}
