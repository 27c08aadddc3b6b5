//! Refusals and small promises that no law on random problems comes by.

use crate::common::assert_close;
use kernels_core::Error;
use kernels_core::pieces::fixed_shift_fits;
use kernels_core::sinkhorn::{
    Annealing, CostSource, Cotangents, Gradients, ImplicitOptions, Problem, SinkhornOptions, State,
    implicit_workspace_len, solve_annealed, unrolled_workspace_len,
};

const COST: [f64; 6] = [0.0, 1.0, 4.0, 1.0, 0.3, 1.0];
const A: [f64; 2] = [0.4, 0.6];
/// The last column has no weight.
const B: [f64; 3] = [0.5, 0.5, 0.0];
const OPTIONS: SinkhornOptions<f64> = SinkhornOptions {
    epsilon: 0.5,
    threshold: 1e-13,
    max_iterations: 1000,
};

/// Shows a solved state of the problem above.
fn solved<R>(look: impl FnOnce(&mut State<'_, f64>) -> R) -> R {
    let problem = Problem::new(CostSource::Matrix(&COST), 2, 3).with_weights(&A, &B);
    let mut workspace = vec![f64::NAN; problem.workspace_len()];
    let mut state = State::new(&problem, OPTIONS.epsilon, &mut workspace).expect("legal");
    assert!(state.run(&OPTIONS).expect("finite").converged);
    look(&mut state)
}

fn implicit(cotangents: &Cotangents<'_, f64>, solver: &ImplicitOptions<f64>) -> Result<(), Error> {
    let mut by_cost = [0.0; 6];
    let mut gradients = Gradients {
        cost: Some(&mut by_cost),
        ..Gradients::default()
    };
    let mut scratch = vec![0.0; implicit_workspace_len(2, 3)];
    let solve =
        solved(|state| state.implicit_gradient(cotangents, solver, &mut gradients, &mut scratch));
    solve.map(|_| ())
}

const SOLVER: ImplicitOptions<f64> = ImplicitOptions {
    tolerance: 1e-12,
    max_iterations: 50,
};

/// What is wrong, and where.
fn place(refused: Result<(), Error>) -> Option<(&'static str, usize)> {
    match refused {
        Err(Error::Element {
            argument, index, ..
        }) => Some((argument, index)),
        _ => None,
    }
}

#[test]
fn cotangents_have_a_domain() {
    let none = Cotangents::default();
    assert_eq!(implicit(&none, &SOLVER), Ok(()));
    for bad in [f64::NAN, f64::INFINITY] {
        let value = Cotangents { value: bad, ..none };
        let sharp = Cotangents {
            transport_cost: bad,
            ..none
        };
        for cotangents in [value, sharp] {
            assert!(matches!(
                implicit(&cotangents, &SOLVER),
                Err(Error::Parameter { .. })
            ));
        }
        let (f, g) = ([0.0, bad], [0.0, bad, 0.0]);
        let of_f = Cotangents {
            f: Some(&f),
            ..none
        };
        assert_eq!(place(implicit(&of_f, &SOLVER)), Some(("cotangents.f", 1)));
        let of_g = Cotangents {
            g: Some(&g),
            ..none
        };
        assert_eq!(place(implicit(&of_g, &SOLVER)), Some(("cotangents.g", 1)));
    }
    // At the atom without weight, whose potential nothing depends on.
    let g = [0.0, 0.0, 1.0];
    let weightless = Cotangents {
        g: Some(&g),
        ..none
    };
    assert_eq!(
        place(implicit(&weightless, &SOLVER)),
        Some(("cotangents.g", 2))
    );
    let short = Cotangents {
        f: Some(&g),
        ..none
    };
    assert!(matches!(
        implicit(&short, &SOLVER),
        Err(Error::Shape { .. })
    ));
    // The unrolled gradient has the same domain.
    let unrolled = solved(|state| {
        let mut tape = vec![0.0; unrolled_workspace_len(2, 3, 2)];
        let mut recording = state.record(2, &mut tape).expect("finite");
        recording.gradient(&weightless, &mut Gradients::default())
    });
    assert_eq!(place(unrolled), Some(("cotangents.g", 2)));
}

/// Where the plan has no mass at all there is no equation for a potential: here the last
/// column, whose mass has underflown.
#[test]
fn an_atom_that_the_plan_does_not_reach() {
    let cost = [0.0, 1.0, 0.0, 1.0];
    let b = [1.0 - 1e-300, 1e-300];
    let problem = Problem::new(CostSource::Matrix(&cost), 2, 2).with_weights(&[0.5, 0.5], &b);
    let problem = problem.unbalanced(1e-3, 1e-3);
    let mut workspace = vec![f64::NAN; problem.workspace_len()];
    let mut state = State::new(&problem, 1e-3, &mut workspace).expect("legal");
    state.run(&OPTIONS_FINE).expect("finite");
    let reached = state.plan(0, 1).expect("inside");
    let g = [0.0, 1.0];
    let loss = Cotangents {
        g: Some(&g),
        ..Cotangents::default()
    };
    let mut by_cost = [0.0; 4];
    let mut gradients = Gradients {
        cost: Some(&mut by_cost),
        ..Gradients::default()
    };
    let mut scratch = vec![0.0; implicit_workspace_len(2, 2)];
    let solve = state.implicit_gradient(&loss, &SOLVER, &mut gradients, &mut scratch);
    assert_eq!(reached, 0.0);
    assert_eq!(place(solve.map(|_| ())), Some(("cotangents.g", 1)));
}

const OPTIONS_FINE: SinkhornOptions<f64> = SinkhornOptions {
    epsilon: 1e-3,
    threshold: 1e-9,
    max_iterations: 100,
};

#[test]
fn an_unfinished_linear_solve_says_so() {
    let f = [1.0, -0.5];
    let g = [0.25, 0.25, 0.0];
    let loss = Cotangents {
        f: Some(&f),
        g: Some(&g),
        ..Cotangents::default()
    };
    assert_eq!(implicit(&loss, &SOLVER), Ok(()));
    for max_iterations in [0, 1] {
        let solver = ImplicitOptions {
            max_iterations,
            ..SOLVER
        };
        match implicit(&loss, &solver) {
            Err(Error::NotConverged {
                iterations,
                expected,
                got,
                ..
            }) => {
                assert_eq!(iterations, max_iterations);
                assert!(expected == 1e-12 && got > 1e-12 && got.is_finite(), "{got}");
                // Relative to the right-hand side, which nothing has been taken off yet.
                assert!(max_iterations > 0 || got == 1.0, "{got}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// ⟨a,f⟩ = ⟨b,g⟩ after a run, and their sum is the value.
#[test]
fn the_gauge_is_fixed() {
    solved(|state| {
        let outcome = state.run(&OPTIONS).expect("finite");
        let (f, g) = state.potentials();
        let mean = |weights: &[f64], potentials: &[f64]| {
            let pairs = weights.iter().zip(potentials);
            pairs
                .filter(|(w, _)| **w > 0.0)
                .map(|(w, p)| w * p)
                .sum::<f64>()
        };
        assert_close(mean(&A, f), mean(&B, g), 1e-13);
        assert_close(mean(&A, f) + mean(&B, g), outcome.value, 1e-13);
    });
}

/// `exp(−2/τ)` is to be a normal number, with a little to spare.
#[test]
fn the_fixed_shift_is_for_moderate_temperatures() {
    assert!(fixed_shift_fits(0.5_f32) && fixed_shift_fits(0.0231_f32));
    assert!(!fixed_shift_fits(0.0229_f32) && !fixed_shift_fits(1e-3_f32));
    assert!(fixed_shift_fits(0.0029_f64) && !fixed_shift_fits(0.0028_f64));
}

/// An atom without weight whose every pair is forbidden: its potential is +∞, and no slope
/// towards a positive weight exists.
#[test]
fn an_infinite_slope_is_refused() {
    let inf = f64::INFINITY;
    let rows = [0.0, 1.0, 1.0, 0.0, inf, inf];
    let columns = [0.0, 1.0, inf, 1.0, 0.0, inf];
    let (light, even) = ([0.5, 0.5, 0.0], [0.5, 0.5]);
    let of_rows = Problem::new(CostSource::Matrix(&rows), 3, 2).with_weights(&light, &even);
    let of_columns = Problem::new(CostSource::Matrix(&columns), 2, 3).with_weights(&even, &light);
    for (problem, side) in [(of_rows, "row"), (of_columns, "column")] {
        let mut workspace = vec![f64::NAN; problem.workspace_len()];
        let mut state = State::new(&problem, OPTIONS.epsilon, &mut workspace).expect("legal");
        assert!(state.run(&OPTIONS).expect("finite").converged);
        let (mut a, mut b) = (vec![0.0; problem.n], vec![0.0; problem.m]);
        let refused = state.weight_gradient(&mut a, &mut b);
        let found = match refused {
            Err(Error::Infeasible { side, index, .. }) => Some((side, index)),
            _ => None,
        };
        assert_eq!(found, Some((side, 2)), "{refused:?}");
    }
}

/// The levels take more iterations than there are: an answer, with the error of the last ε.
#[test]
fn annealing_may_run_out() {
    let problem = Problem::new(CostSource::Matrix(&COST), 2, 3);
    let schedule = Annealing {
        start: 4.0,
        factor: 0.5,
        iterations_per_level: 5,
    };
    for max_iterations in [1, 4, 5, 6, 11] {
        let options = SinkhornOptions {
            epsilon: 0.05,
            threshold: 0.0,
            max_iterations,
        };
        let mut workspace = vec![f64::NAN; problem.workspace_len()];
        let solved = solve_annealed(&problem, &options, &schedule, &mut workspace);
        let (_, outcome) = solved.expect("an answer");
        assert!(!outcome.converged && outcome.marginal_error.is_finite());
        assert_eq!(outcome.iterations, max_iterations + 1);
    }
}

/// What an early stop leaves over goes to permitted pairs, once. Not every mask lets that end
/// well, and then it is said; where it does, both values bound the optimum.
#[test]
fn a_gap_beside_a_forbidden_pair() {
    let (a, b) = ([0.5, 0.3, 0.2], [0.2, 0.3, 0.5]);
    let mut placed = 0;
    for forbidden in 0..9 {
        let mut cost = [0.0, 1.0, 2.0, 1.0, 0.0, 1.5, 2.0, 1.0, 0.0];
        cost[forbidden] = f64::INFINITY;
        let problem = Problem::new(CostSource::Matrix(&cost), 3, 3).with_weights(&a, &b);
        let run = |max_iterations, threshold| {
            let options = SinkhornOptions {
                epsilon: 0.2,
                threshold,
                max_iterations,
            };
            let mut workspace = vec![f64::NAN; problem.workspace_len()];
            let mut state = State::new(&problem, options.epsilon, &mut workspace).expect("legal");
            let outcome = state.run(&options).expect("finite");
            let mut scratch = [0.0; 12];
            (outcome, state.duality_gap(&mut scratch))
        };
        let best = run(10_000, 1e-14).0.value;
        for (outcome, gap) in (1..6).map(|iterations| run(iterations, 0.0)) {
            match gap {
                Ok(gap) => {
                    placed += usize::from(outcome.marginal_error > 1e-4);
                    assert!(
                        gap.dual <= best + 1e-12 && best <= gap.primal + 1e-12,
                        "{gap:?}"
                    );
                    assert_close(gap.primal - gap.dual, gap.gap, 1e-12);
                }
                Err(error) => assert!(matches!(error, Error::NotConverged { .. }), "{error:?}"),
            }
        }
    }
    assert!(placed >= 5, "{placed}");
}
