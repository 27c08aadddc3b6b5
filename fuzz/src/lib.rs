//! What each fuzz target tries and what has to hold: an [`Input`](sinkhorn::Input) made
//! of arbitrary bytes, and a `check` that panics when a kernel breaks its word.
//!
//! The programs in `fuzz_targets/` hand them to libFuzzer; `tests/corpus.rs` replays
//! the inputs that were found, on any compiler.

// `!(error <= tolerance)` is how a comparison lets NaN fail.
#![allow(clippy::neg_cmp_op_on_partial_ord)]

pub mod api;
pub mod log_sum_exp;
pub mod nt_xent;
pub mod number;
pub mod sinkhorn;
