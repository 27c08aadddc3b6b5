//! The layers that a ResNet-18 spends its time in, fast on burn's pure-Rust backend
//! and on LibTorch.
//!
//! ```text
//! conv2d   batch_norm ──► normalisation   residual      differentiable operations
//!    │                        │              │
//!    ├──► convolve ──► unfold, gemm    channels          pure Rust (slices: flex)
//!    └──► torch                                          LibTorch's fused kernels
//! ```
//!
//! Each is a differentiable operation of burn's with an implementation per backend,
//! so that the model is written once.

mod batch_norm;
mod channels;
mod conv2d;
mod convolve;
pub(crate) mod flex;
mod gemm;
mod normalisation;
mod residual;
#[cfg(test)]
mod tests;
#[cfg(feature = "torch")]
mod torch;
mod unfold;

use burn::tensor::Tensor;

pub use batch_norm::BatchNorm;
pub use conv2d::{Conv2d, conv2d};
pub use normalisation::EPSILON;
pub use residual::add_relu;

/// The mean over all positions: `[batch, channels, h, w]` to `[batch, channels]`.
pub fn global_mean(x: Tensor<4>) -> Tensor<2> {
    let [batch, channels, height, width] = x.dims();
    x.reshape([batch, channels, height * width])
        .mean_dim(2)
        .reshape([batch, channels])
}
