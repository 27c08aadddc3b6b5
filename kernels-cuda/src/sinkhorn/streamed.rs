//! The iteration straight from points: what is launched where no matrix is kept.
//!
//! Kernels and formulas: [`kernels_cuda_device::sinkhorn::points`].

use kernels_core::cost::Cost;
use kernels_cuda_device::cost::ReciprocalNorms;
use kernels_cuda_device::pairs::{Parts, Points, TILE, chunks, splits};
use kernels_cuda_device::sinkhorn::Shared;
use kernels_cuda_device::sinkhorn::points::{
    Finish, Heights, PlanOfPoints, SinkhornCentre, SinkhornHeights, SinkhornPlace,
    SinkhornPointColumns, SinkhornPointCosts, SinkhornPointGradient, SinkhornPointPull,
    SinkhornPointRows, SinkhornPointSums, SinkhornRadius,
};
use kernels_cuda_device::{BLOCK, Global, WARPS};

use super::problem::{CostSource, Problem};
use super::state::OPERATION;
use crate::check;
use crate::device::{Device, read};
use crate::error::Error;

/// One side's points and what is known of them.
#[derive(Clone, Copy, Debug)]
struct Side {
    /// n × dim: relative to the centre, or directions.
    points: Global<f32>,
    /// n: their squares.
    squares: Global<f32>,
    /// n: heights.
    heights: Global<f32>,
    len: u32,
}

/// What the kernels on points need beside the problem's [`Shared`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Streamed {
    x: Side,
    y: Side,
    parts: Global<f32>,
    /// κ.
    factor: f32,
    dim: u32,
}

/// Reciprocal norms of the points of both sides; empty but for the cosine cost.
pub(super) type Scales = (Global<f32>, Global<f32>);

/// Splits of the sums of `rows` over `columns`.
fn splits_of(rows: usize, columns: usize) -> usize {
    let size = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    splits(size(rows), size(columns)) as usize
}

/// Elements of the parts: those of the gradients are the longest.
fn parts_len([n, m]: [usize; 2], dim: usize) -> usize {
    let of = |rows: usize, columns: usize| {
        let one = rows.saturating_mul(dim.saturating_add(1).max(2));
        splits_of(rows, columns).saturating_mul(one)
    };
    of(n, m).max(of(m, n))
}

/// Workspace elements of [`Streamed::new`].
pub(super) fn workspace_len([n, m]: [usize; 2], dim: usize) -> usize {
    let sides = n
        .saturating_add(m)
        .saturating_mul(dim.saturating_add(3))
        .saturating_add(dim);
    sides
        .saturating_add(parts_len([n, m], dim))
        .saturating_add(16)
}

impl Streamed {
    /// Places the points; their reciprocal norms too, for the cosine cost.
    pub(super) fn new<D: Device>(
        device: &D,
        problem: &Problem,
        take: &mut impl FnMut(usize) -> Result<Global<f32>, Error>,
    ) -> Result<(Self, Scales), Error> {
        let (n, m) = (problem.n, problem.m);
        let CostSource::Points { cost, x, y, dim } = problem.cost else {
            return Err(Error::Kernel(kernels_core::Error::NeedsPoints {
                operation: OPERATION,
                purpose: "costs are computed from them",
            }));
        };
        // Rows begin at multiples of 16 bytes if dim is a multiple of 4.
        let mut take = |len: usize| {
            let padded = take(len.next_multiple_of(4))?;
            check::take(OPERATION, &mut { padded }, len)
        };
        let mut side = |len: usize| {
            Ok::<_, Error>(Side {
                points: take(len * dim)?,
                squares: take(len)?,
                heights: take(len)?,
                len: check::size(OPERATION, "n", len)?,
            })
        };
        let (of_x, of_y) = (side(n)?, side(m)?);
        let size = check::size(OPERATION, "dim", dim)?;
        let (mut scales, mut centre) = ((Global::empty(), Global::empty()), Global::empty());
        if cost == Cost::Cosine {
            scales = (take(n)?, take(m)?);
            for (x, out) in [(x, scales.0), (y, scales.1)] {
                let grid = [(out.len() as u32).div_ceil(WARPS), 1];
                device.launch(ReciprocalNorms { x, out, dim: size }, grid)?;
            }
        } else {
            centre = take(dim)?;
            let kernel = SinkhornCentre {
                x,
                out: centre,
                n: of_x.len,
                dim: size,
            };
            device.launch(kernel, [size.div_ceil(BLOCK), 1])?;
        }
        for (x, scale, side) in [(x, scales.0, of_x), (y, scales.1, of_y)] {
            let kernel = SinkhornPlace {
                x,
                centre,
                scale,
                out: side.points,
                squares: side.squares,
                dim: size,
            };
            device.launch(kernel, [side.len.div_ceil(WARPS), 1])?;
        }
        let streamed = Self {
            x: of_x,
            y: of_y,
            parts: take(parts_len([n, m], dim))?,
            factor: if cost == Cost::Cosine { 0.5 } else { 1.0 },
            dim: size,
        };
        Ok((streamed, scales))
    }

    /// The width of the costs, in place of a scan.
    pub(super) fn scan<D: Device>(&self, device: &D, shared: &Shared) -> Result<(), Error> {
        let kernel = SinkhornRadius {
            x: self.x.squares,
            y: self.y.squares,
            status: shared.status,
            factor: self.factor,
        };
        Ok(device.launch(kernel, [1, 1])?)
    }

