//! A tile of products, 64 × 64.
//!
//! **Slabs.** 32 coordinates of 64 rows of A and of B are in shared memory at a time, those
//! of a row together and rows [`STRIDE`] words apart. The next slab is loaded into
//! registers while the products of this one are taken.
//!
//! **Order.** A product of 16 × 8 and 8 × 8 needs of each row two coordinates in each lane,
//! and any order of the coordinates will do that A and B share. Lane `pair` gets the
//! coordinates `8 s + 2 pair` and the next in step s, and they lie at `8 pair + 2 s` in the
//! slab, so one read of four words serves two steps. Eight lanes read at once, two rows of
//! four pairs: words `0, 8, 16, 24` and `4, 12, 20, 28`, four each, all 32 banks.

use core::array::from_fn;

use super::Points;
use super::tensor::{Left, Right, add_products};
use crate::memory::Global;
use crate::thread::{Thread, WARPS};

/// Rows and columns of a tile.
pub const TILE: u32 = 64;
/// Coordinates that are in shared memory at a time, one for each lane.
pub const SLAB: u32 = 32;
/// Words from row to row of a slab.
const STRIDE: u32 = SLAB + 4;
/// Words of the slab of A, before that of B.
const SLAB_OF_A: u32 = TILE * STRIDE;
/// Words of shared memory for both.
pub(super) const SLAB_WORDS: u32 = 2 * SLAB_OF_A;
/// Rows of a slab that a warp loads.
const FETCHED: usize = (TILE / WARPS) as usize;

/// Which products of a tile a lane has: `products[t][k]` is that of the row
/// `row(k / 2)` and the column `column(t, k % 2)`.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    /// The warp's place: four down, two across.
    pub warp: [u32; 2],
    /// `lane / 4`.
    pub group: u32,
    /// `lane % 4`.
    pub pair: u32,
}

impl Spot {
    /// The lane's own.
    #[inline(always)]
    pub fn of<T: Thread>(thread: T) -> Self {
        let (warp, lane) = (thread.warp(), thread.lane());
        Self {
            warp: [warp / 2, warp % 2],
            group: lane / 4,
            pair: lane % 4,
        }
    }

    /// The row in the tile, `half < 2`.
    #[inline(always)]
    #[must_use]
    pub fn row(self, half: u32) -> u32 {
        16 * self.warp[0] + self.group + 8 * half
    }

    /// The column in the tile, `t < 4`, `which < 2`.
    #[inline(always)]
    #[must_use]
    pub fn column(self, t: u32, which: u32) -> u32 {
        32 * self.warp[1] + 8 * t + 2 * self.pair + which
    }
}

impl Points {
    /// *Block.* The products of the rows from `row` on with the columns from `column` on;
    /// zero beyond the last. Uses [`SLAB_WORDS`] words of shared memory from 0 on, which
    /// may be used again after the next barrier.
    #[inline(always)]
    pub(super) fn products<T: Thread>(&self, thread: T, row: u32, column: u32) -> [[f32; 4]; 4] {
        let spot = Spot::of(thread);
        let mut sums = [[0.0; 4]; 4];
        let mut next = self.fetch(thread, row, column, 0);
        let mut start = 0;
        while start < self.dim {
            thread.barrier();
            put(thread, &next);
            thread.barrier();
            next = self.fetch(thread, row, column, start + SLAB);
            add_half(thread, spot, 0, &mut sums);
            if self.dim - start > SLAB / 2 {
                add_half(thread, spot, 1, &mut sums);
            }
            start += SLAB;
        }
        sums
    }

    /// A thread's share of two slabs: lanes have neighbouring coordinates.
    #[inline(always)]
    fn fetch<T: Thread>(
        &self,
        thread: T,
        row: u32,
        column: u32,
        start: u32,
    ) -> [[f32; FETCHED]; 2] {
        let coordinate = start + thread.lane();
        let get = |array: Global<f32>, row: u32, rows: u32| {
            if row < rows && coordinate < self.dim {
                let index = row as usize * self.dim as usize + coordinate as usize;
                thread.load(array, index)
            } else {
                0.0
            }
        };
        let offset = |k: usize| thread.warp() + k as u32 * WARPS;
        [
            from_fn(|k| get(self.a, row + offset(k), self.rows)),
            from_fn(|k| get(self.b, column + offset(k), self.columns)),
        ]
    }
}

/// Writes what was fetched to the slabs.
#[inline(always)]
fn put<T: Thread>(thread: T, fetched: &[[f32; FETCHED]; 2]) {
    let lane = thread.lane();
    let place = 8 * (lane % 8 / 2) + 2 * (lane / 8) + lane % 2;
    for (slab, values) in [0, SLAB_OF_A].into_iter().zip(fetched) {
        for (k, &value) in values.iter().enumerate() {
            let row = thread.warp() + k as u32 * WARPS;
            thread.shared_store(slab + row * STRIDE + place, value);
        }
    }
}

/// Adds the products of half the coordinates of a slab.
#[inline(always)]
fn add_half<T: Thread>(thread: T, spot: Spot, half: u32, sums: &mut [[f32; 4]; 4]) {
    let place = 8 * spot.pair + 4 * half;
    let upper = thread.shared_load4(spot.row(0) * STRIDE + place);
    let lower = thread.shared_load4(spot.row(1) * STRIDE + place);
    let left = [
        Left::new([upper[0], lower[0], upper[1], lower[1]]),
        Left::new([upper[2], lower[2], upper[3], lower[3]]),
    ];
    let right = from_fn(|t| {
        let column = 32 * spot.warp[1] + 8 * t as u32 + spot.group;
        let [a, b, c, d] = thread.shared_load4(SLAB_OF_A + column * STRIDE + place);
        [Right::new([a, b]), Right::new([c, d])]
    });
    add_products(thread, &left, &right, sums);
}
