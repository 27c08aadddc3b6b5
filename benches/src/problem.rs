//! The problems that the Python peers are timed on, from their seeds alone.
//!
//! Word i (from 1) of stream `seed` is SplitMix64's mix of `seed + i·φ`, φ being
//! 2⁶⁴ over the golden ratio. Words are taken in pairs (k, k'), and Box–Muller makes two
//! normal numbers of each:
//!
//! `u = ((k ≫ 11) + 1)·2⁻⁵³ ∈ (0, 1]`, `v = (k' ≫ 11)·2⁻⁵³`,
//! `r = √(−2 ln u)`, `(r cos 2πv, r sin 2πv)`.
//!
//! Transport: the rows of x and y are normalised, so a squared distance lies in [0, 4].
//! NT-Xent: the first view is normal noise, the second is the first plus as much noise
//! again. Everything is computed in `f64` and rounded once; NumPy's logarithm and
//! cosine may differ from ours in the last bit.

use std::f64::consts::TAU;

use kernels_core::Real;

/// Seeds of x and y, or of the first view and of the noise between views; run `seed`
/// uses `seed + 1` times these.
const SEEDS: [u64; 2] = [1_000_003, 2_000_003];

/// Word `index` of stream `seed`.
fn word(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// `len` standard normal numbers.
#[must_use]
pub fn normal(seed: u64, len: usize) -> Vec<f64> {
    let unit = 2.0_f64.powi(-53);
    let pair = |p: u64| {
        let u = ((word(seed, 2 * p + 1) >> 11) as f64 + 1.0) * unit;
        let v = (word(seed, 2 * p + 2) >> 11) as f64 * unit;
        let (r, t) = ((-2.0 * u.ln()).sqrt(), TAU * v);
        [r * t.cos(), r * t.sin()]
    };
    (0..len.div_ceil(2) as u64)
        .flat_map(pair)
        .take(len)
        .collect()
}

/// `n` unit vectors of `dim` numbers.
#[must_use]
pub fn cloud(seed: u64, n: usize, dim: usize) -> Vec<f64> {
    let mut x = normal(seed, n * dim);
    for row in x.chunks_exact_mut(dim.max(1)) {
        let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
        row.iter_mut().for_each(|v| *v /= norm);
    }
    x
}

/// The two clouds of a transport problem.
#[must_use]
pub fn clouds(n: usize, m: usize, dim: usize, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let [x, y] = SEEDS.map(|s| s.wrapping_mul(seed + 1));
    (cloud(x, n, dim), cloud(y, m, dim))
}

/// The batch of a contrastive problem: `rows` raw rows, row i + rows/2 being the other
/// view of row i. The peers have no `seed` here.
#[must_use]
pub fn views(rows: usize, dim: usize) -> Vec<f64> {
    let [first, noise] = SEEDS.map(|s| normal(s, rows / 2 * dim));
    let second: Vec<f64> = first.iter().zip(&noise).map(|(a, b)| a + b).collect();
    [first, second].concat()
}

/// Rounds to the scalar that is timed.
#[must_use]
pub fn rounded<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&v| T::of(v)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two libraries' logarithms and cosines differ by an ulp or so, of numbers below 2.
    const TOLERANCE: f64 = 1e-15;

    #[track_caller]
    fn assert_close(got: &[f64], expected: &[f64]) {
        assert_eq!(got.len(), expected.len());
        for (a, b) in got.iter().zip(expected) {
            assert!((a - b).abs() <= TOLERANCE, "{a} for {b}");
        }
    }

    /// All numbers here come from the peers' formulas, run in Python.
    #[test]
    fn the_stream_is_the_peers() {
        assert_eq!(word(1_000_003, 1), 6_485_274_418_266_381_604);
        assert_eq!(word(1_000_003, 2), 18_246_555_651_970_422_201);
        let five = [
            1.442567845798188,
            -0.09851654032055493,
            1.0595073073417838,
            -1.6006448281788197,
            0.000864462636332314,
        ];
        assert_close(&normal(1_000_003, 5), &five);
    }

    #[test]
    fn the_clouds_are_the_peers() {
        let (x, y) = clouds(2, 1, 3, 0);
        let expected = [
            0.8047539098770939,
            -0.0549586428405824,
            0.5910589582390672,
            -0.9929287471126668,
            0.0005362525073071769,
            0.11871063806802687,
        ];
        assert_close(&x, &expected);
        let expected = [0.6608996424362282, -0.7119523370710646, 0.23735107407954728];
        assert_close(&y, &expected);
        // Seed 1 doubles the streams' seeds.
        let expected = [-0.8017575010603772, 0.59764948715231];
        assert_close(&cloud(4_000_006, 1, 2), &expected);
        assert_eq!(clouds(1, 1, 2, 1).1, cloud(4_000_006, 1, 2));
    }

    #[test]
    fn the_second_view_is_the_first_with_noise() {
        let z = views(2, 3);
        let first = [1.442567845798188, -0.09851654032055493, 1.0595073073417838];
        let noise = [0.6837001874125305, -0.7365141619534842, 0.24553950919471162];
        assert_close(&z[..3], &first);
        let second: Vec<f64> = first.iter().zip(noise).map(|(a, b)| a + b).collect();
        assert_close(&z[3..], &second);
    }

    #[test]
    fn sizes_of_nothing() {
        assert!(normal(1, 0).is_empty() && cloud(1, 0, 3).is_empty() && cloud(1, 3, 0).is_empty());
    }
}
