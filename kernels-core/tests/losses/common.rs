//! Numbers, slopes and textbook pieces.

/// Images and features: one, two, and around a vector register.
pub(crate) const SIZES: [usize; 5] = [1, 2, 31, 32, 33];

/// Deterministic numbers in [−1, 1] that are exact in f32, different for each seed.
pub(crate) fn numbers(len: usize, seed: usize) -> Vec<f64> {
    let phase = seed as f64;
    (0..len)
        .map(|k| (1.7 * (k * k) as f64 + (0.3 + phase) * k as f64 + 0.5).sin())
        .map(|x| f64::from(x as f32))
        .collect()
}

pub(crate) fn narrow(x: &[f64]) -> Vec<f32> {
    x.iter().map(|&x| x as f32).collect()
}

pub(crate) fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

/// Fails for NaN too.
#[track_caller]
pub(crate) fn assert_close(got: f64, expected: f64, tolerance: f64) {
    assert!(
        (got - expected).abs() <= tolerance,
        "{got} and {expected} differ beyond {tolerance:e}"
    );
}

/// Every entry within `tolerance` times the largest of `expected`.
#[track_caller]
pub(crate) fn assert_all_close(got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len());
    let largest = expected.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    for (&got, &expected) in got.iter().zip(expected) {
        assert_close(got, expected, tolerance * largest);
    }
}

/// Compares `grad` with slopes of `loss` at `z`: entry by entry where there are few, along
/// four directions where there are many.
///
/// A step h = 1e-5 leaves a truncation error of h² times a third derivative and a rounding
/// error of u/h times the loss, both near 1e-10 for inputs of size one.
#[track_caller]
pub(crate) fn check_gradient(
    z: &[f64],
    grad: &[f64],
    tolerance: f64,
    mut loss: impl FnMut(&[f64]) -> f64,
) {
    const STEP: f64 = 1e-5;
    let unit = |k: usize| (0..z.len()).map(|i| f64::from(u8::from(i == k))).collect();
    let directions: Vec<Vec<f64>> = if z.len() <= 80 {
        (0..z.len()).map(unit).collect()
    } else {
        (0..4).map(|seed| numbers(z.len(), 90 + seed)).collect()
    };
    for direction in directions {
        let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
        let at = |step: f64| -> Vec<f64> {
            let moved = z.iter().zip(&direction);
            moved.map(|(z, d)| z + step * d / length).collect()
        };
        let slope = (loss(&at(STEP)) - loss(&at(-STEP))) / (2.0 * STEP);
        let along: f64 = grad.iter().zip(&direction).map(|(g, d)| g * d).sum();
        assert_close(along / length, slope, tolerance);
    }
}

/// Rows `order[0], order[1], …` of a matrix.
pub(crate) fn pick(x: &[f64], dim: usize, order: impl Iterator<Item = usize>) -> Vec<f64> {
    order
        .flat_map(|row| x[row * dim..(row + 1) * dim].to_vec())
        .collect()
}

/// Both views of every image moved in the same way: image 0 to the end.
pub(crate) fn cycle_images(z: &[f64], rows: usize, dim: usize) -> Vec<f64> {
    let images = rows / 2;
    let order = (0..rows).map(|row| row / images * images + (row % images + 1) % images);
    pick(z, dim, order)
}

/// View B before view A.
pub(crate) fn swap_views(z: &[f64]) -> Vec<f64> {
    let (a, b) = z.split_at(z.len() / 2);
    [b, a].concat()
}

/// The features in reverse order.
pub(crate) fn reverse_features(z: &[f64], dim: usize) -> Vec<f64> {
    z.chunks(dim)
        .flat_map(|row| row.iter().rev().copied().collect::<Vec<_>>())
        .collect()
}

/// Every row rotated: by a reflection `I − 2 w wᵀ/‖w‖²` and then another.
pub(crate) fn rotate(z: &[f64], dim: usize) -> Vec<f64> {
    let mut out = z.to_vec();
    for seed in [70, 71] {
        let w = numbers(dim, seed);
        let square: f64 = w.iter().map(|w| w * w).sum();
        for row in out.chunks_mut(dim) {
            let along: f64 = row.iter().zip(&w).map(|(x, w)| x * w).sum();
            for (x, w) in row.iter_mut().zip(&w) {
                *x -= 2.0 * along * w / square;
            }
        }
    }
    out
}

/// `z` with column means taken off, and the columns' sums of squares.
pub(crate) fn centred(z: &[f64], dim: usize) -> (Vec<f64>, Vec<f64>) {
    let rows = (z.len() / dim) as f64;
    let mean = |j: usize| z.iter().skip(j).step_by(dim).sum::<f64>() / rows;
    let means: Vec<f64> = (0..dim).map(mean).collect();
    let c: Vec<f64> = (0..z.len()).map(|k| z[k] - means[k % dim]).collect();
    let squares = |j: usize| c.iter().skip(j).step_by(dim).map(|x| x * x).sum();
    let sums = (0..dim).map(squares).collect();
    (c, sums)
}

/// `Σ_n x_ni y_nj`.
pub(crate) fn inner(x: &[f64], y: &[f64], dim: usize, i: usize, j: usize) -> f64 {
    x.chunks(dim)
        .zip(y.chunks(dim))
        .map(|(x, y)| x[i] * y[j])
        .sum()
}
