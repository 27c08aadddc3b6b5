//! Kernels for NVIDIA GPUs, in Rust.
//!
//! The formulas and monoids are those of `kernels-core` ([`kernels_core::pieces`]); here
//! is how a grid of threads shares them out. A kernel is a struct of arguments that
//! implements [`Kernel`] for any [`Thread`]:
//!
//! * for `nvptx64-nvidia-cuda`, `ptx.rs` implements [`Thread`] by instructions (the only
//!   unsafe code and the only unstable features), and [`list`] makes each kernel an entry
//!   point;
//! * elsewhere this is an ordinary `no_std` library, whose kernels the emulated grid of
//!   `kernels-cuda` runs, checking every access.
//!
//! | file | subject |
//! |---|---|
//! | `thread`, `memory`, `kernel` | what a kernel is written against |
//! | `reduce` | reductions over a warp and a block |
//! | `four` | four numbers at a time; powers of two |
//! | `totals` | sums of what blocks left behind |
//! | `warp_tile`, `operand`, `matrix_product` | products of matrices on tensor cores |
//! | `columns`, `column_statistics` | columns of a batch, and their statistics |
//! | `log_sum_exp` | log-sum-exp of rows and of columns |
//! | `fill` | copies and zeros |
//! | `cost` | cost matrices of points |
//! | `sinkhorn` | optimal transport from a cost matrix |
//! | `nt_xent` | NT-Xent |
//! | `pairs` | all pairs of two sets of rows |
//! | `byol`, `vicreg`, `barlow_twins` | losses without pairs of rows |
//! | `list` | all kernels by name |
//! | `ptx` | the instructions |

#![no_std]
#![cfg_attr(
    target_arch = "nvptx64",
    feature(
        abi_ptx,
        abi_unadjusted,
        stdarch_nvptx,
        asm_experimental_arch,
        link_llvm_intrinsics
    )
)]
// LLVM's collective operations have no other name (`ptx.rs`).
#![cfg_attr(target_arch = "nvptx64", allow(internal_features))]
#![deny(unsafe_code)]
// `!(error <= tolerance)` is how a comparison lets NaN fail.
#![allow(clippy::neg_cmp_op_on_partial_ord, clippy::eq_op)]
// Constant indices are what keeps small arrays in registers.
#![allow(clippy::needless_range_loop)]

pub mod barlow_twins;
pub mod byol;
pub mod column_statistics;
pub mod columns;
pub mod cost;
pub mod fill;
pub mod four;
pub mod kernel;
pub mod list;
pub mod log_sum_exp;
pub mod matrix_product;
pub mod memory;
pub mod nt_xent;
mod operand;
pub mod pairs;
#[cfg(target_arch = "nvptx64")]
mod ptx;
pub mod reduce;
pub mod sinkhorn;
pub mod thread;
pub mod totals;
pub mod vicreg;
pub mod warp_tile;

pub use kernel::{Kernel, Visitor};
pub use memory::{Global, Word};
pub use thread::{BLOCK, Thread, WARP, WARPS};
