//! Uniformity: how evenly the rows fill the unit sphere.
//!
//! Pairs are summed in blocks of 64, then by rows, then over rows, so that rounding grows with
//! the largest of these counts and not with the number of pairs.

use crate::log_sum_exp::LogSumExp;
use crate::{Error, Real, check, normalize, vector};

/// Distances that are computed before their exponentials are summed.
const BLOCK: usize = 64;

/// Workspace elements for [`uniformity`]: the unit rows and their norms, `rows (dim + 1)`.
#[must_use]
pub fn uniformity_workspace_len(rows: usize, dim: usize) -> usize {
    rows.saturating_mul(dim.saturating_add(1))
}

/// The uniformity of `rows` raw embeddings of `dim` numbers each, row-major: how evenly they
/// fill the unit sphere.
///
/// `log mean_{i<j} exp(−t ‖û_i − û_j‖²)` over the N(N−1)/2 pairs of different rows, with
/// `û = u/‖u‖` (Wang & Isola 2020, Eq. 5). In `[−4t, 0]`: 0 when all directions coincide;
/// t = 2 is customary, where the uniform distribution on a sphere of high dimension tends to −4.
///
/// Memory: the unit rows. Cost: O(N²·d). Error, with u the unit roundoff: about `(N + 4t) u` at
/// most. Special values: the result stays finite where every exponential alone would underflow,
/// by [`LogSumExp`]; a row without a direction is refused.
///
/// # Errors
/// Wrong lengths, fewer than two rows, a `t` that is not positive, NaN or infinite entries,
/// rows without a direction, or a result too large for the scalar type.
pub fn uniformity<T: Real>(
    x: &[T],
    rows: usize,
    dim: usize,
    t: T,
    workspace: &mut [T],
) -> Result<T, Error> {
    let operation = "uniformity";
    if rows < 2 {
        return Err(Error::Size {
            operation,
            argument: "rows",
            expected: "at least 2",
            got: rows,
        });
    }
    check::at_least_one(operation, "dim", dim)?;
    check::shape(operation, "x", x, rows.saturating_mul(dim))?;
    check::positive(operation, "t", t)?;
    let needed = uniformity_workspace_len(rows, dim);
    let mut rest = check::workspace(operation, workspace, needed)?;
    let unit = check::take(&mut rest, rows * dim);
    let norms = rest;
    normalize::normalize_rows(x, rows, dim, unit, norms)?;

    let mut block = [T::zero(); BLOCK];
    let mut total = LogSumExp::identity();
    for (i, row) in unit.chunks_exact(dim).enumerate() {
        let mut of_row = LogSumExp::identity();
        let later = unit.get((i + 1) * dim..).unwrap_or_default();
        for others in later.chunks((BLOCK * dim).max(1)) {
            let mut exponents = 0;
            for (slot, other) in block.iter_mut().zip(others.chunks_exact(dim)) {
                *slot = -t * vector::squared_distance(row, other);
                exponents += 1;
            }
            of_row = of_row.merge(LogSumExp::of(block.get(..exponents).unwrap_or_default()));
        }
        total = total.merge(of_row);
    }
    let pairs = T::count(rows) * (T::count(rows - 1) / T::of(2.0));
    // The mean is taken inside the logarithm: equal rows give exactly log 1 = 0.
    let value = total.max() + (total.sum() / pairs).ln();
    check::fits(operation, "the uniformity", value)
}
