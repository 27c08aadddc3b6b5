//! Loops over contiguous slices, written so that the compiler can use vector units.
//!
//! A sum is kept in [`LANES`] independent partial sums: floating-point addition may
//! not be reordered by the compiler, so one running sum would be computed one element
//! at a time. The partial sums also shrink the rounding error, from `n` to about
//! `n / LANES + log2(LANES)` roundings.
//!
//! The partial sums go through a loop by value (`fold` and `from_fn`), not through a
//! mutable array: only so are they in vector registers at every level (seen in the
//! machine code; with a mutable array LLVM 22 often takes them one by one).

use core::array::from_fn;

use crate::Real;

/// Partial sums per reduction: fills two AVX-512 registers of `f64`, four SSE
/// registers of `f32`, and hides the latency of an addition in each case.
const LANES: usize = 16;

/// `Σ_k term(x_k, y_k)`. All slices of a reduction have the same length.
#[inline(always)]
pub(crate) fn reduce<T: Real>(x: &[T], y: &[T], term: impl Fn(T, T) -> T) -> T {
    reduce3(x, y, y, |a, b, _| term(a, b))
}

/// `Σ_k term(x_k, y_k, z_k)`.
#[inline(always)]
pub(crate) fn reduce3<T: Real>(x: &[T], y: &[T], z: &[T], term: impl Fn(T, T, T) -> T) -> T {
    debug_assert!(x.len() == y.len() && y.len() == z.len());
    let (x_chunks, x_rest) = x.as_chunks::<LANES>();
    let (y_chunks, y_rest) = y.as_chunks::<LANES>();
    let (z_chunks, z_rest) = z.as_chunks::<LANES>();
    let chunks = x_chunks.iter().zip(y_chunks).zip(z_chunks);
    let mut lanes = chunks.fold([T::zero(); LANES], |lanes, ((xs, ys), zs)| {
        from_fn(|l| lanes[l] + term(xs[l], ys[l], zs[l]))
    });
    for (lane, ((&a, &b), &c)) in lanes.iter_mut().zip(x_rest.iter().zip(y_rest).zip(z_rest)) {
        *lane += term(a, b, c);
    }
    pairwise(&lanes)
}

/// Sums the lanes as a balanced tree. Not inlined: the compiler would carry the tree's
/// order back into the loop before it, and use half of each vector register there, or
/// one number of it.
#[inline(never)]
pub(crate) fn pairwise<T: Real>(lanes: &[T; LANES]) -> T {
    let mut tree = *lanes;
    let mut width = LANES / 2;
    while width > 0 {
        let (low, high) = tree.split_at_mut(width);
        for (a, &b) in low.iter_mut().zip(high.iter()) {
            *a += b;
        }
        width /= 2;
    }
    tree[0]
}

/// Scalar product.
#[inline(always)]
pub(crate) fn dot<T: Real>(x: &[T], y: &[T]) -> T {
    reduce(x, y, |a, b| a * b)
}

/// `|x − y|²` by direct differences: `|x|² + |y|² − 2x·y` loses all digits far from
/// the origin.
#[inline(always)]
pub(crate) fn squared_distance<T: Real>(x: &[T], y: &[T]) -> T {
    reduce(x, y, |a, b| {
        let difference = a - b;
        difference * difference
    })
}

/// `Σ_k term(x_k)`.
#[inline(always)]
pub(crate) fn sum_of<T: Real>(x: &[T], term: impl Fn(T) -> T) -> T {
    reduce(x, x, |a, _| term(a))
}

/// `max_k term(x_k, y_k)`; −∞ for empty slices. NaN is passed over: callers have
/// refused it.
#[inline(always)]
fn peak<T: Real>(x: &[T], y: &[T], term: impl Fn(T, T) -> T) -> T {
    debug_assert!(x.len() == y.len());
    let larger = |a: T, b: T| if b > a { b } else { a };
    let (x_chunks, x_rest) = x.as_chunks::<LANES>();
    let (y_chunks, y_rest) = y.as_chunks::<LANES>();
    let chunks = x_chunks.iter().zip(y_chunks);
    let mut lanes = chunks.fold([T::neg_infinity(); LANES], |lanes, (xs, ys)| {
        from_fn(|l| larger(lanes[l], term(xs[l], ys[l])))
    });
    for ((lane, &a), &b) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
        *lane = larger(*lane, term(a, b));
    }
    lanes.into_iter().fold(T::neg_infinity(), larger)
}

