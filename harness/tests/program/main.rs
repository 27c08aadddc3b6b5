//! The program, as a user runs it: one test binary, since each links all of burn.

// A helper's failed expectation is a failed test.
#![allow(clippy::unwrap_used, clippy::panic)]

mod agreement;
mod eval;
mod export;
mod formats;
mod resume;
mod support;
mod train;
mod usage;
