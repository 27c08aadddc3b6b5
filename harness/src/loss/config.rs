//! The objectives and their constants, as a configuration holds them.

use clap::ValueEnum;
use kernels_core::{
    barlow_twins::BarlowTwinsOptions,
    cost::{Cost, CostScale},
    sin_sim::{self, EpsilonUnit, OtOptions, SinSimOptions},
    sinkhorn::SinkhornOptions,
    swav::SwavOptions,
    vicreg::VicRegOptions,
};
use serde::{Deserialize, Serialize};

/// Which self-supervised method is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// NT-Xent and an entropic optimal-transport term between the two views
    #[serde(rename = "sinsim")]
    #[value(name = "sinsim")]
    SinSim,
    /// NT-Xent alone (Chen et al. 2020)
    #[serde(rename = "simclr")]
    #[value(name = "simclr")]
    SimClr,
    /// Predicting the projection of a slowly moving target network (Grill et al. 2020)
    Byol,
    /// Invariance, variance and covariance (Bardes et al. 2021)
    #[serde(rename = "vicreg")]
    #[value(name = "vicreg")]
    VicReg,
    /// Cross-correlation of the views towards the identity (Zbontar et al. 2021)
    #[value(alias = "barlow")]
    BarlowTwins,
    /// Sinkhorn assignments to prototypes, predicted across views (Caron et al. 2020)
    Swav,
}

impl Method {
    /// The name on the command line and in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::SinSim => "sinsim",
            Self::SimClr => "simclr",
            Self::Byol => "byol",
            Self::VicReg => "vicreg",
            Self::BarlowTwins => "barlow-twins",
            Self::Swav => "swav",
        }
    }

    /// The name as papers write it, for figures.
    pub fn title(self) -> &'static str {
        match self {
            Self::SinSim => "SinSim",
            Self::SimClr => "SimCLR",
            Self::Byol => "BYOL",
            Self::VicReg => "VICReg",
            Self::BarlowTwins => "Barlow Twins",
            Self::Swav => "SwAV",
        }
    }
}

/// An objective with its constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum LossConfig {
    /// `NT-Xent + λ · OT_ε(view A, view B)`.
    #[serde(rename = "sinsim")]
    SinSim(SinSimConfig),
    /// NT-Xent.
    #[serde(rename = "simclr")]
    SimClr(SimClrConfig),
    /// Predictions against a target network.
    Byol(ByolConfig),
    /// Invariance, variance, covariance.
    #[serde(rename = "vicreg")]
    VicReg(VicRegConfig),
    /// Cross-correlation.
    BarlowTwins(BarlowTwinsConfig),
    /// Swapped assignments.
    Swav(SwavConfig),
}

/// Constants of SimCLR.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimClrConfig {
    /// Temperature τ of NT-Xent.
    pub temperature: f32,
}

/// Constants of SinSim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinSimConfig {
    /// Temperature τ of NT-Xent.
    pub temperature: f32,
    /// Weight λ of the transport term.
    pub lambda: f32,
    /// The transport term.
    pub transport: TransportConfig,
}

/// The transport term.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransportConfig {
    /// Where it acts.
    pub on: OtOn,
    /// Ground cost.
    pub cost: OtCost,
    /// What the cost is divided by.
    pub cost_scale: OtScale,
    /// The transport itself, or its debiased divergence.
    pub form: OtForm,
    /// Price ρ of missing a marginal, on both sides; infinite imposes the marginals.
    pub rho: f32,
    /// Entropic regularisation ε.
    pub epsilon: f32,
    /// What ε counts.
    pub epsilon_unit: OtUnit,
    /// L1 marginal error at which Sinkhorn stops.
    pub threshold: f32,
    /// Sinkhorn iterations at most.
    pub max_iterations: usize,
}

/// Where the transport term acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OtOn {
    /// On the representations, as the encoder gives them
    H,
    /// On the embeddings, as the projection head gives them
    Z,
}

/// Ground cost of the transport term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum OtCost {
    /// `|x − y|²` on raw rows
    SquaredEuclidean,
    /// `1 − cos(x, y)`: half the squared distance of the normalised rows
    Cosine,
}

/// What the ground cost is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OtScale {
    /// Nothing: ε is in the cost's own unit
    None,
    /// The batch's largest cost, as a constant: ε is relative
    Maximum,
}

