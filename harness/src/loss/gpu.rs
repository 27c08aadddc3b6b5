//! The losses on the GPU that the embeddings are on (feature `cuda`).
//!
//! LibTorch and `kernels-cuda` share the device's primary context, so a tensor's address
//! names an array for the kernels, and a tensor of LibTorch's is the memory for a gradient
//! or a workspace. Both put their work on the default stream, where it is done in order:
//! nobody waits for the other, and LibTorch may reuse memory as soon as a tensor is
//! dropped. What comes to the host is the loss, and how the transport ended.

// The kernels on another library's stream.
#![allow(unsafe_code)]

use burn::{
    backend::{LibTorch, tensor::FloatTensor},
    tensor::Tensor,
};
use kernels_core::{
    barlow_twins::{BarlowTwins, BarlowTwinsOptions},
    sin_sim::{OtOptions, OtTerm, SinSim, SinSimOptions},
    swav::{Swav, SwavOptions},
    vicreg::{VicReg, VicRegOptions},
};
use kernels_cuda::{
    Cuda, Global,
    barlow_twins::{barlow_twins_with_grad, barlow_twins_workspace_len},
    byol::{byol_symmetric_with_grad, byol_workspace_len},
    nt_xent::{nt_xent_with_grad, nt_xent_workspace_len},
    sin_sim::{ot_term_with_grad, ot_term_workspace_len, sin_sim_with_grad, sin_sim_workspace_len},
    vicreg::{vicreg_with_grad, vicreg_workspace_len},
};
use tch::Kind;

use super::{
    LossError,
    host::Host,
    kernels::{Kernels, WithGradient},
};
use crate::backend::GPU;

/// The GPU, once a loss was asked for, with its scratch memory.
#[derive(Default)]
pub(super) struct Gpu {
    cuda: Option<Cuda>,
    workspace: Option<tch::Tensor>,
    host: Host,
}

impl Kernels for Gpu {
    fn nt_xent(&mut self, z: &Tensor<2>, temperature: f32) -> WithGradient<f32> {
        self.call(z, nt_xent_workspace_len, |cuda, [rows, dim], on| {
            nt_xent_with_grad(cuda, on.z, rows, dim, temperature, on.grad, on.workspace)
        })
    }

    fn sin_sim(
        &mut self,
        z: &Tensor<2>,
        options: &SinSimOptions<f32>,
    ) -> WithGradient<SinSim<f32>> {
        self.call(z, sin_sim_workspace_len, |cuda, [rows, dim], on| {
            sin_sim_with_grad(cuda, on.z, rows, dim, options, on.grad, on.workspace)
        })
    }

    fn ot_term(&mut self, h: &Tensor<2>, options: &OtOptions<f32>) -> WithGradient<OtTerm<f32>> {
        let len = |rows, dim| ot_term_workspace_len(rows / 2, dim);
        self.call(h, len, |cuda, [rows, dim], on| {
            ot_term_with_grad(cuda, on.z, rows, dim, options, on.grad, on.workspace)
        })
    }

    fn byol(&mut self, prediction: &Tensor<2>, target: &Tensor<2>) -> WithGradient<f32> {
        let target = plain(on_gpu(target)?)?;
        let len = |rows, _| byol_workspace_len(rows);
        self.call(prediction, len, |cuda, [rows, dim], on| {
            let (t, grad) = (array(&target), on.grad);
            byol_symmetric_with_grad(cuda, on.z, t, rows, dim, grad, on.workspace)
        })
    }

    fn vicreg(&mut self, z: &Tensor<2>, options: &VicRegOptions<f32>) -> WithGradient<VicReg<f32>> {
        self.call(z, vicreg_workspace_len, |cuda, [rows, dim], on| {
            vicreg_with_grad(cuda, on.z, rows, dim, options, on.grad, on.workspace)
        })
    }

    fn barlow_twins(
        &mut self,
        z: &Tensor<2>,
        options: &BarlowTwinsOptions<f32>,
    ) -> WithGradient<BarlowTwins<f32>> {
        self.call(z, barlow_twins_workspace_len, |cuda, [rows, dim], on| {
            barlow_twins_with_grad(cuda, on.z, rows, dim, options, on.grad, on.workspace)
        })
    }

    /// On the host: three iterations on a small matrix are not worth a kernel of their own.
    fn swav(&mut self, scores: &Tensor<2>, options: &SwavOptions<f32>) -> WithGradient<Swav<f32>> {
        self.host.swav(scores, options)
    }
}

/// Arrays of a call.
struct Arrays {
    z: Global<f32>,
    grad: Global<f32>,
    workspace: Global<f32>,
}

impl Gpu {
    /// Calls a loss on the memory of `z`; its result, and the gradient that it wrote.
    fn call<R>(
        &mut self,
        z: &Tensor<2>,
        workspace_len: impl FnOnce(usize, usize) -> usize,
        loss: impl FnOnce(&Cuda, [usize; 2], Arrays) -> Result<R, kernels_cuda::Error>,
    ) -> Result<(R, Tensor<2>), LossError> {
        let [rows, dim] = z.dims();
        let input = plain(on_gpu(z)?)?;
        let gradient = input.f_empty_like()?;
        let cuda = match &self.cuda {
            Some(cuda) => cuda,
            None => self.cuda.insert(open()?),
        };
        let workspace = scratch(&mut self.workspace, workspace_len(rows, dim))?;
        let arrays = Arrays {
            z: array(&input),
            grad: array(&gradient),
            workspace: array(workspace),
        };
        let result = loss(cuda, [rows, dim], arrays).map_err(|error| match error {
            kernels_cuda::Error::Device(error) => LossError::Device(error),
            kernels_cuda::Error::Kernel(error) => LossError::Kernel(error),
            error => LossError::Read(error.to_string()),
        })?;
        Ok((result, constant(gradient)))
    }
}

