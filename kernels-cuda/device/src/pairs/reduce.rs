//! `Σ_j 2^(r y_ij)` for each row i.
//!
//! A lane has two rows of a tile and eight columns, whose terms it adds to two sums with
//! one rescaling. At the end four lanes and two warps merge what they have of a row.

use core::array::from_fn;

use kernels_core::pieces::ScaledSum;

use super::tile::{SLAB_WORDS, Spot, TILE, each_2, each_8};
use super::{At, Points, Terms};
use crate::memory::Global;
use crate::reduce::{Reduce, over_lanes};
use crate::thread::Thread;

/// Words of shared memory that [`reduce`] needs.
pub const REDUCE_WORDS: u32 = SLAB_WORDS;

/// *Block.* The sums of this block's rows over its share of the columns, with the rate r.
/// Grid: tiles of rows × splits. `parts` (2 × splits × rows) gets the maxima, then the
/// sums.
#[inline(always)]
pub fn reduce<T: Thread, P: Terms>(
    thread: T,
    points: &Points,
    terms: &P,
    rate: f32,
    parts: Global<f32>,
) {
    let spot = Spot::of(thread);
    let [block, split] = thread.block();
    let splits = thread.grid()[1];
    let first = block * TILE;
    let rows: [At<P::Row>; 2] = from_fn(|half| {
        let index = first + spot.row(half as u32);
        At::new(index, points.rows, |i| terms.row(thread, i))
    });
    let mut sums = [ScaledSum::identity(); 2];
    let mut tile = split;
    while tile * TILE < points.columns {
        let column = tile * TILE;
        let products = points.products::<T, 4>(thread, first, column);
        let columns: [At<P::Column>; 8] = from_fn(|k| {
            let index = column + spot.column(k as u32 / 2, k as u32 % 2);
            At::new(index, points.columns, |j| terms.column(thread, j))
        });
        each_2(|half| {
            let mut exponents = [f32::NEG_INFINITY; 8];
            each_8(|k| {
                if columns[k].index < points.columns {
                    let product = products[k / 2][2 * half + k % 2];
                    exponents[k] = terms.term(thread, rows[half], columns[k], product);
                }
            });
            sums[half] = sums[half].push::<T::Level, 8>(exponents, rate);
        });
        tile += splits;
    }
    let merge = |a: ScaledSum<f32>, b| a.merge::<T::Level>(b, rate);
    each_2(|half| sums[half] = over_lanes(thread, sums[half], 4, merge));
    // The slabs are no longer needed.
    thread.barrier();
    each_2(|half| {
        if spot.warp[1] == 1 && spot.pair == 0 {
            sums[half].put(thread, 2 * spot.row(half as u32));
        }
    });
    thread.barrier();
    each_2(|half| {
        let row = spot.row(half as u32);
        let i = first + row;
        if spot.warp[1] == 0 && spot.pair == 0 && i < points.rows {
            let sum = merge(sums[half], ScaledSum::get(thread, 2 * row));
            let slot = split as usize * points.rows as usize + i as usize;
            thread.store(parts, slot, sum.max);
            let sums = splits as usize * points.rows as usize;
            thread.store(parts, sums + slot, sum.sum);
        }
    });
}

/// The sum of row i from the parts of all splits.
#[inline(always)]
pub fn merged_sum<T: Thread>(
    thread: T,
    parts: Global<f32>,
    splits: u32,
    rows: u32,
    i: u32,
    rate: f32,
) -> ScaledSum<f32> {
    let sums = splits as usize * rows as usize;
    let mut sum = ScaledSum::identity();
    let mut split = 0;
    while split < splits {
        let slot = split as usize * rows as usize + i as usize;
        let part = ScaledSum {
            max: thread.load(parts, slot),
            sum: thread.load(parts, sums + slot),
        };
        sum = sum.merge::<T::Level>(part, rate);
        split += 1;
    }
    sum
}
