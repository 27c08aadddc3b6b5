//! Where tensors live: the one place that turns `--backend` into a device.

use burn::tensor::Device;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Which of burn's backends computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum BackendKind {
    /// Pure Rust on the CPU: nothing to install
    Flex,
    /// LibTorch on the CPU (needs a build with `--features torch`)
    Torch,
    /// LibTorch on the first NVIDIA GPU (needs a build with `--features torch`)
    TorchCuda,
}

impl BackendKind {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Torch => "torch",
            Self::TorchCuda => "torch-cuda",
        }
    }

    /// The device, without autodiff.
    pub fn device(self) -> Result<Device, BackendError> {
        match self {
            Self::Flex => Ok(Device::flex()),
            Self::Torch | Self::TorchCuda => torch_device(self),
        }
    }
}

#[cfg(feature = "torch")]
#[expect(
    deprecated,
    reason = "burn 0.22 deprecates its LibTorch backend and has no successor on a CPU"
)]
fn torch_device(kind: BackendKind) -> Result<Device, BackendError> {
    match kind {
        BackendKind::TorchCuda => {
            if tch::Cuda::is_available() {
                Ok(Device::libtorch_cuda(0))
            } else {
                Err(BackendError::NoGpu)
            }
        }
        _ => Ok(Device::libtorch()),
    }
}

#[cfg(not(feature = "torch"))]
fn torch_device(kind: BackendKind) -> Result<Device, BackendError> {
    Err(BackendError::NotBuilt {
        backend: kind.name(),
    })
}

/// A backend that cannot be used here.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// Compiled out.
    #[error(
        "--backend {backend}: this program was built without LibTorch; use --backend flex, or \
         build with `--features torch` as the README's section \"LibTorch\" says"
    )]
    NotBuilt {
        /// The backend asked for.
        backend: &'static str,
    },
    /// LibTorch sees no GPU.
    #[error(
        "--backend torch-cuda: LibTorch finds no NVIDIA GPU here (no driver, or a LibTorch built \
         for the CPU alone); use --backend torch or flex"
    )]
    NoGpu,
    /// The thread pool could not be made.
    #[error("--threads {threads}: the thread pool could not be started: {reason}")]
    Threads {
        /// Threads asked for.
        threads: usize,
        /// What the system said.
        reason: String,
    },
}

/// Makes every computation of this process use `threads` threads (0: one per core).
pub fn set_threads(threads: usize) -> Result<(), BackendError> {
    #[cfg(feature = "torch")]
    if let Ok(threads) = i32::try_from(threads)
        && threads > 0
    {
        tch::set_num_threads(threads);
    }
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|error| BackendError::Threads {
            threads,
            reason: error.to_string(),
        })
}
