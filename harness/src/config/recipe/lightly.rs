//! `lightly`: the CIFAR-10 benchmark of lightly: SGD, batches of 128, no warm-up, a cosine,
//! 200 epochs, no blur.

use super::{Heads, Parts, both, head, loss, small_stem, views};
use crate::{
    augment::AugmentConfig,
    config::{Decay, OptimizerConfig, OptimizerKind, ScheduleConfig},
    data::DatasetKind,
    loss::{BarlowTwinsConfig, LossConfig, Method},
};

/// Learning rate for a batch of 128; it is proportional to the batch.
const LR: f64 = 0.06;

pub(super) fn parts(dataset: DatasetKind, method: Method) -> Parts {
    Parts {
        stem: small_stem(dataset),
        views: views(dataset, |size| {
            both(AugmentConfig {
                grayscale: 0.2,
                ..AugmentConfig::simclr_small(size)
            })
        }),
        schedule: ScheduleConfig {
            epochs: 200,
            batch_size: 128,
            accumulate: 1,
            warmup_epochs: 0.0,
            decay: Decay::Cosine,
            checkpoint_steps: 0,
            diagnostics_steps: 50,
        },
        optimizer: OptimizerConfig {
            kind: OptimizerKind::Sgd,
            lr: LR,
            momentum: 0.9,
            weight_decay: 5e-4,
        },
        heads: match method {
            Method::SimClr | Method::SinSim => Heads::of(head(2, 512, 128, true)),
            Method::Byol => Heads::with_predictor(head(2, 1024, 256, false), 1024),
            Method::VicReg | Method::BarlowTwins => Heads::of(head(3, 2048, 2048, false)),
            Method::Swav => Heads::with_prototypes(head(2, 512, 128, false), 512),
        },
        loss: match loss(method, 0.5, 0.99) {
            // The rate is for a loss without a factor.
            LossConfig::BarlowTwins(config) => LossConfig::BarlowTwins(BarlowTwinsConfig {
                scale: 1.0,
                ..config
            }),
            other => other,
        },
    }
}
