//! What loading tells its caller while it goes on.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// Listens to loading.
pub trait Progress {
    /// Something worth a line: what was found or what is being done.
    fn note(&self, line: &str);

    /// `done` of `total` bytes of `file` have arrived. Called a few times per second at
    /// most, and once at the end with `done == total`.
    fn downloaded(&self, file: &str, done: u64, total: u64);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn note(&self, _line: &str) {}

    fn downloaded(&self, _file: &str, _done: u64, _total: u64) {}
}

/// Lines on stderr; of a download one every five seconds and the last.
#[derive(Debug, Default)]
pub struct Stderr {
    last: Cell<Option<Seen>>,
}

/// How far a download was, and when.
#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Instant,
    done: u64,
}

const LINE_EVERY: Duration = Duration::from_secs(5);

impl Progress for Stderr {
    fn note(&self, line: &str) {
        eprintln!("{line}");
    }

    fn downloaded(&self, file: &str, done: u64, total: u64) {
        let now = Seen {
            at: Instant::now(),
            done,
        };
        let last = self.last.get();
        let due = last.is_none_or(|last| now.at - last.at >= LINE_EVERY);
        if due || done >= total {
            self.last.set((done < total).then_some(now));
            let pace = last.map_or(String::new(), |last| pace(last, now, total));
            let megabytes = |bytes: u64| bytes as f64 / 1e6;
            eprintln!(
                "{file}: {:.1} of {:.1} MB{pace}",
                megabytes(done),
                megabytes(total)
            );
        }
    }
}

/// The speed since `last`, and how long the rest takes at it; nothing where that is nothing.
fn pace(last: Seen, now: Seen, total: u64) -> String {
    let seconds = (now.at - last.at).as_secs_f64();
    let speed = now.done.saturating_sub(last.done) as f64 / seconds;
    let left = total.saturating_sub(now.done) as f64 / speed;
    if !(speed > 0.0 && left.is_finite()) || left == 0.0 {
        return String::new();
    }
    format!(", {:.1} MB/s, {left:.0} s left", speed / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_told_where_there_is_one() {
        let start = Instant::now();
        let seen = |seconds, done| Seen {
            at: start + Duration::from_secs(seconds),
            done,
        };
        let told = |last, now| pace(last, now, 30_000_000);
        let text = told(seen(0, 0), seen(5, 10_000_000));
        assert_eq!(text, ", 2.0 MB/s, 10 s left");
        for (last, now) in [
            (seen(0, 5), seen(0, 5)),
            (seen(0, 5), seen(5, 5)),
            (seen(0, 9), seen(5, 5)),
            (seen(0, 0), seen(5, 30_000_000)),
        ] {
            assert_eq!(told(last, now), "");
        }
    }
}
