//! `Σ_j w_ij v_j` for each row i, and `Σ_j w_ij`.
//!
//! The weights of a tile go to shared memory and are multiplied by tiles of V on the tensor
//! core. A block makes 16 N of V's columns (a chunk); eight warps, four down and two
//! across, each have 16 rows of 8 N. For V of more columns more blocks take the same
//! products.
//!
//! **Banks.** Rows of weights are 68 words apart, those of V `16 N + 8`: what the lanes
//! `(group, pair)` read lies in the banks `4 group + pair` and `8 pair + group` (with minus
//! 8 for N = 1), all different.

use core::array::from_fn;

use super::tensor::{Left, Right, add_products};
use super::tile::{SLAB_WORDS, Spot, TILE};
use super::{At, Points, Terms};
use crate::memory::Global;
use crate::reduce::over_lanes;
use crate::thread::{BLOCK, Thread};

/// Words from row to row of weights.
const STRIDE: u32 = TILE + 4;
/// Where the weights are; before them the slabs, or rows of V.
const WEIGHTS: u32 = SLAB_WORDS;
/// Rows of V that are in shared memory at a time.
const PART: u32 = 32;
/// Words of shared memory that [`apply`] needs.
pub const APPLY_WORDS: u32 = WEIGHTS + TILE * STRIDE;

/// What [`apply`] multiplies and writes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// V: columns × dim.
    pub values: Global<f32>,
    /// e.
    pub dim: u32,
    /// splits × rows × dim.
    pub vectors: Global<f32>,
    /// splits × rows, or empty where `Σ_j w_ij` is not asked for.
    pub masses: Global<f32>,
}

/// Chunks of 16 N columns that V is cut into.
#[must_use]
pub const fn chunks<const N: usize>(dim: u32) -> u32 {
    dim.div_ceil(16 * N as u32)
}

/// *Block.* The weighted sums of this block's rows over its share of the columns. Grid:
/// (tiles of rows × [`chunks`]) × splits; N is 1, 2, 4 or 8.
#[inline(always)]
pub fn apply<T: Thread, P: Terms, const N: usize>(
    thread: T,
    points: &Points,
    terms: &P,
    parts: &Parts,
) {
    const { assert!(PART * (16 * N as u32 + 8) <= SLAB_WORDS) };
    let spot = Spot::of(thread);
    let [x, split] = thread.block();
    let splits = thread.grid()[1];
    let tiles = points.rows.div_ceil(TILE).max(1);
    let (first, chunk) = (x % tiles * TILE, x / tiles);
    let last = points.rows.max(1) - 1;
    let rows: [At<P::Row>; 2] = from_fn(|half| {
        let index = first + spot.row(half as u32);
        let data = terms.row(thread, index.min(last));
        At { index, data }
    });
    let mut masses = [0.0; 2];
    let mut sums = [[0.0; 4]; N];
    let mut column = split * TILE;
    while column < points.columns {
        let products = points.products(thread, first, column);
        for (t, products) in (0..).zip(products) {
            let columns: [At<P::Column>; 2] = from_fn(|which| {
                let index = column + spot.column(t, which as u32);
                let data = terms.column(thread, index.min(points.columns - 1));
                At { index, data }
            });
            for (k, product) in products.into_iter().enumerate() {
                let (row, at) = (rows[k / 2], columns[k % 2]);
                let inside = row.index < points.rows && at.index < points.columns;
                let weight = if inside {
                    terms.term(thread, row, at, product)
                } else {
                    0.0
                };
                masses[k / 2] += weight;
                let place = spot.row(k as u32 / 2) * STRIDE + spot.column(t, k as u32 % 2);
                thread.shared_store(WEIGHTS + place, weight);
            }
        }
        for part in 0..TILE / PART {
            add_part(
                thread,
                spot,
                points,
                parts,
                [column, part, chunk],
                &mut sums,
            );
        }
        column += splits * TILE;
    }
    let rows_before = split as usize * points.rows as usize;
    for (t, sums) in (0..).zip(sums) {
        for (k, sum) in (0..).zip(sums) {
            let i = first + spot.row(k / 2);
            let e = chunk * (16 * N as u32) + spot.warp[1] * (8 * N as u32) + 8 * t;
            let e = e + 2 * spot.pair + k % 2;
            if i < points.rows && e < parts.dim {
                let slot = rows_before + i as usize;
                thread.store(parts.vectors, slot * parts.dim as usize + e as usize, sum);
            }
        }
    }
    if !parts.masses.is_empty() && chunk == 0 {
        put_masses(thread, spot, masses, |half, mass| {
            let i = first + spot.row(half);
            if i < points.rows {
                thread.store(parts.masses, rows_before + i as usize, mass);
            }
        });
    }
}

