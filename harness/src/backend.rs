//! Where tensors live: the one place that turns `--backend` into a device.

use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The GPU that is used, by its number: the first that `CUDA_VISIBLE_DEVICES` leaves.
#[cfg(feature = "torch")]
pub(crate) const GPU: usize = 0;

/// What computes: one of burn's backends, and for the losses its device or the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum BackendKind {
    /// Pure Rust on the CPU: nothing to install
    Flex,
    /// LibTorch on the CPU (needs a build with `--features torch`)
    Torch,
    /// LibTorch on the first NVIDIA GPU, losses on the CPU (`--features torch`)
    TorchCuda,
    /// LibTorch and the losses on the first NVIDIA GPU (`--features cuda`)
    Cuda,
}

impl BackendKind {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Torch => "torch",
            Self::TorchCuda => "torch-cuda",
            Self::Cuda => "cuda",
        }
    }

    /// The device, without autodiff.
    pub fn device(self) -> Result<Device, BackendError> {
        match self {
            Self::Flex => Ok(Device::flex()),
            Self::Torch | Self::TorchCuda => torch_device(self),
            Self::Cuda => cuda_device(),
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
        BackendKind::Torch => Ok(Device::libtorch()),
        _ if tch::Cuda::is_available() => Ok(Device::libtorch_cuda(GPU)),
        _ => Err(BackendError::NoGpu {
            backend: kind.name(),
        }),
    }
}

#[cfg(not(feature = "torch"))]
fn torch_device(kind: BackendKind) -> Result<Device, BackendError> {
    Err(BackendError::NotBuilt {
        backend: kind.name(),
        without: "LibTorch",
        command: "cargo run --release -p harness --features torch --",
        section: "LibTorch",
    })
}

/// The driver is asked first: it knows best why a GPU cannot be used.
#[cfg(feature = "cuda")]
fn cuda_device() -> Result<Device, BackendError> {
    let gpus = kernels_cuda::cuda::devices()?;
    if let Some(gpu) = gpus.get(GPU) {
        gpu.check()?;
    }
    torch_device(BackendKind::Cuda)
}

#[cfg(not(feature = "cuda"))]
fn cuda_device() -> Result<Device, BackendError> {
    Err(BackendError::NotBuilt {
        backend: BackendKind::Cuda.name(),
        without: "CUDA kernels",
        command: CUDA_BUILD,
        section: "On a GPU",
    })
}

/// How a program with the CUDA kernels is built and run.
#[cfg(not(feature = "cuda"))]
pub(crate) const CUDA_BUILD: &str = "cargo run --release -p harness --features cuda --";

/// A backend that cannot be used here.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// Compiled out.
    #[error(
        "--backend {backend}: this program was built without {without}; --backend flex works \
         now, and `{command} train --backend {backend}` builds one that has them, as the \
         README's section \"{section}\" says"
    )]
    NotBuilt {
        /// The backend asked for.
        backend: &'static str,
        /// What is left out.
        without: &'static str,
        /// What builds and runs a program with it.
        command: &'static str,
        /// Where the README says what it needs.
        section: &'static str,
    },
    /// There is no GPU that the kernels could run on.
    #[cfg(feature = "cuda")]
    #[error("--backend cuda: {0}. --backend flex works now")]
    Gpu(#[from] kernels_cuda::DeviceError),
    /// LibTorch sees no GPU.
    #[error(
        "--backend {backend}: LibTorch finds no NVIDIA GPU here (no driver, one that is too old for \
         it, or a LibTorch built for the CPU alone); use --backend torch or flex"
    )]
    NoGpu {
        /// The backend asked for.
        backend: &'static str,
    },
    /// The thread pool could not be made.
    #[error("--threads {threads}: the thread pool could not be started: {reason}")]
    Threads {
        /// Threads asked for.
        threads: usize,
        /// What the system said.
        reason: String,
    },
}

/// Makes every computation of this process use `threads` threads (0: one per core). A
/// process has one pool: the first call counts, also where a command opens several runs.
pub fn set_threads(threads: usize) -> Result<(), BackendError> {
    static SET: AtomicBool = AtomicBool::new(false);
    if SET.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
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
