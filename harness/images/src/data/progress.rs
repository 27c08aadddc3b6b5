//! What loading tells its caller while it goes on.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// Listens to loading.
pub trait Progress {
    /// Something worth a line: what was found or what is being done.
    fn note(&self, line: &str);

    /// `done` of `total` bytes of `file` have arrived. Called a few times per second at
    /// most, and once at the end with `done == total`.
    fn downloaded(&self, file: &str, done: u64, total: u64);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn note(&self, _line: &str) {}

    fn downloaded(&self, _file: &str, _done: u64, _total: u64) {}
}

/// Lines on stderr; of a download one every five seconds and the last.
#[derive(Debug, Default)]
pub struct Stderr {
    last: Cell<Option<Instant>>,
}

const LINE_EVERY: Duration = Duration::from_secs(5);

impl Progress for Stderr {
    fn note(&self, line: &str) {
        eprintln!("{line}");
    }

    fn downloaded(&self, file: &str, done: u64, total: u64) {
        let due = self
            .last
            .get()
            .is_none_or(|last| last.elapsed() >= LINE_EVERY);
        if due || done >= total {
            self.last.set(Some(Instant::now()));
            let megabytes = |bytes: u64| bytes as f64 / 1e6;
            eprintln!(
                "{file}: {:.1} of {:.1} MB",
                megabytes(done),
                megabytes(total)
            );
        }
    }
}
