//! What follows a solve, at sizes whose pairs are cut into several blocks: the same as plain
//! sums over the entries of the plan, whichever way the blocks fall, on any number of threads.

use crate::common::{assert_close, numbers};
use kernels_core::cost::{Cost, cost_matrix};
use kernels_core::sinkhorn::{
    CostSource, Cotangents, Gradients, ImplicitOptions, PointGradients, Problem, SinkhornOptions,
    State, gap_workspace_len, implicit_workspace_len, unrolled_workspace_len,
};

/// Four blocks of rows, three of columns that are not empty; and the other way around.
const SIZES: [(usize, usize); 3] = [(200, 261), (261, 200), (66, 400)];
const DIM: usize = 3;
const EPSILON: f64 = 0.4;

/// What a result has a number for: with the problem turned around it is turned around too.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Per {
    /// Nothing: one number.
    Problem,
    /// Each row or each column, of so many numbers.
    Atom(usize),
    Pair,
}

type Results = Vec<(&'static str, Per, Vec<f64>)>;

#[derive(Clone, Debug)]
struct Case {
    name: &'static str,
    n: usize,
    m: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    a: Vec<f64>,
    b: Vec<f64>,
    /// What the plan is applied to, two numbers for each row and each column.
    u: Vec<f64>,
    v: Vec<f64>,
    /// With these costs, or those of the points.
    matrix: Option<Vec<f64>>,
    cost: Cost,
    rho: f64,
}

fn cases((n, m): (usize, usize)) -> Vec<Case> {
    let weights = |len: usize, seed| -> Vec<f64> {
        let weights: Vec<f64> = numbers(len, seed).iter().map(|w| 1.2 + w).collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|w| w / total).collect()
    };
    let points = Case {
        name: "squared",
        n,
        m,
        x: numbers(n * DIM, 0.5),
        y: numbers(m * DIM, 7.5),
        a: weights(n, 1.5),
        b: weights(m, 2.5),
        u: numbers(n * 2, 3.5),
        v: numbers(m * 2, 4.5),
        matrix: None,
        cost: Cost::SquaredEuclidean,
        rho: f64::INFINITY,
    };
    let mut matrix = vec![0.0; n * m];
    cost_matrix(points.cost, &points.x, &points.y, n, m, DIM, &mut matrix).expect("legal");
    let mut masked = Case {
        name: "masked, some without weight",
        matrix: Some(matrix.clone()),
        ..points.clone()
    };
    for (k, entry) in masked.matrix.iter_mut().flatten().enumerate() {
        if k % 7 == 3 {
            *entry = f64::INFINITY;
        }
    }
    for (weights, zero) in [(&mut masked.a, n / 3), (&mut masked.b, m - 2)] {
        weights[zero] = 0.0;
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= total);
    }
    vec![
        Case {
            name: "cosine",
            cost: Cost::Cosine,
            ..points.clone()
        },
        Case {
            name: "matrix",
            matrix: Some(matrix),
            ..points.clone()
        },
        Case {
            name: "unbalanced",
            rho: 0.7,
            ..points.clone()
        },
        masked,
        points,
    ]
}

impl Case {
    /// Rows and columns in the opposite order: other blocks meet.
    fn turned(&self) -> Self {
        let matrix = self.matrix.clone().map(|mut matrix| {
            matrix.reverse();
            matrix
        });
        Self {
            x: turn(&self.x, DIM),
            y: turn(&self.y, DIM),
            a: turn(&self.a, 1),
            b: turn(&self.b, 1),
            u: turn(&self.u, 2),
            v: turn(&self.v, 2),
            matrix,
            ..self.clone()
        }
    }

