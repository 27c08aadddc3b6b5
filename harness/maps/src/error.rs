//! What can be wrong with points, options and pictures.

/// A map or a picture that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// Two lengths that have to agree.
    #[error("{operation}: expected {expected}, got {got}")]
    Shape {
        /// What was being done.
        operation: &'static str,
        /// The length that was needed.
        expected: String,
        /// The length that was there.
        got: String,
    },
    /// A number that nothing can be computed from.
    #[error(
        "{operation}: point {row} has {value} in column {column}, expected a number of magnitude \
         below {limit:e}; an encoder that gives such features has diverged in training"
    )]
    Value {
        /// What was being done.
        operation: &'static str,
        /// The point, counted from 0.
        row: usize,
        /// The dimension, counted from 0.
        column: usize,
        /// What was found.
        value: f32,
        /// What magnitudes have to be below.
        limit: f32,
    },
    /// Too few points.
    #[error("{operation}: expected at least {least} points, got {rows}; draw more of them")]
    TooFew {
        /// What was being done.
        operation: &'static str,
        /// How many there have to be.
        least: usize,
        /// How many there are.
        rows: usize,
    },
    /// More neighbours than a small set has.
    #[error(
        "t-SNE: perplexity {perplexity} needs more than three times as many points, got {rows}; \
         take a perplexity up to {largest}, or more points"
    )]
    Perplexity {
        /// What was asked for.
        perplexity: f32,
        /// Points.
        rows: usize,
        /// The largest that these points allow.
        largest: usize,
    },
    /// An option out of its range.
    #[error("{operation}: {name} is {got}, expected {expected}")]
    Option {
        /// What was being done.
        operation: &'static str,
        /// The option.
        name: &'static str,
        /// What was asked for.
        got: String,
        /// What can be asked for.
        expected: &'static str,
    },
    /// The decomposition did not converge.
    #[error(
        "PCA: the eigenvalues of a {size} × {size} matrix did not converge; the features may \
         span too many orders of magnitude"
    )]
    Eigen {
        /// Rows of the matrix.
        size: usize,
    },
    /// No thread could be started.
    #[error("t-SNE: no thread could be started: {0}")]
    Thread(#[from] rayon::ThreadPoolBuildError),
    /// The map is not made of numbers.
    #[error(
        "t-SNE: point {row} left the plane, expected finite coordinates; take a lower learning \
         rate"
    )]
    Diverged {
        /// The first such point.
        row: usize,
    },
    /// The drawing library refused.
    #[error("the picture could not be drawn: {0}")]
    Draw(String),
    /// The picture could not be made of pixels.
    #[error("the picture could not be turned into PNG: {0}")]
    Png(String),
}
