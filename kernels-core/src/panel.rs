//! Squared distances of a few rows to a panel of points.
//!
//! A panel holds [`PANEL`] points coordinate by coordinate, so that a vector holds one
//! coordinate of many points: [`GROUP`] rows against one panel are `GROUP · PANEL` sums
//! that stay in registers, and nothing is summed across a vector. Distances are sums of
//! squared differences: `‖u‖² + ‖v‖² − 2u·v` loses all digits far from the origin.

use crate::Real;
use crate::level::Level;

/// Points in a panel.
pub(crate) const PANEL: usize = 32;
/// Rows computed together.
pub(crate) const GROUP: usize = 4;

/// `‖x_r − y_l‖²` over the coordinates that the panel holds. All rows have as many
/// numbers.
#[inline(always)]
pub(crate) fn distances<L: Level, T: Real>(
    x: [&[T]; GROUP],
    panel: &[[T; PANEL]],
) -> [[T; PANEL]; GROUP] {
    // As many columns at a time as two registers hold: with GROUP rows that is half of
    // all registers, or a quarter.
    let columns = L::TILE_BYTES / size_of::<T>();
    let mut sums = [[T::zero(); PANEL]; GROUP];
    if columns >= 32 {
        strip::<L, T, 32>(x, panel, 0, &mut sums);
    } else if columns == 16 {
        for first in [0, 16] {
            strip::<L, T, 16>(x, panel, first, &mut sums);
        }
    } else {
        for first in [0, 8, 16, 24] {
            strip::<L, T, 8>(x, panel, first, &mut sums);
        }
    }
    sums
}

/// [`distances`] for `W` points of the panel, `W` numbers in each coordinate.
#[inline(always)]
fn strip<L: Level, T: Real, const W: usize>(
    x: [&[T]; GROUP],
    panel: &[[T; PANEL]],
    first: usize,
    out: &mut [[T; PANEL]; GROUP],
) {
    let mut sums = [[T::zero(); W]; GROUP];
    let [x0, x1, x2, x3] = x;
    let rows = x0.iter().zip(x1).zip(x2.iter().zip(x3));
    for (ys, ((&a, &b), (&c, &d))) in panel.iter().zip(rows) {
        let Some(ys) = ys.get(first..).and_then(|ys| ys.first_chunk::<W>()) else {
            continue;
        };
        for (sums, x) in sums.iter_mut().zip([a, b, c, d]) {
            for (sum, &y) in sums.iter_mut().zip(ys) {
                let difference = x - y;
                *sum = L::mul_add(difference, difference, *sum);
            }
        }
    }
    for (out, sums) in out.iter_mut().zip(&sums) {
        if let Some(out) = out.get_mut(first..first + W) {
            out.copy_from_slice(sums);
        }
    }
}

/// Four of up to four equally long rows; the last one stands in for those that are
/// missing.
#[inline(always)]
pub(crate) fn four_rows<T>(rows: &[T], dim: usize, count: usize) -> [&[T]; GROUP] {
    let row = |r: usize| {
        let start = r.min(count - 1) * dim;
        rows.get(start..start + dim).unwrap_or_default()
    };
    [row(0), row(1), row(2), row(3)]
}
