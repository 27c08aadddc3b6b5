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

/// An emulated device.
#[derive(Debug)]
pub struct Emulator {
    memory: Rc<Memory>,
    dice: RefCell<Dice>,
    launches: Cell<u32>,
    kernels: RefCell<BTreeMap<&'static str, u32>>,
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
            stacks: RefCell::default(),
        }
    }

    /// How often each kernel was launched.
    #[must_use]
    pub fn launches(&self) -> BTreeMap<&'static str, u32> {
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
        *self.kernels.borrow_mut().entry(K::NAME).or_default() += 1;
        let grid = Grid {
            memory: Rc::clone(&self.memory),
            size: grid,
            launch: self.launches.get(),
        };
        grid.run(
            kernel,
            &mut self.dice.borrow_mut(),
            &mut self.stacks.borrow_mut(),
        )
        .map_err(|fault| DeviceError::Launch {
            kernel: K::NAME,
            got: fault.to_string(),
        })
    }
}
