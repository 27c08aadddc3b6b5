//! A finish by Newton's method where Sinkhorn, relaxed or not, converges too slowly. Method
//! and safeguard are with [`State::run_newton`]; H is that of `hessian`.

use super::State;
use super::conjugate_gradient::ImplicitOptions;
use super::hessian::{Vectors, parts, parts_mut, vectors_len};
use super::options::{Outcome, SinkhornOptions};
use crate::{Error, Real, check, vector};

const OPERATION: &str = "run_newton";
/// Plain iterations before the first Newton step.
const SETTLE: usize = 10;
/// Tolerance of the linear systems. Closer solutions save Newton steps and cost more
/// sweeps: between 0.1 and 0.001 the sum changes little.
const FORCING: f64 = 0.01;
/// Trials of a step, each a quarter of the one before.
const TRIALS: i32 = 12;

/// Workspace elements for [`State::run_newton`]: `6 (n + m)`.
#[must_use]
pub fn newton_workspace_len(n: usize, m: usize) -> usize {
    vectors_len(n, m).saturating_add(n).saturating_add(m)
}

impl<T: Real> State<'_, T> {
    /// [`State::run`], with Newton steps between plain ones: for problems on which Sinkhorn,
    /// [relaxed](State::run_relaxed) or not, converges too slowly.
    ///
    /// The dual objective has the gradient `(a exp(−f/ρ_a) − r, b exp(−g/ρ_b) − c)`, r and c
    /// the row and column sums of the plan, and the second derivative `−H/ε`, H as in
    /// [`State::implicit_gradient`]. So a Newton step is `H δ = ε · gradient`, solved by
    /// conjugate gradients to a hundredth (inexact Newton: Dembo, Eisenstat & Steihaug 1982;
    /// for transport Brauer, Clason, Lorenz & Wirth 2017). Near the optimum a step then takes
    /// off two digits, where Sinkhorn has a factor θ near 1. Nearly one-to-one plans, whose
    /// parts exchange next to no mass, are where it pays: reference problems that leave 30,000
    /// iterations with an error of 1e-5 are finished in 30 to 300 sweeps.
    ///
    /// **Safeguard.** H is positive semidefinite, so δ, even of an unfinished solve, points
    /// uphill. A step `t δ`, t = 1, ¼, …, is taken only if it raises the dual value by a part
    /// of what its slope promises, up to rounding. If no t does, plain steps go on alone for a
    /// while, and longer each time. Every Newton step is followed by a plain one, which never
    /// lowers the dual value and makes the columns exact again: what is returned means the
    /// same as after [`State::run`].
    ///
    /// Cost: a sweep over the plan for each iteration of conjugate gradients and for each
    /// trial. All count as iterations, so that `max_iterations` bounds the work as it does
    /// in a plain run. Memory: `6 (n + m)`, [`newton_workspace_len`].
    ///
    /// # Errors
    /// As [`State::run`]; also a workspace that is too short.
    pub fn run_newton(
        &mut self,
        options: &SinkhornOptions<T>,
        workspace: &mut [T],
    ) -> Result<Outcome<T>, Error> {
        options.check(OPERATION)?;
        let (n, m) = (self.f.len(), self.g.len());
        let workspace = check::workspace(OPERATION, workspace, newton_workspace_len(n, m))?;
        if options.epsilon != self.epsilon {
            self.set_epsilon(options.epsilon)?;
        }
        self.omega = T::one();
        let mut rest = workspace;
        let saved = check::take(&mut rest, n.saturating_add(m));
        let mut vectors = Vectors::new(n, m, rest);
        let mut plain = SETTLE;
        let mut pause = SETTLE;
        loop {
            while self.iterations < options.max_iterations
                && !(self.marginal_error <= options.threshold)
            {
                if plain > 0 || !self.marginal_error.is_finite() {
                    plain = plain.saturating_sub(1);
                } else if self.newton_step(options.max_iterations, &mut vectors, saved)? {
                    pause = SETTLE;
                } else {
                    plain = pause;
                    pause = pause.saturating_mul(2);
                }
                self.step()?;
            }
            // As in a plain run, what is returned comes from the costs.
            if !self.confirm(true, self.iterations < options.max_iterations)? {
                break;
            }
        }
        self.conclude(options.threshold)
    }

    /// Moves to better potentials and says whether it found some; looks ahead from where
    /// it ends.
    fn newton_step(
        &mut self,
        max_iterations: usize,
        vectors: &mut Vectors<'_, T>,
        saved: &mut [T],
    ) -> Result<bool, Error> {
        let n = self.f.len();
        let constants = self.constants();
        let dual = self.dual_value_with_mass();
        let options = ImplicitOptions {
            tolerance: T::of(FORCING),
            max_iterations: max_iterations.saturating_sub(self.iterations),
        };
        let (plan, mut stream) = self.coupling();
        vectors.gradient(&plan, &mut stream, &constants);
        // ⟨gradient, δ⟩ has to be known after the solve, which overwrites the gradient.
        let [gradient, _] = vectors.sides();
        let (of_f, of_g) = parts_mut(saved, n);
        vector::copy(of_f, gradient.0);
        vector::copy(of_g, gradient.1);
        let iterations = match vectors.solve(&plan, &mut stream, &constants, &options) {
            Ok(solve) => solve.iterations,
            Err(stalled) => stalled.iterations,
        };
        self.iterations = self.iterations.saturating_add(iterations);
        vector::scale(vectors.solution, self.epsilon);
        let promise = vector::dot(saved, vectors.solution);
        if !(promise > T::zero() && promise.is_finite()) {
            return Ok(false);
        }
        let (of_f, of_g) = parts_mut(saved, n);
        vector::copy(of_f, self.f);
        vector::copy(of_g, self.g);
        // As in `relaxation`.
        let slack = T::of(256.0) * T::epsilon() * dual.abs();
        for trial in 0..TRIALS {
            let t = T::of(0.25).powi(trial);
            let (to_f, to_g) = parts(vectors.solution, n);
            self.move_from(saved, Some((t, to_f, to_g)));
            self.iterations = self.iterations.saturating_add(1);
            if self.look_ahead(true).is_ok() {
                let risen = self.dual_value_with_mass() - dual;
                if risen >= T::of(1e-4) * t * promise - slack {
                    return Ok(true);
                }
            }
            if self.iterations >= max_iterations {
                break;
            }
        }
        self.move_from(saved, None);
        self.look_ahead(true)?;
        Ok(false)
    }

    /// Sets the potentials to those saved, moved by `t δ`.
    fn move_from(&mut self, saved: &[T], by: Option<(T, &[T], &[T])>) {
        let (f, g) = parts(saved, self.f.len());
        vector::copy(self.f, f);
        vector::copy(self.g, g);
        if let Some((t, to_f, to_g)) = by {
            vector::add_scaled(self.f, t, to_f);
            vector::add_scaled(self.g, t, to_g);
        }
    }
}
