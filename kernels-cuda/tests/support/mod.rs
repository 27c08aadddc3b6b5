//! Inputs and comparisons that the tests share.

#![allow(dead_code)]

/// Sizes around those of a warp and of a block.
pub const SIZES: &[usize] = &[
    0, 1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 257, 300,
];

/// Normally distributed numbers (SplitMix64, Box and Muller).
pub fn normal(seed: u64, len: usize, scale: f64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x2545_f491_4f6c_dd1d);
    let mut uniform = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut one = move || {
        let radius = (-2.0 * (1.0 - uniform()).ln()).sqrt();
        scale * radius * (std::f64::consts::TAU * uniform()).cos()
    };
    (0..len).map(|_| one() as f32).collect()
}

/// Every number within `tolerance · max(1, |want|)`; equal where it is not finite.
#[track_caller]
pub fn near(what: &str, got: &[f32], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}: length");
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(got) - want).abs() / want.abs().max(1.0);
        let fits = f64::from(got) == want || error <= tolerance;
        assert!(fits, "{what}[{i}]: got {got}, want {want}");
    }
}

/// The same numbers in f64.
pub fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().copied().map(f64::from).collect()
}

/// Every number within `tolerance` of the largest that is wanted.
#[track_caller]
pub fn near_largest(what: &str, got: &[f32], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}: length");
    let largest = want.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(got) - want).abs();
        let fits = error <= tolerance * largest;
        assert!(fits, "{what}[{i}]: got {got}, want {want} of {largest}");
    }
}
