//! `cargo bench -p benches --bench ways`: the ways to a solution at an ε that is small for the
//! costs, where they differ; and what is around the losses.
//!
//! | group | throughput in |
//! |---|---|
//! | ways: plain, relaxed, annealed, robust, to a marginal error of 1e-5 | pairs |
//! | costs; NT-Xent that keeps no terms | pairs |
//! | slices: exp, ln, softmax, log-sum-exp | numbers |
//! | diagnostics | rows |

mod common;

use std::hint::black_box;

use benches::problem::{clouds, rounded};
use benches::{two_views, uniform};
use common::{DIM, criterion, pools, time};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kernels_core::cost::{Cost, cost_matrix};
use kernels_core::diagnostics::{
    Spectrum, effective_rank, effective_rank_workspace_len, uniformity, uniformity_workspace_len,
};
use kernels_core::elementary::{exp_in_place, ln_in_place};
use kernels_core::nt_xent::{nt_xent_streaming_workspace_len, nt_xent_with_grad};
use kernels_core::sinkhorn::{
    Annealing, CostSource, Problem, SinkhornOptions, State, robust_workspace_len, solve,
    solve_annealed, solve_robust,
};
use kernels_core::softmax::softmax;

const SIZES: [usize; 2] = [256, 1024];

/// Seconds of a whole solve: each way makes as many iterations as it needs.
fn ways(c: &mut Criterion) {
    let options = SinkhornOptions {
        epsilon: 0.005_f32,
        threshold: 1e-5,
        max_iterations: 5000,
    };
    let mut group = c.benchmark_group("ways");
    let n = SIZES[0];
    let (x, y) = clouds(n, n, DIM, 0);
    let (x, y) = (rounded(&x), rounded(&y));
    let mut cost = vec![0.0; n * n];
    let built = cost_matrix(Cost::SquaredEuclidean, &x, &y, n, n, DIM, &mut cost);
    assert!(built.is_ok());
    let problem = Problem::new(CostSource::Matrix(&cost), n, n).with_stored_kernel();
    let schedule = Annealing::from_scale(&problem);
    let mut workspace = vec![0.0; robust_workspace_len(&problem)];
    group.throughput(Throughput::Elements((n * n) as u64));
    for (threads, pool) in pools() {
        for way in ["plain", "relaxed", "annealed", "robust"] {
            let id = BenchmarkId::new(format!("{way}, {threads}"), n);
            group.bench_function(id, |b| {
                time(b, &pool, || {
                    let problem = black_box(&problem);
                    match way {
                        "plain" => solve(problem, &options, &mut workspace),
                        "relaxed" => State::new(problem, options.epsilon, &mut workspace)?
                            .run_relaxed(&options),
                        "annealed" => solve_annealed(problem, &options, &schedule, &mut workspace)
                            .map(|(_, outcome)| outcome),
                        _ => solve_robust(problem, &options, &mut workspace)
                            .map(|(_, outcome)| outcome),
                    }
                });
            });
        }
    }
    group.finish();
}

fn pairs(c: &mut Criterion) {
    let mut group = c.benchmark_group("pairs");
    for n in SIZES {
        let (x, y) = clouds(n, n, DIM, 0);
        let (x, y) = (rounded(&x), rounded(&y));
        let z = two_views(n / 2, DIM);
        let mut out = vec![0.0; n * n];
        let mut grad = vec![0.0; z.len()];
        let mut workspace = vec![0.0; nt_xent_streaming_workspace_len(n, DIM)];
        group.throughput(Throughput::Elements((n * n) as u64));
        for (threads, pool) in pools() {
            for (name, cost) in [
                ("squared costs", Cost::SquaredEuclidean),
                ("cosine costs", Cost::Cosine),
            ] {
                let id = BenchmarkId::new(format!("{name}, {threads}"), n);
                group.bench_function(id, |b| {
                    time(b, &pool, || {
                        cost_matrix(cost, black_box(&x), &y, n, n, DIM, &mut out)
                    });
                });
            }
            let id = BenchmarkId::new(format!("nt_xent streaming, {threads}"), n);
            group.bench_function(id, |b| {
                time(b, &pool, || {
                    nt_xent_with_grad(black_box(&z), n, DIM, 0.5, &mut grad, &mut workspace)
                });
            });
        }
    }
    group.finish();
}

fn slices(c: &mut Criterion) {
    let mut group = c.benchmark_group("slices");
    for n in [64, 4096] {
        let xs: Vec<f32> = uniform(5_000_003, n)
            .iter()
            .map(|x| x.abs() + 0.1)
            .collect();
        let mut out = xs.clone();
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::new("exp", n), |b| {
            b.iter(|| {
                out.copy_from_slice(black_box(&xs));
                exp_in_place(&mut out);
            });
        });
        group.bench_function(BenchmarkId::new("ln", n), |b| {
            b.iter(|| {
                out.copy_from_slice(black_box(&xs));
                ln_in_place(&mut out);
            });
        });
        group.bench_function(BenchmarkId::new("softmax", n), |b| {
            b.iter(|| softmax(black_box(&xs), &mut out));
        });
    }
    group.finish();
}

fn diagnostics(c: &mut Criterion) {
    let mut group = c.benchmark_group("diagnostics");
    for rows in SIZES {
        let z = two_views(rows / 2, DIM);
        let len = uniformity_workspace_len(rows, DIM).max(effective_rank_workspace_len(rows, DIM));
        let mut workspace = vec![0.0; len];
        group.throughput(Throughput::Elements(rows as u64));
        for (threads, pool) in pools() {
            let id = BenchmarkId::new(format!("uniformity, {threads}"), rows);
            group.bench_function(id, |b| {
                time(b, &pool, || {
                    uniformity(black_box(&z), rows, DIM, 2.0, &mut workspace)
                });
            });
            let id = BenchmarkId::new(format!("effective rank, {threads}"), rows);
            group.bench_function(id, |b| {
                time(b, &pool, || {
                    let spectrum = Spectrum::CovarianceEigenvalues;
                    effective_rank(black_box(&z), rows, DIM, spectrum, &mut workspace)
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = all;
    config = criterion();
    targets = ways, pairs, slices, diagnostics
}
criterion_main!(all);
