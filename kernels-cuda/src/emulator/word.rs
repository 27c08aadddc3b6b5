//! A word of memory that remembers who read and wrote it.

use std::cell::Cell;

use kernels_cuda_device::WARP;

/// Who accessed a word, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Access {
    /// Number of the launch; 0 is the host.
    pub(super) launch: u32,
    /// Number of the block in its grid.
    pub(super) block: u32,
    /// Number of the thread in its block.
    pub(super) thread: u32,
    /// Barriers of the block before it.
    pub(super) block_phase: u32,
    /// Barriers of the warp before it.
    pub(super) warp_phase: u32,
}

impl Access {
    /// Whether something makes `self` come before `later`.
    fn precedes(&self, later: &Self) -> bool {
        if self.launch != later.launch {
            return true;
        }
        if self.block != later.block {
            return false;
        }
        let same_warp = self.thread / WARP == later.thread / WARP;
        self.thread == later.thread
            || self.block_phase != later.block_phase
            || (same_warp && self.warp_phase != later.warp_phase)
    }
}

/// A word with its last write and its last reads.
#[derive(Debug, Default)]
pub(super) struct TrackedWord {
    bits: Cell<u32>,
    written: Cell<bool>,
    write: Cell<Access>,
    /// The last two readers: of readers that no barrier parts, one is not the writer.
    reads: Cell<[Access; 2]>,
}

impl TrackedWord {
    /// The bits, unless they were never written or are being written.
    pub(super) fn load(&self, now: Access) -> Result<u32, &'static str> {
        if !self.written.get() {
            return Err("a read of memory that was never written");
        }
        if !self.write.get().precedes(&now) {
            return Err("a race: a read of what another thread wrote, without a barrier");
        }
        let [first, second] = self.reads.get();
        let same = |read: Access| read.block == now.block && read.thread == now.thread;
        self.reads.set(if same(first) {
            [now, second]
        } else {
            [now, first]
        });
        Ok(self.bits.get())
    }

    /// Writes, unless others read or write the word.
    pub(super) fn store(&self, bits: u32, now: Access) -> Result<(), &'static str> {
        if !self.write.get().precedes(&now) {
            return Err("a race: two threads wrote one word, without a barrier");
        }
        if self.reads.get().iter().any(|read| !read.precedes(&now)) {
            return Err("a race: a write to what another thread read, without a barrier");
        }
        self.bits.set(bits);
        self.written.set(true);
        self.write.set(now);
        Ok(())
    }

    /// Written by the host.
    pub(super) fn set(&self, bits: u32) {
        self.bits.set(bits);
        self.written.set(true);
        self.write.set(Access::default());
        self.reads.set([Access::default(); 2]);
    }

    /// Read by the host.
    pub(super) fn get(&self) -> u32 {
        self.bits.get()
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, TrackedWord};

    fn at(thread: u32, block_phase: u32, warp_phase: u32) -> Access {
        Access {
            launch: 1,
            block: 0,
            thread,
            block_phase,
            warp_phase,
        }
    }

    #[test]
    fn barriers_order() {
        let word = TrackedWord::default();
        assert!(word.load(at(0, 0, 0)).is_err(), "never written");
        word.store(7, at(0, 0, 0)).unwrap();
        assert_eq!(word.load(at(0, 0, 0)), Ok(7), "the writer itself");
        assert!(word.load(at(1, 0, 0)).is_err(), "its neighbour");
        assert_eq!(word.load(at(1, 0, 1)), Ok(7), "after a barrier of the warp");
        assert!(word.load(at(32, 0, 1)).is_err(), "another warp");
        assert_eq!(
            word.load(at(32, 1, 0)),
            Ok(7),
            "after a barrier of the block"
        );
        assert!(word.store(8, at(2, 1, 1)).is_err(), "a word that is read");
        word.store(8, at(2, 2, 1)).unwrap();
        let other_block = Access {
            block: 1,
            ..at(2, 9, 9)
        };
        assert!(word.load(other_block).is_err(), "blocks have no order");
        let next_launch = Access {
            launch: 2,
            ..other_block
        };
        assert_eq!(word.load(next_launch), Ok(8), "launches have");
    }
}
