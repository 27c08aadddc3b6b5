//! Runs the open cells of a grid, several at a time, whatever happens to one of them.
//!
//! Workers take cells from a queue and run them; this thread alone writes the ledger
//! and speaks to the user.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    cell::{Cell, RunResult},
    error::StudyError,
    folder::StudyDir,
    ledger::{Event, Writer},
    overview::Overview,
    room,
    runner::{Ended, Failure, Job, Runner, Stop},
};

/// How often the user hears of what goes on.
const TICK: Duration = Duration::from_millis(500);

/// What is needed to run cells.
pub struct Crew<'a> {
    /// The study.
    pub dir: &'a StudyDir,
    /// What runs a cell.
    pub runner: &'a dyn Runner,
    /// The wish to stop.
    pub stop: &'a Stop,
    /// Cells at once.
    pub jobs: usize,
    /// Threads for each.
    pub threads: usize,
    /// Bytes on the disk below which a failure is one of the disk: the study stops.
    pub least_room: u64,
    /// Time after which a cell that another process held is looked at again.
    pub held: Duration,
    /// Time between two calls of what is done now and then.
    pub every: Duration,
}

/// What the workers say.
enum Word<'a> {
    Started(&'a Cell),
    Ended(&'a Cell, f64, Outcome),
    /// The study's own files fail: it cannot go on.
    Broken(StudyError),
    Held(&'a Cell),
}

enum Outcome {
    Done(Box<RunResult>),
    Interrupted,
    Failed(String),
    /// Failed for want of room on the disk.
    NoRoom {
        left: u64,
        reason: String,
    },
}

/// Cells to be run, each with the time before which it is left alone.
type Queue<'a> = Mutex<VecDeque<(&'a Cell, Instant)>>;

impl<'a> Crew<'a> {
    /// Runs `cells` until all have ended or stopping is requested. `now_and_then` is
    /// called while something new is there to report.
    pub fn run(
        &self,
        cells: &[&'a Cell],
        writer: &mut Writer,
        overview: &mut Overview<'a>,
        now_and_then: &mut dyn FnMut() -> Result<(), StudyError>,
    ) -> Result<(), StudyError> {
        let now = Instant::now();
        let queue: Queue<'a> = Mutex::new(cells.iter().map(|&cell| (cell, now)).collect());
        let (sender, words) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..self.jobs.clamp(1, cells.len().max(1)) {
                let (sender, queue) = (sender.clone(), &queue);
                scope.spawn(move || self.work(queue, &sender));
            }
            drop(sender);
            let mut result = Ok(());
            let mut reported = Instant::now();
            let mut news = false;
            loop {
                let step = match words.recv_timeout(TICK) {
                    Ok(word) => {
                        news |= matches!(word, Word::Ended(..));
                        self.hear(word, writer, overview)
                    }
                    Err(RecvTimeoutError::Timeout) => Ok(()),
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                overview.tick();
                // When something is wrong with the study itself, the cells are asked to
                // save, and waited for; the first trouble is the one to report.
                if let Err(error) = step
                    && result.is_ok()
                {
                    self.stop.request();
                    result = Err(error);
                }
                if news && reported.elapsed() >= self.every && !self.stop.is_requested() {
                    if let Err(error) = now_and_then() {
                        overview.say(&format!("warning: {error}"));
                    }
                    reported = Instant::now();
                    news = false;
                }
            }
            result
        })
    }

    /// One worker: a cell after the other.
    fn work(&self, queue: &Queue<'a>, words: &Sender<Word<'a>>) {
        while !self.stop.is_requested() {
            let next = {
                let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                if queue.is_empty() {
                    return;
                }
                let now = Instant::now();
                let place = queue.iter().position(|&(_, from)| from <= now);
                place.and_then(|place| queue.remove(place))
            };
            let Some((cell, _)) = next else {
                thread::sleep(TICK.min(self.held));
                continue;
            };
            if let Some(word) = self.cell(cell, words) {
                if matches!(word, Word::Held(_)) {
                    let again = (cell, Instant::now() + self.held);
                    queue
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push_back(again);
                }
                if words.send(word).is_err() {
                    return;
                }
            }
        }
    }

    /// One cell from beginning to end.
    fn cell(&self, cell: &'a Cell, words: &Sender<Word<'a>>) -> Option<Word<'a>> {
        let start = Instant::now();
        // A process that outlived its study may have ended it, or be still at it.
        if let Ok(Some(result)) = self.dir.result(cell) {
            self.dir.tidy(cell);
            return Some(Word::Ended(cell, 0.0, Outcome::Done(Box::new(result))));
        }
        if self.dir.is_held(cell) {
            return Some(Word::Held(cell));
        }
        let folder = match self.dir.begin(cell) {
            Ok(folder) => folder,
            Err(error) => return Some(Word::Broken(error)),
        };
        words.send(Word::Started(cell)).ok()?;
        let resume = self.dir.is_begun(cell);
        let job = Job {
            cell,
            folder: &folder,
            resume,
            threads: self.threads,
        };
        let ended = self.runner.run(&job, self.stop);
        let outcome = match (self.dir.result(cell), ended) {
            (Ok(Some(result)), _) => {
                self.dir.tidy(cell);
                Outcome::Done(Box::new(result))
            }
            (_, Err(failure)) => self.failed(failure.to_string()),
            (_, Ok(Ended::Interrupted)) => Outcome::Interrupted,
            (Ok(None), Ok(Ended::Complete)) => {
                Outcome::Failed(Failure::NoResult("there is no result.json".to_owned()).to_string())
            }
            (Err(why), Ok(Ended::Complete)) => Outcome::Failed(Failure::NoResult(why).to_string()),
        };
        Some(Word::Ended(cell, start.elapsed().as_secs_f64(), outcome))
    }

    /// A failure is the cell's own if there is room on the disk.
    fn failed(&self, reason: String) -> Outcome {
        match room::left(self.dir.path()) {
            Some(left) if left < self.least_room => {
                // At once, before a worker takes the next cell.
                self.stop.request();
                Outcome::NoRoom { left, reason }
            }
            _ => Outcome::Failed(reason),
        }
    }

    /// Writes down what a worker said, and passes it on.
    fn hear(
        &self,
        word: Word<'a>,
        writer: &mut Writer,
        overview: &mut Overview<'a>,
    ) -> Result<(), StudyError> {
        match word {
            Word::Started(cell) => {
                overview.started(cell);
                writer.record(&Event::Started {
                    cell: cell.id.clone(),
                })
            }
            Word::Ended(cell, seconds, outcome) => {
                let id = cell.id.clone();
                writer.record(&match outcome {
                    Outcome::Done(result) => {
                        overview.done(cell, seconds, &result);
                        Event::Done { cell: id, seconds }
                    }
                    Outcome::Interrupted => {
                        overview.interrupted(cell);
                        Event::Interrupted { cell: id, seconds }
                    }
                    Outcome::Failed(reason) => {
                        overview.failed(cell, &reason);
                        Event::Failed {
                            cell: id,
                            seconds,
                            reason,
                        }
                    }
                    Outcome::NoRoom { left, reason } => {
                        overview.interrupted(cell);
                        // The cell stays open even if there is no room for this line.
                        let cell = id.clone();
                        let _ = writer.record(&Event::Interrupted { cell, seconds });
                        return Err(StudyError::DiskFull {
                            path: self.dir.path().to_owned(),
                            left,
                            cell: id,
                            reason,
                        });
                    }
                })
            }
            Word::Held(cell) => {
                overview.held(cell);
                Ok(())
            }
            Word::Broken(error) => Err(error),
        }
    }
}
