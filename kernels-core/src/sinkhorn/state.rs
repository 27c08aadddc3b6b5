//! The iteration as an explicit state with a `step`.
//!
//! Between steps this holds: `next_f` and `next_g` are what the present (f, g) leads to.
//! A step takes them over and looks ahead again, by one pass over the costs (`pass.rs`),
//! which also yields the row sums of the plan of the *current* (f, g): the marginal
//! error that is reported belongs to the potentials that are returned.

use super::chunks::{ChunkMemory, chunk_count};
use super::cost_range::CostRange;
use super::look_ahead::{OPERATION, check_room};
use super::options::{Outcome, SinkhornOptions};
use super::problem::{Problem, check_partners};
use super::rows::{CostRows, rows_workspace_len, tile_len};
use super::stored::{StoredKernel, stored_kernel_len};
use super::weights::Weights;
use crate::panel::GROUP;
use crate::parallel::inside_pool;
use crate::{Error, Real, check, vector};

/// Potentials of a problem at some iteration. The plan is
/// `P_ij = a_i b_j exp((f_i + g_j − C_ij)/ε)`.
///
/// | | cost |
/// |---|---|
/// | an iteration, costs from a matrix | `n m` exponentials: one pass for both half steps |
/// | the same, from points | `n m dim` multiplications more: costs are computed again |
/// | the same, with a [stored kernel](Problem::with_stored_kernel) | `2 n m` multiplications |
/// | a *sweep over the plan* | as an iteration without a stored kernel |
///
/// A sweep computes the entries of the plan where they are needed and keeps none; gradients,
/// products and the duality gap are counted in sweeps. Memory: [`Problem::workspace_len`], O(n + m)
/// from a matrix, O((n + m) dim) from points, `n m` more with a stored kernel.
#[derive(Debug)]
pub struct State<'s, T> {
    pub(super) rows: CostRows<'s, T>,
    pub(super) range: CostRange<T>,
    pub(super) epsilon: T,
    pub(super) rho: (T, T),
    pub(super) a: Weights<'s, T>,
    pub(super) b: Weights<'s, T>,
    pub(super) f: &'s mut [T],
    pub(super) g: &'s mut [T],
    pub(super) next_f: &'s mut [T],
    pub(super) next_g: &'s mut [T],
    /// g with −∞ at zero weights.
    pub(super) masked: &'s mut [T],
    pub(super) memory: ChunkMemory<'s, T>,
    pub(super) kernel: StoredKernel<'s, T>,
    /// Whether the last look-ahead went by the stored kernel and not by the costs.
    pub(super) by_kernel: bool,
    /// ω of the next look-ahead; 1 but in `relaxation.rs`.
    pub(super) omega: T,
    /// Whether f and g have not been updated since they were given.
    pub(super) fresh: bool,
    pub(super) marginal_error: T,
    pub(super) mass: T,
    pub(super) iterations: usize,
}

impl<T: Real> Problem<'_, T> {
    /// Workspace elements that [`State::new`] and [`super::solve`] need: `3n + 4m`, and for each
    /// chunk of rows, of which there are at most 16 whatever the number of threads, `5m`, from
    /// points `9m`. From points also a copy of y, and for the cosine cost of x; with a stored
    /// kernel `n m + n + 2m` more.
    #[must_use]
    pub fn workspace_len(&self) -> usize {
        let (n, m) = (self.n, self.m);
        // Column sums, terms and tile.
        let tile = tile_len(&self.cost, m);
        let chunk = m.saturating_mul(1 + GROUP).saturating_add(tile);
        let sides = n.saturating_mul(3).saturating_add(m.saturating_mul(4));
        let kernel = if self.store_kernel {
            stored_kernel_len(n, m)
        } else {
            0
        };
        sides
            .saturating_add(kernel)
            .saturating_add(chunk.saturating_mul(chunk_count(n)))
            .saturating_add(rows_workspace_len(self))
    }
}

