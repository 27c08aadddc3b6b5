//! VICReg on the device: as [`kernels_core::vicreg`], in f32.
//!
//! Both views go through each kernel together: statistics of the columns, the d×d matrices
//! C (or, where N < d, the N×N matrices G) on tensor cores, their sums of squares, the
//! elementwise part of the gradient, and a last product that is added to it. Only the
//! totals are read back.
//!
//! Memory: the centred views, both square matrices (several times where they are small),
//! and some numbers for each column. Operations: `N d s` for C or G (symmetric) and twice that for
//! the gradient, with `s = min(N, d)`, for each view, three times on tensor cores.
//! Error: as in `kernels-core` with u = 2⁻²⁴, and a few u more for the products of
//! `kernels_cuda_device::warp_tile`.

use kernels_core::pieces::check as core_check;
use kernels_cuda_device::Global;
use kernels_cuda_device::totals::SquaresOfProduct;
use kernels_cuda_device::vicreg::{VicRegColumns, VicRegPull};

use crate::check;
use crate::columns::{
    Statistics, Views, columns_len, explain, grid_len, parts_len, squares, squares_grid, totals,
};
use crate::device::Device;
use crate::error::Error;
use crate::matrix_product::{Form, Products, splits, tiles};
use crate::workspace;

pub use kernels_core::vicreg::{VicReg, VicRegOptions};

/// Whether the N × N matrices take the place of the d × d ones; their side; the terms of
/// their sums.
fn shape(rows: usize, dim: usize) -> (bool, usize, usize) {
    let images = rows / 2;
    if images < dim {
        (true, images, dim)
    } else {
        (false, dim, images)
    }
}

fn pieces(rows: usize, dim: usize) -> [usize; 14] {
    let (_, side, depth) = shape(rows, dim);
    let square = side.saturating_mul(side).saturating_mul(2);
    let (parts, _) = splits([side, side, depth], 2);
    let [across, down] = squares_grid(side.saturating_mul(2), side);
    let columns = columns_len(dim);
    [
        rows.saturating_mul(dim),
        square.saturating_mul(parts),
        parts_len(rows, dim),
        parts_len(rows, dim),
        dim.saturating_mul(2),
        dim.saturating_mul(2),
        dim.saturating_mul(2),
        columns,
        columns,
        columns,
        grid_len(rows, dim),
        across.saturating_mul(down).saturating_mul(2),
        tiles([rows / 2, dim, side], 2),
        8,
    ]
}

/// Workspace elements for [`vicreg`] and [`vicreg_with_grad`].
#[must_use]
pub fn vicreg_workspace_len(rows: usize, dim: usize) -> usize {
    workspace::len_of(&pieces(rows, dim))
}

/// The loss of `rows = 2N` raw projections of `dim` numbers each, row-major; row `i` and
/// row `i + rows/2` are the views of one image.
///
/// # Errors
/// As in `kernels-core`, or the device's.
pub fn vicreg<D: Device>(
    device: &D,
    z: Global<f32>,
    rows: usize,
    dim: usize,
    options: &VicRegOptions<f32>,
    workspace: Global<f32>,
) -> Result<VicReg<f32>, Error> {
    let grad = Global::empty();
    run(device, "vicreg", z, (rows, dim), options, grad, workspace)
}

/// [`vicreg`], and its gradient with respect to `z`, written to `grad`.
///
/// # Errors
/// As in `kernels-core`, or the device's.
pub fn vicreg_with_grad<D: Device>(
    device: &D,
    z: Global<f32>,
    rows: usize,
    dim: usize,
    options: &VicRegOptions<f32>,
    grad: Global<f32>,
    workspace: Global<f32>,
) -> Result<VicReg<f32>, Error> {
    let operation = "vicreg_with_grad";
    check::shape(operation, "grad", grad, rows.saturating_mul(dim))?;
    run(device, operation, z, (rows, dim), options, grad, workspace)
}

