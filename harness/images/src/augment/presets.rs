//! Recipes from the literature.

use super::{Affine, AugmentConfig, Blur, Jitter, Solarize};

/// torchvision's range of crop shapes, which every recipe takes.
const RATIO: [f32; 2] = [3.0 / 4.0, 4.0 / 3.0];

impl AugmentConfig {
    /// The whole image at `size`, nothing random.
    pub fn none(size: usize) -> Self {
        Self {
            size,
            crop_scale: [1.0, 1.0],
            crop_ratio: [1.0, 1.0],
            flip: 0.0,
            grayscale: 0.0,
            affine: Affine::default(),
            jitter: Jitter::default(),
            blur: Blur::default(),
            solarize: Solarize::default(),
        }
    }

    /// SimCLR on CIFAR as its seeded re-implementations run it: moderate jitter,
    /// little grayscale, and no blur, which at 32 pixels destroys more than it
    /// teaches.
    pub fn simclr_small(size: usize) -> Self {
        Self {
            crop_scale: [0.08, 1.0],
            crop_ratio: RATIO,
            flip: 0.5,
            grayscale: 0.1,
            jitter: Jitter {
                probability: 0.8,
                brightness: 0.4,
                contrast: 0.4,
                saturation: 0.4,
                hue: 0.1,
            },
            ..Self::none(size)
        }
    }

    /// SimCLR on photographs (STL-10, ImageNet): full jitter, grayscale and blur.
    pub fn simclr_photo(size: usize) -> Self {
        Self {
            crop_scale: [0.08, 1.0],
            crop_ratio: RATIO,
            flip: 0.5,
            grayscale: 0.2,
            jitter: Jitter {
                probability: 0.8,
                brightness: 0.8,
                contrast: 0.8,
                saturation: 0.8,
                hue: 0.2,
            },
            blur: Blur {
                probability: 0.5,
                ..Blur::default()
            },
            ..Self::none(size)
        }
    }

    /// BYOL and Barlow Twins on CIFAR: as SimCLR with less saturation; only the
    /// second view may be solarized.
    pub fn byol_small(size: usize) -> [Self; 2] {
        let a = Self {
            grayscale: 0.2,
            jitter: Jitter {
                probability: 0.8,
                brightness: 0.4,
                contrast: 0.4,
                saturation: 0.2,
                hue: 0.1,
            },
            ..Self::simclr_small(size)
        };
        let solarize = Solarize {
            probability: 0.2,
            ..a.solarize
        };
        [a.clone(), Self { solarize, ..a }]
    }

    /// VICReg on CIFAR: BYOL's jitter, milder crops, both views rarely solarized.
    pub fn vicreg_small(size: usize) -> Self {
        let [base, _] = Self::byol_small(size);
        let solarize = Solarize {
            probability: 0.1,
            ..base.solarize
        };
        Self {
            crop_scale: [0.2, 1.0],
            solarize,
            ..base
        }
    }

    /// Handwritten digits. What a digit is depends on its orientation and on all
    /// its strokes: no flip, small angles (6 and 9 stay apart) and crops that
    /// lose a margin rather than a stroke.
    pub fn digits(size: usize) -> Self {
        Self {
            crop_scale: [0.6, 1.0],
            crop_ratio: RATIO,
            affine: Affine {
                probability: 1.0,
                degrees: 15.0,
                translate: 0.1,
            },
            jitter: Jitter {
                probability: 0.8,
                brightness: 0.4,
                contrast: 0.4,
                saturation: 0.0,
                hue: 0.0,
            },
            ..Self::none(size)
        }
    }
}
