//! Tests over several files.

mod download;
mod download_sets;
mod inventory;
mod server;

use std::{cell::RefCell, path::PathBuf};

use super::Progress;

/// Keeps what it is told.
#[derive(Default)]
pub(super) struct Notes(pub(super) RefCell<Vec<String>>);

impl Progress for Notes {
    fn note(&self, line: &str) {
        self.0.borrow_mut().push(line.to_owned());
    }

    fn downloaded(&self, file: &str, done: u64, total: u64) {
        self.note(&format!("{file} {done}/{total}"));
    }
}

/// Real images, where they lie beside the checkout.
fn shared_data() -> Option<PathBuf> {
    let found = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    let there = found.is_dir();
    if !there {
        eprintln!("skipped: no {}", found.display());
    }
    there.then_some(found)
}
