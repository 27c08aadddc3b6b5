//! Fetching one file over HTTP so that it is either there, whole and checked, or not.
//!
//! Bytes go to `NAME.part`, which is locked meanwhile. What a broken connection leaves
//! is continued by a Range request, at once and, failing that, by the next run. When
//! size and MD5 are right, the file is synced and renamed.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use md5::{Digest, Md5};
use ureq::http::{Response, StatusCode, header};

use super::{DownloadError, Progress, remote::RemoteFile};

/// How to ask servers.
pub(super) struct Http {
    pub(super) agent: ureq::Agent,
    /// Pause before a broken download is continued; doubled while nothing new comes.
    pub(super) pause: Duration,
    /// Attempts in a row that may bring nothing new.
    pub(super) idle_attempts: u32,
}

/// How an attempt ended, if not well.
enum Failure {
    /// Worth another attempt.
    Broken(String),
    /// The server asks for patience: worth another attempt after this long.
    Later(u16, Option<Duration>),
    /// No answer: worth another attempt only where an earlier one got something.
    Unreachable(String),
    Fatal(DownloadError),
}

/// The longest pause before another attempt, whatever the server asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Http {
    /// With timeouts under which a missing network shows within seconds. The body may
    /// take as long as it likes, but must not pause for half a minute.
    pub(super) fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_resolve(Some(Duration::from_secs(10)))
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_recv_response(Some(Duration::from_secs(30)))
            .timeout_per_read(Some(Duration::from_secs(30)))
            // The bytes as they are stored: they are counted and hashed.
            .accept_encoding("identity")
            .user_agent(concat!("sinsim-harness/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .build();
        Self {
            agent: config.into(),
            pause: Duration::from_secs(2),
            idle_attempts: 4,
        }
    }

    /// Brings `remote` to `destination`.
    pub(super) fn fetch(
        &self,
        remote: &RemoteFile,
        destination: &Path,
        progress: &dyn Progress,
    ) -> Result<(), DownloadError> {
        let mut name = destination.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        let io = |operation| {
            let path = path.clone();
            move |source| DownloadError::Io {
                operation,
                path,
                source,
            }
        };
        let options = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .clone();
        let mut part = options
            .open(&path)
            .map_err(io("open the file for the download"))?;
        // Not every file system has locks; where it has none, nothing is lost but this check.
        if let Err(TryLockError::WouldBlock) = part.try_lock() {
            return Err(DownloadError::Busy { path });
        }
        self.fill(remote, &mut part, &io, progress)?;
        let found = md5_of(&mut part).map_err(io("read the downloaded file"))?;
        if found != remote.md5 {
            drop(part);
            fs::remove_file(&path).map_err(io("remove the damaged download"))?;
            let (address, expected) = (remote.address.clone(), remote.md5.clone());
            return Err(DownloadError::Checksum {
                address,
                expected,
                found,
            });
        }
        part.sync_all().map_err(io("write the downloaded file"))?;
        fs::rename(&path, destination).map_err(io("rename the downloaded file"))?;
        sync_folder(destination);
        progress.downloaded(&remote.name, remote.bytes, remote.bytes);
        Ok(())
    }

    /// Attempts until all bytes are there, as long as attempts bring some.
    fn fill<E: FnOnce(io::Error) -> DownloadError>(
        &self,
        remote: &RemoteFile,
        part: &mut File,
        io: &impl Fn(&'static str) -> E,
        progress: &dyn Progress,
    ) -> Result<(), DownloadError> {
        let length = |part: &File| part.metadata().map(|data| data.len());
        let before = length(part).map_err(io("ask for the size of the download"))?;
        let (mut most, mut idle) = (before, 0);
        loop {
            let failure = match self.attempt(remote, part, io, progress) {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            let address = || remote.address.clone();
            let mut asked = None;
            let (reason, status) = match failure {
                Failure::Fatal(error) => return Err(error),
                Failure::Unreachable(reason) if most == before => {
                    let address = address();
                    return Err(DownloadError::Unreachable { address, reason });
                }
                Failure::Broken(reason) | Failure::Unreachable(reason) => (reason, None),
                Failure::Later(status, pause) => {
                    asked = pause;
                    (format!("the server answered {status}"), Some(status))
                }
            };
            let got = length(part).map_err(io("ask for the size of the download"))?;
            idle = if got > most { 0 } else { idle + 1 };
            most = most.max(got);
            if idle >= self.idle_attempts {
                let address = address();
                return Err(match status {
                    Some(status) => DownloadError::Status { address, status },
                    None => DownloadError::Cut {
                        address,
                        got,
                        expected: remote.bytes,
                        reason,
                    },
                });
            }
            let doubled = self
                .pause
                .saturating_mul(1 << idle.saturating_sub(1).min(16));
            let pause = asked.unwrap_or(doubled).min(LONGEST_PAUSE);
            progress.note(&format!(
                "{}: {reason}; again in {:.0} s",
                remote.name,
                pause.as_secs_f64().ceil()
            ));
            std::thread::sleep(pause);
        }
    }

    /// One request, from where the file ends.
    fn attempt<E: FnOnce(io::Error) -> DownloadError>(
        &self,
        remote: &RemoteFile,
        part: &mut File,
        io: &impl Fn(&'static str) -> E,
        progress: &dyn Progress,
    ) -> Result<(), Failure> {
        let local = |operation| {
            let io = io(operation);
            move |error| Failure::Fatal(io(error))
        };
        let mut at = part
            .seek(SeekFrom::End(0))
            .map_err(local("read the unfinished download"))?;
        if at == remote.bytes {
            return Ok(());
        }
        let mut request = self.agent.get(&remote.address);
        if at > 0 {
            request = request.header(header::RANGE, format!("bytes={at}-"));
        }
        let response = request.call();
        let mut response = response.map_err(|error| Failure::Unreachable(error.to_string()))?;
        match response.status() {
            // A server that knows no ranges begins from the beginning.
            StatusCode::OK => {
                if let Some(found) = length_of(&response).filter(|found| *found != remote.bytes) {
                    return Err(other_size(remote, found));
                }
                empty(part).map_err(local("empty the unfinished download"))?;
                at = 0;
            }
            StatusCode::PARTIAL_CONTENT if starts_at(&response, at) => {
                if let Some(found) = whole_of(&response).filter(|found| *found != remote.bytes) {
                    return Err(other_size(remote, found));
                }
            }
            // A range outside of its file.
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                empty(part).map_err(local("empty the unfinished download"))?;
                return Err(Failure::Broken("the server sent another range".to_owned()));
            }
            status if status.is_server_error() || PATIENCE.contains(&status) => {
                return Err(Failure::Later(status.as_u16(), retry_after(&response)));
            }
            status => {
                let (address, status) = (remote.address.clone(), status.as_u16());
                return Err(Failure::Fatal(DownloadError::Status { address, status }));
            }
        }
        let mut body = response.body_mut().as_reader();
        let mut chunk = vec![0; 1 << 16];
        let mut told = at;
        while at < remote.bytes {
            let got = match body.read(&mut chunk) {
                Ok(0) => return Err(Failure::Broken("the server closed it".to_owned())),
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failure::Broken(error.to_string())),
            };
            part.write_all(&chunk[..got])
                .map_err(local("write the download"))?;
            at += got as u64;
            if at - told >= TELL_EVERY {
                told = at;
                progress.downloaded(&remote.name, at, remote.bytes);
            }
        }
        if at == remote.bytes {
            return Ok(());
        }
        // Without a length the server sent more.
        empty(part).map_err(local("empty the unfinished download"))?;
        Err(other_size(remote, at))
    }
}

/// Answers after which it is worth to ask again, besides the server's errors.
const PATIENCE: [StatusCode; 2] = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];

