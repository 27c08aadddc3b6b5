//! Normalisation of channels with an optional rectifier, as one differentiable
//! operation: `y = γ(x − μ)/√(variance + ε) + β`, then `max(y, 0)` if asked.
//!
//! burn composes training-mode batch norm from a dozen tensor operations, each a
//! pass over memory; this takes two passes forward and two backward. Formulas of the
//! gradients: [`channels`](super::channels).

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
    tensor::Tensor,
};

use super::{
    channels::{self, Line, Moments, Planes},
    flex,
};

/// PyTorch's constant ε.
pub const EPSILON: f64 = 1e-5;

/// Backends that have the operations.
#[backend_extension(Flex, LibTorch: cfg(feature = "torch"), Autodiff)]
pub(crate) trait Normalisation: Backend {
    /// Mean and biased variance of each channel, `[2, channels]`: not differentiable.
    fn channel_moments(input: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Differentiable in `input`, `gamma` and `beta`, with the moments (`[2, channels]`)
    /// as functions of the input.
    fn normalisation(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        rectified: bool,
    ) -> FloatTensor<Self>;
}

/// What the backward pass needs of the forward pass.
#[derive(Clone, Debug)]
pub(crate) struct Normalised<B: Backend> {
    pub(super) input: FloatTensor<B>,
    pub(super) gamma: FloatTensor<B>,
    pub(super) beta: FloatTensor<B>,
    pub(super) moments: FloatTensor<B>,
    /// What came out, where it was rectified.
    pub(super) rectified: Option<FloatTensor<B>>,
}

/// Backends that know the gradients.
pub(crate) trait NormalisationGradients: Normalisation {
    /// Gradients of input, γ and β.
    fn normalisation_gradients(
        forward: Normalised<Self>,
        gradient: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 3];
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
}

impl NormalisationGradients for Flex {
    fn normalisation_gradients(
        forward: Normalised<Self>,
        gradient: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 3] {
        let input = flex::contiguous(&forward.input);
        let gradient = flex::contiguous(&gradient);
        let lines = lines(
            &forward.gamma,
            &forward.beta,
            &forward.moments,
            forward.rectified.is_some(),
        );
        let (x, d) = (flex::numbers(&input), flex::numbers(&gradient));
        let (to_beta, to_gamma) = channels::sums(planes(&input), x, d, &lines);
        let mut to_input = vec![0.0; x.len()];
        let sums = (&to_beta[..], &to_gamma[..]);
        channels::input_gradient(planes(&input), x, d, &lines, sums, &mut to_input);
        [
            flex::tensor(to_input, input.shape()),
            flex::tensor(to_gamma, [lines.len()]),
            flex::tensor(to_beta, [lines.len()]),
        ]
    }
}

/// Backward step.
#[derive(Debug)]
struct NormalisationBackward;

impl<B: NormalisationGradients> Backward<B, 3> for NormalisationBackward {
    type State = Normalised<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = grads.consume::<B>(&ops.node);
        let gradients = B::normalisation_gradients(ops.state, gradient);
        for (node, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

impl<B: NormalisationGradients, C: CheckpointStrategy> Normalisation for Autodiff<B, C> {
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
        let [input, gamma, beta, moments] =
            [input, gamma, beta, moments].map(|tensor| tensor.into_primitive());
        let output = B::normalisation(
            input.clone(),
            gamma.clone(),
            beta.clone(),
            moments.clone(),
            rectified,
        );
        match NormalisationBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let rectified = rectified.then(|| output.clone());
                let forward = Normalised {
                    input,
                    gamma,
                    beta,
                    moments,
                    rectified,
                };
                prep.finish(forward, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}

/// Mean and biased variance of each channel, `[2, channels]`, as constants.
pub(super) fn channel_moments<const D: usize>(input: &Tensor<D>) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::channel_moments(input.clone().into_dispatch()))
}

/// The operation on tensors; `moments` are a batch's or, without autodiff, remembered.
pub(super) fn normalisation<const D: usize>(
    input: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    moments: Tensor<2>,
    rectified: bool,
) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::normalisation(
        input.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        moments.into_dispatch(),
        rectified,
    ))
}
