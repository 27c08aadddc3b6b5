//! Allocations at addresses of their own: a wrong address is found out.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::word::TrackedWord;

/// Allocations begin at multiples of it, as CUDA's do.
const ALIGNMENT: u64 = 256;
/// Never allocated: between two allocations.
const GAP: u64 = 4096;

/// An allocation.
pub(super) type Words = Rc<[TrackedWord]>;

#[derive(Debug)]
pub(super) struct Memory {
    allocations: RefCell<BTreeMap<u64, Words>>,
    next: Cell<u64>,
    free: Cell<usize>,
}

impl Memory {
    pub(super) fn new(words: usize) -> Self {
        Self {
            allocations: RefCell::default(),
            next: Cell::new(1 << 32),
            free: Cell::new(words),
        }
    }

    pub(super) fn allocate(&self, words: usize) -> Option<u64> {
        self.free.set(self.free.get().checked_sub(words)?);
        let address = self.next.get();
        let end = address + 4 * words as u64 + GAP;
        self.next.set(end.next_multiple_of(ALIGNMENT));
        let words = (0..words).map(|_| TrackedWord::default()).collect();
        self.allocations.borrow_mut().insert(address, words);
        Some(address)
    }

    pub(super) fn free(&self, address: u64) {
        if let Some(words) = self.allocations.borrow_mut().remove(&address) {
            self.free.set(self.free.get().saturating_add(words.len()));
        }
    }

    /// The allocation that an address lies in, and where it begins.
    pub(super) fn find(&self, address: u64) -> Option<(u64, Words)> {
        let allocations = self.allocations.borrow();
        let (&start, words) = allocations.range(..=address).next_back()?;
        let inside = address - start < 4 * words.len() as u64;
        inside.then(|| (start, Rc::clone(words)))
    }

    fn with(
        &self,
        address: u64,
        len: usize,
        visit: impl FnOnce(&[TrackedWord]),
    ) -> Result<(), &'static str> {
        let (start, words) = self.find(address).ok_or("no allocation")?;
        let first = ((address - start) / 4) as usize;
        let words = words
            .get(first..)
            .and_then(|words| words.get(..len))
            .ok_or("a shorter allocation")?;
        visit(words);
        Ok(())
    }

    pub(super) fn write(&self, address: u64, words: &[u32]) -> Result<(), &'static str> {
        self.with(address, words.len(), |memory| {
            for (word, &bits) in memory.iter().zip(words) {
                word.set(bits);
            }
        })
    }

    pub(super) fn read(&self, address: u64, words: &mut [u32]) -> Result<(), &'static str> {
        self.with(address, words.len(), |memory| {
            for (bits, word) in words.iter_mut().zip(memory) {
                *bits = word.get();
            }
        })
    }
}
