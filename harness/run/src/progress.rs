//! Progress on stderr: a bar with an estimate on a terminal, a plain line now and
//! then where stderr goes to a file.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// How often a plain line is printed.
const PLAIN_EVERY: Duration = Duration::from_secs(15);

/// Progress of one piece of work with a known length.
pub struct Progress {
    what: String,
    total: u64,
    start: Instant,
    /// Work done before `start`, by an earlier go: it does not count for the pace.
    head_start: u64,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Progress {
    /// Starts at `done` of `total`.
    pub fn new(what: impl Into<String>, done: u64, total: u64) -> Self {
        let what = what.into();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total)
                .with_prefix(what.clone())
                .with_position(done);
            let template = "{prefix:>12} {wide_bar} {pos}/{len} eta {eta} {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.reset_eta();
            bar
        });
        let now = Instant::now();
        if bar.is_none() {
            eprintln!("{what}: {done} of {total}");
        }
        Self {
            what,
            total,
            start: now,
            head_start: done,
            bar,
            last_line: now,
        }
    }

    /// Says how far it is, with a short message.
    pub fn set(&mut self, done: u64, message: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(message());
        } else if self.last_line.elapsed() >= PLAIN_EVERY {
            self.last_line = Instant::now();
            let (what, total) = (&self.what, self.total);
            let left = HumanDuration(self.left(done));
            eprintln!("{what}: {done} of {total}, {left:#} left, {}", message());
        }
    }

    /// A line above the bar.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    fn left(&self, done: u64) -> Duration {
        let here = done.saturating_sub(self.head_start).max(1) as f64;
        let rest = self.total.saturating_sub(done) as f64;
        Duration::from_secs_f64((self.start.elapsed().as_secs_f64() * rest / here).min(1e9))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
