//! What is timed: buffers made once, as a training loop would, and a call to repeat.

use benches::problem::{clouds, normal, rounded, views};
use kernels_core::cost::{Cost, cost_matrix};
use kernels_core::sinkhorn::SinkhornOptions;
use kernels_cuda::matrix_product::{Form, matrix_product};
use kernels_cuda::sinkhorn::{CostSource, Problem, State};
use kernels_cuda::{Buffer, Device, device::read};
use kernels_cuda::{barlow_twins as bt, byol, log_sum_exp as lse, nt_xent as nt, vicreg as vr};
use serde_json::{Value, json};

use crate::Answer;

/// Strength of the entropic term.
pub const EPSILON: f64 = 0.05;
/// Temperature of NT-Xent.
pub const TEMPERATURE: f64 = 0.5;

/// A function and its size.
#[derive(Clone, Copy, Debug)]
pub enum Spec {
    /// Transport between n and n unit vectors; `points`: the cost matrix is part of the call.
    Sinkhorn {
        n: usize,
        dim: usize,
        iterations: usize,
        points: bool,
        /// Without a matrix.
        streamed: bool,
    },
    /// NT-Xent with its gradient, rows of both views.
    NtXent { rows: usize, dim: usize },
    /// VICReg with its gradient.
    VicReg { rows: usize, dim: usize },
    /// Barlow Twins with its gradient.
    BarlowTwins { rows: usize, dim: usize },
    /// BYOL with its gradient.
    Byol { rows: usize, dim: usize },
    /// Log-sum-exp of a square matrix.
    LogSumExp { side: usize, of_rows: bool },
    /// A product of square matrices.
    MatrixProduct { side: usize },
}

/// What a call leaves.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// The loss, or the mean of what came out.
    pub value: f64,
    /// Of transport, if asked for.
    pub potentials: Option<(Vec<f64>, Vec<f64>)>,
}

/// A call; whether to read back all that it leaves.
pub type Call<'d> = Box<dyn FnMut(bool) -> Answer<Output> + 'd>;

/// The same matrix in every program: `x_ij = 3 (u_i + v_j)`.
fn separable(side: usize) -> Vec<f64> {
    let (u, v) = (normal(1_000_003, side), normal(2_000_003, side));
    let row = |&u: &f64| v.iter().map(move |v| 3.0 * (u + v)).collect::<Vec<_>>();
    u.iter().flat_map(row).collect()
}

fn mean(values: &[f32]) -> f64 {
    values.iter().map(|&x| f64::from(x)).sum::<f64>() / values.len().max(1) as f64
}

impl Spec {
    /// The problem, as lines name it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sinkhorn { points: true, .. } => "sinkhorn with cost",
            Self::Sinkhorn { .. } => "sinkhorn",
            Self::NtXent { .. } => "nt_xent",
            Self::VicReg { .. } => "vicreg",
            Self::BarlowTwins { .. } => "barlow_twins",
            Self::Byol { .. } => "byol",
            Self::LogSumExp { of_rows: true, .. } => "log_sum_exp of rows",
            Self::LogSumExp { .. } => "log_sum_exp of columns",
            Self::MatrixProduct { .. } => "matrix_product",
        }
    }

    /// Who is timed, as lines name it.
    pub fn peer(&self) -> &'static str {
        match self {
            Self::Sinkhorn { streamed: true, .. } => "sinsim streamed",
            _ => "sinsim",
        }
    }

    /// The fields of its lines: n (rows of both views, points, a side) and d.
    pub fn fields(&self) -> Value {
        let (n, d) = match *self {
            Self::Sinkhorn { n, dim, .. } => (n, dim),
            Self::NtXent { rows, dim }
            | Self::VicReg { rows, dim }
            | Self::BarlowTwins { rows, dim }
            | Self::Byol { rows, dim } => (rows, dim),
            Self::LogSumExp { side, .. } | Self::MatrixProduct { side } => (side, side),
        };
        let mut fields = json!({ "problem": self.name(), "n": n, "d": d, "dtype": "f32" });
        if let Self::Sinkhorn { iterations, .. } = *self {
            fields["eps"] = json!(EPSILON);
            fields["iters"] = json!(iterations);
        }
        fields
    }

    /// The call, with its buffers.
    pub fn prepare<'d, D: Device>(&self, device: &'d D) -> Answer<Call<'d>> {
        match *self {
            Self::Sinkhorn {
                n,
                dim,
                iterations,
                points,
                streamed,
            } => sinkhorn(device, n, dim, iterations, (points, streamed)),
            Self::NtXent { rows, dim } => {
                let temperature = TEMPERATURE as f32;
                let room = nt::nt_xent_workspace_len(rows, dim);
                batch(device, rows, dim, room, move |z, grad, room| {
                    let loss =
                        nt::nt_xent_with_grad(device, z, rows, dim, temperature, grad, room)?;
                    Ok(loss.into())
                })
            }
            Self::VicReg { rows, dim } => {
                let options = vr::VicRegOptions::default();
                let room = vr::vicreg_workspace_len(rows, dim);
                batch(device, rows, dim, room, move |z, grad, room| {
                    let all = vr::vicreg_with_grad(device, z, rows, dim, &options, grad, room)?;
                    Ok(all.loss.into())
                })
            }
            Self::BarlowTwins { rows, dim } => {
                let options = bt::BarlowTwinsOptions::default();
                let room = bt::barlow_twins_workspace_len(rows, dim);
                batch(device, rows, dim, room, move |z, grad, room| {
                    let all =
                        bt::barlow_twins_with_grad(device, z, rows, dim, &options, grad, room)?;
                    Ok(all.loss.into())
                })
            }
            Self::Byol { rows, dim } => {
                let target = Buffer::of(device, &rounded::<f32>(&normal(3_000_017, rows * dim)))?;
                let room = byol::byol_workspace_len(rows);
                batch(device, rows, dim, room, move |z, grad, room| {
                    let target = target.array();
                    let loss =
                        byol::byol_symmetric_with_grad(device, z, target, rows, dim, grad, room)?;
                    Ok(loss.into())
                })
            }
            Self::LogSumExp { side, of_rows } => {
                let x = Buffer::of(device, &rounded::<f32>(&separable(side)))?;
                let out = Buffer::<_, f32>::new(device, side)?;
                let room = Buffer::new(device, lse::log_sum_exp_of_columns_workspace_len(side))?;
                Ok(Box::new(move |all| {
                    let (x, shape) = (x.array(), (side, side));
                    if of_rows {
                        lse::log_sum_exp_of_rows(device, x, shape, out.array())?;
                    } else {
                        lse::log_sum_exp_of_columns(device, x, shape, out.array(), room.array())?;
                    }
                    let value = if all { mean(&out.to_vec()?) } else { 0.0 };
                    Ok(Output {
                        value,
                        potentials: None,
                    })
                }))
            }
            Self::MatrixProduct { side } => {
                let a = Buffer::of(device, &rounded::<f32>(&normal(1_000_003, side * side)))?;
                let b = Buffer::of(device, &rounded::<f32>(&normal(2_000_003, side * side)))?;
                let out = Buffer::<_, f32>::new(device, side * side)?;
                Ok(Box::new(move |all| {
                    let (a, b) = (a.array(), b.array());
                    matrix_product(
                        device,
                        Form::Plain,
                        a,
                        b,
                        [side; 3],
                        (1.0, 0.0),
                        out.array(),
                    )?;
                    let value = if all { mean(&out.to_vec()?) } else { 0.0 };
                    Ok(Output {
                        value,
                        potentials: None,
                    })
                }))
            }
        }
    }
}

