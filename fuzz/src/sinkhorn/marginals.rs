//! Sums over the rows and columns of a returned plan, against what was promised.
//!
//! Column sums are what the problem wants, row sums are off by the marginal error that
//! was reported, up to rounding: the exponent of an entry that carries mass is a sum of
//! f, g and C over ε and of the logarithms of both masses, each rounded. Where a marginal
//! is priced, what is wanted is `a_i exp(−f_i/ρ)`.

use kernels_core::cost::Cost;
use kernels_core::sinkhorn::{CostSource, Outcome, Problem, SinkhornOptions, State};

use crate::number::{Scalar, assert_finite};

pub(super) fn check<T: Scalar>(
    problem: &Problem<'_, T>,
    state: &State<'_, T>,
    outcome: &Outcome<T>,
    options: &SinkhornOptions<T>,
    past: T,
) {
    let ((a, b), (f, g)) = (state.weights(), state.potentials());
    let mut rows = vec![0.0_f64; a.len()];
    let mut columns = vec![0.0_f64; b.len()];
    let mut largest = past.wide();
    let mut row = vec![T::nan(); b.len()];
    for i in 0..a.len() {
        if state.plan_row(i, &mut row).is_err() {
            // Only where the exponents are beyond rounding.
            row.fill(T::zero());
            largest = f64::INFINITY;
        }
        assert_finite("a row of the plan", &row);
        for (j, &mass) in row.iter().enumerate() {
            assert!(mass >= T::zero(), "{mass}");
            rows[i] += mass.wide();
            columns[j] += mass.wide();
            let c = cost(&problem.cost, i, j, b.len());
            if c.is_finite() && a[i] > T::zero() && b[j] > T::zero() {
                let terms = [f[i].wide().abs(), g[j].wide().abs(), c.abs()];
                largest = terms.into_iter().fold(largest, f64::max);
            }
        }
    }
    let price = problem.rho_a.wide().min(problem.rho_b.wide());
    let masses = [problem.a, problem.b].map(|given| mass(problem, given).ln().abs());
    let exponents = largest / options.epsilon.wide() + largest / price + masses.iter().sum::<f64>();
    // Costs of points are sums over coordinates, of differences that are rounded.
    let rounding = T::epsilon().wide() * (8.0 + 64.0 * exponents);
    // Where exponents are rounded by more than a tenth nothing can be verified.
    if !(rounding <= 0.1) {
        return;
    }
    let wanted_rows = wanted(problem, problem.a, a, f, problem.rho_a);
    let wanted_columns = wanted(problem, problem.b, b, g, problem.rho_b);
    let total: f64 = rows.iter().chain(&wanted_rows).chain(&wanted_columns).sum();
    let slack = 2.0 * rounding * total + 64.0 * T::min_positive_value().wide();
    let (error, mass) = (outcome.marginal_error.wide(), outcome.mass.wide());
    let found = distance(&rows, &wanted_rows);
    assert!(
        (found - error).abs() <= slack,
        "rows off by {found}, said {error} ({slack})"
    );
    let sum: f64 = rows.iter().sum();
    assert!(
        (sum - mass).abs() <= slack,
        "mass {sum}, said {mass} ({slack})"
    );
    let off = distance(&columns, &wanted_columns);
    assert!(off <= slack, "columns off by {off} ({slack})");
}

fn wanted<T: Scalar>(
    problem: &Problem<'_, T>,
    given: Option<&[T]>,
    shares: &[T],
    potentials: &[T],
    rho: T,
) -> Vec<f64> {
    let mass = mass(problem, given);
    let one = |(&share, &potential): (&T, &T)| {
        if share == T::zero() {
            0.0
        } else if rho == T::infinity() {
            mass * share.wide()
        } else {
            mass * share.wide() * (-potential.wide() / rho.wide()).exp()
        }
    };
    shares.iter().zip(potentials).map(one).collect()
}

/// What the weights of a side sum to.
fn mass<T: Scalar>(problem: &Problem<'_, T>, given: Option<&[T]>) -> f64 {
    match given {
        Some(given) if !problem.is_balanced() => given.iter().map(|w| w.wide()).sum(),
        _ => 1.0,
    }
}

fn distance(sums: &[f64], wanted: &[f64]) -> f64 {
    sums.iter()
        .zip(wanted)
        .map(|(sum, wanted)| (sum - wanted).abs())
        .sum()
}

fn cost<T: Scalar>(source: &CostSource<'_, T>, i: usize, j: usize, m: usize) -> f64 {
    match *source {
        CostSource::Matrix(cost) => cost[i * m + j].wide(),
        CostSource::Points {
            cost: Cost::Cosine, ..
        } => 2.0,
        CostSource::Points { x, y, dim, .. } => {
            let (x, y) = (&x[i * dim..(i + 1) * dim], &y[j * dim..(j + 1) * dim]);
            let squares = x.iter().zip(y).map(|(x, y)| (x.wide() - y.wide()).powi(2));
            squares.sum()
        }
    }
}
