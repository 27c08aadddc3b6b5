//! Sinkhorn's iteration from a cost matrix: two launches an iteration and, up to 4096 columns, one
//! read of the costs and one exponential for each pair.
//!
//! The formulas, with their special values, are those of `kernels_core::sinkhorn` (`pass`,
//! `row`, `series`). Shared out so:
//!
//! | kernel | grid | what it does |
//! |---|---|---|
//! | [`weights`] | 1 | weights that sum to one, their mass; checks |
//! | [`scan`] | blocks, then 1 | width and mask of the costs; checks |
//! | [`rows`] | blocks of rows | next row potentials, the marginal error, column sums of each block |
//! | [`rows_wide`] | blocks of rows | the same for more than 4096 columns, reading the costs twice |
//! | [`columns`] | 32 columns each | next column potentials, from the column sums; when to stop |
//! | [`symmetric`] | 1 | the averaged step of a measure against itself |
//! | [`conclude`] | 1 | gauge, value, what went wrong |
//! | [`plan`] | rows | the plan, and products with it |
//! | [`points`] | | all of it without a matrix |
//!
//! No kernel waits for another block, and the host does not wait for any: [`columns`]
//! notes in the [`status`] that the iteration is done, and what is launched after that
//! returns at once.

pub mod columns;
pub mod conclude;
pub mod plan;
pub mod points;
pub mod rows;
pub mod rows_wide;
pub mod scan;
pub mod status;
pub mod symmetric;
pub mod weights;

use kernels_core::pieces::{Damping, RowRule};

use crate::memory::Global;
use crate::thread::Thread;
use status::Status;

/// What the kernels of one problem share.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    /// n × m; +∞ forbids a pair.
    pub cost: Global<f32>,
    /// n: shares of the rows.
    pub a: Global<f32>,
    /// m: shares of the columns.
    pub b: Global<f32>,
    /// n.
    pub f: Global<f32>,
    /// m.
    pub g: Global<f32>,
    /// n: where f leads to.
    pub next_f: Global<f32>,
    /// blocks × m: column sums of each block of rows.
    pub column_parts: Global<f32>,
    /// blocks × 2: error and mass of each block of rows.
    pub row_parts: Global<f32>,
    /// What has come out so far.
    pub status: Status,
    /// ε.
    pub epsilon: f32,
    /// ρ of the rows.
    pub rho_a: f32,
    /// ρ of the columns.
    pub rho_b: f32,
    /// Rows.
    pub n: u32,
    /// Columns.
    pub m: u32,
    /// Blocks of rows.
    pub blocks: u32,
    /// Whether f is no good as a shift: the first pass after a start.
    pub fresh: u32,
    /// Whether g spreads by no more than ε, so that the series around one may be used.
    pub narrow_g: u32,
}

impl Shared {
    /// How rows are judged and updated.
    #[inline(always)]
    pub(crate) fn row_rule<T: Thread>(&self, thread: T) -> RowRule<f32> {
        let log_mass = self.status.load(thread, Status::LOG_MASS_B);
        RowRule::new(
            self.epsilon,
            Damping::new(self.rho_a, self.epsilon, 1.0, log_mass),
        )
    }

    /// How columns are updated.
    #[inline(always)]
    pub(crate) fn column_damping<T: Thread>(&self, thread: T) -> Damping<f32> {
        let log_mass = self.status.load(thread, Status::LOG_MASS_A);
        Damping::new(self.rho_b, self.epsilon, 1.0, log_mass)
    }

    /// `1/(ε ln 2)`.
    #[inline(always)]
    pub(crate) fn rate(&self) -> f32 {
        core::f32::consts::LOG2_E / self.epsilon
    }

    /// Whether exponents are so small that the series around one is used.
    #[inline(always)]
    pub(crate) fn near_one<T: Thread>(&self, thread: T) -> bool {
        let width = self.status.load(thread, Status::WIDTH);
        let masked = self.status.load(thread, Status::MASKED);
        masked == 0.0 && width < self.epsilon && self.narrow_g != 0
    }

    /// Where a row of costs begins.
    #[inline(always)]
    pub(crate) fn row_start(&self, row: u32) -> usize {
        row as usize * self.m as usize
    }

    /// Notes what an iteration has found; by one thread of the grid.
    #[inline(always)]
    pub(crate) fn note<T: Thread>(
        &self,
        thread: T,
        [error, mass]: [f32; 2],
        stop: bool,
        advance: bool,
    ) {
        // Until the first step the columns are not exact, so there is no error.
        let known = if self.fresh == 0 {
            error
        } else {
            f32::INFINITY
        };
        self.status.store(thread, Status::ERROR, known);
        self.status.store(thread, Status::MASS, mass);
        if stop {
            self.status.store(thread, Status::DONE, 1.0);
        }
        if advance {
            let iterations = self.status.load(thread, Status::ITERATIONS);
            self.status
                .store(thread, Status::ITERATIONS, iterations + 1.0);
        }
    }
}
