//! The Sinkhorn divergence on the emulated grid against `kernels-core` in f64.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use kernels_core::cost::Cost;
use kernels_core::sinkhorn::{self as core, SinkhornOptions};
use kernels_cuda::Buffer;
use kernels_cuda::emulator::Emulator;
use kernels_cuda::sinkhorn::{
    CostSource, Problem, divergence_workspace_len, sinkhorn_divergence,
    sinkhorn_divergence_with_grad,
};
use support::{near, normal, wide};

fn compare(cost: Cost, (n, m): (usize, usize), rho: Option<f32>, stream: bool) {
    let dim = 5;
    let (x, y) = (normal(3, n * dim, 0.5), normal(4, m * dim, 0.6));
    let options = SinkhornOptions {
        epsilon: 0.5,
        threshold: 1e-6,
        max_iterations: 500,
    };
    let device = Emulator::new(5);
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
    let mut problem = Problem::new(source, n, m);
    problem.stream = stream;
    if let Some(rho) = rho {
        problem = problem.unbalanced(rho, 2.0 * rho);
    }
    let workspace = Buffer::new(&device, divergence_workspace_len(&problem)).unwrap();
    let (grad_x, grad_y) = (
        Buffer::new(&device, n * dim).unwrap(),
        Buffer::new(&device, m * dim).unwrap(),
    );
    let got = sinkhorn_divergence_with_grad(
        &device,
        &problem,
        &options,
        grad_x.array(),
        grad_y.array(),
        workspace.array(),
    )
    .unwrap();

    let (x, y) = (wide(&x), wide(&y));
    let source = core::CostSource::Points {
        cost,
        x: &x,
        y: &y,
        dim,
    };
    let mut problem = core::Problem::new(source, n, m);
    if let Some(rho) = rho {
        problem = problem.unbalanced(f64::from(rho), f64::from(2.0 * rho));
    }
    let options = SinkhornOptions {
        epsilon: 0.5,
        threshold: 1e-10,
        max_iterations: 2000,
    };
    let mut workspace = vec![0.0; core::divergence_workspace_len(&problem)];
    let (mut want_x, mut want_y) = (vec![0.0; n * dim], vec![0.0; m * dim]);
    let want = core::sinkhorn_divergence_with_grad(
        &problem,
        &options,
        &mut want_x,
        &mut want_y,
        &mut workspace,
    )
    .unwrap();
    assert!(got.converged, "{got:?}");
    // The difference of values of about one; potentials are right to the threshold.
    near("value", &[got.value], &[want.value], 3e-6);
    near("within a", &[got.within_a], &[want.within_a], 3e-6);
    near("within b", &[got.within_b], &[want.within_b], 3e-6);
    near("grad_x", &grad_x.to_vec().unwrap(), &want_x, 2e-6);
    near("grad_y", &grad_y.to_vec().unwrap(), &want_y, 2e-6);
}

#[test]
fn squared_distances() {
    compare(Cost::SquaredEuclidean, (17, 33), None, false);
}

#[test]
fn directions() {
    compare(Cost::Cosine, (20, 12), None, false);
}

#[test]
fn unbalanced() {
    compare(Cost::SquaredEuclidean, (12, 15), Some(1.0), false);
}

#[test]
fn without_a_matrix() {
    compare(Cost::SquaredEuclidean, (17, 70), None, true);
    compare(Cost::Cosine, (12, 15), Some(1.0), true);
}

#[test]
fn a_cloud_and_itself_are_at_no_distance() {
    let device = Emulator::new(2);
    let x = Buffer::of(&device, &normal(9, 40, 1.0)).unwrap();
    let source = CostSource::Points {
        cost: Cost::SquaredEuclidean,
        x: x.array(),
        y: x.array(),
        dim: 4,
    };
    let problem = Problem::new(source, 10, 10);
    let options = SinkhornOptions {
        epsilon: 1.0,
        threshold: 1e-6,
        max_iterations: 500,
    };
    let workspace = Buffer::new(&device, divergence_workspace_len(&problem)).unwrap();
    let got = sinkhorn_divergence(&device, &problem, &options, workspace.array()).unwrap();
    // Each potential is rounded at its own size, which is about one.
    assert!(got.converged && got.value <= 1e-6, "{got:?}");
}
