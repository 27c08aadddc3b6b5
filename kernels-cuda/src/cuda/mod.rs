//! An NVIDIA GPU through its driver (feature `cuda`).
//!
//! Kernels run one after the other on one stream, of this crate or another library's
//! ([`Cuda::on_stream`]), in the device's primary context, which LibTorch, cuBLAS and
//! other users of the runtime share: their arrays are used as they are
//! ([`Global::new`](kernels_cuda_device::Global::new)). A launch does not wait; [`read`]
//! and [`write`] do, so what a kernel did wrong is told there (or by the next launch), as
//! [`DeviceError::Launch`] with the name of the last kernel.
//!
//! Memory comes from the driver's stream-ordered pool where the device has one. The pool
//! gives unused memory back whenever the stream is waited for: keep buffers from one
//! training step to the next.
//!
//! A program with this feature starts without a driver, and [`devices`] says what is
//! missing.
//!
//! | file | subject |
//! |---|---|
//! | `load` | finds the driver at run time (unsafe) |
//! | `driver` | the driver's calls, made safe; [`Cuda::on_stream`] (unsafe) |
//! | `answer` | codes of the driver as errors |
//! | `info` | which devices there are |
//!
//! [`read`]: crate::device::read
//! [`write`]: crate::device::write

mod answer;
mod driver;
mod info;
mod load;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, c_void};
use std::sync::Arc;

use kernels_cuda_device::Kernel;

use crate::device::Device;
use crate::error::DeviceError;
use driver::{Function, Kernels, Mark, Primary, Queue};

pub use info::{DeviceInfo, devices};

/// The kernels, as `scripts/ptx` makes them.
const PTX: &str = concat!(include_str!("../../ptx/kernels.ptx"), "\0");
/// Blocks of a grid, at most.
const GRID: [u32; 2] = [(1 << 31) - 1, 65_535];
/// Bytes of shared memory that a block has without asking.
const SHARED_BYTES: u32 = 48 << 10;
/// Numbers of attributes in `cuda.h`.
const MEMORY_POOLS_SUPPORTED: i32 = 115;
const MAX_SHARED_BYTES: i32 = 97;

/// A GPU. Its kernels, memory and events are those of one stream; one thread uses it at a
/// time, and others may have a `Cuda` of their own for the same device.
#[derive(Debug)]
pub struct Cuda {
    functions: RefCell<HashMap<&'static str, Loaded>>,
    last: Cell<Option<&'static str>>,
    kernels: Kernels,
    queue: Queue,
    pools: bool,
    max_shared_bytes: u32,
    info: DeviceInfo,
}

/// An entry point, and the shared memory that it may use.
#[derive(Clone, Copy, Debug)]
struct Loaded {
    function: Function,
    shared_bytes: u32,
}

impl Cuda {
    /// The device of this number, with a stream of its own.
    ///
    /// # Errors
    /// No driver, no such device, one that is too old, or a driver that refuses the
    /// kernels.
    pub fn new(ordinal: u32) -> Result<Self, DeviceError> {
        Self::with_queue(ordinal, Queue::new)
    }

    fn with_queue(
        ordinal: u32,
        queue: impl FnOnce(&Arc<Primary>) -> Result<Queue, answer::Code>,
    ) -> Result<Self, DeviceError> {
        let operation = "Cuda::new";
        let count = info::start(operation)?;
        if ordinal >= count {
            return Err(DeviceError::NoDevice {
                operation,
                got: format!("{count} in all and none of number {ordinal}"),
            });
        }
        let (device, info) = info::describe(operation, ordinal)?;
        info.check()?;
        let told = |code: answer::Code| code.during(operation, None);
        let pools = driver::attribute(device, MEMORY_POOLS_SUPPORTED).is_ok_and(|yes| yes != 0);
        let max_shared = driver::attribute(device, MAX_SHARED_BYTES).map_err(told)?;
        let primary = Primary::retain(device).map_err(told)?;
        let ptx = CStr::from_bytes_until_nul(PTX.as_bytes()).unwrap_or_default();
        let kernels = Kernels::load(&primary, ptx).map_err(|(code, log)| DeviceError::Module {
            operation,
            got: if log.is_empty() {
                code.to_string()
            } else {
                format!("{code}: {log}")
            },
        })?;
        Ok(Self {
            functions: RefCell::default(),
            last: Cell::new(None),
            kernels,
            queue: queue(&primary).map_err(told)?,
            pools,
            max_shared_bytes: u32::try_from(max_shared).unwrap_or(SHARED_BYTES),
            info,
        })
    }

