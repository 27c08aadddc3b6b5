//! Batches: the same for any number of threads and any starting point.

use std::sync::Arc;

use super::images;
use crate::augment::{
    AugmentConfig, AugmentError, LoaderOptions, Normalize, Scratch, Stream, ViewBatch, ViewLoader,
    epoch_order, generator, view,
};

fn options() -> LoaderOptions {
    let images = images(23, 3, 24, 24);
    LoaderOptions {
        normalize: Normalize::measure(&images),
        images: Arc::new(images),
        order: epoch_order(5, 2, 23).unwrap().into(),
        first_batch: 0,
        batch_size: 4,
        views: AugmentConfig::byol_small(20),
        seed: 5,
        epoch: 2,
        threads: 1,
    }
}

fn batches(options: LoaderOptions) -> Vec<ViewBatch> {
    ViewLoader::start(options)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn threads_change_nothing() {
    let one = batches(options());
    assert_eq!(
        one.len(),
        5,
        "23 images are 5 batches of 4, the rest is left out"
    );
    for threads in [2, 5, 64] {
        assert!(
            batches(LoaderOptions {
                threads,
                ..options()
            }) == one,
            "{threads} threads"
        );
    }
}

#[test]
fn an_interrupted_epoch_goes_on_with_the_same_batches() {
    let whole = batches(options());
    for first_batch in 0..=5 {
        let rest = batches(LoaderOptions {
            first_batch,
            threads: 2,
            ..options()
        });
        assert!(rest == whole[first_batch..], "from batch {first_batch}");
    }
}

#[test]
fn a_view_belongs_to_its_image_not_to_its_batch() {
    let options = options();
    let len = 3 * 20 * 20;
    let mut seen = 0;
    for (number, batch) in batches(options.clone()).into_iter().enumerate() {
        assert_eq!(batch.index, number);
        assert_eq!(batch.images, options.order[number * 4..number * 4 + 4]);
        let rows = batch.a.chunks_exact(len).zip(batch.b.chunks_exact(len));
        for (&member, (a, b)) in batch.images.iter().zip(rows) {
            let image = options.images.get(member as usize);
            for (config, stream, got) in [
                (&options.views[0], Stream::ViewA, a),
                (&options.views[1], Stream::ViewB, b),
            ] {
                let mut want = vec![f32::NAN; len];
                let rng = &mut generator(5, 2, member.into(), stream);
                let scratch = &mut Scratch::default();
                view(image, config, &options.normalize, rng, scratch, &mut want).unwrap();
                assert!(got == want, "image {member}, {stream:?}");
            }
            assert!(a != b, "two different views");
            seen += 1;
        }
    }
    assert_eq!(seen, 20);
}

#[test]
fn other_seeds_and_epochs_make_other_views() {
    let first = |seed, epoch| {
        let mut loader = ViewLoader::start(LoaderOptions {
            seed,
            epoch,
            ..options()
        })
        .unwrap();
        loader.next().unwrap().unwrap()
    };
    let base = first(5, 2);
    assert!(base == first(5, 2));
    for other in [first(6, 2), first(5, 3)] {
        assert_eq!(base.images, other.images, "the order is given");
        assert!(base.a != other.a && base.b != other.b);
    }
}

#[test]
fn leaving_early_frees_everything() {
    let options = LoaderOptions {
        batch_size: 1,
        threads: 3,
        ..options()
    };
    for taken in [0, 1, 3] {
        let mut loader = ViewLoader::start(options.clone()).unwrap();
        assert_eq!(loader.by_ref().take(taken).count(), taken);
        assert_eq!(loader.size_hint(), (0, Some(23 - taken)));
        drop(loader);
        // The threads' shares of the images are gone, so the threads are.
        assert_eq!(Arc::strong_count(&options.images), 1);
    }
}

#[test]
fn less_than_a_batch_is_nothing() {
    assert!(
        batches(LoaderOptions {
            batch_size: 24,
            ..options()
        })
        .is_empty()
    );
    assert!(
        batches(LoaderOptions {
            order: Arc::new([]),
            ..options()
        })
        .is_empty()
    );
}

#[test]
fn options_that_do_not_fit_are_refused_before_a_thread_starts() {
    let refused = |options: LoaderOptions| ViewLoader::start(options).unwrap_err();
    let cases = [
        (
            LoaderOptions {
                threads: 0,
                ..options()
            },
            "number of threads",
        ),
        (
            LoaderOptions {
                batch_size: 0,
                ..options()
            },
            "batch size",
        ),
        (
            LoaderOptions {
                first_batch: 6,
                ..options()
            },
            "at most 5",
        ),
        (
            LoaderOptions {
                order: Arc::new([0, 23]),
                ..options()
            },
            "below 23",
        ),
        (
            LoaderOptions {
                views: [AugmentConfig::none(20), AugmentConfig::none(21)],
                ..options()
            },
            "20 as the first's, got 21",
        ),
    ];
    for (options, words) in cases {
        let error = refused(options);
        assert!(matches!(error, AugmentError::Loader { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let views = [
        AugmentConfig {
            flip: f32::NAN,
            ..AugmentConfig::none(8)
        },
        AugmentConfig::none(8),
    ];
    let error = refused(LoaderOptions { views, ..options() });
    assert!(
        matches!(error, AugmentError::Config { field: "flip", .. }),
        "{error}"
    );
    let normalize = Normalize::identity(1);
    let error = refused(LoaderOptions {
        normalize,
        ..options()
    });
    assert!(matches!(error, AugmentError::Normalize { .. }), "{error}");
    let error = refused(LoaderOptions {
        images: Arc::new(images(23, 2, 4, 4)),
        ..options()
    });
    assert!(
        matches!(error, AugmentError::Channels { got: 2 }),
        "{error}"
    );
}
