//! The iteration: what is queued, and when the host looks.

use kernels_core::cost::Cost;
use kernels_core::sinkhorn::{Outcome, SinkhornOptions};
use kernels_cuda_device::sinkhorn::Shared;
use kernels_cuda_device::sinkhorn::columns::{SinkhornColumns, SinkhornZeroColumns};
use kernels_cuda_device::sinkhorn::conclude::SinkhornConclude;
use kernels_cuda_device::sinkhorn::rows::{SinkhornRows1024, SinkhornRows4096};
use kernels_cuda_device::sinkhorn::rows_wide::SinkhornRowsWide;
use kernels_cuda_device::sinkhorn::status::Status;
use kernels_cuda_device::sinkhorn::symmetric::SinkhornAverage;
use kernels_cuda_device::{BLOCK, Global, WARP};

use super::problem::{BLOCKS, CostSource, Problem};
use super::streamed::Streamed;
use super::{outcome, prepare};
use crate::check;
use crate::device::{Device, copy, read, zero};
use crate::error::Error;

pub(super) const OPERATION: &str = "sinkhorn";

/// Iterations that are queued before the host looks whether they were needed.
const QUEUED: usize = 128;

/// Potentials of a problem at some iteration, on the device.
#[derive(Debug)]
pub struct State<'d, D: Device> {
    pub(super) device: &'d D,
    pub(super) problem: Problem,
    pub(super) shared: Shared,
    /// Reciprocal norms of the points; empty but for the cosine cost.
    pub(super) scales: (Global<f32>, Global<f32>),
    /// 4 × blocks.
    pub(super) scan: Global<f32>,
    /// The points, where no matrix is kept.
    pub(super) streamed: Option<Streamed>,
}

/// How potentials are taken over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// Rows, then columns.
    Alternating,
    /// The mean of old and new, for a measure against itself.
    Averaged,
}

impl<'d, D: Device> State<'d, D> {
    /// Starts from `g = 0`. What is wrong with the entries is told by [`State::run`].
    ///
    /// # Errors
    /// Wrong lengths, an ε or ρ that is not a positive normal number, or the device's.
    pub fn new(
        device: &'d D,
        problem: &Problem,
        epsilon: f32,
        workspace: Global<f32>,
    ) -> Result<Self, Error> {
        problem.check(OPERATION)?;
        let positive = SinkhornOptions {
            epsilon,
            threshold: 0.0,
            max_iterations: 1,
        };
        positive.check(OPERATION)?;
        let (n, m, blocks) = (problem.n, problem.m, problem.blocks());
        let (rows, columns) = (
            check::size(OPERATION, "n", n)?,
            check::size(OPERATION, "m", m)?,
        );
        let needed = problem.workspace_len();
        let mut workspace = check::take(OPERATION, &mut { workspace }, needed)?;
        let mut take = |len| check::take(OPERATION, &mut workspace, len);
        // First, so that rows of costs begin at multiples of 16 bytes.
        let mut scales = (Global::empty(), Global::empty());
        let mut streamed = None;
        let cost = match problem.cost {
            CostSource::Matrix(cost) => cost,
            CostSource::Points { .. } if problem.is_streamed() => {
                let (points, norms) = Streamed::new(device, problem, &mut take)?;
                (streamed, scales) = (Some(points), norms);
                Global::empty()
            }
            CostSource::Points { cost, .. } => {
                let matrix = take(n * m)?;
                if cost == Cost::Cosine {
                    scales = (take(n)?, take(m)?);
                }
                prepare::costs(device, problem, matrix, scales)?;
                matrix
            }
        };
        let state = Self {
            device,
            problem: *problem,
            shared: Shared {
                cost,
                a: take(n)?,
                b: take(m)?,
                f: take(n)?,
                g: take(m)?,
                next_f: take(n)?,
                column_parts: if streamed.is_some() {
                    Global::empty()
                } else {
                    take(blocks * m)?
                },
                row_parts: take(2 * blocks)?,
                status: Status(take(Status::LEN)?),
                epsilon,
                rho_a: problem.rho_a,
                rho_b: problem.rho_b,
                n: rows,
                m: columns,
                blocks: blocks as u32,
                fresh: 1,
                narrow_g: 1,
            },
            scales,
            scan: take(4 * BLOCKS)?,
            streamed,
        };
        state.prepare()?;
        Ok(state)
    }

    /// Goes on with another ε from the present potentials: for annealing.
    ///
    /// # Errors
    /// An ε that is not a positive normal number, or the device's.
    pub fn set_epsilon(&mut self, epsilon: f32) -> Result<(), Error> {
        let positive = SinkhornOptions {
            epsilon,
            threshold: 0.0,
            max_iterations: 1,
        };
        positive.check(OPERATION)?;
        self.shared.epsilon = epsilon;
        self.restart()
    }

    /// Goes on from a column potential that is known from elsewhere, on the device; it is
    /// copied. What is wrong with its entries is told by [`State::run`].
    ///
    /// # Errors
    /// A wrong length, or the device's.
    pub fn warm_start(&mut self, g: Global<f32>) -> Result<(), Error> {
        check::shape(OPERATION, "g", g, self.problem.m)?;
        copy(self.device, g, self.shared.g)?;
        self.restart()
    }

