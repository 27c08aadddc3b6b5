//! `cargo bench -p benches --bench sweeps`: what follows a solve, by size and threads, in
//! `f32`; and batches of small problems.
//!
//! | group | throughput in |
//! |---|---|
//! | one pass: sharp cost, plan, product, gap, envelope gradient | pairs of points |
//! | implicit gradient of the sharp cost, 20 iterations of conjugate gradients | pairs |
//! | unrolled gradient of the sharp cost, 10 iterations | pairs |
//! | batches | pairs and iterations of all problems |

mod common;

use std::hint::black_box;

use benches::problem::{clouds, rounded};
use common::{DIM, criterion, pools, time};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kernels_core::Error;
use kernels_core::cost::{Cost, cost_matrix};
use kernels_core::sinkhorn::{
    Batch, BatchOutputs, CostSource, Cotangents, Gradients, ImplicitOptions, Outcome,
    PointGradients, Problem, SinkhornOptions, State, gap_workspace_len, implicit_workspace_len,
    solve_batch, unrolled_workspace_len,
};

const SIZES: [usize; 2] = [256, 1024];
const OPTIONS: SinkhornOptions<f32> = SinkhornOptions {
    epsilon: 0.05,
    threshold: 0.0,
    max_iterations: 50,
};
const SHARP: Cotangents<'static, f32> = Cotangents {
    value: 0.0,
    transport_cost: 1.0,
    f: None,
    g: None,
};

/// Clouds, and the costs between them.
struct Clouds {
    n: usize,
    x: Vec<f32>,
    y: Vec<f32>,
    cost: Vec<f32>,
}

impl Clouds {
    fn new(n: usize) -> Self {
        let (x, y) = clouds(n, n, DIM, 0);
        let (x, y) = (rounded(&x), rounded(&y));
        let mut cost = vec![0.0; n * n];
        let built = cost_matrix(Cost::SquaredEuclidean, &x, &y, n, n, DIM, &mut cost);
        assert!(built.is_ok());
        Self { n, x, y, cost }
    }

    fn problem(&self) -> Problem<'_, f32> {
        Problem::new(CostSource::Matrix(&self.cost), self.n, self.n)
    }
}

/// A kernel of a solved state; scratch is as long as any of them needs.
type Kernel =
    fn(&mut State<'_, f32>, &Clouds, out: &mut [f32], scratch: &mut [f32]) -> Result<(), Error>;

const KERNELS: [(&str, Kernel); 6] = [
    ("sharp cost", |state, _, _, _| {
        state.transport_cost().map(|_| ())
    }),
    ("plan", |state, _, out, _| state.cost_gradient(out)),
    ("product", |state, clouds, out, _| {
        let out = &mut out[..clouds.n * DIM];
        state.apply_plan(&clouds.y, DIM, out)
    }),
    ("duality gap", |state, _, _, scratch| {
        state.duality_gap(scratch).map(|_| ())
    }),
    ("envelope gradient", |state, clouds, out, scratch| {
        let (to_x, to_y) = (&mut out[..clouds.n * DIM], &mut scratch[..clouds.n * DIM]);
        let cost = Cost::SquaredEuclidean;
        state.envelope_gradient(cost, &clouds.x, &clouds.y, DIM, to_x, to_y)
    }),
    ("implicit gradient", |state, clouds, out, scratch| {
        let (to_x, rest) = out.split_at_mut(clouds.n * DIM);
        let mut gradients = by_points(clouds, to_x, &mut rest[..clouds.n * DIM]);
        let solver = ImplicitOptions {
            tolerance: 0.0,
            max_iterations: 20,
        };
        match state.implicit_gradient(&SHARP, &solver, &mut gradients, scratch) {
            // Tolerance zero: all iterations are made.
            Ok(_) | Err(Error::NotConverged { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }),
];

fn by_points<'g>(
    clouds: &'g Clouds,
    grad_x: &'g mut [f32],
    grad_y: &'g mut [f32],
) -> Gradients<'g, f32> {
    Gradients {
        points: Some(PointGradients {
            cost: Cost::SquaredEuclidean,
            x: &clouds.x,
            y: &clouds.y,
            dim: DIM,
            grad_x,
            grad_y,
        }),
        ..Gradients::default()
    }
}

fn after(c: &mut Criterion) {
    let mut group = c.benchmark_group("after a solve");
    for n in SIZES {
        let clouds = Clouds::new(n);
        let problem = clouds.problem();
        let mut workspace = vec![0.0; problem.workspace_len()];
        let state = State::new(&problem, OPTIONS.epsilon, &mut workspace);
        let Ok(mut state) = state else { continue };
        assert!(state.run(&OPTIONS).is_ok());
        let scratch = implicit_workspace_len(n, n).max(gap_workspace_len(n, n));
        let mut out = vec![0.0; n * n.max(2 * DIM)];
        let mut scratch = vec![0.0; scratch.max(n * DIM)];
        group.throughput(Throughput::Elements((n * n) as u64));
        for (name, kernel) in KERNELS {
            for (threads, pool) in pools() {
                let id = BenchmarkId::new(format!("{name}, {threads}"), n);
                group.bench_function(id, |b| {
                    time(b, &pool, || {
                        let out = &mut out[..if name == "plan" { n * n } else { n * 2 * DIM }];
                        kernel(black_box(&mut state), &clouds, out, &mut scratch)
                    });
                });
            }
        }
    }
    group.finish();
}

fn unrolled(c: &mut Criterion) {
    const ITERATIONS: usize = 10;
    let mut group = c.benchmark_group("unrolled");
    for n in SIZES {
        let clouds = Clouds::new(n);
        let problem = clouds.problem();
        let mut workspace = vec![0.0; problem.workspace_len()];
        let mut tape = vec![0.0; unrolled_workspace_len(n, n, ITERATIONS)];
        let (mut to_x, mut to_y) = (vec![0.0; n * DIM], vec![0.0; n * DIM]);
        group.throughput(Throughput::Elements((n * n) as u64));
        for (threads, pool) in pools() {
            group.bench_function(BenchmarkId::new(threads, n), |b| {
                time(b, &pool, || {
                    let mut state = State::new(&problem, OPTIONS.epsilon, &mut workspace)?;
                    let mut recording = state.record(ITERATIONS, &mut tape)?;
                    recording.gradient(&SHARP, &mut by_points(&clouds, &mut to_x, &mut to_y))
                });
            });
        }
    }
    group.finish();
}

fn batches(c: &mut Criterion) {
    const COUNT: usize = 64;
    let mut group = c.benchmark_group("batch of 64");
    for n in [8, 32, 128] {
        let clouds = Clouds::new(n);
        let costs: Vec<f32> = clouds.cost.repeat(COUNT);
        let batch = Batch::new(Problem::new(CostSource::Matrix(&costs), n, n), COUNT);
        let mut outcomes = vec![Outcome::default(); COUNT];
        let mut workspace = vec![0.0; batch.workspace_len()];
        let pairs = COUNT * n * n * OPTIONS.max_iterations;
        group.throughput(Throughput::Elements(pairs as u64));
        for (threads, pool) in pools() {
            group.bench_function(BenchmarkId::new(threads, n), |b| {
                time(b, &pool, || {
                    let outputs = BatchOutputs::new(&mut outcomes);
                    let solved = solve_batch(black_box(&batch), &OPTIONS, outputs, &mut workspace);
                    solved.map_err(|refused| refused.error)
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = sweeps;
    config = criterion();
    targets = after, unrolled, batches
}
criterion_main!(sweeps);