/// A tensor of LibTorch's as a constant for the tape.
fn constant(tensor: tch::Tensor) -> Tensor<2> {
    let tensor = FloatTensor::<LibTorch>::new(tensor);
    Tensor::from_inner(Tensor::from_primitive::<LibTorch>(tensor))
}

/// The kernels, after and before what LibTorch does on the device.
fn open() -> Result<Cuda, LossError> {
    // SAFETY: null is the default stream, which every context has as long as it lives. It
    // is LibTorch's current stream, as nothing here sets another.
    Ok(unsafe { Cuda::on_stream(GPU as u32, std::ptr::null_mut()) }?)
}

/// LibTorch's tensor behind a matrix, if the kernels can use it.
fn on_gpu(z: &Tensor<2>) -> Result<tch::Tensor, LossError> {
    let tensor = z.clone().inner().try_into_primitive::<LibTorch>();
    let tensor = tensor.map_err(|error| LossError::Read(format!("{error:?}")))?;
    let (kind, device) = (tensor.tensor.kind(), tensor.tensor.device());
    if (kind, device) != (Kind::Float, tch::Device::Cuda(GPU)) {
        return Err(LossError::Read(format!(
            "expected f32 on GPU {GPU}, got {kind:?} on {device:?}"
        )));
    }
    Ok(tensor.tensor.shallow_clone())
}

/// The same numbers as kernels read them, sixteen bytes at a time: row after row, from a
/// multiple of sixteen on. No copy where they are so already, as those of a layer are.
fn plain(tensor: tch::Tensor) -> Result<tch::Tensor, LossError> {
    let tensor = tensor.f_contiguous()?;
    if (tensor.data_ptr() as usize).is_multiple_of(16) {
        return Ok(tensor);
    }
    let mut copy = tensor.f_empty_like()?;
    copy.f_copy_(&tensor)?;
    Ok(copy)
}

/// At least `len` elements that are kept.
fn scratch(kept: &mut Option<tch::Tensor>, len: usize) -> Result<&tch::Tensor, LossError> {
    let enough = kept.take().filter(|tensor| tensor.numel() >= len);
    let tensor = match enough {
        Some(tensor) => tensor,
        None => {
            let len = i64::try_from(len).unwrap_or(i64::MAX);
            tch::Tensor::f_empty([len], (Kind::Float, tch::Device::Cuda(GPU)))?
        }
    };
    Ok(kept.insert(tensor))
}

/// A contiguous tensor's memory, for as long as the tensor lives.
fn array(tensor: &tch::Tensor) -> Global<f32> {
    Global::new(tensor.data_ptr() as u64, tensor.numel())
}

/// What needs no GPU; the losses themselves are in `tests.rs` of this folder.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::{backend::BackendKind, loss::with_known_gradient};

    #[test]
    fn a_gradient_in_libtorch_s_memory_goes_on_the_tape() {
        let device = BackendKind::Torch.device().unwrap().autodiff();
        let x = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0]], &device).require_grad();
        let gradient = tch::Tensor::from_slice(&[1.0_f32, 2.0, 3.0, 4.0]).reshape([2, 2]);
        let loss = with_known_gradient(x.clone() * 2.0, 7.5, constant(gradient));
        let grads = (loss * 10.0).backward();
        let got = x.grad(&grads).unwrap().into_data().try_to_vec::<f32>();
        // Products of small whole numbers are exact.
        assert_eq!(got.unwrap(), [20.0, 40.0, 60.0, 80.0]);
    }

    #[test]
    fn a_tensor_elsewhere_is_refused() {
        let device = BackendKind::Torch.device().unwrap().autodiff();
        let z = Tensor::<2>::zeros([2, 3], &device);
        let message = on_gpu(&z).unwrap_err().to_string();
        assert!(
            message.contains("expected f32 on GPU 0, got Float on Cpu"),
            "{message}"
        );
        let z = Tensor::<2>::zeros([2, 3], &burn::tensor::Device::flex().autodiff());
        assert!(on_gpu(&z).is_err());
    }

    #[test]
    fn kernels_get_rows_one_after_the_other_from_a_multiple_of_16_bytes_on() {
        let whole = tch::Tensor::arange(12, (Kind::Float, tch::Device::Cpu)).reshape([3, 4]);
        for view in [whole.shallow_clone(), whole.tr(), whole.narrow(1, 1, 2)] {
            let same = plain(view.shallow_clone()).unwrap();
            assert!(same.is_contiguous() && same.equal(&view));
        }
        assert_eq!(
            plain(whole.shallow_clone()).unwrap().data_ptr(),
            whole.data_ptr()
        );
        let odd = whole.view([12]).narrow(0, 1, 8);
        let moved = plain(odd.shallow_clone()).unwrap();
        assert!(moved.equal(&odd) && (moved.data_ptr() as usize).is_multiple_of(16));
    }
}
