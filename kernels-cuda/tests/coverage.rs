//! Every kernel runs in some function of this crate, and every barrier is needed.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use kernels_core::barlow_twins::BarlowTwinsOptions;
use kernels_core::cost::{Cost, CostScale};
use kernels_core::sinkhorn::SinkhornOptions;
use kernels_core::vicreg::VicRegOptions;
use kernels_cuda::emulator::Emulator;
use kernels_cuda::matrix_product::{Form, matrix_product};
use kernels_cuda::sinkhorn::{
    CostSource, Problem, State, divergence_workspace_len, sinkhorn_divergence_with_grad,
};
use kernels_cuda::{Buffer, Error, barlow_twins, byol, log_sum_exp, nt_xent, vicreg};
use kernels_cuda_device::list::NAMES;
use support::normal;

type Case = (&'static str, fn(&Emulator) -> Result<(), Error>);

/// Small calls which together use all kernels.
const CASES: &[Case] = &[
    ("log-sum-exp", log_sum_exps),
    ("transport, 2 x 1030", |device| matrix(device, 2, 1030)),
    ("transport, 2 x 4100", |device| matrix(device, 2, 4100)),
    ("transport, 40 x 9", |device| matrix(device, 40, 9)),
    ("points", |device| points(device, false)),
    ("points, streamed", |device| points(device, true)),
    ("divergence", divergence),
    ("nt-xent, d = 40", |device| contrastive(device, 40)),
    ("nt-xent, d = 70", |device| contrastive(device, 70)),
    ("byol", byols),
    ("vicreg", |device| vicregs(device, 6, 70)),
    ("vicreg, many rows", |device| vicregs(device, 70, 5)),
    ("barlow twins", barlow),
    ("products", products),
];

fn log_sum_exps(device: &Emulator) -> Result<(), Error> {
    let x = Buffer::of(device, &normal(1, 40 * 40, 1.0))?;
    let out = Buffer::new(device, 40)?;
    log_sum_exp::log_sum_exp_of_rows(device, x.array(), (40, 40), out.array())?;
    let len = log_sum_exp::log_sum_exp_of_columns_workspace_len(40);
    let workspace = Buffer::new(device, len)?;
    let (x, out) = (x.array(), out.array());
    log_sum_exp::log_sum_exp_of_columns(device, x, (40, 40), out, workspace.array())
}

const OPTIONS: SinkhornOptions<f32> = SinkhornOptions {
    epsilon: 0.5,
    threshold: 0.0,
    max_iterations: 2,
};

fn matrix(device: &Emulator, n: usize, m: usize) -> Result<(), Error> {
    let cost: Vec<f32> = normal(2, n * m, 1.0)
        .iter()
        .map(|c| 9.0 * c.abs())
        .collect();
    let cost = Buffer::of(device, &cost)?;
    let mut weights = vec![1.0 / (m - 1) as f32; m];
    weights[m / 2] = 0.0;
    let a = Buffer::of(device, &vec![1.0 / n as f32; n])?;
    let b = Buffer::of(device, &weights)?;
    let problem = Problem::new(CostSource::Matrix(cost.array()), n, m);
    let problem = problem.with_weights(a.array(), b.array());
    let workspace = Buffer::new(device, problem.workspace_len())?;
    let mut state = State::new(device, &problem, 0.1, workspace.array())?;
    state.run(&SinkhornOptions {
        epsilon: 0.1,
        ..OPTIONS
    })?;
    let plan = Buffer::new(device, n * m)?;
    state.cost_gradient(plan.array())?;
    state.weight_gradient(a.array(), b.array())
}

fn points(device: &Emulator, stream: bool) -> Result<(), Error> {
    let (n, m, dim) = (20, 70, 9);
    let x = Buffer::of(device, &normal(3, n * dim, 1.0))?;
    let y = Buffer::of(device, &normal(4, m * dim, 1.0))?;
    let scale = if stream {
        CostScale::None
    } else {
        CostScale::Maximum
    };
    for cost in [Cost::SquaredEuclidean, Cost::Cosine] {
        let (x, y) = (x.array(), y.array());
        let mut problem = Problem::new(CostSource::Points { cost, x, y, dim }, n, m).scaled(scale);
        problem.stream = stream;
        let workspace = Buffer::new(device, problem.workspace_len())?;
        let mut state = State::new(device, &problem, 0.5, workspace.array())?;
        state.run(&OPTIONS)?;
        state.transport_cost()?;
        let (grad_x, grad_y) = (Buffer::new(device, n * dim)?, Buffer::new(device, m * dim)?);
        state.envelope_gradient(grad_x.array(), grad_y.array())?;
    }
    Ok(())
}

fn divergence(device: &Emulator) -> Result<(), Error> {
    let (n, dim) = (8, 3);
    let x = Buffer::of(device, &normal(5, n * dim, 1.0))?;
    let y = Buffer::of(device, &normal(6, n * dim, 1.0))?;
    let source = CostSource::Points {
        cost: Cost::SquaredEuclidean,
        x: x.array(),
        y: y.array(),
        dim,
    };
    let problem = Problem::new(source, n, n);
    let workspace = Buffer::new(device, divergence_workspace_len(&problem))?;
    let (grad_x, grad_y) = (Buffer::new(device, n * dim)?, Buffer::new(device, n * dim)?);
    let (grad_x, grad_y) = (grad_x.array(), grad_y.array());
    sinkhorn_divergence_with_grad(
        device,
        &problem,
        &OPTIONS,
        grad_x,
        grad_y,
        workspace.array(),
    )?;
    Ok(())
}

fn contrastive(device: &Emulator, dim: usize) -> Result<(), Error> {
    use kernels_core::sin_sim::{OtOptions, SinSimOptions};
    use kernels_cuda::sin_sim::{sin_sim_with_grad, sin_sim_workspace_len};
    let rows = 66;
    let z = Buffer::of(device, &normal(7, rows * dim, 1.0))?;
    let grad = Buffer::new(device, rows * dim)?;
    let workspace = Buffer::new(device, nt_xent::nt_xent_workspace_len(rows, dim))?;
    nt_xent::nt_xent(device, z.array(), rows, dim, 0.01, workspace.array())?;
    let workspace = Buffer::new(device, sin_sim_workspace_len(rows, dim))?;
    let options = SinSimOptions {
        temperature: 0.5,
        lambda: 1.0,
        ot: OtOptions {
            scale: CostScale::Maximum,
            ..OtOptions::new(Cost::Cosine, OPTIONS)
        },
    };
    let (z, grad, workspace) = (z.array(), grad.array(), workspace.array());
    sin_sim_with_grad(device, z, rows, dim, &options, grad, workspace)?;
    Ok(())
}

fn byols(device: &Emulator) -> Result<(), Error> {
    let (rows, dim) = (12, 40);
    let q = Buffer::of(device, &normal(8, rows * dim, 1.0))?;
    let target = Buffer::of(device, &normal(9, rows * dim, 1.0))?;
    let grad = Buffer::new(device, rows * dim)?;
    let workspace = Buffer::new(device, byol::byol_workspace_len(rows))?;
    let (q, target, grad) = (q.array(), target.array(), grad.array());
    byol::byol_symmetric_with_grad(device, q, target, rows, dim, grad, workspace.array())?;
    Ok(())
}

fn vicregs(device: &Emulator, rows: usize, dim: usize) -> Result<(), Error> {
    let z = Buffer::of(device, &normal(10, rows * dim, 1.0))?;
    let grad = Buffer::new(device, rows * dim)?;
    let workspace = Buffer::new(device, vicreg::vicreg_workspace_len(rows, dim))?;
    let options = VicRegOptions::default();
    let (z, grad, workspace) = (z.array(), grad.array(), workspace.array());
    vicreg::vicreg_with_grad(device, z, rows, dim, &options, grad, workspace)?;
    Ok(())
}

fn barlow(device: &Emulator) -> Result<(), Error> {
    let (rows, dim) = (40, 9);
    let z = Buffer::of(device, &normal(11, rows * dim, 1.0))?;
    let grad = Buffer::new(device, rows * dim)?;
    let workspace = Buffer::new(device, barlow_twins::barlow_twins_workspace_len(rows, dim))?;
    let options = BarlowTwinsOptions::default();
    let (z, grad, workspace) = (z.array(), grad.array(), workspace.array());
    barlow_twins::barlow_twins_with_grad(device, z, rows, dim, &options, grad, workspace)?;
    Ok(())
}

fn products(device: &Emulator) -> Result<(), Error> {
    let x = Buffer::of(device, &normal(12, 70 * 70, 1.0))?;
    let out = Buffer::new(device, 70 * 70)?;
    for form in [Form::Plain, Form::OfColumns, Form::OfRows] {
        let (x, out) = (x.array(), out.array());
        matrix_product(device, form, x, x, [70, 70, 70], (1.0, 0.0), out)?;
    }
    Ok(())
}

#[test]
fn every_kernel_runs() {
    let mut ran = BTreeMap::new();
    for (name, case) in CASES {
        let device = Emulator::new(1);
        case(&device).unwrap_or_else(|error| panic!("{name}: {error}"));
        for (kernel, count) in device.counts() {
            ran.entry(kernel).or_insert(count);
        }
    }
    let never: Vec<_> = NAMES
        .iter()
        .filter(|name| !ran.contains_key(*name))
        .collect();
    assert!(never.is_empty(), "never launched: {never:?}");
    eprintln!("{} kernels, {} with barriers", ran.len(), {
        ran.values().filter(|count| count.barriers > 0).count()
    });
}

/// A kernel without one of its barriers has to be found out, in any order of the threads.
#[test]
fn a_missing_barrier_is_found() {
    let (mut tried, mut missed) = (BTreeSet::new(), Vec::new());
    for (name, case) in CASES {
        let device = Emulator::new(2);
        case(&device).unwrap();
        for (kernel, count) in device.counts() {
            for barrier in 0..count.barriers.min(BARRIERS) {
                if !tried.insert((kernel, barrier)) {
                    continue;
                }
                let device = Emulator::without_barrier(3, kernel, barrier);
                if case(&device).is_ok() {
                    missed.push((*name, kernel, barrier));
                }
            }
        }
    }
    eprintln!(
        "{} barriers left out one at a time, {} not needed",
        tried.len(),
        missed.len()
    );
    let unexpected: Vec<_> = missed
        .iter()
        .filter(|(_, kernel, barrier)| !SPARE.contains(&(*kernel, *barrier)))
        .collect();
    assert!(unexpected.is_empty(), "not found: {unexpected:?}");
}

/// Barriers of a kernel that are left out: later ones belong to later turns of its loops.
const BARRIERS: u32 = 6;

/// Barriers that guard shared memory before it is written again, in the first turn, when
/// it has not been used yet, or in the last, when another barrier follows.
const SPARE: &[(&str, u32)] = &[
    ("byol", 0),
    ("column_sigmas", 0),
    ("cost_matrix", 0),
    ("matrix_product", 0),
    ("matrix_product_of_columns", 0),
    ("matrix_product_of_rows", 0),
    ("normalize_backward", 0),
    ("nt_xent_pulls_128", 0),
    ("nt_xent_pulls_64", 0),
    ("nt_xent_sums", 0),
    ("sinkhorn_point_costs", 0),
    ("sinkhorn_point_pulls", 0),
    ("sinkhorn_point_sums", 0),
    ("sinkhorn_pull", 0),
    ("sinkhorn_zero_columns", 0),
    ("squares_of_product", 0),
    ("vic_reg_columns", 0),
    ("vic_reg_pull", 0),
    ("sinkhorn_columns", 2),
    ("sinkhorn_rows1024", 4),
    ("sinkhorn_rows_wide", 1),
    ("sinkhorn_rows_wide", 4),
];
