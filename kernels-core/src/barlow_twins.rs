//! Barlow Twins (Zbontar et al. 2021, Eq. 1): the cross-correlation of two views' features
//! is pulled towards the identity.
//!
//! For N images and d features, every column of a view is normalised over the batch with
//! the biased variance, `ẑ = (z − mean z)/σ`, `σ = sqrt(var_N + ε)`, and
//!
//! `C = ẐᴬᵀẐᴮ/N`, `L = scale ( Σ_i (1 − C_ii)² + λ Σ_{i≠j} C_ij² )`.
//!
//! Gradient: with `D = scale · 2(C − I)` on the diagonal and `scale · 2λC` off it,
//! `g_A = ẐᴮDᵀ/N`, `g_B = ẐᴬD/N`, and back through the normalisation, column by column,
//! `∂L/∂z = (g − mean g − ẑ mean(g ẑ))/σ`; the same for every ε.
//!
//! Constant columns: as in batch normalisation, ε (1e-5 by default) makes `ẑ = 0` of a
//! constant column, so that it costs its full `(1 − 0)²`. With ε = 0 the loss does not see
//! the scale of a column, and a constant one is refused with [`Error::ZeroVariance`].
//!
//! Memory: both normalised views and the d×d matrix. Cost: O(N d²). Error: with u the unit
//! roundoff, an entry of C is right to about `√N u` absolutely, hence also `1 − C_ii`.
//! Special values: columns of any magnitude are normalised without overflow.

use crate::columns;
use crate::matrix::{Matrix, add_product};
use crate::{Error, Real, check, vector};

/// Weight of the off-diagonal part and constants; the default is the official one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BarlowTwinsOptions<T> {
    /// λ, the weight of the off-diagonal entries (0.0051).
    pub lambda: T,
    /// Factor of the whole loss (1).
    pub scale: T,
    /// ε, added to a variance before its root is taken (1e-5); may be 0.
    pub epsilon: T,
}

impl<T: Real> Default for BarlowTwinsOptions<T> {
    fn default() -> Self {
        Self {
            lambda: T::of(0.0051),
            scale: T::one(),
            epsilon: T::of(1e-5),
        }
    }
}

impl<T: Real> BarlowTwinsOptions<T> {
    /// Refuses options outside their domains, in the name of `operation`.
    ///
    /// # Errors
    /// A negative option.
    pub fn check(&self, operation: &'static str) -> Result<(), Error> {
        check::not_negative(operation, "options.lambda", self.lambda)?;
        check::not_negative(operation, "options.scale", self.scale)?;
        check::not_negative(operation, "options.epsilon", self.epsilon)
    }
}

/// The loss and its parts before they are weighted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BarlowTwins<T> {
    /// `scale (invariance + λ redundancy)`.
    pub loss: T,
    /// `Σ_i (1 − C_ii)²`.
    pub invariance: T,
    /// `Σ_{i≠j} C_ij²`.
    pub redundancy: T,
}

/// Workspace elements for [`barlow_twins`] and [`barlow_twins_with_grad`].
#[must_use]
pub fn barlow_twins_workspace_len(rows: usize, dim: usize) -> usize {
    // Both normalised views, C, and four numbers for each feature.
    let per_feature = rows.saturating_add(dim).saturating_add(4);
    per_feature.saturating_mul(dim)
}

/// The loss of `rows = 2N` raw projections of `dim` numbers each, row-major; row `i` and
/// row `i + rows/2` are the views of one image.
///
/// # Errors
/// Wrong lengths, fewer than two images, a negative option, NaN or infinite entries, a
/// constant column where ε is 0, or a loss too large for the scalar type.
pub fn barlow_twins<T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    options: &BarlowTwinsOptions<T>,
    workspace: &mut [T],
) -> Result<BarlowTwins<T>, Error> {
    Batch::new("barlow_twins", z, rows, dim, options, workspace)?.forward()
}

/// [`barlow_twins`], and its gradient with respect to `z`, written to `grad`.
///
/// # Errors
/// As [`barlow_twins`]; also when the gradient does not fit the scalar type.
pub fn barlow_twins_with_grad<T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    options: &BarlowTwinsOptions<T>,
    grad: &mut [T],
    workspace: &mut [T],
) -> Result<BarlowTwins<T>, Error> {
    let operation = "barlow_twins_with_grad";
    check::shape(operation, "grad", grad, rows.saturating_mul(dim))?;
    let mut batch = Batch::new(operation, z, rows, dim, options, workspace)?;
    let loss = batch.forward()?;
    batch.backward(grad)?;
    Ok(loss)
}

