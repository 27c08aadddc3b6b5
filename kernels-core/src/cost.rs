//! Ground costs between two point clouds.
//!
//! | cost | `C_ij` | range on the unit sphere |
//! |---|---|---|
//! | [`Cost::SquaredEuclidean`] | `‖x_i − y_j‖²` | `[0, 4]` |
//! | [`Cost::Cosine`] | `1 − x_i·y_j / (‖x_i‖‖y_j‖)` | `[0, 2]` |
//!
//! With `u = x/‖x‖` and `v = y/‖y‖`, `1 − u·v = ½‖u − v‖²`: the cosine cost is half the
//! squared Euclidean one of the directions, and is computed so, because `1 − u·v`
//! cancels for close directions. Hence a cosine cost at ε has the plan of the squared
//! cost of unit rows at 2ε.

use crate::{Error, Real, check, normalize, vector};

/// The cost of moving a unit of mass from a row of x to a row of y.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// `‖x − y‖²` of the raw rows.
    SquaredEuclidean,
    /// `1 − cos(x, y)` of the raw rows.
    Cosine,
}

/// What a cost matrix is divided by before ε is compared with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostScale {
    /// Nothing: ε is in the units of the cost.
    None,
    /// Its largest entry, treated as a constant by the gradient. A matrix of zeros is
    /// left as it is.
    Maximum,
}

/// Writes `C_ij` between the `n` rows of `x` and the `m` rows of `y` to `out`,
/// row-major.
///
/// # Errors
/// Wrong lengths, a NaN or infinite coordinate, a zero row under [`Cost::Cosine`], or
/// a cost that overflows.
pub fn cost_matrix<T: Real>(
    cost: Cost,
    x: &[T],
    y: &[T],
    n: usize,
    m: usize,
    dim: usize,
    out: &mut [T],
) -> Result<(), Error> {
    let operation = "cost_matrix";
    check::at_least_one(operation, "n", n)?;
    check::at_least_one(operation, "m", m)?;
    check::at_least_one(operation, "dim", dim)?;
    check::shape(operation, "x", x, n.saturating_mul(dim))?;
    check::shape(operation, "y", y, m.saturating_mul(dim))?;
    check::shape(operation, "out", out, n.saturating_mul(m))?;
    check::finite(operation, "x", x)?;
    check::finite(operation, "y", y)?;
    match cost {
        Cost::SquaredEuclidean => squared_euclidean(x, y, m, dim, out),
        Cost::Cosine => cosine(operation, x, y, m, dim, out)?,
    }
    check::all_fit(operation, "a cost", out)
}

fn squared_euclidean<T: Real>(x: &[T], y: &[T], m: usize, dim: usize, out: &mut [T]) {
    for (out_row, x_row) in out.chunks_exact_mut(m).zip(x.chunks_exact(dim)) {
        for (entry, y_row) in out_row.iter_mut().zip(y.chunks_exact(dim)) {
            *entry = vector::squared_distance(x_row, y_row);
        }
    }
}

fn cosine<T: Real>(
    operation: &'static str,
    x: &[T],
    y: &[T],
    m: usize,
    dim: usize,
    out: &mut [T],
) -> Result<(), Error> {
    let half = T::of(0.5);
    // There is no workspace for the reciprocal norms of y, so they wait in the first
    // row of the output, which is therefore filled last.
    let (first, rest) = out.split_at_mut(m);
    for (j, (slot, y_row)) in first.iter_mut().zip(y.chunks_exact(dim)).enumerate() {
        *slot = normalize::checked_norm(operation, "y", y_row, j)?.recip();
    }
    let (x_first, x_rest) = x.split_at(dim);
    let pair = |x_row: &[T], r: T, y_row: &[T], s: T| {
        half * vector::scaled_squared_distance(x_row, r, y_row, s)
    };
    for (i, (out_row, x_row)) in rest
        .chunks_exact_mut(m)
        .zip(x_rest.chunks_exact(dim))
        .enumerate()
    {
        let r = normalize::checked_norm(operation, "x", x_row, i + 1)?.recip();
        for ((entry, y_row), &s) in out_row
            .iter_mut()
            .zip(y.chunks_exact(dim))
            .zip(first.iter())
        {
            *entry = pair(x_row, r, y_row, s);
        }
    }
    let r = normalize::checked_norm(operation, "x", x_first, 0)?.recip();
    for (entry, y_row) in first.iter_mut().zip(y.chunks_exact(dim)) {
        *entry = pair(x_first, r, y_row, *entry);
    }
    Ok(())
}

/// Divides `cost` as [`CostScale`] says and returns the divisor.
pub fn rescale<T: Real>(scale: CostScale, cost: &mut [T]) -> T {
    let largest = match scale {
        CostScale::None => return T::one(),
        CostScale::Maximum => vector::largest(cost),
    };
    // Dividing by a subnormal number could overflow; such a matrix is zero in effect.
    if !largest.is_normal() || largest < T::zero() {
        return T::one();
    }
    for entry in cost {
        *entry /= largest;
    }
    largest
}