    fn problem(&self) -> Problem<'_, f64> {
        let source = match &self.matrix {
            Some(matrix) => CostSource::Matrix(matrix),
            None => CostSource::Points {
                cost: self.cost,
                x: &self.x,
                y: &self.y,
                dim: DIM,
            },
        };
        Problem {
            a: Some(&self.a),
            b: Some(&self.b),
            ..Problem::new(source, self.n, self.m).unbalanced(self.rho, self.rho)
        }
    }

    fn has_zeros(&self) -> bool {
        self.a.contains(&0.0)
    }

    /// Everything that sweeps over the plan.
    fn results(&self) -> Results {
        let (n, m) = (self.n, self.m);
        let problem = self.problem();
        let mut workspace = vec![0.0; problem.workspace_len()];
        let mut state = State::new(&problem, EPSILON, &mut workspace).expect("legal");
        let options = SinkhornOptions {
            epsilon: EPSILON,
            threshold: 1e-13,
            max_iterations: 2000,
        };
        state.run(&options).expect("finite");
        let mut out: Results = Vec::new();
        out.push((
            "transport",
            Per::Problem,
            vec![state.transport_cost().expect("finite")],
        ));
        let mut to_rows = vec![0.0; n * 2];
        state.apply_plan(&self.v, 2, &mut to_rows).expect("finite");
        out.push(("apply", Per::Atom(2), to_rows.clone()));
        state
            .barycentric_projection(&self.v, 2, &mut to_rows)
            .expect("finite");
        out.push(("barycentric", Per::Atom(2), to_rows));
        let mut to_columns = vec![0.0; m * 2];
        state
            .apply_plan_transpose(&self.u, 2, &mut to_columns)
            .expect("finite");
        out.push(("transpose", Per::Atom(2), to_columns));
        let mut by_cost = vec![0.0; n * m];
        state.cost_gradient(&mut by_cost).expect("finite");
        out.push(("plan", Per::Pair, by_cost));
        let (mut grad_x, mut grad_y) = (vec![0.0; n * DIM], vec![0.0; m * DIM]);
        let points = (&self.x, &self.y);
        state
            .envelope_gradient(self.cost, points.0, points.1, DIM, &mut grad_x, &mut grad_y)
            .expect("finite");
        out.push(("envelope x", Per::Atom(DIM), grad_x));
        out.push(("envelope y", Per::Atom(DIM), grad_y));
        let mut scratch = vec![0.0; gap_workspace_len(n, m)];
        let gap = state.duality_gap(&mut scratch).expect("feasible");
        assert!(gap.gap >= 0.0 && gap.gap <= 1e-6, "{}: {gap:?}", self.name);
        out.push(("primal", Per::Problem, vec![gap.primal]));

        let sharp = Cotangents {
            transport_cost: 1.0,
            ..Cotangents::default()
        };
        self.backward("implicit", &mut out, |gradients| {
            let solver = ImplicitOptions {
                tolerance: 1e-13,
                max_iterations: 500,
            };
            let mut scratch = vec![0.0; implicit_workspace_len(n, m)];
            state
                .implicit_gradient(&sharp, &solver, gradients, &mut scratch)
                .expect("solved");
        });
        let mut workspace = vec![0.0; problem.workspace_len()];
        let mut state = State::new(&problem, EPSILON, &mut workspace).expect("legal");
        let mut tape = vec![0.0; unrolled_workspace_len(n, m, 3)];
        let mut recording = state.record(3, &mut tape).expect("finite");
        self.backward("unrolled", &mut out, |gradients| {
            recording.gradient(&sharp, gradients).expect("finite");
        });
        out
    }

    fn backward(
        &self,
        name: &'static str,
        out: &mut Results,
        run: impl FnOnce(&mut Gradients<'_, f64>),
    ) {
        let (n, m) = (self.n, self.m);
        let (mut cost, mut a, mut b) = (vec![0.0; n * m], vec![0.0; n], vec![0.0; m]);
        let (mut grad_x, mut grad_y) = (vec![0.0; n * DIM], vec![0.0; m * DIM]);
        run(&mut Gradients {
            cost: Some(&mut cost),
            points: Some(PointGradients {
                cost: self.cost,
                x: &self.x,
                y: &self.y,
                dim: DIM,
                grad_x: &mut grad_x,
                grad_y: &mut grad_y,
            }),
            weights: Some((&mut a, &mut b)),
        });
        // A constant added to all costs is added to the sharp cost, times the mass.
        if self.rho.is_infinite() {
            assert_close(cost.iter().sum(), 1.0, 1e-9);
        }
        out.push((name, Per::Pair, cost));
        for (per, grad) in [(1, a), (1, b), (DIM, grad_x), (DIM, grad_y)] {
            out.push((name, Per::Atom(per), grad));
        }
    }
}

