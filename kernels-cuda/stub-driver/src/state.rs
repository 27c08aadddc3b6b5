//! What there is, and what is still to be done.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::c_int;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use kernels_cuda::emulator::Emulator;

pub(crate) const SUCCESS: c_int = 0;
pub(crate) const INVALID_VALUE: c_int = 1;
pub(crate) const OUT_OF_MEMORY: c_int = 2;
pub(crate) const NOT_INITIALIZED: c_int = 3;
pub(crate) const NO_DEVICE: c_int = 100;
pub(crate) const INVALID_DEVICE: c_int = 101;
pub(crate) const INVALID_CONTEXT: c_int = 201;
pub(crate) const INVALID_PTX: c_int = 218;
pub(crate) const UNSUPPORTED_PTX_VERSION: c_int = 222;
pub(crate) const INVALID_HANDLE: c_int = 400;
pub(crate) const NOT_FOUND: c_int = 500;
pub(crate) const NOT_READY: c_int = 600;
pub(crate) const ILLEGAL_ADDRESS: c_int = 700;

/// The only context: the primary one of device 0.
pub(crate) const CONTEXT: usize = 0xc0_0000;
/// Shared memory of a block without asking, and at most.
pub(crate) const SHARED: u32 = 48 << 10;
pub(crate) const MAX_SHARED: u32 = 163 << 10;

/// What `SINSIM_STUB` says.
pub(crate) fn mode() -> String {
    std::env::var("SINSIM_STUB").unwrap_or_default()
}

/// Something that a stream holds.
pub(crate) type Work = Box<dyn FnOnce(&mut Driver) -> Result<(), c_int>>;

/// A mark in a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Created,
    Recorded(usize),
    Done(Instant),
}

/// An entry point: its kernel, the shared memory that it may have, its module.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) shared: u32,
    pub(crate) module: usize,
}

pub(crate) struct Driver {
    pub(crate) emulator: Emulator,
    pub(crate) initialized: bool,
    /// How often the context was retained.
    pub(crate) retained: usize,
    /// Bytes, by address.
    pub(crate) allocations: BTreeMap<u64, usize>,
    pub(crate) streams: BTreeMap<usize, VecDeque<Work>>,
    pub(crate) events: BTreeMap<usize, Event>,
    pub(crate) modules: Vec<usize>,
    pub(crate) functions: BTreeMap<usize, Function>,
    /// What a kernel did: the answer to everything from then on.
    pub(crate) failed: Option<c_int>,
    next: usize,
}

// SAFETY: reference-counted parts of it are reached through it alone, and it is reached
// through the mutex below.
unsafe impl Send for Driver {}

static DRIVER: Mutex<Option<Driver>> = Mutex::new(None);

thread_local! {
    /// The stack of current contexts.
    pub(crate) static CURRENT: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

impl Driver {
    fn new() -> Self {
        let words = if mode() == "out-of-memory" {
            16 << 10
        } else {
            usize::MAX
        };
        Self {
            emulator: Emulator::with_memory(1, words),
            initialized: false,
            retained: 0,
            allocations: BTreeMap::new(),
            streams: BTreeMap::new(),
            events: BTreeMap::new(),
            modules: Vec::new(),
            functions: BTreeMap::new(),
            failed: None,
            next: 0x5000_0000,
        }
    }

    /// A handle that was never given out.
    pub(crate) fn handle(&mut self) -> usize {
        self.next += 16;
        self.next
    }

    /// Does what a stream holds.
    pub(crate) fn drain(&mut self, stream: usize) -> Result<(), c_int> {
        while let Some(work) = self.streams.get_mut(&stream).and_then(VecDeque::pop_front) {
            if let Some(code) = self.failed {
                return Err(code);
            }
            work(self)?;
        }
        self.failed.map_or(Ok(()), Err)
    }

    /// Does what all streams hold.
    pub(crate) fn drain_all(&mut self) -> Result<(), c_int> {
        let streams: Vec<usize> = self.streams.keys().copied().collect();
        streams
            .into_iter()
            .try_for_each(|stream| self.drain(stream))
    }

    /// Puts work at the end of a stream. The default stream waits for all others, and is
    /// worked on at once.
    pub(crate) fn put(&mut self, stream: usize, work: Work) -> Result<(), c_int> {
        // Null, and the names of the default stream.
        if stream <= 2 {
            self.drain_all()?;
            return work(self);
        }
        let queue = self.streams.get_mut(&stream).ok_or(INVALID_HANDLE)?;
        queue.push_back(work);
        Ok(())
    }
}

/// Calls with the driver, before and after `cuInit`.
pub(crate) fn driver(call: impl FnOnce(&mut Driver) -> Result<(), c_int>) -> c_int {
    let mut driver = DRIVER.lock().unwrap_or_else(PoisonError::into_inner);
    match call(driver.get_or_insert_with(Driver::new)) {
        Ok(()) => SUCCESS,
        Err(code) => code,
    }
}

/// The same after `cuInit`.
pub(crate) fn initialized(call: impl FnOnce(&mut Driver) -> Result<(), c_int>) -> c_int {
    driver(|driver| {
        if !driver.initialized {
            return Err(NOT_INITIALIZED);
        }
        call(driver)
    })
}

/// The same with a context, unless a kernel failed in it.
pub(crate) fn current(call: impl FnOnce(&mut Driver) -> Result<(), c_int>) -> c_int {
    initialized(|driver| {
        let current = CURRENT.with_borrow(|stack| stack.last().copied());
        if current != Some(CONTEXT) || driver.retained == 0 {
            return Err(INVALID_CONTEXT);
        }
        driver.failed.map_or(Ok(()), Err)?;
        call(driver)
    })
}
