//! Costs from points are costs from their matrix; threads, starting points and long
//! steps change how an answer is reached and not the answer.

use crate::common::assert_close;
use kernels_core::Real;
use kernels_core::cost::{Cost, cost_matrix};
use kernels_core::sinkhorn::{CostSource, Outcome, Problem, SinkhornOptions, State};

/// Around groups of rows, panels of points, vectors and chunks.
const SIZES: [(usize, usize, usize); 8] = [
    (1, 1, 1),
    (1, 33, 2),
    (3, 31, 5),
    (5, 32, 16),
    (64, 65, 17),
    (65, 64, 3),
    (130, 257, 7),
    (257, 96, 65),
];

/// ε of the size of a cost: squared distances grow with the dimension.
fn options<T: Real>(dim: usize, threshold: f64) -> SinkhornOptions<T> {
    SinkhornOptions {
        epsilon: T::of(0.3 * dim as f64),
        threshold: T::of(threshold),
        max_iterations: 1000,
    }
}

/// Numbers in [−1, 1) that look random.
fn cloud<T: Real>(len: usize, seed: f64) -> Vec<T> {
    let number = |k: usize| 2.0 * (((k as f64 + seed) * 12.9898).sin() * 43_758.545).fract();
    (0..len).map(|k| T::of(number(k) / 2.0)).collect()
}

struct Clouds<T> {
    cost: Cost,
    n: usize,
    m: usize,
    dim: usize,
    x: Vec<T>,
    y: Vec<T>,
}

impl<T: Real> Clouds<T> {
    fn new(cost: Cost, (n, m, dim): (usize, usize, usize)) -> Self {
        let (x, y) = (cloud(n * dim, 0.5), cloud(m * dim, 7.25));
        Self {
            cost,
            n,
            m,
            dim,
            x,
            y,
        }
    }

    fn points(&self) -> Problem<'_, T> {
        let source = CostSource::Points {
            cost: self.cost,
            x: &self.x,
            y: &self.y,
            dim: self.dim,
        };
        Problem::new(source, self.n, self.m)
    }

    fn matrix(&self) -> Vec<T> {
        let mut out = vec![T::zero(); self.n * self.m];
        let (x, y) = (&self.x, &self.y);
        cost_matrix(self.cost, x, y, self.n, self.m, self.dim, &mut out).expect("finite");
        out
    }
}

/// Potentials and outcome.
fn run<T: Real>(
    problem: &Problem<'_, T>,
    options: &SinkhornOptions<T>,
) -> (Vec<T>, Vec<T>, Outcome<T>) {
    let mut workspace = vec![T::nan(); problem.workspace_len()];
    let mut state = State::new(problem, options.epsilon, &mut workspace).expect("legal");
    let outcome = state.run(options).expect("finite");
    let (f, g) = state.potentials();
    (f.to_vec(), g.to_vec(), outcome)
}

#[test]
fn points_and_their_matrix_agree() {
    for size in SIZES {
        for cost in [Cost::SquaredEuclidean, Cost::Cosine] {
            let clouds = Clouds::<f64>::new(cost, size);
            let matrix = clouds.matrix();
            let dense = Problem::new(CostSource::Matrix(&matrix), clouds.n, clouds.m);
            let options = options(if cost == Cost::Cosine { 1 } else { size.2 }, 1e-11);
            let (f, g, outcome) = run(&clouds.points(), &options);
            let (dense_f, dense_g, expected) = run(&dense, &options);
            assert!(outcome.converged && expected.converged, "{size:?}");
            assert_close(outcome.value, expected.value, 1e-12);
            // To first order in the threshold, over the least weight.
            for (a, b) in f.iter().zip(&dense_f).chain(g.iter().zip(&dense_g)) {
                assert_close(*a, *b, 1e-8);
            }
        }
    }
}

/// The cost matrix, entry by entry, against the definition.
#[test]
fn cost_matrices_of_every_size_equal_their_definition() {
    for (n, m, dim) in [(1, 1, 63), (5, 33, 64), (4, 31, 65), (67, 70, 130)] {
        for cost in [Cost::SquaredEuclidean, Cost::Cosine] {
            let clouds = Clouds::<f64>::new(cost, (n, m, dim));
            let matrix = clouds.matrix();
            let unit = |row: &[f64]| -> Vec<f64> {
                let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
                row.iter().map(|v| v / norm).collect()
            };
            for (i, x) in clouds.x.chunks(dim).enumerate() {
                for (j, y) in clouds.y.chunks(dim).enumerate() {
                    let squared = |x: &[f64], y: &[f64]| -> f64 {
                        x.iter().zip(y).map(|(a, b)| (a - b).powi(2)).sum()
                    };
                    let expected = match cost {
                        Cost::SquaredEuclidean => squared(x, y),
                        Cost::Cosine => 0.5 * squared(&unit(x), &unit(y)),
                    };
                    // Sums of up to 130 terms of order one.
                    assert_close(matrix[i * m + j], expected, 1e-13 * dim as f64);
                }
            }
        }
    }
}

