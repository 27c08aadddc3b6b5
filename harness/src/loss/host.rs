//! The losses on the host, by `kernels-core`, for embeddings on any device.

use burn::tensor::{Tensor, TensorData};
use kernels_core::{
    nt_xent::{nt_xent_with_grad, nt_xent_workspace_len},
    sin_sim::{
        OtOptions, OtTerm, SinSim, SinSimOptions, ot_term_with_grad, ot_term_workspace_len,
        sin_sim_with_grad, sin_sim_workspace_len,
    },
};

use super::{LossError, kernels::Kernels};

/// The host, with its scratch memory.
#[derive(Default)]
pub(super) struct Host {
    workspace: Vec<f32>,
}

impl Kernels for Host {
    fn nt_xent(&mut self, z: &Tensor<2>, temperature: f32) -> Result<(f32, Tensor<2>), LossError> {
        let ([rows, dim], values) = read(z)?;
        let mut gradient = vec![0.0; values.len()];
        let workspace = resize(&mut self.workspace, nt_xent_workspace_len(rows, dim));
        let loss = nt_xent_with_grad(&values, rows, dim, temperature, &mut gradient, workspace)?;
        Ok((loss, beside(z, gradient)))
    }

    fn sin_sim(
        &mut self,
        z: &Tensor<2>,
        options: &SinSimOptions<f32>,
    ) -> Result<(SinSim<f32>, Tensor<2>), LossError> {
        let ([rows, dim], values) = read(z)?;
        let mut gradient = vec![0.0; values.len()];
        let workspace = resize(&mut self.workspace, sin_sim_workspace_len(rows, dim));
        let out = sin_sim_with_grad(&values, rows, dim, options, &mut gradient, workspace)?;
        Ok((out, beside(z, gradient)))
    }

    fn ot_term(
        &mut self,
        h: &Tensor<2>,
        options: &OtOptions<f32>,
    ) -> Result<(OtTerm<f32>, Tensor<2>), LossError> {
        let ([rows, dim], values) = read(h)?;
        let mut gradient = vec![0.0; values.len()];
        let workspace = resize(&mut self.workspace, ot_term_workspace_len(rows / 2, dim));
        let ot = ot_term_with_grad(&values, rows, dim, options, &mut gradient, workspace)?;
        Ok((ot, beside(h, gradient)))
    }
}

/// The values of a matrix on the tape, on the host.
fn read(matrix: &Tensor<2>) -> Result<([usize; 2], Vec<f32>), LossError> {
    let values = matrix
        .clone()
        .into_data()
        .try_to_vec::<f32>()
        .map_err(|error| LossError::Read(format!("{error:?}")))?;
    Ok((matrix.dims(), values))
}

/// A gradient on the device of its matrix, row-major and of its shape.
fn beside(matrix: &Tensor<2>, gradient: Vec<f32>) -> Tensor<2> {
    let data = TensorData::new(gradient, matrix.dims());
    Tensor::from_data(data, &matrix.device())
}

fn resize(workspace: &mut Vec<f32>, len: usize) -> &mut [f32] {
    workspace.resize(len, 0.0);
    workspace
}
