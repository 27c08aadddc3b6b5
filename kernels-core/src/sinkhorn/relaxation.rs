//! Over-relaxation: longer steps where plain ones converge slowly. How ω is found, and what
//! guards the steps, is with [`State::run_relaxed`].

use super::State;
use super::options::{Outcome, SinkhornOptions};
use crate::parallel::inside_pool;
use crate::{Error, Real};

/// Plain iterations before θ is measured.
const SETTLE: usize = 10;
/// Iterations over which it is measured.
const WINDOW: usize = 8;
/// Relaxed iterations after which it is measured again, the first time; then twice as
/// many, and so on.
const REVIEW: usize = 400;

impl<T: Real> State<'_, T> {
    /// [`State::run`] with over-relaxation. Needs fewer iterations where convergence is
    /// slow, and about as many elsewhere; every iteration costs the same.
    ///
    /// Near the optimum the error shrinks by a constant factor θ in each iteration. Steps
    /// `f + ω (f' − f)` make that `ω − 1` at best, for `ω = 2/(1 + √(1 − θ))` (successive
    /// over-relaxation; Thibault et al. 2021, Lehmann et al. 2022): where θ = 0.9999 took
    /// 100,000 iterations, 500 do. Nearly one-to-one plans, whose parts exchange next to no
    /// mass, are such problems.
    ///
    /// θ is measured on plain iterations. Far from the optimum long steps may do harm, so
    /// every step has to raise the dual value, which plain steps always do; one that does
    /// not is followed by plain steps and a new measurement. While ω ≠ 1 neither marginal is
    /// exact, so convergence is only ever declared after plain steps. No memory beside the
    /// state's.
    ///
    /// # Errors
    /// As [`State::run`].
    pub fn run_relaxed(&mut self, options: &SinkhornOptions<T>) -> Result<Outcome<T>, Error> {
        options.check("sinkhorn")?;
        let pairs = self.f.len().saturating_mul(self.g.len());
        inside_pool(pairs, || self.search(options))?;
        self.omega = T::one();
        self.run(options)
    }

    fn search(&mut self, options: &SinkhornOptions<T>) -> Result<(), Error> {
        let mut search = Search::new();
        while self.iterations < options.max_iterations {
            let error = self.step()?;
            let dual = self.dual_value_with_mass();
            if error <= options.threshold {
                if self.plain() && search.plain_steps > 0 {
                    break;
                }
                search.restart();
            }
            let omega = search.next(error, dual);
            // What the last step takes over has to come from a plain look-ahead, whose
            // columns are exact.
            let ending = self.iterations.saturating_add(2) >= options.max_iterations;
            self.omega = if ending { T::one() } else { omega };
        }
        Ok(())
    }

    fn plain(&self) -> bool {
        self.omega == T::one()
    }
}

/// The choice of ω.
struct Search<T> {
    /// Plain steps since the last relaxed one.
    plain_steps: usize,
    relaxed_steps: usize,
    /// Relaxed steps until the next measurement.
    review: usize,
    /// The error `WINDOW` plain iterations ago.
    error_before: T,
    dual: T,
    omega: T,
}

impl<T: Real> Search<T> {
    fn new() -> Self {
        Self {
            plain_steps: 0,
            relaxed_steps: 0,
            review: REVIEW,
            error_before: T::infinity(),
            dual: T::neg_infinity(),
            omega: T::one(),
        }
    }

    /// Back to plain steps.
    fn restart(&mut self) {
        self.plain_steps = 0;
        self.relaxed_steps = 0;
        self.omega = T::one();
    }

    /// ω for the iteration after next, given where the last one led.
    fn next(&mut self, error: T, dual: T) -> T {
        // Rounding may lower the dual value a little at the end; a step that does harm
        // lowers it by more.
        let slack = T::of(256.0) * T::epsilon() * dual.abs();
        let risen = dual >= self.dual - slack;
        self.dual = dual;
        if self.omega != T::one() {
            self.relaxed_steps += 1;
            if !risen {
                self.restart();
            } else if self.relaxed_steps >= self.review {
                self.review = self.review.saturating_mul(2);
                self.restart();
            }
            return self.omega;
        }
        self.plain_steps += 1;
        if self.plain_steps == SETTLE {
            self.error_before = error;
        }
        if self.plain_steps == SETTLE + WINDOW {
            let ratio = error / self.error_before;
            let theta = ratio.powf(T::count(WINDOW).recip());
            // Slower than a factor of 2 in an iteration, and converging at all.
            if theta > T::of(0.5) && theta < T::one() {
                self.omega = T::of(2.0) / (T::one() + (T::one() - theta).sqrt());
                self.relaxed_steps = 0;
            } else {
                self.restart();
            }
        }
        self.omega
    }
}
