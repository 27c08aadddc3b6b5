//! Principal components: the directions in which points differ most.
//!
//! For centred points as columns of X (dim × rows), the directions are the eigenvectors
//! of XXᵀ, and those of XᵀX give the same ones through X: the smaller of the two is
//! decomposed. A direction has no sense of its own; here its largest entry in magnitude
//! is positive (the first such), which makes the result a function of the points.

use nalgebra::{DMatrix, SymmetricEigen};

use super::{MapError, Points};

/// Points in the directions of their largest variance.
#[derive(Clone, Debug, PartialEq)]
pub struct Pca {
    /// Row-major, rows × components; the mean is at the origin.
    pub scores: Vec<f32>,
    /// Columns: at most as many as asked for, as dimensions and as points.
    pub components: usize,
    /// Share of the whole variance in each; zeros where all points are the same.
    pub explained: Vec<f64>,
}

/// Sweeps that the decomposition may take for each row; it needs about two.
const SWEEPS: usize = 100;

/// The first principal components of `points`.
pub fn pca(points: &Points<'_>, components: usize) -> Result<Pca, MapError> {
    if components == 0 {
        return Err(MapError::Option {
            operation: "PCA",
            name: "components",
            got: "0".to_owned(),
            expected: "at least 1",
        });
    }
    let x = points.centred();
    let (dim, rows) = x.shape();
    let wide = rows < dim;
    let squares = if wide {
        x.transpose() * &x
    } else {
        &x * x.transpose()
    };
    let size = squares.nrows();
    let total = squares.trace();
    let eigen = SymmetricEigen::try_new(squares, f64::EPSILON, SWEEPS * size)
        .ok_or(MapError::Eigen { size })?;
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    order.truncate(components);

    let mut directions = eigen.eigenvectors.select_columns(&order);
    if wide {
        directions = &x * directions;
    }
    for mut direction in directions.column_iter_mut() {
        let length = direction.norm();
        let sign = direction[direction.icamax()].signum();
        // No direction is left where fewer points than components differ.
        direction *= if length > 0.0 { sign / length } else { 0.0 };
    }
    let scores: DMatrix<f64> = directions.transpose() * x;
    let share = |&i: &usize| {
        let share = eigen.eigenvalues[i] / total;
        // Rounding may leave a variance below zero, or there is none at all.
        if share > 0.0 { share.min(1.0) } else { 0.0 }
    };
    Ok(Pca {
        components: order.len(),
        explained: order.iter().map(share).collect(),
        // Columns are points, so their memory is row-major in points.
        scores: scores.iter().map(|&score| score as f32).collect(),
    })
}

impl Pca {
    /// The first two components as a map; the second is 0 where there is only one.
    pub fn map(&self) -> Vec<super::Place> {
        let place = |row: &[f32]| [row[0], row.get(1).copied().unwrap_or(0.0)];
        self.scores
            .chunks_exact(self.components)
            .map(place)
            .collect()
    }
}