/// Form of the transport term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OtForm {
    /// `OT_ε(A, B)`, as in the paper
    Plain,
    /// `OT_ε(A, B) − ½ OT_ε(A, A) − ½ OT_ε(B, B)`: not negative, zero for equal views
    Divergence,
}

/// What ε counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OtUnit {
    /// The (scaled) cost's own unit
    Absolute,
    /// The batch's largest (scaled) cost, as a constant; the cost stays as it is
    Maximum,
}

/// Constants of BYOL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByolConfig {
    /// Momentum m₀ of the target at the first step; it rises to 1 along a half cosine.
    pub ema_momentum: f64,
    /// Learning rate of the predictor, as a multiple of the network's. A predictor that
    /// is ahead of the network keeps it from collapsing (Grill et al. 2020 on a near-optimal
    /// predictor; Tian, Chen & Ganguli 2021 on its learning rate).
    #[serde(default = "one")]
    pub predictor_lr_factor: f64,
}

/// As in files from before there was the factor.
fn one() -> f64 {
    1.0
}

/// Constants of VICReg.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VicRegConfig {
    /// Weight of the squared distance between views.
    pub invariance: f32,
    /// Weight of the hinge on the standard deviations.
    pub variance: f32,
    /// Weight of the squared covariances.
    pub covariance: f32,
}

/// Constants of Barlow Twins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BarlowTwinsConfig {
    /// Weight of the off-diagonal entries.
    pub lambda: f32,
    /// Factor of the whole loss.
    pub scale: f32,
}

/// Constants of SwAV.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwavConfig {
    /// Temperature τ of the softmax over prototypes.
    pub temperature: f32,
    /// Entropic regularisation ε of the assignments.
    pub epsilon: f32,
    /// Sinkhorn iterations (the paper takes 3).
    pub max_iterations: usize,
}

impl LossConfig {
    /// Its method.
    pub fn method(&self) -> Method {
        match self {
            Self::SinSim(_) => Method::SinSim,
            Self::SimClr(_) => Method::SimClr,
            Self::Byol(_) => Method::Byol,
            Self::VicReg(_) => Method::VicReg,
            Self::BarlowTwins(_) => Method::BarlowTwins,
            Self::Swav(_) => Method::Swav,
        }
    }
}

impl SinSimConfig {
    /// For the kernels.
    pub(super) fn options(&self) -> SinSimOptions<f32> {
        SinSimOptions {
            temperature: self.temperature,
            lambda: self.lambda,
            ot: self.transport.options(),
        }
    }
}

impl TransportConfig {
    /// For the kernels.
    pub(super) fn options(&self) -> OtOptions<f32> {
        OtOptions {
            cost: match self.cost {
                OtCost::SquaredEuclidean => Cost::SquaredEuclidean,
                OtCost::Cosine => Cost::Cosine,
            },
            scale: match self.cost_scale {
                OtScale::None => CostScale::None,
                OtScale::Maximum => CostScale::Maximum,
            },
            form: match self.form {
                OtForm::Plain => sin_sim::OtForm::Plain,
                OtForm::Divergence => sin_sim::OtForm::Divergence,
            },
            rho: self.rho,
            epsilon_unit: match self.epsilon_unit {
                OtUnit::Absolute => EpsilonUnit::Absolute,
                OtUnit::Maximum => EpsilonUnit::Maximum,
            },
            sinkhorn: SinkhornOptions {
                epsilon: self.epsilon,
                threshold: self.threshold,
                max_iterations: self.max_iterations,
            },
        }
    }
}

impl VicRegConfig {
    /// For the kernels.
    pub(super) fn options(&self) -> VicRegOptions<f32> {
        VicRegOptions {
            invariance: self.invariance,
            variance: self.variance,
            covariance: self.covariance,
            ..VicRegOptions::default()
        }
    }
}

impl BarlowTwinsConfig {
    /// For the kernels.
    pub(super) fn options(&self) -> BarlowTwinsOptions<f32> {
        BarlowTwinsOptions {
            lambda: self.lambda,
            scale: self.scale,
            ..BarlowTwinsOptions::default()
        }
    }
}

impl SwavConfig {
    /// For the kernels. A few iterations are the method's own choice: none is too early.
    pub(super) fn options(&self) -> SwavOptions<f32> {
        SwavOptions {
            temperature: self.temperature,
            epsilon: self.epsilon,
            max_iterations: self.max_iterations,
            threshold: 0.0,
        }
    }
}
