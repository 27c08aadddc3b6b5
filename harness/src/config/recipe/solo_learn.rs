//! `solo-learn`: the CIFAR recipes of solo-learn (da Costa et al. 2022): LARS, batches of
//! 256, learning rates for that batch, ten epochs of warm-up, a cosine, 1000 epochs. The
//! warm-up here begins at zero, theirs at 3e-5.

use super::{Heads, Parts, both, head, loss, small_stem, views};
use crate::{
    augment::AugmentConfig,
    config::{Decay, OptimizerConfig, OptimizerKind, ScheduleConfig},
    data::DatasetKind,
    loss::Method,
    model::HeadConfig,
};

pub(super) fn parts(dataset: DatasetKind, method: Method) -> Parts {
    let (lr, weight_decay) = match method {
        Method::SimClr | Method::SinSim | Method::Swav => (0.4, 1e-4),
        Method::Byol => (1.0, 1e-5),
        Method::VicReg | Method::BarlowTwins => (0.3, 1e-4),
    };
    Parts {
        stem: small_stem(dataset),
        views: views(dataset, |size| match method {
            Method::SimClr | Method::SinSim | Method::Swav => {
                both(AugmentConfig::simclr_photo(size))
            }
            Method::Byol | Method::BarlowTwins => AugmentConfig::byol_small(size),
            Method::VicReg => both(AugmentConfig::vicreg_small(size)),
        }),
        schedule: ScheduleConfig {
            epochs: 1000,
            batch_size: 256,
            accumulate: 1,
            warmup_epochs: 10.0,
            decay: Decay::Cosine,
            checkpoint_steps: 0,
            diagnostics_steps: 50,
        },
        optimizer: OptimizerConfig {
            kind: OptimizerKind::Lars,
            lr,
            momentum: 0.9,
            weight_decay,
        },
        heads: match method {
            Method::SimClr | Method::SinSim => Heads::of(HeadConfig {
                batch_norm: false,
                ..head(2, 2048, 256, false)
            }),
            Method::Byol => Heads::with_predictor(head(2, 4096, 256, false), 4096),
            Method::VicReg | Method::BarlowTwins => Heads::of(head(3, 2048, 2048, false)),
            Method::Swav => Heads::with_prototypes(head(2, 2048, 128, false), 512),
        },
        loss: loss(method, 0.2, 0.99),
    }
}