/// f32 carries an error of κu in its exponents, κ = 1 + potentials/ε ≈ 5 here; the
/// value is stationary and sums n terms.
#[test]
fn f32_agrees_with_f64() {
    for size in SIZES {
        let wide = Clouds::<f64>::new(Cost::SquaredEuclidean, size);
        let narrow = Clouds::<f32>::new(Cost::SquaredEuclidean, size);
        let (_, _, expected) = run(&wide.points(), &options(size.2, 1e-11));
        let (_, _, got) = run(&narrow.points(), &options(size.2, 1e-5));
        let scale = expected.value.abs();
        let error = (f64::from(got.value) - expected.value).abs() / scale;
        assert!(error <= 1e-5, "{size:?}: {error:e}");
    }
}

#[cfg(feature = "std")]
#[test]
fn the_number_of_threads_does_not_matter() {
    let clouds = Clouds::<f32>::new(Cost::SquaredEuclidean, (300, 515, 9));
    let options = SinkhornOptions {
        epsilon: 0.05_f32,
        threshold: 0.0,
        max_iterations: 20,
    };
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a pool").install(|| {
            let matrix = clouds.matrix();
            let dense = Problem::new(CostSource::Matrix(&matrix), clouds.n, clouds.m);
            let bits = |(f, g, outcome): (Vec<f32>, Vec<f32>, Outcome<f32>)| {
                let potentials = f.into_iter().chain(g).map(f32::to_bits);
                (potentials.collect::<Vec<_>>(), outcome.value.to_bits())
            };
            (
                bits(run(&dense, &options)),
                bits(run(&dense.with_stored_kernel(), &options)),
                bits(run(&clouds.points(), &options)),
            )
        })
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(5));
}

#[test]
fn a_warm_start_leaves_less_to_do() {
    let clouds = Clouds::<f64>::new(Cost::SquaredEuclidean, (40, 50, 3));
    let problem = clouds.points();
    let options = options(3, 1e-11);
    let (_, g, cold) = run(&problem, &options);
    let mut workspace = vec![0.0; problem.workspace_len()];
    let mut state = State::new(&problem, options.epsilon, &mut workspace).expect("legal");
    state.warm_start(&g).expect("finite");
    let warm = state.run(&options).expect("finite");
    assert!(
        warm.converged && warm.iterations <= 2,
        "{}",
        warm.iterations
    );
    assert_close(warm.value, cold.value, 1e-12);
    assert!(state.warm_start(&[0.0; 3]).is_err());
    assert!(state.warm_start(&[f64::NAN; 50]).is_err());
}

/// Two views of the same points at a small ε: the plan is nearly one-to-one, and its
/// parts exchange next to no mass.
#[test]
fn long_steps_reach_the_same_answer_sooner() {
    let (n, dim) = (24, 2);
    let x = cloud::<f64>(n * dim, 0.5);
    let noise = cloud::<f64>(n * dim, 3.5);
    let y: Vec<f64> = x.iter().zip(&noise).map(|(x, e)| x + 0.05 * e).collect();
    let source = CostSource::Points {
        cost: Cost::SquaredEuclidean,
        x: &x,
        y: &y,
        dim,
    };
    let problem = Problem::new(source, n, n);
    let options = SinkhornOptions {
        epsilon: 0.1,
        threshold: 1e-10,
        max_iterations: 50_000,
    };
    let mut workspace = vec![0.0; problem.workspace_len()];
    let mut state = State::new(&problem, options.epsilon, &mut workspace).expect("legal");
    let relaxed = state.run_relaxed(&options).expect("finite");
    let (_, _, plain) = run(&problem, &options);
    assert!(plain.converged && relaxed.converged);
    assert_close(relaxed.value, plain.value, 1e-11);
    let (few, many) = (relaxed.iterations, plain.iterations);
    assert!(few * 2 < many, "{few} relaxed, {many} plain");
}
