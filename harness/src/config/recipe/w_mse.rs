//! `w-mse`: the recipes of Ermolov et al. 2021 ("Whitening for self-supervised
//! representation learning"): Adam, batches of 512, 500 steps of warm-up, a fifth of the
//! rate 50 and 25 epochs before the end, 1000 epochs.

use super::{Heads, Parts, both, head, loss, small_stem, views};
use crate::{
    augment::AugmentConfig,
    config::{Decay, OptimizerConfig, OptimizerKind, ScheduleConfig},
    data::DatasetKind,
    loss::Method,
};

const BATCH: usize = 512;
const WARMUP_STEPS: f64 = 500.0;

pub(super) fn parts(dataset: DatasetKind, method: Method) -> Parts {
    let photographs = dataset == DatasetKind::Stl10;
    let (lr, output) = if photographs { (2e-3, 128) } else { (3e-3, 64) };
    let projection = head(2, 1024, output, false);
    Parts {
        stem: small_stem(dataset),
        views: views(dataset, |size| {
            let size = if photographs { 64 } else { size };
            both(AugmentConfig {
                crop_scale: [0.2, 1.0],
                ..AugmentConfig::simclr_small(size)
            })
        }),
        schedule: ScheduleConfig {
            epochs: 1000,
            batch_size: BATCH,
            accumulate: 1,
            warmup_epochs: WARMUP_STEPS / steps_per_epoch(dataset),
            decay: Decay::Steps,
            checkpoint_steps: 0,
            diagnostics_steps: 50,
        },
        optimizer: OptimizerConfig {
            kind: OptimizerKind::Adam,
            lr,
            momentum: 0.9,
            weight_decay: 1e-6,
        },
        heads: match method {
            Method::Byol => Heads::with_predictor(projection, 1024),
            // They want more directions than the others need.
            Method::VicReg | Method::BarlowTwins => Heads::of(head(3, 1024, 1024, false)),
            Method::Swav => Heads::with_prototypes(projection, 512),
            Method::SimClr | Method::SinSim => Heads::of(projection),
        },
        loss: loss(method, 0.5, 0.99),
    }
}

/// Of the whole official set.
fn steps_per_epoch(dataset: DatasetKind) -> f64 {
    let images = match dataset {
        DatasetKind::Synthetic => 4_000.0,
        DatasetKind::Mnist => 60_000.0,
        DatasetKind::Cifar10 | DatasetKind::Cifar100 => 50_000.0,
        DatasetKind::Stl10 => 105_000.0,
    };
    images / BATCH as f64
}
