//! Random numbers that belong to an image, not to a thread.
//!
//! Every (seed, epoch, image, stream) has a ChaCha8 generator of its own. The
//! four numbers *are* the 256-bit key: ChaCha is a pseudo-random function of its
//! key, so no mixing is needed and no two generators can coincide. ChaCha is
//! specified by bytes and the conversions below are written out here, so the
//! numbers are the same on every machine and survive changes in `rand`.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::AugmentError;

/// What a generator is for. The numbers are part of every recorded experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Stream {
    /// The order of an epoch; its image number is 0.
    Order = 0,
    /// The first view of an image.
    ViewA = 1,
    /// The second view of an image.
    ViewB = 2,
}

/// The generator of one purpose.
pub fn generator(seed: u64, epoch: u64, image: u64, stream: Stream) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (bytes, word) in key
        .chunks_exact_mut(8)
        .zip([seed, epoch, image, stream as u64])
    {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// The numbers `0..len` in the random order of an epoch.
pub fn epoch_order(seed: u64, epoch: u64, len: usize) -> Result<Vec<u32>, AugmentError> {
    let count = u32::try_from(len).map_err(|_| AugmentError::Loader {
        what: "the number of images",
        expected: format!("at most {}", u32::MAX),
        got: len.to_string(),
    })?;
    let mut rng = generator(seed, epoch, 0, Stream::Order);
    let mut order: Vec<u32> = (0..count).collect();
    // Fisher-Yates: position i takes a uniform one of those not yet placed.
    for i in (1..len).rev() {
        order.swap(i, below(&mut rng, i + 1));
    }
    Ok(order)
}

/// Uniform in [0, 1): 53 random bits, as many as a double holds.
pub(super) fn unit(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// Uniform between two bounds.
pub(super) fn uniform(rng: &mut impl Rng, least: f64, most: f64) -> f64 {
    least + (most - least) * unit(rng)
}

/// Uniform in `0..bound`, without bias; 0 for an empty range.
///
/// Lemire's method: the high word of `random × bound` is uniform once those low
/// words are rejected that some results would get one time too often.
pub(super) fn below(rng: &mut impl Rng, bound: usize) -> usize {
    let bound = bound as u64;
    if bound == 0 {
        return 0;
    }
    let excess = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(bound);
        if product as u64 >= excess {
            return (product >> 64) as usize;
        }
    }
}
