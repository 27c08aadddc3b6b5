//! Batch norm with an optional rectifier, as one differentiable operation on the
//! pure-Rust backend, and the layer around it.
//!
//! burn composes training-mode batch norm from a dozen tensor operations, each a
//! pass over memory; this takes two passes forward and two backward. Running
//! statistics follow PyTorch: the biased variance normalises, the unbiased one is
//! remembered (burn's own layer remembers the biased one).

use burn::{
    backend::{
        Autodiff, AutodiffBackend, Backend, Dispatch, Flex, TensorMetadata,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        tensor::FloatTensor,
    },
    module::{Module, Param, RunningState},
    nn::Initializer,
    tensor::{Device, Tensor, activation::relu},
};

use super::{
    channels::{self, Line, Moments, Planes},
    flex,
};

/// PyTorch's constants.
const EPSILON: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

/// Backends that have the fused operations.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait Normalisation: Backend {
    /// Mean and biased variance of each channel, `[2, channels]`: not differentiable.
    fn channel_moments(input: FloatTensor<Self>) -> FloatTensor<Self>;

    /// `γ(x − μ)/√(variance + ε) + β`, rectified if asked; differentiable in `input`,
    /// `gamma` and `beta`, with the moments as functions of the input.
    fn normalisation(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        rectified: bool,
    ) -> FloatTensor<Self>;

    /// Gradients of β and γ, `[2, channels]`.
    fn normalisation_sums(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        rectified: bool,
    ) -> FloatTensor<Self>;

    /// Gradient of the input, given those sums.
    fn normalisation_input_gradient(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        sums: FloatTensor<Self>,
        rectified: bool,
    ) -> FloatTensor<Self>;
}

/// Channels and positions of a batch.
fn planes(input: &FloatTensor<Flex>) -> Planes {
    let shape = input.shape();
    let positions = shape.iter().skip(2).product();
    Planes {
        channels: shape[1],
        positions,
    }
}

/// Lines of the channels, from the tensors that hold their parts.
fn lines(
    gamma: &FloatTensor<Flex>,
    beta: &FloatTensor<Flex>,
    moments: &FloatTensor<Flex>,
    rectified: bool,
) -> Vec<Line> {
    let [gamma, beta, moments] = [gamma, beta, moments].map(flex::contiguous);
    let (mean, variance) = flex::halves(&moments);
    let moments = mean.iter().zip(variance);
    let moments: Vec<Moments> = moments
        .map(|(&mean, &variance)| Moments { mean, variance })
        .collect();
    let (gamma, beta) = (flex::numbers(&gamma), flex::numbers(&beta));
    channels::lines(&moments, gamma, beta, EPSILON as f32, rectified)
}

impl Normalisation for Flex {
    fn channel_moments(input: FloatTensor<Self>) -> FloatTensor<Self> {
        let input = flex::contiguous(&input);
        let moments = channels::moments(planes(&input), flex::numbers(&input));
        let values = moments
            .iter()
            .map(|m| m.mean)
            .chain(moments.iter().map(|m| m.variance));
        flex::tensor(values.collect(), [2, moments.len()])
    }

    fn normalisation(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        rectified: bool,
    ) -> FloatTensor<Self> {
        let input = flex::contiguous(&input);
        let lines = lines(&gamma, &beta, &moments, rectified);
        let mut output = vec![0.0; input.shape().num_elements()];
        channels::normalise(planes(&input), flex::numbers(&input), &lines, &mut output);
        flex::tensor(output, input.shape())
    }

    fn normalisation_sums(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        rectified: bool,
    ) -> FloatTensor<Self> {
        let (input, gradient) = (flex::contiguous(&input), flex::contiguous(&gradient));
        let lines = lines(&gamma, &beta, &moments, rectified);
        let (x, d) = (flex::numbers(&input), flex::numbers(&gradient));
        let (mut sums, gamma) = channels::sums(planes(&input), x, d, &lines);
        sums.extend(gamma);
        flex::tensor(sums, [2, lines.len()])
    }

    fn normalisation_input_gradient(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        sums: FloatTensor<Self>,
        rectified: bool,
    ) -> FloatTensor<Self> {
        let (input, gradient) = (flex::contiguous(&input), flex::contiguous(&gradient));
        let lines = lines(&gamma, &beta, &moments, rectified);
        let mut out = vec![0.0; input.shape().num_elements()];
        let (x, d) = (flex::numbers(&input), flex::numbers(&gradient));
        channels::input_gradient(planes(&input), x, d, &lines, flex::halves(&sums), &mut out);
        flex::tensor(out, input.shape())
    }
}

/// Backward step; the state holds input, γ, β, moments and whether it is rectified.
#[derive(Debug)]
struct NormalisationBackward;

