//! Transport on the emulated grid against `kernels-core` in f64.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use kernels_core::sinkhorn::{self as core, Outcome, SinkhornOptions};
use kernels_cuda::emulator::Emulator;
use kernels_cuda::sinkhorn::{CostSource, Problem, State, solve};
use kernels_cuda::{Buffer, Error};
use support::{near, near_largest, normal, wide};

/// A problem on the host.
#[derive(Clone, Default)]
struct Host {
    n: usize,
    m: usize,
    cost: Vec<f32>,
    a: Option<Vec<f32>>,
    b: Option<Vec<f32>>,
    rho: Option<(f32, f32)>,
}

impl Host {
    fn random(seed: u64, n: usize, m: usize) -> Self {
        let cost = normal(seed, n * m, 1.0).iter().map(|c| c.abs()).collect();
        Self {
            n,
            m,
            cost,
            ..Self::default()
        }
    }
}

/// What both sides give: outcome, potentials, plan, gradients by the weights.
type Solution<T> = (Outcome<T>, Vec<T>, Vec<T>, Vec<T>, Vec<T>);

fn on_device(
    host: &Host,
    options: &SinkhornOptions<f32>,
    seed: u64,
) -> Result<Solution<f32>, Error> {
    let device = Emulator::new(seed);
    let cost = Buffer::of(&device, &host.cost)?;
    let of =
        |weights: &Option<Vec<f32>>| weights.as_ref().map(|w| Buffer::of(&device, w)).transpose();
    let (a, b) = (of(&host.a)?, of(&host.b)?);
    let mut problem = Problem::new(CostSource::Matrix(cost.array()), host.n, host.m);
    problem.a = a.as_ref().map(Buffer::array);
    problem.b = b.as_ref().map(Buffer::array);
    if let Some((rho_a, rho_b)) = host.rho {
        problem = problem.unbalanced(rho_a, rho_b);
    }
    let workspace = Buffer::new(&device, problem.workspace_len())?;
    let mut state = State::new(&device, &problem, options.epsilon, workspace.array())?;
    let outcome = state.run(options)?;
    let plan = Buffer::new(&device, host.n * host.m)?;
    state.cost_gradient(plan.array())?;
    let (f, g) = state.potentials();
    let read = |array| kernels_cuda::device::read(&device, array);
    let (grad_a, grad_b) = (Buffer::new(&device, host.n)?, Buffer::new(&device, host.m)?);
    state.weight_gradient(grad_a.array(), grad_b.array())?;
    let slopes = [grad_a.to_vec()?, grad_b.to_vec()?].concat();
    Ok((outcome, read(f)?, read(g)?, plan.to_vec()?, slopes))
}

fn on_host(host: &Host, options: &SinkhornOptions<f64>) -> Solution<f64> {
    let cost = wide(&host.cost);
    let (a, b) = (host.a.as_deref().map(wide), host.b.as_deref().map(wide));
    let mut problem = core::Problem::new(core::CostSource::Matrix(&cost), host.n, host.m);
    problem.a = a.as_deref();
    problem.b = b.as_deref();
    if let Some((rho_a, rho_b)) = host.rho {
        problem = problem.unbalanced(f64::from(rho_a), f64::from(rho_b));
    }
    let mut workspace = vec![0.0; problem.workspace_len()];
    let mut state = core::State::new(&problem, options.epsilon, &mut workspace).unwrap();
    let outcome = state.run(options).unwrap();
    let mut plan = vec![0.0; host.n * host.m];
    state.cost_gradient(&mut plan).unwrap();
    let (f, g) = state.potentials();
    let (f, g) = (f.to_vec(), g.to_vec());
    let (mut grad_a, mut grad_b) = (vec![0.0; host.n], vec![0.0; host.m]);
    state.weight_gradient(&mut grad_a, &mut grad_b).unwrap();
    (outcome, f, g, plan, [grad_a, grad_b].concat())
}

