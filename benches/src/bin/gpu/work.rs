//! What a launch has to do at least, from its arguments: as the kernels' documents count.
//!
//! Bytes are those that must come from memory or go there once, caches being large enough
//! for the rest; operations are multiply-adds in f32, on tensor cores in TF32, and
//! exponentials.

use std::any::Any;

use kernels_cuda_device::barlow_twins::{GradientMeans, NormalizeBackward, NormalizeColumns};
use kernels_cuda_device::byol::Byol;
use kernels_cuda_device::column_statistics::{ColumnSquares, ColumnSums};
use kernels_cuda_device::columns::Batch;
use kernels_cuda_device::cost::CostMatrix;
use kernels_cuda_device::fill::Fill;
use kernels_cuda_device::log_sum_exp::{LogSumExpOfColumns, LogSumExpOfParts, LogSumExpOfRows};
use kernels_cuda_device::matrix_product::{MatrixProduct, OfColumns, OfRows, Plain};
use kernels_cuda_device::nt_xent::{
    NtXentBackward, NtXentPulls, NtXentRows, NtXentSums, NtXentUnits,
};
use kernels_cuda_device::pairs::{Points, chunks};
use kernels_cuda_device::sinkhorn::Shared;
use kernels_cuda_device::sinkhorn::columns::SinkhornColumns;
use kernels_cuda_device::sinkhorn::plan::{SinkhornPlan, SinkhornPull};
use kernels_cuda_device::sinkhorn::points::SinkhornPointSums;
use kernels_cuda_device::sinkhorn::rows::{SinkhornRows1024, SinkhornRows4096};
use kernels_cuda_device::sinkhorn::rows_wide::SinkhornRowsWide;
use kernels_cuda_device::sinkhorn::scan::SinkhornScan;
use kernels_cuda_device::totals::SquaresOfProduct;
use kernels_cuda_device::vicreg::VicRegPull;

/// Of one launch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    /// To and from memory.
    pub bytes: f64,
    /// Multiply-adds of f32.
    pub fma: f64,
    /// Multiply-adds of TF32 on tensor cores.
    pub tensor: f64,
    /// Exponentials.
    pub exponentials: f64,
}

fn moved(words: f64) -> Work {
    Work {
        bytes: 4.0 * words,
        ..Work::default()
    }
}

/// What a kernel has to do; `None` for those that are small everywhere.
pub fn work_of(kernel: &dyn Any, grid: [u32; 2]) -> Option<Work> {
    macro_rules! first_of {
        ($($kernel:ty => |$k:ident| $work:expr,)+) => {
            $(if let Some($k) = kernel.downcast_ref::<$kernel>() {
                return Some($work);
            })+
        };
    }
    let splits = f64::from(grid[1]);
    first_of! {
        Fill => |k| moved((k.from.len() + k.to.len()) as f64),
        LogSumExpOfRows => |k| log_sum_exp(k.x.len(), k.out.len()),
        LogSumExpOfColumns => |k| log_sum_exp(k.x.len(), k.parts.len()),
        LogSumExpOfParts => |k| moved((k.parts.len() + k.out.len()) as f64),
        CostMatrix => |k| cost(f64::from(k.n), f64::from(k.m), f64::from(k.dim)),
        SinkhornScan => |k| moved(k.cost.len() as f64),
        SinkhornRows1024 => |k| pass(&k.0, 1.0),
        SinkhornRows4096 => |k| pass(&k.0, 1.0),
        SinkhornRowsWide => |k| pass(&k.0, 2.0),
        SinkhornColumns => |k| moved(k.shared.column_parts.len() as f64),
        SinkhornPlan => |k| Work {
            exponentials: k.out.len() as f64,
            ..moved((k.out.len() + k.shared.cost.len()) as f64)
        },
        SinkhornPull => |k| pull(k),
        SinkhornPointSums => |k| products(&k.points, splits),
        NtXentUnits => |k| moved((k.z.len() + k.units.len()) as f64),
        NtXentSums => |k| pairs(k.points.rows, k.points.dim, splits, 1.0),
        NtXentRows => |k| moved((k.units.len() + k.parts.len()) as f64),
        NtXentPulls<4> => |k| pulls(k.points.rows, k.points.dim, splits, chunks::<4>(k.points.dim)),
        NtXentPulls<8> => |k| pulls(k.points.rows, k.points.dim, splits, chunks::<8>(k.points.dim)),
        NtXentBackward => |k| moved((k.units.len() + k.parts.len() + k.grad.len()) as f64),
        MatrixProduct<Plain> => |k| product([k.rows, k.columns, k.depth], grid[1] / k.splits.max(1), k.symmetric, k.splits),
        MatrixProduct<OfColumns> => |k| product([k.rows, k.columns, k.depth], grid[1] / k.splits.max(1), k.symmetric, k.splits),
        MatrixProduct<OfRows> => |k| product([k.rows, k.columns, k.depth], grid[1] / k.splits.max(1), k.symmetric, k.splits),
        SquaresOfProduct => |k| moved(k.product.len() as f64 + f64::from(k.rows) * f64::from(k.side)),
        Byol => |k| moved((k.q.len() + k.target.len() + k.grad.len()) as f64),
        ColumnSums => |k| moved(all(k.batch)),
        ColumnSquares => |k| moved(all(k.batch) + k.centred.len() as f64),
        VicRegPull => |k| moved(2.0 * all(k.batch) + k.grad.len() as f64),
        NormalizeColumns => |k| moved(2.0 * all(k.batch)),
        GradientMeans => |k| moved(2.0 * all(k.batch)),
        NormalizeBackward => |k| moved(3.0 * all(k.batch)),
    }
    None
}

