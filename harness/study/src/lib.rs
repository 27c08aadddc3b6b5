//! A study: a grid of training runs, run to the end whatever happens on the way, and the
//! report on what came of it. It knows the program by its command line and the files of
//! a run folder alone, so that a cell can be run by any machine that has the program.
//!
//! ```text
//! grid ──► ledger ──► runner (one process a cell) ──► summary ──► report
//! (cells)  (what is done)                             (mean, sd)   (tables, figures, HTML)
//! ```

pub mod budget;
pub mod cell;
pub mod drive;
pub mod error;
pub mod estimate;
pub mod folder;
pub mod grid;
pub mod ledger;
pub mod machine;
pub mod maps;
mod names;
pub mod options;
pub mod overview;
pub mod process;
pub mod report;
pub mod room;
pub mod runner;
pub mod session;
pub mod shard;
pub mod study;
pub mod summary;
pub mod train_options;
mod words;

#[cfg(test)]
mod run_tests;
