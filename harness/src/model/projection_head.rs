//! The projection head: the small network between the representation `h`, which
//! is kept, and the embedding `z`, on which the loss acts and which is thrown away.

use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};
use serde::{Deserialize, Serialize};

use crate::layers::BatchNorm;

/// Widths of a two-layer projection head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadConfig {
    /// Width of the hidden layer.
    pub hidden: usize,
    /// Width of the embedding `z`.
    pub output: usize,
    /// Whether batch norm follows each linear layer (then without bias).
    pub batch_norm: bool,
}

/// Linear, batch norm, rectifier, linear, batch norm.
#[derive(Module, Debug)]
pub struct ProjectionHead {
    linear1: Linear,
    bn1: Option<BatchNorm>,
    linear2: Linear,
    bn2: Option<BatchNorm>,
}

impl ProjectionHead {
    /// A head on representations of width `input`.
    pub fn new(input: usize, config: &HeadConfig, device: &Device) -> Self {
        let linear = |from, to| {
            LinearConfig::new(from, to)
                .with_bias(!config.batch_norm)
                .init(device)
        };
        let norm = |width| config.batch_norm.then(|| BatchNorm::new(width, device));
        Self {
            linear1: linear(input, config.hidden),
            bn1: norm(config.hidden),
            linear2: linear(config.hidden, config.output),
            bn2: norm(config.output),
        }
    }

    /// Maps `[batch, input]` to embeddings `[batch, output]`.
    pub fn forward(&self, h: Tensor<2>) -> Tensor<2> {
        let x = self.linear1.forward(h);
        let x = match &self.bn1 {
            Some(bn) => bn.forward_relu(x),
            None => burn::tensor::activation::relu(x),
        };
        let z = self.linear2.forward(x);
        match &self.bn2 {
            Some(bn) => bn.forward(z),
            None => z,
        }
    }
}
