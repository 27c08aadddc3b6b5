//! The innermost loops: products of panels, in registers.
//!
//! Every product is `sums_rl += Σ_t a_tr b_tl`: a number of a for each row r, each with
//! all lanes of `b_t`. The similarities, and the gradients of the column side, find `a_t`
//! side by side ([`add_columns`]); the gradients of the row side find `a_tr` in row r
//! ([`add_rows`]). So no tile of terms is ever transposed.
//!
//! The sums are taken by parts that fit the registers. Two fused multiply-adds begin in
//! a cycle and take four, so there should be more than eight independent ones.

use super::layout::{Lanes, PANEL, Square};
use crate::Real;
use crate::level::Level;

/// `sums_rl += Σ_ct a_ctr b_ctl`, over pieces c.
#[inline(always)]
pub(super) fn add_columns<'t, L: Level, T: Real>(
    pieces: impl Iterator<Item = (&'t [Lanes<T>], &'t [Lanes<T>])> + Clone,
    sums: &mut Square<T>,
) {
    let pieces = pieces.map(|(a, b)| (Columns(a), b));
    add::<L, T, _>(pieces, sums);
}

/// `sums_rl += Σ_ct a_crt b_ctl`, over pieces c and the lanes t of a.
#[inline(always)]
pub(super) fn add_rows<'t, L: Level, T: Real>(
    pieces: impl Iterator<Item = (&'t Square<T>, &'t Square<T>)> + Clone,
    sums: &mut Square<T>,
) {
    let pieces = pieces.map(|(a, b)| (Rows(a), b.as_slice()));
    add::<L, T, _>(pieces, sums);
}

/// Where the numbers of a are.
trait Left<T>: Copy {
    /// For each t, `a_tr` for `TALL` rows from `first` on.
    fn rows<const TALL: usize>(self, first: usize) -> impl Iterator<Item = [T; TALL]>;
}

#[derive(Clone, Copy)]
struct Columns<'a, T>(&'a [Lanes<T>]);

impl<T: Real> Left<T> for Columns<'_, T> {
    #[inline(always)]
    fn rows<const TALL: usize>(self, first: usize) -> impl Iterator<Item = [T; TALL]> {
        self.0.iter().map(move |lanes| {
            let mut x = [T::zero(); TALL];
            for (x, &a) in x.iter_mut().zip(&lanes[first..first + TALL]) {
                *x = a;
            }
            x
        })
    }
}

#[derive(Clone, Copy)]
struct Rows<'a, T>(&'a Square<T>);

impl<T: Real> Left<T> for Rows<'_, T> {
    #[inline(always)]
    fn rows<const TALL: usize>(self, first: usize) -> impl Iterator<Item = [T; TALL]> {
        (0..PANEL).map(move |t| {
            let mut x = [T::zero(); TALL];
            for (x, a) in x.iter_mut().zip(&self.0[first..first + TALL]) {
                *x = a[t];
            }
            x
        })
    }
}

/// Chooses the parts: with 16 registers, 6 × 2 sums, 2 of b and one of a; with 32
/// registers, 8 rows of all lanes.
#[inline(always)]
fn add<'t, L: Level, T: Real, A: Left<T>>(
    pieces: impl Iterator<Item = (A, &'t [Lanes<T>])> + Clone,
    sums: &mut Square<T>,
) {
    match const { (L::TILE_BYTES, L::TILE_BYTES / size_of::<T>()) } {
        (128.., _) => {
            add_part::<L, T, A, 8, PANEL>(pieces.clone(), 0, sums);
            add_part::<L, T, A, 8, PANEL>(pieces, 8, sums);
        }
        (_, 4) => add_parts::<L, T, A, 4>(pieces, sums),
        (_, 8) => add_parts::<L, T, A, 8>(pieces, sums),
        _ => add_parts::<L, T, A, PANEL>(pieces, sums),
    }
}

/// `6 + 5 + 5` rows.
#[inline(always)]
fn add_parts<'t, L: Level, T: Real, A: Left<T>, const WIDE: usize>(
    pieces: impl Iterator<Item = (A, &'t [Lanes<T>])> + Clone,
    sums: &mut Square<T>,
) {
    add_part::<L, T, A, 6, WIDE>(pieces.clone(), 0, sums);
    add_part::<L, T, A, 5, WIDE>(pieces.clone(), 6, sums);
    add_part::<L, T, A, 5, WIDE>(pieces, 11, sums);
}

/// `TALL` rows from `first` on, `WIDE` lanes at a time.
#[inline(always)]
fn add_part<'t, L: Level, T: Real, A: Left<T>, const TALL: usize, const WIDE: usize>(
    pieces: impl Iterator<Item = (A, &'t [Lanes<T>])> + Clone,
    first: usize,
    sums: &mut Square<T>,
) {
    for part in 0..PANEL / WIDE {
        let mut tile = [[T::zero(); WIDE]; TALL];
        for (tile, sums) in tile.iter_mut().zip(&sums[first..first + TALL]) {
            *tile = sums.as_chunks::<WIDE>().0[part];
        }
        for (a, b) in pieces.clone() {
            for (x, b) in a.rows::<TALL>(first).zip(b) {
                let (parts, _) = b.as_chunks::<WIDE>();
                add_outer::<L, T, TALL, WIDE>(&x, &parts[part], &mut tile);
            }
        }
        for (tile, sums) in tile.iter().zip(&mut sums[first..first + TALL]) {
            sums.as_chunks_mut::<WIDE>().0[part] = *tile;
        }
    }
}

/// The step of both: `tile_rl += x_r y_l`.
#[inline(always)]
fn add_outer<L: Level, T: Real, const TALL: usize, const WIDE: usize>(
    x: &[T; TALL],
    y: &[T; WIDE],
    tile: &mut [[T; WIDE]; TALL],
) {
    for (sums, &x) in tile.iter_mut().zip(x) {
        for (sum, &y) in sums.iter_mut().zip(y) {
            *sum = L::mul_add(x, y, *sum);
        }
    }
}

/// All lanes put together, as a balanced tree.
#[inline(always)]
pub(super) fn fold<T: Real>(lanes: &Lanes<T>, combine: impl Fn(T, T) -> T) -> T {
    let mut tree = *lanes;
    let mut width = PANEL / 2;
    while width > 0 {
        let (low, high) = tree.split_at_mut(width);
        for (a, &b) in low.iter_mut().zip(high.iter()) {
            *a = combine(*a, b);
        }
        width /= 2;
    }
    tree[0]
}
