//! What the objective needs of a place that computes losses.

use burn::tensor::Tensor;
use kernels_core::{
    barlow_twins::{BarlowTwins, BarlowTwinsOptions},
    sin_sim::{OtOptions, OtTerm, SinSim, SinSimOptions},
    swav::{Swav, SwavOptions},
    vicreg::{VicReg, VicRegOptions},
};

use super::{LossError, host::Host};
use crate::backend::BackendKind;

/// A loss, and its gradient: a matrix like the loss's argument, on its device.
pub(super) type WithGradient<R> = Result<(R, Tensor<2>), LossError>;

/// Losses of a matrix whose first half of rows is view A and second half view B, with
/// their gradients. Scratch memory is kept from call to call.
pub(super) trait Kernels {
    /// NT-Xent.
    fn nt_xent(&mut self, z: &Tensor<2>, temperature: f32) -> WithGradient<f32>;

    /// NT-Xent and the transport term.
    fn sin_sim(&mut self, z: &Tensor<2>, options: &SinSimOptions<f32>)
    -> WithGradient<SinSim<f32>>;

    /// The transport term alone.
    fn ot_term(&mut self, h: &Tensor<2>, options: &OtOptions<f32>) -> WithGradient<OtTerm<f32>>;

    /// BYOL's, of predictions against the other view's targets, both directions.
    fn byol(&mut self, prediction: &Tensor<2>, target: &Tensor<2>) -> WithGradient<f32>;

    /// VICReg.
    fn vicreg(&mut self, z: &Tensor<2>, options: &VicRegOptions<f32>) -> WithGradient<VicReg<f32>>;

    /// Barlow Twins.
    fn barlow_twins(
        &mut self,
        z: &Tensor<2>,
        options: &BarlowTwinsOptions<f32>,
    ) -> WithGradient<BarlowTwins<f32>>;

    /// SwAV's, of the scores of both views against the prototypes.
    fn swav(&mut self, scores: &Tensor<2>, options: &SwavOptions<f32>) -> WithGradient<Swav<f32>>;
}

/// The kernels for embeddings on the device of `backend`.
pub(super) fn of(backend: BackendKind) -> Box<dyn Kernels> {
    match backend {
        #[cfg(feature = "cuda")]
        BackendKind::Cuda => Box::new(super::gpu::Gpu::default()),
        _ => Box::new(Host::default()),
    }
}
