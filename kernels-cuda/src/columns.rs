//! Statistics of the columns of a batch, and the totals that a loss is made of: what
//! VICReg and Barlow Twins share.

use kernels_core::pieces::check as core_check;
use kernels_cuda_device::Global;
use kernels_cuda_device::column_statistics::{ColumnMeans, ColumnSquares, ColumnSums};
use kernels_cuda_device::columns::Batch;
use kernels_cuda_device::totals::{SquaresOfProduct, TOTALS, Totals};

use crate::check;
use crate::device::{self, Device};
use crate::error::Error;
use crate::workspace::blocks;

/// Two views of N images, and how a grid goes over their columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Views {
    pub(crate) batch: Batch,
    /// Shares of the rows.
    pub(crate) shares: u32,
}

impl Views {
    /// The checks of sizes that `kernels-core` makes, in its order.
    pub(crate) fn new(
        operation: &'static str,
        z: Global<f32>,
        rows: usize,
        dim: usize,
    ) -> Result<Self, Error> {
        core_check::several_images(operation, rows)?;
        core_check::at_least_one(operation, "dim", dim)?;
        check::shape(operation, "z", z, rows.saturating_mul(dim))?;
        check::size(operation, "rows", rows)?;
        check::size(operation, "2 dim", dim.saturating_mul(2))?;
        let batch = Batch {
            images: (rows / 2) as u32,
            dim: dim as u32,
        };
        Ok(Self {
            batch,
            shares: shares(rows, dim) as u32,
        })
    }

    /// Blocks of columns × shares.
    pub(crate) fn grid(self) -> [u32; 2] {
        [blocks(self.batch.width()), self.shares]
    }

    /// Blocks of columns.
    pub(crate) fn columns(self) -> [u32; 2] {
        [blocks(self.batch.width()), 1]
    }
}

/// Shares of the rows of a view: at least sixteen rows each, and no more than fill a device.
fn shares(rows: usize, dim: usize) -> usize {
    let most = (2048 / columns_len(dim).max(1)).clamp(16, 128);
    (rows / 32).clamp(1, most)
}

/// Numbers in the parts of all columns.
pub(crate) fn parts_len(rows: usize, dim: usize) -> usize {
    shares(rows, dim).saturating_mul(dim).saturating_mul(2)
}

/// Blocks of columns × shares.
pub(crate) fn grid_len(rows: usize, dim: usize) -> usize {
    columns_len(dim).saturating_mul(shares(rows, dim))
}

/// Blocks of columns.
pub(crate) fn columns_len(dim: usize) -> usize {
    dim.saturating_mul(2)
        .div_ceil(kernels_cuda_device::BLOCK as usize)
}

/// The arrays of the statistics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statistics {
    /// Twice [`parts_len`]; `first` has the squares in the end.
    pub(crate) first: Global<f32>,
    pub(crate) second: Global<f32>,
    /// 2d.
    pub(crate) means: Global<f32>,
    /// 2d.
    pub(crate) scales: Global<f32>,
}

impl Statistics {
    /// Means, scales and parts of the squares; the centred columns if `centred` is not
    /// empty.
    pub(crate) fn launch<D: Device>(
        self,
        device: &D,
        views: Views,
        z: Global<f32>,
        centred: Global<f32>,
    ) -> Result<(), Error> {
        let Views { batch, shares } = views;
        let (sums, peaks) = (self.first, self.second);
        let (means, scales) = (self.means, self.scales);
        let kernel = ColumnSums {
            z,
            sums,
            peaks,
            batch,
        };
        device.launch(kernel, views.grid())?;
        let kernel = ColumnMeans {
            sums,
            peaks,
            means,
            scales,
            shares,
            width: batch.width(),
        };
        device.launch(kernel, views.columns())?;
        let kernel = ColumnSquares {
            z,
            means,
            scales,
            centred,
            squares: self.first,
            batch,
        };
        Ok(device.launch(kernel, views.grid())?)
    }
}

/// The grid of [`SquaresOfProduct`].
pub(crate) fn squares_grid(rows: usize, side: usize) -> [usize; 2] {
    let across = side.div_ceil(kernels_cuda_device::BLOCK as usize).max(1);
    [across, rows.min((1024 / across).max(1))]
}

/// The sums of squares of products, on and off the diagonal.
pub(crate) fn squares<D: Device>(device: &D, kernel: SquaresOfProduct) -> Result<(), Error> {
    let grid = squares_grid(kernel.rows as usize, kernel.side as usize);
    Ok(device.launch(kernel, grid.map(|count| count as u32))?)
}

/// Adds what the blocks left, and reads it: the only time that the host waits.
pub(crate) fn totals<D: Device>(
    device: &D,
    parts: [Global<f32>; TOTALS as usize],
    out: Global<f32>,
) -> Result<[f32; TOTALS as usize], Error> {
    device.launch(Totals { parts, out }, [TOTALS, 1])?;
    let sums = device::read(device, out)?;
    Ok(core::array::from_fn(|k| {
        sums.get(k).copied().unwrap_or(f32::NAN)
    }))
}

/// Why a statistic of the columns is not a finite number, in the order of `kernels-core`:
/// a number of z, a mean, a deviation.
pub(crate) fn explain<D: Device>(
    device: &D,
    operation: &'static str,
    z: Global<f32>,
    means: Global<f32>,
) -> Result<(), Error> {
    check::finite(device, operation, "z", z)?;
    for mean in device::read(device, means)? {
        // The first row, which is 0 without itself, loses its mean.
        core_check::fits(operation, "a difference between rows", -mean)?;
    }
    Ok(())
}
