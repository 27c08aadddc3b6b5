//! ε-scaling: solving at a large ε first and lowering it to the one asked for.

use super::{CostSource, Outcome, Problem, SinkhornOptions, State};
use crate::cost::Cost;
use crate::{Error, Real, check};

/// The schedule of ε for [`solve_annealed`], which solves at a large ε first and lowers it
/// down to the one asked for (ε-scaling); [`Annealing::from_scale`] proposes one.
///
/// At ε far below the cost, Sinkhorn from zero moves each potential by about ε per
/// iteration, so it needs of the order of `max C / ε` iterations before it is near the
/// answer at all. Potentials at 2ε are within O(ε) of those at ε, so each level starts
/// near its answer, and only the last one has to reach the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Annealing<T> {
    /// The first ε; the width of the cost is a good choice.
    pub start: T,
    /// What ε is multiplied by from level to level, between 0 and 1.
    pub factor: T,
    /// Iterations at every level but the last.
    pub iterations_per_level: usize,
}

impl<T: Real> Annealing<T> {
    /// From the width of the problem's costs, halved every five iterations.
    ///
    /// The width is that of the permitted entries of a matrix. That of points is bounded:
    /// for the cosine cost by 2, for the squared Euclidean cost by the squared diagonal of
    /// the box that holds both clouds. What a solver would refuse does no harm here.
    #[must_use]
    pub fn from_scale(problem: &Problem<'_, T>) -> Self {
        let width = match problem.cost {
            CostSource::Matrix(cost) => width(cost.iter().copied()),
            CostSource::Points { cost, x, y, dim } => match cost {
                Cost::Cosine => T::of(2.0),
                Cost::SquaredEuclidean => (0..dim.min(x.len())).fold(T::zero(), |sum, k| {
                    let coordinates = x.iter().skip(k).step_by(dim);
                    let coordinates = coordinates.chain(y.iter().skip(k).step_by(dim));
                    let side = width(coordinates.copied());
                    sum + side * side
                }),
            },
        };
        Self {
            // Constant costs have no width, and any ε will do.
            start: width.max(T::min_positive_value()).min(T::max_value()),
            factor: T::of(0.5),
            iterations_per_level: 5,
        }
    }
}

/// The largest minus the smallest finite number; 0 without one.
fn width<T: Real>(numbers: impl Iterator<Item = T>) -> T {
    let none = (T::infinity(), T::neg_infinity());
    let finite = numbers.filter(|number| number.is_finite());
    let (low, high) = finite.fold(none, |(low, high), number| {
        (low.min(number), high.max(number))
    });
    (high - low).max(T::zero())
}

/// [`super::solve`] by way of a falling ε, as [`Annealing`] says; returns the state for plan
/// and gradients. `options.max_iterations` bounds the iterations of all levels together.
///
/// Cost: an iteration at any ε costs the same, and a new ε one pass over the costs more.
/// Memory: [`Problem::workspace_len`].
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
