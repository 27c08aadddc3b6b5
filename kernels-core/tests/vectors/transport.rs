//! Kinds `balanced`, `balanced_cost` and `gauss1d_closed_form`.

use crate::load::{Vector, input, inputs};
use crate::tolerance::{Ledger, Quantity};
use kernels_core::Real;
use kernels_core::cost::{Cost, cost_matrix};
use kernels_core::sinkhorn::{
    Annealing, CostSource, Problem, SinkhornOptions, State, sinkhorn_workspace_len, solve,
    solve_annealed,
};

/// Problems on which alternating updates do not bring the marginals to the threshold
/// within `MAX_ITERATIONS`, by id, for (f64, f32): nearly one-to-one plans whose parts
/// exchange next to no mass (two views of the same points, ties between matchings).
/// Their values are checked, to second order. Their potentials, plans and gradients are
/// NOT COVERED; a Newton step or over-relaxation would reach them.
const SLOW: (&[usize], &[usize]) = (&[26, 27, 37, 77, 79, 105, 107], &[]);

/// Problems that converge, but whose parts exchange less mass than rounding shows:
/// plan, gradient and value are determined, the potentials of the parts against each
/// other are not, and are NOT COVERED.
const LOOSE_PARTS: (&[usize], &[usize]) = (&[28, 80, 83, 85, 86, 88], &[26, 27, 28, 37, 107]);

/// One row has all its mass on the only pair that does not cost 1e30. The others may
/// then give that column nothing, so the dual optimum lies near 1e30 (at infinity, were
/// the pairs forbidden) and the iteration nears it like 1/k. Only the value is checked,
/// with a tolerance of its own.
const UNBOUNDED: &str = "forbidden_1e30";

/// Where the potentials are thousands of ε, Sinkhorn from zero would need that many
/// iterations to get there.
const ANNEALED: [&str; 2] = ["tiny_eps", "heavy_tail_cost"];

const MAX_ITERATIONS: usize = 30_000;

fn listed<T: Real>(lists: (&[usize], &[usize]), id: usize) -> bool {
    let single = size_of::<T>() == size_of::<f32>();
    if single {
        lists.1.contains(&id)
    } else {
        lists.0.contains(&id)
    }
}

pub(crate) fn wide<T: Real>(values: &[T]) -> Vec<f64> {
    values.iter().map(|value| value.wide()).collect()
}

fn peak_of(values: &Option<Vec<f64>>) -> f64 {
    let values = values.iter().flatten();
    values.fold(0.0, |peak: f64, value| peak.max(value.abs()))
}

fn costs<T: Real>(vector: &Vector) -> Vec<T> {
    if let Some(cost) = &vector.cost {
        return cost
            .iter()
            .map(|entry| entry.map_or(T::infinity(), input))
            .collect();
    }
    let (x, y) = clouds::<T>(vector).expect("a balanced problem has a matrix or clouds");
    let mut out = vec![T::zero(); vector.n * vector.m];
    cost_matrix(
        Cost::SquaredEuclidean,
        &x,
        &y,
        vector.n,
        vector.m,
        vector.d,
        &mut out,
    )
    .expect("the clouds are finite");
    out
}

fn clouds<T: Real>(vector: &Vector) -> Option<(Vec<T>, Vec<T>)> {
    Some((inputs(vector.x.as_ref()?), inputs(vector.y.as_ref()?)))
}

