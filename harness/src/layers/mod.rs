//! The layers that a ResNet-18 spends its time in, fast on burn's pure-Rust backend.
//!
//! ```text
//! conv2d ──► convolve ──► unfold, gemm        batch_norm ──► channels
//!      └──────────────► flex (slices of the backend's tensors) ◄──────┘
//! ```
//!
//! Each is a differentiable operation of burn's; on other backends it is that
//! backend's own, so that the model is written once.

mod batch_norm;
mod channels;
mod conv2d;
mod convolve;
mod flex;
mod gemm;
#[cfg(test)]
mod tests;
mod unfold;

use burn::tensor::{Tensor, activation::relu};

pub use batch_norm::BatchNorm;
pub use conv2d::{Conv2d, conv2d};

/// `max(a + b, 0)`: the end of a residual block.
pub fn add_relu(a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
    relu(a + b)
}

/// The mean over all positions: `[batch, channels, h, w]` to `[batch, channels]`.
pub fn global_mean(x: Tensor<4>) -> Tensor<2> {
    let [batch, channels, height, width] = x.dims();
    x.reshape([batch, channels, height * width])
        .mean_dim(2)
        .reshape([batch, channels])
}
