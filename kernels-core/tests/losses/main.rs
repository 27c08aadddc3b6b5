//! The batch losses, softmax and the collapse diagnostics: against definitions written out,
//! central differences, closed forms, invariances, and input that must be refused.

// A helper's failed expectation is a failed test.
#![allow(clippy::expect_used)]

mod barlow_twins;
mod byol;
mod common;
mod diagnostics;
mod eigen;
mod magnitudes;
mod messages;
mod refusals;
mod softmax;
mod swav;
mod vicreg;
