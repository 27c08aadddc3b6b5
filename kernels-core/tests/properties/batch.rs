//! A batch is its problems one by one, to the last bit; and it names the one that fails.

use crate::common::assert_close;
use kernels_core::cost::Cost;
use kernels_core::sinkhorn::{
    Annealing, Batch, BatchError, BatchOutputs, CostSource, Outcome, Problem, SinkhornOptions,
    State, solve_annealed, solve_batch,
};
use kernels_core::{Error, Real};

/// Numbers in [0, 1) that look random.
fn numbers<T: Real>(len: usize, seed: f64) -> Vec<T> {
    let number = |k: usize| (((k as f64 + seed) * 12.9898).sin() * 43_758.545).fract();
    (0..len).map(|k| T::of(number(k).abs())).collect()
}

/// `count` weight vectors of `len` entries, some of them zero.
fn weights<T: Real>(count: usize, len: usize, seed: f64) -> Vec<T> {
    let mut all = numbers::<T>(count * len, seed);
    for (k, weights) in all.chunks_mut(len).enumerate() {
        if len > 1 {
            weights[k % len] = T::zero();
        }
        let total = weights.iter().fold(T::zero(), |sum, &w| sum + w);
        weights.iter_mut().for_each(|w| *w /= total);
    }
    all
}

const OPTIONS: SinkhornOptions<f32> = SinkhornOptions {
    epsilon: 0.1,
    threshold: 1e-5,
    max_iterations: 60,
};

/// Everything that a batch can write.
#[derive(Debug, PartialEq)]
struct All {
    outcomes: Vec<Outcome<f32>>,
    f: Vec<f32>,
    g: Vec<f32>,
    plans: Vec<f32>,
    grad_x: Vec<f32>,
    grad_y: Vec<f32>,
}

impl All {
    fn new(batch: &Batch<'_, f32>) -> Self {
        let Problem { n, m, cost, .. } = batch.stacked;
        let dim = match cost {
            CostSource::Matrix(_) => 0,
            CostSource::Points { dim, .. } => dim,
        };
        let zeros = |len: usize| vec![0.0; batch.count * len];
        Self {
            outcomes: vec![Outcome::default(); batch.count],
            f: zeros(n),
            g: zeros(m),
            plans: zeros(n * m),
            grad_x: zeros(n * dim),
            grad_y: zeros(m * dim),
        }
    }

    fn of(batch: &Batch<'_, f32>) -> Self {
        let mut all = Self::new(batch);
        let outputs = BatchOutputs::new(&mut all.outcomes)
            .with_potentials(&mut all.f, &mut all.g)
            .with_plans(&mut all.plans);
        let outputs = match batch.stacked.cost {
            CostSource::Matrix(_) => outputs,
            CostSource::Points { .. } => outputs.with_gradients(&mut all.grad_x, &mut all.grad_y),
        };
        let mut workspace = vec![f32::NAN; batch.workspace_len()];
        solve_batch(batch, &OPTIONS, outputs, &mut workspace).expect("legal");
        all
    }

    fn one_by_one(batch: &Batch<'_, f32>) -> Self {
        let mut all = Self::new(batch);
        let Problem { n, m, .. } = batch.stacked;
        for k in 0..batch.count {
            let problem = batch.problem(k).expect("inside");
            let mut workspace = vec![f32::NAN; problem.workspace_len()];
            let mut state = State::new(&problem, OPTIONS.epsilon, &mut workspace).expect("legal");
            all.outcomes[k] = state.run(&OPTIONS).expect("finite");
            all.f[k * n..][..n].copy_from_slice(state.potentials().0);
            all.g[k * m..][..m].copy_from_slice(state.potentials().1);
            for i in 0..n {
                let row = &mut all.plans[(k * n + i) * m..][..m];
                state.plan_row(i, row).expect("inside");
            }
            if let CostSource::Points { cost, x, y, dim } = problem.cost {
                let grad_x = &mut all.grad_x[k * n * dim..][..n * dim];
                let grad_y = &mut all.grad_y[k * m * dim..][..m * dim];
                state
                    .envelope_gradient(cost, x, y, dim, grad_x, grad_y)
                    .expect("finite");
            }
        }
        all
    }
}

