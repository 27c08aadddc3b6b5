//! The first layers of the encoder: how an image enters the residual stages.
//!
//! torchvision's stem divides the resolution by four before the first residual
//! block: right for 224-pixel photographs, wasteful for 32-pixel ones, where the
//! contrastive recipes use a 3×3 convolution without pooling (Chen et al. 2020,
//! appendix B.9). In between lies the 3×3 convolution followed by pooling that
//! W-MSE uses for STL-10: a quarter of the small stem's work.

use burn::{
    module::Module,
    nn::{
        PaddingConfig2d,
        pool::{MaxPool2d, MaxPool2dConfig},
    },
    tensor::{Device, Tensor},
};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::layers::{BatchNorm, Conv2d};

/// Channels that every stem hands to the first residual stage.
pub const STEM_CHANNELS: usize = 64;

/// Which first layers the encoder has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum StemKind {
    /// 3×3 convolution, no pooling: full resolution, for 32×32 images
    Small,
    /// 3×3 convolution and 3×3 max-pool with stride 2: half resolution
    SmallPool,
    /// torchvision's 7×7 convolution with stride 2 and max-pool: a quarter
    Torchvision,
}

impl StemKind {
    /// The name on the command line and in `config.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::SmallPool => "small-pool",
            Self::Torchvision => "torchvision",
        }
    }
}

/// Convolution, batch norm, rectifier and, for two of the three kinds, pooling.
#[derive(Module, Debug)]
pub struct Stem {
    conv1: Conv2d,
    bn1: BatchNorm,
    pool: Option<MaxPool2d>,
}

impl Stem {
    /// A stem for images of `channels` planes, weights drawn from the device's generator.
    pub fn new(kind: StemKind, channels: usize, device: &Device) -> Self {
        let (kernel, stride) = match kind {
            StemKind::Small | StemKind::SmallPool => (3, 1),
            StemKind::Torchvision => (7, 2),
        };
        let pool = (kind != StemKind::Small).then(|| {
            MaxPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init()
        });
        Self {
            conv1: Conv2d::new(channels, STEM_CHANNELS, kernel, stride, device),
            bn1: BatchNorm::new(STEM_CHANNELS, device),
            pool,
        }
    }

    /// Maps `[batch, channels, height, width]` to `[batch, 64, h, w]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let features = self.bn1.forward_relu(self.conv1.forward(images));
        match &self.pool {
            Some(pool) => pool.forward(features),
            None => features,
        }
    }
}
