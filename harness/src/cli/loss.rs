//! The constants of the objectives as options, each for the methods that have it.

use clap::Args;

use crate::{
    config::ConfigError,
    loss::{LossConfig, Method, OtCost, OtForm, OtOn, OtScale, OtUnit, TransportConfig},
};

/// Constants of the objective. One that the method does not have is refused.
#[derive(Args, Clone, Debug, Default)]
pub struct LossArgs {
    /// Temperature of the softmax (simclr, sinsim, swav)
    #[arg(long, help_heading = "Loss")]
    pub temperature: Option<f32>,
    /// Weight of the transport term in NT-Xent + lambda OT (sinsim)
    #[arg(long, help_heading = "Loss")]
    pub lambda: Option<f32>,
    /// Entropic regularisation (sinsim, swav)
    #[arg(long, help_heading = "Loss")]
    pub epsilon: Option<f32>,
    /// L1 marginal error at which Sinkhorn stops (sinsim)
    #[arg(long, help_heading = "Loss")]
    pub threshold: Option<f32>,
    /// Sinkhorn iterations at most (sinsim, swav)
    #[arg(long, value_name = "N", help_heading = "Loss")]
    pub max_iterations: Option<usize>,
    /// Ground cost of the transport term (sinsim)
    #[arg(long, value_enum, help_heading = "Loss")]
    pub ot_cost: Option<OtCost>,
    /// What the cost is divided by (sinsim)
    #[arg(long, value_enum, help_heading = "Loss")]
    pub ot_scale: Option<OtScale>,
    /// Where the transport term acts (sinsim)
    #[arg(long, value_enum, help_heading = "Loss")]
    pub ot_on: Option<OtOn>,
    /// The transport itself, or its debiased divergence (sinsim)
    #[arg(long, value_enum, help_heading = "Loss")]
    pub ot_form: Option<OtForm>,
    /// What epsilon counts (sinsim)
    #[arg(long, value_enum, help_heading = "Loss")]
    pub epsilon_unit: Option<OtUnit>,
    /// Price of missing a marginal; inf imposes the marginals (sinsim)
    #[arg(long, help_heading = "Loss")]
    pub rho: Option<f32>,
    /// Momentum of the target network at the first step (byol)
    #[arg(long, value_name = "M", help_heading = "Loss")]
    pub ema_momentum: Option<f64>,
    /// Learning rate of the predictor, as a multiple of the network's (byol)
    #[arg(long, value_name = "F", help_heading = "Loss")]
    pub predictor_lr_factor: Option<f64>,
    /// Weight of the squared distance between views (vicreg)
    #[arg(long, value_name = "W", help_heading = "Loss")]
    pub vicreg_invariance: Option<f32>,
    /// Weight of the hinge on the standard deviations (vicreg)
    #[arg(long, value_name = "W", help_heading = "Loss")]
    pub vicreg_variance: Option<f32>,
    /// Weight of the squared covariances (vicreg)
    #[arg(long, value_name = "W", help_heading = "Loss")]
    pub vicreg_covariance: Option<f32>,
    /// Weight of the off-diagonal correlations (barlow-twins)
    #[arg(long, value_name = "W", help_heading = "Loss")]
    pub barlow_lambda: Option<f32>,
    /// Factor of the whole loss (barlow-twins)
    #[arg(long, value_name = "W", help_heading = "Loss")]
    pub barlow_scale: Option<f32>,
}

