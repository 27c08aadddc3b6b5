//! Which devices there are, and why one cannot be used.

use std::fmt;

use cust::CudaApiVersion;
use cust::device::{Device, DeviceAttribute};
use cust::error::CudaError;

use super::answer::Code;
use super::{driver, load};
use crate::error::DeviceError;

/// The oldest compute capability that the kernels are made for.
const CAPABILITY: (i32, i32) = (8, 0);

/// A device of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its number, for [`Cuda::new`](super::Cuda::new).
    pub ordinal: u32,
    /// Its name.
    pub name: String,
    /// Major and minor number.
    pub compute_capability: (i32, i32),
    /// Bytes of memory.
    pub memory: usize,
    /// Major and minor number of the CUDA version that the driver is for.
    pub driver: (i32, i32),
}

impl DeviceInfo {
    /// Whether the kernels run on it.
    ///
    /// # Errors
    /// Why they do not.
    pub fn check(&self) -> Result<(), DeviceError> {
        if self.compute_capability >= CAPABILITY {
            return Ok(());
        }
        let (major, minor) = self.compute_capability;
        Err(DeviceError::NoDevice {
            operation: "use of a device",
            got: format!(
                "device {}, {}, of compute capability {major}.{minor}",
                self.ordinal, self.name
            ),
        })
    }
}

impl fmt::Display for DeviceInfo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.compute_capability;
        let gib = self.memory as f64 / f64::from(1 << 30);
        write!(
            out,
            "{}: {}, compute capability {major}.{minor}, {gib:.1} GiB, driver for CUDA {}.{}",
            self.ordinal, self.name, self.driver.0, self.driver.1
        )
    }
}

/// The devices of this machine, of whatever compute capability; at least one.
///
/// # Errors
/// [`DeviceError::NoDevice`] with the reason if there is none.
pub fn devices() -> Result<Vec<DeviceInfo>, DeviceError> {
    let operation = "devices";
    let count = start(operation)?;
    (0..count)
        .map(|ordinal| Ok(describe(operation, ordinal)?.1))
        .collect()
}

/// Starts the driver; the number of devices, which is not 0.
pub(super) fn start(operation: &'static str) -> Result<u32, DeviceError> {
    load::driver().map_err(|reason| DeviceError::NoDevice {
        operation,
        got: format!("no driver ({reason})"),
    })?;
    let count = driver::init().map_err(|code| code.during(operation, None))?;
    if count == 0 {
        return Err(DeviceError::NoDevice {
            operation,
            got: "a driver without devices".to_owned(),
        });
    }
    Ok(count)
}

/// A device by its number, after [`start`].
pub(super) fn describe(
    operation: &'static str,
    ordinal: u32,
) -> Result<(Device, DeviceInfo), DeviceError> {
    let ask = || {
        let device = Device::get_device(ordinal)?;
        let driver = CudaApiVersion::get()?;
        let info = DeviceInfo {
            ordinal,
            name: device.name()?,
            compute_capability: (
                device.get_attribute(DeviceAttribute::ComputeCapabilityMajor)?,
                device.get_attribute(DeviceAttribute::ComputeCapabilityMinor)?,
            ),
            memory: device.total_memory()?,
            driver: (driver.major(), driver.minor()),
        };
        Ok((device, info))
    };
    ask().map_err(|error: CudaError| Code::from(error).during(operation, None))
}
