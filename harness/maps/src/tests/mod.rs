//! Points with a known shape, and what several tests look at.

mod measures;
mod pca;
mod pictures;
mod reference;
mod tsne;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Numbers about normal: sums of uniform ones.
pub(super) fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    move || {
        let uniform = (0..6).map(|_| f64::from(random.next_u32()) / f64::from(u32::MAX) - 0.5);
        (uniform.sum::<f64>() * 2f64.sqrt()) as f32
    }
}

/// Points around centres that are `apart` from the origin in directions of their own,
/// with the number of the centre as label.
pub(super) fn clouds(rows: usize, dim: usize, classes: usize, apart: f32) -> (Vec<f32>, Vec<u16>) {
    let mut noise = noise(7);
    let mut values = Vec::new();
    let labels: Vec<u16> = (0..rows).map(|i| (i % classes) as u16).collect();
    for &label in &labels {
        let centre = |d: usize| {
            if d == usize::from(label) % dim {
                apart
            } else {
                0.0
            }
        };
        values.extend((0..dim).map(|d| centre(d) + noise()));
    }
    (values, labels)
}