/// The largest element.
#[inline(always)]
pub(crate) fn largest<T: Real>(x: &[T]) -> T {
    peak(x, x, |a, _| a)
}

/// The largest `x_k − y_k`.
#[inline(always)]
pub(crate) fn largest_difference<T: Real>(x: &[T], y: &[T]) -> T {
    peak(x, y, |a, b| a - b)
}

/// `y += factor · x`.
#[inline(always)]
pub(crate) fn add_scaled<T: Real>(y: &mut [T], factor: T, x: &[T]) {
    for (out, &value) in y.iter_mut().zip(x) {
        *out += factor * value;
    }
}

/// `y = x`. Lengths are equal; a compiler that does not see it sees no panic all the same.
#[inline(always)]
pub(crate) fn copy<T: Real>(y: &mut [T], x: &[T]) {
    for (out, &value) in y.iter_mut().zip(x) {
        *out = value;
    }
}

/// `y *= factor`.
#[inline(always)]
pub(crate) fn scale<T: Real>(y: &mut [T], factor: T) {
    for out in y {
        *out *= factor;
    }
}

/// Euclidean norm. The plain sum of squares is used where it neither overflows nor
/// loses digits to underflow; elsewhere the row is divided by its largest entry first.
#[inline(always)]
pub(crate) fn norm<T: Real>(x: &[T]) -> T {
    let squares = dot(x, x);
    // Below this, squares of entries that matter may be subnormal or zero.
    let safe = T::min_positive_value() / (T::epsilon() * T::epsilon());
    if squares.is_finite() && squares > safe {
        return squares.sqrt();
    }
    let peak = x
        .iter()
        .fold(T::zero(), |peak, value| value.abs().max(peak));
    if !peak.is_normal() {
        // Zero, infinite, or too small to have a direction.
        return peak;
    }
    let ratio = sum_of(x, |a| {
        let scaled = a / peak;
        scaled * scaled
    });
    peak * ratio.sqrt()
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    /// Around the number of lanes, and where a 256-wide driver would change over.
    const SIZES: [usize; 14] = [0, 1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 255, 256, 257];

    /// Small integers: every sum is exact, so the order of the additions cannot matter.
    fn integers(len: usize, factor: usize) -> Vec<f32> {
        (0..len).map(|k| ((k * factor) % 13) as f32 - 6.0).collect()
    }

    #[test]
    fn every_element_counts_once_at_every_size() {
        for size in SIZES {
            let (x, y) = (integers(size, 5), integers(size, 7));
            let pairs = || x.iter().zip(&y);
            assert_eq!(dot(&x, &y), pairs().map(|(a, b)| a * b).sum());
            assert_eq!(
                squared_distance(&x, &y),
                pairs().map(|(a, b)| (a - b) * (a - b)).sum()
            );
            assert_eq!(sum_of(&x, |a| a), x.iter().sum());
            let none = f32::NEG_INFINITY;
            assert_eq!(largest(&x), x.iter().copied().fold(none, f32::max));
            let difference = pairs().map(|(a, b)| a - b).fold(none, f32::max);
            assert_eq!(largest_difference(&x, &y), difference);
        }
    }

    #[test]
    fn the_largest_is_found_in_every_place() {
        for place in 0..49 {
            let mut x = [-1.0; 49];
            x[place] = 1.0;
            assert_eq!(largest(&x), 1.0);
        }
    }

    /// 3-4-5 triangles of every magnitude, up to both ends of the range.
    #[test]
    fn norms_survive_squares_that_do_not() {
        for exponent in -124..125 {
            let unit = 2.0_f32.powi(exponent);
            let error = norm(&[3.0 * unit, -4.0 * unit]) / (5.0 * unit) - 1.0;
            assert!(error.abs() <= 2.0 * f32::EPSILON, "2^{exponent}: {error}");
        }
        assert_eq!(norm::<f32>(&[]), 0.0);
        assert_eq!(norm(&[0.0_f32; 20]), 0.0);
        assert_eq!(norm(&[1.0, f32::INFINITY]), f32::INFINITY);
        assert!(!norm(&[f32::NAN, 1.0]).is_normal());
    }
}
