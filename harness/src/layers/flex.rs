//! Slices of the pure-Rust backend's tensors, and tensors from vectors.

use burn::{
    backend::{Flex, FlexDevice, ops::FloatTensorOps, tensor::FloatTensor},
    tensor::{DType, Shape, TensorData},
};

/// The same numbers in row-major order without gaps; no copy where they are already.
pub(crate) fn contiguous(tensor: &FloatTensor<Flex>) -> FloatTensor<Flex> {
    tensor.to_contiguous()
}

/// The numbers of a [`contiguous`] tensor. This program computes in f32 on this
/// backend; of any other type there are none here, and shapes would not fit.
pub(crate) fn numbers(tensor: &FloatTensor<Flex>) -> &[f32] {
    tensor.as_slice().unwrap_or(&[])
}

/// The same numbers in row-major order, to be written to; a copy where others hold them.
pub(crate) fn owned(tensor: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let contiguous = tensor.to_contiguous();
    // From here on this handle is the only one, unless there are others outside.
    drop(tensor);
    contiguous
}

/// The numbers of an [`owned`] tensor.
pub(crate) fn numbers_mut(tensor: &mut FloatTensor<Flex>) -> &mut [f32] {
    if tensor.dtype() == DType::F32 {
        tensor.storage_mut()
    } else {
        &mut []
    }
}

/// A tensor that takes over `values`.
pub(crate) fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> FloatTensor<Flex> {
    Flex::float_from_data(TensorData::new(values, shape.into()), &FlexDevice)
}

/// The two rows of a matrix `[2, n]`.
pub(crate) fn halves(tensor: &FloatTensor<Flex>) -> (&[f32], &[f32]) {
    let values = numbers(tensor);
    values.split_at(values.len() / 2)
}
