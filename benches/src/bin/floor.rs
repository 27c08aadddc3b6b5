//! What this machine allows a Sinkhorn call, measured beside ours:
//!
//! ```sh
//! cargo run --release -p benches --bin floor -- \
//!     --n 4096 --d 128 --iters 50 --dtype f32 --threads 2 --repeat 5
//! ```
//!
//! `sec = n m d / products + n m / exponentials + iters · n m · size / read`
//!
//! | rate | measured as |
//! |---|---|
//! | `products` | multiply-adds in a second: the n×m×d matrix product of the costs, by the matrixmultiply crate, rows shared out |
//! | `exponentials` | our vectorised `exp` on numbers in the first cache, each loaded and stored |
//! | `read` | bytes in a second: sums over an n×m matrix of the scalar, from memory or from the cache that it fits |
//!
//! That is a call that forms the costs by one product, takes one exponential for each
//! pair, and then reads the stored kernel once in an iteration, with all of its
//! arithmetic hidden behind that read.
//!
//! What it leaves out, so a call that reaches it cannot be hoped for: a product that
//! reads costs and writes the kernel; waiting for the other threads after every
//! iteration; the two multiplications for each pair where the kernel fits a cache; a
//! last pass over the costs that confirms the answer. What could go below it: a kernel
//! stored in fewer bits than the scalar; and, for a kernel of a few KiB, wider loads than
//! the sums here, which are compiled for the baseline (32 bytes in a cycle on x86-64).
//!
//! A median is the sum of three medians, `best` that of the three least times.

use std::convert::Infallible;
use std::hint::black_box;

use benches::{
    command::Args,
    line::{Line, Outcome, run},
    measure::{peak_rss_mb, timed},
    problem::{clouds, rounded},
};
use kernels_core::{Real, elementary::exp_in_place};
use ndarray::{ArrayView2, ArrayViewMut2, LinalgScalar, ShapeError, linalg::general_mat_mul};
use rayon::prelude::*;
use serde_json::json;

/// A timed run does so much work in units of the rate that it takes some milliseconds,
/// whatever the size of the problem: threads take tens of microseconds to wake up.
const EXPONENTIALS: usize = 1 << 24;
const PRODUCTS: usize = 1 << 29;
const BYTES: usize = 1 << 29;
/// Numbers in the first cache: with their source, 16 KiB in `f64`.
const IN_CACHE: usize = 1024;

fn main() -> Outcome {
    // Partial sums fill eight registers of the baseline (SSE2), half of all: additions
    // then wait for memory and not for each other.
    run(report::<f32, 32>, report::<f64, 16>)
}

fn report<T: Real + LinalgScalar, const LANES: usize>(args: &Args) -> Outcome {
    let (n, m, d) = (args.n, args.m, args.d);
    if n * m * d == 0 {
        return Err("floor: expected n, m and d of at least 1".into());
    }
    let (x, y) = clouds(n, m, d, args.seed);
    let (x, y) = (rounded::<T>(&x), rounded::<T>(&y));
    let base = peak_rss_mb();
    let mut matrix = vec![T::zero(); n * m];
    let products = products(args, &x, &y, &mut matrix)?;
    let exponentials = exponentials::<T>(args);
    let read = read::<T, LANES>(args, &matrix);
    let parts = [
        products.seconds(n * m * d),
        exponentials.seconds(n * m),
        read.seconds(args.iters * size_of_val(matrix.as_slice())),
    ];
    let seconds = parts
        .iter()
        .fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    let own = json!({
        "m": m,
        "eps": args.eps,
        "iters": args.iters,
        "sec_product": parts[0].0,
        "sec_exponentials": parts[1].0,
        "sec_read": parts[2].0,
        "giga_multiply_adds_per_second": products.giga_per_second(),
        "giga_exponentials_per_second": exponentials.giga_per_second(),
        "read_gigabytes_per_second": read.giga_per_second(),
    });
    println!("{}", Line::new("floor", args, base, seconds).with(&own));
    Ok(())
}

/// Seconds (median, least) for a number of units of work on all threads.
struct Rate {
    units: usize,
    seconds: (f64, f64),
}

impl Rate {
    /// The time of so many units.
    fn seconds(&self, units: usize) -> (f64, f64) {
        let factor = units as f64 / self.units as f64;
        (self.seconds.0 * factor, self.seconds.1 * factor)
    }

    fn giga_per_second(&self) -> f64 {
        self.units as f64 / self.seconds.0 / 1e9
    }
}

/// Multiply-adds of `x yᵀ`, every thread with rows of its own.
fn products<T: Real + LinalgScalar>(
    args: &Args,
    x: &[T],
    y: &[T],
    out: &mut [T],
) -> Result<Rate, ShapeError> {
    let (n, m, d) = (args.n, args.m, args.d);
    let passes = (PRODUCTS / (n * m * d)).max(1);
    let share = n.div_ceil(rayon::current_num_threads());
    let y = ArrayView2::from_shape((m, d), y)?;
    let seconds = timed(args.repeat, || {
        let shares = x.par_chunks(share * d).zip(out.par_chunks_mut(share * m));
        shares.with_max_len(1).try_for_each(|(x, out)| {
            let rows = x.len() / d;
            let x = ArrayView2::from_shape((rows, d), x)?;
            let mut out = ArrayViewMut2::from_shape((rows, m), out)?;
            for _ in 0..passes {
                let (x, y) = black_box((&x, y.t()));
                general_mat_mul(T::one(), x, &y, T::zero(), &mut out);
            }
            Ok(())
        })
    })?;
    let units = passes * n * m * d;
    Ok(Rate { units, seconds })
}

/// Exponentials of the sizes that an iteration meets, on all threads.
fn exponentials<T: Real>(args: &Args) -> Rate {
    let arguments: Vec<T> = (0..IN_CACHE)
        .map(|k| T::of(-((k % 40) as f64) - 0.37))
        .collect();
    let threads = rayon::current_num_threads();
    let passes = (EXPONENTIALS / (IN_CACHE * threads)).max(1);
    let seconds = always(args.repeat, || {
        rayon::broadcast(|_| {
            let mut terms = arguments.clone();
            for _ in 0..passes {
                terms.copy_from_slice(black_box(&arguments));
                exp_in_place(black_box(&mut terms));
            }
        });
    });
    let units = passes * IN_CACHE * threads;
    Rate { units, seconds }
}

/// Bytes read of the matrix, every thread with a part of its own.
fn read<T: Real, const LANES: usize>(args: &Args, matrix: &[T]) -> Rate {
    let bytes = size_of_val(matrix);
    let passes = (BYTES / bytes).max(1);
    let share = matrix.len().div_ceil(rayon::current_num_threads());
    let seconds = always(args.repeat, || {
        matrix.par_chunks(share).with_max_len(1).for_each(|share| {
            for _ in 0..passes {
                black_box(sum::<T, LANES>(black_box(share)));
            }
        });
    });
    let units = passes * bytes;
    Rate { units, seconds }
}

/// Partial sums by value, so that they stay in registers.
fn sum<T: Real, const LANES: usize>(values: &[T]) -> [T; LANES] {
    let (chunks, _) = values.as_chunks::<LANES>();
    chunks.iter().fold([T::zero(); LANES], |sums, chunk| {
        std::array::from_fn(|l| sums[l] + chunk[l])
    })
}

/// [`timed`], of what cannot fail.
fn always(repeat: usize, mut run: impl FnMut()) -> (f64, f64) {
    let Ok(seconds) = timed(repeat, || {
        run();
        Ok::<(), Infallible>(())
    });
    seconds
}
