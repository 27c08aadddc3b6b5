//! `cargo bench -p benches`: the losses by batch size, in `f32`, one thread.
//!
//! Throughput is in pairs of rows: the work of every loss grows with the square of the
//! batch. A training step at 64 images takes about a second, so a loss may take 10 ms
//! there.

use std::hint::black_box;

use benches::two_views;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kernels_core::cost::{Cost, CostScale, cost_matrix};
use kernels_core::nt_xent::{nt_xent_with_grad, nt_xent_workspace_len};
use kernels_core::sin_sim::{OtOptions, SinSimOptions, sin_sim_with_grad, sin_sim_workspace_len};
use kernels_core::sinkhorn::{CostSource, Problem, SinkhornOptions, sinkhorn_workspace_len, solve};

const DIM: usize = 128;
const IMAGES: [usize; 4] = [64, 128, 256, 512];
/// Threshold zero: all 50 iterations are made.
const SINKHORN: SinkhornOptions<f32> = SinkhornOptions {
    epsilon: 0.05,
    threshold: 0.0,
    max_iterations: 50,
};

fn nt_xent(c: &mut Criterion) {
    let mut group = c.benchmark_group("nt_xent");
    for images in IMAGES {
        let rows = 2 * images;
        let z = two_views(images, DIM);
        let mut grad = vec![0.0; z.len()];
        let mut workspace = vec![0.0; nt_xent_workspace_len(rows, DIM)];
        group.throughput(Throughput::Elements((rows * rows) as u64));
        group.bench_function(BenchmarkId::from_parameter(images), |b| {
            b.iter(|| nt_xent_with_grad(black_box(&z), rows, DIM, 0.5, &mut grad, &mut workspace));
        });
    }
    group.finish();
}

fn sinkhorn(c: &mut Criterion) {
    let mut group = c.benchmark_group("sinkhorn");
    for n in IMAGES {
        let z = two_views(n, DIM);
        let (x, y) = z.split_at(n * DIM);
        let mut cost = vec![0.0; n * n];
        let built = cost_matrix(Cost::Cosine, x, y, n, n, DIM, &mut cost);
        assert!(built.is_ok());
        let mut workspace = vec![0.0; sinkhorn_workspace_len(n, n)];
        group.throughput(Throughput::Elements(
            (n * n * SINKHORN.max_iterations) as u64,
        ));
        group.bench_function(BenchmarkId::from_parameter(n), |b| {
            b.iter(|| {
                let problem = Problem::new(CostSource::Matrix(black_box(&cost)), n, n);
                solve(&problem, &SINKHORN, &mut workspace)
            });
        });
    }
    group.finish();
}

fn sin_sim(c: &mut Criterion) {
    let mut group = c.benchmark_group("sin_sim");
    for images in IMAGES {
        let rows = 2 * images;
        let z = two_views(images, DIM);
        let options = SinSimOptions {
            temperature: 0.5,
            lambda: 0.8,
            ot: OtOptions {
                cost: Cost::Cosine,
                scale: CostScale::None,
                sinkhorn: SINKHORN,
            },
        };
        let mut grad = vec![0.0; z.len()];
        let mut workspace = vec![0.0; sin_sim_workspace_len(rows, DIM)];
        group.throughput(Throughput::Elements((rows * rows) as u64));
        group.bench_function(BenchmarkId::from_parameter(images), |b| {
            b.iter(|| {
                sin_sim_with_grad(
                    black_box(&z),
                    rows,
                    DIM,
                    &options,
                    &mut grad,
                    &mut workspace,
                )
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = losses;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_millis(500))
        .measurement_time(std::time::Duration::from_secs(2));
    targets = nt_xent, sinkhorn, sin_sim
}
criterion_main!(losses);
