//! What can go wrong: the input, as in `kernels-core`, or the device.

/// Why a function of this crate did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input is refused, or a result does not fit, as in `kernels-core`.
    #[error(transparent)]
    Kernel(#[from] kernels_core::Error),
    /// The device refused or failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// Why a device could not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// There is no such device.
    #[error(
        "{operation}: expected an NVIDIA GPU of compute capability 8.0 or later, got {got}; \
         see `nvidia-smi`, and install NVIDIA's driver if that is missing"
    )]
    NoDevice {
        /// What was asked for.
        operation: &'static str,
        /// What there is.
        got: String,
    },
    /// The device's memory has no room.
    #[error(
        "{operation}: {expected} bytes must fit into the device's memory; use smaller batches, \
         or end what else uses the device"
    )]
    OutOfMemory {
        /// What was asked for.
        operation: &'static str,
        /// Bytes that were asked for.
        expected: usize,
    },
    /// The driver does not take the kernels.
    #[error(
        "{operation}: the driver must load PTX of version 7.0 for sm_80, got {got}; \
         update NVIDIA's driver"
    )]
    Module {
        /// What was asked for.
        operation: &'static str,
        /// The driver's answer.
        got: String,
    },
    /// A copy went outside an allocation.
    #[error("{operation}: expected {expected} words at {address:#x} of the device, got {got}")]
    Address {
        /// What was asked for.
        operation: &'static str,
        /// The device address.
        address: u64,
        /// Words that were asked for.
        expected: usize,
        /// What is there.
        got: &'static str,
    },
    /// A kernel did not run to its end.
    #[error("{kernel}: the kernel must run to its end, got {got}")]
    Launch {
        /// The kernel.
        kernel: &'static str,
        /// What stopped it.
        got: String,
    },
    /// Anything else that the driver says.
    #[error("{operation}: the driver must succeed, got {got}")]
    Driver {
        /// What was asked for.
        operation: &'static str,
        /// The driver's answer.
        got: String,
    },
}
