//! What is trained: a ResNet-18 encoder, a projection head, and what some methods have
//! behind it.
//!
//! ```text
//! images ─► encoder ─► h ─► projection head ─► z ─► predictor ─► q        (BYOL)
//!                                              └──► prototypes ─► scores  (SwAV)
//! target (BYOL): encoder and head that follow slowly
//! ```

mod gradients;
mod projection_head;
mod prototypes;
mod resnet;
pub mod state_dict;
mod stem;
mod target;

use burn::{
    module::{Module, ModuleVisitor, Param},
    nn::Linear,
    tensor::{Device, Tensor},
};
use serde::{Deserialize, Serialize};

pub use gradients::gradients;
pub use projection_head::{HeadConfig, ProjectionHead};
pub use resnet::{FEATURES, ResNet18};
pub use stem::StemKind;
pub use target::Target;

/// Shape of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// First layers of the encoder.
    pub stem: StemKind,
    /// Number of SwAV's prototypes; other methods have none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prototypes: Option<usize>,
    /// Projection head.
    pub projection_head: HeadConfig,
    /// BYOL's predictor; other methods have none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub predictor: Option<HeadConfig>,
}

/// Encoder and heads: what a method trains.
#[derive(Module, Debug)]
pub struct Network {
    /// Kept after pretraining, and what the probes look at.
    pub encoder: ResNet18,
    /// Thrown away after pretraining.
    pub projection_head: ProjectionHead,
    /// Predicts the target's projection.
    pub predictor: Option<ProjectionHead>,
    /// What embeddings are assigned to.
    pub prototypes: Option<Linear>,
}

/// What the network says of a batch.
pub struct Embeddings {
    /// Representations, `[batch, 512]`.
    pub h: Tensor<2>,
    /// Projections, `[batch, head.output]`.
    pub z: Tensor<2>,
    /// The predictor's output, `[batch, head.output]`.
    pub prediction: Option<Tensor<2>>,
    /// Cosines of `z` and the prototypes, `[batch, prototypes]`.
    pub scores: Option<Tensor<2>>,
}

impl Network {
    /// Fresh weights, the same for the same seed.
    pub fn new(config: &ModelConfig, channels: usize, seed: u64, device: &Device) -> Self {
        device.seed(seed);
        let head = &config.projection_head;
        let network = Self {
            encoder: ResNet18::new(config.stem, channels, device),
            projection_head: ProjectionHead::new(FEATURES, head, device),
            predictor: config
                .predictor
                .map(|predictor| ProjectionHead::new(head.output, &predictor, device)),
            prototypes: config
                .prototypes
                .map(|count| prototypes::fresh(head.output, count, device)),
        };
        network.visit(&mut Draw);
        network
    }

    /// Maps images `[batch, channels, height, width]` to embeddings.
    pub fn forward(&self, images: Tensor<4>) -> Embeddings {
        let h = self.encoder.forward(images);
        let z = self.projection_head.forward(h.clone());
        Embeddings {
            prediction: self
                .predictor
                .as_ref()
                .map(|predictor| predictor.forward(z.clone())),
            scores: self
                .prototypes
                .as_ref()
                .map(|directions| prototypes::scores(directions, z.clone())),
            h,
            z,
        }
    }
}

/// burn draws a weight when it is first looked at, and until then clones share what will
/// become of it, `no_grad` included: BYOL's target would take the gradients of the network
/// that it was cloned from. So all are looked at here, in a fixed order, before anything
/// else asks the device's generator.
struct Draw;

impl ModuleVisitor for Draw {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        param.val();
    }
}
