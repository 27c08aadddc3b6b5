//! Seconds, memory, and the exactness of an answer: what a peer's line says.

use std::time::Instant;

use rayon::prelude::*;

/// Runs once uncounted, then `repeat` times: (median, least) seconds.
///
/// # Errors
/// The first error of a run.
pub fn timed<E>(repeat: usize, mut run: impl FnMut() -> Result<(), E>) -> Result<(f64, f64), E> {
    run()?;
    let mut seconds = Vec::new();
    for _ in 0..repeat.max(1) {
        let start = Instant::now();
        run()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok((seconds[seconds.len() / 2], seconds[0]))
}

/// The most memory this process has held, in MiB; 0 where the system does not tell.
#[must_use]
pub fn peak_rss_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| {
            rest.trim()
                .trim_end_matches("kB")
                .trim()
                .parse::<u64>()
                .ok()
        });
    kib.unwrap_or(0) / 1024
}

/// Dual value and L1 error of both marginals of potentials (f, g) for uniform weights
/// and the squared Euclidean cost, by the definition, in `f64`:
///
/// `P_ij = exp((f_i + g_j − ‖x_i − y_j‖²)/ε)/(nm)`,
/// `⟨a,f⟩ + ⟨b,g⟩ − ε(ΣP − 1)` and `‖P1 − a‖₁ + ‖Pᵀ1 − b‖₁`.
///
/// Written without the kernels, which it judges. Time O(nmd), memory O(n + 16 m).
#[must_use]
pub fn judge(x: &[f64], y: &[f64], dim: usize, f: &[f64], g: &[f64], epsilon: f64) -> (f64, f64) {
    let (n, m) = (f.len(), g.len());
    let mass = 1.0 / (n as f64 * m as f64);
    // Rows of a block share the pass over y; its size only sets the grain of the work. Each
    // block that is in the works has sums for all columns.
    const BLOCK: usize = 64;
    const AT_ONCE: usize = 16 * BLOCK;
    let sums = |(x, f): (&[f64], &[f64])| {
        let (mut rows, mut columns) = (vec![0.0; f.len()], vec![0.0; m]);
        for ((x, &f), row) in x.chunks_exact(dim).zip(f).zip(&mut rows) {
            for ((y, &g), column) in y.chunks_exact(dim).zip(g).zip(&mut columns) {
                let p = ((f + g - squared_distance(x, y)) / epsilon).exp() * mass;
                *row += p;
                *column += p;
            }
        }
        (rows, columns)
    };
    let mut columns = vec![0.0; m];
    let (mut total, mut error) = (0.0, 0.0);
    for (x, f) in x.chunks(AT_ONCE * dim).zip(f.chunks(AT_ONCE)) {
        let blocks = x.par_chunks(BLOCK * dim).zip(f.par_chunks(BLOCK));
        let blocks: Vec<(Vec<f64>, Vec<f64>)> = blocks.map(sums).collect();
        for (rows, part) in &blocks {
            for row in rows {
                total += row;
                error += (row - 1.0 / n as f64).abs();
            }
            columns.iter_mut().zip(part).for_each(|(sum, p)| *sum += p);
        }
    }
    error += columns
        .iter()
        .map(|column| (column - 1.0 / m as f64).abs())
        .sum::<f64>();
    let mean = |p: &[f64]| p.iter().sum::<f64>() / p.len() as f64;
    (mean(f) + mean(g) - epsilon * (total - 1.0), error)
}

fn squared_distance(x: &[f64], y: &[f64]) -> f64 {
    // Four sums, so that an addition need not wait for the one before it.
    let mut sums = [0.0; 4];
    let (x4, y4) = (x.chunks_exact(4), y.chunks_exact(4));
    let tail = x4.remainder().iter().zip(y4.remainder());
    let rest: f64 = tail.map(|(a, b)| (a - b) * (a - b)).sum();
    for (a, b) in x4.zip(y4) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += (a - b) * (a - b);
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::clouds;

    /// The numbers come from the same formulas in Python; rounding is 1e-16.
    #[test]
    fn the_judge_agrees_with_the_peers() {
        let (x, y) = clouds(2, 3, 3, 0);
        let (value, error) = judge(&x, &y, 3, &[0.5, 0.75], &[0.25, 1.0, -0.5], 0.5);
        assert!((value - 1.2335304729187746).abs() <= 1e-14, "{value}");
        assert!((error - 1.4341218916750984).abs() <= 1e-14, "{error}");
    }

    #[test]
    fn the_median_is_of_the_counted_runs() {
        let mut runs = 0;
        let seconds = timed(3, || {
            runs += 1;
            Ok::<(), ()>(())
        });
        assert_eq!(runs, 4);
        assert!(seconds.is_ok_and(|(median, best)| best <= median));
        assert_eq!(timed(3, || Err("refused")), Err("refused"));
    }
}
