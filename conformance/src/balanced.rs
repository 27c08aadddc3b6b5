//! Kinds `balanced` and `balanced_cost`.

use crate::file::{inputs, list, optional, plain, wide};
use crate::magnitude::{Magnitude, Reference};
use crate::report::Report;
use crate::tolerance::{Quantity, UNCONVERGED_LIMIT};
use crate::{Error, Problem, Way};
use kernels_core::Real;
use kernels_core::cost::{Cost, cost_matrix};
use kernels_core::sinkhorn::{
    Annealing, CostSource, Outcome, Problem as Transport, SinkhornOptions, State,
    newton_workspace_len, solve_annealed,
};

const MAX_ITERATIONS: usize = 30_000;

/// Where costs are typically this many times ε, potentials are too, and Sinkhorn from
/// zero needs about that many iterations to get near them: ε is lowered step by step.
const ANNEALED_FROM: f64 = 100.0;

pub(crate) fn check<T: Real>(problem: &Problem, report: &mut Report) -> Result<(), Error> {
    let (n, m) = (problem.n, problem.m);
    let magnitude = magnitude(problem)?;
    let cost = costs::<T>(problem)?;
    let a = optional("a", &problem.a, n)?.map(inputs::<T>);
    let b = optional("b", &problem.b, m)?.map(inputs::<T>);
    let transport = Transport {
        a: a.as_deref(),
        b: b.as_deref(),
        store_kernel: report.way == Way::Stored,
        ..Transport::new(CostSource::Matrix(&cost), n, m)
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
    let mut workspace = vec![T::zero(); transport.workspace_len()];
    let (mut state, outcome) = run(&transport, &cost, &options, &mut workspace)?;
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

/// The one place that knows how the solver is called.
fn run<'s, T: Real>(
    transport: &Transport<'s, T>,
    cost: &[T],
    options: &SinkhornOptions<T>,
    workspace: &'s mut [T],
) -> Result<(State<'s, T>, Outcome<T>), Error> {
    let largest = finite(cost).fold(T::zero(), |peak, c| peak.max(c.abs()));
    let mut start = typical_cost(cost, transport.m);
    loop {
        let (_, outcome) = attempt(transport, options, start, workspace)?;
        let near = outcome.marginal_error.wide() <= UNCONVERGED_LIMIT;
        // Where the near partners are taken, potentials are larger than near costs are.
        if outcome.converged || near || !(start <= largest) {
            break;
        }
        start *= T::of(100.0);
    }
    // Again, for the state: the one above is bound to the loop's loan of the workspace.
    attempt(transport, options, start, workspace)
}

/// Solves by way of `start`, if that is far above ε.
fn attempt<'s, T: Real>(
    transport: &Transport<'s, T>,
    options: &SinkhornOptions<T>,
    start: T,
    workspace: &'s mut [T],
) -> Result<(State<'s, T>, Outcome<T>), Error> {
    if start > T::of(ANNEALED_FROM) * options.epsilon {
        let schedule = Annealing {
            start,
            factor: T::of(0.5),
            iterations_per_level: 50,
        };
        let (state, outcome) = solve_annealed(transport, options, &schedule, workspace)?;
        return finish(state, outcome, options);
    }
    let mut state = State::new(transport, options.epsilon, workspace)?;
    let outcome = state.run(options)?;
    finish(state, outcome, options)
}

/// Newton's method for what Sinkhorn is too slow for.
fn finish<'s, T: Real>(
    mut state: State<'s, T>,
    outcome: Outcome<T>,
    options: &SinkhornOptions<T>,
) -> Result<(State<'s, T>, Outcome<T>), Error> {
    if outcome.converged {
        return Ok((state, outcome));
    }
    let more = SinkhornOptions {
        max_iterations: outcome.iterations + MAX_ITERATIONS,
        ..*options
    };
    let (f, g) = state.potentials();
    let mut workspace = vec![T::zero(); newton_workspace_len(f.len(), g.len())];
    let outcome = state.run_newton(&more, &mut workspace)?;
    Ok((state, outcome))
}

fn finite<T: Real>(cost: &[T]) -> impl Iterator<Item = T> {
    cost.iter().copied().filter(|entry| entry.is_finite())
}

/// How large potentials may be: the median permitted cost, or the largest that an atom
/// has to pay even to its nearest partner, above the least. (The largest cost of all
/// may be an outlier, which would cost an `f32` all digits of the others.)
fn typical_cost<T: Real>(cost: &[T], m: usize) -> T {
    let mut sorted: Vec<T> = finite(cost).collect();
    sorted.sort_by(|x, y| x.wide().total_cmp(&y.wide()));
    let (Some(&least), Some(&median)) = (sorted.first(), sorted.get(sorted.len() / 2)) else {
        return T::zero();
    };
    let nearest = |entries: &mut dyn Iterator<Item = &T>| {
        entries
            .copied()
            .fold(T::infinity(), |near, entry| near.min(entry))
    };
    let rows = cost.chunks(m).map(|row| nearest(&mut row.iter()));
    let columns = (0..m).map(|j| nearest(&mut cost.iter().skip(j).step_by(m)));
    let far = rows.chain(columns).filter(|near| near.is_finite());
    far.fold(median, |far, near| far.max(near)) - least
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
