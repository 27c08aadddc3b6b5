//! Update rules over burn's per-module optimiser: two groups, one with weight
//! decay and, for norms and biases, one without.

use burn::{
    lr_scheduler::{
        LrSchedulerConfig,
        module_lr_scheduler::{ModuleLearningRate, ModuleLrSchedulerConfig},
    },
    module::ParamGroup,
    optim::{
        AdamConfig, ModuleOptimizer, SgdConfig, decay::WeightDecayConfig, momentum::MomentumConfig,
    },
};

use super::{adamw::AdamW, lars::Lars};
use crate::config::{OptimizerConfig, OptimizerKind};

/// Parameters that recipes exclude from weight decay (and LARS from scaling):
/// shifts and scales of norms, and biases.
const EXCLUDED: [&str; 3] = ["gamma", "beta", "bias"];

/// Learning rates of a step: BYOL's predictor's is a multiple of the others'.
///
/// # Errors
/// burn's words, if it does not take them.
pub fn rates(learning_rate: f64, predictor_factor: f64) -> Result<ModuleLearningRate, String> {
    let constant = LrSchedulerConfig::Constant;
    let mut rates = ModuleLrSchedulerConfig::new(constant(learning_rate))
        .with_group(
            ParamGroup::from_predicate("predictor"),
            constant(predictor_factor * learning_rate),
        )
        .init()?;
    Ok(rates.step())
}

/// Builds the optimiser; the learning rate is given at each step.
pub fn build(config: &OptimizerConfig) -> ModuleOptimizer {
    let excluded = ParamGroup::from_any_predicates(EXCLUDED.to_vec());
    let beta1 = config.momentum as f32;
    match config.kind {
        OptimizerKind::Sgd => {
            // burn's momentum dampens by 0.1 unless told otherwise; PyTorch's does not.
            let momentum = MomentumConfig::new()
                .with_momentum(config.momentum)
                .with_dampening(0.0);
            let plain = SgdConfig::new().with_momentum(Some(momentum));
            let decayed = plain
                .clone()
                .with_weight_decay(Some(WeightDecayConfig::new(config.weight_decay as f32)));
            decayed.init().with_group(excluded, plain.build(), None)
        }
        OptimizerKind::Lars => {
            let lars = Lars::new(config.momentum, config.weight_decay);
            ModuleOptimizer::from(lars.clone()).with_group(excluded, lars.unscaled(), None)
        }
        OptimizerKind::Adam => {
            let plain = AdamConfig::new().with_beta_1(beta1).with_epsilon(1e-8);
            let decayed = plain
                .clone()
                .with_weight_decay(Some(WeightDecayConfig::new(config.weight_decay as f32)));
            decayed.init().with_group(excluded, plain.build(), None)
        }
        OptimizerKind::AdamW => {
            let adamw = |weight_decay| AdamW {
                beta1: config.momentum,
                beta2: 0.999,
                weight_decay,
                epsilon: 1e-8,
            };
            ModuleOptimizer::from(adamw(config.weight_decay)).with_group(excluded, adamw(0.0), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        optim::GradientsParams,
        tensor::{Device, Distribution, Tensor},
    };

    use super::*;
    use crate::{
        config::{Recipe, TrainConfig},
        data::DatasetKind,
        loss::Method,
        model::{Network, state_dict::state_dict},
    };

    /// Names of the weights that a step at these rates moves.
    fn moved(predictor_factor: f64) -> Vec<String> {
        let config = TrainConfig::new(Recipe::Quick, DatasetKind::Synthetic, Method::Byol);
        let device = Device::flex().autodiff();
        let before = Network::new(&config.model, 3, 0, &device);
        let images = Tensor::<4>::random([4, 3, 16, 16], Distribution::Default, &device);
        let q = before.forward(images).prediction.unwrap();
        // Not the sum of squares, which batch norm keeps constant.
        let loss = (q.clone() * q.clone() * q).sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &before);
        let rates = rates(1e-3, predictor_factor).unwrap();
        let names = state_dict(&before);
        let after = build(&config.optimizer).step(rates, before, gradients);
        let pairs = names.into_iter().zip(state_dict(&after));
        pairs
            .filter(|(before, after)| before.values != after.values)
            .map(|(before, _)| before.name)
            .collect()
    }

    #[test]
    fn the_predictor_alone_has_the_factor() {
        let is_predictors = |name: &String| name.contains("predictor");
        let all = moved(1.0);
        assert!(all.iter().any(is_predictors), "{all:?}");
        let others: Vec<String> = all
            .into_iter()
            .filter(|name| !is_predictors(name))
            .collect();
        assert!(
            others.iter().any(|name| name.contains("conv1")),
            "{others:?}"
        );
        assert_eq!(moved(0.0), others);
    }
}
