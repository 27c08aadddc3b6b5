//! `cargo bench -p benches --bench transport`: Sinkhorn by size, driver and threads, in
//! `f32`, and the divergence.
//!
//! Throughput is in pairs of points and iterations. The problems are those of the
//! peers' tables: squared Euclidean cost between unit vectors, 50 iterations; the
//! cost matrix is computed before.

mod common;

use std::hint::black_box;

use benches::problem::{clouds, rounded};
use common::{DIM, criterion, pools, time};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kernels_core::cost::{Cost, cost_matrix};
use kernels_core::sinkhorn::{
    CostSource, Problem, SinkhornOptions, divergence_workspace_len, sinkhorn_divergence_with_grad,
    solve,
};

/// Up to a hundred megabytes of costs and kernel, which no cache holds.
const SIZES: [usize; 4] = [64, 256, 1024, 4096];
/// Costs of points are computed again in every iteration, `DIM` multiplications each.
const POINTS_UP_TO: usize = 1024;
/// Threshold zero: all iterations are made.
const OPTIONS: SinkhornOptions<f32> = SinkhornOptions {
    epsilon: 0.05,
    threshold: 0.0,
    max_iterations: 50,
};

/// Two clouds of `n` points.
fn points(n: usize) -> (Vec<f32>, Vec<f32>) {
    let (x, y) = clouds(n, n, DIM, 0);
    (rounded(&x), rounded(&y))
}

fn squared<'a>(x: &'a [f32], y: &'a [f32]) -> CostSource<'a, f32> {
    CostSource::Points {
        cost: Cost::SquaredEuclidean,
        x,
        y,
        dim: DIM,
    }
}

fn sinkhorn(c: &mut Criterion) {
    let mut group = c.benchmark_group("sinkhorn");
    for n in SIZES {
        let (x, y) = points(n);
        let mut cost = vec![0.0; n * n];
        let built = cost_matrix(Cost::SquaredEuclidean, &x, &y, n, n, DIM, &mut cost);
        assert!(built.is_ok());
        let matrix = Problem::new(CostSource::Matrix(&cost), n, n);
        let mut drivers = vec![
            ("matrix", matrix),
            ("stored kernel", matrix.with_stored_kernel()),
        ];
        if n <= POINTS_UP_TO {
            drivers.push(("points", Problem::new(squared(&x, &y), n, n)));
        }
        let pairs = n * n * OPTIONS.max_iterations;
        group.throughput(Throughput::Elements(pairs as u64));
        for (driver, problem) in drivers {
            let mut workspace = vec![0.0; problem.workspace_len()];
            for (threads, pool) in pools() {
                let id = BenchmarkId::new(format!("{driver}, {threads}"), n);
                group.bench_function(id, |b| {
                    time(b, &pool, || {
                        solve(black_box(&problem), &OPTIONS, &mut workspace)
                    });
                });
            }
        }
    }
    group.finish();
}

/// Three problems, each with its gradient; pairs are those of one.
fn divergence(c: &mut Criterion) {
    let mut group = c.benchmark_group("divergence");
    for n in SIZES.into_iter().filter(|&n| n <= POINTS_UP_TO) {
        let (x, y) = points(n);
        let problem = Problem::new(squared(&x, &y), n, n);
        let (mut grad_x, mut grad_y) = (vec![0.0; n * DIM], vec![0.0; n * DIM]);
        let mut workspace = vec![0.0; divergence_workspace_len(&problem)];
        let pairs = n * n * OPTIONS.max_iterations;
        group.throughput(Throughput::Elements(pairs as u64));
        for (threads, pool) in pools() {
            group.bench_function(BenchmarkId::new(format!("points, {threads}"), n), |b| {
                time(b, &pool, || {
                    let grads = (&mut grad_x, &mut grad_y);
                    let problem = black_box(&problem);
                    sinkhorn_divergence_with_grad(
                        problem,
                        &OPTIONS,
                        grads.0,
                        grads.1,
                        &mut workspace,
                    )
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = transport;
    config = criterion();
    targets = sinkhorn, divergence
}
criterion_main!(transport);
