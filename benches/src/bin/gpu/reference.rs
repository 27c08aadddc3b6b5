//! The values of the timed calls in f64, on the CPU, of the same f32 inputs.

use benches::problem::{clouds, normal, rounded, views};
use kernels_core::cost::{Cost, cost_matrix};
use kernels_core::log_sum_exp::log_sum_exp;
use kernels_core::sinkhorn::{CostSource, Problem, SinkhornOptions, solve};
use kernels_core::{barlow_twins, byol, nt_xent, vicreg};

use crate::Answer;
use crate::workload::{EPSILON, Spec, TEMPERATURE};

impl Spec {
    /// The value in f64 on the CPU, where that takes seconds.
    pub fn reference(&self) -> Answer<Option<f64>> {
        let wide = |rows, dim| rounded::<f32>(&views(rows, dim)).into_iter().map(f64::from);
        Ok(match *self {
            Self::Sinkhorn {
                n, dim, iterations, ..
            } => Some(exact(n, dim, iterations)?),
            Self::NtXent { rows, dim } => {
                let mut room = vec![0.0; nt_xent::nt_xent_workspace_len(rows, dim)];
                let z: Vec<f64> = wide(rows, dim).collect();
                Some(nt_xent::nt_xent(&z, rows, dim, TEMPERATURE, &mut room)?)
            }
            Self::VicReg { rows, dim } => {
                let mut room = vec![0.0; vicreg::vicreg_workspace_len(rows, dim)];
                let z: Vec<f64> = wide(rows, dim).collect();
                let options = vicreg::VicRegOptions::default();
                Some(vicreg::vicreg(&z, rows, dim, &options, &mut room)?.loss)
            }
            Self::BarlowTwins { rows, dim } => {
                let mut room = vec![0.0; barlow_twins::barlow_twins_workspace_len(rows, dim)];
                let z: Vec<f64> = wide(rows, dim).collect();
                let options = barlow_twins::BarlowTwinsOptions::default();
                Some(barlow_twins::barlow_twins(&z, rows, dim, &options, &mut room)?.loss)
            }
            Self::Byol { rows, dim } => {
                let z: Vec<f64> = wide(rows, dim).collect();
                let target = rounded::<f32>(&normal(3_000_017, rows * dim));
                let target: Vec<f64> = target.into_iter().map(f64::from).collect();
                let mut grad = vec![0.0; rows * dim];
                Some(byol::byol_symmetric_with_grad(
                    &z, &target, rows, dim, &mut grad,
                )?)
            }
            Self::LogSumExp { side, of_rows } => {
                // Of 3 (u_i + v_j): 3 u_i, and the other side's sum.
                let (u, v) = (normal(1_000_003, side), normal(2_000_003, side));
                let (own, other) = if of_rows { (u, v) } else { (v, u) };
                let other: Vec<f64> = other.iter().map(|x| 3.0 * x).collect();
                let mean = own.iter().map(|x| 3.0 * x).sum::<f64>() / side as f64;
                Some(mean + log_sum_exp(&other))
            }
            Self::MatrixProduct { .. } => None,
        })
    }
}

/// The dual value after all iterations in f64, of the clouds as they are in f32.
fn exact(n: usize, dim: usize, iterations: usize) -> Answer<f64> {
    let (x, y) = clouds(n, n, dim, 0);
    let wide = |x: &[f64]| -> Vec<f64> { rounded::<f32>(x).into_iter().map(f64::from).collect() };
    let mut cost = vec![0.0; n * n];
    cost_matrix(
        Cost::SquaredEuclidean,
        &wide(&x),
        &wide(&y),
        n,
        n,
        dim,
        &mut cost,
    )?;
    let problem = Problem::new(CostSource::Matrix(&cost), n, n);
    let mut room = vec![0.0; problem.workspace_len()];
    let options = SinkhornOptions {
        epsilon: EPSILON,
        threshold: 0.0,
        max_iterations: iterations,
    };
    Ok(solve(&problem, &options, &mut room)?.value)
}
