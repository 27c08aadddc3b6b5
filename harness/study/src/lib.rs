//! A study: a grid of training runs, run to the end whatever happens on the way, and the
//! report on what came of it. It knows the program by its command line and the files of
//! a run folder alone, so that a cell can be run by any machine that has the program.
//!
//! ```text
//! grid ──► ledger ──► runner (one process a cell) ──► summary ──► report
//! (cells)  (what is done)                             (mean, sd)   (tables, figures, HTML)
//! ```

pub mod cell;
mod names;
pub mod report;
pub mod study;
pub mod summary;
mod words;
