//! ε-scaling: solving at a large ε first and halving it down to the one asked for.
//!
//! At ε far below the cost, Sinkhorn from zero moves each potential by about ε per
//! iteration, so it needs of the order of `max C / ε` iterations before it is near the
//! answer at all. Potentials at 2ε are within O(ε) of those at ε, so each level starts
//! near its answer, and only the last one has to reach the threshold.

use super::{Outcome, Problem, SinkhornOptions, State};
use crate::{Error, Real, check};

/// The schedule of ε.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Annealing<T> {
    /// The first ε; the width of the cost is a good choice.
    pub start: T,
    /// What ε is multiplied by from level to level, between 0 and 1.
    pub factor: T,
    /// Iterations at every level but the last.
    pub iterations_per_level: usize,
}

/// [`super::solve`] by way of a falling ε; returns the state for plan and gradients.
/// `options.max_iterations` bounds the iterations of all levels together.
///
/// # Errors
/// As [`super::solve`], and a schedule outside its domain.
pub fn solve_annealed<'s, T: Real>(
    problem: &Problem<'s, T>,
    options: &SinkhornOptions<T>,
    schedule: &Annealing<T>,
    workspace: &'s mut [T],
) -> Result<(State<'s, T>, Outcome<T>), Error> {
    let operation = "solve_annealed";
    options.check(operation)?;
    check::positive(operation, "start", schedule.start)?;
    check::at_least_one(
        operation,
        "iterations_per_level",
        schedule.iterations_per_level,
    )?;
    // Above 0.99 a schedule from 1e38 to 1e-38 would have more than 17,000 levels.
    if !(schedule.factor > T::zero() && schedule.factor <= T::of(0.99)) {
        let (argument, expected, got) = ("factor", "in (0, 0.99]", schedule.factor.wide());
        return Err(Error::Parameter {
            operation,
            argument,
            expected,
            got,
        });
    }
    let mut epsilon = schedule.start.max(options.epsilon);
    let mut state = State::new(problem, epsilon, workspace)?;
    while epsilon > options.epsilon {
        for _ in 0..schedule.iterations_per_level {
            if state.iterations() >= options.max_iterations {
                break;
            }
            state.step()?;
        }
        epsilon = (epsilon * schedule.factor).max(options.epsilon);
        state.set_epsilon(epsilon)?;
    }
    // The limit may be spent, but the error of the last ε is known only after a step.
    if state.iterations() >= options.max_iterations {
        state.step()?;
    }
    let outcome = state.run(options)?;
    Ok((state, outcome))
}
