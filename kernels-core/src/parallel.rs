//! Independent tasks, on the threads of rayon's current pool where there is one.
//!
//! A task writes to memory of its own and is the same whatever the number of threads;
//! what tasks add up is added in their order afterwards. So is every result.

use crate::check;
use crate::level::{Task, dispatch};

/// Less work than this is done before another thread has woken up.
#[cfg(feature = "std")]
const WORTH_THREADS: usize = 1 << 15;

/// Runs all tasks; `work` is their size together, in multiplications or so.
#[cfg(feature = "std")]
pub(crate) fn run_all<K: Task<Output = ()> + Send>(tasks: impl Iterator<Item = K>, work: usize) {
    if work < WORTH_THREADS || rayon::current_num_threads() == 1 {
        tasks.for_each(dispatch);
    } else {
        rayon::in_place_scope(|scope| {
            tasks.for_each(|task| scope.spawn(|_| dispatch(task)));
        });
    }
}

/// Runs all tasks, one after the other.
#[cfg(not(feature = "std"))]
pub(crate) fn run_all<K: Task<Output = ()> + Send>(tasks: impl Iterator<Item = K>, _work: usize) {
    tasks.for_each(dispatch);
}

/// Runs something that calls [`run_all`] many times as one of the pool's threads, which
/// then works too, instead of waking the others and waiting for them every time.
#[cfg(feature = "std")]
pub(crate) fn inside_pool<R: Send>(work: usize, run: impl FnOnce() -> R + Send) -> R {
    if work < WORTH_THREADS || rayon::current_num_threads() == 1 {
        run()
    } else {
        rayon::scope(|_| run())
    }
}

/// Runs it.
#[cfg(not(feature = "std"))]
pub(crate) fn inside_pool<R: Send>(_work: usize, run: impl FnOnce() -> R + Send) -> R {
    run()
}

/// Cuts a slice into pieces of some length, also if that is zero, without end: the last
/// ones are shorter, or empty.
pub(crate) struct Pieces<'t, T> {
    rest: &'t mut [T],
    len: usize,
}

impl<'t, T> Pieces<'t, T> {
    pub(crate) fn new(slice: &'t mut [T], len: usize) -> Self {
        Self { rest: slice, len }
    }
}

impl<'t, T> Iterator for Pieces<'t, T> {
    type Item = &'t mut [T];

    fn next(&mut self) -> Option<Self::Item> {
        Some(check::take(&mut self.rest, self.len))
    }
}
