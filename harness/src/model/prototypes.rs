//! SwAV's prototypes (Caron et al. 2020): trainable directions that embeddings are
//! assigned to, kept as a linear layer without bias.

use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};

/// `count` directions in `dim` dimensions, drawn from the device's generator.
pub(super) fn fresh(dim: usize, count: usize, device: &Device) -> Linear {
    LinearConfig::new(dim, count).with_bias(false).init(device)
}

/// Cosines `[batch, count]` of each row of `z` and each prototype.
///
/// The prototypes are normalised here, in the graph, where the paper's code normalises
/// the weights after every step: the same function, and its gradient has no part along a
/// prototype.
pub(super) fn scores(prototypes: &Linear, z: Tensor<2>) -> Tensor<2> {
    // burn keeps a linear layer's weight as [input, output]: a column a prototype.
    unit(z, 1).matmul(unit(prototypes.weight.val(), 0))
}

/// Divides by the norms along `dim`; the smallest norm that counts is 1e-12, as PyTorch's.
fn unit(x: Tensor<2>, dim: usize) -> Tensor<2> {
    let norms = (x.clone() * x.clone()).sum_dim(dim).sqrt().clamp_min(1e-12);
    x / norms
}
