//! A device that times every kernel by events of its own.
//!
//! So that the host's launch is not part of the time, a kernel that touches next to no
//! memory keeps the device busy while the host queues event, kernel and event behind it.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;

use kernels_cuda::matrix_product::{Form, matrix_product};
use kernels_cuda::{Buffer, Cuda, Device, DeviceError};
use kernels_cuda_device::Kernel;

use crate::work::{Work, work_of};

/// What was seen of a kernel.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Of each launch: milliseconds, and what it had to do if that is known.
    pub launches: Vec<(f32, Option<Work>)>,
}

/// Times what it launches.
pub struct Profiler<'d> {
    device: &'d Cuda,
    busy: [Buffer<'d, Cuda, f32>; 2],
    terms: usize,
    seen: RefCell<BTreeMap<&'static str, Seen>>,
}

impl<'d> Profiler<'d> {
    /// Around a device; one block is busy with sums of so many terms while a launch is
    /// queued.
    pub fn new(device: &'d Cuda, terms: usize) -> Result<Self, DeviceError> {
        let factor = vec![1.0_f32; 64 * terms];
        Ok(Self {
            device,
            busy: [Buffer::of(device, &factor)?, Buffer::new(device, 64 * 64)?],
            terms,
            seen: RefCell::default(),
        })
    }

    /// What was seen since the last call.
    pub fn take(&self) -> BTreeMap<&'static str, Seen> {
        self.seen.take()
    }
}

impl Device for Profiler<'_> {
    fn allocate(&self, words: usize) -> Result<u64, DeviceError> {
        self.device.allocate(words)
    }

    fn free(&self, address: u64) {
        self.device.free(address);
    }

    fn write(&self, address: u64, words: &[u32]) -> Result<(), DeviceError> {
        self.device.write(address, words)
    }

    fn read(&self, address: u64, words: &mut [u32]) -> Result<(), DeviceError> {
        self.device.read(address, words)
    }

    fn launch<K: Kernel>(&self, kernel: K, grid: [u32; 2]) -> Result<(), DeviceError> {
        let [x, out] = &self.busy;
        let (x, size) = (x.array(), [64, 64, self.terms]);
        // Its arrays have the right lengths; a device that fails says so below.
        let _ = matrix_product(
            self.device,
            Form::OfRows,
            x,
            x,
            size,
            (1.0, 0.0),
            out.array(),
        );
        let (started, milliseconds) = self.device.timed(|| self.device.launch(kernel, grid))?;
        started?;
        let work = work_of(&kernel as &dyn Any, grid);
        let mut seen = self.seen.borrow_mut();
        let seen = seen.entry(K::NAME).or_default();
        seen.launches.push((milliseconds, work));
        Ok(())
    }
}
