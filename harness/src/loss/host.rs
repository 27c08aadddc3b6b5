//! The losses on the host, by `kernels-core`, for embeddings on any device.

use burn::tensor::{Tensor, TensorData};
use kernels_core::{
    barlow_twins::{
        BarlowTwins, BarlowTwinsOptions, barlow_twins_with_grad, barlow_twins_workspace_len,
    },
    byol::byol_symmetric_with_grad,
    nt_xent::{nt_xent_with_grad, nt_xent_workspace_len},
    sin_sim::{
        OtOptions, OtTerm, SinSim, SinSimOptions, ot_term_with_grad, ot_term_workspace_len,
        sin_sim_with_grad, sin_sim_workspace_len,
    },
    swav::{Swav, SwavOptions, swav_with_grad, swav_workspace_len},
    vicreg::{VicReg, VicRegOptions, vicreg_with_grad, vicreg_workspace_len},
};

use super::{
    LossError,
    kernels::{Kernels, WithGradient},
};

/// The host, with its scratch memory.
#[derive(Default)]
pub(super) struct Host {
    workspace: Vec<f32>,
}

/// A call's matrices: input, its shape, gradient, workspace.
struct Arrays<'a> {
    z: &'a [f32],
    rows: usize,
    dim: usize,
    grad: &'a mut [f32],
    workspace: &'a mut [f32],
}

impl Kernels for Host {
    fn nt_xent(&mut self, z: &Tensor<2>, temperature: f32) -> WithGradient<f32> {
        self.call(z, nt_xent_workspace_len, |on| {
            nt_xent_with_grad(on.z, on.rows, on.dim, temperature, on.grad, on.workspace)
        })
    }

    fn sin_sim(
        &mut self,
        z: &Tensor<2>,
        options: &SinSimOptions<f32>,
    ) -> WithGradient<SinSim<f32>> {
        self.call(z, sin_sim_workspace_len, |on| {
            sin_sim_with_grad(on.z, on.rows, on.dim, options, on.grad, on.workspace)
        })
    }

    fn ot_term(&mut self, h: &Tensor<2>, options: &OtOptions<f32>) -> WithGradient<OtTerm<f32>> {
        let len = |rows, dim| ot_term_workspace_len(rows / 2, dim);
        self.call(h, len, |on| {
            ot_term_with_grad(on.z, on.rows, on.dim, options, on.grad, on.workspace)
        })
    }

    fn byol(&mut self, prediction: &Tensor<2>, target: &Tensor<2>) -> WithGradient<f32> {
        let (_, target) = read(target)?;
        self.call(
            prediction,
            |_, _| 0,
            |on| byol_symmetric_with_grad(on.z, &target, on.rows, on.dim, on.grad),
        )
    }

    fn vicreg(&mut self, z: &Tensor<2>, options: &VicRegOptions<f32>) -> WithGradient<VicReg<f32>> {
        self.call(z, vicreg_workspace_len, |on| {
            vicreg_with_grad(on.z, on.rows, on.dim, options, on.grad, on.workspace)
        })
    }

    fn barlow_twins(
        &mut self,
        z: &Tensor<2>,
        options: &BarlowTwinsOptions<f32>,
    ) -> WithGradient<BarlowTwins<f32>> {
        self.call(z, barlow_twins_workspace_len, |on| {
            barlow_twins_with_grad(on.z, on.rows, on.dim, options, on.grad, on.workspace)
        })
    }

    fn swav(&mut self, scores: &Tensor<2>, options: &SwavOptions<f32>) -> WithGradient<Swav<f32>> {
        let len = |rows, prototypes| swav_workspace_len(rows / 2, prototypes);
        self.call(scores, len, |on| {
            let half = on.z.len() / 2;
            let (a, b) = on.z.split_at(half);
            let (grad_a, grad_b) = on.grad.split_at_mut(half);
            swav_with_grad(
                a,
                b,
                on.rows / 2,
                on.dim,
                options,
                grad_a,
                grad_b,
                on.workspace,
            )
        })
    }
}

impl Host {
    fn call<R>(
        &mut self,
        z: &Tensor<2>,
        workspace_len: impl FnOnce(usize, usize) -> usize,
        loss: impl FnOnce(Arrays<'_>) -> Result<R, kernels_core::Error>,
    ) -> WithGradient<R> {
        let ([rows, dim], values) = read(z)?;
        let mut gradient = vec![0.0; values.len()];
        self.workspace.resize(workspace_len(rows, dim), 0.0);
        let result = loss(Arrays {
            z: &values,
            rows,
            dim,
            grad: &mut gradient,
            workspace: &mut self.workspace,
        })?;
        let gradient = TensorData::new(gradient, [rows, dim]);
        Ok((result, Tensor::from_data(gradient, &z.device())))
    }
}

/// The values of a matrix on the tape, on the host.
pub(super) fn read(matrix: &Tensor<2>) -> Result<([usize; 2], Vec<f32>), LossError> {
    let values = matrix
        .clone()
        .into_data()
        .try_to_vec::<f32>()
        .map_err(|error| LossError::Read(format!("{error:?}")))?;
    Ok((matrix.dims(), values))
}