impl LossArgs {
    /// Overrides what was given.
    ///
    /// # Errors
    /// An option that the method does not have.
    pub fn apply(&self, loss: &mut LossConfig) -> Result<(), ConfigError> {
        let method = loss.method();
        let temperature = match loss {
            LossConfig::SimClr(c) => Some(&mut c.temperature),
            LossConfig::SinSim(c) => Some(&mut c.temperature),
            LossConfig::Swav(c) => Some(&mut c.temperature),
            _ => None,
        };
        put(
            method,
            "--temperature",
            "simclr, sinsim or swav",
            self.temperature,
            temperature,
        )?;
        let (epsilon, iterations) = match loss {
            LossConfig::SinSim(c) => {
                let transport = &mut c.transport;
                (
                    Some(&mut transport.epsilon),
                    Some(&mut transport.max_iterations),
                )
            }
            LossConfig::Swav(c) => (Some(&mut c.epsilon), Some(&mut c.max_iterations)),
            _ => (None, None),
        };
        put(method, "--epsilon", "sinsim or swav", self.epsilon, epsilon)?;
        put(
            method,
            "--max-iterations",
            "sinsim or swav",
            self.max_iterations,
            iterations,
        )?;
        let lambda = match loss {
            LossConfig::SinSim(c) => Some(&mut c.lambda),
            _ => None,
        };
        put(method, "--lambda", "sinsim", self.lambda, lambda)?;
        self.transport(method, loss)?;
        let (momentum, factor) = match loss {
            LossConfig::Byol(c) => (Some(&mut c.ema_momentum), Some(&mut c.predictor_lr_factor)),
            _ => (None, None),
        };
        put(
            method,
            "--ema-momentum",
            "byol",
            self.ema_momentum,
            momentum,
        )?;
        put(
            method,
            "--predictor-lr-factor",
            "byol",
            self.predictor_lr_factor,
            factor,
        )?;
        self.decorrelation(method, loss)
    }

    fn transport(&self, method: Method, loss: &mut LossConfig) -> Result<(), ConfigError> {
        let mut none = None;
        let slot: &mut Option<&mut TransportConfig> = match loss {
            LossConfig::SinSim(c) => &mut Some(&mut c.transport),
            _ => &mut none,
        };
        let of = "sinsim";
        put(
            method,
            "--threshold",
            of,
            self.threshold,
            slot.as_mut().map(|t| &mut t.threshold),
        )?;
        put(
            method,
            "--ot-cost",
            of,
            self.ot_cost,
            slot.as_mut().map(|t| &mut t.cost),
        )?;
        put(
            method,
            "--ot-scale",
            of,
            self.ot_scale,
            slot.as_mut().map(|t| &mut t.cost_scale),
        )?;
        let form = slot.as_mut().map(|t| &mut t.form);
        put(method, "--ot-form", of, self.ot_form, form)?;
        let unit = slot.as_mut().map(|t| &mut t.epsilon_unit);
        put(method, "--epsilon-unit", of, self.epsilon_unit, unit)?;
        put(
            method,
            "--rho",
            of,
            self.rho,
            slot.as_mut().map(|t| &mut t.rho),
        )?;
        put(
            method,
            "--ot-on",
            of,
            self.ot_on,
            slot.as_mut().map(|t| &mut t.on),
        )
    }

    fn decorrelation(&self, method: Method, loss: &mut LossConfig) -> Result<(), ConfigError> {
        let [
            mut invariance,
            mut variance,
            mut covariance,
            mut lambda,
            mut scale,
        ] = [const { None }; 5];
        match loss {
            LossConfig::VicReg(c) => {
                invariance = Some(&mut c.invariance);
                variance = Some(&mut c.variance);
                covariance = Some(&mut c.covariance);
            }
            LossConfig::BarlowTwins(c) => {
                lambda = Some(&mut c.lambda);
                scale = Some(&mut c.scale);
            }
            _ => {}
        }
        put(
            method,
            "--vicreg-invariance",
            "vicreg",
            self.vicreg_invariance,
            invariance,
        )?;
        put(
            method,
            "--vicreg-variance",
            "vicreg",
            self.vicreg_variance,
            variance,
        )?;
        put(
            method,
            "--vicreg-covariance",
            "vicreg",
            self.vicreg_covariance,
            covariance,
        )?;
        put(
            method,
            "--barlow-lambda",
            "barlow-twins",
            self.barlow_lambda,
            lambda,
        )?;
        put(
            method,
            "--barlow-scale",
            "barlow-twins",
            self.barlow_scale,
            scale,
        )
    }
}

/// Puts what was given where the method has a place for it.
///
/// # Errors
/// It has none.
pub(super) fn put<T>(
    method: Method,
    option: &'static str,
    of: &'static str,
    given: Option<T>,
    place: Option<&mut T>,
) -> Result<(), ConfigError> {
    match (given, place) {
        (None, _) => Ok(()),
        (Some(value), Some(place)) => {
            *place = value;
            Ok(())
        }
        (Some(_), None) => Err(ConfigError::Foreign {
            option,
            method: method.name(),
            of,
        }),
    }
}
