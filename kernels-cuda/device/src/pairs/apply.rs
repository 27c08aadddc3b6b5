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

use super::tensor::add_products;
use super::tile::{SLAB_WORDS, Spot, TILE, each_2, each_4, each_8, four};
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
    let [x, split] = thread.block();
    let splits = thread.grid()[1];
    let tiles = points.rows.div_ceil(TILE).max(1);
    let (first, chunk) = (x % tiles * TILE, x / tiles);
    let mut masses = [0.0; 2];
    let mut sums = [[0.0; 4]; N];
    let mut tile = split;
    while tile * TILE < points.columns {
        let column = tile * TILE;
        let products = points.products::<T, 2>(thread, first, column);
        let spot = Spot::of(thread);
        let place = WEIGHTS + spot.row(0) * STRIDE + spot.column(0, 0);
        // Loaded again for each tile, as registers are rare.
        let rows: [At<P::Row>; 2] = from_fn(|half| {
            let index = first + spot.row(half as u32);
            At::new(index, points.rows, |i| terms.row(thread, i))
        });
        each_8(|k| {
            let of_tile = spot.column(k as u32 / 2, k as u32 % 2);
            let at = At::new(column + of_tile, points.columns, |j| {
                terms.column(thread, j)
            });
            each_2(|half| {
                let row = rows[half];
                let weight = if row.index < points.rows && at.index < points.columns {
                    let product = products[k / 2][2 * half + k % 2];
                    terms.term(thread, row, at, product)
                } else {
                    0.0
                };
                if P::MASSES {
                    masses[half] += weight;
                }
                let offset = 8 * half * STRIDE as usize + 8 * (k / 2) + k % 2;
                thread.shared_store(place + offset as u32, weight);
            });
        });
        for part in 0..TILE / PART {
            add_part(thread, points, parts, [column, part, chunk], &mut sums);
        }
        tile += splits;
    }
    let spot = Spot::of(thread);
    let rows_before = split as usize * points.rows as usize;
    each_8(|t| {
        each_4(|k| {
            let i = first + spot.row(k as u32 / 2);
            let e = (chunk * 2 + spot.warp[1]) * (8 * N as u32) + 8 * t as u32;
            let e = e + 2 * spot.pair + k as u32 % 2;
            if t < N && i < points.rows && e < parts.dim {
                let slot = (rows_before + i as usize) * parts.dim as usize + e as usize;
                thread.store(parts.vectors, slot, sums[t][k]);
            }
        });
    });
    if P::MASSES && !parts.masses.is_empty() && chunk == 0 {
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
    points: &Points,
    parts: &Parts,
    [column, part, chunk]: [u32; 3],
    sums: &mut [[f32; 4]; N],
) {
    let spot = Spot::of(thread);
    let width = 16 * N as u32;
    let stride = width + 8;
    // A thread takes groups of four elements, BLOCK apart: whole rows.
    let groups = width / 4;
    let first = spot.thread / groups;
    let e = spot.thread % groups * 4;
    let place = |k: usize| Some(first + k as u32 * (BLOCK / groups)).filter(|&row| row < PART);
    let mut fetched = [[0.0; 4]; 4];
    each_4(|k| {
        if let Some(row) = place(k) {
            let at = [column + part * PART + row, chunk * width + e];
            fetched[k] = four(thread, parts.values, [points.columns, parts.dim], at);
        }
    });
    // What was there is no longer needed, and the weights are complete.
    thread.barrier();
    each_4(|k| {
        if let Some(row) = place(k) {
            thread.shared_store4(row * stride + e, fetched[k]);
        }
    });
    thread.barrier();
    for step in 0..PART / 8 {
        let first = spot.row(0) * STRIDE + spot.pair;
        let place = first + (WEIGHTS + part * PART + 8 * step);
        let left = [[0, 8 * STRIDE, 4, 8 * STRIDE + 4].map(|at| thread.shared_load(place + at))];
        let right = |t: usize| {
            let first = spot.pair * stride + spot.warp[1] * (8 * N as u32) + spot.group;
            let place = first + (8 * step * stride + 8 * t as u32);
            [[place, place + 4 * stride].map(|place| thread.shared_load(place))]
        };
        // Four tiles at a time: more would take too many registers.
        let (fours, ones) = sums.as_chunks_mut::<4>();
        each_2(|g| {
            if let Some(sums) = fours.get_mut(g) {
                add_products(thread, &left, &from_fn(|t| right(4 * g + t)), sums);
            }
        });
        each_2(|t| {
            if let Some(sum) = ones.get_mut(t) {
                add_products(thread, &left, &[right(t)], core::array::from_mut(sum));
            }
        });
    }
}

/// *Block.* Adds up what the lanes and the two warps of a row have, and hands it on.
#[inline(always)]
fn put_masses<T: Thread>(thread: T, spot: Spot, masses: [f32; 2], put: impl Fn(u32, f32)) {
    let masses = masses.map(|mass| over_lanes(thread, mass, 4, |a, b| a + b));
    thread.barrier();
    each_2(|half| {
        if spot.warp[1] == 1 && spot.pair == 0 {
            thread.shared_store(spot.row(half as u32), masses[half]);
        }
    });
    thread.barrier();
    each_2(|half| {
        if spot.warp[1] == 0 && spot.pair == 0 {
            let other: f32 = thread.shared_load(spot.row(half as u32));
            put(half as u32, masses[half] + other);
        }
    });
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
