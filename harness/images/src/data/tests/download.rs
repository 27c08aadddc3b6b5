//! Downloads of one file, from a server that does what servers do.

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use md5::{Digest, Md5};

use super::server::{Answer, Server};
use crate::data::{DownloadError, Silent, download::Http, remote::RemoteFile};

/// Bytes that a cut in the middle of them is noticed in.
fn noise(count: usize) -> Vec<u8> {
    (0..count)
        .map(|i| (i.wrapping_mul(0x9e37_79b9) >> 13) as u8)
        .collect()
}

pub(super) fn remote_file(base: &str, name: &str, content: &[u8]) -> RemoteFile {
    let sum = Md5::digest(content);
    RemoteFile {
        name: name.to_owned(),
        address: format!("{base}/{name}"),
        bytes: content.len() as u64,
        md5: sum.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

pub(super) fn http() -> Http {
    Http {
        pause: Duration::from_millis(5),
        ..Http::new()
    }
}

/// A server with one file, and a folder to fetch it to.
struct Scene {
    server: Server,
    remote: RemoteFile,
    folder: tempfile::TempDir,
    content: Vec<u8>,
}

impl Scene {
    fn new(answers: Vec<Answer>) -> Self {
        let content = noise(300_000);
        let files = HashMap::from([("/f.gz".to_owned(), content.clone())]);
        let server = Server::start(files, answers);
        let remote = remote_file(&server.base, "f.gz", &content);
        Self {
            server,
            remote,
            folder: tempfile::tempdir().unwrap(),
            content,
        }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("f.gz")
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("f.gz.part")
    }

    fn fetch(&self) -> Result<(), DownloadError> {
        http().fetch(&self.remote, &self.target(), &Silent)
    }

    /// The file is there, and nothing else.
    fn assert_whole(&self) {
        assert!(fs::read(self.target()).unwrap() == self.content);
        assert!(!self.part().exists());
    }

    fn ranges(&self) -> Vec<Option<u64>> {
        let from = |range: Option<String>| {
            let range = range?;
            let from = range.strip_prefix("bytes=")?.strip_suffix('-')?;
            Some(from.parse().unwrap())
        };
        self.server.ranges().into_iter().map(from).collect()
    }
}

fn cut(bytes: usize) -> Answer {
    Answer {
        cut: Some(bytes),
        ..Answer::default()
    }
}

fn status(status: u16) -> Answer {
    Answer {
        status: Some(status),
        ..Answer::default()
    }
}

#[test]
fn a_whole_download_is_one_request() {
    let scene = Scene::new(vec![]);
    scene.fetch().unwrap();
    scene.assert_whole();
    assert_eq!(scene.ranges(), [None]);
}

#[test]
fn a_cut_connection_is_continued_where_it_broke() {
    let scene = Scene::new(vec![cut(100_000), cut(50_000), cut(1)]);
    scene.fetch().unwrap();
    scene.assert_whole();
    let ranges = [None, Some(100_000), Some(150_000), Some(150_001)];
    assert_eq!(scene.ranges(), ranges);
}

#[test]
fn a_later_process_continues_what_an_earlier_one_left() {
    let scene = Scene::new(vec![]);
    fs::write(scene.part(), &scene.content[..123_456]).unwrap();
    scene.fetch().unwrap();
    scene.assert_whole();
    assert_eq!(scene.ranges(), [Some(123_456)]);
}

#[test]
fn what_is_there_whole_is_not_asked_for() {
    let scene = Scene::new(vec![]);
    fs::write(scene.part(), &scene.content).unwrap();
    scene.fetch().unwrap();
    scene.assert_whole();
    assert!(scene.ranges().is_empty());
}

#[test]
fn a_server_without_ranges_begins_again() {
    let no_ranges = |cut| Answer {
        no_ranges: true,
        cut,
        ..Answer::default()
    };
    let scene = Scene::new(vec![no_ranges(Some(200_000)), no_ranges(None)]);
    scene.fetch().unwrap();
    scene.assert_whole();
    assert_eq!(scene.ranges(), [None, Some(200_000)]);
}

#[test]
fn a_connection_that_brings_nothing_new_is_given_up_and_what_came_is_kept() {
    let scene = Scene::new([vec![cut(1000)], vec![cut(0); 9]].concat());
    let error = scene.fetch().unwrap_err();
    let DownloadError::Cut { got, expected, .. } = error else {
        panic!("{error}")
    };
    assert_eq!((got, expected), (1000, 300_000));
    assert!(error.is_temporary() && error.to_string().contains("they are kept"));
    assert_eq!(fs::read(scene.part()).unwrap(), scene.content[..1000]);
    assert_eq!(
        scene.ranges().len(),
        5,
        "one that brings something, four idle"
    );
}

#[test]
fn other_bytes_are_refused_and_removed() {
    let mut scene = Scene::new(vec![]);
    scene.remote.md5 = "0".repeat(32);
    let error = scene.fetch().unwrap_err();
    assert!(matches!(error, DownloadError::Checksum { .. }) && !error.is_temporary());
    let text = error.to_string();
    for says in ["MD5 0000", "/f.gz", "removed", "somewhere else"] {
        assert!(text.contains(says), "{says} is not in: {text}");
    }
    assert!(!scene.part().exists() && !scene.target().exists());
}

#[test]
fn a_left_over_beginning_of_something_else_does_not_come_through() {
    let scene = Scene::new(vec![]);
    fs::write(scene.part(), vec![7; 1000]).unwrap();
    let error = scene.fetch().unwrap_err();
    assert!(matches!(error, DownloadError::Checksum { .. }));
    // It is gone, and the next attempt begins from the beginning.
    scene.fetch().unwrap();
    scene.assert_whole();
    assert_eq!(scene.ranges(), [Some(1000), None]);
}

#[test]
fn a_file_that_is_not_there_is_asked_for_once() {
    for code in [404, 403, 400] {
        let scene = Scene::new(vec![status(code)]);
        let error = scene.fetch().unwrap_err();
        assert!(!error.is_temporary());
        assert!(error.to_string().contains(&code.to_string()), "{error}");
        assert_eq!(scene.ranges().len(), 1);
    }
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let later = Answer {
        header: "Retry-After: 1\r\n",
        ..status(503)
    };
    let scene = Scene::new(vec![status(503), status(429), later]);
    let begun = Instant::now();
    scene.fetch().unwrap();
    scene.assert_whole();
    assert_eq!(scene.ranges().len(), 4);
    assert!(begun.elapsed() >= Duration::from_secs(1), "Retry-After");

    let scene = Scene::new(vec![status(503); 9]);
    let error = scene.fetch().unwrap_err();
    assert!(error.is_temporary() && error.to_string().contains("503"));
    assert_eq!(scene.ranges().len(), 4);
}

#[test]
fn a_file_of_another_size_is_refused_before_it_is_fetched() {
    for (published, before) in [(299_999, 0), (300_001, 0), (300_001, 500)] {
        let mut scene = Scene::new(vec![]);
        scene.remote.bytes = published;
        if before > 0 {
            fs::write(scene.part(), &scene.content[..before]).unwrap();
        }
        let error = scene.fetch().unwrap_err();
        assert!(matches!(
            error,
            DownloadError::Size { expected, found: 300_000, .. } if expected == published
        ));
        assert!(!scene.target().exists());
        assert_eq!(scene.ranges().len(), 1);
    }
}

#[test]
fn nobody_at_home_shows_at_once() {
    let mut scene = Scene::new(vec![]);
    // Bound and let go again: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    scene.remote.address = format!("http://{}/f.gz", free.local_addr().unwrap());
    drop(free);
    let begun = Instant::now();
    let error = scene.fetch().unwrap_err();
    assert!(matches!(error, DownloadError::Unreachable { .. }) && error.is_temporary());
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_full_disk_says_what_to_do() {
    let error = DownloadError::Io {
        operation: "write the download",
        path: "f.gz.part".into(),
        source: std::io::ErrorKind::StorageFull.into(),
    };
    let text = error.to_string();
    assert!(
        text.contains("f.gz.part") && text.contains("free some space"),
        "{text}"
    );
    assert!(!error.is_temporary());
}

#[test]
fn a_file_that_another_program_writes_is_left_to_it() {
    let scene = Scene::new(vec![]);
    let part = fs::File::create(scene.part()).unwrap();
    part.lock().unwrap();
    let error = scene.fetch().unwrap_err();
    assert!(matches!(error, DownloadError::Busy { .. }) && error.is_temporary());
    assert!(scene.ranges().is_empty());
}
