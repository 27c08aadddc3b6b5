//! What the driver answers, as errors of this crate.

use std::ffi::c_int;
use std::fmt;

use cust::error::CudaError;

use super::driver;
use crate::error::DeviceError;

/// A code of the driver that is not success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(pub(super) c_int);

pub(super) const INVALID_VALUE: Code = Code(1);
const OUT_OF_MEMORY: Code = Code(2);
/// A library to link against where there is no driver.
const STUB_LIBRARY: Code = Code(34);
const NO_DEVICE: Code = Code(100);
const INVALID_DEVICE: Code = Code(101);
/// Parts of the driver that do not fit each other or the device.
const MISMATCH: [Code; 3] = [Code(802), Code(803), Code(804)];
/// Illegal address, timeout, assertion, stack, instruction, alignment, address space,
/// program counter, launch failure; memory that cannot be corrected (214, 226), NVLink (220).
const STICKY: [c_int; 12] = [700, 702, 710, 714, 715, 716, 717, 718, 719, 214, 220, 226];

impl Code {
    pub(super) fn check(code: c_int) -> Result<(), Self> {
        if code == 0 { Ok(()) } else { Err(Self(code)) }
    }

    /// Whether a kernel failed after it was started: every later call says the same.
    fn is_sticky(self) -> bool {
        STICKY.contains(&self.0)
    }

    /// The error of an operation, after the kernel `last` was started.
    pub(super) fn during(self, operation: &'static str, last: Option<&'static str>) -> DeviceError {
        match last {
            Some(kernel) if self.is_sticky() => DeviceError::Launch {
                kernel,
                got: format!(
                    "{self}, here or in a kernel before it (CUDA_LAUNCH_BLOCKING=1 tells which; \
                     the process must be started anew)"
                ),
            },
            _ if self.is_no_device() => DeviceError::NoDevice {
                operation,
                got: self.to_string(),
            },
            _ => DeviceError::Driver {
                operation,
                got: self.to_string(),
            },
        }
    }

    /// The error of an allocation.
    pub(super) fn of_allocation(self, bytes: usize, last: Option<&'static str>) -> DeviceError {
        if self == OUT_OF_MEMORY {
            return DeviceError::OutOfMemory {
                operation: "allocate",
                expected: bytes,
            };
        }
        self.during("allocate", last)
    }

    /// The error of a copy.
    pub(super) fn of_copy(
        self,
        operation: &'static str,
        address: u64,
        words: usize,
        last: Option<&'static str>,
    ) -> DeviceError {
        if self == INVALID_VALUE {
            return DeviceError::Address {
                operation,
                address,
                expected: words,
                got: "no allocation, or a shorter one",
            };
        }
        self.during(operation, last)
    }

    /// The error of a launch of `kernel`, after `last` was started.
    pub(super) fn of_launch(self, kernel: &'static str, last: Option<&'static str>) -> DeviceError {
        if self.is_sticky() {
            return self.during(kernel, last);
        }
        DeviceError::Launch {
            kernel,
            got: self.to_string(),
        }
    }

    fn is_no_device(self) -> bool {
        [STUB_LIBRARY, NO_DEVICE, INVALID_DEVICE].contains(&self) || MISMATCH.contains(&self)
    }
}

impl From<CudaError> for Code {
    fn from(error: CudaError) -> Self {
        Self(error as c_int)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match driver::describe(self.0) {
            Some((name, text)) => write!(out, "{name} ({}): {text}", self.0),
            None => write!(out, "the driver's code {}", self.0),
        }
    }
}
