//! What the objective needs of a place that computes losses.

use burn::tensor::Tensor;
use kernels_core::sin_sim::{OtOptions, OtTerm, SinSim, SinSimOptions};

use super::{LossError, host::Host};
use crate::backend::BackendKind;

/// Losses of a matrix whose first half of rows is view A and second half view B, with
/// their gradients: matrices of the same shape on the same device. Scratch memory is
/// kept from call to call.
pub(super) trait Kernels {
    /// NT-Xent.
    fn nt_xent(&mut self, z: &Tensor<2>, temperature: f32) -> Result<(f32, Tensor<2>), LossError>;

    /// NT-Xent and the transport term.
    fn sin_sim(
        &mut self,
        z: &Tensor<2>,
        options: &SinSimOptions<f32>,
    ) -> Result<(SinSim<f32>, Tensor<2>), LossError>;

    /// The transport term alone.
    fn ot_term(
        &mut self,
        h: &Tensor<2>,
        options: &OtOptions<f32>,
    ) -> Result<(OtTerm<f32>, Tensor<2>), LossError>;
}

/// The kernels for embeddings on the device of `backend`.
pub(super) fn of(backend: BackendKind) -> Box<dyn Kernels> {
    match backend {
        #[cfg(feature = "cuda")]
        BackendKind::Cuda => Box::new(super::gpu::Gpu::default()),
        _ => Box::new(Host::default()),
    }
}
