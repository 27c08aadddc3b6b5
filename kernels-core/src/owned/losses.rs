//! The losses of a batch: value and gradient.

use alloc::vec::Vec;

use super::zeros;
use crate::barlow_twins::{self, BarlowTwins, BarlowTwinsOptions};
use crate::nt_xent;
use crate::sin_sim::{self, SinSim, SinSimOptions};
use crate::swav::{self, Swav, SwavOptions};
use crate::vicreg::{self, VicReg, VicRegOptions};
use crate::{Error, Real, byol, check};

/// [`nt_xent::nt_xent_with_grad`]: the loss, and its gradient with respect to `z`.
///
/// ```
/// // Two images, two views each, projected to two numbers.
/// let z = [1.0, 0.1, -0.2, 1.0, 0.9, 0.0, 0.1, 1.1];
/// let (loss, grad) = kernels_core::owned::nt_xent_with_grad(&z, 4, 2, 0.5)?;
/// assert!(loss > 0.0 && grad.len() == z.len());
/// # Ok::<(), kernels_core::Error>(())
/// ```
///
/// # Errors
/// As the function with slices; also [`Error::Memory`].
pub fn nt_xent_with_grad<T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    temperature: T,
) -> Result<(T, Vec<T>), Error> {
    let workspace_len = nt_xent::nt_xent_workspace_len;
    with_grad(
        "nt_xent_with_grad",
        z,
        [rows, dim],
        workspace_len,
        |grad, workspace| nt_xent::nt_xent_with_grad(z, rows, dim, temperature, grad, workspace),
    )
}

/// [`sin_sim::sin_sim_with_grad`]: the loss and its parts, and its gradient with respect
/// to `z`.
///
/// # Errors
/// As the function with slices; also [`Error::Memory`].
pub fn sin_sim_with_grad<T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    options: &SinSimOptions<T>,
) -> Result<(SinSim<T>, Vec<T>), Error> {
    let workspace_len = sin_sim::sin_sim_workspace_len;
    with_grad(
        "sin_sim_with_grad",
        z,
        [rows, dim],
        workspace_len,
        |grad, workspace| sin_sim::sin_sim_with_grad(z, rows, dim, options, grad, workspace),
    )
}

/// [`vicreg::vicreg_with_grad`]: the loss and its parts, and its gradient with respect to
/// `z`.
///
/// # Errors
/// As the function with slices; also [`Error::Memory`].
pub fn vicreg_with_grad<T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    options: &VicRegOptions<T>,
) -> Result<(VicReg<T>, Vec<T>), Error> {
    let workspace_len = vicreg::vicreg_workspace_len;
    with_grad(
        "vicreg_with_grad",
        z,
        [rows, dim],
        workspace_len,
        |grad, workspace| vicreg::vicreg_with_grad(z, rows, dim, options, grad, workspace),
    )
}

/// [`barlow_twins::barlow_twins_with_grad`]: the loss and its parts, and its gradient with
/// respect to `z`.
///
/// # Errors
/// As the function with slices; also [`Error::Memory`].
pub fn barlow_twins_with_grad<T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    options: &BarlowTwinsOptions<T>,
) -> Result<(BarlowTwins<T>, Vec<T>), Error> {
    let workspace_len = barlow_twins::barlow_twins_workspace_len;
    with_grad(
        "barlow_twins_with_grad",
        z,
        [rows, dim],
        workspace_len,
        |grad, workspace| {
            barlow_twins::barlow_twins_with_grad(z, rows, dim, options, grad, workspace)
        },
    )
}

/// [`byol::byol_with_grad`]: the loss, and its gradient with respect to the predictions.
///
/// # Errors
/// As the function with slices; also [`Error::Memory`].
pub fn byol_with_grad<T: Real>(
    q: &[T],
    target: &[T],
    rows: usize,
    dim: usize,
) -> Result<(T, Vec<T>), Error> {
    with_grad(
        "byol_with_grad",
        q,
        [rows, dim],
        |_, _| 0,
        |grad, _| byol::byol_with_grad(q, target, rows, dim, grad),
    )
}

/// [`swav::swav_with_grad`]: the loss and its diagnostics, and its gradients with respect
/// to both matrices of scores.
///
/// # Errors
/// As the function with slices; also [`Error::Memory`].
pub fn swav_with_grad<T: Real>(
    scores_a: &[T],
    scores_b: &[T],
    rows: usize,
    prototypes: usize,
    options: &SwavOptions<T>,
) -> Result<(Swav<T>, [Vec<T>; 2]), Error> {
    let operation = "swav_with_grad";
    let len = rows.saturating_mul(prototypes);
    check::at_least_one(operation, "rows", rows)?;
    check::at_least_one(operation, "prototypes", prototypes)?;
    check::shape(operation, "scores_a", scores_a, len)?;
    check::shape(operation, "scores_b", scores_b, len)?;
    let mut workspace = zeros(operation, swav::swav_workspace_len(rows, prototypes))?;
    let (mut grad_a, mut grad_b) = (zeros(operation, len)?, zeros(operation, len)?);
    let loss = swav::swav_with_grad(
        scores_a,
        scores_b,
        rows,
        prototypes,
        options,
        &mut grad_a,
        &mut grad_b,
        &mut workspace,
    )?;
    Ok((loss, [grad_a, grad_b]))
}

/// Allocates gradient and workspace, once the sizes are known to be those of `z`.
fn with_grad<T: Real, L>(
    operation: &'static str,
    z: &[T],
    [rows, dim]: [usize; 2],
    workspace_len: impl FnOnce(usize, usize) -> usize,
    loss: impl FnOnce(&mut [T], &mut [T]) -> Result<L, Error>,
) -> Result<(L, Vec<T>), Error> {
    check::at_least_one(operation, "rows", rows)?;
    check::at_least_one(operation, "dim", dim)?;
    check::shape(operation, "z", z, rows.saturating_mul(dim))?;
    let mut workspace = zeros(operation, workspace_len(rows, dim))?;
    let mut grad = zeros(operation, z.len())?;
    let loss = loss(&mut grad, &mut workspace)?;
    Ok((loss, grad))
}
