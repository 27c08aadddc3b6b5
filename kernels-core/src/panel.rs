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
    let mut sums = [[T::zero(); PANEL]; GROUP];
    let [x0, x1, x2, x3] = x;
    let rows = x0.iter().zip(x1).zip(x2.iter().zip(x3));
    for (ys, ((&a, &b), (&c, &d))) in panel.iter().zip(rows) {
        for (sums, x) in sums.iter_mut().zip([a, b, c, d]) {
            for (sum, &y) in sums.iter_mut().zip(ys) {
                let difference = x - y;
                *sum = L::mul_add(difference, difference, *sum);
            }
        }
    }
    sums
}

/// Four of up to four equally long rows; the last one stands in for those that are
/// missing.
#[inline(always)]
pub(crate) fn four_rows<T>(rows: &[T], dim: usize, count: usize) -> [&[T]; GROUP] {
    let row = |r: usize| {
        let start = r.min(count - 1) * dim;
        &rows[start..start + dim]
    };
    [row(0), row(1), row(2), row(3)]
}
