//! What the kernels' benchmarks share.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Bencher, Criterion};
use kernels_core::Error;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Numbers in a row, as a projection head gives.
pub const DIM: usize = 128;

/// Short measurements: there are many, and the machine's noise is larger than what a
/// longer one would settle.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots()
}

/// Pools of one thread and of all, with their names.
pub fn pools() -> Vec<(String, ThreadPool)> {
    let all = rayon::current_num_threads();
    let counts = if all > 1 { vec![1, all] } else { vec![1] };
    let pools = counts.into_iter().filter_map(|threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().ok()?;
        let plural = if threads == 1 { "" } else { "s" };
        Some((format!("{threads} thread{plural}"), pool))
    });
    pools.collect()
}

/// Times a kernel in a pool. What returns errors is not worth timing.
pub fn time<O: Send>(
    bencher: &mut Bencher<'_>,
    pool: &ThreadPool,
    mut kernel: impl FnMut() -> Result<O, Error> + Send,
) {
    pool.install(|| {
        bencher.iter(|| {
            let outcome = black_box(kernel());
            assert!(outcome.is_ok(), "{:?}", outcome.err());
        });
    });
}
