//! Which folder below the data root holds a data set, and which files a set needs.
//!
//! Looked at in this order, for `mnist` below `ROOT`: `ROOT/mnist`, the folder that the
//! official archive (or torchvision) makes, in there and directly below `ROOT`, and
//! `ROOT` itself. The first that holds every needed file, plain or `.gz`, is taken;
//! folders are not mixed.

use std::path::{Path, PathBuf};

use super::DatasetKind;

/// CIFAR-10's training batches; one suffices.
pub(super) const CIFAR10_TRAIN: [&str; 5] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
];

/// A folder that holds a data set.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The file `name` or, where only that is there, `name.gz`.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        let plain = self.0.join(name);
        let packed = self.0.join(format!("{name}.gz"));
        if !plain.is_file() && packed.is_file() {
            packed
        } else {
            plain
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.file(name).is_file()
    }

    /// Needed files that are not there.
    fn missing(&self, kind: DatasetKind) -> Vec<&'static str> {
        let groups = needed(kind).into_iter();
        let missing = groups.filter(|group| !group.iter().any(|name| self.has(name)));
        missing.flatten().copied().collect()
    }
}

/// Where a data set is, or what is missing of it.
pub(super) enum Found {
    /// Complete.
    Whole(Folder),
    /// The folder with the fewest missing files, and these.
    Part(Folder, Vec<&'static str>),
}

/// Looks for a data set below `root`.
pub(super) fn find(kind: DatasetKind, root: &Path) -> Found {
    let mut best = (Folder(home(kind, root)), Vec::new());
    for (i, path) in candidates(kind, root).into_iter().enumerate() {
        let folder = Folder(path);
        let missing = folder.missing(kind);
        if missing.is_empty() {
            return Found::Whole(folder);
        }
        if i == 0 || missing.len() < best.1.len() {
            best = (folder, missing);
        }
    }
    Found::Part(best.0, best.1)
}

/// The folder of a data set below the root; downloads go there.
pub(super) fn home(kind: DatasetKind, root: &Path) -> PathBuf {
    root.join(kind.name())
}

/// The folder inside the official archive.
pub(super) fn archive_folder(kind: DatasetKind) -> &'static str {
    match kind {
        DatasetKind::Synthetic => "",
        DatasetKind::Mnist => "raw",
        DatasetKind::Cifar10 => "cifar-10-batches-bin",
        DatasetKind::Cifar100 => "cifar-100-binary",
        DatasetKind::Stl10 => "stl10_binary",
    }
}

fn candidates(kind: DatasetKind, root: &Path) -> Vec<PathBuf> {
    let (home, inner) = (home(kind, root), archive_folder(kind));
    let mut folders = vec![home.clone(), home.join(inner), root.join(inner)];
    if kind == DatasetKind::Mnist {
        folders.push(root.join("MNIST").join(inner));
    }
    folders.push(root.to_owned());
    folders
}

/// The needed files: of every group one.
fn needed(kind: DatasetKind) -> Vec<&'static [&'static str]> {
    match kind {
        DatasetKind::Synthetic => vec![],
        DatasetKind::Mnist => vec![
            &["train-images-idx3-ubyte"],
            &["train-labels-idx1-ubyte"],
            &["t10k-images-idx3-ubyte"],
            &["t10k-labels-idx1-ubyte"],
        ],
        DatasetKind::Cifar10 => vec![&CIFAR10_TRAIN, &["test_batch.bin"]],
        DatasetKind::Cifar100 => vec![&["train.bin"], &["test.bin"]],
        DatasetKind::Stl10 => {
            vec![
                &["train_X.bin"],
                &["train_y.bin"],
                &["test_X.bin"],
                &["test_y.bin"],
            ]
        }
    }
}

/// The files of the official archive that are unpacked.
pub(super) fn members(kind: DatasetKind) -> Vec<&'static str> {
    let mut members: Vec<_> = needed(kind).into_iter().flatten().copied().collect();
    if kind == DatasetKind::Stl10 {
        members.push("unlabeled_X.bin");
    }
    members
}
