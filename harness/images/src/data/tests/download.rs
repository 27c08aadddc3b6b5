//! Downloads from a server that does what servers do.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use md5::{Digest, Md5};

use super::{
    Notes,
    server::{Answer, Server},
    shared_data,
};
use crate::data::{
    DataError, DatasetKind, DownloadError, LoadOptions, Outcome, Silent, State, download,
    download::Http,
    download_all, load_from,
    remote::{Remote, RemoteFile},
    testing,
};

/// Bytes that a cut in the middle of them is noticed in.
fn noise(count: usize) -> Vec<u8> {
    (0..count)
        .map(|i| (i.wrapping_mul(0x9e37_79b9) >> 13) as u8)
        .collect()
}

fn remote_file(base: &str, name: &str, content: &[u8]) -> RemoteFile {
    let sum = Md5::digest(content);
    RemoteFile {
        name: name.to_owned(),
        address: format!("{base}/{name}"),
        bytes: content.len() as u64,
        md5: sum.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn http() -> Http {
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

/// CIFAR-10's archive with tiny files in it, on a server.
fn archive() -> (Vec<u8>, tempfile::TempDir) {
    let temp = tempfile::tempdir().unwrap();
    let gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    testing::write_tiny_cifar10(temp.path()).unwrap();
    let folder = temp.path().join("cifar10");
    for batch in 2..=5 {
        let to = folder.join(format!("data_batch_{batch}.bin"));
        fs::copy(folder.join("data_batch_1.bin"), to).unwrap();
    }
    tar.append_dir_all("cifar-10-batches-bin", folder).unwrap();
    (tar.into_inner().unwrap().finish().unwrap(), temp)
}

const ARCHIVE: &str = "cifar-10-binary.tar.gz";

fn cifar(answers: Vec<Answer>) -> (Server, Remote) {
    let (content, _) = archive();
    let server = Server::start(
        HashMap::from([(format!("/{ARCHIVE}"), content.clone())]),
        answers,
    );
    let remote = Remote {
        http: http(),
        files: vec![remote_file(&server.base, ARCHIVE, &content)],
    };
    (server, remote)
}

fn load_cifar(root: &Path, remote: &Remote, notes: &Notes) -> Result<usize, DataError> {
    let options = LoadOptions {
        root: Some(root.to_owned()),
        ..LoadOptions::default()
    };
    let data = load_from(DatasetKind::Cifar10, &options, remote, notes)?;
    Ok(data.train.images.len())
}

#[test]
fn of_two_at_once_one_downloads_and_both_have_it() {
    let slow = Answer {
        wait: Duration::from_millis(400),
        ..Answer::default()
    };
    let (server, remote) = cifar(vec![slow]);
    let temp = tempfile::tempdir().unwrap();
    let found = std::thread::scope(|scope| {
        let one = || {
            let notes = Notes::default();
            let images = load_cifar(temp.path(), &remote, &notes).unwrap();
            (images, notes.0.into_inner())
        };
        let threads = [scope.spawn(one), scope.spawn(one)];
        threads.map(|thread| thread.join().unwrap())
    });
    assert_eq!(server.asked().len(), 1, "{found:?}");
    let waited = |notes: &[String]| notes.iter().any(|line| line.contains("waiting for it"));
    assert!(waited(&found[0].1) != waited(&found[1].1), "{found:?}");
    assert!(
        found
            .iter()
            .all(|(images, _)| *images == 5 * testing::TRAIN)
    );
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

#[test]
fn a_part_of_a_set_is_never_mixed_with_the_official_one() {
    let temp = tempfile::tempdir().unwrap();
    testing::write_tiny_cifar10(temp.path()).unwrap();
    let notes = Notes::default();
    let kinds = [DatasetKind::Cifar10, DatasetKind::Synthetic];
    let downloads = download_all(&kinds, temp.path(), Some("http://127.0.0.1:9"), &notes);
    assert_eq!(downloads.exit_code(), 1);
    let [cifar, synthetic] = &downloads.datasets[..] else {
        panic!("{downloads:?}")
    };
    assert!(matches!(synthetic.outcome, Outcome::Present { .. }));
    let Outcome::Failed { error, temporary } = &cifar.outcome else {
        panic!("{cifar:?}")
    };
    assert!(!temporary);
    for says in [
        "12 of 50000 training images",
        "4 of 10000 test images",
        "Move it away",
    ] {
        assert!(error.contains(says), "{says} is not in: {error}");
    }
}

#[test]
fn without_a_network_a_script_may_try_again() {
    let temp = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let notes = Notes::default();
    let kinds = [DatasetKind::Mnist];
    let downloads = download_all(&kinds, temp.path(), Some(&nobody), &notes);
    assert_eq!(downloads.exit_code(), 75, "{downloads:?}");
    let json = serde_json::to_value(&downloads).unwrap();
    assert_eq!(json["datasets"][0]["outcome"], "failed");
    assert_eq!(json["datasets"][0]["temporary"], true);
}

/// The whole way with the real files: from a mirror, with published sums, then found.
#[test]
fn real_digits_come_from_a_mirror_and_are_checked() {
    let Some(shared) = shared_data() else { return };
    let mut files = HashMap::new();
    for entry in fs::read_dir(shared.join("mnist")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        files.insert(format!("/m/{name}"), fs::read(entry.path()).unwrap());
    }
    let server = Server::start(files, vec![]);
    let temp = tempfile::tempdir().unwrap();
    let from = format!("{}/m/", server.base);
    let get = |notes: &Notes| download(DatasetKind::Mnist, temp.path(), Some(&from), notes);

    let outcome = get(&Notes::default()).unwrap();
    let Outcome::Fetched { found } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(found.state, State::Complete);
    assert_eq!(server.asked().len(), 4);
    // The next time it is checked, and nothing is fetched.
    assert!(matches!(
        get(&Notes::default()),
        Ok(Outcome::Present { .. })
    ));
    // One file is gone: that one alone is fetched.
    fs::remove_file(temp.path().join("mnist/t10k-labels-idx1-ubyte.gz")).unwrap();
    assert!(matches!(
        get(&Notes::default()),
        Ok(Outcome::Fetched { .. })
    ));
    let asked = server.asked();
    assert_eq!(asked.len(), 5);
    assert_eq!(asked[4].0, "/m/t10k-labels-idx1-ubyte.gz");
    // A byte is damaged: it is said, and nothing is overwritten.
    let labels = temp.path().join("mnist/t10k-labels-idx1-ubyte.gz");
    let mut bytes = fs::read(&labels).unwrap();
    bytes[2000] ^= 4;
    fs::write(&labels, &bytes).unwrap();
    let text = get(&Notes::default()).unwrap_err().to_string();
    assert!(
        text.contains("t10k-labels") && text.contains("Move it away"),
        "{text}"
    );
    assert_eq!(server.asked().len(), 5);
}
