//! Products of f32 from products of TF32.
//!
//! `x = h + l` with h rounded to the 10 bits of TF32 and `l = x − h` exact, of which the
//! tensor core drops one bit at most. `a b ≈ l_a h_b + h_a l_b + h_a h_b`, small products
//! first; what is left out, `l_a l_b` and the dropped bits, is at most `8 u |a b|`, with
//! `u = 2⁻²⁴` (as Ootomo and Yokota 2022 do it).
//!
//! The tensor core cuts its sums instead of rounding them, so it adds up few products, from
//! zero on; the long sums are ordinary ones.

use core::array::from_fn;

use crate::thread::Thread;

/// Low bits that TF32 does not have.
const LOW: u32 = 13;

/// `[h, l]`. Infinities and NaN give at least one NaN.
#[inline(always)]
pub fn split(x: f32) -> [f32; 2] {
    let rounded = x.to_bits().wrapping_add(1 << (LOW - 1)) & !((1 << LOW) - 1);
    let high = f32::from_bits(rounded);
    [high, x - high]
}

/// `[h, l]` of several.
#[inline(always)]
fn split_all<const K: usize>(values: [f32; K]) -> [[f32; K]; 2] {
    let parts = values.map(split);
    [parts.map(|[high, _]| high), parts.map(|[_, low]| low)]
}

/// *Warp.* `sums_t += Σ_s left_s right_ts`: S steps of eight, N tiles of eight columns,
/// with what [`Thread::multiply`] takes as `a` and `b`. Neighbouring instructions belong to
/// different tiles and do not wait for each other.
#[inline(always)]
pub fn add_products<T: Thread, const S: usize, const N: usize>(
    thread: T,
    left: &[[f32; 4]; S],
    right: &[[[f32; 2]; S]; N],
    sums: &mut [[f32; 4]; N],
) {
    let mut fresh = [[0.0; 4]; N];
    for step in 0..S {
        let left = split_all(left[step]);
        let right: [_; N] = from_fn(|t| split_all(right[t][step]));
        for t in 0..N {
            fresh[t] = thread.multiply(left[1], right[t][0], fresh[t]);
        }
        for t in 0..N {
            fresh[t] = thread.multiply(left[0], right[t][1], fresh[t]);
        }
        for t in 0..N {
            fresh[t] = thread.multiply(left[0], right[t][0], fresh[t]);
        }
    }
    for t in 0..N {
        for k in 0..4 {
            sums[t][k] += fresh[t][k];
        }
    }
}