    /// What the device is.
    #[must_use]
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// The stream (`CUstream`), for libraries that are to use it too, as long as this value
    /// lives.
    #[must_use]
    pub fn stream(&self) -> *mut c_void {
        self.queue.raw()
    }

    /// Waits until everything that was started is done.
    ///
    /// # Errors
    /// What a kernel did wrong.
    pub fn synchronize(&self) -> Result<(), DeviceError> {
        self.queue
            .wait()
            .map_err(|code| code.during("synchronize", self.last.get()))
    }

    /// Does some work and waits for it; its result, and the milliseconds that the device
    /// took from its begin to its end (resolution about half a microsecond).
    ///
    /// # Errors
    /// What a kernel did wrong.
    pub fn timed<R>(&self, work: impl FnOnce() -> R) -> Result<(R, f32), DeviceError> {
        let told = |code: answer::Code| code.during("timed", self.last.get());
        let start = Mark::new(&self.queue).map_err(told)?;
        let result = work();
        let end = Mark::new(&self.queue).map_err(told)?;
        let milliseconds = end.since(&start).map_err(told)?;
        Ok((result, milliseconds))
    }

    /// The entry point of a kernel, allowed its shared memory.
    fn function(&self, name: &'static str, shared_bytes: u32) -> Result<Function, DeviceError> {
        let told = |code: answer::Code| DeviceError::Launch {
            kernel: name,
            got: code.to_string(),
        };
        let known = self.functions.borrow().get(name).copied();
        let mut loaded = match known {
            Some(loaded) => loaded,
            None => Loaded {
                function: self.kernels.function(name).map_err(told)?,
                shared_bytes: SHARED_BYTES,
            },
        };
        if shared_bytes > loaded.shared_bytes {
            let allowed = self.kernels.allow_shared(loaded.function, shared_bytes);
            allowed.map_err(told)?;
            loaded.shared_bytes = shared_bytes;
        } else if known.is_some() {
            return Ok(loaded.function);
        }
        self.functions.borrow_mut().insert(name, loaded);
        Ok(loaded.function)
    }
}

impl Drop for Cuda {
    /// Waits: kernels that still run must not lose their code.
    fn drop(&mut self) {
        let _ = self.queue.wait();
    }
}

impl Device for Cuda {
    fn allocate(&self, words: usize) -> Result<u64, DeviceError> {
        let bytes = words.saturating_mul(4);
        self.queue
            .allocate(bytes, self.pools)
            .map_err(|code| code.of_allocation(bytes, self.last.get()))
    }

    fn free(&self, address: u64) {
        let _ = self.queue.free(address, self.pools);
    }

    fn write(&self, address: u64, words: &[u32]) -> Result<(), DeviceError> {
        self.queue
            .write(address, words)
            .map_err(|code| code.of_copy("write", address, words.len(), self.last.get()))
    }

    fn read(&self, address: u64, words: &mut [u32]) -> Result<(), DeviceError> {
        self.queue
            .read(address, words)
            .map_err(|code| code.of_copy("read", address, words.len(), self.last.get()))
    }

    fn launch<K: Kernel>(&self, kernel: K, grid: [u32; 2]) -> Result<(), DeviceError> {
        let [x, y] = grid;
        if x == 0 || y == 0 {
            return Ok(());
        }
        let refused = |got: String| DeviceError::Launch {
            kernel: K::NAME,
            got,
        };
        if x > GRID[0] || y > GRID[1] {
            let [most_x, most_y] = GRID;
            return Err(refused(format!(
                "a grid of {x} × {y} blocks, where {most_x} × {most_y} is the most"
            )));
        }
        let shared_bytes = kernel.shared_words().saturating_mul(4);
        if shared_bytes > self.max_shared_bytes {
            return Err(refused(format!(
                "{shared_bytes} bytes of shared memory, where this device has {} for a block",
                self.max_shared_bytes
            )));
        }
        let function = self.function(K::NAME, shared_bytes)?;
        let started = self.queue.launch(function, kernel, grid, shared_bytes);
        started.map_err(|code| code.of_launch(K::NAME, self.last.get()))?;
        self.last.set(Some(K::NAME));
        Ok(())
    }
}
