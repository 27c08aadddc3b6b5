//! A data set that needs no files: ten shapes and textures, drawn from a seed.
//!
//! The class is *what* is drawn. Where, how large, how turned, in which colours, on
//! which ground, under which light and behind what clutter is drawn at random and says
//! nothing about the class. These are the differences that views of one image show
//! too, so who learns to ignore them keeps the class; pixels themselves tell little.
//!
//! Image `i` of a split depends on the seed, the split and `i` alone, so a limit gives
//! a prefix, and drawing in parallel changes nothing. Labels run round: `i mod 10`.

mod dice;
mod scene;
mod shapes;

use std::sync::Arc;

use rayon::prelude::*;

use super::{Dataset, DatasetKind, Images, Labelled};
use dice::Dice;
use scene::Scene;

/// Training images, before a limit.
pub const TRAIN_IMAGES: usize = 5_000;
/// Test images.
pub const TEST_IMAGES: usize = 1_000;

/// A part of the set. The numbers go into the seeds.
#[derive(Clone, Copy, Debug)]
enum Split {
    Train = 0,
    Test = 1,
}

/// The whole set; `limit` cuts the training images.
pub(super) fn dataset(seed: u64, limit: Option<usize>) -> Dataset {
    let train_images = limit.unwrap_or(TRAIN_IMAGES).min(TRAIN_IMAGES);
    let train = draw(seed, Split::Train, train_images);
    let test = draw(seed, Split::Test, TEST_IMAGES);
    Dataset::new(
        DatasetKind::Synthetic,
        train.images.clone(),
        train,
        test,
        Vec::new(),
    )
}

fn draw(seed: u64, split: Split, count: usize) -> Labelled {
    let mut images = Images::empty(DatasetKind::Synthetic.image_shape());
    let len = images.image_len();
    images.pixels = vec![0; count * len];
    images
        .pixels
        .par_chunks_exact_mut(len)
        .enumerate()
        .for_each(|(i, out)| {
            let mut dice = Dice::new(seed, split as u64, i as u64);
            Scene::random(label(i).into(), &mut dice).render(&mut dice, out);
        });
    Labelled {
        images: Arc::new(images),
        labels: (0..count).map(label).collect(),
    }
}

fn label(image: usize) -> u16 {
    (image % DatasetKind::Synthetic.class_count()) as u16
}
