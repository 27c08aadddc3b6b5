//! Slices of the pure-Rust backend's tensors, and tensors from vectors.

use burn::{
    backend::{Flex, FlexDevice, ops::FloatTensorOps, tensor::FloatTensor},
    tensor::{Shape, TensorData},
};

/// The same numbers in row-major order without gaps; no copy where they are already.
pub(super) fn contiguous(tensor: &FloatTensor<Flex>) -> FloatTensor<Flex> {
    tensor.to_contiguous()
}

/// The numbers of a [`contiguous`] tensor. This program computes in f32 on this
/// backend; of any other type there are none here, and shapes would not fit.
pub(super) fn numbers(tensor: &FloatTensor<Flex>) -> &[f32] {
    tensor.as_slice().unwrap_or(&[])
}

/// A tensor that takes over `values`.
pub(super) fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> FloatTensor<Flex> {
    Flex::float_from_data(TensorData::new(values, shape.into()), &FlexDevice)
}

/// The two rows of a matrix `[2, n]`.
pub(super) fn halves(tensor: &FloatTensor<Flex>) -> (&[f32], &[f32]) {
    let values = numbers(tensor);
    values.split_at(values.len() / 2)
}
