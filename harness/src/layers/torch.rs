//! The layers' operations on LibTorch, by the kernels that PyTorch itself uses.
//!
//! burn's LibTorch backend has no gradients of its own: a convolution's are composed
//! from a transposed convolution and one with batch and channels exchanged, batch
//! norm's from some twenty operations, each a pass over memory. The kernels that do
//! these in one call take flags which the binding `tch` does not pass on;
//! [`libtorch`](crate::libtorch) calls them. Where that is not possible, burn's composition is the way.

use burn::{
    backend::{LibTorch, ops::ModuleOps, tensor::FloatTensor},
    tensor::ops::ConvOptions,
};
use tch::{IValue, Tensor};

use super::{
    conv2d::Convolution,
    normalisation::{EPSILON, Normalisation, NormalisationGradients, Normalised},
    residual::{RectifiedSum, RectifiedSumGradient},
};
use crate::libtorch;

type Float = FloatTensor<LibTorch>;

fn options(stride: usize, padding: usize) -> ConvOptions<2> {
    ConvOptions::new([stride; 2], [padding; 2], [1; 2], 1)
}

/// Arguments of the convolution's gradients.
fn arguments(x: &Float, kernel: &Float, gradient: &Float, sizes: [usize; 2]) -> Vec<IValue> {
    let tensors = [gradient, x, kernel];
    let tensors = tensors.map(|t| IValue::Tensor(t.tensor.shallow_clone()));
    let sizes = sizes.map(|size| IValue::Int(size as i64));
    tensors.into_iter().chain(sizes).collect()
}

impl Convolution for LibTorch {
    fn convolution(input: Float, kernel: Float, stride: usize, padding: usize) -> Float {
        Self::conv2d(input, kernel, None, options(stride, padding))
    }

    fn convolution_input_gradient(
        input: Float,
        kernel: Float,
        gradient: Float,
        stride: usize,
        padding: usize,
    ) -> Float {
        let arguments = arguments(&input, &kernel, &gradient, [stride, padding]);
        match libtorch::tensor("convolution_input_gradient", &arguments) {
            Some(out) => Float::new(out),
            None => Self::conv2d_x_backward(input, kernel, gradient, options(stride, padding)),
        }
    }

    fn convolution_kernel_gradient(
        input: Float,
        kernel: Float,
        gradient: Float,
        stride: usize,
        padding: usize,
    ) -> Float {
        let arguments = arguments(&input, &kernel, &gradient, [stride, padding]);
        match libtorch::tensor("convolution_kernel_gradient", &arguments) {
            Some(out) => Float::new(out),
            None => Self::conv2d_weight_backward(input, kernel, gradient, options(stride, padding)),
        }
    }
}

/// Mean and variance, the rows of `moments`.
fn rows(moments: &Float) -> [Tensor; 2] {
    [0, 1].map(|row| moments.tensor.select(0, row))
}

impl Normalisation for LibTorch {
    fn channel_moments(input: Float) -> Float {
        // Without running statistics to move, the momentum means nothing.
        let none = None::<&Tensor>;
        let (mean, variance) = input.tensor.batch_norm_update_stats(none, none, 0.0);
        Float::new(Tensor::stack(&[mean, variance], 0))
    }

    fn normalisation(
        input: Float,
        gamma: Float,
        beta: Float,
        moments: Float,
        rectified: bool,
    ) -> Float {
        let [mean, variance] = rows(&moments);
        let (mut output, _, _) = input.tensor.native_batch_norm(
            Some(&gamma.tensor),
            Some(&beta.tensor),
            Some(&mean),
            Some(&variance),
            false,
            0.0,
            EPSILON,
        );
        if rectified {
            output = output.relu_();
        }
        Float::new(output)
    }
}

impl NormalisationGradients for LibTorch {
    fn normalisation_gradients(forward: Normalised<Self>, gradient: Float) -> [Float; 3] {
        let Normalised { input, gamma, .. } = forward;
        let gradient = match forward.rectified {
            Some(output) => Self::rectified_gradient(output, gradient),
            None => gradient,
        };
        let [mean, variance] = rows(&forward.moments);
        let inverse = (&variance + EPSILON).rsqrt();
        let tensors = [
            &gradient.tensor,
            &input.tensor,
            &gamma.tensor,
            &mean,
            &inverse,
        ];
        let mut arguments: Vec<_> = tensors
            .map(|tensor| IValue::Tensor(tensor.shallow_clone()))
            .into();
        arguments.push(IValue::Double(EPSILON));
        libtorch::tensors("batch_norm_gradients", &arguments).map_or_else(
            || {
                let [mean, variance] = [mean, variance].map(Float::new);
                let out = Self::batch_norm_train_backward(
                    input, gamma, mean, variance, EPSILON, gradient,
                );
                [out.x_grad, out.gamma_grad, out.beta_grad]
            },
            |gradients| gradients.map(Float::new),
        )
    }
}

impl RectifiedSum for LibTorch {
    fn rectified_sum(a: Float, b: Float) -> Float {
        // In place on `a` where nobody else holds it.
        let sum =
            Float::binary_ops_tensor(a, b, |a, b| a.g_add_(b), |a, b| b.g_add_(a), |a, b| a + b);
        sum.unary_ops(|mut sum| sum.relu_(), Tensor::relu)
    }
}

impl RectifiedSumGradient for LibTorch {
    fn rectified_gradient(output: Float, gradient: Float) -> Float {
        let output = output.tensor;
        gradient.unary_ops(
            |own| output.threshold_backward_grad_input(&own, &own, 0.0),
            |shared| output.threshold_backward(shared, 0.0),
        )
    }
}