fn run<D: Device>(
    device: &D,
    operation: &'static str,
    z: Global<f32>,
    (rows, dim): (usize, usize),
    options: &VicRegOptions<f32>,
    grad: Global<f32>,
    workspace: Global<f32>,
) -> Result<VicReg<f32>, Error> {
    let views = Views::new(operation, z, rows, dim)?;
    options.check(operation)?;
    let taken = workspace::split(operation, workspace, &pieces(rows, dim))?;
    let [centred, product, first, second, means, scales, factors, ..] = taken;
    let [
        ..,
        hinges,
        diagonal,
        status,
        distances,
        sums,
        grad_status,
        out,
    ] = taken;
    let (batch, shares) = (views.batch, views.shares);
    let (images, features) = ((rows / 2) as f32, dim as f32);
    let others = images - 1.0;
    let (uses_gram, side, depth) = shape(rows, dim);
    let decorrelate = 4.0 * options.covariance / (features * others);

    let statistics = Statistics {
        first,
        second,
        means,
        scales,
    };
    statistics.launch(device, views, z, centred)?;
    let kernel = VicRegColumns {
        squares: first,
        scales,
        factors,
        hinges,
        diagonal,
        status,
        shares,
        width: batch.width(),
        others,
        gamma: options.gamma,
        root: options.epsilon.sqrt(),
        spread: options.variance / (2.0 * features * others),
        decorrelate: if uses_gram { decorrelate } else { 0.0 },
    };
    device.launch(kernel, views.columns())?;

    let size = [side, side, depth];
    let products = Products {
        form: if uses_gram {
            Form::OfRows
        } else {
            Form::OfColumns
        },
        size: size.map(|count| count as u32),
        problems: 2,
        alpha: 1.0 / others,
        beta: 0.0,
        symmetric: true,
    };
    let parts = splits(size, 2);
    let none = Global::empty();
    products.launch(device, [centred, centred, product], parts, none)?;
    let (on_diagonal, off_diagonal) = check::halves(sums);
    let kernel = SquaresOfProduct {
        product,
        on_diagonal,
        off_diagonal,
        splits: parts.0 as u32,
        rows: 2 * side as u32,
        side: side as u32,
        target: 0.0,
        on: if uses_gram { 1.0 } else { 0.0 },
        off: 1.0,
    };
    squares(device, kernel)?;

    let kernel = VicRegPull {
        z,
        centred,
        factors,
        grad,
        distances,
        batch,
        pull: 2.0 * options.invariance / (images * features),
    };
    device.launch(kernel, views.grid())?;
    let mut last = none;
    if !grad.is_empty() {
        let products = Products {
            form: Form::Plain,
            size: [batch.images, batch.dim, side as u32],
            problems: 2,
            alpha: decorrelate,
            beta: 1.0,
            symmetric: false,
        };
        let operands = if uses_gram {
            [product, centred, grad]
        } else {
            [centred, product, grad]
        };
        let part = side.next_multiple_of(32);
        products.launch(device, operands, (1, part), grad_status)?;
        last = grad_status;
    }

    let parts = [
        distances,
        hinges,
        diagonal,
        status,
        on_diagonal,
        off_diagonal,
        last,
        none,
    ];
    let found = totals(device, parts, out)?;
    let [distance, hinge, fourth, status, on, off, bad, _] = found;
    if ![distance, hinge, status, off].iter().all(|x| x.is_finite()) {
        explain(device, operation, z, means)?;
    }
    let fits = |quantity, value: f64| core_check::fits(operation, quantity, value as f32);
    let [distance, hinge, fourth, on, off] = [distance, hinge, fourth, on, off].map(f64::from);
    let (images, features) = (f64::from(images), f64::from(features));
    let invariance = fits("the invariance part", distance / 2.0 / (images * features))?;
    core_check::fits(operation, "a standard deviation", status)?;
    let variance = fits("the variance part", hinge / (2.0 * features))?;
    let mut squares = off;
    if uses_gram {
        fits("the square of a variance", fourth)?;
        fits("the covariance part", on + off)?;
        squares = (on + off - fourth).max(0.0);
    }
    let covariance = fits("the covariance part", squares / features)?;
    let loss = f64::from(options.invariance) * f64::from(invariance)
        + f64::from(options.variance) * f64::from(variance)
        + f64::from(options.covariance) * f64::from(covariance);
    let loss = fits("the loss", loss)?;
    core_check::fits(operation, "the gradient", bad)?;
    Ok(VicReg {
        loss,
        invariance,
        variance,
        covariance,
    })
}
