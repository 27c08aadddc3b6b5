//! The folder of a run, and everything in it that has to survive a kill, a full
//! disk or a power cut:
//!
//! ```text
//! RUN/
//!   config.toml           what the run is               [`dir`]
//!   metrics.jsonl         a line of JSON per step       [`metrics`], [`record`]
//!   tensorboard/          the same for TensorBoard      [`tensorboard`]
//!   checkpoints/          the newest two states         [`checkpoint`], [`container`]
//!   encoder.safetensors   the result                    (written by `train`)
//!   result.json, *.svg    what it came to
//!   features/             representations                (kept by `eval`, `embed`)
//!   eval-*.json           what a probe made of them
//!   .lock                 held by the process that trains
//! ```
//!
//! Every file is replaced as a whole ([`atomic`]), so that a reader sees the old one or
//! the new one; but `metrics.jsonl` grows by whole lines, event files by whole records.

pub mod atomic;
pub mod checkpoint;
pub mod container;
pub mod digest;
pub mod dir;
pub mod error;
pub mod interrupt;
pub mod metrics;
pub mod progress;
pub mod record;
pub mod tensorboard;

#[cfg(test)]
mod tests;

pub use checkpoint::Checkpoint;
pub use dir::{RunDir, RunLock};
pub use error::RunError;
