//! Defaults per data set and method. Every value can be overridden on the command
//! line, and the whole is written to `config.toml`.
//!
//! Augmentation and heads follow the public recipes for small images (SimCLR's
//! CIFAR experiments and their re-implementations); the length is chosen so that a
//! run on two CPU cores ends in minutes, and the optimiser so that so short a run
//! learns.

use super::{
    ComputeConfig, DataConfig, FORMAT, ModelConfig, OptimizerConfig, OptimizerKind, ProbeConfig,
    ScheduleConfig, TrainConfig,
};
use crate::{
    augment::{AugmentConfig, Jitter},
    backend::BackendKind,
    data::DatasetKind,
    loss::{LossConfig, Method, OtCost, OtOn, OtScale},
    model::{HeadConfig, StemKind},
};

impl TrainConfig {
    /// The default run of `method` on `dataset`.
    pub fn recipe(dataset: DatasetKind, method: Method) -> Self {
        let view = views(dataset);
        Self {
            format: FORMAT,
            method,
            seed: 0,
            data: DataConfig {
                dataset,
                data_dir: None,
                offline: false,
                limit: None,
            },
            model: ModelConfig {
                stem: stem(dataset),
                projection_head: HeadConfig {
                    hidden: 512,
                    output: 128,
                    batch_norm: true,
                },
            },
            schedule: ScheduleConfig {
                epochs: epochs(dataset),
                batch_size: 64,
                accumulate: 1,
                warmup_epochs: 0.25,
                checkpoint_steps: 0,
            },
            optimizer: OptimizerConfig {
                kind: OptimizerKind::AdamW,
                lr: 1e-3,
                momentum: 0.9,
                weight_decay: 1e-4,
            },
            loss: LossConfig {
                temperature: 0.2,
                lambda: 0.8,
                epsilon: 0.05,
                threshold: 1e-3,
                max_iterations: 50,
                cost: OtCost::Cosine,
                cost_scale: OtScale::None,
                ot_on: OtOn::Z,
            },
            probe: ProbeConfig::default(),
            compute: ComputeConfig {
                backend: BackendKind::Flex,
                threads: 0,
            },
            augment: [view.clone(), view],
        }
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
