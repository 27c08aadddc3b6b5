//! Recipes: where the values come from that are not given. Each is a public recipe for
//! ResNet-18 on small images, or our own for minutes on a CPU; what a recipe does not
//! say (a method or a data set that it does not know) is filled in here, by the method's
//! own constants under the recipe's schedule.

mod lightly;
mod paper;
mod quick;
mod solo_learn;
mod w_mse;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{
    ComputeConfig, DataConfig, FORMAT, OptimizerConfig, ProbeConfig, ScheduleConfig, TrainConfig,
};
use crate::{
    augment::AugmentConfig,
    backend::BackendKind,
    data::DatasetKind,
    loss::{
        BarlowTwinsConfig, ByolConfig, LossConfig, Method, OtCost, OtForm, OtOn, OtScale, OtUnit,
        SimClrConfig, SinSimConfig, SwavConfig, TransportConfig, VicRegConfig,
    },
    model::{HeadConfig, ModelConfig, StemKind},
};

/// Where the values of a run come from that were not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    /// Minutes on two CPU cores
    #[default]
    Quick,
    /// solo-learn's CIFAR recipes: LARS, batches of 256, 1000 epochs
    SoloLearn,
    /// lightly's CIFAR benchmark: SGD, batches of 128, 200 epochs
    Lightly,
    /// W-MSE's (Ermolov et al. 2021): Adam, batches of 512, 1000 epochs
    WMse,
    /// The SinSim paper's public scripts: Adam, batches of 512, torchvision's stem, transport on h
    Paper,
}

impl Recipe {
    /// The name on the command line and in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::SoloLearn => "solo-learn",
            Self::Lightly => "lightly",
            Self::WMse => "w-mse",
            Self::Paper => "paper",
        }
    }
}

/// What a recipe says.
struct Parts {
    stem: StemKind,
    views: [AugmentConfig; 2],
    schedule: ScheduleConfig,
    optimizer: OptimizerConfig,
    heads: Heads,
    loss: LossConfig,
}

/// What stands behind the encoder.
struct Heads {
    projection: HeadConfig,
    predictor: Option<HeadConfig>,
    prototypes: Option<usize>,
}

impl TrainConfig {
    /// The run of `method` on `dataset` by `recipe`.
    pub fn new(recipe: Recipe, dataset: DatasetKind, method: Method) -> Self {
        let parts = match recipe {
            Recipe::Quick => quick::parts(dataset, method),
            Recipe::SoloLearn => solo_learn::parts(dataset, method),
            Recipe::Lightly => lightly::parts(dataset, method),
            Recipe::WMse => w_mse::parts(dataset, method),
            Recipe::Paper => paper::parts(dataset, method),
        };
        Self {
            format: FORMAT,
            recipe,
            seed: 0,
            data: DataConfig {
                dataset,
                data_dir: None,
                offline: false,
                limit: None,
                test_limit: None,
            },
            model: ModelConfig {
                stem: parts.stem,
                prototypes: parts.heads.prototypes,
                projection_head: parts.heads.projection,
                predictor: parts.heads.predictor,
            },
            schedule: parts.schedule,
            optimizer: parts.optimizer,
            loss: parts.loss,
            probe: ProbeConfig::of(recipe),
            compute: ComputeConfig {
                backend: BackendKind::Flex,
                threads: 0,
            },
            augment: parts.views,
        }
    }
}

/// A head `hidden` wide with batch norm in the middle, and at the end or not.
fn head(layers: usize, hidden: usize, output: usize, output_norm: bool) -> HeadConfig {
    HeadConfig {
        layers,
        hidden,
        output,
        batch_norm: true,
        output_norm,
    }
}

impl Heads {
    /// A projection head alone.
    fn of(projection: HeadConfig) -> Self {
        Self {
            projection,
            predictor: None,
            prototypes: None,
        }
    }

    /// With a predictor of two layers behind it.
    fn with_predictor(projection: HeadConfig, hidden: usize) -> Self {
        Self {
            predictor: Some(head(2, hidden, projection.output, false)),
            ..Self::of(projection)
        }
    }

    /// With prototypes behind it.
    fn with_prototypes(projection: HeadConfig, prototypes: usize) -> Self {
        Self {
            prototypes: Some(prototypes),
            ..Self::of(projection)
        }
    }
}

/// The constants of a method as its paper has them, with the recipe's temperature.
fn loss(method: Method, temperature: f32, ema_momentum: f64) -> LossConfig {
    match method {
        Method::SimClr => LossConfig::SimClr(SimClrConfig { temperature }),
        Method::SinSim => LossConfig::SinSim(SinSimConfig {
            temperature,
            lambda: 0.8,
            transport: transport(),
        }),
        Method::Byol => LossConfig::Byol(ByolConfig {
            ema_momentum,
            predictor_lr_factor: 1.0,
        }),
        Method::VicReg => LossConfig::VicReg(VicRegConfig {
            invariance: 25.0,
            variance: 25.0,
            covariance: 1.0,
        }),
        // solo-learn's scale, which goes with its rates; lightly's loss has none.
        Method::BarlowTwins => LossConfig::BarlowTwins(BarlowTwinsConfig {
            lambda: 0.0051,
            scale: 0.1,
        }),
        Method::Swav => LossConfig::Swav(SwavConfig {
            temperature: 0.1,
            epsilon: 0.05,
            max_iterations: 3,
        }),
    }
}

/// Our default transport term: between normalised embeddings, which have no scale, so that
/// ε means the same in every batch; at 0.05 most of the mass lies on true pairs.
fn transport() -> TransportConfig {
    TransportConfig {
        on: OtOn::Z,
        cost: OtCost::Cosine,
        cost_scale: OtScale::None,
        form: OtForm::Plain,
        rho: f32::INFINITY,
        epsilon: 0.05,
        epsilon_unit: OtUnit::Absolute,
        threshold: 1e-3,
        // Relaxed steps on a stored kernel: the threshold is reached long before.
        max_iterations: 500,
    }
}

/// Digits keep their own augmentation under every recipe: a mirrored or half cropped 7 is
/// none.
fn views(
    dataset: DatasetKind,
    photographs: impl FnOnce(usize) -> [AugmentConfig; 2],
) -> [AugmentConfig; 2] {
    let size = dataset.image_shape()[1];
    if dataset.is_digits() {
        let digits = AugmentConfig::digits(size);
        [digits.clone(), digits]
    } else {
        photographs(size)
    }
}

/// Both views alike.
fn both(view: AugmentConfig) -> [AugmentConfig; 2] {
    [view.clone(), view]
}

/// 3×3 without pooling up to 32 pixels, with pooling above (W-MSE's STL-10).
fn small_stem(dataset: DatasetKind) -> StemKind {
    match dataset {
        DatasetKind::Stl10 => StemKind::SmallPool,
        _ => StemKind::Small,
    }
}