/// Around the number of runs, and a size at which one problem has several chunks.
#[test]
fn a_batch_is_its_problems_one_by_one() {
    for (count, n, m, dim) in [
        (1, 1, 1, 1),
        (5, 3, 4, 2),
        (64, 2, 1, 3),
        (65, 4, 5, 2),
        (3, 70, 33, 5),
    ] {
        let (x, y) = (
            numbers(count * n * dim, 0.5),
            numbers(count * m * dim, 7.25),
        );
        let costs = numbers(count * n * m, 3.5);
        let (a, b) = (weights(count, n, 1.5), weights(count, m, 2.5));
        let mut sources = vec![CostSource::Matrix(&costs[..])];
        for cost in [Cost::SquaredEuclidean, Cost::Cosine] {
            let (x, y) = (&x[..], &y[..]);
            sources.push(CostSource::Points { cost, x, y, dim });
        }
        for source in sources {
            let uniform = Problem::new(source, n, m);
            let weighted = uniform.with_weights(&a, &b);
            for problem in [uniform, weighted, weighted.unbalanced(0.7, f32::INFINITY)] {
                let batch = Batch::new(problem, count);
                let together = All::of(&batch);
                assert_eq!(together, All::one_by_one(&batch), "{count} of {n} x {m}");
                assert!(
                    together
                        .outcomes
                        .iter()
                        .all(|outcome| outcome.iterations > 0)
                );
            }
        }
    }
}

#[cfg(feature = "std")]
#[test]
fn the_number_of_threads_does_not_matter() {
    let (count, n, m, dim) = (150, 9, 7, 3);
    let (x, y) = (
        numbers(count * n * dim, 0.5),
        numbers(count * m * dim, 7.25),
    );
    let cost = Cost::SquaredEuclidean;
    let source = CostSource::Points {
        cost,
        x: &x,
        y: &y,
        dim,
    };
    let batch = Batch::new(Problem::new(source, n, m), count);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a pool").install(|| All::of(&batch))
    };
    let one = with(1);
    assert_eq!(one, All::one_by_one(&batch));
    assert_eq!(one, with(2));
    assert_eq!(one, with(5));
}

fn outcomes_of(batch: &Batch<'_, f32>, outcomes: usize) -> Result<(), BatchError> {
    let mut outcomes = vec![Outcome::default(); outcomes];
    let mut workspace = vec![0.0; 100_000];
    solve_batch(
        batch,
        &OPTIONS,
        BatchOutputs::new(&mut outcomes),
        &mut workspace,
    )
}

#[test]
fn the_first_bad_problem_is_named() {
    let count = 130;
    for bad in [0, 1, 2, 3, 64, 127, 129] {
        let mut costs = numbers::<f32>(count * 4, 0.5);
        // A later one is bad for another reason.
        costs[(count - 1) * 4..].fill(f32::INFINITY);
        costs[bad * 4 + 3] = f32::NAN;
        let batch = Batch::new(Problem::new(CostSource::Matrix(&costs), 2, 2), count);
        let error = outcomes_of(&batch, count).expect_err("a NaN");
        assert_eq!(error.problem, Some(bad));
        assert!(matches!(error.error, Error::Element { index: 3, .. }));
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("problem {bad} of the batch: ")),
            "{text}"
        );
    }
}

