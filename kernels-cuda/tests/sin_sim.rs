//! SinSim on the emulated grid against `kernels-core` in f64.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use kernels_core::cost::{Cost, CostScale};
use kernels_core::sin_sim::{self as core, OtOptions, SinSimOptions};
use kernels_core::sinkhorn::SinkhornOptions;
use kernels_cuda::Buffer;
use kernels_cuda::emulator::Emulator;
use kernels_cuda::sin_sim::{sin_sim_with_grad, sin_sim_workspace_len};
use support::{near, near_largest, normal, wide};

fn options<T: kernels_core::Real>(
    cost: Cost,
    scale: CostScale,
    lambda: f64,
    threshold: f64,
) -> SinSimOptions<T> {
    SinSimOptions {
        temperature: T::of(0.5),
        lambda: T::of(lambda),
        ot: OtOptions {
            cost,
            scale,
            sinkhorn: SinkhornOptions {
                // In the units of the cost.
                epsilon: T::of(if scale == CostScale::None { 2.0 } else { 0.25 }),
                threshold: T::of(threshold),
                max_iterations: 400,
            },
        },
    }
}

fn compare(cost: Cost, scale: CostScale, lambda: f64, (rows, dim): (usize, usize)) {
    let z = normal(17, rows * dim, 1.0);
    let device = Emulator::new(9);
    let views = Buffer::of(&device, &z).unwrap();
    let grad = Buffer::new(&device, rows * dim).unwrap();
    let workspace = Buffer::new(&device, sin_sim_workspace_len(rows, dim)).unwrap();
    let got = sin_sim_with_grad(
        &device,
        views.array(),
        rows,
        dim,
        &options(cost, scale, lambda, 1e-6),
        grad.array(),
        workspace.array(),
    )
    .unwrap();

    let z = wide(&z);
    let mut want_grad = vec![0.0; rows * dim];
    let mut workspace = vec![0.0; core::sin_sim_workspace_len(rows, dim)];
    let options = options(cost, scale, lambda, 1e-10);
    let want =
        core::sin_sim_with_grad(&z, rows, dim, &options, &mut want_grad, &mut workspace).unwrap();
    assert!(got.ot.converged && want.ot.converged, "{got:?}");
    near("loss", &[got.loss], &[want.loss], 2e-6);
    near("nt_xent", &[got.nt_xent], &[want.nt_xent], 2e-6);
    near("ot", &[got.ot.value], &[want.ot.value], 2e-6);
    // Of first order in the marginal error, which is 1e-6, as is the gradient.
    let cost = [got.ot.transport_cost];
    near("transport cost", &cost, &[want.ot.transport_cost], 5e-6);
    near_largest("grad", &grad.to_vec().unwrap(), &want_grad, 1e-5);
}

#[test]
fn all_costs_and_scales() {
    compare(Cost::SquaredEuclidean, CostScale::Maximum, 0.7, (36, 10));
    compare(Cost::SquaredEuclidean, CostScale::None, 0.1, (10, 3));
    compare(Cost::Cosine, CostScale::None, 2.0, (34, 8));
    compare(Cost::Cosine, CostScale::Maximum, 1.0, (2, 5));
}

#[test]
fn without_lambda_it_is_nt_xent() {
    compare(Cost::Cosine, CostScale::None, 0.0, (12, 8));
}