impl<B: Normalisation> Backward<B, 3> for NormalisationBackward {
    type State = ([FloatTensor<B>; 4], bool);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let ([input, gamma, beta, moments], rectified) = ops.state;
        let [to_input, to_gamma, to_beta] = ops.parents;
        let gradient = grads.consume::<B>(&ops.node);
        let sums = B::normalisation_sums(
            input.clone(),
            gamma.clone(),
            beta.clone(),
            moments.clone(),
            gradient.clone(),
            rectified,
        );
        let shape = gamma.shape();
        let half = |from: usize| {
            let slice = burn::tensor::Slice::from(from..from + 1);
            B::float_reshape(B::float_slice(sums.clone(), &[slice]), shape.clone())
        };
        if let Some(node) = to_beta {
            grads.register::<B>(node.id, half(0));
        }
        if let Some(node) = to_gamma {
            grads.register::<B>(node.id, half(1));
        }
        if let Some(node) = to_input {
            let out = B::normalisation_input_gradient(
                input, gamma, beta, moments, gradient, sums, rectified,
            );
            grads.register::<B>(node.id, out);
        }
    }
}

impl<B: Normalisation, C: CheckpointStrategy> Normalisation for Autodiff<B, C> {
    fn channel_moments(input: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::from_inner(B::channel_moments(input.into_primitive()))
    }

    fn normalisation(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        rectified: bool,
    ) -> FloatTensor<Self> {
        let nodes = [input.node(), gamma.node(), beta.node()];
        let parts = [input, gamma, beta, moments].map(|tensor| tensor.into_primitive());
        let [x, gamma, beta, moments] = parts.clone();
        let output = B::normalisation(x, gamma, beta, moments, rectified);
        match NormalisationBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish((parts, rectified), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn normalisation_sums(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        rectified: bool,
    ) -> FloatTensor<Self> {
        let [x, gamma, beta, moments, gradient] =
            [input, gamma, beta, moments, gradient].map(|tensor| tensor.into_primitive());
        Self::from_inner(B::normalisation_sums(
            x, gamma, beta, moments, gradient, rectified,
        ))
    }

    fn normalisation_input_gradient(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        sums: FloatTensor<Self>,
        rectified: bool,
    ) -> FloatTensor<Self> {
        let [x, gamma, beta, moments, gradient, sums] =
            [input, gamma, beta, moments, gradient, sums].map(|tensor| tensor.into_primitive());
        Self::from_inner(B::normalisation_input_gradient(
            x, gamma, beta, moments, gradient, sums, rectified,
        ))
    }
}

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
        let device = input.device();
        let ours = device.clone().without_autodiff() == Device::flex();
        match (device.is_autodiff(), ours) {
            (true, true) => self.train_fused(input, rectified),
            (false, true) => {
                let moments = Tensor::stack::<2>(
                    vec![self.running_mean.value(), self.running_var.value()],
                    0,
                );
                self.fused(input, moments, rectified)
            }
            (training, false) => {
                let output = if training {
                    self.train(input)
                } else {
                    self.infer(input)
                };
                if rectified { relu(output) } else { output }
            }
        }
    }

    fn fused<const D: usize>(
        &self,
        input: Tensor<D>,
        moments: Tensor<2>,
        rectified: bool,
    ) -> Tensor<D> {
        Tensor::from_dispatch(Dispatch::normalisation(
            input.into_dispatch(),
            self.gamma.val().into_dispatch(),
            self.beta.val().into_dispatch(),
            moments.into_dispatch(),
            rectified,
        ))
    }

    fn train_fused<const D: usize>(&self, input: Tensor<D>, rectified: bool) -> Tensor<D> {
        let count = input.shape().num_elements() / input.dims()[1];
        let moments: Tensor<2> =
            Tensor::from_dispatch(Dispatch::channel_moments(input.clone().into_dispatch()));
        let channels = input.dims()[1];
        let mean = moments.clone().slice([0..1]).reshape([channels]);
        let variance = moments.clone().slice([1..2]).reshape([channels]);
        self.remember(mean, variance, count);
        self.fused(input, moments, rectified)
    }

    fn train<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let count = input.shape().num_elements() / input.dims()[1];
        let (gamma, beta) = (self.gamma.val(), self.beta.val());
        let out = burn::tensor::module::batch_norm_train(input, gamma, beta, EPSILON);
        self.remember(out.mean, out.variance, count);
        out.output
    }

    fn infer<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let (mean, variance) = (self.running_mean.value(), self.running_var.value());
        let (gamma, beta) = (self.gamma.val(), self.beta.val());
        burn::tensor::module::batch_norm(input, gamma, beta, mean, variance, EPSILON)
    }

    /// Moves the running statistics towards a batch's.
    fn remember(&self, mean: Tensor<1>, variance: Tensor<1>, count: usize) {
        let unbiased = count as f64 / (count as f64 - 1.0).max(1.0);
        let blend = |state: &RunningState<Tensor<1>>, batch: Tensor<1>, factor: f64| {
            let old = state.value_sync().mul_scalar(1.0 - MOMENTUM);
            state.update((old + batch.detach().mul_scalar(MOMENTUM * factor)).detach());
            // burn holds an update back until the next one; records and digests, which
            // read the value without asking for it, would lack the last batch.
            state.value_sync();
        };
        blend(&self.running_mean, mean, 1.0);
        blend(&self.running_var, variance, unbiased);
    }
}
