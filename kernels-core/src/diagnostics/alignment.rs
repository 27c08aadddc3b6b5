//! Alignment: how far apart the two views of an image lie.

use crate::{Error, Real, check, normalize, vector};

/// The alignment of `rows` pairs of raw embeddings of `dim` numbers each, row-major: row i
/// of `view_a` and row i of `view_b` come from one image, and this is how far apart they lie.
///
/// `mean_i ‖û_i − v̂_i‖^α` with unit rows `û = u/‖u‖` (Wang & Isola 2020, Eq. 4), in
/// `[0, 2^α]`; α = 2 is customary.
///
/// Memory: none. Cost: O(N·d) for N rows of d numbers. Error: the distance is right to a few u
/// (the unit roundoff) absolutely, by direct differences. Special values: a row without a
/// direction is refused.
///
/// # Errors
/// Wrong lengths, no rows, an exponent that is not positive, NaN or infinite entries, rows
/// without a direction, or a result too large for the scalar type.
pub fn alignment<T: Real>(
    view_a: &[T],
    view_b: &[T],
    rows: usize,
    dim: usize,
    alpha: T,
) -> Result<T, Error> {
    let operation = "alignment";
    check::at_least_one(operation, "rows", rows)?;
    check::at_least_one(operation, "dim", dim)?;
    check::shape(operation, "view_a", view_a, rows.saturating_mul(dim))?;
    check::shape(operation, "view_b", view_b, view_a.len())?;
    check::positive(operation, "alpha", alpha)?;
    let exponent = alpha / T::of(2.0);
    let share = T::count(rows).recip();
    let pairs = view_a.chunks_exact(dim).zip(view_b.chunks_exact(dim));
    let mut mean = T::zero();
    for (row, (a, b)) in pairs.enumerate() {
        let norm_a = normalize::checked_norm(operation, "view_a", a, row)?;
        let norm_b = normalize::checked_norm(operation, "view_b", b, row)?;
        let squared = vector::reduce(a, b, |a, b| {
            let difference = a / norm_a - b / norm_b;
            difference * difference
        });
        mean += share * squared.powf(exponent);
    }
    check::fits(operation, "the alignment", mean)
}
