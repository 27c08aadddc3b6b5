//! Times Sinkhorn as the Python peers are timed, and prints their line:
//!
//! ```sh
//! cargo run --release -p benches --bin sinkhorn -- \
//!     --n 4096 --d 128 --eps 0.05 --iters 50 --dtype f32 --threads 2 --repeat 5
//! ```
//!
//! Squared Euclidean cost, uniform weights, all iterations made. The time includes the
//! cost matrix; buffers are allocated once, before it, as a caller in a loop would.

use benches::{
    command::Args,
    line::{Line, Outcome, run},
    measure::{judge, peak_rss_mb, timed},
    problem::{clouds, rounded},
};
use kernels_core::{
    Error, Real,
    cost::{Cost, cost_matrix},
    sinkhorn::{CostSource, Problem, SinkhornOptions, State},
};
use serde_json::json;

fn main() -> Outcome {
    run(report::<f32>, report::<f64>)
}

fn report<T: Real>(args: &Args) -> Outcome {
    let (x, y) = clouds(args.n, args.m, args.d, args.seed);
    let base = peak_rss_mb();
    let mut solver = Solver::<T>::new(args, &x, &y);
    let seconds = timed(args.repeat, || solver.solve(args))?;
    // Its memory is read before the judge's own allocations.
    let line = Line::new("sinsim", args, base, seconds);
    let (value, marginal_error) = judge(&x, &y, args.d, &solver.f, &solver.g, args.eps);
    let own = json!({
        "m": args.m,
        "eps": args.eps,
        "iters": args.iters,
        "value": value,
        "marg_l1": marginal_error,
    });
    println!("{}", line.with(&own));
    Ok(())
}

/// A problem and its buffers.
struct Solver<T> {
    x: Vec<T>,
    y: Vec<T>,
    cost: Vec<T>,
    workspace: Vec<T>,
    /// The potentials of the last run.
    f: Vec<f64>,
    g: Vec<f64>,
}

impl<T: Real> Solver<T> {
    fn new(args: &Args, x: &[f64], y: &[f64]) -> Self {
        let pairs = if args.source.has_matrix() {
            args.n * args.m
        } else {
            0
        };
        let mut solver = Self {
            x: rounded(x),
            y: rounded(y),
            cost: vec![T::zero(); pairs],
            workspace: Vec::new(),
            f: vec![0.0; args.n],
            g: vec![0.0; args.m],
        };
        let len = problem(args, &solver.cost, &solver.x, &solver.y).workspace_len();
        solver.workspace.resize(len, T::zero());
        solver
    }

    /// What is timed, and the only place that knows how the kernel is called.
    fn solve(&mut self, args: &Args) -> Result<(), Error> {
        if args.source.has_matrix() {
            let squared = Cost::SquaredEuclidean;
            let (x, y) = (&self.x, &self.y);
            cost_matrix(squared, x, y, args.n, args.m, args.d, &mut self.cost)?;
        }
        let problem = problem(args, &self.cost, &self.x, &self.y);
        let options = SinkhornOptions {
            epsilon: T::of(args.eps),
            threshold: T::zero(),
            max_iterations: args.iters,
        };
        let mut state = State::new(&problem, options.epsilon, &mut self.workspace)?;
        state.run(&options)?;
        let (f, g) = state.potentials();
        let pairs = self.f.iter_mut().zip(f).chain(self.g.iter_mut().zip(g));
        pairs.for_each(|(wide, p)| *wide = p.wide());
        Ok(())
    }
}

fn problem<'a, T: Real>(args: &Args, cost: &'a [T], x: &'a [T], y: &'a [T]) -> Problem<'a, T> {
    let source = if args.source.has_matrix() {
        CostSource::Matrix(cost)
    } else {
        CostSource::Points {
            cost: Cost::SquaredEuclidean,
            x,
            y,
            dim: args.d,
        }
    };
    let problem = Problem::new(source, args.n, args.m);
    if args.source.stores_kernel() {
        problem.with_stored_kernel()
    } else {
        problem
    }
}
