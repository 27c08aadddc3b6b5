//! Effective rank: how many directions an embedding uses. The smaller of `XᵀX` and `X Xᵀ` is
//! what eigenvalues are taken of: they are the same but for zeros.

use super::symmetric_eigen::symmetric_eigenvalues;
use crate::matrix::{Matrix, gram};
use crate::{Error, Real, check, columns, vector};

/// Sweeps of the eigenvalue solver: it needs 5 to 15.
const MAX_SWEEPS: usize = 40;

/// Which numbers are normalised and counted. Two definitions are in use, and their numbers
/// differ; with centred rows the singular values are `s_k = sqrt(λ_k)`.
///
/// | | p proportional to | of | source |
/// |---|---|---|---|
/// | `CovarianceEigenvalues` | eigenvalues `λ_k` | the covariance, so of centred rows | the entropy of the variances |
/// | `SingularValues` | singular values `s_k` | the raw matrix | Roy & Vetterli 2007; RankMe (Garrido et al. 2023) |
///
/// RankMe adds 1e-7 to every p_k, which this does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spectrum {
    /// Eigenvalues of the covariance: rows are centred first.
    CovarianceEigenvalues,
    /// Singular values of the matrix as it is (Roy & Vetterli; RankMe).
    SingularValues,
}

/// Workspace elements for [`effective_rank`]: a copy of the rows, a square matrix of side
/// `min(rows, dim)`, and O(rows + dim).
#[must_use]
pub fn effective_rank_workspace_len(rows: usize, dim: usize) -> usize {
    let side = rows.min(dim);
    // The rows, the square matrix, its eigenvalues, and the means of the columns.
    let per_feature = rows.saturating_add(1).saturating_mul(dim);
    let square = side.saturating_add(1).saturating_mul(side);
    per_feature.saturating_add(square)
}

/// The effective rank of `rows` embeddings of `dim` numbers each, row-major: how many
/// directions they use.
///
/// `exp H(p)`, `H(p) = −Σ_k p_k log p_k`, of a spectrum normalised to sum to one; which one, and
/// from which paper, says [`Spectrum`]. It is 1 for a line, d for an isotropic cloud, and counts
/// partly used directions by their share.
///
/// Either spectrum comes from the eigenvalues of `XᵀX` (d×d), or of `X Xᵀ` (N×N) when
/// N < d. Memory: a copy of the rows and that matrix. Cost: O(N d min(N, d)), and about
/// 60 min(N, d)³ for the eigenvalues, which are made for a few hundred features, not for
/// thousands.
///
/// Error: eigenvalues have an absolute error of about `m u λ_1`, m = max(N, d), u the unit
/// roundoff, and those at or below it count as zero: a singular value below `sqrt(m u) s_1`
/// (0.4 % of the largest in `f32` for m = 256, 2e-7 in `f64`) is not seen. Special values:
/// where no row differs from the others (or from zero) there is no spectrum, and the rank
/// is 0. The scale of the embedding does not matter.
///
/// # Errors
/// Wrong lengths, no rows, NaN or infinite entries, or rows so far apart that their
/// difference overflows.
pub fn effective_rank<T: Real>(
    x: &[T],
    rows: usize,
    dim: usize,
    spectrum: Spectrum,
    workspace: &mut [T],
) -> Result<T, Error> {
    let operation = "effective_rank";
    check::at_least_one(operation, "rows", rows)?;
    check::at_least_one(operation, "dim", dim)?;
    check::shape(operation, "x", x, rows.saturating_mul(dim))?;
    let needed = effective_rank_workspace_len(rows, dim);
    let workspace = check::workspace(operation, workspace, needed)?;
    check::finite(operation, "x", x)?;
    let side = rows.min(dim);
    let mut square = workspace;
    let scaled = check::take(&mut square, x.len());
    let means = check::take(&mut square, dim);
    let eigenvalues = check::take(&mut square, side);

    match spectrum {
        Spectrum::CovarianceEigenvalues => columns::centre(operation, x, dim, means, scaled)?,
        Spectrum::SingularValues => vector::copy(scaled, x),
    }
    let peak = scaled
        .iter()
        .fold(T::zero(), |peak, value| peak.max(value.abs()));
    if !peak.is_normal() {
        return Ok(T::zero());
    }
    for value in scaled.iter_mut() {
        *value /= peak;
    }
    let tall = Matrix::new(scaled, rows, dim);
    let factor = T::count(rows).recip();
    if rows < dim {
        gram(square, factor, tall);
    } else {
        gram(square, factor, tall.transposed());
    }
    symmetric_eigenvalues(square, side, MAX_SWEEPS, eigenvalues)?;

    let largest = vector::largest(eigenvalues);
    let noise = T::count(rows.max(dim)) * (T::epsilon() / T::of(2.0)) * largest;
    for value in eigenvalues.iter_mut() {
        *value = match spectrum {
            _ if *value <= noise => T::zero(),
            Spectrum::CovarianceEigenvalues => *value,
            Spectrum::SingularValues => value.sqrt(),
        };
    }
    let total = vector::sum_of(eigenvalues, |value| value);
    let entropy = vector::sum_of(eigenvalues, |value| {
        let p = value / total;
        if p > T::zero() {
            -p * p.ln()
        } else {
            T::zero()
        }
    });
    check::fits(operation, "the effective rank", entropy.exp())
}