/// The same number of iterations on both sides, so that everything can be compared.
#[track_caller]
fn agrees(what: &str, host: &Host, epsilon: f32, iterations: usize, seed: u64) {
    let options = |epsilon| SinkhornOptions {
        epsilon,
        threshold: 0.0,
        max_iterations: iterations,
    };
    let got = on_device(host, &options(epsilon), seed).unwrap();
    let want = on_host(
        host,
        &SinkhornOptions {
            epsilon: f64::from(epsilon),
            threshold: 0.0,
            max_iterations: iterations,
        },
    );
    // A potential is rounded at the size of the costs, a plan by that over ε, and every
    // iteration adds some.
    near(what, &[got.0.value], &[want.0.value], 2e-6);
    near(&format!("{what} mass"), &[got.0.mass], &[want.0.mass], 1e-5);
    near(&format!("{what} f"), &got.1, &want.1, 3e-6);
    near(&format!("{what} g"), &got.2, &want.2, 3e-6);
    near(&format!("{what} plan"), &got.3, &want.3, 1e-5);
    near(&format!("{what} slopes"), &got.4, &want.4, 5e-6);
    let error = [got.0.marginal_error];
    near(
        &format!("{what} error"),
        &error,
        &[want.0.marginal_error],
        2e-5,
    );
    // In f32 the error may become zero, which is within any threshold.
    let stopped = got.0.marginal_error == 0.0;
    let same = got.0.iterations == want.0.iterations;
    assert!(same || stopped, "{what}: {} iterations", got.0.iterations);
}

#[test]
fn sizes_around_warps_and_blocks() {
    for (seed, &(n, m)) in (1..).zip(&[
        (1, 1),
        (1, 2),
        (2, 1),
        (31, 33),
        (33, 31),
        (32, 64),
        (3, 255),
        (2, 256),
        (5, 257),
        (70, 40),
        (266, 4),
    ]) {
        agrees(
            &format!("{n} x {m}"),
            &Host::random(seed, n, m),
            0.3,
            4,
            seed,
        );
    }
}

#[test]
fn more_columns_than_a_thread_keeps_four_of() {
    agrees("3 x 1028", &Host::random(1, 3, 1028), 0.3, 2, 1);
    agrees("2 x 1501", &Host::random(2, 2, 1501), 0.3, 2, 2);
}

#[test]
fn more_columns_than_a_block_keeps() {
    agrees("3 x 4100", &Host::random(3, 3, 4100), 0.3, 2, 3);
}

#[test]
fn small_and_large_epsilon() {
    // The sums leave the range at first: rows and columns by way of their largest terms.
    agrees("small", &Host::random(4, 20, 35), 0.01, 8, 4);
    // The series around one.
    agrees("large", &Host::random(5, 20, 35), 50.0, 4, 5);
    let mut wide = Host::random(6, 3, 4099);
    wide.cost.iter_mut().for_each(|c| *c *= 3.0);
    agrees("small and wide", &wide, 0.02, 3, 6);
}

#[test]
fn weights_masks_and_prices() {
    let mut host = Host::random(7, 18, 40);
    let mut a: Vec<f32> = (0..18).map(|i| (i % 5) as f32).collect();
    let total: f32 = a.iter().sum();
    a.iter_mut().for_each(|w| *w /= total);
    let mut b = vec![1.0 / 30.0; 40];
    b[5..15].fill(0.0);
    (host.a, host.b) = (Some(a), Some(b));
    agrees("weights", &host, 0.3, 5, 7);
    for i in 0..18 {
        host.cost[i * 40 + (3 * i + 1) % 40] = f32::INFINITY;
    }
    agrees("masked", &host, 0.3, 5, 8);
    host.rho = Some((2.0, f32::INFINITY));
    agrees("half unbalanced", &host, 0.3, 5, 9);
    host.rho = Some((1.0, 3.0));
    host.b = Some((0..40).map(|j| 0.1 * (j % 3) as f32).collect());
    agrees("unbalanced", &host, 0.3, 5, 10);
}

