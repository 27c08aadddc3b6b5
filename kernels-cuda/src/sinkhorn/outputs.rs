//! What can be had from the potentials: the plan, and gradients by the envelope theorem.

use kernels_core::cost::Cost;
use kernels_cuda_device::cost::ThroughDirections;
use kernels_cuda_device::sinkhorn::conclude::SinkhornWeightGradient;
use kernels_cuda_device::sinkhorn::plan::{
    PULL_ROWS, SinkhornPlan, SinkhornPull, SinkhornTransportCost,
};
use kernels_cuda_device::sinkhorn::status::Status;
use kernels_cuda_device::{BLOCK, Global, WARPS};

use super::problem::CostSource;
use super::state::State;
use crate::check;
use crate::device::{Device, read};
use crate::error::Error;

/// Rows of the plan that are on their way at a time: the limit of a grid's second side.
const ROWS: u32 = 65_535;

impl<D: Device> State<'_, D> {
    /// Writes the plan to `out` (n × m). It is also the gradient of the regularised value
    /// with respect to the costs, [`kernels_core::sinkhorn::State::cost_gradient`].
    ///
    /// # Errors
    /// A wrong length, or the device's.
    pub fn cost_gradient(&self, out: Global<f32>) -> Result<(), Error> {
        let (n, m) = (self.problem.n, self.problem.m);
        if self.streamed.is_some() {
            return Err(Error::Kernel(kernels_core::Error::Size {
                operation: "cost_gradient",
                argument: "n × m",
                expected: "of a problem that is not streamed: this is a matrix",
                got: n.saturating_mul(m),
            }));
        }
        check::shape("cost_gradient", "out", out, n.saturating_mul(m))?;
        let shared = self.shared;
        let grid = [shared.m.div_ceil(BLOCK), shared.n.min(ROWS)];
        Ok(self.device.launch(SinkhornPlan { shared, out }, grid)?)
    }

    /// Writes the gradient of the regularised value with respect to the weights, `a` (n) and
    /// `b` (m), in the gauge of [`kernels_core::sinkhorn::State::weight_gradient`]. An atom
    /// of weight zero without a permitted partner has an infinite slope here.
    ///
    /// # Errors
    /// Wrong lengths, or the device's.
    pub fn weight_gradient(&self, grad_a: Global<f32>, grad_b: Global<f32>) -> Result<(), Error> {
        let operation = "weight_gradient";
        check::shape(operation, "grad_a", grad_a, self.problem.n)?;
        check::shape(operation, "grad_b", grad_b, self.problem.m)?;
        let shared = self.shared;
        let sides = [
            (shared.a, shared.f, grad_a, shared.rho_a, Status::MASS_B),
            (shared.b, shared.g, grad_b, shared.rho_b, Status::MASS_A),
        ];
        for (weights, potentials, out, rho, other_mass) in sides {
            let kernel = SinkhornWeightGradient {
                shared,
                weights,
                potentials,
                out,
                rho,
                other_mass: other_mass as u32,
            };
            self.device.launch(kernel, [1, 1])?;
        }
        Ok(())
    }

    /// `⟨P,C⟩`: what the plan costs, without the entropic term.
    ///
    /// # Errors
    /// When it does not fit f32, or the device's.
    pub fn transport_cost(&self) -> Result<f32, Error> {
        let shared = self.shared;
        if let Some(streamed) = &self.streamed {
            let cost = streamed.transport_cost(self.device, &shared, self.power()?)?;
            return fits(cost as f32);
        }
        let parts = Global::new(self.scan.address(), shared.blocks as usize);
        let kernel = SinkhornTransportCost { shared, parts };
        self.device.launch(kernel, [shared.blocks, 1])?;
        let parts = read(self.device, parts)?;
        fits(parts.iter().copied().map(f64::from).sum::<f64>() as f32)
    }

    /// What the masses of both sides add to exponents of two; known without asking where
    /// they are one. Their product may underflow or overflow, this cannot.
    fn power(&self) -> Result<f32, Error> {
        if self.problem.is_balanced() {
            return Ok(0.0);
        }
        let (of_a, of_b) = self.masses()?;
        Ok((f64::from(of_a).log2() + f64::from(of_b).log2()) as f32)
    }

    /// Writes the gradient of the regularised value with respect to the points of the
    /// problem: `Σ_j P_ij ∂C_ij/∂x_i`, and likewise for y. Nothing is read back.
    ///
    /// # Errors
    /// Wrong lengths, a problem without points, or the device's.
    pub fn envelope_gradient(&self, grad_x: Global<f32>, grad_y: Global<f32>) -> Result<(), Error> {
        let (x, y) = self.points("envelope_gradient")?;
        check::shape("envelope_gradient", "grad_x", grad_x, x.len())?;
        check::shape("envelope_gradient", "grad_y", grad_y, y.len())?;
        self.pull_rows(grad_x, 1.0, false)?;
        self.pull_columns(grad_y, 1.0, false)?;
        self.finish(grad_x, grad_y)
    }

    /// The points of the problem.
    pub(super) fn points(
        &self,
        operation: &'static str,
    ) -> Result<(Global<f32>, Global<f32>), Error> {
        match self.problem.cost {
            CostSource::Points { x, y, .. } => Ok((x, y)),
            CostSource::Matrix(_) => Err(Error::Kernel(kernels_core::Error::NeedsPoints {
                operation,
                purpose: "the gradient is with respect to points",
            })),
        }
    }

    /// `out = [out +] weight · Σ_j P_ij ∂C_ij/∂u_i` with u the x, or their directions.
    pub(super) fn pull_rows(&self, out: Global<f32>, weight: f32, keep: bool) -> Result<(), Error> {
        self.pull(out, weight, keep, false)
    }

    /// The same for the points of the columns.
    pub(super) fn pull_columns(
        &self,
        out: Global<f32>,
        weight: f32,
        keep: bool,
    ) -> Result<(), Error> {
        self.pull(out, weight, keep, true)
    }

    fn pull(
        &self,
        out: Global<f32>,
        weight: f32,
        keep: bool,
        transposed: bool,
    ) -> Result<(), Error> {
        let CostSource::Points { cost, x, y, dim } = self.problem.cost else {
            return Ok(());
        };
        let shared = self.shared;
        // ‖x − y‖² and ½ ‖u − v‖².
        let factor = weight * if cost == Cost::Cosine { 1.0 } else { 2.0 };
        if let Some(streamed) = &self.streamed {
            let how = (factor, keep, transposed);
            return streamed.pull(self.device, &shared, self.power()?, out, how);
        }
        let rows = ((x, self.scales.0), shared.n);
        let columns = ((y, self.scales.1), shared.m);
        let ((own, count), (other, _)) = if transposed {
            (columns, rows)
        } else {
            (rows, columns)
        };
        let kernel = SinkhornPull {
            shared,
            own: own.0,
            own_scale: own.1,
            other: other.0,
            other_scale: other.1,
            out,
            dim: check::size("envelope_gradient", "dim", dim)?,
            factor,
            keep: u32::from(keep),
            transposed: u32::from(transposed),
        };
        Ok(self.device.launch(kernel, [count.div_ceil(PULL_ROWS), 1])?)
    }

    /// Takes gradients by directions back to the points.
    pub(super) fn finish(&self, grad_x: Global<f32>, grad_y: Global<f32>) -> Result<(), Error> {
        let CostSource::Points { x, y, dim, .. } = self.problem.cost else {
            return Ok(());
        };
        let dim = check::size("envelope_gradient", "dim", dim)?;
        let sides = [
            (x, self.scales.0, grad_x, self.shared.n),
            (y, self.scales.1, grad_y, self.shared.m),
        ];
        for (x, scale, out, rows) in sides {
            if !scale.is_empty() {
                let kernel = ThroughDirections { x, scale, out, dim };
                self.device.launch(kernel, [rows.div_ceil(WARPS), 1])?;
            }
        }
        Ok(())
    }
}

fn fits(cost: f32) -> Result<f32, Error> {
    if cost.is_finite() {
        return Ok(cost);
    }
    Err(Error::Kernel(kernels_core::Error::Overflow {
        operation: "transport_cost",
        quantity: "the transport cost",
        got: f64::from(cost),
    }))
}
