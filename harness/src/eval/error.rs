//! Why an encoder cannot be judged, in the words that the user reads.

use std::path::PathBuf;

/// A run, an encoder or representations that no probe can be fitted on.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The run has not come to its end.
    #[error(
        "{} has no encoder.safetensors: expected a finished run; \
         finish it with `harness train --resume --out {}`", run.display(), run.display()
    )]
    NoEncoder {
        /// The run folder.
        run: PathBuf,
    },
    /// The file's tensors are not those of the network that `config.toml` names.
    #[error("{}: {reason}", file.display())]
    Encoder {
        /// The file.
        file: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// `encoder.safetensors` and `config.toml` tell of different runs.
    #[error(
        "{}: {what} is expected to be {expected}, as config.toml says, got {got}; \
         the file was copied from another run: copy it together with its config.toml",
        file.display()
    )]
    Foreign {
        /// The file.
        file: PathBuf,
        /// Which of its statements.
        what: &'static str,
        /// What `config.toml` says.
        expected: String,
        /// What the file says.
        got: String,
    },
    /// Images that the encoder has no weights for.
    #[error(
        "the encoder takes images of {expected} channels, those of {dataset} have {got}; \
         the run was trained on another data set"
    )]
    Channels {
        /// The data set's name.
        dataset: &'static str,
        /// What the encoder takes.
        expected: usize,
        /// What the images have.
        got: usize,
    },
    /// A representation with NaN or infinity in it.
    #[error(
        "the representation of {set} image {image} is not finite: the encoder has diverged; \
         train again with a lower --lr"
    )]
    NotFinite {
        /// `train` or `test`.
        set: &'static str,
        /// The image, counted from 0.
        image: usize,
    },
}
