//! What comes out of a batch of problems: outcomes always, the rest where it is asked for;
//! or the first problem that was refused.

use core::fmt;

use super::Outcome;
use crate::{Error, Real, check};

/// Where the results of [`super::solve_batch`] go: of all B problems, one after the other.
#[derive(Debug)]
pub struct BatchOutputs<'o, T> {
    /// B outcomes: values, marginal errors, iterations, whether each converged.
    pub outcomes: &'o mut [Outcome<T>],
    /// B × n potentials of the rows.
    pub f: Option<&'o mut [T]>,
    /// B × m potentials of the columns.
    pub g: Option<&'o mut [T]>,
    /// B × n × m plans, each also the gradient of its value with respect to the costs.
    pub plans: Option<&'o mut [T]>,
    /// B × n × d envelope gradients with respect to x; both gradients or none.
    pub grad_x: Option<&'o mut [T]>,
    /// B × m × d envelope gradients with respect to y.
    pub grad_y: Option<&'o mut [T]>,
}

/// Why a batch was refused, and which problem was the reason.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchError {
    /// The first problem that could not be solved; `None` if the call itself was wrong.
    pub problem: Option<usize>,
    /// What is wrong with it.
    pub error: Error,
}

impl fmt::Display for BatchError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem {
            None => self.error.fmt(out),
            Some(problem) => write!(out, "problem {problem} of the batch: {}", self.error),
        }
    }
}

impl core::error::Error for BatchError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<Error> for BatchError {
    fn from(error: Error) -> Self {
        Self {
            problem: None,
            error,
        }
    }
}

/// Number and sizes of the problems; `dim` of points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) count: usize,
    pub(super) n: usize,
    pub(super) m: usize,
    pub(super) dim: Option<usize>,
}

impl<'o, T: Real> BatchOutputs<'o, T> {
    /// Outcomes alone.
    #[must_use]
    pub fn new(outcomes: &'o mut [Outcome<T>]) -> Self {
        Self {
            outcomes,
            f: None,
            g: None,
            plans: None,
            grad_x: None,
            grad_y: None,
        }
    }

    /// Also the potentials.
    #[must_use]
    pub fn with_potentials(self, f: &'o mut [T], g: &'o mut [T]) -> Self {
        let (f, g) = (Some(f), Some(g));
        Self { f, g, ..self }
    }

    /// Also the plans.
    #[must_use]
    pub fn with_plans(self, plans: &'o mut [T]) -> Self {
        let plans = Some(plans);
        Self { plans, ..self }
    }

    /// Also the gradients with respect to the points.
    #[must_use]
    pub fn with_gradients(self, grad_x: &'o mut [T], grad_y: &'o mut [T]) -> Self {
        let (grad_x, grad_y) = (Some(grad_x), Some(grad_y));
        Self {
            grad_x,
            grad_y,
            ..self
        }
    }

    /// Every output that is there has its length.
    pub(super) fn check(&self, operation: &'static str, shape: &Shape) -> Result<(), Error> {
        let &Shape { count, n, m, dim } = shape;
        check::shape(operation, "outcomes", self.outcomes, count)?;
        let points = |len: usize| len.saturating_mul(dim.unwrap_or(0));
        let outputs = [
            ("f", &self.f, n),
            ("g", &self.g, m),
            ("plans", &self.plans, n.saturating_mul(m)),
            ("grad_x", &self.grad_x, points(n)),
            ("grad_y", &self.grad_y, points(m)),
        ];
        for (argument, output, len) in outputs {
            if let Some(output) = output {
                check::shape(operation, argument, output, len.saturating_mul(count))?;
            }
        }
        if dim.is_none() && (self.grad_x.is_some() || self.grad_y.is_some()) {
            return Err(refused(
                operation,
                "with a cost matrix: none (ask for plans)",
            ));
        }
        if self.grad_x.is_some() != self.grad_y.is_some() {
            return Err(refused(operation, "both `grad_x` and `grad_y`, or neither"));
        }
        Ok(())
    }

    /// Takes the outputs of the first `count` problems off, or of those that are left.
    pub(super) fn split_off(&mut self, count: usize, shape: &Shape) -> Self {
        let len = |len: usize| len.saturating_mul(count);
        let points = |rows: usize| len(rows).saturating_mul(shape.dim.unwrap_or(0));
        Self {
            outcomes: check::take(&mut self.outcomes, count),
            f: take_some(&mut self.f, len(shape.n)),
            g: take_some(&mut self.g, len(shape.m)),
            plans: take_some(&mut self.plans, len(shape.n).saturating_mul(shape.m)),
            grad_x: take_some(&mut self.grad_x, points(shape.n)),
            grad_y: take_some(&mut self.grad_y, points(shape.m)),
        }
    }
}

fn refused(operation: &'static str, expected: &'static str) -> Error {
    Error::Size {
        operation,
        argument: "the number of gradients",
        expected,
        got: 1,
    }
}

fn take_some<'o, T>(rest: &mut Option<&'o mut [T]>, len: usize) -> Option<&'o mut [T]> {
    rest.as_mut().map(|rest| check::take(rest, len))
}