impl<'s, T: Real> State<'s, T> {
    /// Starts from `g = 0`. Cost: a check of all inputs, and one pass over the costs.
    ///
    /// # Errors
    /// Wrong lengths, an ε or ρ that is not a positive normal number, bad costs, points
    /// or weights, an atom with mass but no permitted partner, or potentials that
    /// overflow.
    pub fn new(
        problem: &Problem<'s, T>,
        epsilon: T,
        workspace: &'s mut [T],
    ) -> Result<Self, Error> {
        check::positive(OPERATION, "epsilon", epsilon)?;
        problem.check(OPERATION)?;
        let (n, m) = (problem.n, problem.m);
        let balanced = problem.is_balanced();
        let workspace = check::workspace(OPERATION, workspace, problem.workspace_len())?;
        let mut rest = workspace;
        let mut take = |len: usize| check::take(&mut rest, len);
        let (share_a, f, next_f) = (take(n), take(n), take(n));
        let (share_b, g, next_g, masked) = (take(m), take(m), take(m), take(m));
        let chunks = chunk_count(n);
        let memory = ChunkMemory {
            columns: take(chunks * m),
            terms: take(chunks * m * GROUP),
            tiles: take(chunks * tile_len(&problem.cost, m)),
        };
        let kernel = StoredKernel::new(problem.store_kernel, n, m, &mut rest);
        let (rows, range) = CostRows::new(OPERATION, problem, rest)?;
        let a = Weights::fill(OPERATION, "a", problem.a, balanced, share_a)?;
        let b = Weights::fill(OPERATION, "b", problem.b, balanced, share_b)?;
        if range.masked {
            check_partners(OPERATION, &rows, &a, &b, masked)?;
        }
        f.fill(T::zero());
        g.fill(T::zero());
        let mut state = Self {
            rows,
            range,
            epsilon,
            rho: (problem.rho_a, problem.rho_b),
            a,
            b,
            f,
            g,
            next_f,
            next_g,
            masked,
            memory,
            kernel,
            by_kernel: false,
            omega: T::one(),
            fresh: true,
            marginal_error: T::infinity(),
            mass: T::one(),
            iterations: 0,
        };
        state.restart()?;
        Ok(state)
    }

    /// Goes on with another ε from the present column potential, from which f follows: for
    /// annealing. Cost: one pass over the costs, also with a stored kernel, which has to be
    /// that of the new ε.
    ///
    /// # Errors
    /// An ε that is not a positive normal number, or potentials that overflow.
    pub fn set_epsilon(&mut self, epsilon: T) -> Result<(), Error> {
        check::positive(OPERATION, "epsilon", epsilon)?;
        self.epsilon = epsilon;
        self.restart()
    }

    /// Goes on from a column potential that is known from elsewhere, such as the last
    /// training step's: the closer it is to the answer, the fewer iterations are left. f
    /// follows from g by the half step that makes the row sums right, so g alone is what a
    /// warm start needs. Cost: one pass over the costs.
    ///
    /// # Errors
    /// A wrong length, a NaN or infinite entry, or potentials that overflow.
    pub fn warm_start(&mut self, g: &[T]) -> Result<(), Error> {
        check::shape(OPERATION, "g", g, self.g.len())?;
        check::finite(OPERATION, "g", g)?;
        vector::copy(self.g, g);
        self.restart()
    }

    /// A state that has these potentials already: for reading the plan and gradients off
    /// it, not for going on. They are as long as the problem's sides.
    #[cfg(feature = "alloc")]
    pub(crate) fn at(
        problem: &Problem<'s, T>,
        epsilon: T,
        (f, g): (&[T], &[T]),
        workspace: &'s mut [T],
    ) -> Result<Self, Error> {
        let mut state = Self::new(problem, epsilon, workspace)?;
        check::shape(OPERATION, "f", f, state.f.len())?;
        check::shape(OPERATION, "g", g, state.g.len())?;
        state.go_back(epsilon, f, g)?;
        Ok(state)
    }

    /// Takes over both potentials, as they were at this ε, and looks ahead from them: mass and
    /// marginal error are theirs.
    pub(super) fn go_back(&mut self, epsilon: T, f: &[T], g: &[T]) -> Result<(), Error> {
        self.epsilon = epsilon;
        vector::copy(self.f, f);
        vector::copy(self.g, g);
        self.fresh = false;
        self.kernel.valid = false;
        self.look_ahead(true)
    }

