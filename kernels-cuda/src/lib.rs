//! The kernels of `kernels-core` on an NVIDIA GPU: Rust from the host to the PTX.
//!
//! | file | subject |
//! |---|---|
//! | `cuda` | an NVIDIA GPU through its driver (feature `cuda`) |
//! | `device` | what the host needs of a device; buffers |
//! | `emulator` | a device on the CPU that checks every access (feature `emulator`) |
//! | `log_sum_exp` | log-sum-exp of rows and columns |
//! | `sinkhorn` | optimal transport, its gradients, the divergence |
//! | `nt_xent` | NT-Xent and its gradient |
//! | `sin_sim` | NT-Xent and transport, one call |
//! | `byol`, `vicreg`, `barlow_twins` | losses without pairs of rows |
//! | `matrix_product` | products of matrices |

#![deny(unsafe_code)]
// `!(error <= tolerance)` is how a comparison lets NaN fail.
#![allow(clippy::neg_cmp_op_on_partial_ord)]

pub mod barlow_twins;
pub mod byol;
mod check;
mod columns;
#[cfg(feature = "cuda")]
pub mod cuda;
pub mod device;
#[cfg(feature = "emulator")]
pub mod emulator;
mod error;
pub mod log_sum_exp;
pub mod matrix_product;
pub mod nt_xent;
pub mod sin_sim;
pub mod sinkhorn;
pub mod vicreg;
mod workspace;

#[cfg(feature = "cuda")]
pub use cuda::Cuda;
pub use device::{Buffer, Device};
pub use error::{DeviceError, Error};
pub use kernels_cuda_device::Global;
