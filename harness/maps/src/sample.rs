//! Which images are drawn.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Chooses `count` of the labelled images, or all where there are fewer: as many of
/// each class as of any other, as long as it has them. The choice depends on the seed
/// and the labels alone, so that maps of several runs show the same images; it is in the
/// order of the images.
pub fn sample(labels: &[u16], count: usize, seed: u64) -> Vec<usize> {
    let classes = labels.iter().max().map_or(0, |&last| usize::from(last) + 1);
    let mut members = vec![Vec::new(); classes];
    for (i, &label) in labels.iter().enumerate() {
        members[usize::from(label)].push(i);
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for class in &mut members {
        class.shuffle(&mut random);
    }
    // One of each class in turn; where the last turn cannot take all, chance decides.
    let rounds = members.iter().map(Vec::len).max().unwrap_or(0);
    let mut chosen = Vec::new();
    for round in 0..rounds {
        let mut turn: Vec<usize> = members
            .iter()
            .filter_map(|c| c.get(round).copied())
            .collect();
        if chosen.len() + turn.len() > count {
            turn.shuffle(&mut random);
            turn.truncate(count - chosen.len());
        }
        chosen.extend(turn);
        if chosen.len() >= count {
            break;
        }
    }
    chosen.sort_unstable();
    chosen
}
