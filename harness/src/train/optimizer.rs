//! Update rules over burn's per-module optimiser: two groups, one with weight
//! decay and, for norms and biases, one without.

use burn::{
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
