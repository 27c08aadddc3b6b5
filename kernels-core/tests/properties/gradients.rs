//! Gradients against central differences, in f64.
//!
//! Step h = 1e-5: the truncation error is h² times a third derivative and the rounding
//! error u/h, both near 1e-10 for inputs of size one; curvature at small τ and ε adds
//! the factors in the tolerances.

use crate::common::assert_close;
use kernels_core::cost::{Cost, CostScale, cost_matrix};
use kernels_core::nt_xent::{nt_xent, nt_xent_with_grad, nt_xent_workspace_len};
use kernels_core::sin_sim::{
    OtOptions, SinSimOptions, ot_term_with_grad, ot_term_workspace_len, sin_sim_with_grad,
    sin_sim_workspace_len,
};
use kernels_core::sinkhorn::{
    CostSource, Outcome, Problem, SinkhornOptions, sinkhorn_workspace_len, solve,
};
use proptest::collection::vec;
use proptest::prelude::*;

const STEP: f64 = 1e-5;

/// Compares every entry of `grad` with the slope of `loss` there.
fn check(z: &[f64], grad: &[f64], tolerance: f64, mut loss: impl FnMut(&[f64]) -> f64) {
    let mut moved = z.to_vec();
    for (k, &slope) in grad.iter().enumerate() {
        moved[k] = z[k] + STEP;
        let above = loss(&moved);
        moved[k] = z[k] - STEP;
        let below = loss(&moved);
        moved[k] = z[k];
        assert_close(slope, (above - below) / (2.0 * STEP), tolerance);
    }
}

/// Rows with norms between about 0.3 and 3, so that no direction is ill-defined.
fn batch() -> impl Strategy<Value = (usize, usize, Vec<f64>)> {
    (1_usize..6, 1_usize..5).prop_flat_map(|(images, dim)| {
        let entry = prop_oneof![-1.5..-0.3, 0.3..1.5];
        (Just(2 * images), Just(dim), vec(entry, 2 * images * dim))
    })
}

fn ot_options(cost: Cost, scale: CostScale, epsilon: f64) -> OtOptions<f64> {
    let sinkhorn = SinkhornOptions {
        epsilon,
        threshold: 1e-13,
        max_iterations: 5000,
    };
    OtOptions {
        scale,
        ..OtOptions::new(cost, sinkhorn)
    }
}

/// The value of the transport term with a divisor that does not move with z, by plain
/// iterations.
fn ot_value(z: &[f64], rows: usize, dim: usize, options: &OtOptions<f64>, divisor: f64) -> f64 {
    ot_outcome(z, rows, dim, options, divisor).value
}

fn ot_outcome(
    z: &[f64],
    rows: usize,
    dim: usize,
    options: &OtOptions<f64>,
    divisor: f64,
) -> Outcome<f64> {
    let n = rows / 2;
    let (x, y) = z.split_at(n * dim);
    let mut cost = vec![0.0; n * n];
    cost_matrix(options.cost, x, y, n, n, dim, &mut cost).expect("finite");
    cost.iter_mut().for_each(|c| *c /= divisor);
    let problem = Problem::new(CostSource::Matrix(&cost), n, n);
    let mut workspace = vec![0.0; sinkhorn_workspace_len(n, n)];
    solve(&problem, &options.sinkhorn, &mut workspace).expect("finite")
}

fn divisor(z: &[f64], rows: usize, dim: usize, options: &OtOptions<f64>) -> f64 {
    let n = rows / 2;
    let (x, y) = z.split_at(n * dim);
    let mut cost = vec![0.0; n * n];
    cost_matrix(options.cost, x, y, n, n, dim, &mut cost).expect("finite");
    let largest = cost.iter().copied().fold(0.0, f64::max);
    if options.scale == CostScale::Maximum && largest > 0.0 {
        largest
    } else {
        1.0
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nt_xent_gradient((rows, dim, z) in batch(), tau in 0.1..2.0) {
        let mut grad = vec![0.0; z.len()];
        let mut workspace = vec![0.0; nt_xent_workspace_len(rows, dim)];
        nt_xent_with_grad(&z, rows, dim, tau, &mut grad, &mut workspace).expect("legal");
        // Third derivatives grow like (1/τ)³/‖z‖³.
        check(&z, &grad, 1e-5, |z| {
            nt_xent(z, rows, dim, tau, &mut workspace).expect("legal")
        });
    }

    #[test]
    fn transport_gradient(
        (rows, dim, z) in batch(),
        cosine in any::<bool>(),
        scaled in any::<bool>(),
        epsilon in 0.2..2.0,
    ) {
        let cost = if cosine { Cost::Cosine } else { Cost::SquaredEuclidean };
        let scale = if scaled { CostScale::Maximum } else { CostScale::None };
        let options = ot_options(cost, scale, epsilon);
        let mut grad = vec![f64::NAN; z.len()];
        let mut workspace = vec![0.0; ot_term_workspace_len(rows / 2, dim)];
        let term = ot_term_with_grad(&z, rows, dim, &options, &mut grad, &mut workspace);
        let term = term.expect("legal");
        prop_assume!(term.converged);
        let fixed = divisor(&z, rows, dim, &options);
        // A cosine cost of (nearly) equal directions is zero, and so is its divisor.
        prop_assume!(fixed > 1e-3);
        // The term takes longer steps, and may converge where plain ones have not.
        let plain = ot_outcome(&z, rows, dim, &options, fixed);
        prop_assume!(plain.converged);
        assert_close(term.value, plain.value, 1e-12);
        let tolerance = 1e-6 / fixed.min(1.0);
        check(&z, &grad, tolerance, |z| ot_value(z, rows, dim, &options, fixed));
    }

    #[test]
    fn sin_sim_gradient((rows, dim, z) in batch(), lambda in 0.1..2.0) {
        let ot = ot_options(Cost::Cosine, CostScale::None, 0.3);
        let options = SinSimOptions { temperature: 0.5, lambda, ot };
        let mut workspace = vec![0.0; sin_sim_workspace_len(rows, dim)];
        let mut scratch = vec![0.0; z.len()];
        let mut grad = vec![f64::NAN; z.len()];
        let loss = sin_sim_with_grad(&z, rows, dim, &options, &mut grad, &mut workspace);
        prop_assume!(loss.expect("legal").ot.converged);
        check(&z, &grad, 1e-6, |z| {
            let loss = sin_sim_with_grad(z, rows, dim, &options, &mut scratch, &mut workspace);
            loss.expect("legal").loss
        });
    }
}
