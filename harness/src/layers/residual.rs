//! The end of a residual block, `max(a + b, 0)`, as one differentiable operation:
//! where it is positive the gradient goes to both, elsewhere to neither. Only the
//! result is kept for the backward pass.

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        ops::{ActivationOps, FloatTensorOps},
        tensor::FloatTensor,
    },
    tensor::Tensor,
};

/// Backends that have the operation.
#[backend_extension(Flex, LibTorch: cfg(feature = "torch"), Autodiff)]
pub(crate) trait RectifiedSum: Backend {
    /// `max(a + b, 0)` of tensors of one shape.
    fn rectified_sum(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// Backends that know its gradient.
pub(crate) trait RectifiedSumGradient: RectifiedSum {
    /// `gradient` where `output` is positive, else zero.
    fn rectified_gradient(
        output: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl RectifiedSum for Flex {
    fn rectified_sum(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::relu(Self::float_add(a, b))
    }
}

impl RectifiedSumGradient for Flex {
    fn rectified_gradient(
        output: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::relu_backward(output, gradient)
    }
}

/// Backward step; the state is what came out.
#[derive(Debug)]
struct RectifiedSumBackward;

impl<B: RectifiedSumGradient> Backward<B, 2> for RectifiedSumBackward {
    type State = FloatTensor<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = grads.consume::<B>(&ops.node);
        let gradient = B::rectified_gradient(ops.state, gradient);
        for node in ops.parents.into_iter().flatten() {
            grads.register::<B>(node.id, gradient.clone());
        }
    }
}

impl<B: RectifiedSumGradient, C: CheckpointStrategy> RectifiedSum for Autodiff<B, C> {
    fn rectified_sum(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [a.node(), b.node()];
        let output = B::rectified_sum(a.into_primitive(), b.into_primitive());
        match RectifiedSumBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish(output.clone(), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}

/// `max(a + b, 0)`.
pub fn add_relu(a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
    let (a, b) = (a.into_dispatch(), b.into_dispatch());
    Tensor::from_dispatch(Dispatch::rectified_sum(a, b))
}
