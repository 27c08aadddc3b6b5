//! Data sets: bytes on disk or from a seed, as images and labels in memory.
//!
//! [`load`] looks for a set below a root folder ([`LoadOptions::root`]), downloads what
//! is missing from the official address unless that is forbidden, and checks all it
//! reads: sizes, headers, label ranges, gzip checksums. Of labels, those of the images
//! that a limit leaves are looked at. The folder of a set is named like
//! [`DatasetKind::name`]; in it lie the official files, plain or with `.gz` added:
//!
//! | set | files |
//! |---|---|
//! | `mnist` | `{train,t10k}-{images-idx3,labels-idx1}-ubyte` |
//! | `cifar10` | `data_batch_1.bin` to `_5.bin` (those that are there, at least one), `test_batch.bin` |
//! | `cifar100` | `train.bin`, `test.bin` |
//! | `stl10` | `{train,test}_{X,y}.bin`, and `unlabeled_X.bin` if there |
//!
//! Any whole number of records is accepted, so parts of the official files serve too.

mod archive;
mod cifar;
mod classes;
mod download;
mod download_all;
mod download_error;
mod error;
mod file;
mod idx;
mod images;
mod inventory;
mod inventory_table;
mod kind;
mod locate;
mod obtain;
mod official;
mod progress;
mod remote;
mod stl10;
pub mod synthetic;
pub mod testing;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

pub use download_all::{Delivery, Downloads, Outcome, download, download_all};
pub use download_error::DownloadError;
pub use error::{DataError, Missing};
pub use images::{ImageRef, Images};
pub use inventory::{Count, DatasetState, Get, Inventory, State, inventory, look};
pub use kind::DatasetKind;
pub use progress::{Progress, Silent, Stderr};

use remote::Remote;

/// Images with their labels.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// The images.
    pub images: Arc<Images>,
    /// Label of each image, counted from 0.
    pub labels: Vec<u16>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size on disk.
    pub bytes: u64,
    /// Records in the whole file, also where a limit left some out.
    pub records: usize,
}

/// A data set in memory.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Which one.
    pub kind: DatasetKind,
    /// Names of the classes; label `i` is the `i`-th.
    pub classes: Vec<String>,
    /// Images to learn from without labels.
    pub pretrain: Arc<Images>,
    /// Labelled images to fit probes on.
    pub train: Labelled,
    /// Labelled images to count accuracies on.
    pub test: Labelled,
    /// The files that all this was read from.
    pub sources: Vec<SourceFile>,
}

impl Dataset {
    fn new(
        kind: DatasetKind,
        pretrain: Arc<Images>,
        train: Labelled,
        test: Labelled,
        sources: Vec<SourceFile>,
    ) -> Self {
        let classes = kind.classes().iter().map(|&name| name.to_owned()).collect();
        Self {
            kind,
            classes,
            pretrain,
            train,
            test,
            sources,
        }
    }
}

/// Where to look, and how much to take.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Folder with one folder per data set; none is the platform's cache directory.
    pub root: Option<PathBuf>,
    /// Never download.
    pub offline: bool,
    /// Take the first so many images for pretraining, and the first so many labelled
    /// training images. The test set is not cut.
    pub limit: Option<usize>,
    /// Seed of the synthetic set; the others do not depend on it.
    pub seed: u64,
}

/// Loads a data set.
pub fn load(
    kind: DatasetKind,
    options: &LoadOptions,
    progress: &dyn Progress,
) -> Result<Dataset, DataError> {
    load_from(kind, options, &Remote::official(kind), progress)
}

/// As [`load`], with downloads from `remote`.
fn load_from(
    kind: DatasetKind,
    options: &LoadOptions,
    remote: &Remote,
    progress: &dyn Progress,
) -> Result<Dataset, DataError> {
    let limit = options.limit;
    if limit == Some(0) {
        return Err(DataError::Limit);
    }
    if kind == DatasetKind::Synthetic {
        return Ok(synthetic::dataset(options.seed, limit));
    }
    let root = root_or_default(options.root.as_deref())?;
    let folder = obtain::obtain(kind, &root, options.offline, remote, progress)?;
    match kind {
        DatasetKind::Mnist => idx::load(&folder, limit),
        DatasetKind::Stl10 => stl10::load(&folder, limit, progress),
        _ => cifar::load(kind, &folder, limit),
    }
}

/// The root that was named, or the one where none is.
pub fn root_or_default(root: Option<&Path>) -> Result<PathBuf, DataError> {
    root.map_or_else(default_root, |root| Ok(root.to_owned()))
}

/// The root where none is named: `data` in the platform's cache directory, on Linux
/// `~/.cache/sinsim/data`.
pub fn default_root() -> Result<PathBuf, DataError> {
    let directories = directories::ProjectDirs::from("", "", "sinsim");
    let directories = directories.ok_or(DataError::NoCacheDirectory)?;
    Ok(directories.cache_dir().join("data"))
}
