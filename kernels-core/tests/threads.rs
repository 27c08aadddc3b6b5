//! The losses and the ways to a solution on one thread and on several: the same bits.
//! (NT-Xent, plain iterations, sweeps over the plan and batches have such tests beside their
//! laws in `properties`.)

#![cfg(feature = "std")]
// A helper's failed expectation is a failed test.
#![allow(clippy::expect_used)]

use kernels_core::barlow_twins::BarlowTwinsOptions;
use kernels_core::cost::Cost;
use kernels_core::diagnostics::{Spectrum, effective_rank, effective_rank_workspace_len};
use kernels_core::owned;
use kernels_core::sin_sim::{OtForm, OtOptions, SinSimOptions};
use kernels_core::sinkhorn::{
    Annealing, CostSource, Problem, SinkhornOptions, State, newton_workspace_len,
};
use kernels_core::vicreg::VicRegOptions;

const ROWS: usize = 330;
const DIM: usize = 70;

/// Numbers in (−1, 1) that look random.
fn cloud(rows: usize, seed: f32) -> Vec<f32> {
    let number = |k: usize| ((k as f32 + seed) * 12.9898).sin();
    (0..rows * DIM).map(number).collect()
}

/// Runs in pools of one, two and five threads, and compares.
fn same(name: &str, run: impl Fn() -> Vec<f32> + Sync) {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let results = pool.expect("a pool").install(&run);
        results.into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    let one = with(1);
    assert!(!one.is_empty());
    for threads in [2, 5] {
        assert!(one == with(threads), "{name}: {threads} threads");
    }
}

fn options() -> SinkhornOptions<f32> {
    SinkhornOptions {
        epsilon: 0.05,
        threshold: 1e-4,
        max_iterations: 60,
    }
}

/// What a loss and its gradient are together.
fn joined(loss: f32, mut grad: Vec<f32>) -> Vec<f32> {
    grad.push(loss);
    grad
}

#[test]
fn losses() {
    let z = cloud(ROWS, 0.5);
    for (cost, form) in [
        (Cost::Cosine, OtForm::Plain),
        (Cost::Cosine, OtForm::Divergence),
        (Cost::SquaredEuclidean, OtForm::Plain),
    ] {
        let options = SinSimOptions {
            temperature: 0.5,
            lambda: 0.8,
            ot: OtOptions {
                form,
                ..OtOptions::new(cost, options())
            },
        };
        same("sin_sim", || {
            let (found, grad) = owned::sin_sim_with_grad(&z, ROWS, DIM, &options).expect("legal");
            joined(found.loss, grad)
        });
    }
    same("vicreg", || {
        let options = VicRegOptions::default();
        let (found, grad) = owned::vicreg_with_grad(&z, ROWS, DIM, &options).expect("legal");
        joined(found.loss, grad)
    });
    same("barlow_twins", || {
        let options = BarlowTwinsOptions::default();
        let (found, grad) = owned::barlow_twins_with_grad(&z, ROWS, DIM, &options).expect("legal");
        joined(found.loss, grad)
    });
    same("effective_rank", || {
        let mut workspace = vec![0.0; effective_rank_workspace_len(ROWS, DIM)];
        vec![
            effective_rank(
                &z,
                ROWS,
                DIM,
                Spectrum::CovarianceEigenvalues,
                &mut workspace,
            )
            .expect("legal"),
        ]
    });
}

#[test]
fn ways_to_a_solution() {
    let (n, m) = (ROWS, 290);
    let (x, y) = (cloud(n, 3.5), cloud(m, 9.5));
    let source = CostSource::Points {
        cost: Cost::Cosine,
        x: &x,
        y: &y,
        dim: DIM,
    };
    for problem in [
        Problem::new(source, n, m),
        Problem::new(source, n, m).with_stored_kernel(),
    ] {
        let options = options();
        let after = |run: fn(&mut State<'_, f32>, &SinkhornOptions<f32>)| {
            let mut workspace = vec![0.0; problem.workspace_len()];
            let state = State::new(&problem, options.epsilon, &mut workspace);
            let mut state = state.expect("legal");
            run(&mut state, &options);
            let (f, g) = state.potentials();
            f.iter().chain(g).copied().collect::<Vec<_>>()
        };
        same("run_relaxed", || {
            after(|state, options| {
                state.run_relaxed(options).expect("finite");
            })
        });
        same("run_newton", || {
            after(|state, options| {
                let (f, g) = state.potentials();
                let mut workspace = vec![0.0; newton_workspace_len(f.len(), g.len())];
                state.run_newton(options, &mut workspace).expect("finite");
            })
        });
        same("solve_annealed", || {
            let schedule = Annealing::from_scale(&problem);
            let solved = owned::solve_annealed(&problem, &options, &schedule).expect("legal");
            joined(solved.outcome.value, solved.potentials().0.to_vec())
        });
        same("solve_robust", || {
            let fine = SinkhornOptions {
                epsilon: 1e-3,
                ..options
            };
            let solved = owned::solve_robust(&problem, &fine).expect("legal");
            joined(solved.outcome.value, solved.potentials().0.to_vec())
        });
        same("sinkhorn_divergence", || {
            let divergence = owned::sinkhorn_divergence_with_grad(&problem, &options);
            let (divergence, [mut of_x, of_y]) = divergence.expect("legal");
            of_x.extend(of_y);
            joined(divergence.value, of_x)
        });
    }
}