fn turn(values: &[f64], width: usize) -> Vec<f64> {
    values.chunks(width).rev().flatten().copied().collect()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |peak: f64, v| peak.max(v.abs()))
}

#[test]
fn turned_around_they_are_the_same() {
    for case in SIZES.into_iter().flat_map(cases) {
        let turned = case.turned().results();
        for ((name, per, got), (_, _, other)) in case.results().into_iter().zip(turned) {
            // What is missing goes to permitted pairs in their order, which has turned too.
            if name == "primal" && case.matrix.is_some() && case.has_zeros() {
                continue;
            }
            let width = if let Per::Atom(width) = per { width } else { 1 };
            let other = turn(&other, width);
            // Both are solved to 1e-13, which a slow direction of the iteration or of the
            // linear system magnifies; measured: 4e-11.
            let tolerance = 1e-9 * largest(&got).max(1e-3);
            for (&x, &y) in got.iter().zip(&other) {
                assert!(
                    (x - y).abs() <= tolerance,
                    "{}, {name}, {} x {}: {x} and {y}",
                    case.name,
                    case.n,
                    case.m
                );
            }
        }
    }
}

/// Against sums over entries of the plan, one after the other.
#[test]
fn they_are_sums_over_the_plan() {
    for case in SIZES.into_iter().flat_map(cases) {
        let (n, m) = (case.n, case.m);
        let results = case.results();
        let found = |name| {
            let result = results.iter().find(|(other, ..)| *other == name);
            &result.expect("computed above").2
        };
        let plan = found("plan");
        let check = |name: &str, got: &[f64], expected: &[f64]| {
            // n m terms of either sign.
            let tolerance = 1e-13 * largest(expected);
            assert_eq!(got.len(), expected.len());
            for (&x, &y) in got.iter().zip(expected) {
                assert!(
                    (x - y).abs() <= tolerance,
                    "{}, {name}: {x}, {y}",
                    case.name
                );
            }
        };
        let matrix = case.matrix.clone().unwrap_or_else(|| {
            let mut matrix = vec![0.0; n * m];
            cost_matrix(case.cost, &case.x, &case.y, n, m, DIM, &mut matrix).expect("legal");
            matrix
        });
        let carried = |k: usize| {
            if plan[k] > 0.0 {
                plan[k] * matrix[k]
            } else {
                0.0
            }
        };
        check(
            "transport",
            found("transport"),
            &[(0..n * m).map(carried).sum()],
        );
        let (u, v) = (&case.u, &case.v);
        let (mut to_rows, mut to_columns) = (vec![0.0; n * 2], vec![0.0; m * 2]);
        let (mut by_x, mut by_y) = (vec![0.0; n * DIM], vec![0.0; m * DIM]);
        for i in 0..n {
            for j in 0..m {
                let p = plan[i * m + j];
                for k in 0..2 {
                    to_rows[i * 2 + k] += p * v[j * 2 + k];
                    to_columns[j * 2 + k] += p * u[i * 2 + k];
                }
                if case.cost == Cost::SquaredEuclidean {
                    for k in 0..DIM {
                        let pull = 2.0 * p * (case.x[i * DIM + k] - case.y[j * DIM + k]);
                        by_x[i * DIM + k] += pull;
                        by_y[j * DIM + k] -= pull;
                    }
                }
            }
        }
        check("apply", found("apply"), &to_rows);
        check("transpose", found("transpose"), &to_columns);
        if case.cost == Cost::SquaredEuclidean {
            check("envelope x", found("envelope x"), &by_x);
            check("envelope y", found("envelope y"), &by_y);
        }
    }
}

#[cfg(feature = "std")]
#[test]
fn the_number_of_threads_does_not_matter() {
    for case in cases((330, 410)) {
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let results = pool.expect("a pool").install(|| case.results());
            let bits = |(name, _, values): (_, _, Vec<f64>)| {
                let bits: Vec<u64> = values.into_iter().map(f64::to_bits).collect();
                (name, bits)
            };
            results.into_iter().map(bits).collect::<Vec<_>>()
        };
        let one = with(1);
        for threads in [2, 5] {
            for (x, y) in one.iter().zip(with(threads)) {
                assert!(*x == y, "{}, {}: {threads} threads", case.name, x.0);
            }
        }
    }
}
