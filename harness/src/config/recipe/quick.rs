//! `quick`: our own. Augmentation and heads follow the public recipes for small images;
//! the length is chosen so that a run on two CPU cores ends in minutes, the optimiser so
//! that so short a run learns, and the widths so that the heads do not cost more than the
//! encoder.

use super::{Heads, Parts, both, head, loss};
use crate::{
    augment::{AugmentConfig, Jitter},
    config::{Decay, OptimizerConfig, OptimizerKind, ScheduleConfig},
    data::DatasetKind,
    loss::{LossConfig, Method, SwavConfig},
    model::StemKind,
};

pub(super) fn parts(dataset: DatasetKind, method: Method) -> Parts {
    Parts {
        stem: stem(dataset),
        views: both(views(dataset)),
        schedule: ScheduleConfig {
            epochs: epochs(dataset),
            batch_size: 64,
            accumulate: 1,
            warmup_epochs: 0.25,
            decay: Decay::Cosine,
            checkpoint_steps: 0,
            diagnostics_steps: 50,
        },
        optimizer: OptimizerConfig {
            kind: OptimizerKind::AdamW,
            // At 1e-3 BYOL loses most directions of h within 50 steps of 64 digits:
            // docs/results/training.md.
            lr: if method == Method::Byol { 3e-4 } else { 1e-3 },
            momentum: 0.9,
            weight_decay: 1e-4,
        },
        heads: match method {
            Method::SimClr | Method::SinSim => Heads::of(head(2, 512, 128, true)),
            // Batch norm at the end, as in SimSiam (Chen & He 2021), takes away the mean that
            // all projections share at the start, which is easier to predict than an image.
            Method::Byol => Heads::with_predictor(head(2, 512, 128, true), 512),
            Method::VicReg | Method::BarlowTwins => Heads::of(head(2, 512, 512, false)),
            // Half as many as a batch has images, so that two images share one.
            Method::Swav => Heads::with_prototypes(head(2, 512, 128, false), 32),
        },
        loss: match method {
            // The paper's ε of 0.05 is for batches of thousands. Of 64 images it makes
            // assignments so soft that predicting nothing is a way out, and the encoder takes
            // it: docs/results/training.md. A smaller ε asks for more iterations.
            Method::Swav => LossConfig::Swav(SwavConfig {
                temperature: 0.1,
                epsilon: 0.01,
                max_iterations: 10,
            }),
            // BYOL's target moves as slowly as in solo-learn's recipe.
            _ => loss(method, 0.2, 0.99),
        },
    }
}

/// CIFAR's full-resolution stem is the field's. The built-in set and MNIST take
/// torchvision's, a tenth of the work: a run on a CPU then ends in minutes, and their
/// coarse shapes bear it. STL-10's 96 pixels are enough for it anyway.
fn stem(dataset: DatasetKind) -> StemKind {
    match dataset {
        DatasetKind::Cifar10 | DatasetKind::Cifar100 => StemKind::Small,
        DatasetKind::Mnist | DatasetKind::Synthetic | DatasetKind::Stl10 => StemKind::Torchvision,
    }
}

fn epochs(dataset: DatasetKind) -> usize {
    match dataset {
        DatasetKind::Synthetic => 8,
        DatasetKind::Mnist => 2,
        DatasetKind::Cifar10 | DatasetKind::Cifar100 => 10,
        DatasetKind::Stl10 => 10,
    }
}

/// The same for every method, so that methods differ in nothing but the loss, the heads and BYOL's rate.
fn views(dataset: DatasetKind) -> AugmentConfig {
    match dataset {
        DatasetKind::Mnist => AugmentConfig::digits(28),
        DatasetKind::Cifar10 | DatasetKind::Cifar100 => AugmentConfig::simclr_small(32),
        DatasetKind::Synthetic => shapes(),
        DatasetKind::Stl10 => AugmentConfig::simclr_photo(96),
    }
}

/// Views of the built-in shapes: crops that leave most of the object, and light and
/// colour changed strongly enough to say nothing.
fn shapes() -> AugmentConfig {
    let simclr = AugmentConfig::simclr_small(32);
    AugmentConfig {
        crop_scale: [0.35, 1.0],
        grayscale: 0.5,
        jitter: Jitter {
            brightness: 0.6,
            contrast: 0.6,
            ..simclr.jitter
        },
        ..simclr
    }
}
