//! Inputs for the benchmarks: the same numbers on every machine.
//!
//! | module | subject |
//! |---|---|
//! | [`command`] | the command line that all peers share |
//! | [`problem`] | the peers' problems, regenerated from their seeds |
//! | [`measure`] | seconds, memory, exactness |
//! | [`line`] | the JSON line that a program prints |

pub mod command;
pub mod line;
pub mod measure;
pub mod problem;

/// Numbers uniform in [−1, 1), from SplitMix64.
#[must_use]
pub fn uniform(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    };
    // 24 bits fill the mantissa of an f32.
    (0..len)
        .map(|_| (next() >> 40) as f32 / 8_388_608.0 - 1.0)
        .collect()
}

/// Two views of `images` points: the second half of the rows is the first half with a
/// third as much noise again.
#[must_use]
pub fn two_views(images: usize, dim: usize) -> Vec<f32> {
    let mut z = uniform(1_000_003, images * dim);
    let noise = uniform(2_000_003, images * dim);
    let second: Vec<f32> = z.iter().zip(&noise).map(|(a, b)| a + b / 3.0).collect();
    z.extend(second);
    z
}
