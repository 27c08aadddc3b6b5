//! What is trained: a ResNet-18 encoder and a projection head.

mod projection_head;
mod resnet;
pub mod state_dict;
mod stem;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

pub use projection_head::{HeadConfig, ProjectionHead};
pub use resnet::{FEATURES, ResNet18};
pub use stem::StemKind;

/// Encoder and projection head: what a method trains.
#[derive(Module, Debug)]
pub struct Network {
    /// Kept after pretraining, and what the probes look at.
    pub encoder: ResNet18,
    /// Thrown away after pretraining.
    pub projection_head: ProjectionHead,
}

/// What the network says of a batch.
pub struct Embeddings {
    /// Representations, `[batch, 512]`.
    pub h: Tensor<2>,
    /// Projections, `[batch, head.output]`.
    pub z: Tensor<2>,
}

impl Network {
    /// Fresh weights, the same for the same seed.
    pub fn new(
        stem: StemKind,
        channels: usize,
        head: &HeadConfig,
        seed: u64,
        device: &Device,
    ) -> Self {
        device.seed(seed);
        let network = Self {
            encoder: ResNet18::new(stem, channels, device),
            projection_head: ProjectionHead::new(FEATURES, head, device),
        };
        // burn draws weights when they are first used: draw them now, in a
        // fixed order, before anything else asks the device's generator.
        network.materialize()
    }

    /// Maps images `[batch, channels, height, width]` to `h` and `z`.
    pub fn forward(&self, images: Tensor<4>) -> Embeddings {
        let h = self.encoder.forward(images);
        let z = self.projection_head.forward(h.clone());
        Embeddings { h, z }
    }
}