/// Numbers in both views.
fn all(batch: Batch) -> f64 {
    2.0 * f64::from(batch.images) * f64::from(batch.dim)
}

fn log_sum_exp(read: usize, written: usize) -> Work {
    Work {
        exponentials: read as f64,
        ..moved((read + written) as f64)
    }
}

fn cost(n: f64, m: f64, dim: f64) -> Work {
    Work {
        // A difference and a multiply-add for each coordinate.
        fma: 2.0 * n * m * dim,
        ..moved(n * m + (n + m) * dim)
    }
}

fn pass(shared: &Shared, reads: f64) -> Work {
    let pairs = f64::from(shared.n) * f64::from(shared.m);
    Work {
        fma: 3.0 * pairs,
        exponentials: reads * pairs,
        ..moved(reads * pairs + shared.column_parts.len() as f64)
    }
}

fn pull(k: &SinkhornPull) -> Work {
    let pairs = f64::from(k.shared.n) * f64::from(k.shared.m);
    Work {
        fma: pairs * f64::from(k.dim),
        exponentials: pairs,
        ..moved(pairs + (k.own.len() + k.other.len() + k.out.len()) as f64)
    }
}

fn pairs(rows: u32, dim: u32, splits: f64, products: f64) -> Work {
    let (rows, dim) = (f64::from(rows), f64::from(dim));
    Work {
        // Three products of TF32 for one of f32.
        tensor: 3.0 * rows * rows * dim * products,
        exponentials: rows * rows,
        ..moved(2.0 * rows * dim + 2.0 * splits * rows)
    }
}

/// One product and one exponential for each pair.
fn products(points: &Points, splits: f64) -> Work {
    let [rows, columns, dim] = [points.rows, points.columns, points.dim].map(f64::from);
    Work {
        tensor: 3.0 * rows * columns * dim,
        exponentials: rows * columns,
        ..moved((rows + columns) * dim + 2.0 * splits * rows)
    }
}

fn pulls(rows: u32, dim: u32, splits: f64, chunks: u32) -> Work {
    let (n, d) = (f64::from(rows), f64::from(dim));
    Work {
        bytes: 4.0 * (3.0 * n * d + splits * n * d),
        ..pairs(rows, dim, splits, f64::from(chunks) + 1.0)
    }
}

fn product([m, n, k]: [u32; 3], problems: u32, symmetric: u32, splits: u32) -> Work {
    let ([m, n, k], problems) = ([m, n, k].map(f64::from), f64::from(problems));
    let share = if symmetric == 0 { 1.0 } else { 0.5 };
    Work {
        tensor: 3.0 * m * n * k * problems * share,
        ..moved(problems * (m * k + k * n + f64::from(splits) * m * n))
    }
}