#[test]
fn masses_whose_product_underflows() {
    let mass = 1e-23_f32;
    let mut host = Host::random(13, 20, 24);
    host.rho = Some((40.0, 40.0));
    host.a = Some(vec![mass / 20.0; 20]);
    host.b = Some((0..24).map(|j| mass * (1 + j % 3) as f32 / 48.0).collect());
    let epsilon = 0.3_f32;
    let options = SinkhornOptions {
        epsilon,
        threshold: 0.0,
        max_iterations: 6,
    };
    let (got, .., plan, _) = on_device(&host, &options, 13).unwrap();
    let options = SinkhornOptions {
        epsilon: f64::from(epsilon),
        threshold: 0.0,
        max_iterations: 6,
    };
    let (want, .., exact, _) = on_host(&host, &options);
    // Potentials of 50 ε are rounded at 50 u, in each of the iterations.
    near_largest("mass of the plan", &[got.mass], &[want.mass], 5e-5);
    near_largest("plan", &plan, &exact, 5e-5);
    assert!(want.mass > 0.0, "{want:?}");
}

#[test]
fn the_order_of_threads_changes_nothing() {
    let host = Host::random(11, 40, 70);
    let options = SinkhornOptions {
        epsilon: 0.1,
        threshold: 1e-5,
        max_iterations: 60,
    };
    let first = on_device(&host, &options, 0).unwrap();
    for seed in 1..8 {
        let other = on_device(&host, &options, seed).unwrap();
        assert_eq!(first, other, "seed {seed}");
    }
}

#[test]
fn it_stops_where_the_threshold_is_met() {
    let host = Host::random(12, 25, 30);
    let options = |threshold| SinkhornOptions {
        epsilon: 0.5,
        threshold,
        max_iterations: 400,
    };
    // Close together, so that stopping at some multiple of one shows in another.
    for k in 0..8 {
        let threshold = 1e-3 * 0.7_f32.powi(k);
        let (got, ..) = on_device(&host, &options(threshold), 1).unwrap();
        let (want, ..) = on_host(
            &host,
            &SinkhornOptions {
                epsilon: 0.5,
                threshold: f64::from(threshold),
                max_iterations: 400,
            },
        );
        let stopped = got.converged && got.marginal_error <= threshold;
        assert!(stopped, "{threshold}: {got:?}");
        assert_eq!(got.iterations, want.iterations, "{threshold}");
    }
}

#[test]
fn bad_input_gives_the_errors_of_the_core() {
    let options = SinkhornOptions {
        epsilon: 0.3,
        threshold: 1e-4,
        max_iterations: 10,
    };
    let refused = |host: &Host| on_device(host, &options, 1).unwrap_err().to_string();
    let good = Host::random(13, 3, 4);
    let mut host = good.clone();
    host.cost[6] = f32::NAN;
    assert!(refused(&host).contains("`cost[6]`"), "{}", refused(&host));
    host = good.clone();
    host.a = Some(vec![0.5, -0.5, 1.0]);
    assert!(refused(&host).contains("`a[1]`"), "{}", refused(&host));
    host = good.clone();
    host.b = Some(vec![0.5; 4]);
    assert!(refused(&host).contains("sum to 1"), "{}", refused(&host));
    host = good.clone();
    host.cost[4..8].fill(f32::INFINITY);
    assert!(refused(&host).contains("row 1"), "{}", refused(&host));
    host = good.clone();
    host.cost.pop();
    let text = refused(&host);
    assert_eq!(text, "sinkhorn: `cost` must have 12 elements, got 11");
    let device = Emulator::new(1);
    let cost = Buffer::of(&device, &good.cost).unwrap();
    let problem = Problem::new(CostSource::Matrix(cost.array()), 3, 4);
    let short = Buffer::new(&device, problem.workspace_len() - 1).unwrap();
    let text = solve(&device, &problem, &options, short.array())
        .unwrap_err()
        .to_string();
    assert!(text.contains("workspace"), "{text}");
}
