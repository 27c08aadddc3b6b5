//! Envelope, implicit and unrolled gradients against central differences in f64, and
//! against each other where they must agree.
//!
//! Step h = 1e-5: truncation h² times a third derivative (up to 1/ε³ = 125 times costs
//! and potentials of a few) and rounding: losses of solved problems are off by about
//! 1e-13 over the least weight, 0.01, which h turns into 1e-6.

use crate::common::{assert_close, numbers};
use crate::variants::{Variant, variant};
use kernels_core::Error;
use kernels_core::cost::Cost;
use kernels_core::sinkhorn::{
    CostSource, Cotangents, Gradients, ImplicitOptions, PointGradients, Problem, SinkhornOptions,
    State, implicit_workspace_len, unrolled_workspace_len,
};
use proptest::prelude::*;

const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 2e-5;
/// Threshold of solved problems; those that do not come near it are passed over.
const THRESHOLD: f64 = 1e-14;
const SOLVED: f64 = 1e-13;
const LINEAR: ImplicitOptions<f64> = ImplicitOptions {
    tolerance: 1e-12,
    max_iterations: 500,
};

/// A loss: what it weighs value, sharp cost and potentials with.
#[derive(Clone, Debug)]
struct Loss {
    value: f64,
    transport_cost: f64,
    f: Vec<f64>,
    g: Vec<f64>,
}

impl Loss {
    /// Random-looking weights, zero at atoms without weight. `which` leaves parts out.
    fn of(variant: &Variant, which: usize) -> Self {
        let part = |bit: usize| f64::from(u8::from(which >> bit & 1 == 1));
        let side = |weights: &[f64], seed: f64| -> Vec<f64> {
            let entries = weights.iter().zip(numbers(weights.len(), seed));
            let entry = |(w, r): (&f64, f64)| if *w > 0.0 { part(2) * r } else { 0.0 };
            entries.map(entry).collect()
        };
        Self {
            value: 0.7 * part(0),
            transport_cost: -1.3 * part(1),
            f: side(&variant.case.a, 0.5),
            g: side(&variant.case.b, 7.5),
        }
    }

    fn cotangents(&self) -> Cotangents<'_, f64> {
        Cotangents {
            value: self.value,
            transport_cost: self.transport_cost,
            f: Some(&self.f),
            g: Some(&self.g),
        }
    }

    fn of_state(&self, value: f64, state: &mut State<'_, f64>) -> f64 {
        let sharp = state.transport_cost().expect("finite");
        let (f, g) = state.potentials();
        let dot = |bar: &[f64], p: &[f64]| -> f64 {
            let pairs = bar.iter().zip(p).filter(|(bar, _)| **bar != 0.0);
            pairs.map(|(bar, p)| bar * p).sum()
        };
        self.value * value + self.transport_cost * sharp + dot(&self.f, f) + dot(&self.g, g)
    }
}

/// Solves, or makes a number of iterations.
#[derive(Clone, Copy, Debug)]
enum How {
    Solve,
    Unroll(usize),
}

/// The loss, if it was solved well enough.
fn evaluate(variant: &Variant, loss: &Loss, how: How) -> Option<f64> {
    let problem = variant.problem();
    let mut workspace = vec![f64::NAN; problem.workspace_len()];
    let mut state = State::new(&problem, variant.epsilon, &mut workspace).expect("legal");
    match how {
        How::Solve => {
            let options = SinkhornOptions {
                epsilon: variant.epsilon,
                threshold: THRESHOLD,
                max_iterations: 3000,
            };
            let outcome = state.run(&options).expect("finite");
            (outcome.marginal_error <= SOLVED).then(|| loss.of_state(outcome.value, &mut state))
        }
        How::Unroll(count) => {
            let options = SinkhornOptions {
                epsilon: variant.epsilon,
                threshold: 0.0,
                max_iterations: count,
            };
            let outcome = state.run(&options).expect("finite");
            Some(loss.of_state(outcome.value, &mut state))
        }
    }
}

