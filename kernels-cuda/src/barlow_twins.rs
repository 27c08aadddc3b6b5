//! Barlow Twins on the device: as [`kernels_core::barlow_twins`], in f32.
//!
//! Statistics of the columns, their normalisation, the cross-correlation C on tensor cores
//! (its sum over the images in parts), its sums of squares, which also turn C into D, two
//! products for the gradient with respect to the normalised views, and the way back through
//! the normalisation. Only the totals are read back.
//!
//! Memory: both normalised views, C (several times where it is small), and some numbers for
//! each column. Operations: `2 N d²` for C and twice that for the gradient, three times on
//! tensor cores. Error: as in `kernels-core` with u = 2⁻²⁴, and a few u more for the
//! products of `kernels_cuda_device::warp_tile`.

use kernels_core::pieces::check as core_check;
use kernels_cuda_device::Global;
use kernels_cuda_device::barlow_twins::{
    ColumnSigmas, GradientMeans, GradientTotals, NormalizeBackward, NormalizeColumns,
};
use kernels_cuda_device::totals::SquaresOfProduct;

use crate::check;
use crate::columns::{
    Statistics, Views, columns_len, explain, grid_len, parts_len, squares, squares_grid, totals,
};
use crate::device::{self, Device};
use crate::error::Error;
use crate::matrix_product::{Form, Products, splits};
use crate::workspace;

pub use kernels_core::barlow_twins::{BarlowTwins, BarlowTwinsOptions};

fn pieces(rows: usize, dim: usize) -> [usize; 11] {
    let (parts, _) = splits([dim, dim, rows / 2], 1);
    let [across, down] = squares_grid(dim, dim);
    [
        rows.saturating_mul(dim),
        dim.saturating_mul(dim).saturating_mul(parts),
        parts_len(rows, dim),
        parts_len(rows, dim),
        dim.saturating_mul(2),
        dim.saturating_mul(2),
        dim.saturating_mul(2),
        columns_len(dim),
        across.saturating_mul(down).saturating_mul(2),
        grid_len(rows, dim),
        8,
    ]
}

/// Workspace elements for [`barlow_twins`] and [`barlow_twins_with_grad`].
#[must_use]
pub fn barlow_twins_workspace_len(rows: usize, dim: usize) -> usize {
    workspace::len_of(&pieces(rows, dim))
}

/// The loss of `rows = 2N` raw projections of `dim` numbers each, row-major; row `i` and
/// row `i + rows/2` are the views of one image.
///
/// # Errors
/// As in `kernels-core`, or the device's.
pub fn barlow_twins<D: Device>(
    device: &D,
    z: Global<f32>,
    rows: usize,
    dim: usize,
    options: &BarlowTwinsOptions<f32>,
    workspace: Global<f32>,
) -> Result<BarlowTwins<f32>, Error> {
    let grad = Global::empty();
    run(
        device,
        "barlow_twins",
        z,
        (rows, dim),
        options,
        grad,
        workspace,
    )
}

/// [`barlow_twins`], and its gradient with respect to `z`, written to `grad`.
///
/// # Errors
/// As in `kernels-core`, or the device's.
pub fn barlow_twins_with_grad<D: Device>(
    device: &D,
    z: Global<f32>,
    rows: usize,
    dim: usize,
    options: &BarlowTwinsOptions<f32>,
    grad: Global<f32>,
    workspace: Global<f32>,
) -> Result<BarlowTwins<f32>, Error> {
    let operation = "barlow_twins_with_grad";
    check::shape(operation, "grad", grad, rows.saturating_mul(dim))?;
    run(device, operation, z, (rows, dim), options, grad, workspace)
}

