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
    command::{Args, Dtype, Source},
    measure::{judge, peak_rss_mb, timed},
    problem::{clouds, rounded},
};
use kernels_core::{
    Error, Real,
    cost::{Cost, cost_matrix},
    sinkhorn::{Problem, SinkhornOptions, State, sinkhorn_workspace_len},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::read()?;
    match args.dtype {
        Dtype::F32 => report::<f32>(&args),
        Dtype::F64 => report::<f64>(&args),
    }
}

fn report<T: Real>(args: &Args) -> Result<(), Box<dyn std::error::Error>> {
    if args.source == Source::Points {
        return Err("--source points: there is no such kernel yet; use --source matrix".into());
    }
    let (x, y) = clouds(args.n, args.m, args.d, args.seed);
    let base = peak_rss_mb();
    let mut solver = Solver::<T>::new(args, &x, &y);
    let (seconds, best) = timed(args.repeat, || solver.solve(args))?;
    // Before the judge's own allocations.
    let peak = peak_rss_mb();
    let (value, marginal_error) = judge(&x, &y, args.d, &solver.f, &solver.g, args.eps);
    println!(
        "{}",
        serde_json::json!({
            "peer": "sinsim",
            "n": args.n,
            "m": args.m,
            "d": args.d,
            "eps": args.eps,
            "iters": args.iters,
            "dtype": args.dtype.name(),
            "threads": args.threads,
            "sec": seconds,
            "best": best,
            "value": value,
            "marg_l1": marginal_error,
            "peak_rss_mb": peak,
            "base_rss_mb": base,
        })
    );
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
        Self {
            x: rounded(x),
            y: rounded(y),
            cost: vec![T::zero(); args.n * args.m],
            workspace: vec![T::zero(); sinkhorn_workspace_len(args.n, args.m)],
            f: vec![0.0; args.n],
            g: vec![0.0; args.m],
        }
    }

    /// What is timed, and the only place that knows how the kernel is called.
    fn solve(&mut self, args: &Args) -> Result<(), Error> {
        let (n, m) = (args.n, args.m);
        let squared = Cost::SquaredEuclidean;
        cost_matrix(squared, &self.x, &self.y, n, m, args.d, &mut self.cost)?;
        let problem = Problem {
            cost: &self.cost,
            n,
            m,
            a: None,
            b: None,
        };
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
