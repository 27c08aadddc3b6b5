//! The generators and what is drawn from them.

use std::collections::HashSet;

use rand::Rng;

use super::ks_uniform;
use crate::augment::{
    Stream, epoch_order, generator,
    seed::{below, unit},
};

#[test]
fn the_key_of_zeros_gives_the_published_chacha8_stream() {
    // ChaCha8, 256-bit key 0, nonce 0 (draft-strombergson-chacha-test-vectors, TC1):
    // 3e 00 ef 2f 89 5f 40 d6 7f 5b b8 e8 1f 09 a5 a1
    let mut rng = generator(0, 0, 0, Stream::Order);
    assert_eq!(rng.next_u64(), 0xd640_5f89_2fef_003e);
    assert_eq!(rng.next_u64(), 0xa1a5_091f_e8b8_5b7f);
}

#[test]
fn every_coordinate_makes_another_stream() {
    let mut seen = HashSet::new();
    for seed in [0, 1, u64::MAX] {
        for epoch in [0, 1, 2] {
            for image in [0, 1, 2, 1 << 31] {
                for stream in [Stream::Order, Stream::ViewA, Stream::ViewB] {
                    seen.insert(generator(seed, epoch, image, stream).next_u64());
                }
            }
        }
    }
    assert_eq!(seen.len(), 3 * 3 * 4 * 3);
}

#[test]
fn unit_is_uniform_and_below_one() {
    let mut rng = generator(1, 0, 0, Stream::ViewA);
    let values: Vec<f64> = (0..20_000).map(|_| unit(&mut rng)).collect();
    assert!(values.iter().all(|u| (0.0..1.0).contains(u)));
    let gap = ks_uniform(values, 0.0, 1.0);
    assert!(gap < 2.3, "{gap}");
}

#[test]
fn below_takes_every_value_equally_often() {
    let mut rng = generator(1, 0, 0, Stream::ViewA);
    for bound in [1_usize, 2, 3, 7, 24] {
        let draws = 2000 * bound;
        let mut counts = vec![0_u32; bound];
        for _ in 0..draws {
            counts[below(&mut rng, bound)] += 1;
        }
        // Standard deviation √2000 ≈ 45; five of them.
        assert!(
            counts.iter().all(|&n| n.abs_diff(2000) <= 225),
            "{bound}: {counts:?}"
        );
    }
    assert_eq!(below(&mut rng, 0), 0);
}

/// A generator that gives what it is told.
struct Script(Vec<u64>);

impl rand::TryRng for Script {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|x| x as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.0.remove(0))
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[test]
fn below_rejects_the_one_low_word_too_many() {
    // 2⁶⁴ mod 3 = 1: exactly the random word 0 is rejected for the bound 3.
    assert_eq!(below(&mut Script(vec![0, u64::MAX]), 3), 2);
    // Accepted at once: one word is taken.
    let mut script = Script(vec![1, 5]);
    assert_eq!(below(&mut script, 3), 0);
    assert_eq!(script.0, [5]);
}

#[test]
fn an_order_has_every_image_once_and_changes_with_the_epoch() {
    for len in [0, 1, 2, 257] {
        let mut order = epoch_order(3, 1, len).unwrap();
        order.sort_unstable();
        assert!(order.iter().copied().eq(0..len as u32));
    }
    let order = |seed, epoch| epoch_order(seed, epoch, 100).unwrap();
    assert_eq!(order(3, 1), order(3, 1));
    assert_ne!(order(3, 1), order(3, 2));
    assert_ne!(order(3, 1), order(4, 1));
}

#[test]
fn every_order_is_equally_likely() {
    let mut counts = std::collections::HashMap::new();
    for epoch in 0..24_000 {
        *counts
            .entry(epoch_order(9, epoch, 4).unwrap())
            .or_insert(0_u32) += 1;
    }
    assert_eq!(counts.len(), 24);
    // 1000 each, standard deviation 31; five of them.
    assert!(
        counts.values().all(|n| n.abs_diff(1000) <= 155),
        "{counts:?}"
    );
}
