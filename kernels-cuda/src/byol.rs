//! BYOL on the device: as [`kernels_core::byol`], in f32.
//!
//! One kernel for value and gradient, and one that adds what its blocks left; the loss is
//! read back and nothing else. `‖δ‖` of a row is right to a few u absolutely, the loss to
//! about `(rows/8192 + 20) u` relative of that.

use kernels_core::byol as core;
use kernels_core::pieces::check as core_check;
use kernels_cuda_device::byol::Byol;
use kernels_cuda_device::{Global, WARPS};

use crate::check;
use crate::columns::totals;
use crate::device::{self, Device};
use crate::error::Error;
use crate::workspace;

pub use kernels_core::byol::byol_momentum;

/// Most blocks of a launch.
const BLOCKS: usize = 1024;

fn blocks(rows: usize) -> usize {
    rows.div_ceil(WARPS as usize).min(BLOCKS)
}

fn pieces(rows: usize) -> [usize; 3] {
    [blocks(rows), blocks(rows), 8]
}

/// Workspace elements for the functions of this file.
#[must_use]
pub fn byol_workspace_len(rows: usize) -> usize {
    workspace::len_of(&pieces(rows))
}

/// The loss of the predictions `q` against the targets, `rows` rows of `dim` numbers each.
///
/// # Errors
/// As in `kernels-core`, or the device's.
pub fn byol<D: Device>(
    device: &D,
    q: Global<f32>,
    target: Global<f32>,
    rows: usize,
    dim: usize,
    workspace: Global<f32>,
) -> Result<f32, Error> {
    let call = Call::new("byol", q, target, rows, dim)?;
    call.run(device, Global::empty(), workspace, 0)
}

/// [`byol`], and its gradient with respect to `q`, written to `grad`.
///
/// # Errors
/// As in `kernels-core`, or the device's.
pub fn byol_with_grad<D: Device>(
    device: &D,
    q: Global<f32>,
    target: Global<f32>,
    rows: usize,
    dim: usize,
    grad: Global<f32>,
    workspace: Global<f32>,
) -> Result<f32, Error> {
    let operation = "byol_with_grad";
    let call = Call::new(operation, q, target, rows, dim)?;
    check::shape(operation, "grad", grad, q.len())?;
    call.run(device, grad, workspace, 0)
}

/// Both directions: `q` and `target` have `rows = 2N` rows each, row i and row i+N from
/// the two views of image i, and every prediction is compared with the target of the other
/// view. The sum of the two directions, so in `[0, 8]`; the gradient goes to `grad`.
///
/// # Errors
/// As in `kernels-core`, or the device's.
pub fn byol_symmetric_with_grad<D: Device>(
    device: &D,
    q: Global<f32>,
    target: Global<f32>,
    rows: usize,
    dim: usize,
    grad: Global<f32>,
    workspace: Global<f32>,
) -> Result<f32, Error> {
    let operation = "byol_symmetric_with_grad";
    core_check::two_views(operation, rows)?;
    let call = Call::new(operation, q, target, rows, dim)?;
    check::shape(operation, "grad", grad, q.len())?;
    call.run(device, grad, workspace, rows / 2)
}

/// Arguments that were checked.
#[derive(Clone, Copy)]
struct Call {
    operation: &'static str,
    q: Global<f32>,
    target: Global<f32>,
    rows: usize,
    dim: usize,
}

impl Call {
    fn new(
        operation: &'static str,
        q: Global<f32>,
        target: Global<f32>,
        rows: usize,
        dim: usize,
    ) -> Result<Self, Error> {
        core_check::at_least_one(operation, "rows", rows)?;
        core_check::at_least_one(operation, "dim", dim)?;
        check::shape(operation, "q", q, rows.saturating_mul(dim))?;
        check::shape(operation, "target", target, q.len())?;
        check::size(operation, "rows", rows)?;
        check::size(operation, "dim", dim)?;
        Ok(Self {
            operation,
            q,
            target,
            rows,
            dim,
        })
    }

    /// Both directions where `shift`, half the rows, is not 0.
    fn run<D: Device>(
        self,
        device: &D,
        grad: Global<f32>,
        workspace: Global<f32>,
        shift: usize,
    ) -> Result<f32, Error> {
        let operation = self.operation;
        let [losses, status, out] = workspace::split(operation, workspace, &pieces(self.rows))?;
        let count = if shift == 0 { self.rows } else { shift };
        let kernel = Byol {
            q: self.q,
            target: self.target,
            grad,
            losses,
            status,
            rows: self.rows as u32,
            dim: self.dim as u32,
            shift: shift as u32,
            weight: -2.0 / count as f32,
        };
        device.launch(kernel, [blocks(self.rows) as u32, 1])?;
        let none = Global::empty();
        let parts = [losses, status, none, none, none, none, none, none];
        let [total, status, ..] = totals(device, parts, out)?;
        if !(total.is_finite() && status == 0.0) {
            self.explain(device, grad, shift)?;
        }
        core_check::fits(operation, "the gradient", status)?;
        let loss = f64::from(total) / count as f64;
        Ok(core_check::fits(operation, "the loss", loss as f32)?)
    }

    /// Something went wrong: `kernels-core` says what.
    fn explain<D: Device>(self, device: &D, grad: Global<f32>, shift: usize) -> Result<(), Error> {
        let q = device::read(device, self.q)?;
        let target = device::read(device, self.target)?;
        let mut room = vec![0.0; grad.len()];
        let (rows, dim) = (self.rows, self.dim);
        if shift > 0 {
            core::byol_symmetric_with_grad(&q, &target, rows, dim, &mut room)?;
        } else if grad.is_empty() {
            core::byol(&q, &target, rows, dim)?;
        } else {
            core::byol_with_grad(&q, &target, rows, dim, &mut room)?;
        }
        Ok(())
    }
}
