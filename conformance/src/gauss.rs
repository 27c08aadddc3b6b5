//! Kind `gauss1d_closed_form`: two Gaussians on a grid, against the closed form for the
//! continuous ones.

use crate::balanced::{allowance, unconverged};
use crate::file::list;
use crate::report::Report;
use crate::tolerance::Quantity;
use crate::{Error, Problem, Way};
use kernels_core::Real;
use kernels_core::cost::{Cost, cost_matrix};
use kernels_core::sinkhorn::{
    CostSource, Problem as Transport, SinkhornOptions, robust_workspace_len, solve_robust,
};

pub(crate) fn check<T: Real>(problem: &Problem, report: &mut Report) -> Result<(), Error> {
    let &[low, high, count] = list("grid", &problem.grid, 3)? else {
        return Err(Error::Missing("grid"));
    };
    let n = count as usize;
    let points: Vec<f64> = (0..n)
        .map(|k| low + (high - low) * k as f64 / (count - 1.0))
        .collect();
    let weights = |mean: f64, sigma: f64| {
        let density = |x: &f64| (-(x - mean).powi(2) / (2.0 * sigma * sigma)).exp();
        let raw: Vec<f64> = points.iter().map(density).collect();
        let total: f64 = raw.iter().sum();
        raw.iter().map(|w| T::of(w / total)).collect::<Vec<T>>()
    };
    let (a, b) = (
        weights(problem.m1, problem.s1),
        weights(problem.m2, problem.s2),
    );
    let x: Vec<T> = points.iter().map(|&x| T::of(x)).collect();
    let mut cost = vec![T::zero(); n * n];
    cost_matrix(Cost::SquaredEuclidean, &x, &x, n, n, 1, &mut cost)?;
    let mut transport = Transport::new(CostSource::Matrix(&cost), n, n).with_weights(&a, &b);
    transport.store_kernel = report.way == Way::Stored;
    let options = SinkhornOptions {
        epsilon: T::of(problem.eps),
        // Exponents reach the thousands where nothing weighs anything.
        threshold: T::of(1e3) * T::epsilon(),
        max_iterations: 60_000,
    };
    let mut workspace = vec![T::zero(); robust_workspace_len(&transport)];
    let (_, outcome) = solve_robust(&transport, &options, &mut workspace)?;
    let value = problem.value()?;
    if !outcome.converged {
        return unconverged(problem, report, &outcome, value.abs());
    }
    let condition = allowance(problem, report, &outcome, value.abs());
    report.compare(
        Quantity::Value,
        &[outcome.value.wide()],
        &[value],
        value.abs(),
        condition,
    );
    Ok(())
}