/// Adds the products of the weights with [`PART`] rows of V.
#[inline(always)]
fn add_part<T: Thread, const N: usize>(
    thread: T,
    spot: Spot,
    points: &Points,
    parts: &Parts,
    [column, part, chunk]: [u32; 3],
    sums: &mut [[f32; 4]; N],
) {
    let width = 16 * N as u32;
    let stride = width + 8;
    // A thread's elements are BLOCK apart, in rows of `width`.
    let places: [[u32; 2]; N] = from_fn(|k| {
        let element = thread.thread() + k as u32 * BLOCK;
        [element / width, element % width]
    });
    let fetch = |half: u32| -> [f32; N] {
        places.map(|[row, e]| {
            let j = column + part * PART + half * (PART / 2) + row;
            let e = chunk * width + e;
            if j < points.columns && e < parts.dim {
                thread.load(parts.values, j as usize * parts.dim as usize + e as usize)
            } else {
                0.0
            }
        })
    };
    let fetched = [fetch(0), fetch(1)];
    // What was there is no longer needed, and the weights are complete.
    thread.barrier();
    for (half, values) in (0..).zip(fetched) {
        for ([row, e], value) in places.into_iter().zip(values) {
            thread.shared_store((half * (PART / 2) + row) * stride + e, value);
        }
    }
    thread.barrier();
    for step in 0..PART / 8 {
        let place = WEIGHTS + part * PART + 8 * step + spot.pair;
        let (upper, lower) = (spot.row(0) * STRIDE, spot.row(1) * STRIDE);
        let left = [Left::new(
            [upper, lower, upper + 4, lower + 4].map(|row| thread.shared_load(place + row)),
        )];
        let right = from_fn(|t| {
            let e = spot.warp[1] * (8 * N as u32) + 8 * t as u32 + spot.group;
            let row = 8 * step + spot.pair;
            let at = |row: u32| thread.shared_load(row * stride + e);
            [Right::new([at(row), at(row + 4)])]
        });
        add_products(thread, &left, &right, sums);
    }
}

/// *Block.* Adds up what the lanes and the two warps of a row have, and hands it on.
#[inline(always)]
fn put_masses<T: Thread>(thread: T, spot: Spot, masses: [f32; 2], put: impl Fn(u32, f32)) {
    let masses = masses.map(|mass| over_lanes(thread, mass, 4, |a, b| a + b));
    thread.barrier();
    for (half, mass) in (0..).zip(masses) {
        if spot.warp[1] == 1 && spot.pair == 0 {
            thread.shared_store(spot.row(half), mass);
        }
    }
    thread.barrier();
    for (half, mass) in (0..).zip(masses) {
        if spot.warp[1] == 0 && spot.pair == 0 {
            put(half, mass + thread.shared_load::<f32>(spot.row(half)));
        }
    }
}

/// Element `index` of rows × dim from the parts of all splits, each of `len` elements.
#[inline(always)]
pub fn merged<T: Thread>(
    thread: T,
    parts: Global<f32>,
    splits: u32,
    len: usize,
    index: usize,
) -> f32 {
    let mut sum = 0.0;
    let mut split = 0;
    while split < splits {
        sum += thread.load::<f32>(parts, split as usize * len + index);
        split += 1;
    }
    sum
}
