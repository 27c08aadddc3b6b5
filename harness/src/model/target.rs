//! BYOL's target network (Grill et al. 2020, Eq. 1): an encoder and a projection head
//! whose weights follow the online network's as a moving average,
//! `ξ ← m ξ + (1 − m) θ`, and which no gradient reaches.
//!
//! Batch norm's running statistics are its own: the target normalises by the batch, as
//! the online network does.

use std::{any::Any, collections::VecDeque};

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::Tensor,
};

use super::{Network, state_dict::Path};

/// The target network.
#[derive(Clone)]
pub struct Target {
    network: Network,
}

impl Target {
    /// The target that begins as the online network.
    pub fn of(online: &Network) -> Self {
        Self::from_network(Network {
            predictor: None,
            prototypes: None,
            ..online.clone()
        })
    }

    /// The target with the weights of `network`, which has no predictor.
    pub fn from_network(network: Network) -> Self {
        Self {
            network: network.no_grad(),
        }
    }

    /// Its weights.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Projections `[batch, head.output]`, constants for the tape.
    pub fn project(&self, images: Tensor<4>) -> Tensor<2> {
        self.network.forward(images).z.detach()
    }

    /// Moves the weights towards the online network's: `momentum` of the old stays.
    #[must_use]
    pub fn follow(self, online: &Network, momentum: f64) -> Self {
        let mut weights = Weights::default();
        online.encoder.visit(&mut weights);
        online.projection_head.visit(&mut weights);
        let mut average = Average {
            path: Path::default(),
            online: weights.tensors,
            momentum,
        };
        let Network {
            encoder,
            projection_head,
            ..
        } = self.network;
        Self {
            network: Network {
                encoder: encoder.map(&mut average),
                projection_head: projection_head.map(&mut average),
                predictor: None,
                prototypes: None,
            },
        }
    }
}

/// The tensors of a module in the order of its fields.
#[derive(Default)]
struct Weights {
    tensors: VecDeque<Box<dyn Any>>,
}

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.tensors.push_back(Box::new(param.val().detach()));
    }
}

/// Visits the same fields in the same order.
struct Average {
    path: Path,
    online: VecDeque<Box<dyn Any>>,
    momentum: f64,
}

impl ModuleMapper for Average {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // Both networks are made from one configuration, so there always is a tensor.
        let online = self
            .online
            .pop_front()
            .and_then(|tensor| tensor.downcast::<Tensor<D>>().ok());
        match online {
            Some(online) if !self.path.is_buffer() => param.map(|own| {
                let own = own.detach() * self.momentum + *online * (1.0 - self.momentum);
                own.detach()
            }),
            _ => param,
        }
    }
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name);
    }
    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::model::{HeadConfig, ModelConfig, StemKind, state_dict::state_dict};

    fn network(seed: u64) -> Network {
        let head = HeadConfig {
            layers: 2,
            hidden: 8,
            output: 4,
            batch_norm: true,
            output_norm: false,
        };
        let config = ModelConfig {
            stem: StemKind::Torchvision,
            prototypes: None,
            projection_head: head,
            predictor: Some(head),
        };
        Network::new(&config, 1, seed, &Device::flex().autodiff())
    }

    #[test]
    fn weights_move_by_the_momentum_and_buffers_stay() {
        let (start, online) = (network(1), network(2));
        let moved = Target::of(&start).follow(&online, 0.75);
        let name = |e: &crate::model::state_dict::Entry| e.name.clone();
        let moved = state_dict(moved.network());
        let (start, online) = (state_dict(&start), state_dict(&online));
        assert!(moved.iter().all(|e| !e.name.starts_with("predictor")));
        assert!(moved.iter().any(|e| e.name.starts_with("projection_head")));
        for entry in &moved {
            let find = |all: &[_]| -> Vec<f32> {
                let found = all.iter().find(|e| name(e) == entry.name);
                found
                    .map(|e: &crate::model::state_dict::Entry| e.values.clone())
                    .unwrap()
            };
            let (start, online) = (find(&start), find(&online));
            let buffer = entry.name.contains("running");
            for ((&got, start), online) in entry.values.iter().zip(start).zip(online) {
                let expected = if buffer {
                    start
                } else {
                    0.75 * start + 0.25 * online
                };
                // Three roundings of numbers below 2.
                assert!(
                    (got - expected).abs() <= 4e-7,
                    "{}: {got} {expected}",
                    entry.name
                );
            }
        }
    }

    #[test]
    fn its_projections_are_constants() {
        let online = network(3);
        let device = Device::flex().autodiff();
        let images =
            Tensor::<4>::random([4, 1, 16, 16], burn::tensor::Distribution::Default, &device);
        let target = Target::of(&online);
        let t = target.project(images.clone());
        let z = online.forward(images).z;
        let gradients = (z.clone() * t).sum().backward();
        let head = target.network().projection_head.clone();
        let mut reached = Reached {
            gradients,
            any: false,
        };
        head.visit(&mut reached);
        assert!(!reached.any);
    }

    #[test]
    fn the_network_it_was_made_from_keeps_its_gradients() {
        let device = Device::flex().autodiff();
        let online = network(4);
        let target = Target::of(&online);
        let images =
            Tensor::<4>::random([4, 1, 16, 16], burn::tensor::Distribution::Default, &device);
        let t = target.project(images.clone());
        let prediction = online.forward(images).prediction.unwrap();
        let gradients = (prediction * t).sum().backward();
        let gradients = burn::optim::GradientsParams::from_grads(gradients, &online);
        let weights = state_dict(&online).into_iter();
        let weights = weights.filter(|e| !e.name.contains("running"));
        let reached = crate::model::gradients(&online, &gradients);
        assert!(
            weights
                .map(|e| e.name)
                .eq(reached.into_iter().map(|e| e.name))
        );
    }

    struct Reached {
        gradients: burn::tensor::Gradients,
        any: bool,
    }

    impl ModuleVisitor for Reached {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.any |= param.val().grad(&self.gradients).is_some();
        }
    }
}
