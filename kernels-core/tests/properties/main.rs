//! Laws the kernels obey, on random problems, against independent and simpler
//! computations. A failing case is printed by proptest with its input.

// A helper's failed expectation is a failed test.
#![allow(clippy::expect_used, clippy::neg_cmp_op_on_partial_ord)]

mod batch;
mod common;
mod contrast;
mod cost;
mod differentiation;
mod divergence;
mod exact;
mod extremes;
mod gradients;
mod guards;
mod monoid;
mod newton;
mod ot_options;
mod plans;
mod points;
mod recording;
mod refusals;
mod robust;
mod sin_sim;
mod stored;
mod sweeps;
mod transport;
mod variants;
