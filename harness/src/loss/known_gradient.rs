//! The one differentiable operation through which every loss enters the graph.
//!
//! `kernels-core` returns a loss together with its gradient. This operation puts
//! both on the tape: its value is the loss, and its backward pass multiplies the
//! gradient, which is known already, by what arrives from above. No loss is ever
//! written again in tensor code, and a loss that comes from another device
//! (a GPU kernel, say) enters the same way.

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex, TensorMetadata,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind, unary},
        },
        backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Shape, Tensor},
};

/// Backends that can carry [`with_known_gradient`].
#[backend_extension(Flex, LibTorch: cfg(feature = "torch"), Autodiff)]
pub(crate) trait KnownGradient: Backend {
    /// Returns `value`; `gradient` is that of `value` with respect to `input`.
    fn known_gradient(
        input: FloatTensor<Self>,
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl KnownGradient for Flex {
    fn known_gradient(
        _input: FloatTensor<Self>,
        value: FloatTensor<Self>,
        _gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        value
    }
}

#[cfg(feature = "torch")]
impl KnownGradient for burn::backend::LibTorch {
    fn known_gradient(
        _input: FloatTensor<Self>,
        value: FloatTensor<Self>,
        _gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        value
    }
}

/// Backward step: the state is the gradient itself.
#[derive(Debug)]
struct KnownGradientBackward;

impl<B: Backend> Backward<B, 1> for KnownGradientBackward {
    type State = FloatTensor<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |upstream| {
            // `upstream` is a vector of one number; broadcast it over the rows.
            let rank = gradient.shape().num_dims();
            let upstream = B::float_reshape(upstream, Shape::from(vec![1; rank]));
            B::float_mul(gradient, upstream)
        });
    }
}

impl<B: KnownGradient, C: CheckpointStrategy> KnownGradient for Autodiff<B, C> {
    fn known_gradient(
        input: FloatTensor<Self>,
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let value = value.into_primitive();
        let gradient = gradient.into_primitive();
        match KnownGradientBackward
            .prepare::<C>([input.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish(gradient, value),
            OpsKind::UnTracked(prep) => prep.finish(value),
        }
    }
}

/// A scalar with the value `value` whose gradient with respect to `input` is
/// `gradient`, which is of `input`'s shape and on its device.
pub fn with_known_gradient(input: Tensor<2>, value: f32, gradient: Tensor<2>) -> Tensor<1> {
    let value = Tensor::<1>::from_floats([value], &input.device()).into_dispatch();
    Tensor::from_dispatch(Dispatch::known_gradient(
        input.into_dispatch(),
        value,
        gradient.into_dispatch(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn the_gradient_arrives_times_what_comes_from_above() {
        let device = Device::flex().autodiff();
        let x = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0]], &device).require_grad();
        let gradient = Tensor::from_floats([[0.1, 0.2], [0.3, 0.4]], &device);
        let loss = with_known_gradient(x.clone() * 2.0, 7.5, gradient);
        assert_eq!(loss.clone().into_scalar::<f32>(), 7.5);
        let grads = (loss * 10.0).backward();
        let got = x.grad(&grads).map(|g| g.into_data().try_to_vec::<f32>());
        // 10 from above times the known gradient times the factor 2 below: exact in f32
        // up to the rounding of the three literals.
        let expected = [2.0_f32, 4.0, 6.0, 8.0];
        for (got, expected) in got.unwrap().unwrap().iter().zip(expected) {
            assert!((got - expected).abs() <= 1e-6, "{got} is not {expected}");
        }
    }
}
