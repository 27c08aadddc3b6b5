//! Downloads of whole data sets: archives, several processes, what lies there already.

use std::{collections::HashMap, fs, path::Path, time::Duration};

use flate2::{Compression, write::GzEncoder};

use super::{
    Notes,
    download::{http, remote_file},
    server::{Answer, Server},
    shared_data,
};
use crate::data::{
    DataError, DatasetKind, LoadOptions, Outcome, State, download, download_all, load_from,
    remote::Remote, testing,
};

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
