//! Products of f32 from products of TF32.
//!
//! `x = h + l` with h rounded to the 10 bits of TF32 and `l = x − h` exact, of which the
//! tensor core drops one bit at most. `a b ≈ l_a h_b + h_a l_b + h_a h_b`, small products
//! first; what is left out, `l_a l_b` and the dropped bits, is at most `8 u |a b|`, with
//! `u = 2⁻²⁴` (Ootomo and Yokota 2022, §3).
//!
//! The tensor core cuts its sums instead of rounding them, so it adds up few products, from
//! zero on; the long sums are ordinary ones (§4 there).

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

/// What a lane holds of A (16 × 8), in two parts.
#[derive(Clone, Copy, Debug)]
pub struct Left([[f32; 4]; 2]);

/// What a lane holds of B (8 × 8), in two parts.
#[derive(Clone, Copy, Debug)]
pub struct Right([[f32; 2]; 2]);

impl Left {
    /// Splits what [`Thread::multiply`] takes as `a`.
    #[inline(always)]
    pub fn new(a: [f32; 4]) -> Self {
        let parts = a.map(split);
        Self([parts.map(|[high, _]| high), parts.map(|[_, low]| low)])
    }
}

impl Right {
    /// Splits what [`Thread::multiply`] takes as `b`.
    #[inline(always)]
    pub fn new(b: [f32; 2]) -> Self {
        let parts = b.map(split);
        Self([parts.map(|[high, _]| high), parts.map(|[_, low]| low)])
    }
}

/// *Warp.* `sums_t += Σ_s left_s right_ts`: S steps of eight, N tiles of eight columns.
/// Neighbouring instructions belong to different tiles and do not wait for each other.
#[inline(always)]
pub fn add_products<T: Thread, const S: usize, const N: usize>(
    thread: T,
    left: &[Left; S],
    right: &[[Right; S]; N],
    sums: &mut [[f32; 4]; N],
) {
    let mut fresh = [[0.0; 4]; N];
    for (of_left, of_right) in [(1, 0), (0, 1), (0, 0)] {
        for (step, left) in left.iter().enumerate() {
            for (fresh, right) in fresh.iter_mut().zip(right) {
                *fresh = thread.multiply(left.0[of_left], right[step].0[of_right], *fresh);
            }
        }
    }
    for (sums, fresh) in sums.iter_mut().zip(&fresh) {
        for (sum, &fresh) in sums.iter_mut().zip(fresh) {
            *sum += fresh;
        }
    }
}
