//! Any sizes, weights, costs, ε and numbers of iterations, also NaN, infinite,
//! subnormal and huge ones: the solver never panics, no `Ok` holds a number that is not
//! finite, and when it says converged the marginals hold.
#![no_main]

use arbitrary::Arbitrary;
use kernels_core::sinkhorn::{CostSource, Problem, SinkhornOptions, State};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    n: u8,
    m: u8,
    cost: Vec<Entry>,
    a: Option<Vec<f32>>,
    b: Option<Vec<f32>>,
    /// Brings lengths and sums in order, so that most inputs get past the checks.
    tidy: bool,
    epsilon: f32,
    threshold: f32,
    iterations: u8,
    again: u8,
}

/// Raw bits are mostly extreme numbers; half of the entries are ordinary.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Entry {
    Raw(f32),
    Small(i8),
    Forbidden,
}

impl Entry {
    fn value(self) -> f32 {
        match self {
            Self::Raw(value) => value,
            Self::Small(value) => f32::from(value) / 16.0,
            Self::Forbidden => f32::INFINITY,
        }
    }
}

/// Non-negative weights that sum to one.
fn tidy(weights: Option<Vec<f32>>, len: usize) -> Option<Vec<f32>> {
    let mut weights = weights?;
    weights.resize(len, 1.0);
    let usable = |w: &f32| w.is_finite() && w.abs() < 1e30;
    weights.iter_mut().for_each(|w| *w = if usable(w) { w.abs() } else { 0.0 });
    let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
    if total > 0.0 {
        weights.iter_mut().for_each(|w| *w = (f64::from(*w) / total) as f32);
    }
    Some(weights)
}

fuzz_target!(|input: Input| {
    let (n, m) = (usize::from(input.n % 9), usize::from(input.m % 9));
    let mut cost: Vec<f32> = input.cost.iter().map(|entry| entry.value()).collect();
    let (mut a, mut b) = (input.a, input.b);
    if input.tidy {
        cost.resize(n * m, 1.0);
        (a, b) = (tidy(a, n), tidy(b, m));
    }
    let cost_source = CostSource::Matrix(&cost);
    let problem =
        Problem { a: a.as_deref(), b: b.as_deref(), ..Problem::new(cost_source, n, m) };
    let mut workspace = vec![f32::NAN; problem.workspace_len()];
    let Ok(mut state) = State::new(&problem, input.epsilon, &mut workspace) else { return };
    for iterations in [input.iterations, input.again] {
        let options = SinkhornOptions {
            epsilon: input.epsilon,
            threshold: input.threshold,
            max_iterations: usize::from(iterations),
        };
        let Ok(outcome) = state.run(&options) else { return };
        assert!(outcome.value.is_finite());
        assert!(state.transport_cost().is_ok_and(f32::is_finite));
        assert!(outcome.marginal_error.is_finite());
        assert_eq!(outcome.converged, outcome.marginal_error <= input.threshold);
        check_plan(&state, &cost, input.epsilon, outcome.marginal_error);
    }
});

/// Column sums are exact and row sums off by `claimed`, up to rounding: the exponent of
/// an entry that carries mass is a sum of f, g and C over ε, each rounded.
fn check_plan(state: &State<'_, f32>, cost: &[f32], epsilon: f32, claimed: f32) {
    let ((a, b), (f, g)) = (state.weights(), state.potentials());
    let mut rows = vec![0.0_f64; a.len()];
    let mut columns = vec![0.0_f64; b.len()];
    let mut largest = 0.0_f64;
    for i in 0..a.len() {
        for j in 0..b.len() {
            let mass = state.plan(i, j).expect("inside the matrix");
            assert!(mass.is_finite() && mass >= 0.0);
            rows[i] += f64::from(mass);
            columns[j] += f64::from(mass);
            let c = cost[i * b.len() + j];
            if c.is_finite() && a[i] > 0.0 && b[j] > 0.0 {
                let terms = [f[i], g[j], c].map(|x| f64::from(x.abs()));
                largest = terms.into_iter().fold(largest, f64::max);
            }
        }
    }
    let rounding = f64::from(f32::EPSILON) * (8.0 + 8.0 * largest / f64::from(epsilon));
    // Where exponents are rounded by more than a tenth nothing can be verified.
    if rounding > 0.1 {
        return;
    }
    let distance = |sums: &[f64], weights: &[f32]| -> f64 {
        sums.iter().zip(weights).map(|(s, w)| (s - f64::from(*w)).abs()).sum()
    };
    assert!(distance(&columns, b) <= 2.0 * rounding, "columns: {}", distance(&columns, b));
    let (found, claimed) = (distance(&rows, a), f64::from(claimed));
    assert!((found - claimed).abs() <= 2.0 * rounding * (1.0 + claimed), "{found} {claimed}");
}
