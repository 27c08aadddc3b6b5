//! Adam with decoupled weight decay (Kingma & Ba 2015; Loshchilov & Hutter 2019,
//! algorithm 2) in one pass over memory:
//!
//! `m ← β₁m + (1 − β₁)g`, `v ← β₂v + (1 − β₂)g²`,
//! `w ← (1 − lr·λ)w − lr · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)`.
//!
//! burn writes it as fourteen tensor operations: for ResNet-18's 11 million weights
//! each streams 45 MB and more through memory. Its state is burn's, so that
//! checkpoints of either can be read by the other.

use burn::{
    backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor},
    optim::{AdamWState, AdaptiveMomentumState, LearningRate, Optimizer},
    tensor::{Device, Tensor},
};
use rayon::prelude::*;

/// Numbers of one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    pub(crate) learning_rate: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) weight_decay: f64,
    pub(crate) epsilon: f64,
    /// Steps taken, with this one.
    pub(crate) time: usize,
}

/// Backends that have the step as one operation.
#[backend_extension(Flex, LibTorch: cfg(feature = "torch"))]
pub(crate) trait AdamWStep: Backend {
    /// Weights, `m` and `v` after the step.
    fn adamw_step(
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
        rates: Rates,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// Numbers that a thread takes at a time.
const CHUNK: usize = 1 << 14;

impl AdamWStep for Flex {
    fn adamw_step(
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
        rates: Rates,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        use crate::layers::flex;
        let [mut weights, mut mean, mut square] = [weights, mean, square].map(flex::owned);
        let gradient = flex::contiguous(&gradient);
        let update = Update::new(&rates);
        (
            flex::numbers_mut(&mut weights).par_chunks_mut(CHUNK),
            flex::numbers_mut(&mut mean).par_chunks_mut(CHUNK),
            flex::numbers_mut(&mut square).par_chunks_mut(CHUNK),
            flex::numbers(&gradient).par_chunks(CHUNK),
        )
            .into_par_iter()
            .for_each(|(w, m, v, g)| {
                for (((w, m), v), g) in w.iter_mut().zip(m).zip(v).zip(g) {
                    update.apply(w, m, v, *g);
                }
            });
        (weights, mean, square)
    }
}

/// The step's constants in the precision of the weights.
struct Update {
    beta: [f32; 2],
    rest: [f32; 2],
    keep: f32,
    rate: f32,
    square_scale: f32,
    epsilon: f32,
}

impl Update {
    fn new(rates: &Rates) -> Self {
        let time = rates.time as f64;
        let rate = rates.learning_rate / (1.0 - rates.beta1.powf(time));
        let square_scale = 1.0 / (1.0 - rates.beta2.powf(time));
        Self {
            beta: [rates.beta1, rates.beta2].map(|beta| beta as f32),
            rest: [rates.beta1, rates.beta2].map(|beta| (1.0 - beta) as f32),
            keep: (1.0 - rates.learning_rate * rates.weight_decay) as f32,
            rate: rate as f32,
            square_scale: square_scale as f32,
            epsilon: rates.epsilon as f32,
        }
    }

    #[inline]
    fn apply(&self, w: &mut f32, m: &mut f32, v: &mut f32, g: f32) {
        *m = self.beta[0] * *m + self.rest[0] * g;
        *v = self.beta[1] * *v + self.rest[1] * g * g;
        let scale = (*v * self.square_scale).sqrt() + self.epsilon;
        *w = self.keep * *w - self.rate * *m / scale;
    }
}

/// The update rule for one group of parameters.
#[derive(Clone)]
pub(crate) struct AdamW {
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) weight_decay: f64,
    pub(crate) epsilon: f64,
}

impl Optimizer for AdamW {
    type State<const D: usize> = AdamWState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        weights: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let before = state.map_or_else(
            || AdaptiveMomentumState::new(0, weights.zeros_like(), weights.zeros_like()),
            |state| state.momentum,
        );
        let time = before.time + 1;
        let rates = Rates {
            learning_rate: lr,
            beta1: self.beta1,
            beta2: self.beta2,
            weight_decay: self.weight_decay,
            epsilon: self.epsilon,
            time,
        };
        let (weights, mean, square) = Dispatch::adamw_step(
            weights.into_dispatch(),
            gradient.into_dispatch(),
            before.moment_1.into_dispatch(),
            before.moment_2.into_dispatch(),
            rates,
        );
        let [mean, square] = [mean, square].map(Tensor::from_dispatch);
        let state = AdamWState::new(AdaptiveMomentumState::new(time, mean, square));
        (Tensor::from_dispatch(weights), Some(state))
    }

