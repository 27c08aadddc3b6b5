//! The iteration as an explicit state with a `step`.
//!
//! Between steps this holds: `next_f` is the row potential that g asks for. A step
//! takes it over, updates g, and looks one half step ahead again:
//!
//! `f ← next_f`, `g ← columns(f)`, `next_f ← rows(g)`.
//!
//! The look-ahead costs nothing, since the next step would compute it anyway, and it
//! yields the row sums of the plan of the *current* (f, g): the marginal error that is
//! reported belongs to the potentials that are returned.

use super::options::{Outcome, SinkhornOptions};
use super::problem::{CostRange, Problem, fill_weights};
use super::sinkhorn_workspace_len;
use super::soft_min::{self, Direct, NearOne, Series, SoftMin};
use crate::{Error, Real, check, vector};

const OPERATION: &str = "sinkhorn";

/// Potentials of a problem at some iteration. The plan is
/// `P_ij = a_i b_j exp((f_i + g_j − C_ij)/ε)`.
#[derive(Debug)]
pub struct State<'s, T> {
    pub(super) cost: &'s [T],
    range: CostRange<T>,
    pub(super) epsilon: T,
    pub(super) a: &'s mut [T],
    pub(super) b: &'s mut [T],
    pub(super) f: &'s mut [T],
    pub(super) g: &'s mut [T],
    next_f: &'s mut [T],
    /// f or g with −∞ at zero weights.
    masked: &'s mut [T],
    /// One number for each column, free between half steps.
    scratch: &'s mut [T],
    marginal_error: T,
    iterations: usize,
}

impl<'s, T: Real> State<'s, T> {
    /// Starts from `g = 0`.
    ///
    /// # Errors
    /// Wrong lengths, an ε that is not a positive normal number, bad costs or weights,
    /// an atom with mass but no permitted partner, or potentials that overflow.
    pub fn new(
        problem: &Problem<'s, T>,
        epsilon: T,
        workspace: &'s mut [T],
    ) -> Result<Self, Error> {
        check::positive(OPERATION, "epsilon", epsilon)?;
        let range = problem.check(OPERATION)?;
        let (n, m) = (problem.n, problem.m);
        let workspace = check::workspace(OPERATION, workspace, sinkhorn_workspace_len(n, m))?;
        let (a, rest) = workspace.split_at_mut(n);
        let (f, rest) = rest.split_at_mut(n);
        let (next_f, rest) = rest.split_at_mut(n);
        let (b, rest) = rest.split_at_mut(m);
        let (g, rest) = rest.split_at_mut(m);
        let (scratch, masked) = rest.split_at_mut(m);
        fill_weights(OPERATION, "a", problem.a, a)?;
        fill_weights(OPERATION, "b", problem.b, b)?;
        problem.check_partners(OPERATION, a, b, scratch)?;
        f.fill(T::zero());
        g.fill(T::zero());
        let mut state = Self {
            cost: problem.cost,
            range,
            epsilon,
            a,
            b,
            f,
            g,
            next_f,
            masked,
            scratch,
            marginal_error: T::infinity(),
            iterations: 0,
        };
        state.look_ahead()?;
        // Until the first step the columns are not exact, so there is no error to report.
        state.marginal_error = T::infinity();
        Ok(state)
    }

    /// Goes on with another ε from the present potentials: for annealing.
    ///
    /// # Errors
    /// An ε that is not a positive normal number, or potentials that overflow.
    pub fn set_epsilon(&mut self, epsilon: T) -> Result<(), Error> {
        check::positive(OPERATION, "epsilon", epsilon)?;
        self.epsilon = epsilon;
        self.look_ahead()?;
        self.marginal_error = T::infinity();
        Ok(())
    }

    /// One iteration; returns the marginal error after it.
    ///
    /// # Errors
    /// When a potential of an atom with mass leaves the range of the scalar type. The
    /// state is then of no further use.
    pub fn step(&mut self) -> Result<T, Error> {
        self.f.copy_from_slice(self.next_f);
        if self.near_one() {
            self.update_columns::<NearOne>();
        } else {
            self.update_columns::<Direct>();
        }
        self.look_ahead()?;
        self.iterations = self.iterations.saturating_add(1);
        Ok(self.marginal_error)
    }

