//! Products of matrices on the device, with the accuracy of f32 on tensor cores.
//!
//! [`matrix_product`] is `C = α A·B + β C`. The losses multiply many matrices of one size
//! at once, and split the sum where C has too few tiles for the device.

use core::marker::PhantomData;

use kernels_cuda_device::matrix_product::{self as kernel, MatrixProduct, OfColumns, OfRows, TILE};
use kernels_cuda_device::warp_tile::SLAB;
use kernels_cuda_device::{Global, Kernel};

use crate::check;
use crate::device::Device;
use crate::error::Error;

/// Blocks that fill a large device a few times over.
const ENOUGH: usize = 528;
/// Fewest terms of a part of a sum.
const PART: usize = 128;
/// Most parts.
const SPLITS: usize = 64;

/// How the operands are stored, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `A·B` of m × k and k × n.
    Plain,
    /// `XᵀY` of k × m and k × n.
    OfColumns,
    /// `X·Yᵀ` of m × k and n × k.
    OfRows,
}

/// Many products of one size, whose matrices follow each other in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Products {
    pub(crate) form: Form,
    /// m, n and k.
    pub(crate) size: [u32; 3],
    pub(crate) problems: u32,
    pub(crate) alpha: f32,
    pub(crate) beta: f32,
    /// Whether C is symmetric: then β is 0, and there is no status.
    pub(crate) symmetric: bool,
}

/// Parts of a sum of k terms, and terms of a part, for `problems` matrices of m × n.
pub(crate) fn splits([m, n, k]: [usize; 3], problems: usize) -> (usize, usize) {
    let side = |count: usize| count.div_ceil(TILE as usize);
    let tiles = side(m).saturating_mul(side(n)).saturating_mul(problems);
    let wanted = (ENOUGH / tiles.max(1)).clamp(1, SPLITS);
    let wanted = wanted.min(k.div_ceil(PART)).max(1);
    let part = k.div_ceil(wanted).next_multiple_of(SLAB as usize);
    (k.div_ceil(part.max(1)).max(1), part)
}

/// Blocks of a launch in one part: the length of its status.
pub(crate) fn tiles([m, n, _]: [usize; 3], problems: usize) -> usize {
    let side = |count: usize| count.div_ceil(TILE as usize);
    side(m).saturating_mul(side(n)).saturating_mul(problems)
}

impl Products {
    /// Starts them; `parts` is splits and the terms of a part. Arrays have the right lengths.
    pub(crate) fn launch<D: Device>(
        self,
        device: &D,
        [left, right, out]: [Global<f32>; 3],
        (splits, part): (usize, usize),
        status: Global<f32>,
    ) -> Result<(), Error> {
        let operation = "matrix_product";
        let [rows, columns, depth] = self.size;
        let across = rows.div_ceil(TILE) as usize * columns.div_ceil(TILE) as usize;
        let grid = [
            check::size(operation, "tiles", across)?,
            check::size(operation, "splits", splits)? * self.problems,
        ];
        let [splits, part] = [splits, part].map(|count| count as u32);
        let (alpha, beta) = (self.alpha, self.beta);
        let symmetric = u32::from(self.symmetric);
        macro_rules! start {
            ($form:ty) => {{
                let form = PhantomData::<$form>;
                let kernel = MatrixProduct {
                    left,
                    right,
                    out,
                    status,
                    rows,
                    columns,
                    depth,
                    splits,
                    part,
                    alpha,
                    beta,
                    symmetric,
                    form,
                };
                run(device, kernel, grid)
            }};
        }
        match self.form {
            Form::Plain => start!(kernel::Plain),
            Form::OfColumns => start!(OfColumns),
            Form::OfRows => start!(OfRows),
        }
    }
}

fn run<D: Device, K: Kernel>(device: &D, kernel: K, grid: [u32; 2]) -> Result<(), Error> {
    Ok(device.launch(kernel, grid)?)
}

/// `C = α A·B + β C`, C of m × n and sums of k terms; where β is 0, C is not read.
///
/// # Errors
/// Wrong lengths, or the device's.
pub fn matrix_product<D: Device>(
    device: &D,
    form: Form,
    a: Global<f32>,
    b: Global<f32>,
    [m, n, k]: [usize; 3],
    (alpha, beta): (f32, f32),
    out: Global<f32>,
) -> Result<(), Error> {
    let operation = "matrix_product";
    check::shape(operation, "a", a, m.saturating_mul(k))?;
    check::shape(operation, "b", b, k.saturating_mul(n))?;
    check::shape(operation, "out", out, m.saturating_mul(n))?;
    let size =
        [("m", m), ("n", n), ("k", k)].map(|(name, size)| check::size(operation, name, size));
    let [m, n, k] = size;
    let size = [m?, n?, k?];
    let products = Products {
        form,
        size,
        problems: 1,
        alpha,
        beta,
        symmetric: false,
    };
    let part = (size[2] as usize).next_multiple_of(SLAB as usize);
    products.launch(device, [a, b, out], (1, part), Global::empty())
}
