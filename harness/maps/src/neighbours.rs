//! Nearest neighbours by looking at all pairs: exact, and the same at any number of
//! threads, for each row is computed alone. For 10,000 points in 50 dimensions that is
//! a second or two, and needs no index that would have to be seeded.

use rayon::prelude::*;

use super::Points;

/// Squared Euclidean distance, in sums side by side that a vector unit takes at once.
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
    let rest: f32 = rest.map(|(x, y)| (x - y) * (x - y)).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            let difference = x[lane] - y[lane];
            sums[lane] += difference * difference;
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// A point, and how far away it is, squared.
pub(super) type Near = (f32, usize);

/// The `k` nearest of each point, nearest first, the earlier point first where two are
/// as near; `k` is below the number of points.
pub(super) fn nearest(points: &Points<'_>, k: usize) -> Vec<Vec<Near>> {
    (0..points.rows())
        .into_par_iter()
        .map(|i| {
            nearest_of(
                i,
                k,
                |j| squared_distance(points.row(i), points.row(j)),
                points.rows(),
            )
        })
        .collect()
}

/// The `k` nearest of point `i` among `rows`.
pub(super) fn nearest_of(
    i: usize,
    k: usize,
    distance: impl Fn(usize) -> f32,
    rows: usize,
) -> Vec<Near> {
    let others = (0..rows).filter(|&j| j != i);
    let mut all: Vec<Near> = others.map(|j| (distance(j), j)).collect();
    let order = |a: &Near, b: &Near| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    if k < all.len() {
        all.select_nth_unstable_by(k, order);
        all.truncate(k);
    }
    all.sort_unstable_by(order);
    all
}