fn run<D: Device>(
    device: &D,
    operation: &'static str,
    z: Global<f32>,
    (rows, dim): (usize, usize),
    options: &BarlowTwinsOptions<f32>,
    grad: Global<f32>,
    workspace: Global<f32>,
) -> Result<BarlowTwins<f32>, Error> {
    let views = Views::new(operation, z, rows, dim)?;
    options.check(operation)?;
    let taken = workspace::split(operation, workspace, &pieces(rows, dim))?;
    let [normal, product, first, second, means, scales, sigmas, ..] = taken;
    let [.., status, sums, grad_status, out] = taken;
    let (batch, images) = (views.batch, (rows / 2) as f32);

    let none = Global::empty();
    let statistics = Statistics {
        first,
        second,
        means,
        scales,
    };
    statistics.launch(device, views, z, none)?;
    let kernel = ColumnSigmas {
        squares: first,
        scales,
        sigmas,
        status,
        shares: views.shares,
        width: batch.width(),
        images,
        root: options.epsilon.sqrt(),
    };
    device.launch(kernel, views.columns())?;
    let kernel = NormalizeColumns {
        z,
        means,
        sigmas,
        normal,
        batch,
    };
    device.launch(kernel, views.grid())?;

    let (a, b) = check::halves(normal);
    let size = [dim, dim, rows / 2];
    let parts = splits(size, 1);
    let share = 1.0 / images;
    let products = Products {
        form: Form::OfColumns,
        size: size.map(|count| count as u32),
        problems: 1,
        alpha: share,
        beta: 0.0,
        symmetric: false,
    };
    products.launch(device, [a, b, product], parts, none)?;
    let (on_diagonal, off_diagonal) = check::halves(sums);
    let kernel = SquaresOfProduct {
        product,
        on_diagonal,
        off_diagonal,
        splits: parts.0 as u32,
        rows: batch.dim,
        side: batch.dim,
        target: 1.0,
        on: 2.0 * options.scale,
        off: 2.0 * options.scale * options.lambda,
    };
    squares(device, kernel)?;

    let mut last = none;
    if !grad.is_empty() {
        let (grad_a, grad_b) = check::halves(grad);
        let part = dim.next_multiple_of(32);
        let products = |form| Products {
            form,
            size: [batch.images, batch.dim, batch.dim],
            problems: 1,
            alpha: share,
            beta: 0.0,
            symmetric: false,
        };
        products(Form::OfRows).launch(device, [b, product, grad_a], (1, part), none)?;
        products(Form::Plain).launch(device, [a, product, grad_b], (1, part), none)?;
        let kernel = GradientMeans {
            grad,
            normal,
            means: first,
            slopes: second,
            batch,
        };
        device.launch(kernel, views.grid())?;
        let kernel = GradientTotals {
            means: first,
            slopes: second,
            shares: views.shares,
            width: batch.width(),
        };
        device.launch(kernel, views.columns())?;
        let kernel = NormalizeBackward {
            grad,
            normal,
            means: first,
            slopes: second,
            sigmas,
            status: grad_status,
            batch,
        };
        device.launch(kernel, views.grid())?;
        last = grad_status;
    }

    let parts = [
        status,
        on_diagonal,
        off_diagonal,
        last,
        none,
        none,
        none,
        none,
    ];
    let [status, on, off, bad, ..] = totals(device, parts, out)?;
    if ![status, on, off].iter().all(|x| x.is_finite()) {
        explain(device, operation, z, means)?;
        explain_sigmas(device, operation, sigmas, dim)?;
    }
    let fits = |quantity, value| core_check::fits(operation, quantity, value);
    let (scale, lambda) = (f64::from(options.scale), f64::from(options.lambda));
    let loss = scale * (f64::from(on) + lambda * f64::from(off));
    let loss = fits("the loss", loss as f32)?;
    fits("the gradient", bad)?;
    Ok(BarlowTwins {
        loss,
        invariance: fits("the invariance part", on)?,
        redundancy: fits("the redundancy part", off)?,
    })
}

/// Which σ is not a normal number.
fn explain_sigmas<D: Device>(
    device: &D,
    operation: &'static str,
    sigmas: Global<f32>,
    dim: usize,
) -> Result<(), Error> {
    for (number, sigma) in device::read(device, sigmas)?.into_iter().enumerate() {
        core_check::fits(operation, "a standard deviation", sigma)?;
        if !sigma.is_normal() {
            return Err(Error::Kernel(kernels_core::Error::ZeroVariance {
                operation,
                argument: "z",
                column: number % dim.max(1),
            }));
        }
    }
    Ok(())
}
