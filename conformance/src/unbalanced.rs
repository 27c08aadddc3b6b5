//! Kind `unbalanced`: `+ ρ KL(P1 | a) + ρ KL(Pᵀ1 | b)` in place of the constraints,
//! between clouds of any mass. Solved from the points, without a cost matrix.

use crate::balanced::clouds;
use crate::file::{inputs, list, optional, plain, wide};
use crate::report::Report;
use crate::tolerance::Quantity;
use crate::{Error, Problem, Way};
use kernels_core::Real;
use kernels_core::cost::Cost;
use kernels_core::sinkhorn::{
    CostSource, Problem as Transport, SinkhornOptions, robust_workspace_len, solve_robust,
};

const MAX_ITERATIONS: usize = 60_000;

pub(crate) fn check<T: Real>(problem: &Problem, report: &mut Report) -> Result<(), Error> {
    let (n, m, dim) = (problem.n, problem.m, problem.d);
    let rho = problem.rho.ok_or(Error::Missing("rho"))?;
    let (x, y) = clouds(problem)?;
    let (a, b) = (list("a", &problem.a, n)?, list("b", &problem.b, m)?);
    let (f, g) = (list("f", &problem.f, n)?, list("g", &problem.g, m)?);
    let (f, g) = (plain(f), plain(g));
    let value = problem.value()?;

    let peak = |values: &[f64]| values.iter().fold(0.0, |peak: f64, v| peak.max(v.abs()));
    let kappa = 1.0 + (peak(&f) + peak(&g)) / problem.eps;
    // A shift of all mass is damped by ρ/(ρ+ε) in each half step, and an error of the
    // marginals leaves that much more of it in the potentials.
    let damping = kappa * (1.0 + rho / problem.eps);
    let mass: f64 = a.iter().sum::<f64>().max(b.iter().sum());

    let points = (inputs::<T>(x), inputs::<T>(y));
    let (x, y) = (points.0.as_slice(), points.1.as_slice());
    let (a, b) = (inputs::<T>(a), inputs::<T>(b));
    let cost = Cost::SquaredEuclidean;
    let source = CostSource::Points { cost, x, y, dim };
    let mut transport = Transport::new(source, n, m)
        .with_weights(&a, &b)
        .unbalanced(T::of(rho), T::of(rho));
    transport.store_kernel = report.way == Way::Stored;
    let options = SinkhornOptions {
        epsilon: T::of(problem.eps),
        threshold: T::of(4.0 * kappa * report.unit * mass),
        max_iterations: MAX_ITERATIONS,
    };
    let mut workspace = vec![T::zero(); robust_workspace_len(&transport)];
    let (mut state, outcome) = solve_robust(&transport, &options, &mut workspace)?;
    if !outcome.converged {
        report.fail(format!(
            "marginal error {:.1e} after {} iterations",
            outcome.marginal_error.wide(),
            outcome.iterations
        ));
    }
    let size = value.abs().max(problem.eps * mass);
    report.compare(
        Quantity::Value,
        &[outcome.value.wide()],
        &[value],
        size,
        1.0,
    );
    if let Some(expected) = problem.transport {
        let got = [state.transport_cost()?.wide()];
        let size = expected.abs().max(problem.eps * mass);
        report.compare(Quantity::Transport, &got, &[expected], size, damping);
    }
    if let Some(expected) = problem.mass {
        let got = [outcome.mass.wide()];
        report.compare(Quantity::Mass, &got, &[expected], expected.abs(), damping);
    }
    let (got_f, got_g) = state.potentials();
    for (got, expected) in [(got_f, &f), (got_g, &g)] {
        let (got, size) = (wide(got), peak(expected));
        report.compare(Quantity::Potential, &got, expected, size, damping);
    }
    if let Some(expected) = optional("grad_x", &problem.grad_x, n * dim)? {
        let (mut grad_x, mut grad_y) = (vec![T::zero(); x.len()], vec![T::zero(); y.len()]);
        state.envelope_gradient(cost, x, y, dim, &mut grad_x, &mut grad_y)?;
        let size = peak(expected);
        report.compare(Quantity::Gradient, &wide(&grad_x), expected, size, damping);
    }
    Ok(())
}
