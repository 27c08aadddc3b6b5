//! What is done once, before the iteration: weights, costs and their range.

use kernels_core::cost::{Cost, CostScale};
use kernels_cuda_device::cost::{CostMatrix, ReciprocalNorms};
use kernels_cuda_device::sinkhorn::scan::{SinkhornRescale, SinkhornScan, SinkhornScanned};
use kernels_cuda_device::sinkhorn::weights::SinkhornWeights;
use kernels_cuda_device::{BLOCK, Global, WARPS};

use super::problem::{BLOCKS, CostSource, Problem};
use super::state::{OPERATION, State};
use super::streamed::Scales;
use crate::check;
use crate::device::{Device, shared_out, zero};
use crate::error::Error;

impl<D: Device> State<'_, D> {
    /// Weights, range of the costs, potentials of zero.
    pub(super) fn prepare(&self) -> Result<(), Error> {
        let (device, shared) = (self.device, self.shared);
        let status = shared.status;
        for array in [status.0, shared.f, shared.g] {
            zero(device, array)?;
        }
        let sides = [
            (self.problem.a, shared.a, shared.n),
            (self.problem.b, shared.b, shared.m),
        ];
        for (side, (given, share, len)) in (0..).zip(sides) {
            let kernel = SinkhornWeights {
                given: given.unwrap_or(Global::empty()),
                share,
                status,
                len,
                side,
                balanced: u32::from(self.problem.is_balanced()),
            };
            device.launch(kernel, [1, 1])?;
        }
        if let Some(streamed) = &self.streamed {
            streamed.scan(device, &shared)?;
            return streamed.lift(device, &shared);
        }
        let blocks = shared.cost.len().div_ceil(BLOCK as usize).min(BLOCKS) as u32;
        let scan = SinkhornScan {
            cost: shared.cost,
            parts: self.scan,
        };
        device.launch(scan, [blocks, 1])?;
        let scanned = SinkhornScanned {
            parts: self.scan,
            status,
            blocks,
        };
        device.launch(scanned, [1, 1])?;
        let points = matches!(self.problem.cost, CostSource::Points { .. });
        if points && self.problem.scale == CostScale::Maximum {
            let cost = shared.cost;
            device.launch(SinkhornRescale { cost, status }, shared_out(cost.len()))?;
        }
        Ok(())
    }
}

/// Costs between points, into the workspace; by way of reciprocal norms for the cosine
/// cost.
pub(super) fn costs<D: Device>(
    device: &D,
    problem: &Problem,
    out: Global<f32>,
    (scale_x, scale_y): Scales,
) -> Result<(), Error> {
    let CostSource::Points { cost, x, y, dim } = problem.cost else {
        return Ok(());
    };
    let (n, m) = (problem.n as u32, problem.m as u32);
    let dim = check::size(OPERATION, "dim", dim)?;
    for (x, out, rows) in [(x, scale_x, n), (y, scale_y, m)] {
        if !out.is_empty() {
            device.launch(ReciprocalNorms { x, out, dim }, [rows.div_ceil(WARPS), 1])?;
        }
    }
    let kernel = CostMatrix {
        x,
        y,
        scale_x,
        scale_y,
        out,
        n,
        m,
        dim,
        factor: if cost == Cost::Cosine { 0.5 } else { 1.0 },
    };
    Ok(device.launch(kernel, [m.div_ceil(64), n.div_ceil(64)])?)
}