/// Gradients by costs and weights.
#[derive(Clone, Debug)]
struct Slopes {
    cost: Vec<f64>,
    a: Vec<f64>,
    b: Vec<f64>,
}

fn slopes(variant: &Variant, loss: &Loss, how: How) -> Result<Slopes, Error> {
    let (n, m) = (variant.case.n, variant.case.m);
    let problem = variant.problem();
    let mut out = Slopes {
        cost: vec![f64::NAN; n * m],
        a: vec![f64::NAN; n],
        b: vec![f64::NAN; m],
    };
    let mut gradients = Gradients {
        cost: Some(&mut out.cost),
        weights: Some((&mut out.a, &mut out.b)),
        points: None,
    };
    let mut workspace = vec![f64::NAN; problem.workspace_len()];
    let mut state = State::new(&problem, variant.epsilon, &mut workspace)?;
    match how {
        How::Solve => {
            let options = SinkhornOptions {
                epsilon: variant.epsilon,
                threshold: THRESHOLD,
                max_iterations: 3000,
            };
            state.run(&options)?;
            let mut scratch = vec![f64::NAN; implicit_workspace_len(n, m)];
            state.implicit_gradient(&loss.cotangents(), &LINEAR, &mut gradients, &mut scratch)?;
        }
        How::Unroll(count) => {
            let mut scratch = vec![f64::NAN; unrolled_workspace_len(n, m, count)];
            let mut recording = state.record(count, &mut scratch)?;
            recording.gradient(&loss.cotangents(), &mut gradients)?;
        }
    }
    Ok(out)
}

/// Slope of the loss along one number of the problem; one-sided where that number is
/// zero and may not be negative.
fn difference(
    variant: &Variant,
    loss: &Loss,
    how: How,
    number: impl Fn(&mut Variant) -> &mut f64,
    may_be_negative: bool,
) -> Option<f64> {
    let at = |by: f64| {
        let mut moved = variant.clone();
        *number(&mut moved) += by;
        evaluate(&moved, loss, how)
    };
    let here = *number(&mut variant.clone());
    if here == 0.0 && !may_be_negative {
        // Of second order. An atom far from the mass acts with exp(C/ε), up to exp(20), times
        // its weight: where half the step disagrees, the differences tell nothing.
        let one_sided = |step: f64| {
            let (zero, one, two) = (at(0.0)?, at(step)?, at(2.0 * step)?);
            Some((4.0 * one - 3.0 * zero - two) / (2.0 * step))
        };
        let (whole, half) = (one_sided(4.0 * STEP)?, one_sided(2.0 * STEP)?);
        return ((whole - half).abs() <= TOLERANCE).then_some(half);
    }
    Some((at(STEP)? - at(-STEP)?) / (2.0 * STEP))
}