/// One batch in the workspace.
struct Batch<'w, T> {
    operation: &'static str,
    images: usize,
    dim: usize,
    options: &'w BarlowTwinsOptions<T>,
    /// Ẑ of view A, then of view B.
    normal: &'w mut [T],
    /// σ of view A, then of view B.
    sigmas: &'w mut [T],
    /// First C, then D.
    correlation: &'w mut [T],
    /// Two numbers for each feature.
    scratch: &'w mut [T],
}

impl<'w, T: Real> Batch<'w, T> {
    fn new(
        operation: &'static str,
        z: &[T],
        rows: usize,
        dim: usize,
        options: &'w BarlowTwinsOptions<T>,
        workspace: &'w mut [T],
    ) -> Result<Self, Error> {
        check::several_images(operation, rows)?;
        check::at_least_one(operation, "dim", dim)?;
        check::shape(operation, "z", z, rows.saturating_mul(dim))?;
        options.check(operation)?;
        let needed = barlow_twins_workspace_len(rows, dim);
        let mut correlation = check::workspace(operation, workspace, needed)?;
        check::finite(operation, "z", z)?;
        let normal = check::take(&mut correlation, rows * dim);
        let sigmas = check::take(&mut correlation, 2 * dim);
        let scratch = check::take(&mut correlation, 2 * dim);
        let images = rows / 2;
        let (z_a, z_b) = z.split_at(z.len() / 2);
        let (normal_a, normal_b) = normal.split_at_mut(normal.len() / 2);
        let (sigmas_a, sigmas_b) = sigmas.split_at_mut(sigmas.len() / 2);
        let views = [(z_a, normal_a, sigmas_a), (z_b, normal_b, sigmas_b)];
        for (z, normal, sigmas) in views {
            let scratch = check::take(&mut &mut *scratch, dim);
            columns::centre(operation, z, dim, scratch, normal)?;
            columns::deviations(normal, dim, images, scratch, sigmas);
            columns::normalize(operation, options.epsilon, sigmas, normal)?;
        }
        Ok(Self {
            operation,
            images,
            dim,
            options,
            normal,
            sigmas,
            correlation,
            scratch,
        })
    }

    fn forward(&mut self) -> Result<BarlowTwins<T>, Error> {
        let (a, b) = self.normal.split_at(self.normal.len() / 2);
        let a = Matrix::new(a, self.images, self.dim).transposed();
        let b = Matrix::new(b, self.images, self.dim);
        self.correlation.fill(T::zero());
        add_product(self.correlation, T::count(self.images).recip(), a, b);
        let (mut invariance, mut redundancy) = (T::zero(), T::zero());
        for (i, row) in self.correlation.chunks_exact(self.dim.max(1)).enumerate() {
            let Some((left, [diagonal, right @ ..])) = row.split_at_checked(i) else {
                continue;
            };
            redundancy += vector::dot(left, left) + vector::dot(right, right);
            let missing = T::one() - *diagonal;
            invariance += missing * missing;
        }
        let options = self.options;
        let loss = options.scale * (invariance + options.lambda * redundancy);
        Ok(BarlowTwins {
            loss: check::fits(self.operation, "the loss", loss)?,
            invariance: check::fits(self.operation, "the invariance part", invariance)?,
            redundancy: check::fits(self.operation, "the redundancy part", redundancy)?,
        })
    }

    /// After `forward`: the gradient with respect to the raw rows.
    fn backward(&mut self, grad: &mut [T]) -> Result<(), Error> {
        let (images, dim) = (self.images, self.dim);
        let options = self.options;
        let on = T::of(2.0) * options.scale;
        let off = on * options.lambda;
        for (i, row) in self.correlation.chunks_exact_mut(dim.max(1)).enumerate() {
            let Some((left, [diagonal, right @ ..])) = row.split_at_mut_checked(i) else {
                continue;
            };
            vector::scale(left, off);
            *diagonal = on * (*diagonal - T::one());
            vector::scale(right, off);
        }
        let share = T::count(images).recip();
        let (a, b) = self.normal.split_at(self.normal.len() / 2);
        let (grad_a, grad_b) = grad.split_at_mut(grad.len() / 2);
        let (sigma_a, sigma_b) = self.sigmas.split_at(self.sigmas.len() / 2);
        let d = Matrix::new(self.correlation, dim, dim);
        grad_a.fill(T::zero());
        grad_b.fill(T::zero());
        add_product(grad_a, share, Matrix::new(b, images, dim), d.transposed());
        add_product(grad_b, share, Matrix::new(a, images, dim), d);
        columns::normalize_backward(a, sigma_a, self.scratch, grad_a);
        columns::normalize_backward(b, sigma_b, self.scratch, grad_b);
        check::all_fit(self.operation, "the gradient", grad)
    }
}
