//! The functions that allocate give what those with slices give, to the last bit.

#![cfg(feature = "alloc")]
// A helper's failed expectation is a failed test.
#![allow(clippy::expect_used)]

use kernels_core::barlow_twins::*;
use kernels_core::byol::byol_with_grad;
use kernels_core::cost::{Cost, CostScale};
use kernels_core::nt_xent::{nt_xent_with_grad, nt_xent_workspace_len};
use kernels_core::sin_sim::*;
use kernels_core::sinkhorn::*;
use kernels_core::swav::*;
use kernels_core::vicreg::*;
use kernels_core::{Error, owned};

const ROWS: usize = 6;
const DIM: usize = 3;
const LEN: usize = ROWS * DIM;
const OPTIONS: SinkhornOptions<f64> = SinkhornOptions {
    epsilon: 0.1,
    threshold: 1e-8,
    max_iterations: 500,
};

/// Numbers in (−1, 1) that look random.
fn numbers<const N: usize>(seed: f64) -> [f64; N] {
    core::array::from_fn(|k| (((k as f64 + seed) * 12.9898).sin() * 43_758.545).fract())
}

fn points<'a>(x: &'a [f64], y: &'a [f64], dim: usize) -> Problem<'a, f64> {
    let cost = Cost::SquaredEuclidean;
    Problem::new(
        CostSource::Points { cost, x, y, dim },
        x.len() / dim,
        y.len() / dim,
    )
}

#[test]
fn losses_agree() {
    let (z, target) = (numbers::<LEN>(0.5), numbers::<LEN>(7.25));
    let mut grad = [0.0; LEN];
    let mut workspace = vec![0.0; 20_000];
    assert!(nt_xent_workspace_len(ROWS, DIM) <= workspace.len());

    let loss = nt_xent_with_grad(&z, ROWS, DIM, 0.5, &mut grad, &mut workspace);
    let owned = owned::nt_xent_with_grad(&z, ROWS, DIM, 0.5).expect("legal");
    assert_eq!(owned, (loss.expect("legal"), grad.to_vec()));

    let loss = byol_with_grad(&z, &target, ROWS, DIM, &mut grad);
    let owned = owned::byol_with_grad(&z, &target, ROWS, DIM).expect("legal");
    assert_eq!(owned, (loss.expect("legal"), grad.to_vec()));

    let options = SwavOptions::default();
    let mut other = [0.0; LEN];
    let loss = swav_with_grad(
        &z,
        &target,
        ROWS,
        DIM,
        &options,
        &mut grad,
        &mut other,
        &mut workspace,
    );
    let owned = owned::swav_with_grad(&z, &target, ROWS, DIM, &options).expect("legal");
    assert_eq!(
        owned,
        (loss.expect("legal"), [grad.to_vec(), other.to_vec()])
    );

    let options = VicRegOptions::default();
    let loss = vicreg_with_grad(&z, ROWS, DIM, &options, &mut grad, &mut workspace);
    let owned = owned::vicreg_with_grad(&z, ROWS, DIM, &options).expect("legal");
    assert_eq!(owned, (loss.expect("legal"), grad.to_vec()));

    let options = BarlowTwinsOptions::default();
    let loss = barlow_twins_with_grad(&z, ROWS, DIM, &options, &mut grad, &mut workspace);
    let owned = owned::barlow_twins_with_grad(&z, ROWS, DIM, &options).expect("legal");
    assert_eq!(owned, (loss.expect("legal"), grad.to_vec()));

    let options = SinSimOptions {
        temperature: 0.5,
        lambda: 0.8,
        ot: OtOptions {
            scale: CostScale::Maximum,
            ..OtOptions::new(Cost::Cosine, OPTIONS)
        },
    };
    let loss = sin_sim_with_grad(&z, ROWS, DIM, &options, &mut grad, &mut workspace);
    let owned = owned::sin_sim_with_grad(&z, ROWS, DIM, &options).expect("legal");
    assert_eq!(owned, (loss.expect("legal"), grad.to_vec()));
}

