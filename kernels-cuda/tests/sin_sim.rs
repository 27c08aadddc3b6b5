//! SinSim on the emulated grid against `kernels-core` in f64.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use kernels_core::Real;
use kernels_core::cost::{Cost, CostScale};
use kernels_core::sin_sim::{self as core, EpsilonUnit, OtForm, OtOptions, SinSimOptions};
use kernels_core::sinkhorn::SinkhornOptions;
use kernels_cuda::Buffer;
use kernels_cuda::emulator::Emulator;
use kernels_cuda::sin_sim::{sin_sim_with_grad, sin_sim_workspace_len};
use support::{near, near_largest, normal, wide};

fn options<T: Real>(cost: Cost, scale: CostScale, lambda: f64, threshold: f64) -> SinSimOptions<T> {
    let sinkhorn = SinkhornOptions {
        // In the units of the cost.
        epsilon: T::of(if scale == CostScale::None { 2.0 } else { 0.25 }),
        threshold: T::of(threshold),
        max_iterations: 400,
    };
    SinSimOptions {
        temperature: T::of(0.5),
        lambda: T::of(lambda),
        ot: OtOptions {
            scale,
            ..OtOptions::new(cost, sinkhorn)
        },
    }
}

fn compare(cost: Cost, scale: CostScale, lambda: f64, size: (usize, usize)) {
    let (f32, f64) = (
        options(cost, scale, lambda, 1e-6),
        options(cost, scale, lambda, 1e-10),
    );
    compare_options(&f32, &f64, size);
}

fn compare_options(
    options: &SinSimOptions<f32>,
    exact: &SinSimOptions<f64>,
    (rows, dim): (usize, usize),
) {
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
        options,
        grad.array(),
        workspace.array(),
    )
    .unwrap();

    let z = wide(&z);
    let mut want_grad = vec![0.0; rows * dim];
    let mut workspace = vec![0.0; core::sin_sim_workspace_len(rows, dim)];
    let want =
        core::sin_sim_with_grad(&z, rows, dim, exact, &mut want_grad, &mut workspace).unwrap();
    assert!(got.ot.converged && want.ot.converged, "{got:?}");
    near("loss", &[got.loss], &[want.loss], 2e-6);
    near("nt_xent", &[got.nt_xent], &[want.nt_xent], 2e-6);
    near("epsilon", &[got.ot.epsilon], &[want.ot.epsilon], 1e-6);
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

/// Every form and unit, with and without a price of the marginals.
#[test]
fn all_forms_and_units() {
    fn options<T: Real>(
        (form, epsilon_unit, scale): (OtForm, EpsilonUnit, CostScale),
        (cost, rho): (Cost, f64),
        threshold: f64,
    ) -> SinSimOptions<T> {
        let relative = scale == CostScale::Maximum || epsilon_unit == EpsilonUnit::Maximum;
        let sinkhorn = SinkhornOptions {
            epsilon: T::of(if relative { 0.25 } else { 2.0 }),
            threshold: T::of(threshold),
            max_iterations: 400,
        };
        SinSimOptions {
            temperature: T::of(0.5),
            lambda: T::of(0.5),
            ot: OtOptions {
                form,
                epsilon_unit,
                scale,
                rho: T::of(rho),
                ..OtOptions::new(cost, sinkhorn)
            },
        }
    }
    for form in [OtForm::Plain, OtForm::Divergence] {
        for unit in [EpsilonUnit::Absolute, EpsilonUnit::Maximum] {
            for scale in [CostScale::None, CostScale::Maximum] {
                for given in [(Cost::SquaredEuclidean, f64::INFINITY), (Cost::Cosine, 1.5)] {
                    let what = (form, unit, scale);
                    let (f32, f64) = (options(what, given, 1e-6), options(what, given, 1e-10));
                    compare_options(&f32, &f64, (18, 4));
                }
            }
        }
    }
}
