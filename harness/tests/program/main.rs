//! The program, as a user runs it: one test binary, since each links all of burn.

mod formats;
mod resume;
mod support;
mod train;
mod usage;
