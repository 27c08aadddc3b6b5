//! A device on the CPU: a grid of blocks, warps and lanes that runs the very kernels of
//! the GPU, and checks what they do.
//!
//! Every thread of a block is a coroutine, which runs until its next collective operation;
//! which of the threads that can run comes next is drawn by lot, so one that reads what a
//! barrier should have waited for reads something else in one of the orders. Blocks come
//! in random order, one after the other.
//!
//! A launch ends with an error when a thread
//! * accesses memory that is not allocated, or outside the array it names;
//! * reads memory that was never written;
//! * races: two threads access a word, one of them writes, and no barrier lies between (of
//!   the block, or of the warp if they share one);
//! * leaves out a collective operation that others take part in.
//!
//! | file | subject |
//! |---|---|
//! | `memory` | allocations at addresses of their own |
//! | `word` | a word that remembers who read and wrote it |
//! | `lane` | [`Thread`](kernels_cuda_device::Thread) by coroutine |
//! | `block` | what lanes share; the faults |
//! | `grid` | who runs next |
//! | `multiply` | the twin of the tensor core |

mod block;
mod grid;
mod lane;
mod memory;
mod multiply;
mod word;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use kernels_cuda_device::Kernel;

use crate::device::Device;
use crate::error::DeviceError;
use grid::{Dice, Grid};
use memory::Memory;

pub use block::Fault;

/// What was seen of a kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Launches.
    pub launches: u32,
    /// Blocks.
    pub blocks: u32,
    /// Barriers of a block, at most.
    pub barriers: u32,
}

/// An emulated device.
#[derive(Debug)]
pub struct Emulator {
    memory: Rc<Memory>,
    dice: RefCell<Dice>,
    launches: Cell<u32>,
    kernels: RefCell<BTreeMap<&'static str, Count>>,
    skip: Option<(&'static str, u32)>,
    stacks: RefCell<grid::Stacks>,
}

impl Emulator {
    /// A device whose threads take turns as this seed says.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with_memory(seed, usize::MAX)
    }

    /// The same, with room for `words` words of memory.
    #[must_use]
    pub fn with_memory(seed: u64, words: usize) -> Self {
        Self {
            memory: Rc::new(Memory::new(words)),
            dice: RefCell::new(Dice::new(seed)),
            launches: Cell::new(0),
            kernels: RefCell::default(),
            skip: None,
            stacks: RefCell::default(),
        }
    }

    /// The same with a fault: in each block of `kernel` all threads pass the barrier of this
    /// number without waiting. Whether that is found out shows what tests are worth.
    #[must_use]
    pub fn without_barrier(seed: u64, kernel: &'static str, barrier: u32) -> Self {
        Self {
            skip: Some((kernel, barrier)),
            ..Self::new(seed)
        }
    }

    /// What was launched, by the kernels' names.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, Count> {
        self.kernels.borrow().clone()
    }
}

impl Device for Emulator {
    fn allocate(&self, words: usize) -> Result<u64, DeviceError> {
        self.memory.allocate(words).ok_or(DeviceError::OutOfMemory {
            operation: "allocate",
            expected: words.saturating_mul(4),
        })
    }

    fn free(&self, address: u64) {
        self.memory.free(address);
    }

    fn write(&self, address: u64, words: &[u32]) -> Result<(), DeviceError> {
        self.memory
            .write(address, words)
            .map_err(|got| DeviceError::Address {
                operation: "write",
                address,
                expected: words.len(),
                got,
            })
    }

    fn read(&self, address: u64, words: &mut [u32]) -> Result<(), DeviceError> {
        self.memory
            .read(address, words)
            .map_err(|got| DeviceError::Address {
                operation: "read",
                address,
                expected: words.len(),
                got,
            })
    }

    fn launch<K: Kernel>(&self, kernel: K, grid: [u32; 2]) -> Result<(), DeviceError> {
        self.launches.set(self.launches.get() + 1);
        let blocks = grid[0].saturating_mul(grid[1]);
        let skip = self.skip.filter(|(kernel, _)| *kernel == K::NAME);
        let grid = Grid {
            memory: Rc::clone(&self.memory),
            size: grid,
            launch: self.launches.get(),
            skip: skip.map(|(_, barrier)| barrier),
        };
        let ran = grid.run(
            kernel,
            &mut self.dice.borrow_mut(),
            &mut self.stacks.borrow_mut(),
        );
        let mut kernels = self.kernels.borrow_mut();
        let count = kernels.entry(K::NAME).or_default();
        count.launches += 1;
        count.blocks = count.blocks.saturating_add(blocks);
        let barriers = ran.map_err(|fault| DeviceError::Launch {
            kernel: K::NAME,
            got: fault.to_string(),
        })?;
        count.barriers = count.barriers.max(barriers);
        Ok(())
    }
}
