//! Kind `divergence`: `OT(x,y) − ½ OT(x,x) − ½ OT(y,y)`, zero on identical clouds.

use crate::balanced::clouds;
use crate::file::{inputs, list, optional, wide};
use crate::report::Report;
use crate::tolerance::{Quantity, UNCONVERGED_LIMIT};
use crate::{Error, Problem, Way};
use kernels_core::Real;
use kernels_core::cost::Cost;
use kernels_core::sinkhorn::{
    CostSource, Problem as Transport, SinkhornOptions, divergence_workspace_len,
    sinkhorn_divergence_with_grad,
};

const MAX_ITERATIONS: usize = 30_000;

pub(crate) fn check<T: Real>(problem: &Problem, report: &mut Report) -> Result<(), Error> {
    let (n, m, dim) = (problem.n, problem.m, problem.d);
    let (x, y) = clouds(problem)?;
    let (a, b) = (list("a", &problem.a, n)?, list("b", &problem.b, m)?);
    let part = |value: Option<f64>, name| value.ok_or(Error::Missing(name));
    let parts = [
        part(problem.ot_ab, "ot_ab")?,
        part(problem.ot_aa, "ot_aa")?,
        part(problem.ot_bb, "ot_bb")?,
    ];
    let width = parts.iter().fold(0.0, |peak: f64, v| peak.max(v.abs()));
    let kappa = 1.0 + 2.0 * width / problem.eps;
    let heaviest = a.iter().fold(0.0, |peak: f64, a| peak.max(*a));
    let far = x
        .chunks(dim)
        .flat_map(|x| y.chunks(dim).map(move |y| (x, y)))
        .map(|(x, y)| x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum::<f64>())
        .fold(0.0, f64::max)
        .sqrt();

    let (x, y) = (inputs::<T>(x), inputs::<T>(y));
    let (a, b) = (inputs::<T>(a), inputs::<T>(b));
    let source = CostSource::Points {
        cost: Cost::SquaredEuclidean,
        x: &x,
        y: &y,
        dim,
    };
    let mut transport = Transport::new(source, n, m).with_weights(&a, &b);
    transport.store_kernel = report.way == Way::Stored;
    let options = SinkhornOptions {
        epsilon: T::of(problem.eps),
        threshold: T::of(4.0 * kappa * report.unit),
        max_iterations: MAX_ITERATIONS,
    };
    let mut workspace = vec![T::zero(); divergence_workspace_len(&transport)];
    let (mut grad_x, mut grad_y) = (vec![T::zero(); x.len()], vec![T::zero(); y.len()]);
    let found = sinkhorn_divergence_with_grad(
        &transport,
        &options,
        &mut grad_x,
        &mut grad_y,
        &mut workspace,
    )?;
    let error = found.between.marginal_error.wide();
    if !found.converged {
        return unconverged(problem, report, found.value.wide(), error, width);
    }
    let value = [found.value.wide()];
    report.compare(Quantity::Value, &value, &[problem.value()?], width, kappa);
    let got = [found.between.value, found.within_a, found.within_b].map(Real::wide);
    report.compare(Quantity::Part, &got, &parts, width, kappa);
    if let Some(expected) = optional("grad_x", &problem.grad_x, n * dim)? {
        let size = 2.0 * heaviest * far;
        report.compare(Quantity::Gradient, &wide(&grad_x), expected, size, kappa);
    }
    Ok(())
}

/// What an unconverged run still tells: see `tolerance`.
fn unconverged(
    problem: &Problem,
    report: &mut Report,
    value: f64,
    error: f64,
    width: f64,
) -> Result<(), Error> {
    if !(error <= UNCONVERGED_LIMIT) {
        report.fail(format!("marginal error {error:.1e}"));
    }
    let condition = 1.0 + problem.eps * error / (width * report.unit);
    let quantity = Quantity::UnconvergedValue;
    report.compare(quantity, &[value], &[problem.value()?], width, condition);
    Ok(())
}
