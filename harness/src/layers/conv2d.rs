//! Convolution as a differentiable operation, and the layer around it.
//!
//! burn's pure-Rust backend computes a convolution's kernel gradient as another
//! convolution with batch and channels exchanged, whose matrix products are badly
//! shaped, and repacks layouts on the way: half of a training step. Here the pure-Rust
//! backend uses [`convolve`](super::convolve), and LibTorch its own gradients.

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex, TensorMetadata,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind, binary},
        },
        backend_extension,
        tensor::FloatTensor,
    },
    module::{Module, Param},
    nn::Initializer,
    tensor::{Device, Tensor},
};

use super::{convolve, flex, unfold::Geometry};

/// Backends that have the operation, with its gradients.
#[backend_extension(Flex, LibTorch: cfg(feature = "torch"), Autodiff)]
pub(crate) trait Convolution: Backend {
    /// The convolution of `input` with `kernel`, both rank 4.
    fn convolution(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self>;

    /// Its gradient with respect to `input`.
    fn convolution_input_gradient(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self>;

    /// Its gradient with respect to `kernel`.
    fn convolution_kernel_gradient(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self>;
}

impl Convolution for Flex {
    fn convolution(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        let (input, kernel) = (flex::contiguous(&input), flex::contiguous(&kernel));
        let g = geometry(&input, &kernel, stride, padding);
        let batch = input.shape()[0];
        let mut output = vec![0.0; batch * g.image_out()];
        convolve::forward(
            &g,
            flex::numbers(&input),
            flex::numbers(&kernel),
            &mut output,
        );
        flex::tensor(
            output,
            [batch, g.channels_out, g.height_out(), g.width_out()],
        )
    }

    fn convolution_input_gradient(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        let g = geometry(&input, &kernel, stride, padding);
        let (kernel, gradient) = (flex::contiguous(&kernel), flex::contiguous(&gradient));
        let shape = input.shape();
        let mut out = vec![0.0; shape.num_elements()];
        convolve::backward_input(
            &g,
            flex::numbers(&gradient),
            flex::numbers(&kernel),
            &mut out,
        );
        flex::tensor(out, shape)
    }

    fn convolution_kernel_gradient(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        let g = geometry(&input, &kernel, stride, padding);
        let (input, gradient) = (flex::contiguous(&input), flex::contiguous(&gradient));
        let shape = kernel.shape();
        let mut out = vec![0.0; shape.num_elements()];
        convolve::backward_kernel(
            &g,
            flex::numbers(&input),
            flex::numbers(&gradient),
            &mut out,
        );
        flex::tensor(out, shape)
    }
}

fn geometry(
    input: &FloatTensor<Flex>,
    kernel: &FloatTensor<Flex>,
    stride: usize,
    padding: usize,
) -> Geometry {
    let (input, kernel) = (input.shape(), kernel.shape());
    Geometry {
        channels_in: input[1],
        height: input[2],
        width: input[3],
        channels_out: kernel[0],
        kernel: kernel[2],
        stride,
        padding,
    }
}

/// Backward step; the state holds input, kernel, stride and padding.
#[derive(Debug)]
struct ConvolutionBackward;

impl<B: Convolution> Backward<B, 2> for ConvolutionBackward {
    type State = (FloatTensor<B>, FloatTensor<B>, usize, usize);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let (input, kernel, stride, padding) = ops.state;
        let (x, k) = (input.clone(), kernel.clone());
        // Where a parent needs no gradient (the images), its closure is not called.
        binary::<B, _, _>(
            ops.parents,
            ops.node,
            grads,
            |grad| B::convolution_input_gradient(x, k, grad, stride, padding),
            |grad| B::convolution_kernel_gradient(input, kernel, grad, stride, padding),
        );
    }
}

impl<B: Convolution, C: CheckpointStrategy> Convolution for Autodiff<B, C> {
    fn convolution(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        let nodes = [input.node(), kernel.node()];
        let (input, kernel) = (input.into_primitive(), kernel.into_primitive());
        let output = B::convolution(input.clone(), kernel.clone(), stride, padding);
        match ConvolutionBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish((input, kernel, stride, padding), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn convolution_input_gradient(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        // Second derivatives are not needed by any loss here: the result is a constant.
        let out = B::convolution_input_gradient(
            input.into_primitive(),
            kernel.into_primitive(),
            gradient.into_primitive(),
            stride,
            padding,
        );
        <Self as burn::backend::AutodiffBackend>::from_inner(out)
    }

    fn convolution_kernel_gradient(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        let out = B::convolution_kernel_gradient(
            input.into_primitive(),
            kernel.into_primitive(),
            gradient.into_primitive(),
            stride,
            padding,
        );
        <Self as burn::backend::AutodiffBackend>::from_inner(out)
    }
}

/// The convolution of images `[batch, in, h, w]` with a kernel `[out, in, k, k]`,
/// without bias.
pub fn conv2d(input: Tensor<4>, kernel: Tensor<4>, stride: usize, padding: usize) -> Tensor<4> {
    let (input, kernel) = (input.into_dispatch(), kernel.into_dispatch());
    Tensor::from_dispatch(Dispatch::convolution(input, kernel, stride, padding))
}

/// A convolution with "same" padding at stride 1, without bias: batch norm follows.
#[derive(Module, Debug)]
pub struct Conv2d {
    weight: Param<Tensor<4>>,
    stride: usize,
    padding: usize,
}

impl Conv2d {
    /// Weights as torchvision's ResNet has them: normal with variance `2 / (k²·out)`
    /// (He et al. 2015, "fan out").
    pub fn new(from: usize, to: usize, kernel: usize, stride: usize, device: &Device) -> Self {
        let fan_out = (to * kernel * kernel) as f64;
        let normal = Initializer::Normal {
            mean: 0.0,
            std: (2.0 / fan_out).sqrt(),
        };
        let weight = normal.init([to, from, kernel, kernel], device);
        Self {
            weight,
            stride,
            padding: kernel / 2,
        }
    }

    /// Maps `[batch, from, h, w]` to `[batch, to, h', w']`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        conv2d(input, self.weight.val(), self.stride, self.padding)
    }
}
