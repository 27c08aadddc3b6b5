//! The kernels of `kernels-core` on an NVIDIA GPU: Rust from the host to the PTX.
//!
//! The functions have the names, shapes, options and errors of `kernels-core`, in f32, with
//! arrays on the device ([`Global`]: an address and a length, also of another library in the
//! same context). Device code is in `kernels-cuda-device`, written once: `rustc` makes PTX
//! of it, and [`emulator`] runs it on the CPU, which is how it is tested without a GPU.
//! **It has not been run on a GPU yet**; `docs/gpu-results` says what will be measured.
//!
//! | function | value | gradient | memory beside the arrays | passes |
//! |---|---|---|---|---|
//! | [`log_sum_exp::log_sum_exp_of_rows`], `…of_columns` | ✓ | | none; 64 m | one read |
//! | [`sinkhorn::State`] from a matrix | ✓ | costs | 264 m | one read and one exponential for each pair and iteration (m ≤ 4096; else two) |
//! | from points | ✓ | points | n m, and as above | costs once, then as above |
//! | from points, streamed | ✓ | points | O((n + m)·d) | two products on the tensor cores and two exponentials for each pair and iteration |
//! | [`sinkhorn::sinkhorn_divergence_with_grad`] | ✓ | points | the largest of three | three of the above |
//! | [`nt_xent::nt_xent_with_grad`] | ✓ | rows | O(N·d) | two sweeps over all pairs, on the tensor cores |
//! | [`sin_sim::sin_sim_with_grad`] | ✓ | rows | N² | NT-Xent's and transport's |
//! | [`byol::byol_with_grad`] | ✓ | predictions | O(N) | one read |
//! | [`vicreg`], [`barlow_twins`] | ✓ | rows | O(N·d + d²) | products of N·d² on the tensor cores |
//!
//! Products on the tensor cores are three of TF32 each, as accurate as one in f32. Results do
//! not depend on the order in which threads run, nor on the GPU's size. Nothing but losses
//! and outcomes is read back.
//!
//! ```
//! use kernels_cuda::nt_xent::{nt_xent_with_grad, nt_xent_workspace_len};
//! use kernels_cuda::{Buffer, emulator::Emulator};
//!
//! let device = Emulator::new(1); // On a GPU: `Cuda::new(0)?`, feature `cuda`.
//! let (rows, dim) = (4, 2);
//! let z = Buffer::of(&device, &[1.0, 0.1, -0.2, 1.0, 0.9, 0.0, 0.1, 1.1_f32])?;
//! let grad = Buffer::new(&device, rows * dim)?;
//! let workspace = Buffer::new(&device, nt_xent_workspace_len(rows, dim))?;
//! let (z, out, scratch) = (z.array(), grad.array(), workspace.array());
//! let loss = nt_xent_with_grad(&device, z, rows, dim, 0.5, out, scratch)?;
//! assert!(loss > 0.0 && grad.to_vec()?.iter().all(|g| g.is_finite()));
//! # Ok::<(), kernels_cuda::Error>(())
//! ```
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