fn check(variant: &Variant, loss: &Loss, how: How) {
    if evaluate(variant, loss, how).is_none() {
        return;
    }
    let found = slopes(variant, loss, how).expect("a solved problem");
    let size = |entries: &[f64]| entries.iter().fold(1.0, |peak: f64, x| peak.max(x.abs()));
    let close = |got: f64, expected: Option<f64>, what: &str, k: usize, size: f64| {
        let Some(expected) = expected else { return };
        let error = (got - expected).abs();
        assert!(
            error <= TOLERANCE * size,
            "{what}[{k}]: {got}, by differences {expected}"
        );
    };
    for (k, &got) in found.cost.iter().enumerate() {
        if variant.case.cost[k].is_infinite() {
            assert_eq!(got, 0.0);
            continue;
        }
        let by = difference(variant, loss, how, |v| &mut v.case.cost[k], true);
        close(got, by, "cost", k, size(&found.cost));
    }
    for (k, &got) in found.a.iter().enumerate() {
        let by = difference(variant, loss, how, |v| &mut v.case.a[k], false);
        close(got, by, "a", k, 10.0 * size(&found.a));
    }
    for (k, &got) in found.b.iter().enumerate() {
        let by = difference(variant, loss, how, |v| &mut v.case.b[k], false);
        close(got, by, "b", k, 10.0 * size(&found.b));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn implicit_gradients_are_slopes(variant in variant(), which in 1_usize..8) {
        check(&variant, &Loss::of(&variant, which), How::Solve);
    }

    #[test]
    fn unrolled_gradients_are_slopes(
        variant in variant(),
        which in 1_usize..8,
        iterations in 1_usize..5,
    ) {
        check(&variant, &Loss::of(&variant, which), How::Unroll(iterations));
    }

    /// Three ways to the gradient of the value.
    #[test]
    fn envelope_implicit_and_unrolled_agree_on_the_value(variant in variant()) {
        let loss = Loss { value: 1.0, ..Loss::of(&variant, 0) };
        prop_assume!(evaluate(&variant, &loss, How::Solve).is_some());
        let implicit = slopes(&variant, &loss, How::Solve).expect("solved");
        let (n, m) = (variant.case.n, variant.case.m);
        let (plan, a, b, iterations) = variant.solved(THRESHOLD, |mut state| {
            let (mut plan, mut a, mut b) = (vec![0.0; n * m], vec![0.0; n], vec![0.0; m]);
            state.cost_gradient(&mut plan).expect("finite");
            state.weight_gradient(&mut a, &mut b).expect("finite");
            (plan, a, b, state.iterations())
        });
        let envelope = Slopes { cost: plan, a, b };
        compare(&implicit, &envelope, 1e-12);
        // An atom without weight follows the potentials of the iteration before.
        let unrolled = slopes(&variant, &loss, How::Unroll(2 * iterations + 10)).expect("legal");
        // The marginal error over the least weight.
        compare(&unrolled, &envelope, 1e-10);
    }

    /// The sum `⟨a,f⟩ + ⟨b,g⟩` is the value, so its derivatives by the potentials, sent
    /// through the linear system, give the envelope gradient by costs.
    #[test]
    fn the_value_by_way_of_the_potentials(variant in variant()) {
        let balanced = Variant { rho: (f64::INFINITY, f64::INFINITY), ..variant };
        let sum: f64 = balanced.case.a.iter().sum();
        prop_assume!((sum - 1.0).abs() < 1e-9);
        let by_value = Loss { value: 1.0, ..Loss::of(&balanced, 0) };
        let by_potentials = Loss {
            f: balanced.case.a.clone(),
            g: balanced.case.b.clone(),
            ..Loss::of(&balanced, 0)
        };
        prop_assume!(evaluate(&balanced, &by_value, How::Solve).is_some());
        let envelope = slopes(&balanced, &by_value, How::Solve).expect("solved");
        let system = slopes(&balanced, &by_potentials, How::Solve).expect("solved");
        for (one, other) in envelope.cost.iter().zip(&system.cost) {
            assert_close(*one, *other, 1e-11);
        }
    }

    #[test]
    fn unrolled_becomes_implicit(variant in variant(), which in 1_usize..8) {
        let loss = Loss::of(&variant, which);
        prop_assume!(evaluate(&variant, &loss, How::Solve).is_some());
        let implicit = slopes(&variant, &loss, How::Solve).expect("solved");
        let count = variant.solved(THRESHOLD, |state| state.iterations());
        // From the solution's distance of 1 to that of 1e-14 forwards, then as far again
        // for the derivatives, which lag behind.
        let unrolled = slopes(&variant, &loss, How::Unroll(2 * count + 10)).expect("legal");
        compare(&unrolled, &implicit, 1e-7);
    }
}

fn compare(one: &Slopes, other: &Slopes, tolerance: f64) {
    let sides = [
        (&one.cost, &other.cost),
        (&one.a, &other.a),
        (&one.b, &other.b),
    ];
    for (one, other) in sides {
        let size = other.iter().fold(1.0, |peak: f64, x| peak.max(x.abs()));
        for (one, other) in one.iter().zip(other) {
            assert_close(*one, *other, tolerance * size);
        }
    }
}

fn clouds<'a>(
    cost: Cost,
    (x, y): (&'a [f64], &'a [f64]),
    dim: usize,
    rho: f64,
) -> Problem<'a, f64> {
    let source = CostSource::Points { cost, x, y, dim };
    Problem::new(source, x.len() / dim, y.len() / dim).unbalanced(rho, rho)
}

