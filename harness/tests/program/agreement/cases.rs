//! Small runs whose steps are compared: every method, every stem, SinSim in six variants.

use harness::{
    augment::AugmentConfig,
    config::{Decay, OptimizerConfig, OptimizerKind, Recipe, ScheduleConfig, TrainConfig},
    data::DatasetKind,
    loss::{
        LossConfig, Method, OtCost, OtForm, OtOn, OtScale, OtUnit, SinSimConfig, SwavConfig,
        TransportConfig,
    },
    model::{HeadConfig, StemKind},
};

/// A configuration with a name.
pub struct Case {
    pub name: &'static str,
    pub config: TrainConfig,
    /// Whether the loss is a function of the weights whose gradient is the computed one:
    /// not where a part of it that moves with the weights counts as a constant.
    pub differentiable: bool,
}

/// Steps before the one that is compared: batch norm's weights have left one and zero,
/// and BYOL's target is not the network.
pub const STEPS: usize = 3;
pub const IMAGES: usize = 8;

pub fn all() -> Vec<Case> {
    let [two, plain, three] = HEADS;
    let mut cases = vec![
        case("simclr", Method::SimClr, StemKind::Torchvision, two),
        case("simclr-small", Method::SimClr, StemKind::Small, plain),
        case(
            "simclr-small-pool",
            Method::SimClr,
            StemKind::SmallPool,
            three,
        ),
        case("byol", Method::Byol, StemKind::Torchvision, two),
        case("vicreg", Method::VicReg, StemKind::Torchvision, three),
        case(
            "barlow-twins",
            Method::BarlowTwins,
            StemKind::Torchvision,
            three,
        ),
        case("swav", Method::Swav, StemKind::Torchvision, two),
    ];
    for (name, stem, transport) in transports() {
        let mut case = case(name, Method::SinSim, stem, two);
        // The largest cost counts as a constant.
        case.differentiable =
            transport.cost_scale == OtScale::None && transport.epsilon_unit == OtUnit::Absolute;
        case.config.loss = LossConfig::SinSim(SinSimConfig {
            temperature: 0.5,
            lambda: 0.8,
            transport,
        });
        cases.push(case);
    }
    cases
}

const HEADS: [HeadConfig; 3] = [
    head(2, true, true),
    head(2, false, false),
    head(3, true, false),
];

const fn head(layers: usize, batch_norm: bool, output_norm: bool) -> HeadConfig {
    HeadConfig {
        layers,
        hidden: 48,
        output: 24,
        batch_norm,
        output_norm,
    }
}

fn case(name: &'static str, method: Method, stem: StemKind, head: HeadConfig) -> Case {
    let mut config = TrainConfig::new(Recipe::Quick, DatasetKind::Synthetic, method);
    // Every stem leaves a small image some pixels, and few rectifiers: the fewer there are,
    // the fewer are so close to zero that float32's rounding decides about them.
    let size = if stem == StemKind::Small { 8 } else { 16 };
    config.augment = config.augment.map(|view| AugmentConfig { size, ..view });
    config.model.stem = stem;
    config.model.projection_head = head;
    config.model.predictor = config.model.predictor.map(|_| self::head(2, true, false));
    config.model.prototypes = config.model.prototypes.map(|_| 12);
    config.schedule = ScheduleConfig {
        epochs: 1,
        batch_size: IMAGES,
        accumulate: 1,
        warmup_epochs: 0.0,
        decay: Decay::Constant,
        checkpoint_steps: 0,
        diagnostics_steps: 0,
    };
    config.optimizer = OptimizerConfig {
        kind: OptimizerKind::AdamW,
        lr: 2e-3,
        momentum: 0.9,
        weight_decay: 1e-4,
    };
    if let LossConfig::Byol(byol) = &mut config.loss {
        // A target that has followed, but not arrived.
        byol.ema_momentum = 0.5;
    }
    if let LossConfig::Swav(swav) = &mut config.loss {
        // Assignments at convergence do not depend on how Sinkhorn begins.
        *swav = SwavConfig {
            max_iterations: 300,
            ..swav.clone()
        };
    }
    Case {
        name,
        config,
        differentiable: method != Method::Swav,
    }
}

/// On h and z, both costs, both scalings, both units, both forms, with and without a price.
fn transports() -> [(&'static str, StemKind, TransportConfig); 6] {
    let base = TransportConfig {
        on: OtOn::H,
        cost: OtCost::SquaredEuclidean,
        cost_scale: OtScale::Maximum,
        form: OtForm::Plain,
        rho: f32::INFINITY,
        epsilon: 0.05,
        epsilon_unit: OtUnit::Absolute,
        // The envelope theorem holds at convergence.
        threshold: 1e-6,
        max_iterations: 20_000,
    };
    let on_z = TransportConfig {
        on: OtOn::Z,
        cost: OtCost::Cosine,
        cost_scale: OtScale::None,
        epsilon: 0.1,
        ..base.clone()
    };
    [
        ("sinsim-h", StemKind::Torchvision, base.clone()),
        ("sinsim-z-cosine", StemKind::Torchvision, on_z.clone()),
        (
            "sinsim-z-divergence",
            StemKind::SmallPool,
            TransportConfig {
                form: OtForm::Divergence,
                // The terms of a view with itself converge slowly where ε is small.
                epsilon: 0.4,
                ..on_z.clone()
            },
        ),
        (
            "sinsim-h-divergence",
            StemKind::Torchvision,
            TransportConfig {
                form: OtForm::Divergence,
                epsilon: 0.4,
                ..base.clone()
            },
        ),
        (
            "sinsim-z-unbalanced",
            StemKind::Small,
            TransportConfig {
                cost: OtCost::SquaredEuclidean,
                rho: 20.0,
                epsilon: 4.0,
                ..on_z
            },
        ),
        (
            "sinsim-h-relative-unbalanced",
            StemKind::Torchvision,
            TransportConfig {
                cost: OtCost::Cosine,
                cost_scale: OtScale::None,
                form: OtForm::Divergence,
                rho: 0.5,
                epsilon: 0.1,
                epsilon_unit: OtUnit::Maximum,
                ..base
            },
        ),
    ]
}