fn sinkhorn<'d, D: Device>(
    device: &'d D,
    n: usize,
    dim: usize,
    iterations: usize,
    (points, streamed): (bool, bool),
) -> Answer<Call<'d>> {
    let (x, y) = clouds(n, n, dim, 0);
    let (x, y) = (rounded::<f32>(&x), rounded::<f32>(&y));
    let cost = if points {
        None
    } else {
        let mut cost = vec![0.0_f32; n * n];
        cost_matrix(Cost::SquaredEuclidean, &x, &y, n, n, dim, &mut cost)?;
        Some(Buffer::of(device, &cost)?)
    };
    let (x, y) = (Buffer::of(device, &x)?, Buffer::of(device, &y)?);
    let source = match &cost {
        Some(cost) => CostSource::Matrix(cost.array()),
        None => CostSource::Points {
            cost: Cost::SquaredEuclidean,
            x: x.array(),
            y: y.array(),
            dim,
        },
    };
    let mut problem = Problem::new(source, n, n);
    if streamed {
        problem = problem.streamed();
    }
    let room = Buffer::new(device, problem.workspace_len())?;
    let epsilon = EPSILON as f32;
    Ok(Box::new(move |all| {
        // Buffers live as long as the call.
        let _ = (&x, &y, &cost);
        let options = SinkhornOptions {
            epsilon,
            threshold: 0.0,
            max_iterations: iterations,
        };
        let mut state = State::new(device, &problem, epsilon, room.array())?;
        let outcome = state.run(&options)?;
        let potentials = if all {
            let (f, g) = state.potentials();
            let wide = |p| -> Answer<Vec<f64>> {
                Ok(read(device, p)?.into_iter().map(f64::from).collect())
            };
            Some((wide(f)?, wide(g)?))
        } else {
            None
        };
        Ok(Output {
            value: outcome.value.into(),
            potentials,
        })
    }))
}

/// A loss of two views that leaves a gradient.
fn batch<'d, D: Device>(
    device: &'d D,
    rows: usize,
    dim: usize,
    room: usize,
    loss: impl Fn(
        kernels_cuda::Global<f32>,
        kernels_cuda::Global<f32>,
        kernels_cuda::Global<f32>,
    ) -> Answer<f64>
    + 'd,
) -> Answer<Call<'d>> {
    let z = Buffer::of(device, &rounded::<f32>(&views(rows, dim)))?;
    let grad = Buffer::<_, f32>::new(device, rows * dim)?;
    let room = Buffer::<_, f32>::new(device, room)?;
    Ok(Box::new(move |_| {
        Ok(Output {
            value: loss(z.array(), grad.array(), room.array())?,
            potentials: None,
        })
    }))
}
