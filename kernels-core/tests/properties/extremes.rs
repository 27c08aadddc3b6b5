//! Numbers of every size and kind to what differentiates and judges plans: an error or
//! finite results, never a panic.

use kernels_core::Real;
use kernels_core::sinkhorn::{
    CostSource, Cotangents, Gradients, ImplicitOptions, Problem, SinkhornOptions, State,
    gap_workspace_len, implicit_workspace_len, newton_workspace_len, unrolled_workspace_len,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -2.0..2.0_f64,
        2 => (-45.0..45.0_f64).prop_map(|e| 10_f64.powf(e)),
        1 => (-45.0..45.0_f64).prop_map(|e| -10_f64.powf(e)),
        1 => Just(0.0),
        1 => Just(f64::INFINITY),
    ]
}

fn weight() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 0.01..1.0_f64,
        1 => (-40.0..0.0_f64).prop_map(|e| 10_f64.powf(e)),
        1 => Just(0.0),
    ]
}

fn positive() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => 0.01..3.0_f64,
        1 => (-30.0..30.0_f64).prop_map(|e| 10_f64.powf(e)),
    ]
}

#[derive(Clone, Debug)]
struct Input {
    n: usize,
    m: usize,
    cost: Vec<f64>,
    a: Vec<f64>,
    b: Vec<f64>,
    epsilon: f64,
    rho: [f64; 2],
    bars: Vec<f64>,
    stored: bool,
}

fn input() -> impl Strategy<Value = Input> {
    (1_usize..6, 1_usize..6).prop_flat_map(|(n, m)| {
        let rho = || prop_oneof![2 => Just(f64::INFINITY), 1 => positive()];
        let measures = (vec(weight(), n), vec(weight(), m));
        let rest = (
            positive(),
            [rho(), rho()],
            vec(number(), n + m + 2),
            any::<bool>(),
        );
        (vec(number(), n * m), measures, rest).prop_map(
            move |(cost, (mut a, mut b), (epsilon, rho, bars, stored))| {
                for weights in [&mut a, &mut b] {
                    let total: f64 = weights.iter().sum();
                    weights.iter_mut().for_each(|w| *w /= total);
                }
                Input {
                    n,
                    m,
                    cost,
                    a,
                    b,
                    epsilon,
                    rho,
                    bars,
                    stored,
                }
            },
        )
    })
}

fn finite<T: Real>(values: &[T]) -> bool {
    values.iter().all(|value| value.is_finite())
}

fn try_everything<T: Real>(input: &Input) {
    let convert = |values: &[f64]| values.iter().map(|&v| T::of(v)).collect::<Vec<T>>();
    let (n, m) = (input.n, input.m);
    let (cost, a, b) = (convert(&input.cost), convert(&input.a), convert(&input.b));
    let mut problem = Problem::new(CostSource::Matrix(&cost), n, m)
        .with_weights(&a, &b)
        .unbalanced(T::of(input.rho[0]), T::of(input.rho[1]));
    problem.store_kernel = input.stored;
    let epsilon = T::of(input.epsilon);
    let nan = |len: usize| vec![T::nan(); len];
    let mut workspace = nan(problem.workspace_len());
    let options = SinkhornOptions {
        epsilon,
        threshold: T::of(1e-6),
        max_iterations: 30,
    };
    let linear = ImplicitOptions {
        tolerance: T::of(1e-4),
        max_iterations: 30,
    };
    let bars = convert(&input.bars);
    let (f_bar, rest) = bars.split_at(n);
    let (g_bar, scalars) = rest.split_at(m);
    let cotangents = Cotangents {
        value: scalars[0],
        transport_cost: scalars[1],
        f: Some(f_bar),
        g: Some(g_bar),
    };
    let sharp = Cotangents {
        transport_cost: T::one(),
        ..Cotangents::default()
    };
    let (mut by_cost, mut by_a, mut by_b) = (nan(n * m), nan(n), nan(m));

    let Ok(mut state) = State::new(&problem, epsilon, &mut workspace) else {
        return;
    };
    let mut gap = nan(gap_workspace_len(n, m));
    if let Ok(found) = state.duality_gap(&mut gap) {
        assert!(finite(&[found.primal, found.dual, found.gap]) && found.gap >= T::zero());
    }
    let mut newton = nan(newton_workspace_len(n, m));
    if let Ok(outcome) = state.run_newton(&options, &mut newton) {
        assert!(finite(&[
            outcome.value,
            outcome.marginal_error,
            outcome.mass
        ]));
        assert!(
            outcome.iterations <= 60
                && outcome.converged == (outcome.marginal_error <= options.threshold)
        );
    } else {
        return;
    }
    if let Ok(found) = state.duality_gap(&mut gap) {
        assert!(finite(&[found.primal, found.dual, found.gap]) && found.gap >= T::zero());
    }
    let ones = vec![T::one(); n.max(m)];
    if state.apply_plan(&ones[..m], 1, &mut by_a).is_ok() {
        assert!(finite(&by_a));
    }
    if state
        .barycentric_projection(&ones[..m], 1, &mut by_a)
        .is_ok()
    {
        assert!(finite(&by_a));
    }
    if state.apply_plan_transpose(&ones[..n], 1, &mut by_b).is_ok() {
        assert!(finite(&by_b));
    }
    if state.weight_gradient(&mut by_a, &mut by_b).is_ok() {
        assert!(finite(&by_a) && finite(&by_b));
    }
    if state.cost_gradient(&mut by_cost).is_ok() {
        assert!(finite(&by_cost));
    }
    let mut scratch = nan(implicit_workspace_len(n, m));
    let mut tape = nan(unrolled_workspace_len(n, m, 3));
    for cotangents in [sharp, cotangents] {
        let mut gradients = Gradients {
            cost: Some(&mut by_cost),
            weights: Some((&mut by_a, &mut by_b)),
            points: None,
        };
        let result = state.implicit_gradient(&cotangents, &linear, &mut gradients, &mut scratch);
        if let Ok(solve) = result {
            assert!(solve.residual <= linear.tolerance);
            assert!(finite(&by_cost) && finite(&by_a) && finite(&by_b));
        }
        let mut gradients = Gradients {
            cost: Some(&mut by_cost),
            weights: Some((&mut by_a, &mut by_b)),
            points: None,
        };
        let Ok(mut recording) = state.record(3, &mut tape) else {
            return;
        };
        if recording.gradient(&cotangents, &mut gradients).is_ok() {
            assert!(finite(&by_cost) && finite(&by_a) && finite(&by_b));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn an_error_or_finite_numbers(input in input()) {
        try_everything::<f64>(&input);
        try_everything::<f32>(&input);
    }
}