    /// h of the columns, after g was set otherwise than by an iteration.
    pub(super) fn lift<D: Device>(&self, device: &D, shared: &Shared) -> Result<(), Error> {
        let kernel = SinkhornHeights {
            potentials: shared.g,
            weights: shared.b,
            squares: self.y.squares,
            out: self.y.heights,
            epsilon: shared.epsilon,
            factor: self.factor,
        };
        Ok(device.launch(kernel, [shared.m.div_ceil(BLOCK), 1])?)
    }

    /// Sums over the other side, and what finishes them.
    fn sums<D: Device>(
        &self,
        device: &D,
        shared: &Shared,
        [own, other]: [Side; 2],
        first: bool,
    ) -> Result<Finish, Error> {
        let splits = splits(own.len, other.len);
        let kernel = SinkhornPointSums {
            shared: *shared,
            points: self.points([own, other]),
            heights: other.heights,
            parts: Global::new(self.parts.address(), 2 * splits as usize * own.len as usize),
            factor: self.factor,
            first: u32::from(first),
        };
        device.launch(kernel, [own.len.div_ceil(TILE), splits])?;
        Ok(Finish {
            shared: *shared,
            parts: kernel.parts,
            squares: own.squares,
            heights: own.heights,
            splits,
            factor: self.factor,
        })
    }

    fn points(&self, [own, other]: [Side; 2]) -> Points {
        Points {
            a: own.points,
            b: other.points,
            rows: own.len,
            columns: other.len,
            dim: self.dim,
        }
    }

    /// The first half step.
    pub(super) fn rows<D: Device>(&self, device: &D, shared: &Shared) -> Result<(), Error> {
        let finish = self.sums(device, shared, [self.x, self.y], true)?;
        Ok(device.launch(SinkhornPointRows(finish), [shared.blocks, 1])?)
    }

    /// The second half step.
    pub(super) fn columns<D: Device>(
        &self,
        device: &D,
        shared: &Shared,
        threshold: f32,
        last: u32,
    ) -> Result<(), Error> {
        let finish = self.sums(device, shared, [self.y, self.x], false)?;
        let kernel = SinkhornPointColumns {
            finish,
            threshold,
            last,
        };
        let longer = shared.n.max(shared.m);
        Ok(device.launch(kernel, [longer.div_ceil(BLOCK), 1])?)
    }

    /// The plan with the rows, or the columns, as what is summed for.
    fn plan(&self, shared: &Shared, power: f32, transposed: bool) -> (PlanOfPoints, Points) {
        let rows = Heights {
            potentials: shared.f,
            weights: shared.a,
            squares: self.x.squares,
        };
        let columns = Heights {
            potentials: shared.g,
            weights: shared.b,
            squares: self.y.squares,
        };
        let (sides, [rows, columns]) = if transposed {
            ([self.y, self.x], [columns, rows])
        } else {
            ([self.x, self.y], [rows, columns])
        };
        let terms = PlanOfPoints {
            rows,
            columns,
            power,
            rate: core::f32::consts::LOG2_E / shared.epsilon,
            factor: self.factor,
            costs: 0,
        };
        (terms, self.points(sides))
    }

    /// `out = [out +] factor Σ_j P_ij (u_i − v_j)`, or for the columns.
    pub(super) fn pull<D: Device>(
        &self,
        device: &D,
        shared: &Shared,
        power: f32,
        out: Global<f32>,
        (factor, keep, transposed): (f32, bool, bool),
    ) -> Result<(), Error> {
        let (terms, points) = self.plan(shared, power, transposed);
        let (splits, tiles) = (
            splits(points.rows, points.columns),
            points.rows.div_ceil(TILE),
        );
        let len = splits as usize * out.len();
        let vectors = Global::new(self.parts.address(), len);
        let masses = Global::new(
            self.parts.address() + 4 * len as u64,
            splits as usize * points.rows as usize,
        );
        let kernel = SinkhornPointPull {
            points,
            terms,
            parts: Parts {
                values: points.b,
                dim: self.dim,
                vectors,
                masses,
            },
        };
        let chunks = chunks::<{ SinkhornPointPull::CHUNK }>(self.dim);
        device.launch(kernel, [tiles.saturating_mul(chunks), splits])?;
        let kernel = SinkhornPointGradient {
            own: points.a,
            vectors,
            masses,
            out,
            splits,
            dim: self.dim,
            factor,
            keep: u32::from(keep),
        };
        let blocks = out.len().div_ceil(BLOCK as usize);
        let blocks = check::size(OPERATION, "n × dim", blocks)?;
        Ok(device.launch(kernel, [blocks, 1])?)
    }

    /// `⟨P,C⟩`.
    pub(super) fn transport_cost<D: Device>(
        &self,
        device: &D,
        shared: &Shared,
        power: f32,
    ) -> Result<f64, Error> {
        let (terms, points) = self.plan(shared, power, false);
        let splits = splits(points.rows, points.columns);
        let masses = Global::new(self.parts.address(), splits as usize * points.rows as usize);
        let kernel = SinkhornPointCosts {
            points,
            terms: PlanOfPoints { costs: 1, ..terms },
            parts: Parts {
                values: Global::empty(),
                dim: 0,
                vectors: Global::empty(),
                masses,
            },
        };
        device.launch(kernel, [points.rows.div_ceil(TILE), splits])?;
        let parts = read(device, masses)?;
        Ok(parts.iter().copied().map(f64::from).sum())
    }
}
