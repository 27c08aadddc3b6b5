//! One error type for every kernel: it says which operation refused, what it
//! expected and what it got. Values are kept as `f64` so that the type does not
//! depend on the scalar.

use core::fmt;

/// Why a kernel refused its input or could not represent its result.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// A slice has the wrong number of elements.
    Shape {
        /// What refused: the function that was called, or what it does (`sinkhorn`).
        operation: &'static str,
        /// The slice, by the name of the parameter.
        argument: &'static str,
        /// Elements the other arguments ask for (`usize::MAX` if that overflows).
        expected: usize,
        /// Elements it has.
        got: usize,
    },
    /// The workspace is too short. A longer one than needed is accepted.
    Workspace {
        /// What refused: the function that was called, or what it does (`sinkhorn`).
        operation: &'static str,
        /// Fewest elements that suffice.
        expected: usize,
        /// Elements it has.
        got: usize,
    },
    /// The heap has no room for a result or a workspace (feature `alloc`).
    Memory {
        /// What refused: the function that was called, or what it does (`sinkhorn`).
        operation: &'static str,
        /// Elements that were asked for (`usize::MAX` if that overflows).
        expected: usize,
    },
    /// A problem is given by its costs where points are needed.
    NeedsPoints {
        /// What refused: the function that was called, or what it does (`sinkhorn`).
        operation: &'static str,
        /// What the points are for.
        purpose: &'static str,
    },
    /// A size (rows, dimensions, iterations) is outside its domain.
    Size {
        /// What refused: the function that was called, or what it does (`sinkhorn`).
        operation: &'static str,
        /// The parameter.
        argument: &'static str,
        /// Its domain, in words.
        expected: &'static str,
        /// Its value.
        got: usize,
    },
    /// A scalar parameter is outside its domain.
    Parameter {
        /// What refused: the function that was called, or what it does (`sinkhorn`).
        operation: &'static str,
        /// The parameter.
        argument: &'static str,
        /// Its domain, in words.
        expected: &'static str,
        /// Its value.
        got: f64,
    },
    /// An element of a slice is outside its domain (NaN, infinite, negative).
    Element {
        /// What refused: the function that was called, or what it does (`sinkhorn`).
        operation: &'static str,
        /// The slice, by the name of the parameter.
        argument: &'static str,
        /// What an element may be, in words.
        expected: &'static str,
        /// Where the first offending element stands.
        index: usize,
        /// Its value.
        got: f64,
    },
    /// A row that has to be normalised has no direction: its norm is zero or below
    /// the smallest normal number.
    ZeroNorm {
        /// What refused: the function that was called, or what it does (`sinkhorn`).
        operation: &'static str,
        /// The matrix, by the name of the parameter.
        argument: &'static str,
        /// The row.
        row: usize,
    },
    /// A column that has to be divided by its standard deviation is constant.
    ZeroVariance {
        /// What refused: the function that was called, or what it does (`sinkhorn`).
        operation: &'static str,
        /// The matrix, by the name of the parameter.
        argument: &'static str,
        /// The column.
        column: usize,
    },
    /// An iteration reached its limit before its error met the tolerance.
    NotConverged {
        /// What refused: the function that was called, or what it does (`sinkhorn`).
        operation: &'static str,
        /// Iterations that were made.
        iterations: usize,
        /// The tolerance.
        expected: f64,
        /// The error that is left.
        got: f64,
    },
    /// No plan exists: an atom with mass has no permitted partner with mass.
    Infeasible {
        /// What refused: the function that was called, or what it does (`sinkhorn`).
        operation: &'static str,
        /// `"row"` or `"column"`.
        side: &'static str,
        /// Which row or column.
        index: usize,
    },
    /// The input is legal but a result does not fit the scalar type.
    Overflow {
        /// What refused: the function that was called, or what it does (`sinkhorn`).
        operation: &'static str,
        /// What became infinite or NaN.
        quantity: &'static str,
        /// The value it took.
        got: f64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Shape {
                operation,
                argument,
                expected,
                got,
            } => {
                write!(
                    out,
                    "{operation}: `{argument}` must have {expected} elements, got {got}"
                )
            }
            Self::Workspace {
                operation,
                expected,
                got,
            } => write!(
                out,
                "{operation}: the workspace must have at least {expected} elements, got {got}; \
                 ask the matching *_workspace_len function"
            ),
            Self::Memory {
                operation,
                expected,
            } => write!(
                out,
                "{operation}: {expected} elements must fit into memory; use a smaller problem"
            ),
            Self::NeedsPoints { operation, purpose } => write!(
                out,
                "{operation}: `problem.cost` must be CostSource::Points ({purpose}), got a matrix"
            ),
            Self::Size {
                operation,
                argument,
                expected,
                got,
            } => {
                write!(
                    out,
                    "{operation}: `{argument}` must be {expected}, got {got}"
                )
            }
            Self::Parameter {
                operation,
                argument,
                expected,
                got,
            } => {
                write!(
                    out,
                    "{operation}: `{argument}` must be {expected}, got {got}"
                )
            }
            Self::Element {
                operation,
                argument,
                expected,
                index,
                got,
            } => {
                write!(
                    out,
                    "{operation}: `{argument}[{index}]` must be {expected}, got {got}"
                )
            }
            Self::ZeroNorm {
                operation,
                argument,
                row,
            } => write!(
                out,
                "{operation}: row {row} of `{argument}` must have a direction, got a norm of \
                 (nearly) zero"
            ),
            Self::ZeroVariance {
                operation,
                argument,
                column,
            } => write!(
                out,
                "{operation}: column {column} of `{argument}` must vary, got a standard deviation \
                 of (nearly) zero; a positive epsilon allows it"
            ),
            Self::NotConverged {
                operation,
                iterations,
                expected,
                got,
            } => write!(
                out,
                "{operation}: the error after {iterations} iterations must be at most {expected:e}, \
                 got {got:e}; allow more iterations"
            ),
            Self::Infeasible {
                operation,
                side,
                index,
            } => write!(
                out,
                "{operation}: {side} {index} must have a permitted partner of positive weight, \
                 got only forbidden pairs or zero weights"
            ),
            Self::Overflow {
                operation,
                quantity,
                got,
            } => write!(
                out,
                "{operation}: {quantity} must be finite with room to spare, got {got}; rescale the \
                 input or use f64"
            ),
        }
    }
}

impl core::error::Error for Error {}
