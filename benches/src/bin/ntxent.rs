//! Times NT-Xent with its gradient as the Python peers are timed, and prints their line:
//!
//! ```sh
//! cargo run --release -p benches --bin ntxent -- \
//!     --n 4096 --d 128 --tau 0.5 --dtype f32 --threads 2 --repeat 5
//! ```
//!
//! `--n` counts the rows of both views. `gradnorm` is of the first view's gradient, as
//! theirs is.

use benches::{
    command::Args,
    line::{Line, Outcome, run},
    measure::{peak_rss_mb, timed},
    problem::{rounded, views},
};
use kernels_core::{
    Error, Real,
    nt_xent::{nt_xent_with_grad, nt_xent_workspace_len},
};
use serde_json::json;

fn main() -> Outcome {
    run(report::<f32>, report::<f64>)
}

fn report<T: Real>(args: &Args) -> Outcome {
    let (rows, dim) = (args.n, args.d);
    let z = rounded::<T>(&views(rows, dim));
    let base = peak_rss_mb();
    let mut grad = vec![T::zero(); z.len()];
    let mut workspace = vec![T::zero(); nt_xent_workspace_len(rows, dim)];
    let mut value = T::zero();
    let seconds = timed(args.repeat, || {
        value = nt_xent_with_grad(&z, rows, dim, T::of(args.tau), &mut grad, &mut workspace)?;
        Ok::<(), Error>(())
    })?;
    let line = Line::new("sinsim ntxent", args, base, seconds);
    let first = grad.iter().take(rows / 2 * dim);
    let norm = first.map(|g| g.wide().powi(2)).sum::<f64>().sqrt();
    let own = json!({
        "n2": rows,
        "tau": args.tau,
        "value": value.wide(),
        "gradnorm": norm,
    });
    println!("{}", line.with(&own));
    Ok(())
}