/// Solves one `balanced` or `balanced_cost` problem and enters all its errors.
pub(crate) fn balanced<T: Real>(vector: &Vector, ledger: &mut Ledger) {
    let name = vector.name();
    let cost = costs::<T>(vector);
    let (a, b) = (
        vector.a.as_deref().map(inputs::<T>),
        vector.b.as_deref().map(inputs::<T>),
    );
    let problem = Problem {
        a: a.as_deref(),
        b: b.as_deref(),
        ..Problem::new(CostSource::Matrix(&cost), vector.n, vector.m)
    };
    let unbounded = vector.tag == UNBOUNDED;
    let reference = if unbounded {
        0.0
    } else {
        peak_of(&vector.f) + peak_of(&vector.g)
    };
    let condition = 1.0 + reference.max(vector.value().abs()) / vector.eps;
    let options = SinkhornOptions {
        epsilon: input(vector.eps),
        // What rounding lets one ask for: exponents carry an error of κu.
        threshold: T::of(2.0 * condition) * T::epsilon(),
        max_iterations: MAX_ITERATIONS,
    };
    let mut workspace = vec![T::zero(); sinkhorn_workspace_len(vector.n, vector.m)];
    let solved = if ANNEALED.contains(&vector.tag.as_str()) {
        // Of the size of the potentials; the largest cost may be an outlier that would
        // cost an f32 all digits of them.
        let start = T::of(10.0 * vector.value());
        let schedule = Annealing {
            start,
            factor: T::of(0.5),
            iterations_per_level: 50,
        };
        solve_annealed(&problem, &options, &schedule, &mut workspace)
    } else {
        State::new(&problem, options.epsilon, &mut workspace)
            .and_then(|mut state| state.run(&options).map(|outcome| (state, outcome)))
    };
    let (mut state, outcome) = match solved {
        Ok(solved) => solved,
        Err(error) => return ledger.fail(format!("{name}: {error}")),
    };

    let value = [outcome.value.wide()];
    if unbounded {
        return ledger.enter_all(
            Quantity::UnboundedValue,
            &name,
            &value,
            &[vector.value()],
            1.0,
        );
    }
    let slow = listed::<T>(SLOW, vector.id);
    if slow == outcome.converged {
        let (error, list) = (outcome.marginal_error, if slow { "but" } else { "and not" });
        ledger.fail(format!(
            "{name}: converged: {}, error {error}, {list} in SLOW",
            outcome.converged
        ));
    }
    if !outcome.converged {
        return ledger.enter_all(Quantity::SlowValue, &name, &value, &[vector.value()], 1.0);
    }
    ledger.enter_all(Quantity::Value, &name, &value, &[vector.value()], 1.0);
    if let Some(transport) = vector.transport {
        let got = [state.transport_cost().expect("finite").wide()];
        ledger.enter_all(Quantity::Transport, &name, &got, &[transport], condition);
    }
    if !listed::<T>(LOOSE_PARTS, vector.id) {
        let (f, g) = state.potentials();
        for (got, expected) in [(f, &vector.f), (g, &vector.g)] {
            if let Some(expected) = expected {
                ledger.enter_all(Quantity::Potential, &name, &wide(got), expected, condition);
            }
        }
    }
    if let Some(expected) = &vector.plan {
        let entries = (0..vector.n).flat_map(|i| (0..vector.m).map(move |j| (i, j)));
        let plan: Option<Vec<T>> = entries.map(|(i, j)| state.plan(i, j)).collect();
        let plan = plan.expect("all entries are inside");
        ledger.enter_all(Quantity::Plan, &name, &wide(&plan), expected, condition);
    }
    if let (Some(expected), Some((x, y))) = (&vector.grad_x, clouds::<T>(vector)) {
        let (mut grad_x, mut grad_y) = (vec![T::zero(); x.len()], vec![T::zero(); y.len()]);
        let cost = Cost::SquaredEuclidean;
        match state.envelope_gradient(cost, &x, &y, vector.d, &mut grad_x, &mut grad_y) {
            Ok(()) => {
                ledger.enter_all(
                    Quantity::Gradient,
                    &name,
                    &wide(&grad_x),
                    expected,
                    condition,
                );
            }
            Err(error) => ledger.fail(format!("{name}: {error}")),
        }
    }
}

/// Two Gaussians on a grid, against the closed form for the continuous ones.
pub(crate) fn gauss<T: Real>(vector: &Vector, ledger: &mut Ledger) {
    let name = vector.name();
    let grid = vector.grid.as_deref().expect("gauss has a grid");
    let &[low, high, count] = grid else {
        panic!("{name}: a grid is low, high, count")
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
    let (a, b) = (weights(vector.m1, vector.s1), weights(vector.m2, vector.s2));
    let x: Vec<T> = points.iter().map(|&x| T::of(x)).collect();
    let mut cost = vec![T::zero(); n * n];
    cost_matrix(Cost::SquaredEuclidean, &x, &x, n, n, 1, &mut cost).expect("a finite grid");
    let problem = Problem::new(CostSource::Matrix(&cost), n, n).with_weights(&a, &b);
    let options = SinkhornOptions {
        epsilon: T::of(vector.eps),
        threshold: T::of(1e3) * T::epsilon(),
        max_iterations: 5000,
    };
    let mut workspace = vec![T::zero(); sinkhorn_workspace_len(n, n)];
    match solve(&problem, &options, &mut workspace) {
        Ok(outcome) => {
            if !outcome.converged {
                ledger.fail(format!("{name}: error {}", outcome.marginal_error));
            }
            let value = [outcome.value.wide()];
            ledger.enter_all(Quantity::Gauss, &name, &value, &[vector.value()], 1.0);
        }
        Err(error) => ledger.fail(format!("{name}: {error}")),
    }
}
