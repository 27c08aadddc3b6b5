//! Where the study stands, on stderr: one bar on a terminal, and a line for each cell
//! that ends.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use crate::{
    cell::{Cell, RunResult},
    estimate::Pace,
};

/// How often a plain line is printed while no cell ends.
const PLAIN_EVERY: Duration = Duration::from_secs(300);

/// Where the study stands.
pub struct Overview<'a> {
    jobs: usize,
    total: usize,
    done: usize,
    failed: usize,
    waiting: Vec<&'a Cell>,
    running: Vec<(&'a Cell, Instant)>,
    /// Cells that are waited for, because another process has them.
    held: Vec<&'a Cell>,
    pace: Pace,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl<'a> Overview<'a> {
    /// `total` cells, of which `done` are complete and `waiting` are to be run.
    pub fn new(jobs: usize, total: usize, done: usize, waiting: Vec<&'a Cell>, pace: Pace) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total as u64).with_position(done as u64);
            if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} cells, {msg}") {
                bar.set_style(style);
            }
            bar
        });
        let last_line = Instant::now();
        let failed = 0;
        let (running, held) = (Vec::new(), Vec::new());
        let this = Self {
            jobs,
            total,
            done,
            failed,
            waiting,
            running,
            held,
            pace,
            bar,
            last_line,
        };
        this.say(&format!(
            "{done} of {total} cells are done, {}",
            this.rest()
        ));
        this
    }

    /// A cell is being run.
    pub fn started(&mut self, cell: &'a Cell) {
        self.waiting.retain(|other| other.id != cell.id);
        self.running.push((cell, Instant::now()));
        self.refresh();
    }

    /// A cell is complete.
    pub fn done(&mut self, cell: &'a Cell, seconds: f64, result: &RunResult) {
        self.end(cell);
        self.done += 1;
        self.pace.observe(cell, seconds);
        let percent = |share: f64| 100.0 * share;
        self.say(&format!(
            "done {} in {}: linear {:.2} %, MLP {:.2} %, k-NN {:.2} % ({} of {} cells, {})",
            cell.id,
            HumanDuration(Duration::from_secs_f64(seconds.clamp(0.0, 1e9))),
            percent(result.trained.linear.top1),
            percent(result.trained.mlp.top1),
            percent(result.trained.knn.top1),
            self.done,
            self.total,
            self.rest(),
        ));
    }

    /// A cell failed; the rest goes on.
    pub fn failed(&mut self, cell: &'a Cell, reason: &str) {
        self.end(cell);
        self.failed += 1;
        self.say(&format!("FAILED {}: {reason}", cell.id));
    }

    /// A cell was stopped and can be continued.
    pub fn interrupted(&mut self, cell: &'a Cell) {
        self.end(cell);
        self.say(&format!("stopped {}", cell.id));
    }

    /// Another process has the cell: it is looked at again later.
    pub fn held(&mut self, cell: &'a Cell) {
        if !self.held.iter().any(|other| other.id == cell.id) {
            self.held.push(cell);
            self.say(&format!(
                "{} is being run by another process; its end is waited for",
                cell.id
            ));
        }
    }

    /// Now and then.
    pub fn tick(&mut self) {
        self.refresh();
        if self.bar.is_none() && self.last_line.elapsed() >= PLAIN_EVERY {
            self.last_line = Instant::now();
            let line = format!("{} of {} cells, {}", self.done, self.total, self.message());
            self.say(&line);
        }
    }

    /// A line above the bar.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    fn end(&mut self, cell: &Cell) {
        self.running.retain(|(other, _)| other.id != cell.id);
        self.waiting.retain(|other| other.id != cell.id);
        self.held.retain(|other| other.id != cell.id);
        self.last_line = Instant::now();
        self.refresh();
    }

    fn refresh(&self) {
        if let Some(bar) = &self.bar {
            bar.set_position(self.done as u64);
            bar.set_message(self.message());
        }
    }

    fn message(&self) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        // Writing into a String cannot fail.
        if self.failed > 0 {
            let _ = write!(text, "{} failed, ", self.failed);
        }
        let _ = write!(text, "{}", self.rest());
        if let Some((first, _)) = self.running.first() {
            let _ = write!(text, ", running {}", first.id);
        }
        if self.running.len() > 1 {
            let _ = write!(text, " and {} more", self.running.len() - 1);
        }
        text
    }

    fn rest(&self) -> String {
        if self.waiting.is_empty() && self.running.is_empty() {
            return "nothing left to run".to_owned();
        }
        let running = self
            .running
            .iter()
            .map(|(cell, since)| (*cell, since.elapsed().as_secs_f64()));
        let left = self
            .pace
            .left(self.waiting.iter().copied(), running, self.jobs);
        format!("about {} left", HumanDuration(left))
    }
}

impl Drop for Overview<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
