//! Transport between points on the emulated grid, with and without a matrix of costs,
//! against `kernels-core` in f64.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use kernels_core::cost::Cost;
use kernels_core::sinkhorn::{self as core, SinkhornOptions};
use kernels_cuda::Buffer;
use kernels_cuda::emulator::Emulator;
use kernels_cuda::sinkhorn::{CostSource, Problem, State};
use support::{near, near_largest, normal, wide};

#[test]
fn points_and_their_gradients() {
    points(false, None);
}

#[test]
fn points_without_a_matrix() {
    points(true, None);
}

#[test]
fn points_with_masses() {
    for stream in [false, true] {
        points(stream, Some(3.0));
        // Their product underflows, the plan does not.
        points(stream, Some(1e-23));
    }
}

/// `mass`: of both sides, with prices; without it a balanced problem of uniform weights.
fn points(stream: bool, mass: Option<f32>) {
    let all = [
        (Cost::SquaredEuclidean, 0.0),
        (Cost::SquaredEuclidean, 100.0),
        (Cost::Cosine, 0.5),
    ];
    // Masses have nothing to do with how costs are made.
    let cases = if mass.is_some() { &all[..1] } else { &all };
    for &(cost, offset) in cases {
        let (n, m, dim) = (35, 66, 37);
        let shift = |x: Vec<f32>| -> Vec<f32> { x.into_iter().map(|x| x + offset).collect() };
        let (x, y) = (
            shift(normal(1, n * dim, 0.3)),
            shift(normal(2, m * dim, 0.3)),
        );
        let options = SinkhornOptions {
            epsilon: 1.0,
            threshold: 1e-6,
            max_iterations: 300,
        };
        let device = Emulator::new(3);
        let (dx, dy) = (
            Buffer::of(&device, &x).unwrap(),
            Buffer::of(&device, &y).unwrap(),
        );
        let source = CostSource::Points {
            cost,
            x: dx.array(),
            y: dy.array(),
            dim,
        };
        let weights = |count: usize, mass: f32| -> Vec<f32> {
            let raw: Vec<f32> = (0..count).map(|i| (1 + i % 3) as f32).collect();
            let sum: f32 = raw.iter().sum();
            raw.iter().map(|w| mass * (w / sum)).collect()
        };
        let given = mass.map(|mass| (weights(n, mass), weights(m, mass)));
        let on_device = given.as_ref().map(|(a, b)| {
            let of = |w: &[f32]| Buffer::of(&device, w).unwrap();
            (of(a), of(b))
        });
        let mut problem = Problem::new(source, n, m);
        problem.stream = stream;
        if let Some((a, b)) = &on_device {
            (problem.a, problem.b) = (Some(a.array()), Some(b.array()));
            problem = problem.unbalanced(40.0, 40.0);
        }
        let workspace = Buffer::new(&device, problem.workspace_len()).unwrap();
        let mut state = State::new(&device, &problem, 1.0, workspace.array()).unwrap();
        let got = state.run(&options).unwrap();
        let state_cost = state.transport_cost().unwrap();
        let grad_x = Buffer::new(&device, n * dim).unwrap();
        let grad_y = Buffer::new(&device, m * dim).unwrap();
        state
            .envelope_gradient(grad_x.array(), grad_y.array())
            .unwrap();

        let (x, y) = (wide(&x), wide(&y));
        let source = core::CostSource::Points {
            cost,
            x: &x,
            y: &y,
            dim,
        };
        let given = given.map(|(a, b)| (wide(&a), wide(&b)));
        let mut problem = core::Problem::new(source, n, m);
        if let Some((a, b)) = &given {
            (problem.a, problem.b) = (Some(a.as_slice()), Some(b.as_slice()));
            problem = problem.unbalanced(40.0, 40.0);
        }
        let mut workspace = vec![0.0; problem.workspace_len()];
        let mut state = core::State::new(&problem, 1.0, &mut workspace).unwrap();
        let want = state
            .run(&SinkhornOptions {
                epsilon: 1.0,
                threshold: 1e-10,
                max_iterations: 300,
            })
            .unwrap();
        let (mut want_x, mut want_y) = (vec![0.0; n * dim], vec![0.0; m * dim]);
        state
            .envelope_gradient(cost, &x, &y, dim, &mut want_x, &mut want_y)
            .unwrap();
        assert!(got.converged, "{got:?}");
        let want_cost = state.transport_cost().unwrap();
        let got_x = grad_x.to_vec().unwrap();
        let got_y = grad_y.to_vec().unwrap();
        if mass.is_some() {
            // Potentials of up to 50 ε are rounded at 50 u, in each iteration.
            let what = format!("{mass:?}, {stream}");
            near_largest(&what, &[state_cost], &[want_cost], 1e-4);
            near_largest(&format!("{what}: x"), &got_x, &want_x, 1e-4);
            near_largest(&format!("{what}: y"), &got_y, &want_y, 1e-4);
            continue;
        }
        let cost = f64::from(state_cost);
        assert!((cost - want_cost).abs() <= 3e-6, "{cost}");
        near("value", &[got.value], &[want.value], 2e-6);
        // They follow the plan, which is right to the threshold in its L1 norm.
        near("grad_x", &got_x, &want_x, 1e-6);
        near("grad_y", &got_y, &want_y, 1e-6);
    }
}
