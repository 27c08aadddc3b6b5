//! `log Σ exp x` over the rows and columns of a matrix on the device.
//!
//! As [`kernels_core::log_sum_exp`], in f32: −∞ for nothing or for nothing but −∞, NaN
//! where there is one. Partial sums are not compensated: off by at most
//! `(n/256 + 12) u max(1, |result|)` and the two ulp of the GPU's exponential.

use kernels_cuda_device::log_sum_exp::{LogSumExpOfColumns, LogSumExpOfParts, LogSumExpOfRows};
use kernels_cuda_device::{BLOCK, Global};

use crate::check;
use crate::device::Device;
use crate::error::Error;

/// Shares of the rows among which a column is summed.
const SHARES: u32 = 32;

/// `out_i = log Σ_j exp x_ij` for x of rows × columns, row by row in memory. Reads x once.
///
/// # Errors
/// Wrong lengths, or the device's.
pub fn log_sum_exp_of_rows<D: Device>(
    device: &D,
    x: Global<f32>,
    (rows, columns): (usize, usize),
    out: Global<f32>,
) -> Result<(), Error> {
    let operation = "log_sum_exp_of_rows";
    check::shape(operation, "x", x, rows.saturating_mul(columns))?;
    check::shape(operation, "out", out, rows)?;
    let kernel = LogSumExpOfRows {
        x,
        out,
        columns: check::size(operation, "columns", columns)?,
    };
    let grid = [check::size(operation, "rows", rows)?, 1];
    Ok(device.launch(kernel, grid)?)
}

/// Workspace elements for [`log_sum_exp_of_columns`].
#[must_use]
pub fn log_sum_exp_of_columns_workspace_len(columns: usize) -> usize {
    columns.saturating_mul(2 * SHARES as usize)
}

/// `out_j = log Σ_i exp x_ij` for x of rows × columns. Reads x once.
///
/// # Errors
/// Wrong lengths, a workspace that is too short, or the device's.
pub fn log_sum_exp_of_columns<D: Device>(
    device: &D,
    x: Global<f32>,
    (rows, columns): (usize, usize),
    out: Global<f32>,
    workspace: Global<f32>,
) -> Result<(), Error> {
    let operation = "log_sum_exp_of_columns";
    check::shape(operation, "x", x, rows.saturating_mul(columns))?;
    check::shape(operation, "out", out, columns)?;
    let mut workspace = workspace;
    let needed = log_sum_exp_of_columns_workspace_len(columns);
    let parts = check::take(operation, &mut workspace, needed)?;
    let columns = check::size(operation, "columns", columns)?;
    let blocks = columns.div_ceil(BLOCK);
    let partial = LogSumExpOfColumns {
        x,
        parts,
        rows: check::size(operation, "rows", rows)?,
        columns,
    };
    device.launch(partial, [blocks, SHARES])?;
    let merge = LogSumExpOfParts {
        parts,
        out,
        shares: SHARES,
        columns,
    };
    Ok(device.launch(merge, [blocks, 1])?)
}
