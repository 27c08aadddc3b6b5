//! Laws the kernels obey, on random problems, against independent and simpler
//! computations. A failing case is printed by proptest with its input.

mod common;
mod contrast;
mod cost;
mod exact;
mod gradients;
mod monoid;
mod refusals;
mod sin_sim;
mod transport;
