//! What can be wrong with a request for views.

/// Why no view could be made.
#[derive(Debug, thiserror::Error)]
pub enum AugmentError {
    /// A constant of [`AugmentConfig`](super::AugmentConfig) that makes no sense.
    #[error("augment.{field}: expected {expected}, got {got}")]
    Config {
        /// The field, as it is called in the configuration file.
        field: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        got: String,
    },
    /// Neither grey nor RGB.
    #[error("views are made from images of 1 or 3 channels, got {got}")]
    Channels {
        /// Channels of the image.
        got: usize,
    },
    /// An image whose pixels do not fill its shape, or fill none.
    #[error(
        "an image of {channels}×{height}×{width} (none of them 0) needs as many pixels, got {got}"
    )]
    Pixels {
        /// Channels claimed.
        channels: usize,
        /// Rows claimed.
        height: usize,
        /// Columns claimed.
        width: usize,
        /// Bytes present.
        got: usize,
    },
    /// A buffer that the result does not fit exactly.
    #[error("the output buffer needs {expected} values (channels × size × size), got {got}")]
    Output {
        /// Values of the result.
        expected: usize,
        /// Values of the buffer.
        got: usize,
    },
    /// Mean or standard deviation that cannot be used.
    #[error("normalization: expected {expected}, got {got}")]
    Normalize {
        /// What it may be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// Options of the loader that do not fit together.
    #[error("view loader: {what} must be {expected}, got {got}")]
    Loader {
        /// The option.
        what: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// The resizing library refused; the checks before it should have.
    #[error("crop and resize of a {width}×{height} image failed: {message}")]
    Resize {
        /// Columns of the image.
        width: usize,
        /// Rows of the image.
        height: usize,
        /// The library's words.
        message: String,
    },
    /// The system gave no thread.
    #[error("view loader: could not start worker thread {worker}; try fewer threads: {source}")]
    Spawn {
        /// Number of the thread.
        worker: usize,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A defect in the code that makes views, carried to the consumer.
    #[error("view loader: the worker of batch {batch} panicked: {message}")]
    Worker {
        /// The batch that is lost.
        batch: usize,
        /// What the panic said.
        message: String,
    },
}