/// Points of three dimensions, both costs, implicit and unrolled; costs computed on the
/// fly in the problem.
#[test]
fn gradients_by_points() {
    let (n, m, dim) = (5, 7, 3);
    let (x, y) = (numbers(n * dim, 0.5), numbers(m * dim, 9.5));
    for cost in [Cost::SquaredEuclidean, Cost::Cosine] {
        for rho in [f64::INFINITY, 1.5] {
            let epsilon = 0.3;
            let run = |x: &[f64], y: &[f64], iterations: Option<usize>| {
                let problem = clouds(cost, (x, y), dim, rho);
                let mut workspace = vec![f64::NAN; problem.workspace_len()];
                let mut state = State::new(&problem, epsilon, &mut workspace).expect("legal");
                let options = SinkhornOptions {
                    epsilon,
                    threshold: if iterations.is_some() { 0.0 } else { THRESHOLD },
                    max_iterations: iterations.unwrap_or(3000),
                };
                state.run(&options).expect("finite");
                state.transport_cost().expect("finite")
            };
            for iterations in [None, Some(3)] {
                let problem = clouds(cost, (&x, &y), dim, rho);
                let mut workspace = vec![f64::NAN; problem.workspace_len()];
                let mut state = State::new(&problem, epsilon, &mut workspace).expect("legal");
                let (mut gx, mut gy) = (vec![f64::NAN; x.len()], vec![f64::NAN; y.len()]);
                let mut gradients = Gradients {
                    points: Some(PointGradients {
                        cost,
                        x: &x,
                        y: &y,
                        dim,
                        grad_x: &mut gx,
                        grad_y: &mut gy,
                    }),
                    ..Gradients::default()
                };
                let sharp = Cotangents {
                    transport_cost: 1.0,
                    ..Cotangents::default()
                };
                if let Some(count) = iterations {
                    let mut scratch = vec![f64::NAN; unrolled_workspace_len(n, m, count)];
                    let mut recording = state.record(count, &mut scratch).expect("finite");
                    recording.gradient(&sharp, &mut gradients).expect("finite");
                } else {
                    let options = SinkhornOptions {
                        epsilon,
                        threshold: THRESHOLD,
                        max_iterations: 3000,
                    };
                    state.run(&options).expect("finite");
                    let mut scratch = vec![f64::NAN; implicit_workspace_len(n, m)];
                    let solve = state
                        .implicit_gradient(&sharp, &LINEAR, &mut gradients, &mut scratch)
                        .expect("solved");
                    assert!(solve.iterations <= n + m && solve.residual <= 1e-12);
                }
                for k in 0..x.len() {
                    let at = |by: f64| {
                        let mut x = x.clone();
                        x[k] += by;
                        run(&x, &y, iterations)
                    };
                    assert_close(gx[k], (at(STEP) - at(-STEP)) / (2.0 * STEP), 1e-7);
                }
                for k in 0..y.len() {
                    let at = |by: f64| {
                        let mut y = y.clone();
                        y[k] += by;
                        run(&x, &y, iterations)
                    };
                    assert_close(gy[k], (at(STEP) - at(-STEP)) / (2.0 * STEP), 1e-7);
                }
            }
        }
    }
}