fn other_size(remote: &RemoteFile, found: u64) -> Failure {
    Failure::Fatal(DownloadError::Size {
        address: remote.address.clone(),
        expected: remote.bytes,
        found,
    })
}

/// Bytes between two calls of the progress: some per second on a fast line.
const TELL_EVERY: u64 = 4 << 20;

fn empty(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()
}

/// Whether a partial answer begins where it was asked to.
fn starts_at<T>(response: &Response<T>, at: u64) -> bool {
    let range = text(response, header::CONTENT_RANGE);
    range.is_some_and(|range| range.starts_with(&format!("bytes {at}-")))
}

/// Size of the whole file that a partial answer is of, if it says so.
fn whole_of<T>(response: &Response<T>) -> Option<u64> {
    let (_, whole) = text(response, header::CONTENT_RANGE)?.rsplit_once('/')?;
    whole.parse().ok()
}

/// Bytes that a whole answer will have, if it says so.
fn length_of<T>(response: &Response<T>) -> Option<u64> {
    text(response, header::CONTENT_LENGTH)?.parse().ok()
}

/// How long the server asks to wait, where it says so in seconds.
fn retry_after<T>(response: &Response<T>) -> Option<Duration> {
    let seconds = text(response, header::RETRY_AFTER)?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn text<T>(response: &Response<T>, name: header::HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// MD5 of a whole file, in hexadecimal.
pub(super) fn md5_of(file: &mut File) -> io::Result<String> {
    file.seek(SeekFrom::Start(0))?;
    md5_from(file)
}

/// MD5 of all that can be read, in hexadecimal.
pub(super) fn md5_from(file: &mut impl Read) -> io::Result<String> {
    let mut hash = Md5::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => {
                return Ok(hash
                    .finalize()
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect());
            }
            Ok(got) => hash.update(&chunk[..got]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Makes a rename in the folder of `path` survive a power cut, where the system lets
/// folders be synced (Windows does not).
pub(super) fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent() {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}
