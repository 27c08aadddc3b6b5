//! Random numbers of one image.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// ChaCha8 with (seed, split, image) as its key: ChaCha is specified by bytes and the
/// conversions stand here, so images are the same on every machine.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    pub(super) fn new(seed: u64, split: u64, image: u64) -> Self {
        let mut key = [0; 32];
        for (bytes, word) in key.chunks_exact_mut(8).zip([seed, split, image, DOMAIN]) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in [0, 1): 24 random bits, as many as a float holds.
    pub(super) fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 * (1.0 / (1_u32 << 24) as f32)
    }

    /// Uniform between two bounds.
    pub(super) fn between(&mut self, least: f32, most: f32) -> f32 {
        least + (most - least) * self.unit()
    }

    /// A whole number below `n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f32) as usize
    }

    /// Heads with probability `p`.
    pub(super) fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// A colour with channels in [0, 1].
    pub(super) fn color(&mut self) -> [f32; 3] {
        std::array::from_fn(|_| self.unit())
    }

    /// A direction as (cosine, sine), turned by at most `most` radians from 0.
    pub(super) fn turn(&mut self, most: f32) -> (f32, f32) {
        let angle = self.between(-most, most);
        (libm::cosf(angle), libm::sinf(angle))
    }

    /// Roughly normal with variance 1: the sum of a word's four bytes, centred and
    /// scaled by its standard deviation, the root of 4 · (256² - 1) / 12.
    pub(super) fn noise(&mut self) -> f32 {
        let sum: u32 = self
            .0
            .next_u32()
            .to_le_bytes()
            .into_iter()
            .map(u32::from)
            .sum();
        (sum as f32 - 510.0) * (1.0 / 147.8)
    }
}

/// Sets these keys apart from those of other generators of the program: "pictures".
const DOMAIN: u64 = u64::from_le_bytes(*b"pictures");
