//! Update rules over burn's per-module optimiser: two groups, one with weight
//! decay and, for norms and biases, one without.

use burn::{
    lr_scheduler::module_lr_scheduler::{ModuleLearningRate, ModuleLrScheduler},
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
pub fn rates(learning_rate: f64, predictor_factor: f64) -> ModuleLearningRate {
    let predictor = ParamGroup::from_predicate("predictor");
    ModuleLrScheduler::new(learning_rate)
        .with_group(predictor, predictor_factor * learning_rate)
        .step()
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
        tensor::{Device, Tensor, TensorData},
    };

    use super::*;
    use crate::{
        config::{Recipe, TrainConfig},
        data::DatasetKind,
        loss::Method,
        model::{Network, state_dict::state_dict},
    };

    /// Weights of the predictor and of the rest, by name, and how far a step moves them.
    fn moves(
        before: &Network,
        optimizer: &OptimizerConfig,
        predictor_factor: f64,
    ) -> [Vec<(String, f32)>; 2] {
        let device = Device::flex().autodiff();
        let ramp = (0..4 * 3 * 16 * 16)
            .map(|i| (i * 37 % 101) as f32 / 101.0)
            .collect::<Vec<f32>>();
        let images = Tensor::<4>::from_data(TensorData::new(ramp, [4, 3, 16, 16]), &device);
        let q = before.forward(images).prediction.unwrap();
        let gradients = GradientsParams::from_grads((q.clone() * q).sum().backward(), before);
        let start = state_dict(before);
        let rates = rates(1e-3, predictor_factor);
        let after = build(optimizer).step(rates, before.clone(), gradients);
        let pairs = start.into_iter().zip(state_dict(&after));
        let distances = pairs.map(|(before, after)| {
            let both = before.values.iter().zip(&after.values);
            (before.name, both.map(|(a, b)| (a - b).abs()).sum::<f32>())
        });
        let (predictor, rest) = distances.partition(|(name, _)| name.contains("predictor"));
        [predictor, rest]
    }

    #[test]
    fn the_predictor_alone_has_the_factor() {
        let config = TrainConfig::new(Recipe::Quick, DatasetKind::Synthetic, Method::Byol);
        // Drawn once: tests share the generator, a second draw may be another network.
        let network = Network::new(&config.model, 3, 0, &Device::flex().autodiff());
        for kind in [
            OptimizerKind::AdamW,
            OptimizerKind::Sgd,
            OptimizerKind::Lars,
        ] {
            let optimizer = OptimizerConfig {
                kind,
                ..config.optimizer.clone()
            };
            let moves = |factor| moves(&network, &optimizer, factor);
            let sum = |moves: &[(String, f32)]| moves.iter().map(|m| m.1).sum::<f32>();
            let [own, rest] = moves(1.0);
            assert!(sum(&own) > 0.0 && sum(&rest) > 0.0, "{kind:?}: {own:?}");
            let [stays, as_before] = moves(0.0);
            assert!(sum(&stays) == 0.0 && as_before == rest, "{kind:?}");
            let [twice, as_before] = moves(2.0);
            assert!(as_before == rest, "{kind:?}");
            // LARS clips the rate of a layer by its trust ratio: at most twice as far.
            let ratio = sum(&twice) / sum(&own);
            let lars = kind == OptimizerKind::Lars;
            let least = if lars { 0.999 } else { 1.999 };
            assert!((least..=2.001).contains(&ratio), "{kind:?}: {ratio}");
        }
    }
}