    fn to_device<const D: usize>(mut state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.momentum = state.momentum.to_device(device);
        state
    }
}

#[cfg(feature = "torch")]
mod torch {
    use burn::backend::{LibTorch, tensor::FloatTensor};
    use tch::{IValue, Tensor};

    use super::{AdamWStep, Rates};
    use crate::libtorch;

    type Float = FloatTensor<LibTorch>;

    /// The tensor itself where nobody else holds it, else a copy.
    fn owned(tensor: Float) -> Tensor {
        if tensor.can_mut() {
            tensor.tensor
        } else {
            tensor.tensor.copy()
        }
    }

    impl AdamWStep for LibTorch {
        fn adamw_step(
            weights: Float,
            gradient: Float,
            mean: Float,
            square: Float,
            rates: Rates,
        ) -> (Float, Float, Float) {
            let [mut weights, mut mean, mut square] = [weights, mean, square].map(owned);
            let gradient = gradient.tensor;
            let time = Tensor::from(rates.time as f32).to_device(weights.device());
            let lists = [&weights, &gradient, &mean, &square, &time];
            let mut arguments: Vec<_> = lists
                .map(|tensor| IValue::TensorList(vec![tensor.shallow_clone()]))
                .into();
            arguments.extend(
                [
                    rates.learning_rate,
                    rates.beta1,
                    rates.beta2,
                    rates.weight_decay,
                    rates.epsilon,
                ]
                .map(IValue::Double),
            );
            if libtorch::tensors::<1>("adamw", &arguments).is_none() {
                plain(&mut weights, &gradient, &mut mean, &mut square, &rates);
            }
            (Float::new(weights), Float::new(mean), Float::new(square))
        }
    }

    /// The formula operation by operation.
    fn plain(w: &mut Tensor, g: &Tensor, m: &mut Tensor, v: &mut Tensor, rates: &Rates) {
        let time = rates.time as f64;
        *m = &*m * rates.beta1 + g * (1.0 - rates.beta1);
        *v = &*v * rates.beta2 + g * g * (1.0 - rates.beta2);
        let scale = (&*v / (1.0 - rates.beta2.powf(time))).sqrt() + rates.epsilon;
        let rate = rates.learning_rate / (1.0 - rates.beta1.powf(time));
        let keep = 1.0 - rates.learning_rate * rates.weight_decay;
        *w = &*w * keep - &*m / scale * rate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::{optim::AdamWConfig, tensor::Distribution};

    /// Both rules from the same weights, on gradients that change.
    fn compare(device: &Device) {
        device.seed(6);
        let ours = AdamW {
            beta1: 0.9,
            beta2: 0.999,
            weight_decay: 0.1,
            epsilon: 1e-8,
        };
        let theirs = AdamWConfig::new()
            .with_epsilon(1e-8)
            .with_weight_decay(0.1)
            .build();
        let normal = Distribution::Normal(0.0, 1.0);
        // More than one chunk, and one that is not full.
        let start = Tensor::<2>::random([3, CHUNK - 5], normal, device);
        let (mut a, mut b) = (start.clone(), start.clone());
        let (mut state_a, mut state_b) = (None, None);
        for _ in 0..5 {
            let gradient = Tensor::<2>::random([3, CHUNK - 5], normal, device);
            (a, state_a) = ours.step(0.01, a, gradient.clone(), state_a);
            (b, state_b) = theirs.step(0.01, b, gradient, state_b);
        }
        let worst = (a.clone() - b).abs().max().into_scalar::<f32>();
        // Steps of at most 0.01·(1 + 0.1·4) on weights up to 5: some roundings of 2⁻²² each.
        assert!(worst <= 5e-6, "{worst}");
        // In-place work must not reach tensors that others hold.
        let moved = (a - start).abs().max().into_scalar::<f32>();
        assert!(moved >= 0.01, "{moved}");
        let (a, b) = (state_a.unwrap().momentum, state_b.unwrap().momentum);
        assert_eq!((a.time, b.time), (5, 5));
        for (a, b) in [(a.moment_1, b.moment_1), (a.moment_2, b.moment_2)] {
            let worst = (a - b).abs().max().into_scalar::<f32>();
            // Moments of numbers up to 5 and 25, times 1 − β: below 2.
            assert!(worst <= 1e-6, "{worst}");
        }
    }

    #[test]
    fn follows_burns_formula() {
        compare(&Device::flex());
    }

    #[cfg(feature = "torch")]
    #[test]
    #[expect(deprecated, reason = "burn 0.22's LibTorch has no successor on a CPU")]
    fn follows_burns_formula_on_libtorch() {
        compare(&Device::libtorch());
    }
}
