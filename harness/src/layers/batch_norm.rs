//! Batch norm with an optional rectifier: the layer around
//! [`normalisation`](super::normalisation).
//!
//! Running statistics follow PyTorch: the biased variance normalises, the unbiased
//! one is remembered (burn's own layer remembers the biased one).

use burn::{
    module::{Module, Param, RunningState},
    nn::Initializer,
    tensor::{Device, Tensor},
};

use super::normalisation::{channel_moments, normalisation};

/// PyTorch's constant.
const MOMENTUM: f64 = 0.1;

/// Batch norm over all dimensions but the second.
#[derive(Module, Debug)]
pub struct BatchNorm {
    pub(super) gamma: Param<Tensor<1>>,
    pub(super) beta: Param<Tensor<1>>,
    pub(super) running_mean: RunningState<Tensor<1>>,
    pub(super) running_var: RunningState<Tensor<1>>,
}

impl BatchNorm {
    /// Scale one, shift zero, running mean zero, running variance one.
    pub fn new(channels: usize, device: &Device) -> Self {
        Self {
            gamma: Initializer::Ones.init([channels], device),
            beta: Initializer::Zeros.init([channels], device),
            running_mean: RunningState::new(Tensor::zeros([channels], device)),
            running_var: RunningState::new(Tensor::ones([channels], device)),
        }
    }

    /// Normalises by the batch on a device with autodiff, and by the running
    /// statistics on one without: frozen encoders are on the latter.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        self.apply(input, false)
    }

    /// The same with a rectifier behind it.
    pub fn forward_relu<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        self.apply(input, true)
    }

    fn apply<const D: usize>(&self, input: Tensor<D>, rectified: bool) -> Tensor<D> {
        let moments = if input.device().is_autodiff() {
            let moments = channel_moments(&input);
            self.remember(&moments, input.shape().num_elements() / input.dims()[1]);
            moments
        } else {
            Tensor::stack(vec![self.running_mean.value(), self.running_var.value()], 0)
        };
        let (gamma, beta) = (self.gamma.val(), self.beta.val());
        normalisation(input, gamma, beta, moments, rectified)
    }

    /// Moves the running statistics towards a batch's `[2, channels]`.
    fn remember(&self, moments: &Tensor<2>, count: usize) {
        let unbiased = count as f64 / (count as f64 - 1.0).max(1.0);
        let channels = moments.dims()[1];
        let blend = |state: &RunningState<Tensor<1>>, row: usize, factor: f64| {
            let batch = moments.clone().slice([row..row + 1]).reshape([channels]);
            let old = state.value_sync().mul_scalar(1.0 - MOMENTUM);
            state.update((old + batch.detach().mul_scalar(MOMENTUM * factor)).detach());
            // burn holds an update back until the next one; records and digests, which
            // read the value without asking for it, would lack the last batch.
            state.value_sync();
        };
        blend(&self.running_mean, 0, 1.0);
        blend(&self.running_var, 1, unbiased);
    }
}
