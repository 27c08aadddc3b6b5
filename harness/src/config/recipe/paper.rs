//! `paper`: what the public scripts for the SinSim paper do, without their faults: Adam,
//! batches of 512, torchvision's ResNet-18, temperature 0.5, and a transport term on the
//! encoder's output, whose cost is divided by the batch's largest. They do not name a
//! length that the paper stands for; 200 epochs are the shortest of the public reference
//! results.

use super::{Heads, Parts, both, head, loss, views};
use crate::{
    augment::AugmentConfig,
    config::{Decay, OptimizerConfig, OptimizerKind, ScheduleConfig},
    data::DatasetKind,
    loss::{LossConfig, Method, OtCost, OtOn, OtScale, TransportConfig},
    model::StemKind,
};

pub(super) fn parts(dataset: DatasetKind, method: Method) -> Parts {
    let mut loss = loss(method, 0.5, 0.99);
    if let LossConfig::SinSim(config) = &mut loss {
        config.transport = TransportConfig {
            on: OtOn::H,
            cost: OtCost::SquaredEuclidean,
            cost_scale: OtScale::Maximum,
            ..config.transport.clone()
        };
    }
    Parts {
        stem: StemKind::Torchvision,
        views: views(dataset, |size| both(AugmentConfig::simclr_photo(size))),
        schedule: ScheduleConfig {
            epochs: 200,
            batch_size: 512,
            accumulate: 1,
            warmup_epochs: 0.0,
            decay: Decay::Cosine,
            checkpoint_steps: 0,
            diagnostics_steps: 50,
        },
        optimizer: OptimizerConfig {
            kind: OptimizerKind::Adam,
            lr: 1e-3,
            momentum: 0.9,
            weight_decay: 1e-6,
        },
        heads: match method {
            Method::SimClr | Method::SinSim => Heads::of(head(2, 512, 128, true)),
            Method::Byol => Heads::with_predictor(head(2, 512, 128, false), 512),
            Method::VicReg | Method::BarlowTwins => Heads::of(head(3, 2048, 2048, false)),
            Method::Swav => Heads::with_prototypes(head(2, 512, 128, false), 512),
        },
        loss,
    }
}
