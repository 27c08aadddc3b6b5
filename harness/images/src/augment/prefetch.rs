//! Numbered pieces of work, done ahead by threads and handed out in order.
//!
//! Shared state: which number is claimed next, which is handed out next, and the
//! finished ones between. A thread claims a number only while fewer than `ahead`
//! are claimed and not handed out, which bounds the memory; the consumer waits
//! for exactly the next number, so the order never depends on the threads.
//!
//! A panic of a piece of work becomes that piece's error. After an error nothing
//! more is handed out. Dropping the consumer stops and joins the threads.

use std::{
    any::Any,
    collections::BTreeMap,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use super::AugmentError;

/// Told to a piece of work that nobody waits for its result any more.
pub(super) struct Stop<'a>(&'a AtomicBool);

impl Stop<'_> {
    pub(super) fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct State<T> {
    claim: usize,
    hand_out: usize,
    done: BTreeMap<usize, Result<T, AugmentError>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    end: usize,
    ahead: usize,
    stop: AtomicBool,
    /// Something was handed out, or the end came: a worker may go on.
    room: Condvar,
    /// Something was finished: the consumer may go on.
    ready: Condvar,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing panics under the lock, and every state under it is sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn halt(&self) {
        // Under the lock, or a worker between its test and its sleep would miss it.
        let _state = self.lock();
        self.stop.store(true, Ordering::Relaxed);
        self.room.notify_all();
    }

    /// The next number to work on; none when there is nothing left to do.
    fn claim(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if self.stop.load(Ordering::Relaxed) || state.claim == self.end {
                return None;
            }
            if state.claim - state.hand_out < self.ahead {
                state.claim += 1;
                return Some(state.claim - 1);
            }
            state = self
                .room
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn finish(&self, number: usize, result: Result<T, AugmentError>) {
        self.lock().done.insert(number, result);
        self.ready.notify_one();
    }
}

/// Iterator over the results, in order.
pub(super) struct Prefetch<T> {
    shared: Arc<Shared<T>>,
    workers: Vec<JoinHandle<()>>,
}

impl<T: Send + 'static> Prefetch<T> {
    /// Starts `threads` workers on `numbers`. `worker` is called once for each to
    /// make its own piece of memory and code. Work that saw a stop request may
    /// return none; otherwise it must return a result.
    pub(super) fn start<W>(
        numbers: Range<usize>,
        threads: usize,
        ahead: usize,
        mut worker: impl FnMut() -> W,
    ) -> Result<Self, AugmentError>
    where
        W: FnMut(usize, &Stop<'_>) -> Option<Result<T, AugmentError>> + Send + 'static,
    {
        let Range { start, end } = numbers;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                claim: start,
                hand_out: start,
                done: BTreeMap::new(),
            }),
            end: end.max(start),
            ahead: ahead.max(1),
            stop: AtomicBool::new(false),
            room: Condvar::new(),
            ready: Condvar::new(),
        });
        // From here on a failure drops `prefetch`, which joins what has started.
        let mut prefetch = Self {
            shared: Arc::clone(&shared),
            workers: Vec::new(),
        };
        for number in 0..threads.max(1) {
            let mut work = worker();
            let shared = Arc::clone(&shared);
            let handle = thread::Builder::new()
                .name(format!("views-{number}"))
                .spawn(move || run(&shared, &mut work))
                .map_err(|source| AugmentError::Spawn {
                    worker: number,
                    source,
                })?;
            prefetch.workers.push(handle);
        }
        Ok(prefetch)
    }
}

fn run<T, W>(shared: &Shared<T>, work: &mut W)
where
    W: FnMut(usize, &Stop<'_>) -> Option<Result<T, AugmentError>>,
{
    while let Some(number) = shared.claim() {
        let stop = Stop(&shared.stop);
        // Whatever a panic leaves half done in `work` is not used again.
        let outcome = catch_unwind(AssertUnwindSafe(|| work(number, &stop)));
        match outcome {
            Ok(Some(result)) => shared.finish(number, result),
            Ok(None) => return,
            Err(panic) => {
                let message = message(panic.as_ref());
                shared.finish(
                    number,
                    Err(AugmentError::Worker {
                        batch: number,
                        message,
                    }),
                );
                return;
            }
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

impl<T> Prefetch<T> {
    /// How many results are still to come.
    pub(super) fn remaining(&self) -> usize {
        self.shared.end - self.shared.lock().hand_out
    }
}

impl<T> Iterator for Prefetch<T> {
    type Item = Result<T, AugmentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let shared = &self.shared;
        let mut state = shared.lock();
        let number = state.hand_out;
        if number == shared.end || shared.stop.load(Ordering::Relaxed) {
            return None;
        }
        loop {
            // A claimed number is always finished, so the wait ends.
            if let Some(result) = state.done.remove(&number) {
                state.hand_out += 1;
                drop(state);
                match &result {
                    Ok(_) => shared.room.notify_one(),
                    Err(_) => shared.halt(),
                }
                return Some(result);
            }
            state = shared
                .ready
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> Drop for Prefetch<T> {
    fn drop(&mut self) {
        self.shared.halt();
        for worker in self.workers.drain(..) {
            // `run` catches panics; there is nothing left to report.
            let _ = worker.join();
        }
    }
}