#[test]
fn wrong_calls_are_refused() {
    let costs = [0.5; 24];
    let problem = Problem::new(CostSource::Matrix(&costs[..]), 2, 3);
    assert_eq!(outcomes_of(&Batch::new(problem, 4), 4), Ok(()));
    assert!(Batch::new(problem, 4).problem(4).is_none());
    assert!(Batch::new(problem, 5).problem(4).is_none());
    for (count, outcomes) in [(0, 0), (3, 3), (5, 5), (4, 3), (usize::MAX, 4)] {
        let error = outcomes_of(&Batch::new(problem, count), outcomes).expect_err("lengths");
        assert_eq!(error.problem, None, "{error}");
    }
    let weighted = problem.with_weights(&costs[..8], &costs[..11]);
    let error = outcomes_of(&Batch::new(weighted, 4), 4).expect_err("too few weights");
    assert!(matches!(
        error.error,
        Error::Shape {
            argument: "b",
            expected: 12,
            ..
        }
    ));
    // A gradient with respect to points that are not there, and half a gradient.
    let mut outcomes = [Outcome::default(); 4];
    let mut workspace = vec![0.0; 4096];
    let batch = Batch::new(problem, 4);
    let outputs = BatchOutputs::new(&mut outcomes).with_gradients(&mut [], &mut []);
    assert!(solve_batch(&batch, &OPTIONS, outputs, &mut workspace).is_err());
    let (cost, x, y) = (Cost::SquaredEuclidean, &costs[..8], &costs[..12]);
    let points = Problem::new(CostSource::Points { cost, x, y, dim: 1 }, 2, 3);
    let mut grad = [0.0; 8];
    let outputs = BatchOutputs {
        grad_x: Some(&mut grad),
        ..BatchOutputs::new(&mut outcomes)
    };
    assert!(solve_batch(&Batch::new(points, 4), &OPTIONS, outputs, &mut workspace).is_err());
    let short = &mut [0.0; 10];
    let outputs = BatchOutputs::new(&mut outcomes);
    let error = solve_batch(&batch, &OPTIONS, outputs, short).expect_err("short");
    assert!(matches!(error.error, Error::Workspace { .. }));
}

/// At an ε of less than a five-hundredth of the costs' width, by a schedule that was derived from it.
#[test]
fn annealing_from_the_costs_scale_reaches_the_same_answer_sooner() {
    let (n, dim) = (30, 2);
    let (x, y) = (numbers::<f64>(n * dim, 0.5), numbers(n * dim, 7.25));
    let mut matrix = vec![0.0; n * n];
    let cost = Cost::SquaredEuclidean;
    kernels_core::cost::cost_matrix(cost, &x, &y, n, n, dim, &mut matrix).expect("finite");
    let source = CostSource::Points {
        cost,
        x: &x,
        y: &y,
        dim,
    };
    let options = SinkhornOptions {
        epsilon: 0.002,
        threshold: 1e-3,
        max_iterations: 100_000,
    };
    let widest = matrix.iter().copied().fold(0.0, f64::max);
    let least = matrix.iter().copied().fold(f64::INFINITY, f64::min);
    for problem in [
        Problem::new(source, n, n),
        Problem::new(CostSource::Matrix(&matrix), n, n),
    ] {
        let schedule = Annealing::from_scale(&problem);
        // A box of two dimensions has a diagonal of at most √2 sides.
        assert!(schedule.start >= widest - least && schedule.start <= 2.1 * widest);
        let mut workspace = vec![0.0; problem.workspace_len()];
        let plain = kernels_core::sinkhorn::solve(&problem, &options, &mut workspace);
        let plain = plain.expect("legal");
        let annealed = solve_annealed(&problem, &options, &schedule, &mut workspace);
        let (_, annealed) = annealed.expect("legal");
        assert!(plain.converged && annealed.converged);
        // Of second order in the marginal error, with a factor of cost/ε.
        assert_close(annealed.value, plain.value, 1e-5);
        let (few, many) = (annealed.iterations, plain.iterations);
        assert!(few * 2 < many, "{few} annealed, {many} plain");
    }
}

/// Whatever the costs are, the schedule is legal.
#[test]
fn annealing_from_any_scale_is_legal() {
    let nan = f64::NAN;
    let sets: [&[f64]; 6] = [
        &[],
        &[nan, nan],
        &[3.0, 3.0],
        &[-1e308, 1e308],
        &[1e-320, 0.0],
        &[f64::INFINITY, 1.0],
    ];
    for costs in sets {
        let cost = Cost::SquaredEuclidean;
        for dim in [0, 1, 2, 7] {
            let source = CostSource::Points {
                cost,
                x: costs,
                y: costs,
                dim,
            };
            for source in [source, CostSource::Matrix(costs)] {
                let schedule = Annealing::from_scale(&Problem::new(source, 1, 2));
                assert!(schedule.start.is_normal() && schedule.start > 0.0);
            }
        }
    }
    let cosine = CostSource::Points {
        cost: Cost::Cosine,
        x: &[1.0],
        y: &[1.0],
        dim: 1,
    };
    assert_close(
        Annealing::from_scale(&Problem::new(cosine, 1, 1)).start,
        2.0,
        0.0,
    );
}
