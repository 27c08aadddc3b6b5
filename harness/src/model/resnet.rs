//! ResNet-18 (He et al. 2016), the encoder: four stages of two basic blocks,
//! then the mean over all positions. The classifier is left out: what comes out
//! is the representation `h` of 512 numbers.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use super::stem::{STEM_CHANNELS, Stem, StemKind};
use crate::layers::{BatchNorm, Conv2d};

/// Width of the representation that [`ResNet18`] returns.
pub const FEATURES: usize = 512;

/// Two 3×3 convolutions and a shortcut around them.
#[derive(Module, Debug)]
pub struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    downsample: Option<Downsample>,
}

/// The projection shortcut where a block changes width or resolution.
#[derive(Module, Debug)]
struct Downsample {
    conv: Conv2d,
    bn: BatchNorm,
}

impl BasicBlock {
    fn new(from: usize, to: usize, stride: usize, device: &Device) -> Self {
        let downsample = (stride != 1 || from != to).then(|| Downsample {
            conv: Conv2d::new(from, to, 1, stride, device),
            bn: BatchNorm::new(to, device),
        });
        Self {
            conv1: Conv2d::new(from, to, 3, stride, device),
            bn1: BatchNorm::new(to, device),
            conv2: Conv2d::new(to, to, 3, 1, device),
            bn2: BatchNorm::new(to, device),
            downsample,
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.bn1.forward_relu(self.conv1.forward(x.clone()));
        let y = self.bn2.forward(self.conv2.forward(y));
        let shortcut = match &self.downsample {
            Some(path) => path.bn.forward(path.conv.forward(x)),
            None => x,
        };
        crate::layers::add_relu(y, shortcut)
    }
}

/// The encoder.
#[derive(Module, Debug)]
pub struct ResNet18 {
    stem: Stem,
    layer1: Vec<BasicBlock>,
    layer2: Vec<BasicBlock>,
    layer3: Vec<BasicBlock>,
    layer4: Vec<BasicBlock>,
}

impl ResNet18 {
    /// An encoder with fresh weights for images of `channels` planes.
    pub fn new(stem: StemKind, channels: usize, device: &Device) -> Self {
        let stage = |from, to, stride| {
            vec![
                BasicBlock::new(from, to, stride, device),
                BasicBlock::new(to, to, 1, device),
            ]
        };
        Self {
            stem: Stem::new(stem, channels, device),
            layer1: stage(STEM_CHANNELS, 64, 1),
            layer2: stage(64, 128, 2),
            layer3: stage(128, 256, 2),
            layer4: stage(256, FEATURES, 2),
        }
    }

    /// Maps `[batch, channels, height, width]` to representations `[batch, 512]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let mut x = self.stem.forward(images);
        for stage in [&self.layer1, &self.layer2, &self.layer3, &self.layer4] {
            for block in stage {
                x = block.forward(x);
            }
        }
        crate::layers::global_mean(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// torchvision's resnet18 has 11,689,512 parameters, 513,000 of them in the
    /// classifier; the small stem's 3×3 kernel has 7,680 fewer than the 7×7 one.
    #[test]
    fn parameter_counts_are_torchvisions() {
        let device = Device::flex();
        let trainable = |stem| {
            let model = ResNet18::new(stem, 3, &device);
            let mut count = super::super::state_dict::Count::default();
            model.visit(&mut count);
            count.trainable
        };
        assert_eq!(trainable(StemKind::Torchvision), 11_689_512 - 513_000);
        assert_eq!(trainable(StemKind::Small), 11_689_512 - 513_000 - 7_680);
        assert_eq!(trainable(StemKind::SmallPool), trainable(StemKind::Small));
    }

    #[test]
    fn every_stem_takes_every_image_size() {
        let device = Device::flex();
        for stem in [StemKind::Small, StemKind::SmallPool, StemKind::Torchvision] {
            for (channels, size) in [(1, 28), (3, 32), (3, 33), (3, 8)] {
                let model = ResNet18::new(stem, channels, &device);
                let out = model.forward(Tensor::ones([2, channels, size, size], &device));
                assert_eq!(out.dims(), [2, FEATURES]);
            }
        }
    }
}
