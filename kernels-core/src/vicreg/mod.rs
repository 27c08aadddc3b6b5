//! VICReg (Bardes et al. 2021) in the form of its official code: views agree, every feature
//! varies, different features are uncorrelated.
//!
//! For N images and d features, views a and b, and a view's centred rows `c = z − mean z`:
//!
//! | part | formula | weight |
//! |---|---|---|
//! | invariance | `(1/Nd) Σ (a − b)²` | 25 |
//! | variance | `½ Σ_views (1/d) Σ_j max(0, γ − S_j)`, `S_j = sqrt( Σ_i c_ij²/(N−1) + ε )` | 25 |
//! | covariance | `Σ_views (1/d) Σ_{i≠j} C_ij²`, `C = cᵀc/(N−1)` | 1 |
//!
//! `L` is the weighted sum. The paper's Eq. 6 has no ½; the official code has, and some
//! libraries leave it out: twice the weight here gives their form.
//!
//! Gradient with respect to a view (centring needs no extra term: columns of c sum to 0):
//!
//! `∂L/∂a = (2 w_i/Nd)(a − b) − (w_v/2d) c_j/((N−1) S_j) [S_j < γ] + (4 w_c/(d(N−1))) c·offdiag(C)`.
//!
//! Memory: the d×d matrix C, or, when N < d, the N×N matrix `G = c cᵀ/(N−1)` in its place:
//! `‖G‖_F = ‖C‖_F` and `c·C = G·c`, so that `Σ_{i≠j} C_ij² = ‖G‖_F² − Σ_j C_jj²`. The views
//! use the same workspace one after the other. Cost: O(N d min(N, d)).
//!
//! Error: with u the unit roundoff, a few `√N u` relative for invariance and S; the
//! covariance part has absolute error of about `√N u Σ C_ij²/d`, over all entries where G
//! takes its place. Special values: a constant column has `S = √ε` and gradient 0 from the
//! two last parts; at `S_j = γ` the derivative of the hinge is 0; squares below the range
//! of the type count as zero, those above it are an error.

mod batch;

use crate::{Error, Real, check};
use batch::Batch;

/// Weights and constants; the default is the official one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VicRegOptions<T> {
    /// Weight of the squared distance between views (25).
    pub invariance: T,
    /// Weight of the hinge on the standard deviations (25).
    pub variance: T,
    /// Weight of the squared covariances (1).
    pub covariance: T,
    /// γ, the standard deviation below which a feature is pulled apart (1).
    pub gamma: T,
    /// ε, added to a variance before its root is taken (1e-4); positive.
    pub epsilon: T,
}

impl<T: Real> Default for VicRegOptions<T> {
    fn default() -> Self {
        Self {
            invariance: T::of(25.0),
            variance: T::of(25.0),
            covariance: T::one(),
            gamma: T::one(),
            epsilon: T::of(1e-4),
        }
    }
}

impl<T: Real> VicRegOptions<T> {
    /// Refuses options outside their domains, in the name of `operation`.
    ///
    /// # Errors
    /// A negative weight or γ, an ε that is not positive.
    pub fn check(&self, operation: &'static str) -> Result<(), Error> {
        check::not_negative(operation, "options.invariance", self.invariance)?;
        check::not_negative(operation, "options.variance", self.variance)?;
        check::not_negative(operation, "options.covariance", self.covariance)?;
        check::not_negative(operation, "options.gamma", self.gamma)?;
        check::positive(operation, "options.epsilon", self.epsilon)
    }
}

/// The loss and its parts before they are weighted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VicReg<T> {
    /// The weighted sum of the parts.
    pub loss: T,
    /// Mean squared difference of the views.
    pub invariance: T,
    /// Half the sum over views of the mean hinge.
    pub variance: T,
    /// The sum over views of the squared covariances, over d.
    pub covariance: T,
}

/// Workspace elements for [`vicreg`] and [`vicreg_with_grad`].
#[must_use]
pub fn vicreg_workspace_len(rows: usize, dim: usize) -> usize {
    let images = rows / 2;
    let side = images.min(dim);
    // One view's centred rows, the square matrix, and two numbers for each feature.
    let centred = images.saturating_add(2).saturating_mul(dim);
    centred.saturating_add(side.saturating_mul(side))
}

/// The loss of `rows = 2N` raw projections of `dim` numbers each, row-major; row `i` and
/// row `i + rows/2` are the views of one image.
///
/// # Errors
/// Wrong lengths, fewer than two images, a negative weight or γ, an ε that is not positive,
/// NaN or infinite entries, or a part too large for the scalar type.
pub fn vicreg<T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    options: &VicRegOptions<T>,
    workspace: &mut [T],
) -> Result<VicReg<T>, Error> {
    Batch::new("vicreg", z, rows, dim, options, workspace)?.run(None)
}

/// [`vicreg`], and its gradient with respect to `z`, written to `grad`.
///
/// # Errors
/// As [`vicreg`]; also when the gradient does not fit the scalar type.
pub fn vicreg_with_grad<T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    options: &VicRegOptions<T>,
    grad: &mut [T],
    workspace: &mut [T],
) -> Result<VicReg<T>, Error> {
    let operation = "vicreg_with_grad";
    check::shape(operation, "grad", grad, rows.saturating_mul(dim))?;
    Batch::new(operation, z, rows, dim, options, workspace)?.run(Some(grad))
}
