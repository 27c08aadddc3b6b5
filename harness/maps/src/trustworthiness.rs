//! How far the neighbours that a map shows can be believed.
//!
//! A map of many dimensions on a plane has to put some points side by side that are far
//! apart in truth. With U(i) the points among the k nearest of i on the map that are not
//! among its k nearest in truth, and r(i, j) the place of j in the order of true
//! distances from i,
//!
//! ```text
//! T(k) = 1 − 2 / (n k (2n − 3k − 1)) · Σᵢ Σ_{j ∈ U(i)} (r(i, j) − k)
//! ```
//!
//! which is 1 where each neighbour on the map is one in truth, and about 0.5 for places
//! drawn by chance (J. Venna, S. Kaski: Neighborhood preservation in nonlinear projection
//! methods: an experimental study. ICANN 2001).

use rayon::prelude::*;

use super::{
    MapError, Place, Points,
    neighbours::{nearest_of, squared_distance},
};

/// Trustworthiness of `map` as a picture of `points`, for the `k` nearest neighbours;
/// `k` is below half of the number of points.
pub fn trustworthiness(points: &Points<'_>, map: &[Place], k: usize) -> Result<f64, MapError> {
    const OPERATION: &str = "trustworthiness";
    let n = points.rows();
    if map.len() != n {
        return Err(MapError::Shape {
            operation: OPERATION,
            expected: format!("{n} places"),
            got: map.len().to_string(),
        });
    }
    if k == 0 {
        return Err(MapError::Option {
            operation: OPERATION,
            name: "k",
            got: k.to_string(),
            expected: "at least 1",
        });
    }
    if k >= n.div_ceil(2) {
        return Err(MapError::TooFew {
            operation: OPERATION,
            least: k.saturating_mul(2).saturating_add(1),
            rows: n,
        });
    }
    let intruders = |i: usize| -> u64 {
        let true_row: Vec<f32> = (0..n)
            .map(|j| squared_distance(points.row(i), points.row(j)))
            .collect();
        let on_map = |j: usize| squared_distance(&map[i], &map[j]);
        let shown = nearest_of(i, k, on_map, n);
        let beyond = shown.iter().map(|&(_, j)| {
            let nearer =
                |l: usize| true_row[l] < true_row[j] || (true_row[l] == true_row[j] && l < j);
            let rank = 1 + (0..n).filter(|&l| l != i && nearer(l)).count();
            rank.saturating_sub(k) as u64
        });
        beyond.sum()
    };
    let intruders: u64 = (0..n).into_par_iter().map(intruders).sum();
    let (n, k) = (n as f64, k as f64);
    Ok(1.0 - 2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0)) * intruders as f64)
}
