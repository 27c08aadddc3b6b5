//! The small networks behind the encoder: the projection head between the
//! representation `h`, which is kept, and the embedding `z`, on which the loss acts and
//! which is thrown away; and, of the same kind, BYOL's predictor.

use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};
use serde::{Deserialize, Serialize};

use crate::layers::BatchNorm;

/// Shape of a perceptron with one or two hidden layers of equal width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadConfig {
    /// Linear layers, 2 or 3.
    pub layers: usize,
    /// Width of the hidden layers.
    pub hidden: usize,
    /// Width of what comes out.
    pub output: usize,
    /// Whether batch norm follows each hidden layer (which then has no bias).
    pub batch_norm: bool,
    /// Whether batch norm follows the last layer (which then has no bias).
    pub output_norm: bool,
}

/// Linear layers with rectifiers between them.
#[derive(Module, Debug)]
pub struct ProjectionHead {
    linear1: Linear,
    bn1: Option<BatchNorm>,
    linear2: Linear,
    bn2: Option<BatchNorm>,
    linear3: Option<Linear>,
    bn3: Option<BatchNorm>,
}

impl ProjectionHead {
    /// A head on rows of width `input`.
    pub fn new(input: usize, config: &HeadConfig, device: &Device) -> Self {
        let linear =
            |from, to, norm: bool| LinearConfig::new(from, to).with_bias(!norm).init(device);
        let norm = |width, norm: bool| norm.then(|| BatchNorm::new(width, device));
        let HeadConfig {
            hidden,
            output,
            batch_norm,
            output_norm,
            ..
        } = *config;
        let deep = config.layers > 2;
        let (second, second_norm) = if deep {
            (hidden, batch_norm)
        } else {
            (output, output_norm)
        };
        Self {
            linear1: linear(input, hidden, batch_norm),
            bn1: norm(hidden, batch_norm),
            linear2: linear(hidden, second, second_norm),
            bn2: norm(second, second_norm),
            linear3: deep.then(|| linear(hidden, output, output_norm)),
            bn3: if deep {
                norm(output, output_norm)
            } else {
                None
            },
        }
    }

    /// Maps `[batch, input]` to `[batch, output]`.
    pub fn forward(&self, h: Tensor<2>) -> Tensor<2> {
        let x = rectified(&self.linear1, self.bn1.as_ref(), h);
        match &self.linear3 {
            None => plain(&self.linear2, self.bn2.as_ref(), x),
            Some(last) => {
                let x = rectified(&self.linear2, self.bn2.as_ref(), x);
                plain(last, self.bn3.as_ref(), x)
            }
        }
    }
}

fn plain(linear: &Linear, norm: Option<&BatchNorm>, x: Tensor<2>) -> Tensor<2> {
    let x = linear.forward(x);
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}

fn rectified(linear: &Linear, norm: Option<&BatchNorm>, x: Tensor<2>) -> Tensor<2> {
    let x = linear.forward(x);
    match norm {
        Some(norm) => norm.forward_relu(x),
        None => burn::tensor::activation::relu(x),
    }
}