/// Also with an atom of no weight, with prices, and by way of a falling ε.
#[test]
fn solutions_agree_with_the_state() {
    let (x, y) = (numbers::<LEN>(0.5), numbers::<12>(7.25));
    let mut matrix = numbers::<24>(3.5);
    matrix[5] = f64::INFINITY;
    let (a, b) = ([0.5, 0.0, 0.125, 0.125, 0.125, 0.125], [0.25; 4]);
    let dense = Problem::new(CostSource::Matrix(&matrix), ROWS, 4);
    let points = points(&x, &y, DIM);
    let schedule = Annealing::from_scale(&dense);
    for problem in [dense, points] {
        let weighted = problem.with_weights(&a, &b);
        for problem in [problem, weighted, weighted.unbalanced(0.5, 2.0)] {
            for way in ["plain", "annealed", "robust"] {
                let mut workspace = vec![f64::NAN; robust_workspace_len(&problem)];
                let (solved, solution) = match way {
                    "annealed" => (
                        solve_annealed(&problem, &OPTIONS, &schedule, &mut workspace),
                        owned::solve_annealed(&problem, &OPTIONS, &schedule),
                    ),
                    "robust" => (
                        solve_robust(&problem, &OPTIONS, &mut workspace),
                        owned::solve_robust(&problem, &OPTIONS),
                    ),
                    _ => {
                        let state = State::new(&problem, OPTIONS.epsilon, &mut workspace);
                        let mut state = state.expect("legal");
                        let outcome = state.run(&OPTIONS).expect("finite");
                        (Ok((state, outcome)), owned::solve(&problem, &OPTIONS))
                    }
                };
                let (mut state, outcome) = solved.expect("legal");
                let solution = solution.expect("legal");
                assert_eq!(solution.outcome, outcome);
                assert_eq!(solution.potentials(), state.potentials());
                assert_eq!(solution.problem().n, ROWS);
                let plan = solution.plan().expect("memory");
                let mut expected = vec![f64::NAN; plan.len()];
                assert_eq!(state.cost_gradient(&mut expected), Ok(()));
                assert_eq!(plan, expected);
                assert_eq!(solution.transport_cost(), state.transport_cost());
                let (mut of_a, mut of_b) = (vec![0.0; ROWS], vec![0.0; 4]);
                assert_eq!(state.weight_gradient(&mut of_a, &mut of_b), Ok(()));
                // An atom of no weight has the potential of the last look-ahead, which is the
                // state's before its last step: the same but for rounding.
                let (to_a, to_b) = solution.weight_gradient().expect("finite slopes");
                for (x, y) in of_a.iter().zip(&to_a).chain(of_b.iter().zip(&to_b)) {
                    assert!((x - y).abs() <= 1e-12, "{x} {y}");
                }
                let mut out = vec![0.0; ROWS * DIM];
                assert_eq!(state.barycentric_projection(&y, DIM, &mut out), Ok(()));
                assert_eq!(solution.barycentric_projection(&y, DIM), Ok(out));
                let mut scratch = vec![0.0; gap_workspace_len(ROWS, 4)];
                let gap = state.duality_gap(&mut scratch).expect("feasible");
                // The solution's state has no look-ahead of its own: rounding apart.
                let found = solution.duality_gap().expect("feasible");
                assert!(
                    (found.primal - gap.primal).abs() <= 1e-12,
                    "{found:?} {gap:?}"
                );
                assert!((found.dual - gap.dual).abs() <= 1e-12, "{found:?} {gap:?}");
                let CostSource::Points { cost, x, y, dim } = problem.cost else {
                    assert!(matches!(
                        solution.gradient(),
                        Err(Error::NeedsPoints { .. })
                    ));
                    continue;
                };
                let (mut grad_x, mut grad_y) = (vec![0.0; x.len()], vec![0.0; y.len()]);
                let gradient = state.envelope_gradient(cost, x, y, dim, &mut grad_x, &mut grad_y);
                assert_eq!(gradient, Ok(()));
                assert_eq!(solution.gradient(), Ok((grad_x, grad_y)));
            }
        }
    }
}

#[test]
fn divergences_agree() {
    let (x, y) = (numbers::<LEN>(0.5), numbers::<12>(7.25));
    let problem = points(&x, &y, DIM);
    let (mut grad_x, mut grad_y) = ([0.0; LEN], [0.0; 12]);
    let mut workspace = vec![0.0; divergence_workspace_len(&problem)];
    let divergence =
        sinkhorn_divergence_with_grad(&problem, &OPTIONS, &mut grad_x, &mut grad_y, &mut workspace);
    let owned = owned::sinkhorn_divergence_with_grad(&problem, &OPTIONS);
    let expected = (
        divergence.expect("legal"),
        [grad_x.to_vec(), grad_y.to_vec()],
    );
    assert_eq!(owned, Ok(expected));
    let matrix = Problem::new(CostSource::Matrix(&x), 6, 3);
    let refused = owned::sinkhorn_divergence_with_grad(&matrix, &OPTIONS);
    assert!(matches!(refused, Err(Error::NeedsPoints { .. })));
}

/// Sizes that are not those of the slices are refused before anything is allocated.
#[test]
fn sizes_are_checked_before_memory_is_asked_for() {
    let z = numbers::<LEN>(0.5);
    let many = usize::MAX / 2 - 1;
    let sizes = [
        (ROWS, many),
        (many, DIM),
        (many, many),
        (many, 0),
        (0, many),
        (0, 0),
        (ROWS, 0),
    ];
    for (rows, dim) in sizes {
        assert!(owned::nt_xent_with_grad(&z, rows, dim, 0.5).is_err());
        assert!(owned::nt_xent_with_grad::<f64>(&[], rows, dim, 0.5).is_err());
        assert!(owned::byol_with_grad(&z, &z, rows, dim).is_err());
        assert!(owned::vicreg_with_grad(&z, rows, dim, &VicRegOptions::default()).is_err());
        let source = CostSource::Matrix(&z[..]);
        assert!(owned::solve(&Problem::new(source, rows, dim), &OPTIONS).is_err());
        let source = CostSource::Matrix(&[]);
        assert!(owned::solve(&Problem::new(source, rows, dim), &OPTIONS).is_err());
        let cost = Cost::Cosine;
        let (x, y) = (&z[..], &z[..]);
        let source = CostSource::Points { cost, x, y, dim };
        let problem = Problem::new(source, rows, rows);
        assert!(owned::solve(&problem, &OPTIONS).is_err());
        assert!(owned::sinkhorn_divergence_with_grad(&problem, &OPTIONS).is_err());
    }
}

/// A square of 2²³ numbers a side is more than the address space of 2⁴⁷ bytes; the batch
/// itself is zeros that nobody touches.
#[cfg(target_pointer_width = "64")]
#[test]
fn what_does_not_fit_into_memory_is_an_error() {
    let dim = 1 << 23;
    let wide = vec![0.0_f32; 4 * dim];
    let error = owned::barlow_twins_with_grad(&wide, 4, dim, &BarlowTwinsOptions::default());
    assert!(matches!(error, Err(Error::Memory { .. })), "{error:?}");
}
