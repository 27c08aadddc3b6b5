//! Batches of two views, made by threads while the encoder computes.

use std::{fmt, iter::FusedIterator, sync::Arc};

use super::{
    AugmentConfig, AugmentError, Normalize, Scratch, Stream, generator,
    prefetch::{Prefetch, Stop},
    view,
};
use crate::data::Images;

/// What a loader works on: one epoch, or the rest of one.
#[derive(Clone, Debug)]
pub struct LoaderOptions {
    /// The images.
    pub images: Arc<Images>,
    /// Their order in this epoch, from [`epoch_order`](super::epoch_order).
    pub order: Arc<[u32]>,
    /// Batch to begin with: 0, or where an interrupted epoch goes on.
    pub first_batch: usize,
    /// Images in a batch. An incomplete last batch is left out.
    pub batch_size: usize,
    /// How the first and the second view are made; both of one size.
    pub views: [AugmentConfig; 2],
    /// Normalization of both.
    pub normalize: Normalize,
    /// Seed of the run.
    pub seed: u64,
    /// Number of the epoch.
    pub epoch: u64,
    /// Worker threads. The batches do not depend on their number; memory does: one
    /// batch more than there are threads is made ahead.
    pub threads: usize,
}

/// Two views of a batch of images.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewBatch {
    /// Number of the batch in its epoch.
    pub index: usize,
    /// Numbers of the images.
    pub images: Vec<u32>,
    /// First views: batch × channels × size × size.
    pub a: Vec<f32>,
    /// Second views, in the same order.
    pub b: Vec<f32>,
}

/// The batches of an epoch in order, computed ahead by threads. After an error it
/// ends; dropping it stops the threads.
pub struct ViewLoader(Prefetch<ViewBatch>);

impl ViewLoader {
    /// Checks the options and starts the threads.
    pub fn start(options: LoaderOptions) -> Result<Self, AugmentError> {
        let batches = check(&options)?;
        let numbers = options.first_batch..batches;
        // More threads than batches would only wait.
        let threads = options.threads.min(numbers.len()).max(1);
        let options = Arc::new(options);
        let worker = || {
            let options = Arc::clone(&options);
            let mut scratch = Scratch::default();
            move |number, stop: &Stop<'_>| make(&options, number, &mut scratch, stop).transpose()
        };
        Prefetch::start(numbers, threads, threads + 1, worker).map(Self)
    }
}

impl Iterator for ViewLoader {
    type Item = Result<ViewBatch, AugmentError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // An error ends it early.
        (0, Some(self.0.remaining()))
    }
}

impl FusedIterator for ViewLoader {}

impl fmt::Debug for ViewLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewLoader")
            .field("remaining", &self.0.remaining())
            .finish()
    }
}

/// One batch; none when a stop was requested meanwhile.
fn make(
    options: &LoaderOptions,
    number: usize,
    scratch: &mut Scratch,
    stop: &Stop<'_>,
) -> Result<Option<ViewBatch>, AugmentError> {
    let LoaderOptions {
        images,
        order,
        batch_size,
        views,
        normalize,
        seed,
        epoch,
        ..
    } = options;
    let first = number * batch_size;
    let members = &order[first..first + batch_size];
    let len = images.channels * views[0].size * views[0].size;
    let mut a = vec![0.0; batch_size * len];
    let mut b = vec![0.0; batch_size * len];
    let outputs = a.chunks_exact_mut(len).zip(b.chunks_exact_mut(len));
    for (&member, (a, b)) in members.iter().zip(outputs) {
        if stop.requested() {
            return Ok(None);
        }
        let image = images.get(member as usize);
        let dice = |stream| generator(*seed, *epoch, member.into(), stream);
        view(
            image,
            &views[0],
            normalize,
            &mut dice(Stream::ViewA),
            scratch,
            a,
        )?;
        view(
            image,
            &views[1],
            normalize,
            &mut dice(Stream::ViewB),
            scratch,
            b,
        )?;
    }
    Ok(Some(ViewBatch {
        index: number,
        images: members.to_vec(),
        a,
        b,
    }))
}

/// The number of whole batches in the epoch, if the options fit together.
fn check(options: &LoaderOptions) -> Result<usize, AugmentError> {
    let refuse = |what, expected: &str, got: &dyn fmt::Display| {
        Err(AugmentError::Loader {
            what,
            expected: expected.to_owned(),
            got: got.to_string(),
        })
    };
    let LoaderOptions {
        images,
        order,
        first_batch,
        batch_size,
        views,
        normalize,
        threads,
        ..
    } = options;
    if *threads == 0 {
        return refuse("the number of threads", "at least 1", threads);
    }
    if *batch_size == 0 {
        return refuse("the batch size", "at least 1", batch_size);
    }
    let batches = order.len() / batch_size;
    if *first_batch > batches {
        let expected = format!("at most {batches}, the epoch's number of whole batches");
        return refuse("the first batch", &expected, first_batch);
    }
    let len = images.len();
    if let Some(index) = order.iter().find(|&&index| index as usize >= len) {
        let expected = format!("below {len}, the number of images");
        return refuse("an image number in the order", &expected, index);
    }
    let [size_a, size_b] = [views[0].size, views[1].size];
    if size_a != size_b {
        return refuse(
            "the second view's size",
            &format!("{size_a} as the first's"),
            &size_b,
        );
    }
    views.iter().try_for_each(AugmentConfig::validate)?;
    if images.channels != 1 && images.channels != 3 {
        return Err(AugmentError::Channels {
            got: images.channels,
        });
    }
    normalize.validate(images.channels)?;
    Ok(batches)
}
