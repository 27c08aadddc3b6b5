//! Order, bounds, failures and the end of the threads.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::augment::{
    AugmentError,
    prefetch::{Prefetch, Stop},
};

/// What every worker does here, given a number.
type Work = fn(usize) -> Result<usize, AugmentError>;

fn prefetch(end: usize, threads: usize, ahead: usize, work: Work) -> Prefetch<usize> {
    let worker = || move |number, _: &Stop<'_>| Some(work(number));
    Prefetch::start(0..end, threads, ahead, worker).unwrap()
}

#[test]
fn results_come_in_order_whatever_they_take() {
    let uneven: Work = |number| {
        // Early numbers take longer, so that later ones are finished before.
        std::thread::sleep(std::time::Duration::from_micros(300 * (number as u64 % 4)));
        Ok(number * number)
    };
    for threads in [1, 2, 5, 40] {
        let got: Vec<usize> = prefetch(33, threads, 4, uneven)
            .map(Result::unwrap)
            .collect();
        assert!(
            got.into_iter().eq((0..33).map(|n| n * n)),
            "{threads} threads"
        );
    }
}

#[test]
fn nothing_to_do_ends_at_once() {
    assert!(prefetch(0, 3, 1, Ok).next().is_none());
    let worker = || |_: usize, _: &Stop<'_>| -> Option<Result<(), _>> { None };
    #[expect(clippy::reversed_empty_ranges, reason = "the case under test")]
    let backwards = 5..3;
    assert!(
        Prefetch::start(backwards, 1, 1, worker)
            .unwrap()
            .next()
            .is_none()
    );
}

#[test]
fn no_more_is_made_ahead_than_asked() {
    let started = Arc::new(AtomicUsize::new(0));
    let worker = || {
        let started = Arc::clone(&started);
        move |number: usize, _: &Stop<'_>| {
            started.fetch_add(1, Ordering::SeqCst);
            Some(Ok(number))
        }
    };
    let mut results = Prefetch::start(0..50, 4, 3, worker).unwrap();
    for handed_out in 1..=50 {
        results.next().unwrap().unwrap();
        // Time to run away, if the bound did not hold.
        std::thread::sleep(std::time::Duration::from_micros(200));
        assert!(started.load(Ordering::SeqCst) <= handed_out + 3);
        assert_eq!(results.remaining(), 50 - handed_out);
    }
    assert!(results.next().is_none());
}

#[test]
fn an_error_arrives_in_its_place_and_ends_it() {
    let work: Work = |n| {
        if n == 4 {
            Err(AugmentError::Channels { got: 4 })
        } else {
            Ok(n)
        }
    };
    for threads in [1, 3] {
        let mut results = prefetch(100, threads, 5, work);
        for n in 0..4 {
            assert_eq!(results.next().unwrap().unwrap(), n);
        }
        assert!(matches!(
            results.next(),
            Some(Err(AugmentError::Channels { got: 4 }))
        ));
        assert!(results.next().is_none());
        assert!(results.next().is_none());
    }
}

#[test]
fn a_panic_is_an_error_with_its_message() {
    // Also where it kills the only worker, and before anything was handed out.
    let work: Work = |n| {
        if n == 0 {
            panic!("number {n} is broken")
        } else {
            Ok(n)
        }
    };
    for threads in [1, 3] {
        let mut results = prefetch(10, threads, 2, work);
        let error = results.next().unwrap().unwrap_err();
        assert!(matches!(&error, AugmentError::Worker { batch: 0, .. }));
        assert!(error.to_string().contains("number 0 is broken"), "{error}");
        assert!(results.next().is_none());
    }
}

#[test]
fn dropping_stops_and_joins_every_thread() {
    let owned = Arc::new(());
    for consumed in [0, 1, 7] {
        let worker = || {
            let owned = Arc::clone(&owned);
            move |number: usize, _: &Stop<'_>| {
                let _used = &owned;
                Some(Ok(number))
            }
        };
        // Workers wait for room, or are at work, when the consumer goes.
        let results = Prefetch::start(0..1_000_000, 3, 4, worker).unwrap();
        let mut results = results.skip(consumed);
        results.next().unwrap().unwrap();
        drop(results);
        assert_eq!(Arc::strong_count(&owned), 1, "a thread is still alive");
    }
}

#[test]
fn long_work_hears_of_the_end() {
    // Without the request this would never return.
    let endless = || {
        |number: usize, stop: &Stop<'_>| {
            while number > 0 && !stop.requested() {
                std::thread::yield_now();
            }
            if stop.requested() {
                None
            } else {
                Some(Ok(number))
            }
        }
    };
    let mut results = Prefetch::start(0..9, 2, 3, endless).unwrap();
    assert_eq!(results.next().unwrap().unwrap(), 0);
    drop(results);
}
