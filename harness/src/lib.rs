//! The harness: trains an image encoder without labels by the losses of
//! `kernels-core`, and judges what it learnt.
//!
//! Data flow one way:
//!
//! ```text
//! harness-images (files ─► bytes ─► views)
//!        │
//!        ▼
//!      train ◄──► model ─► loss (kernels-core, kernels-cuda)
//!        │
//!        ▼
//! harness-run (folder, checkpoints, metrics) ──► eval (probes) ──► harness-plot, harness-maps
//!        │
//!        ▼
//! harness-study (many runs, each a process; report)
//! ```
//!
//! Feature `cuda` has the loss on the GPU, beside the network (kernels-cuda).

#![cfg_attr(
    feature = "torch",
    allow(
        deprecated,
        reason = "burn 0.22 deprecates its LibTorch backend and has no successor on a CPU"
    )
)]

pub mod backend;
pub mod cli;
pub mod command;
pub mod config;
pub mod error;
pub mod eval;
pub mod export;
pub mod layers;
#[cfg(feature = "torch")]
mod libtorch;
pub mod loss;
pub mod model;
pub mod train;

pub use harness_images::{augment, data};
pub use harness_plot as plot;
pub use harness_run as run;
pub use harness_run::progress;
