//! Kinds `balanced` and `balanced_cost`.

use crate::file::{inputs, list, optional, plain, wide};
use crate::magnitude::{Magnitude, Reference};
use crate::report::Report;
use crate::tolerance::{Quantity, UNCONVERGED_LIMIT};
use crate::{Error, Problem, Way};
use kernels_core::Real;
use kernels_core::cost::{Cost, cost_matrix};
use kernels_core::sinkhorn::{
    CostSource, Outcome, Problem as Transport, SinkhornOptions, State, robust_workspace_len,
    solve_robust,
};

const MAX_ITERATIONS: usize = 60_000;

pub(crate) fn check<T: Real>(problem: &Problem, report: &mut Report) -> Result<(), Error> {
    let (n, m) = (problem.n, problem.m);
    let magnitude = magnitude(problem)?;
    let cost = costs::<T>(problem)?;
    let a = optional("a", &problem.a, n)?.map(inputs::<T>);
    let b = optional("b", &problem.b, m)?.map(inputs::<T>);
    let points = match problem.cost {
        None => Some(clouds(problem)?),
        Some(_) => None,
    };
    let points = points.map(|(x, y)| (inputs::<T>(x), inputs::<T>(y)));
    let source = match &points {
        Some((x, y)) if report.way == Way::Points => CostSource::Points {
            cost: Cost::SquaredEuclidean,
            x,
            y,
            dim: problem.d,
        },
        _ => CostSource::Matrix(&cost),
    };
    let transport = Transport {
        a: a.as_deref(),
        b: b.as_deref(),
        store_kernel: report.way == Way::Stored,
        ..Transport::new(source, n, m)
    };
    // No digit of the exponents is left: the potentials cannot be had in this scalar.
    let beyond = !(magnitude.kappa * report.unit < 1.0);
    let kappa = if beyond {
        magnitude.kappa_of_value
    } else {
        magnitude.kappa
    };
    // What rounding lets one ask for: exponents carry an error of κu. At the smallest ε
    // that is a large error of the marginals, so the solver is asked for better, and may
    // stop short of it.
    let reachable = 4.0 * kappa * report.unit;
    let options = SinkhornOptions {
        epsilon: T::of(problem.eps),
        threshold: T::of(reachable.min(UNCONVERGED_LIMIT)),
        max_iterations: MAX_ITERATIONS,
    };
    let mut workspace = vec![T::zero(); robust_workspace_len(&transport)];
    let (mut state, outcome) = solve_robust(&transport, &options, &mut workspace)?;
    let settled = outcome.converged || outcome.marginal_error.wide() <= reachable;
    if beyond || !settled {
        return unconverged(problem, report, &outcome, magnitude.value);
    }
    let value = [outcome.value.wide()];
    report.compare(
        Quantity::Value,
        &value,
        &[problem.value()?],
        magnitude.value,
        1.0,
    );
    if let Some(expected) = problem.transport {
        let got = [state.transport_cost()?.wide()];
        report.compare(
            Quantity::Transport,
            &got,
            &[expected],
            magnitude.transport,
            kappa,
        );
    }
    let (f, g) = state.potentials();
    for (got, expected) in [
        (f, optional("f", &problem.f, n)?),
        (g, optional("g", &problem.g, m)?),
    ] {
        let Some(expected) = expected.map(plain) else {
            continue;
        };
        let condition = kappa + 1.0 / magnitude.weakest;
        let size = size_of_potential(&expected, problem.eps);
        report.compare(Quantity::Potential, &wide(got), &expected, size, condition);
    }
    if let Some(expected) = optional("plan", &problem.plan, n * m)? {
        let entries = (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
        let plan: Vec<T> = entries.filter_map(|(i, j)| state.plan(i, j)).collect();
        let size = expected.iter().fold(0.0, |peak: f64, p| peak.max(*p));
        report.compare(Quantity::Plan, &wide(&plan), expected, size, kappa);
    }
    gradient(problem, report, &mut state, &magnitude, kappa)
}

/// What an unconverged run still tells.
pub(crate) fn unconverged<T: Real>(
    problem: &Problem,
    report: &mut Report,
    outcome: &Outcome<T>,
    size: f64,
) -> Result<(), Error> {
    let error = outcome.marginal_error.wide();
    if !(error <= UNCONVERGED_LIMIT.max(4.0 * report.unit)) {
        let iterations = outcome.iterations;
        report.fail(format!(
            "marginal error {error:.1e} after {iterations} iterations"
        ));
    }
    let condition = allowance(problem, report, outcome, size);
    let (got, expected) = ([outcome.value.wide()], [problem.value()?]);
    report.compare(Quantity::UnconvergedValue, &got, &expected, size, condition);
    Ok(())
}

/// The condition of a value that is εr from the optimum, at the marginal error r.
pub(crate) fn allowance<T: Real>(
    problem: &Problem,
    report: &Report,
    outcome: &Outcome<T>,
    size: f64,
) -> f64 {
    1.0 + problem.eps * outcome.marginal_error.wide() / (size * report.unit)
}

fn size_of_potential(potential: &[f64], epsilon: f64) -> f64 {
    let finite = potential.iter().filter(|p| p.is_finite());
    let peak = finite.fold(0.0, |peak: f64, p| peak.max(p.abs()));
    if peak > 0.0 { peak } else { epsilon }
}

fn gradient<T: Real>(
    problem: &Problem,
    report: &mut Report,
    state: &mut State<'_, T>,
    magnitude: &Magnitude,
    kappa: f64,
) -> Result<(), Error> {
    let Some(expected) = optional("grad_x", &problem.grad_x, problem.n * problem.d)? else {
        return Ok(());
    };
    let (x, y) = clouds(problem)?;
    let (x, y) = (inputs::<T>(x), inputs::<T>(y));
    let (mut grad_x, mut grad_y) = (vec![T::zero(); x.len()], vec![T::zero(); y.len()]);
    let squared = Cost::SquaredEuclidean;
    state.envelope_gradient(squared, &x, &y, problem.d, &mut grad_x, &mut grad_y)?;
    let got = wide(&grad_x);
    report.compare(
        Quantity::Gradient,
        &got,
        expected,
        magnitude.gradient,
        kappa,
    );
    Ok(())
}

pub(crate) fn clouds(problem: &Problem) -> Result<(&[f64], &[f64]), Error> {
    Ok((
        list("x", &problem.x, problem.n * problem.d)?,
        list("y", &problem.y, problem.m * problem.d)?,
    ))
}

fn costs<T: Real>(problem: &Problem) -> Result<Vec<T>, Error> {
    let (n, m) = (problem.n, problem.m);
    if problem.cost.is_some() {
        let cost = list("C", &problem.cost, n * m)?;
        return Ok(cost.iter().map(|entry| T::of(entry.0)).collect());
    }
    let (x, y) = clouds(problem)?;
    let (x, y) = (inputs::<T>(x), inputs::<T>(y));
    let mut out = vec![T::zero(); n * m];
    cost_matrix(Cost::SquaredEuclidean, &x, &y, n, m, problem.d, &mut out)?;
    Ok(out)
}

fn magnitude(problem: &Problem) -> Result<Magnitude, Error> {
    let (n, m) = (problem.n, problem.m);
    let uniform = |len: usize| vec![1.0 / len as f64; len];
    let a = optional("a", &problem.a, n)?.map_or_else(|| uniform(n), <[f64]>::to_vec);
    let b = optional("b", &problem.b, m)?.map_or_else(|| uniform(m), <[f64]>::to_vec);
    let f = optional("f", &problem.f, n)?.map(plain);
    let g = optional("g", &problem.g, m)?.map(plain);
    let reference = Reference {
        cost: &costs::<f64>(problem)?,
        a: &a,
        b: &b,
        epsilon: problem.eps,
        value: problem.value()?,
        potentials: f.as_deref().zip(g.as_deref()),
        clouds: match problem.cost {
            Some(_) => None,
            None => Some(clouds(problem)?).map(|(x, y)| (x, y, problem.d)),
        },
    };
    Ok(reference.magnitude())
}
