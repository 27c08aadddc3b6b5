//! Sums over the plan of two clouds: gradients, and the transport cost.

use kernels_core::elementary::Elementary;

use crate::kernel::Kernel;
use crate::memory::Global;
use crate::pairs::{APPLY_WORDS, At, Parts, Points, Terms, apply, merged};
use crate::thread::{BLOCK, Thread};

/// What is known of the points of one side.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Heights {
    /// Potentials.
    pub potentials: Global<f32>,
    /// Shares.
    pub weights: Global<f32>,
    /// ‖u‖².
    pub squares: Global<f32>,
}

/// `P_ij`, or `P_ij C_ij`, with the rows on either side of the plan.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PlanOfPoints {
    /// The side that is summed for.
    pub rows: Heights,
    /// The other side.
    pub columns: Heights,
    /// What the masses add to exponents of two: log₂ of their product.
    pub power: f32,
    /// `1/(ε ln 2)`.
    pub rate: f32,
    /// κ.
    pub factor: f32,
    /// Whether entries are multiplied by their cost.
    pub costs: u32,
}

impl PlanOfPoints {
    /// `p − κ ‖u‖²`, the weight, and `κ ‖u‖²`.
    #[inline(always)]
    fn at<T: Thread>(&self, thread: T, side: &Heights, i: u32) -> [f32; 3] {
        let square = self.factor * thread.load::<f32>(side.squares, i as usize);
        let weight = thread.load(side.weights, i as usize);
        let potential: f32 = thread.load(side.potentials, i as usize);
        [potential - square, weight, square]
    }
}

impl Terms for PlanOfPoints {
    type Row = [f32; 3];
    type Column = [f32; 3];

    #[inline(always)]
    fn row<T: Thread>(&self, thread: T, i: u32) -> [f32; 3] {
        self.at(thread, &self.rows, i)
    }

    #[inline(always)]
    fn column<T: Thread>(&self, thread: T, j: u32) -> [f32; 3] {
        self.at(thread, &self.columns, j)
    }

    #[inline(always)]
    fn term<T: Thread>(&self, _: T, row: At<[f32; 3]>, column: At<[f32; 3]>, product: f32) -> f32 {
        let ([p, a, x], [q, b, y]) = (row.data, column.data);
        // Without weight there is no mass, whatever the potential.
        if !(a > 0.0) || !(b > 0.0) {
            return 0.0;
        }
        let twice = 2.0 * self.factor * product;
        let exponent = ((p + twice) + q) * self.rate + self.power;
        let entry = (a * b) * exponent.exp2_at::<T::Level>();
        if self.costs == 0 {
            return entry;
        }
        let cost = (x - twice) + y;
        entry * if cost > 0.0 { cost } else { 0.0 }
    }
}

/// Parts of `Σ_j P_ij v_j` in chunks of 16 N coordinates, and of `Σ_j P_ij`. Grid: (tiles
/// of rows × chunks) × splits.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornPointPull {
    /// Both sides.
    pub points: Points,
    /// The plan.
    pub terms: PlanOfPoints,
    /// The other side's points, and where the parts go.
    pub parts: Parts,
}

impl SinkhornPointPull {
    /// Groups of 16 coordinates that a block makes.
    pub const CHUNK: usize = 4;
}

impl Kernel for SinkhornPointPull {
    const NAME: &'static str = "sinkhorn_point_pulls";

    fn shared_words(&self) -> u32 {
        APPLY_WORDS
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        apply::<T, PlanOfPoints, { Self::CHUNK }>(thread, &self.points, &self.terms, &self.parts);
    }
}

/// `out_i = [out_i +] factor Σ_j P_ij (u_i − v_j)`. Grid: ⌈n d/256⌉.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornPointGradient {
    /// n × dim: u.
    pub own: Global<f32>,
    /// splits × n × dim.
    pub vectors: Global<f32>,
    /// splits × n.
    pub masses: Global<f32>,
    /// n × dim.
    pub out: Global<f32>,
    /// Splits of the parts.
    pub splits: u32,
    /// Numbers in a point.
    pub dim: u32,
    /// What it is multiplied by.
    pub factor: f32,
    /// What is kept of what `out` holds: 0 or 1.
    pub keep: u32,
}

impl Kernel for SinkhornPointGradient {
    const NAME: &'static str = "sinkhorn_point_gradient";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let index = thread.block()[0] as usize * BLOCK as usize + thread.thread() as usize;
        if index >= self.out.len() {
            return;
        }
        let dim = (self.dim as usize).max(1);
        let (row, rows) = (index / dim, self.out.len() / dim);
        let mass = merged(thread, self.masses, self.splits, rows, row);
        let sum = merged(thread, self.vectors, self.splits, self.out.len(), index);
        let own: f32 = thread.load(self.own, index);
        let mut value = self.factor * (mass * own - sum);
        if self.keep != 0 {
            value += thread.load::<f32>(self.out, index);
        }
        thread.store(self.out, index, value);
    }
}

/// Parts of `Σ_j P_ij C_ij`. Grid: tiles of rows × splits.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornPointCosts {
    /// Both sides.
    pub points: Points,
    /// The plan, times its costs.
    pub terms: PlanOfPoints,
    /// No vectors; where the parts go.
    pub parts: Parts,
}

impl Kernel for SinkhornPointCosts {
    const NAME: &'static str = "sinkhorn_point_costs";

    fn shared_words(&self) -> u32 {
        APPLY_WORDS
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        apply::<T, PlanOfPoints, 1>(thread, &self.points, &self.terms, &self.parts);
    }
}
