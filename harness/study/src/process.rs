//! A cell as a process: `harness train`, in a process group of its own, so that a
//! Ctrl-C on the terminal reaches the study alone, which then asks each process to
//! save and waits for it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::runner::{Ended, Failure, Job, Runner, Stop};

/// How often a process is looked at.
const POLL: Duration = Duration::from_millis(50);
/// Lines of a failed process that are kept in the ledger; its log has all.
const TAIL_LINES: usize = 5;
/// And so many bytes at most.
const TAIL_BYTES: u64 = 1500;

/// Runs `PROGRAM train ...`.
#[derive(Clone, Debug)]
pub struct ProcessRunner {
    /// The program.
    pub program: PathBuf,
    /// Arguments that are the machine's, not the experiment's: data folder, backend.
    pub machine_args: Vec<String>,
    /// Longest time for a cell.
    pub timeout: Option<Duration>,
    /// Time to save in, before a process that was asked to stop is killed.
    pub grace: Duration,
}

impl ProcessRunner {
    /// Without a time limit, and a minute to save in: many times what one step and a
    /// checkpoint take. A probe is not interrupted, and is made again after a kill.
    pub fn new(program: PathBuf, machine_args: Vec<String>) -> Self {
        Self {
            program,
            machine_args,
            timeout: None,
            grace: Duration::from_secs(60),
        }
    }

    fn command(&self, job: &Job<'_>, log: File) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("train");
        if job.resume {
            // The rest is in its config.toml.
            command.arg("--resume");
        } else {
            command.args(job.cell.train_args());
        }
        command
            .args(&self.machine_args)
            .arg("--out")
            .arg(job.folder)
            .args(["--threads", &job.threads.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        own_group(&mut command);
        command
    }
}

impl Runner for ProcessRunner {
    fn run(&self, job: &Job<'_>, stop: &Stop) -> Result<Ended, Failure> {
        let watch = |operation| move |source| Failure::Watch { operation, source };
        let path = job.folder.join("log.txt");
        let (log, begin) = open_log(&path).map_err(watch("write log.txt"))?;
        let mut child = self
            .command(job, log)
            .spawn()
            .map_err(|source| Failure::Start {
                program: self.program.display().to_string(),
                source,
            })?;
        let tail = || tail(&path, begin);
        let (status, asked) = supervise(&mut child, stop, self.timeout, self.grace)
            .map_err(watch("watch the process"))?;
        match (status.code(), signal_of(status)) {
            _ if asked == Some(Asked::Late) => {
                let after = self.timeout.unwrap_or_default();
                Err(Failure::TimedOut {
                    after,
                    tail: tail(),
                })
            }
            (Some(0), _) => Ok(Ended::Complete),
            // How `harness train` says that it saved and stopped.
            (Some(130 | 143), _) => Ok(Ended::Interrupted),
            (Some(code), _) => Err(Failure::Exit { code, tail: tail() }),
            _ if asked.is_some() => Ok(Ended::Interrupted),
            (None, signal) => Err(Failure::Killed {
                signal,
                tail: tail(),
            }),
        }
    }
}

/// Why a process was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The user, or the study, wishes so.
    Stop,
    /// Its time is over.
    Late,
}

/// Waits for a process to end, asking it to stop when it should, and killing it when
/// it does not.
pub(crate) fn supervise(
    child: &mut Child,
    stop: &Stop,
    timeout: Option<Duration>,
    grace: Duration,
) -> io::Result<(ExitStatus, Option<Asked>)> {
    let start = Instant::now();
    let mut asked: Option<(Asked, Instant)> = None;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status, asked.map(|(why, _)| why)));
        }
        let why = if stop.is_requested() {
            Some(Asked::Stop)
        } else {
            timeout
                .filter(|&limit| start.elapsed() >= limit)
                .map(|_| Asked::Late)
        };
        match (asked, why) {
            (None, Some(why)) => {
                asked = Some((why, Instant::now()));
                ask_to_stop(child);
            }
            (Some((_, since)), _) if since.elapsed() >= grace => kill(child),
            _ => {}
        }
        std::thread::sleep(POLL);
    }
}

/// The program that runs at the moment, for children of it. On Linux it is named by
/// the process, so that children are the same program even if its file is replaced by
/// a newer build during the night.
pub fn this_program() -> io::Result<PathBuf> {
    let own = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
    if cfg!(target_os = "linux") && own.exists() {
        Ok(own)
    } else {
        std::env::current_exe()
    }
}

/// Opens a log to be continued; gives the place where the new part begins.
fn open_log(path: &Path) -> io::Result<(File, u64)> {
    let mut log = OpenOptions::new().append(true).create(true).open(path)?;
    let begin = log.seek(SeekFrom::End(0))?;
    log.flush()?;
    Ok((log, begin))
}

/// The last lines of a log after `begin`; nothing if it cannot be read.
pub(crate) fn tail(path: &Path, begin: u64) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let end = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(begin.max(end.saturating_sub(TAIL_BYTES))))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(unix)]
pub(crate) fn own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
    std::os::unix::process::CommandExt::arg0(command, "harness");
}

#[cfg(unix)]
fn signal_of(status: ExitStatus) -> i32 {
    std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0)
}

/// The group of a child that has not been waited for: its number is not reused.
#[cfg(unix)]
fn send(child: &Child, signal: rustix::process::Signal) {
    let group = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // A group that is gone has ended, which is what was wanted.
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

#[cfg(unix)]
fn ask_to_stop(child: &mut Child) {
    send(child, rustix::process::Signal::TERM);
}

#[cfg(unix)]
fn kill(child: &mut Child) {
    send(child, rustix::process::Signal::KILL);
}

#[cfg(not(unix))]
pub(crate) fn own_group(_: &mut Command) {}

#[cfg(not(unix))]
fn signal_of(_: ExitStatus) -> i32 {
    0
}

/// There is no way to ask: what was saved at the last checkpoint is what stays.
#[cfg(not(unix))]
fn ask_to_stop(child: &mut Child) {
    kill(child);
}

#[cfg(not(unix))]
fn kill(child: &mut Child) {
    let _ = child.kill();
}