    /// Steps until the threshold or the limit of iterations, which counts from the
    /// creation of the state; then fixes the gauge `⟨a,f⟩ = ⟨b,g⟩` and sums up.
    /// `options.epsilon` replaces the present ε if it differs.
    ///
    /// # Errors
    /// As [`State::step`]; also when a result does not fit the scalar type.
    pub fn run(&mut self, options: &SinkhornOptions<T>) -> Result<Outcome<T>, Error> {
        options.check(OPERATION)?;
        if options.epsilon != self.epsilon {
            self.set_epsilon(options.epsilon)?;
        }
        while self.iterations < options.max_iterations
            && !(self.marginal_error <= options.threshold)
        {
            self.step()?;
        }
        self.fix_gauge();
        let value = weighted_sum(self.a, self.f) + weighted_sum(self.b, self.g);
        Ok(Outcome {
            value: check::fits(OPERATION, "the dual value", value)?,
            transport_cost: check::fits(OPERATION, "the transport cost", self.transport_cost())?,
            marginal_error: check::fits(OPERATION, "the marginal error", self.marginal_error)?,
            iterations: self.iterations,
            converged: self.marginal_error <= options.threshold,
        })
    }

    /// `(f, g)`. An atom of zero weight has the potential its costs ask for, which is
    /// +∞ if it has no permitted partner.
    #[must_use]
    pub fn potentials(&self) -> (&[T], &[T]) {
        (self.f, self.g)
    }

    /// `(a, b)`, normalised.
    #[must_use]
    pub fn weights(&self) -> (&[T], &[T]) {
        (self.a, self.b)
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

    /// Borrows the room for one number for each column, whose content does not matter;
    /// to be given back by [`State::return_scratch`].
    pub(super) fn take_scratch(&mut self) -> &'s mut [T] {
        core::mem::take(&mut self.scratch)
    }

    pub(super) fn return_scratch(&mut self, scratch: &'s mut [T]) {
        self.scratch = scratch;
    }

    fn near_one(&self) -> bool {
        !self.range.masked && self.range.width < self.epsilon
    }

    fn update_columns<S: Series<T>>(&mut self) {
        let masked = mask(self.a, self.f, self.masked);
        soft_min::columns::<T, S>(
            self.cost,
            masked,
            self.a,
            self.epsilon,
            self.g,
            self.scratch,
        );
    }

    /// Recomputes `next_f` and the marginal error of the present (f, g).
    fn look_ahead(&mut self) -> Result<(), Error> {
        if self.near_one() {
            self.update_rows::<NearOne>()?;
        } else {
            self.update_rows::<Direct>()?;
        }
        let columns = self.b.iter().zip(self.g.iter());
        check_room(columns, "a column potential")
    }

    fn update_rows<S: Series<T>>(&mut self) -> Result<(), Error> {
        let masked = mask(self.b, self.g, self.masked);
        let rate = self.epsilon.recip();
        let mut error = T::zero();
        let rows = self
            .cost
            .chunks_exact(self.b.len())
            .zip(self.next_f.iter_mut());
        for ((row, next), (&a, f)) in rows.zip(self.a.iter().zip(self.f.iter_mut())) {
            let soft_min: SoftMin<T> = soft_min::row::<T, S>(row, masked, self.b, rate);
            *next = soft_min.potential(self.epsilon);
            if a > T::zero() {
                error += a * soft_min.relative_excess(*f, rate).abs();
            } else {
                // Without mass it acts on nothing, so it need not lag behind g.
                *f = *next;
            }
        }
        self.marginal_error = error;
        check_room(self.a.iter().zip(self.next_f.iter()), "a row potential")
    }

    /// Shifts mass-free: P, and so every later iterate, depends on f ⊕ g alone.
    fn fix_gauge(&mut self) {
        let shift = (weighted_sum(self.b, self.g) - weighted_sum(self.a, self.f)) * T::of(0.5);
        for f in self.f.iter_mut().chain(self.next_f.iter_mut()) {
            *f += shift;
        }
        for g in self.g.iter_mut() {
            *g -= shift;
        }
    }
}

/// `⟨w, p⟩`, where a potential without weight does not count even if it is infinite.
fn weighted_sum<T: Real>(weights: &[T], potentials: &[T]) -> T {
    let term = |w: T, p: T| if w > T::zero() { w * p } else { T::zero() };
    vector::reduce(weights, potentials, term)
}

/// Copies potentials, −∞ where the weight is zero.
fn mask<'m, T: Real>(weights: &[T], potentials: &[T], out: &'m mut [T]) -> &'m [T] {
    let (out, _) = out.split_at_mut(weights.len());
    for ((slot, &w), &p) in out.iter_mut().zip(weights).zip(potentials) {
        *slot = if w > T::zero() { p } else { T::neg_infinity() };
    }
    out
}

/// The half steps add and subtract two potentials and two costs: near the largest
/// number an exponent would overflow to −∞ and its term be lost without a word.
fn check_room<'v, T: Real>(
    pairs: impl Iterator<Item = (&'v T, &'v T)>,
    quantity: &'static str,
) -> Result<(), Error> {
    for (&weight, &potential) in pairs {
        // NaN fails.
        if weight > T::zero() && !(potential.abs() <= check::room()) {
            return Err(Error::Overflow {
                operation: OPERATION,
                quantity,
                got: potential.wide(),
            });
        }
    }
    Ok(())
}
