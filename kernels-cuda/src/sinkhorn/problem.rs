//! The transport problem, with its arrays on the device.

use kernels_core::cost::{Cost, CostScale};
use kernels_core::sinkhorn as core;
use kernels_cuda_device::sinkhorn::status::Status;
use kernels_cuda_device::{BLOCK, Global};

use super::streamed;
use crate::check;
use crate::error::Error;

/// Blocks of rows at most: two for each of the 132 multiprocessors of an H100.
pub(super) const BLOCKS: usize = 264;

/// Pairs whose costs are stored at most: a gibibyte.
const STORED_PAIRS: usize = 1 << 28;

/// Where the costs `C_ij` come from.
#[derive(Clone, Copy, Debug)]
pub enum CostSource {
    /// An `n × m` matrix, row by row. +∞ forbids a pair.
    Matrix(Global<f32>),
    /// Two clouds of points. Their costs are kept in the workspace, computed once by
    /// differences, or computed anew in every pass ([`Problem::streamed`]).
    Points {
        /// The cost between two rows.
        cost: Cost,
        /// `n × dim`, row by row.
        x: Global<f32>,
        /// `m × dim`, row by row.
        y: Global<f32>,
        /// Numbers in a row.
        dim: usize,
    },
}

/// As [`kernels_core::sinkhorn::Problem`].
#[derive(Clone, Copy, Debug)]
pub struct Problem {
    /// The costs.
    pub cost: CostSource,
    /// Rows: atoms of the first measure.
    pub n: usize,
    /// Columns: atoms of the second measure.
    pub m: usize,
    /// Weights of the rows, or `None` for `1/n` each.
    pub a: Option<Global<f32>>,
    /// Weights of the columns, likewise.
    pub b: Option<Global<f32>>,
    /// Price ρ of creating or destroying mass at the rows; +∞ forbids it.
    pub rho_a: f32,
    /// The same at the columns.
    pub rho_b: f32,
    /// What the costs between points are divided by; a matrix is taken as it is.
    pub scale: CostScale,
    /// Whether costs between points are computed anew in every pass, on the tensor cores,
    /// so that there is no n × m matrix. So it is in any case beyond 2²⁸ pairs.
    pub stream: bool,
}

impl Problem {
    /// A balanced problem with uniform weights.
    #[must_use]
    pub fn new(cost: CostSource, n: usize, m: usize) -> Self {
        Self {
            cost,
            n,
            m,
            a: None,
            b: None,
            rho_a: f32::INFINITY,
            rho_b: f32::INFINITY,
            scale: CostScale::None,
            stream: false,
        }
    }

    /// The same without an n × m matrix: memory is O((n + m)·d).
    #[must_use]
    pub fn streamed(self) -> Self {
        Self {
            stream: true,
            ..self
        }
    }

    /// Whether there is no n × m matrix.
    pub(super) fn is_streamed(&self) -> bool {
        let points = matches!(self.cost, CostSource::Points { .. });
        points && (self.stream || self.n.saturating_mul(self.m) > STORED_PAIRS)
    }

    /// The same with the costs between points divided by their largest, so that ε is in
    /// units of it; gradients treat it as a constant.
    #[must_use]
    pub fn scaled(self, scale: CostScale) -> Self {
        Self { scale, ..self }
    }

    /// The same with weights.
    #[must_use]
    pub fn with_weights(self, a: Global<f32>, b: Global<f32>) -> Self {
        Self {
            a: Some(a),
            b: Some(b),
            ..self
        }
    }

    /// The same with marginals that cost `rho_a` and `rho_b` to miss.
    #[must_use]
    pub fn unbalanced(self, rho_a: f32, rho_b: f32) -> Self {
        Self {
            rho_a,
            rho_b,
            ..self
        }
    }

    /// Whether both marginals are imposed.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.rho_a == f32::INFINITY && self.rho_b == f32::INFINITY
    }

    /// Workspace elements that [`super::State::new`] and [`super::solve`] need:
    /// `264 m + 3 n + 2 m`, and some; between points `n m` more for the costs. Streamed it
    /// is O((n + m)·d).
    #[must_use]
    pub fn workspace_len(&self) -> usize {
        let (n, m) = (self.n, self.m);
        let own = match self.cost {
            CostSource::Matrix(_) => self.blocks().saturating_mul(m),
            CostSource::Points { dim, .. } if self.is_streamed() => {
                streamed::workspace_len([n, m], dim)
            }
            CostSource::Points { .. } => n
                .saturating_add(self.blocks())
                .saturating_mul(m)
                .saturating_add(n)
                .saturating_add(m),
        };
        own.saturating_add(n.saturating_mul(3))
            .saturating_add(m.saturating_mul(2))
            .saturating_add(2 * self.blocks() + 4 * BLOCKS + Status::LEN)
    }

    /// Blocks that share the rows.
    pub(super) fn blocks(&self) -> usize {
        if self.is_streamed() {
            self.n.div_ceil(BLOCK as usize)
        } else {
            self.n.min(BLOCKS)
        }
    }

    /// Lengths, sizes and prices; entries are checked on the device.
    pub(super) fn check(&self, operation: &'static str) -> Result<(), Error> {
        let (n, m) = (self.n, self.m);
        core::Problem::new(core::CostSource::<f32>::Matrix(&[]), n, m)
            .unbalanced(self.rho_a, self.rho_b)
            .check(operation)?;
        match self.cost {
            CostSource::Matrix(cost) => {
                check::shape(operation, "cost", cost, n.saturating_mul(m))?;
            }
            CostSource::Points { x, y, dim, .. } => {
                if dim == 0 {
                    return Err(Error::Kernel(kernels_core::Error::Size {
                        operation,
                        argument: "dim",
                        expected: "at least 1",
                        got: 0,
                    }));
                }
                check::shape(operation, "x", x, n.saturating_mul(dim))?;
                check::shape(operation, "y", y, m.saturating_mul(dim))?;
            }
        }
        if self.is_streamed() && self.scale != CostScale::None {
            return Err(Error::Kernel(kernels_core::Error::Parameter {
                operation,
                argument: "scale",
                expected: "CostScale::None where costs are streamed, since their largest is not known",
                got: 1.0,
            }));
        }
        for (argument, weights, len) in [("a", self.a, n), ("b", self.b, m)] {
            if let Some(weights) = weights {
                check::shape(operation, argument, weights, len)?;
            }
        }
        Ok(())
    }
}
