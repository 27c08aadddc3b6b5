//! `cargo bench -p benches --bench losses`: the losses with their gradients by size and
//! threads, in `f32`. A size is the number of rows of both views together.
//!
//! | loss | throughput in |
//! |---|---|
//! | NT-Xent, SinSim | pairs of rows: the work grows with the square of the batch |
//! | BYOL, VICReg, Barlow Twins, SwAV | pairs of views, one for each image |
//! | log-sum-exp | terms |

mod common;

use std::hint::black_box;

use benches::{two_views, uniform};
use common::{DIM, criterion, pools, time};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kernels_core::Error;
use kernels_core::barlow_twins::{
    BarlowTwinsOptions, barlow_twins_with_grad, barlow_twins_workspace_len,
};
use kernels_core::byol::byol_symmetric_with_grad;
use kernels_core::cost::{Cost, CostScale};
use kernels_core::log_sum_exp::log_sum_exp;
use kernels_core::nt_xent::{nt_xent_with_grad, nt_xent_workspace_len};
use kernels_core::sin_sim::{
    EpsilonUnit, OtForm, OtOptions, SinSimOptions, ot_term_with_grad, ot_term_workspace_len,
    sin_sim_with_grad, sin_sim_workspace_len,
};
use kernels_core::sinkhorn::SinkhornOptions;
use kernels_core::swav::{SwavOptions, swav_with_grad, swav_workspace_len};
use kernels_core::vicreg::{VicRegOptions, vicreg_with_grad, vicreg_workspace_len};

const ROWS: [usize; 4] = [64, 256, 1024, 4096];
const SIN_SIM: SinSimOptions<f32> = SinSimOptions {
    temperature: 0.5,
    lambda: 0.8,
    ot: OtOptions {
        cost: Cost::Cosine,
        scale: CostScale::None,
        form: OtForm::Plain,
        rho: f32::INFINITY,
        epsilon_unit: EpsilonUnit::Absolute,
        // Threshold zero: all iterations are made.
        sinkhorn: SinkhornOptions {
            epsilon: 0.05,
            threshold: 0.0,
            max_iterations: 50,
        },
    },
};

/// A group of one loss: rows, their number, gradient and workspace go in.
fn loss<O: Send>(
    c: &mut Criterion,
    name: &str,
    work: impl Fn(usize) -> usize,
    workspace_len: impl Fn(usize) -> usize,
    kernel: impl Fn(&[f32], usize, &mut [f32], &mut [f32]) -> Result<O, Error> + Sync,
) {
    let mut group = c.benchmark_group(name);
    for rows in ROWS {
        let z = two_views(rows / 2, DIM);
        let mut grad = vec![0.0; z.len()];
        let mut workspace = vec![0.0; workspace_len(rows)];
        group.throughput(Throughput::Elements(work(rows) as u64));
        for (threads, pool) in pools() {
            group.bench_function(BenchmarkId::new(threads, rows), |b| {
                time(b, &pool, || {
                    kernel(black_box(&z), rows, &mut grad, &mut workspace)
                });
            });
        }
    }
    group.finish();
}

fn pairs_of_rows(rows: usize) -> usize {
    rows * rows
}

fn pairs_of_views(rows: usize) -> usize {
    rows / 2
}

fn nt_xent(c: &mut Criterion) {
    let len = |rows| nt_xent_workspace_len(rows, DIM);
    loss(c, "nt_xent", pairs_of_rows, len, |z, rows, grad, work| {
        nt_xent_with_grad(z, rows, DIM, 0.5, grad, work)
    });
}

fn sin_sim(c: &mut Criterion) {
    let len = |rows| sin_sim_workspace_len(rows, DIM);
    loss(c, "sin_sim", pairs_of_rows, len, |z, rows, grad, work| {
        sin_sim_with_grad(z, rows, DIM, &SIN_SIM, grad, work)
    });
}

/// The parts of SinSim, one after the other: what sharing saves.
fn sin_sim_apart(c: &mut Criterion) {
    let len = |rows| nt_xent_workspace_len(rows, DIM).max(ot_term_workspace_len(rows / 2, DIM));
    let name = "sin_sim, parts apart";
    loss(c, name, pairs_of_rows, len, |z, rows, grad, work| {
        nt_xent_with_grad(z, rows, DIM, 0.5, grad, work)?;
        ot_term_with_grad(z, rows, DIM, &SIN_SIM.ot, grad, work)
    });
}

/// The rows as scores of `DIM` prototypes.
fn swav(c: &mut Criterion) {
    let len = |rows| swav_workspace_len(rows / 2, DIM);
    let options = SwavOptions::default();
    loss(c, "swav", pairs_of_views, len, |z, rows, grad, work| {
        let ((a, b), (grad_a, grad_b)) = (z.split_at(z.len() / 2), grad.split_at_mut(z.len() / 2));
        swav_with_grad(a, b, rows / 2, DIM, &options, grad_a, grad_b, work)
    });
}

fn vicreg(c: &mut Criterion) {
    let len = |rows| vicreg_workspace_len(rows, DIM);
    let options = VicRegOptions::default();
    loss(c, "vicreg", pairs_of_views, len, |z, rows, grad, work| {
        vicreg_with_grad(z, rows, DIM, &options, grad, work)
    });
}

fn barlow_twins(c: &mut Criterion) {
    let len = |rows| barlow_twins_workspace_len(rows, DIM);
    let options = BarlowTwinsOptions::default();
    let work = pairs_of_views;
    loss(c, "barlow_twins", work, len, |z, rows, grad, work| {
        barlow_twins_with_grad(z, rows, DIM, &options, grad, work)
    });
}

/// The rows as predictions, and other rows as targets.
fn byol(c: &mut Criterion) {
    let targets = uniform(3_000_003, ROWS[ROWS.len() - 1] * DIM);
    loss(
        c,
        "byol",
        pairs_of_views,
        |_| 0,
        |z, rows, grad, _| byol_symmetric_with_grad(z, &targets[..z.len()], rows, DIM, grad),
    );
}

fn log_sum_exps(c: &mut Criterion) {
    let mut group = c.benchmark_group("log_sum_exp");
    for terms in ROWS {
        let xs = uniform(1_000_003, terms);
        group.throughput(Throughput::Elements(terms as u64));
        group.bench_function(BenchmarkId::from_parameter(terms), |b| {
            b.iter(|| log_sum_exp(black_box(&xs)));
        });
    }
    group.finish();
}

criterion_group! {
    name = losses;
    config = criterion();
    targets = nt_xent, sin_sim, sin_sim_apart, vicreg, barlow_twins, byol, swav, log_sum_exps
}
criterion_main!(losses);
