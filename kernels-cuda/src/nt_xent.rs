//! NT-Xent with its gradient on the device.
//!
//! As [`kernels_core::nt_xent`], in f32. Nothing is read back but the loss and whether
//! all is well, when all is done. Workspace: `n d (s + 1)` and `6 n + 2 s n` words, s
//! [`splits`] of the columns; no matrix of n × n. Kernels, operations and errors:
//! [`kernels_cuda_device::nt_xent`].

use core::f32::consts::LOG2_E;

use kernels_core::pieces::{check as domain, checked_norm, fixed_shift_fits};
use kernels_cuda_device::nt_xent::{
    Negatives, NtXentBackward, NtXentLoss, NtXentPulls, NtXentRows, NtXentSums, NtXentUnits, Pulls,
    ROWS,
};
use kernels_cuda_device::pairs::{Parts, Points, TILE, chunks, splits};
use kernels_cuda_device::{Global, Kernel};

use crate::check;
use crate::device::{self, Device};
use crate::error::Error;

/// Words that come back.
const OUT: usize = 3;

/// Workspace elements for [`nt_xent`] and [`nt_xent_with_grad`].
#[must_use]
pub fn nt_xent_workspace_len(rows: usize, dim: usize) -> usize {
    let splits = splits_of(rows);
    let matrices = rows.saturating_mul(dim).saturating_mul(splits + 1);
    let per_row = rows.saturating_mul(6 + 2 * splits);
    matrices.saturating_add(per_row).saturating_add(OUT)
}

/// Splits for so many rows; for too many of them any number will do.
fn splits_of(rows: usize) -> usize {
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    splits(rows, rows) as usize
}

/// The loss of `rows` raw projections of `dim` numbers each, row-major; row `i` and row
/// `i + rows/2` are the views of one image.
///
/// # Errors
/// As [`kernels_core::nt_xent::nt_xent`], or the device's.
pub fn nt_xent<D: Device>(
    device: &D,
    z: Global<f32>,
    rows: usize,
    dim: usize,
    temperature: f32,
    workspace: Global<f32>,
) -> Result<f32, Error> {
    Call::new("nt_xent", device, z, [rows, dim], temperature)?.run(None, workspace)
}

/// [`nt_xent`], and its gradient with respect to `z`, written to `grad`.
///
/// # Errors
/// As [`nt_xent`]; also when the gradient does not fit f32.
pub fn nt_xent_with_grad<D: Device>(
    device: &D,
    z: Global<f32>,
    rows: usize,
    dim: usize,
    temperature: f32,
    grad: Global<f32>,
    workspace: Global<f32>,
) -> Result<f32, Error> {
    let operation = "nt_xent_with_grad";
    check::shape(operation, "grad", grad, rows.saturating_mul(dim))?;
    Call::new(operation, device, z, [rows, dim], temperature)?.run(Some(grad), workspace)
}

/// What is asked for.
struct Call<'d, D> {
    operation: &'static str,
    device: &'d D,
    z: Global<f32>,
    rows: u32,
    dim: u32,
    splits: u32,
    temperature: f32,
    /// `1/(τ ln 2)`.
    rate: f32,
    fixed: u32,
}

/// The workspace, cut up.
struct Memory {
    units: Global<f32>,
    norms: Global<f32>,
    losses: Global<f32>,
    masses: Global<f32>,
    shifts: Global<f32>,
    factors: Global<f32>,
    checks: Global<f32>,
    sums: Global<f32>,
    vectors: Global<f32>,
    out: Global<f32>,
}

impl<'d, D: Device> Call<'d, D> {
    fn new(
        operation: &'static str,
        device: &'d D,
        z: Global<f32>,
        [rows, dim]: [usize; 2],
        temperature: f32,
    ) -> Result<Self, Error> {
        domain::two_views(operation, rows)?;
        domain::at_least_one(operation, "dim", dim)?;
        domain::positive(operation, "temperature", temperature)?;
        check::shape(operation, "z", z, rows.saturating_mul(dim))?;
        let rows = check::size(operation, "rows", rows)?;
        Ok(Self {
            operation,
            device,
            z,
            rows,
            dim: check::size(operation, "dim", dim)?,
            splits: splits(rows, rows),
            temperature,
            rate: LOG2_E / temperature,
            fixed: u32::from(fixed_shift_fits(temperature)),
        })
    }

    fn memory(&self, workspace: Global<f32>) -> Result<Memory, Error> {
        let [rows, dim, splits] = [self.rows, self.dim, self.splits].map(|size| size as usize);
        let needed = nt_xent_workspace_len(rows, dim);
        let mut workspace = check::take(self.operation, &mut { workspace }, needed)?;
        let mut take = |len| check::take(self.operation, &mut workspace, len);
        Ok(Memory {
            units: take(rows * dim)?,
            norms: take(rows)?,
            losses: take(rows)?,
            masses: take(rows)?,
            shifts: take(rows)?,
            factors: take(rows)?,
            checks: take(rows)?,
            sums: take(2 * splits * rows)?,
            vectors: take(splits * rows * dim)?,
            out: take(OUT)?,
        })
    }

