//! What runs a cell: a process of the program itself ([`crate::process`]), or in tests
//! something that behaves like one.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use harness_run::interrupt::{Interrupt, Signal};

use crate::cell::Cell;

/// A cell to be run.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// What is asked for.
    pub cell: &'a Cell,
    /// Its run folder, which is there.
    pub folder: &'a Path,
    /// Whether a run was begun in it, to be continued.
    pub resume: bool,
    /// Threads that it may use; 0 is one per core.
    pub threads: usize,
}

/// How a cell ended, if not badly. Whether it is done is told by its `result.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Of its own accord.
    Complete,
    /// Stopped and saved: it can be continued.
    Interrupted,
}

/// Why a cell failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There was no process.
    #[error("could not start {program}: {source}")]
    Start {
        /// What was started.
        program: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Its log could not be written, or the process not be watched.
    #[error("could not {operation}: {source}")]
    Watch {
        /// What was tried.
        operation: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// The process said that it failed.
    #[error("exit status {code}{}", said(tail))]
    Exit {
        /// Its exit status.
        code: i32,
        /// What it said last.
        tail: String,
    },
    /// Somebody ended it.
    #[error("killed by signal {signal}{}{}", likely(*signal), said(tail))]
    Killed {
        /// The signal's number.
        signal: i32,
        /// What it said last.
        tail: String,
    },
    /// It took too long.
    #[error("stopped after {} s, as --timeout asks{}", after.as_secs(), said(tail))]
    TimedOut {
        /// The time that it was given.
        after: Duration,
        /// What it said last.
        tail: String,
    },
    /// It ended well, and left no result.
    #[error("ended without a result: {0}")]
    NoResult(String),
}

/// Runs cells, several at a time.
pub trait Runner: Sync {
    /// Runs a cell to its end, or until `stop` is requested.
    fn run(&self, job: &Job<'_>, stop: &Stop) -> Result<Ended, Failure>;
}

/// The wish to stop: of the user, or of the study itself when it cannot go on.
#[derive(Debug, Default)]
pub struct Stop {
    interrupt: Option<Interrupt>,
    own: AtomicBool,
}

impl Stop {
    /// Listens to Ctrl-C and SIGTERM.
    pub fn listen() -> Result<Self, harness_run::RunError> {
        Ok(Self {
            interrupt: Some(Interrupt::install()?),
            own: AtomicBool::new(false),
        })
    }

    /// Asks all cells to save and stop.
    pub fn request(&self) {
        self.own.store(true, Ordering::SeqCst);
    }

    /// Whether to stop.
    pub fn is_requested(&self) -> bool {
        self.own.load(Ordering::SeqCst) || self.signal().is_some()
    }

    /// The signal, if it was one.
    pub fn signal(&self) -> Option<Signal> {
        self.interrupt.as_ref().and_then(Interrupt::requested)
    }
}

fn said(tail: &str) -> String {
    if tail.is_empty() {
        ", without a word".to_owned()
    } else {
        format!(": {tail}")
    }
}

/// What a signal usually means.
fn likely(signal: i32) -> &'static str {
    match signal {
        9 => " (SIGKILL: often the system, out of memory; try fewer --jobs)",
        11 => " (SIGSEGV: a crash)",
        15 => " (SIGTERM)",
        _ => "",
    }
}
