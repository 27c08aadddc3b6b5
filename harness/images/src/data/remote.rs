//! The official addresses.
//!
//! MNIST is fetched file by file from the mirror that PyTorch's maintainers keep,
//! because the original site refuses programs; the others are archives on their
//! authors' sites. Size and MD5 are the published ones. MD5 guards against damage on
//! the way, not against an adversary.

use super::{DatasetKind, download::Http};

/// A file on a server.
#[derive(Clone, Debug)]
pub(super) struct RemoteFile {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) bytes: u64,
    /// In hexadecimal.
    pub(super) md5: String,
}

/// Where a data set can be fetched from.
pub(super) struct Remote {
    pub(super) http: Http,
    pub(super) files: Vec<RemoteFile>,
}

/// (folder on the server, name, size, MD5)
type Entry = (&'static str, &'static str, u64, &'static str);

const MNIST_MIRROR: &str = "https://ossci-datasets.s3.amazonaws.com/mnist/";
const MNIST: [Entry; 4] = [
    (
        MNIST_MIRROR,
        "train-images-idx3-ubyte.gz",
        9_912_422,
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    ),
    (
        MNIST_MIRROR,
        "train-labels-idx1-ubyte.gz",
        28_881,
        "d53e105ee54ea40749a09fcbcd1e9432",
    ),
    (
        MNIST_MIRROR,
        "t10k-images-idx3-ubyte.gz",
        1_648_877,
        "9fb629c4189551a2d022fa330f9573f3",
    ),
    (
        MNIST_MIRROR,
        "t10k-labels-idx1-ubyte.gz",
        4_542,
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
];

const CIFAR_HOME: &str = "https://www.cs.toronto.edu/~kriz/";
const CIFAR10: [Entry; 1] = [(
    CIFAR_HOME,
    "cifar-10-binary.tar.gz",
    170_052_171,
    "c32a1d4ab5d03f1284b67883e8d87530",
)];
const CIFAR100: [Entry; 1] = [(
    CIFAR_HOME,
    "cifar-100-binary.tar.gz",
    168_513_733,
    "03b5dce01913d631647c71ecec9e9cb8",
)];

const STL10: [Entry; 1] = [(
    "http://ai.stanford.edu/~acoates/stl10/",
    "stl10_binary.tar.gz",
    2_640_397_119,
    "91f7769df0f17e558f3565bffb0c7dfb",
)];

impl Remote {
    /// The official addresses of a data set.
    pub(super) fn official(kind: DatasetKind) -> Self {
        let entries: &[Entry] = match kind {
            DatasetKind::Synthetic => &[],
            DatasetKind::Mnist => &MNIST,
            DatasetKind::Cifar10 => &CIFAR10,
            DatasetKind::Cifar100 => &CIFAR100,
            DatasetKind::Stl10 => &STL10,
        };
        let files = entries.iter().map(|&(base, name, bytes, md5)| RemoteFile {
            name: name.to_owned(),
            address: format!("{base}{name}"),
            bytes,
            md5: md5.to_owned(),
        });
        Self {
            http: Http::new(),
            files: files.collect(),
        }
    }

    /// The same files from a mirror: `base` and the file's name, whatever the folders of
    /// the official addresses are.
    pub(super) fn mirrored(kind: DatasetKind, base: &str) -> Self {
        let mut remote = Self::official(kind);
        for file in &mut remote.files {
            file.address = format!("{}/{}", base.trim_end_matches('/'), file.name);
        }
        remote
    }

    pub(super) fn addresses(&self) -> Vec<String> {
        self.files.iter().map(|file| file.address.clone()).collect()
    }
}
