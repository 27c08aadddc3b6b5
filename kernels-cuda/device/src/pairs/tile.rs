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
use super::tensor::add_products;
use crate::memory::Global;
use crate::thread::{BLOCK, Thread, WARP};

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
/// Groups of four coordinates of a slab that a thread fetches.
const FETCHED: usize = (TILE * SLAB / 4 / BLOCK) as usize;

/// Which products of a tile a lane has: `products[t][k]` is that of the row
/// `row(k / 2)` and the column `column(t, k % 2)`.
///
/// Rows and columns are the lane's first and a constant, so that one address serves for
/// what is stored and loaded by them. A spot is made anew for each phase of a tile: its
/// numbers come through a shuffle, which tells the compiler nothing of them, so it computes
/// what follows from them again instead of keeping it in registers for all phases.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    /// The thread's number.
    pub thread: u32,
    /// The warp's place: four down, two across.
    pub warp: [u32; 2],
    /// `lane / 4`.
    pub group: u32,
    /// `lane % 4`.
    pub pair: u32,
    first_row: u32,
    first_column: u32,
}

impl Spot {
    /// *Warp.* The lane's own.
    #[inline(always)]
    pub fn of<T: Thread>(thread: T) -> Self {
        let thread = thread.shuffle_xor(thread.thread(), 0);
        let (warp, lane) = (thread / WARP, thread % WARP);
        let (warp, group, pair) = ([warp / 2, warp % 2], lane / 4, lane % 4);
        Self {
            thread,
            warp,
            group,
            pair,
            first_row: 16 * warp[0] + group,
            first_column: 32 * warp[1] + 2 * pair,
        }
    }

    /// The row in the tile, `half < 2`.
    #[inline(always)]
    #[must_use]
    pub fn row(self, half: u32) -> u32 {
        self.first_row + 8 * half
    }

    /// The column in the tile, `t < 4`, `which < 2`.
    #[inline(always)]
    #[must_use]
    pub fn column(self, t: u32, which: u32) -> u32 {
        self.first_column + (8 * t + which)
    }
}

impl Points {
    /// *Block.* The products of the rows from `row` on with the columns from `column` on;
    /// zero beyond the last. Uses [`SLAB_WORDS`] words of shared memory from 0 on, which
    /// may be used again after the next barrier.
    #[inline(always)]
    pub(super) fn products<T: Thread, const G: usize>(
        &self,
        thread: T,
        row: u32,
        column: u32,
    ) -> [[f32; 4]; 4] {
        let spot = Spot::of(thread);
        let mut sums = [[0.0; 4]; 4];
        let mut start = 0;
        while start < self.dim + SLAB {
            // While these are on their way, the products of the slab before them.
            let next = self.fetch(thread, spot, [row, column, start]);
            if start > 0 {
                add_half::<T, G>(thread, spot, 0, &mut sums);
                if self.dim + SLAB - start > SLAB / 2 {
                    add_half::<T, G>(thread, spot, 1, &mut sums);
                }
            }
            if start < self.dim {
                thread.barrier();
                put(thread, spot, 0, &next[0]);
                put(thread, spot, SLAB_OF_A, &next[1]);
                thread.barrier();
            }
            start += SLAB;
        }
        sums
    }

    /// A thread's share of the slabs of A and of B. Eight neighbours have the
    /// coordinates of a row.
    #[inline(always)]
    fn fetch<T: Thread>(
        &self,
        thread: T,
        spot: Spot,
        [row, column, start]: [u32; 3],
    ) -> [[[f32; 4]; FETCHED]; 2] {
        let coordinate = start + 4 * (spot.thread % 8);
        let get = |array, rows, row| four(thread, array, [rows, self.dim], [row, coordinate]);
        let offset = |k| fetched_row(spot, k);
        [
            from_fn(|k| get(self.a, self.rows, row + offset(k))),
            from_fn(|k| get(self.b, self.columns, column + offset(k))),
        ]
    }
}

/// Four elements of a row of a matrix; zeros beyond the last row and the last column.
/// `column` is a multiple of four.
#[inline(always)]
pub(super) fn four<T: Thread>(
    thread: T,
    array: Global<f32>,
    [rows, columns]: [u32; 2],
    [row, column]: [u32; 2],
) -> [f32; 4] {
    if row >= rows || column >= columns {
        return [0.0; 4];
    }
    let index = row as usize * columns as usize + column as usize;
    if u64::from(columns % 4) + array.address() % 16 == 0 {
        return thread.load4(array, index);
    }
    from_fn(|k| {
        if column + (k as u32) < columns {
            thread.load(array, index + k)
        } else {
            0.0
        }
    })
}

/// The row in the tile that a thread fetches.
#[inline(always)]
fn fetched_row(spot: Spot, k: usize) -> u32 {
    spot.thread / 8 + k as u32 * (BLOCK / 8)
}

/// Writes what was fetched to a slab.
#[inline(always)]
fn put<T: Thread>(thread: T, spot: Spot, slab: u32, fetched: &[[f32; 4]; FETCHED]) {
    // Coordinates 4 q, 4 q + 1 and 4 q + 2, 4 q + 3.
    let q = spot.thread % 8;
    let place = slab + 16 * (q % 2) + 2 * (q / 2);
    for (k, four) in fetched.iter().enumerate() {
        let start = place + fetched_row(spot, k) * STRIDE;
        thread.shared_store(start, four[0]);
        thread.shared_store(start + 1, four[1]);
        thread.shared_store(start + 8, four[2]);
        thread.shared_store(start + 9, four[3]);
    }
}

/// Adds the products of half the coordinates of a slab.
#[inline(always)]
fn add_half<T: Thread, const G: usize>(thread: T, spot: Spot, half: u32, sums: &mut [[f32; 4]; 4]) {
    let place = 8 * spot.pair + 4 * half;
    let upper = thread.shared_load4(spot.row(0) * STRIDE + place);
    let lower = thread.shared_load4(spot.row(1) * STRIDE + place);
    let left = [
        [upper[0], lower[0], upper[1], lower[1]],
        [upper[2], lower[2], upper[3], lower[3]],
    ];
    let right = |t: usize| {
        let column = 32 * spot.warp[1] + spot.group;
        let offset = SLAB_OF_A + 8 * t as u32 * STRIDE;
        let [a, b, c, d] = thread.shared_load4(column * STRIDE + place + offset);
        [[a, b], [c, d]]
    };
    let (groups, _) = sums.as_chunks_mut::<G>();
    each_4(|g| {
        if let Some(sums) = groups.get_mut(g) {
            add_products(thread, &left, &from_fn(|t| right(G * g + t)), sums);
        }
    });
}

/// `f(0)`, …, `f(7)`, spelled out: what is indexed by it can stay in registers, however
/// much `f` does.
#[inline(always)]
pub(super) fn each_8(mut f: impl FnMut(usize)) {
    each_4(&mut f);
    each_4(|k| f(4 + k));
}

/// `f(0)`, …, `f(3)`.
#[inline(always)]
pub(super) fn each_4(mut f: impl FnMut(usize)) {
    each_2(&mut f);
    each_2(|k| f(2 + k));
}

/// `f(0)` and `f(1)`.
#[inline(always)]
pub(super) fn each_2(mut f: impl FnMut(usize)) {
    f(0);
    f(1);
}