    fn launch<K: Kernel>(&self, kernel: K, grid: [u32; 2]) -> Result<(), Error> {
        Ok(self.device.launch(kernel, grid)?)
    }

    fn run(&self, grad: Option<Global<f32>>, workspace: Global<f32>) -> Result<f32, Error> {
        let memory = self.memory(workspace)?;
        self.value(&memory)?;
        if let Some(grad) = grad {
            self.gradient(&memory, grad)?;
        }
        let checks = if grad.is_some() {
            memory.checks
        } else {
            Global::empty()
        };
        let loss = NtXentLoss {
            losses: memory.losses,
            norms: memory.norms,
            checks,
            out: memory.out,
            rows: self.rows,
        };
        self.launch(loss, [1, 1])?;
        let out = device::read(self.device, memory.out)?;
        let [loss, refused, wrong] = [0, 1, 2].map(|k| out.get(k).copied().unwrap_or(f32::NAN));
        if !(refused == 0.0) {
            self.refuse(memory.norms)?;
        }
        domain::fits(self.operation, "the loss", loss)?;
        domain::fits(self.operation, "the gradient", wrong)?;
        Ok(loss)
    }

    fn points(&self, memory: &Memory) -> Points {
        Points {
            a: memory.units,
            b: memory.units,
            rows: self.rows,
            columns: self.rows,
            dim: self.dim,
        }
    }

    fn value(&self, memory: &Memory) -> Result<(), Error> {
        let blocks = self.rows.div_ceil(ROWS);
        let units = NtXentUnits {
            z: self.z,
            units: memory.units,
            norms: memory.norms,
            rows: self.rows,
            dim: self.dim,
        };
        self.launch(units, [blocks, 1])?;
        let half = self.rows / 2;
        let sums = NtXentSums {
            points: self.points(memory),
            terms: Negatives { half },
            rate: self.rate,
            parts: memory.sums,
        };
        self.launch(sums, [self.rows.div_ceil(TILE), self.splits])?;
        let rows = NtXentRows {
            units: memory.units,
            parts: memory.sums,
            losses: memory.losses,
            masses: memory.masses,
            shifts: memory.shifts,
            factors: memory.factors,
            rows: self.rows,
            dim: self.dim,
            splits: self.splits,
            temperature: self.temperature,
            rate: self.rate,
            fixed: self.fixed,
        };
        self.launch(rows, [blocks, 1])
    }

    fn gradient(&self, memory: &Memory, grad: Global<f32>) -> Result<(), Error> {
        let terms = Pulls {
            shifts: memory.shifts,
            factors: memory.factors,
            half: self.rows / 2,
            rate: self.rate,
            fixed: self.fixed,
        };
        let parts = Parts {
            values: memory.units,
            dim: self.dim,
            vectors: memory.vectors,
            masses: Global::empty(),
        };
        if self.dim <= 64 {
            self.pulls::<4>(memory, terms, parts)?;
        } else {
            self.pulls::<8>(memory, terms, parts)?;
        }
        let backward = NtXentBackward {
            units: memory.units,
            norms: memory.norms,
            masses: memory.masses,
            parts: memory.vectors,
            grad,
            checks: memory.checks,
            rows: self.rows,
            dim: self.dim,
            splits: self.splits,
            weight: (self.rows as f32 * self.temperature).recip(),
        };
        self.launch(backward, [self.rows.div_ceil(ROWS), 1])
    }

    fn pulls<const N: usize>(
        &self,
        memory: &Memory,
        terms: Pulls,
        parts: Parts,
    ) -> Result<(), Error>
    where
        NtXentPulls<N>: Kernel,
    {
        let kernel = NtXentPulls::<N> {
            points: self.points(memory),
            terms,
            parts,
        };
        let tiles = self.rows.div_ceil(TILE);
        let grid = [tiles.saturating_mul(chunks::<N>(self.dim)), self.splits];
        self.launch(kernel, grid)
    }

    /// Says which row has no direction, and why.
    fn refuse(&self, norms: Global<f32>) -> Result<(), Error> {
        let dim = self.dim as usize;
        for (row, norm) in device::read(self.device, norms)?.into_iter().enumerate() {
            if !norm.is_normal() {
                let start = self.z.address() + 4 * (row * dim) as u64;
                let values = device::read(self.device, Global::<f32>::new(start, dim))?;
                checked_norm(self.operation, "z", &values, row)?;
                // The host's sum has not overflowed where the device's has.
                domain::fits(self.operation, "the norm of a row", norm)?;
            }
        }
        Ok(())
    }
}
