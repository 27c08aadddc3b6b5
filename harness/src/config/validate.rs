//! What no run can have, refused before anything is loaded.

use super::{ConfigError, TrainConfig};
use crate::{
    loss::{LossConfig, TransportConfig},
    model::HeadConfig,
};

const POSITIVE: &str = "a number > 0";
const NOT_NEGATIVE: &str = "a number ≥ 0";
const AT_LEAST_ONE: &str = "at least 1";

impl TrainConfig {
    /// Refuses what cannot be trained.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let s = &self.schedule;
        whole("--epochs", s.epochs, 1, AT_LEAST_ONE)?;
        whole(
            "--batch-size",
            s.batch_size,
            2,
            "at least 2 (an image needs negatives)",
        )?;
        whole("--accumulate", s.accumulate, 1, AT_LEAST_ONE)?;
        whole("--limit", self.data.limit.unwrap_or(2), 2, "at least 2")?;
        whole(
            "--test-limit",
            self.data.test_limit.unwrap_or(1),
            1,
            AT_LEAST_ONE,
        )?;
        not_negative("--warmup-epochs", s.warmup_epochs)?;
        let o = &self.optimizer;
        positive("--lr", o.lr)?;
        real(
            "--momentum",
            o.momentum,
            (0.0..1.0).contains(&o.momentum),
            "a number in [0, 1)",
        )?;
        not_negative("--weight-decay", o.weight_decay)?;
        self.network()?;
        self.loss.validate()?;
        self.probe.validate()?;
        for view in &self.augment {
            view.validate()
                .map_err(|error| ConfigError::Augment(error.to_string()))?;
        }
        Ok(())
    }

    /// Heads that fit each other and the method.
    fn network(&self) -> Result<(), ConfigError> {
        let head = &self.model.projection_head;
        head.validate(["--head-layers", "--head-hidden", "--head-output"])?;
        let (byol, swav) = match &self.loss {
            LossConfig::Byol(_) => (true, false),
            LossConfig::Swav(_) => (false, true),
            _ => (false, false),
        };
        match &self.model.predictor {
            Some(predictor) => {
                present("model.predictor", byol, "none (only BYOL has a predictor)")?;
                predictor.validate([
                    "predictor.layers",
                    "--predictor-hidden",
                    "predictor.output",
                ])?;
                let same = predictor.output == head.output;
                let expected = "the width of the projection head's output";
                check("predictor.output", same, expected, predictor.output)?;
            }
            None => present("model.predictor", !byol, "a predictor (method byol)")?,
        }
        match self.model.prototypes {
            Some(count) => {
                present("model.prototypes", swav, "none (only SwAV has prototypes)")?;
                whole("--prototypes", count, 2, "at least 2")
            }
            None => present(
                "--prototypes",
                !swav,
                "a number of prototypes (method swav)",
            ),
        }
    }
}

impl HeadConfig {
    fn validate(&self, names: [&'static str; 3]) -> Result<(), ConfigError> {
        let [layers, hidden, output] = names;
        check(
            layers,
            (2..=3).contains(&self.layers),
            "2 or 3",
            self.layers,
        )?;
        whole(hidden, self.hidden, 1, AT_LEAST_ONE)?;
        whole(output, self.output, 1, AT_LEAST_ONE)
    }
}

impl LossConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        match self {
            Self::SimClr(c) => positive("--temperature", c.temperature.into()),
            Self::SinSim(c) => {
                positive("--temperature", c.temperature.into())?;
                not_negative("--lambda", c.lambda.into())?;
                c.transport.validate()
            }
            Self::Byol(c) => {
                let ok = (0.0..=1.0).contains(&c.ema_momentum);
                real("--ema-momentum", c.ema_momentum, ok, "a number in [0, 1]")?;
                positive("--predictor-lr-factor", c.predictor_lr_factor)
            }
            Self::VicReg(c) => {
                not_negative("--vicreg-invariance", c.invariance.into())?;
                not_negative("--vicreg-variance", c.variance.into())?;
                not_negative("--vicreg-covariance", c.covariance.into())
            }
            Self::BarlowTwins(c) => {
                not_negative("--barlow-lambda", c.lambda.into())?;
                positive("--barlow-scale", c.scale.into())
            }
            Self::Swav(c) => {
                positive("--temperature", c.temperature.into())?;
                positive("--epsilon", c.epsilon.into())?;
                whole("--max-iterations", c.max_iterations, 1, AT_LEAST_ONE)
            }
        }
    }
}

impl TransportConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        positive("--epsilon", self.epsilon.into())?;
        // Infinite is a price too: that of imposed marginals.
        check("--rho", self.rho > 0.0, "a number > 0, or inf", self.rho)?;
        not_negative("--threshold", self.threshold.into())?;
        whole("--max-iterations", self.max_iterations, 1, AT_LEAST_ONE)
    }
}

/// Refuses `option` unless `ok`.
pub(super) fn check(
    option: &'static str,
    ok: bool,
    expected: &'static str,
    got: impl ToString,
) -> Result<(), ConfigError> {
    if ok {
        return Ok(());
    }
    Err(ConfigError::Value {
        option,
        expected,
        got: got.to_string(),
    })
}

fn whole(
    option: &'static str,
    value: usize,
    least: usize,
    expected: &'static str,
) -> Result<(), ConfigError> {
    check(option, value >= least, expected, value)
}

/// NaN makes every comparison in `ok` false, and so is refused.
fn real(
    option: &'static str,
    value: f64,
    ok: bool,
    expected: &'static str,
) -> Result<(), ConfigError> {
    check(option, ok && value.is_finite(), expected, value)
}

fn positive(option: &'static str, value: f64) -> Result<(), ConfigError> {
    real(option, value, value > 0.0, POSITIVE)
}

fn not_negative(option: &'static str, value: f64) -> Result<(), ConfigError> {
    real(option, value, value >= 0.0, NOT_NEGATIVE)
}

fn present(option: &'static str, ok: bool, expected: &'static str) -> Result<(), ConfigError> {
    check(
        option,
        ok,
        expected,
        "the opposite; leave it to the recipe or --config",
    )
}