    /// Looks ahead from potentials of which only g counts.
    fn restart(&mut self) -> Result<(), Error> {
        self.fresh = true;
        self.kernel.valid = false;
        check_room(self.b.share.iter().zip(self.g.iter()), "a column potential")?;
        self.look_ahead(true)?;
        // Until the first step the columns are not exact, so there is no error to report.
        self.marginal_error = T::infinity();
        Ok(())
    }

    /// One iteration; returns the marginal error after it. With a stored kernel the
    /// error is that of the kernel, whose exponents are rounded once; [`State::run`]
    /// confirms it.
    ///
    /// Both half steps take one pass over the costs: one exponential for each pair, or two
    /// multiplications with a stored kernel ([`State`] has the table). Rows and columns whose
    /// sums cannot be trusted, as in the first iterations at a small ε, are summed again
    /// relative to their largest term. No memory beside the state's.
    ///
    /// # Errors
    /// When a potential of an atom with mass leaves the range of the scalar type. The
    /// state is then of no further use.
    pub fn step(&mut self) -> Result<T, Error> {
        vector::copy(self.f, self.next_f);
        vector::copy(self.g, self.next_g);
        self.fresh = false;
        self.look_ahead(true)?;
        self.iterations = self.iterations.saturating_add(1);
        // Far from the answer the sums may overflow, and still come down later.
        Ok(self.marginal_error.min(T::max_value()))
    }

    /// Steps until the threshold or the limit of iterations, which counts from the
    /// creation of the state; then fixes the gauge `⟨a,f⟩ = ⟨b,g⟩` of a balanced problem
    /// and sums up. `options.epsilon` replaces the present ε if it differs.
    ///
    /// Cost: that of its iterations, see [`State::step`]; with a stored kernel one pass over
    /// the costs more, which confirms the result and may ask for further iterations.
    ///
    /// # Errors
    /// As [`State::step`]; also when a result does not fit the scalar type.
    pub fn run(&mut self, options: &SinkhornOptions<T>) -> Result<Outcome<T>, Error> {
        options.check(OPERATION)?;
        if options.epsilon != self.epsilon {
            self.set_epsilon(options.epsilon)?;
        }
        let pairs = self.f.len().saturating_mul(self.g.len());
        inside_pool(pairs, || self.iterate(options))?;
        self.conclude(options.threshold)
    }

    /// Fills in what took no part, fixes the gauge and sums up.
    pub(super) fn conclude(&mut self, threshold: T) -> Result<Outcome<T>, Error> {
        if self.b.some_zero {
            self.fill_zero_columns();
        }
        self.fix_gauge();
        Ok(Outcome {
            value: check::fits(OPERATION, "the dual value", self.dual_value())?,
            marginal_error: check::fits(OPERATION, "the marginal error", self.marginal_error)?,
            mass: check::fits(OPERATION, "the transported mass", self.mass)?,
            iterations: self.iterations,
            converged: self.marginal_error <= threshold,
        })
    }

    fn iterate(&mut self, options: &SinkhornOptions<T>) -> Result<(), Error> {
        loop {
            while self.iterations < options.max_iterations
                && !(self.marginal_error <= options.threshold)
            {
                self.step()?;
            }
            // What is returned comes from the costs, and so may ask for more steps.
            if !self.confirm(true, self.iterations < options.max_iterations)? {
                return Ok(());
            }
        }
    }

    /// `(f, g)`. An atom of zero weight has the potential its costs ask for, which is
    /// +∞ if it has no permitted partner.
    #[must_use]
    pub fn potentials(&self) -> (&[T], &[T]) {
        (self.f, self.g)
    }

    /// `(a, b)`, each divided by its sum.
    #[must_use]
    pub fn weights(&self) -> (&[T], &[T]) {
        (self.a.share, self.b.share)
    }

    /// `Σ_i |Σ_j P_ij − a_i|` of the present potentials; +∞ before the first step.
    #[must_use]
    pub fn marginal_error(&self) -> T {
        self.marginal_error
    }

    /// Iterations made so far.
    #[must_use]
    pub fn iterations(&self) -> usize {
        self.iterations
    }
}
