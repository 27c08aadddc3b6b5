//! What the lanes of a block share, and what they can do wrong.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use kernels_cuda_device::{BLOCK, Global, WARP, WARPS, Word};

use super::memory::{Memory, Words};
use super::word::{Access, TrackedWord};

/// What a thread did that a kernel must not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The block.
    pub block: [u32; 2],
    /// The thread in the block.
    pub thread: u32,
    /// What it did.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [x, y] = self.block;
        write!(
            out,
            "{} (block {x}, {y}, thread {})",
            self.what, self.thread
        )
    }
}

/// A block that is being run.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) place: [u32; 2],
    pub(super) grid: [u32; 2],
    pub(super) launch: u32,
    pub(super) shared: Vec<TrackedWord>,
    pub(super) block_phase: Cell<u32>,
    pub(super) warp_phases: [Cell<u32>; WARPS as usize],
    /// A barrier that all threads are to pass without waiting.
    pub(super) skip: Option<u32>,
    /// Barriers that each thread has come to.
    pub(super) reached: Vec<Cell<u32>>,
    memory: Rc<Memory>,
    /// The allocations used last: addresses of both ends.
    recent: RefCell<Vec<(u64, u64, Words)>>,
}

impl Block {
    pub(super) fn new(
        place: [u32; 2],
        grid: [u32; 2],
        launch: u32,
        shared_words: u32,
        memory: Rc<Memory>,
    ) -> Self {
        Self {
            place,
            grid,
            launch,
            shared: (0..shared_words).map(|_| TrackedWord::default()).collect(),
            block_phase: Cell::new(0),
            warp_phases: Default::default(),
            skip: None,
            reached: (0..BLOCK).map(|_| Cell::new(0)).collect(),
            memory,
            recent: RefCell::default(),
        }
    }

    /// An access by a thread, now.
    pub(super) fn access(&self, thread: u32) -> Access {
        Access {
            launch: self.launch,
            block: self.place[1] * self.grid[0] + self.place[0],
            thread,
            block_phase: self.block_phase.get(),
            warp_phase: self.warp_phases[(thread / WARP) as usize].get(),
        }
    }

    /// Uses an element of an array.
    pub(super) fn global<W: Word, R>(
        &self,
        array: Global<W>,
        index: usize,
        using: impl FnOnce(&TrackedWord) -> Result<R, &'static str>,
    ) -> Result<R, String> {
        let context = |what: &str| format!("{what}: element {index} of {array:?}");
        if index >= array.len() {
            return Err(context("an index outside its array"));
        }
        let address = array.address() + 4 * index as u64;
        let mut recent = self.recent.borrow_mut();
        let known = recent
            .iter()
            .position(|(start, end, _)| (*start..*end).contains(&address));
        let known = match known {
            Some(known) => known,
            None => {
                let (start, words) = self
                    .memory
                    .find(address)
                    .ok_or_else(|| context("an address without memory"))?;
                recent.push((start, start + 4 * words.len() as u64, words));
                recent.len() - 1
            }
        };
        let (start, _, words) = &recent[known];
        let word = &words[((address - start) / 4) as usize];
        using(word).map_err(context)
    }

    /// Uses a word of shared memory.
    pub(super) fn shared<R>(
        &self,
        index: u32,
        using: impl FnOnce(&TrackedWord) -> Result<R, &'static str>,
    ) -> Result<R, String> {
        let context = |what: &str| format!("{what}: shared word {index} of {}", self.shared.len());
        let word = self
            .shared
            .get(index as usize)
            .ok_or_else(|| context("an index outside shared memory"))?;
        using(word).map_err(context)
    }
}