    /// The potentials are no longer those of an iteration at this ε.
    pub(super) fn restart(&mut self) -> Result<(), Error> {
        self.shared.fresh = 1;
        self.shared.narrow_g = 0;
        if let Some(streamed) = &self.streamed {
            streamed.lift(self.device, &self.shared)?;
        }
        self.resume()
    }

    /// A threshold that was met may be another one now; what was refused stays so.
    fn resume(&self) -> Result<(), Error> {
        let moving = Global::new(self.shared.status.0.address(), 2);
        Ok(zero(self.device, moving)?)
    }

    /// Iterates until the threshold or the limit of iterations, which counts from here;
    /// then fixes the gauge `⟨a,f⟩ = ⟨b,g⟩` of a balanced problem and sums up.
    ///
    /// # Errors
    /// As [`kernels_core::sinkhorn::State::new`] and its `run`; also the device's.
    pub fn run(&mut self, options: &SinkhornOptions<f32>) -> Result<Outcome<f32>, Error> {
        self.run_by(options, Step::Alternating)
    }

    pub(super) fn run_by(
        &mut self,
        options: &SinkhornOptions<f32>,
        step: Step,
    ) -> Result<Outcome<f32>, Error> {
        options.check(OPERATION)?;
        if options.epsilon != self.shared.epsilon {
            self.set_epsilon(options.epsilon)?;
        }
        self.resume()?;
        let mut left = options.max_iterations;
        while left > 0 {
            let queued = left.min(QUEUED);
            for _ in 0..queued {
                self.iterate(options.threshold, step, false)?;
            }
            left -= queued;
            if left > 0 && outcome::is_done(self.device, self.shared.status)? {
                break;
            }
        }
        self.iterate(options.threshold, step, true)?;
        self.conclude(options.threshold, step)
    }

    /// A pass over the costs, and what follows from it. The `last` one only measures.
    fn iterate(&mut self, threshold: f32, step: Step, last: bool) -> Result<(), Error> {
        let (device, shared) = (self.device, self.shared);
        let grid = [shared.blocks, 1];
        match (&self.streamed, shared.m) {
            (Some(streamed), _) => streamed.rows(device, &shared)?,
            (None, 0..=1024) => device.launch(SinkhornRows1024(shared), grid)?,
            (None, 1025..=4096) => device.launch(SinkhornRows4096(shared), grid)?,
            (None, _) => device.launch(SinkhornRowsWide(shared), grid)?,
        }
        let last = u32::from(last);
        match (step, &self.streamed) {
            (Step::Alternating, Some(streamed)) => {
                streamed.columns(device, &shared, threshold, last)?;
            }
            (Step::Alternating, None) => {
                let kernel = SinkhornColumns {
                    shared,
                    threshold,
                    last,
                };
                device.launch(kernel, [shared.m.div_ceil(WARP), 1])?;
            }
            (Step::Averaged, streamed) => {
                let kernel = SinkhornAverage {
                    shared,
                    threshold,
                    last,
                };
                device.launch(kernel, [shared.n.div_ceil(BLOCK), 1])?;
                if let Some(streamed) = streamed {
                    streamed.lift(device, &shared)?;
                }
            }
        }
        self.shared.fresh = 0;
        self.shared.narrow_g = 1;
        Ok(())
    }

    fn conclude(&mut self, threshold: f32, step: Step) -> Result<Outcome<f32>, Error> {
        let (device, shared) = (self.device, self.shared);
        // Half steps from points serve the columns without weight too.
        if step == Step::Alternating && self.streamed.is_none() {
            device.launch(SinkhornZeroColumns(shared), [shared.m.div_ceil(WARP), 1])?;
        }
        let kernel = SinkhornConclude {
            shared,
            with_mass: u32::from(step == Step::Averaged),
        };
        device.launch(kernel, [1, 1])?;
        outcome::read_outcome(device, &self.problem, shared.status, threshold)
    }

    /// `(f, g)` on the device. An atom of zero weight has the potential that its costs ask
    /// for.
    #[must_use]
    pub fn potentials(&self) -> (Global<f32>, Global<f32>) {
        (self.shared.f, self.shared.g)
    }

    /// `(a, b)` on the device, each divided by its sum.
    #[must_use]
    pub fn weights(&self) -> (Global<f32>, Global<f32>) {
        (self.shared.a, self.shared.b)
    }

    /// The largest permitted cost, before costs are scaled; not a number that means
    /// anything if something was refused, which [`State::run`] tells.
    ///
    /// # Errors
    /// A problem that is streamed, or the device's.
    pub(crate) fn largest_cost(&self) -> Result<f32, Error> {
        if self.streamed.is_some() {
            return Err(Error::Kernel(kernels_core::Error::Size {
                operation: OPERATION,
                argument: "n × m",
                expected: "at most 2^28 where ε or the scale is the largest cost, which is not \
                           known of streamed costs; give both in units of the cost",
                got: self.problem.n.saturating_mul(self.problem.m),
            }));
        }
        let values = read(self.device, self.shared.status.0)?;
        Ok(values.get(Status::LARGEST).copied().unwrap_or(f32::NAN))
    }

    /// The masses of both sides.
    pub(super) fn masses(&self) -> Result<(f32, f32), Error> {
        let values = read(self.device, self.shared.status.0)?;
        let at = |place: usize| values.get(place).copied().unwrap_or(f32::NAN);
        Ok((at(Status::MASS_A), at(Status::MASS_B)))
    }
}
