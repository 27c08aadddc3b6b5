//! What of each data set is there, and how it compares with the official one.
//!
//! The quick look takes sizes from the file system, and of a gzip file the length that
//! stands at its end (RFC 1952: of its last member, modulo 4 GiB; official files have one
//! member and less). With `verify` every file is read to its end: gzip's checksums, the
//! real length, and MD5 where the official sum of the content is known.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use flate2::bufread::MultiGzDecoder;
use serde::Serialize;

use super::{
    DatasetKind,
    download::md5_of,
    locate::{self, Found},
    official::{self, OfficialFile, Part},
    remote::Remote,
};

/// The data sets below a root folder.
#[derive(Clone, Debug, Serialize)]
pub struct Inventory {
    /// The folder with one folder per data set.
    pub data_dir: PathBuf,
    /// Whether all files were read to their ends.
    pub verified: bool,
    /// Every data set that the program knows.
    pub datasets: Vec<DatasetState>,
}

/// How much of a data set is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Part of the program, always there.
    BuiltIn,
    /// All official records.
    Complete,
    /// Enough to train and to test, but not all official records.
    Subset,
    /// Files are missing that training needs.
    Incomplete,
    /// Nothing is there.
    Absent,
    /// A file cannot be what its name says.
    Damaged,
}

/// A data set, as it was found.
#[derive(Clone, Debug, Serialize)]
pub struct DatasetState {
    /// Which one.
    pub dataset: DatasetKind,
    /// What it amounts to.
    pub state: State,
    /// Where its files are; none where there are none.
    pub folder: Option<PathBuf>,
    /// Labelled training images.
    pub train: Count,
    /// Test images.
    pub test: Count,
    /// Images without labels.
    pub unlabelled: Count,
    /// Bytes of its files on disk.
    pub bytes: u64,
    /// Official files that are not there.
    pub missing: Vec<&'static str>,
    /// What is wrong with files that are there.
    pub problems: Vec<String>,
    /// Bytes of a download that was not finished.
    pub unfinished_download: u64,
    /// How to get the official set, where it is not there.
    pub get: Option<Get>,
}

/// Images that are there, and those of the official set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// On disk.
    pub images: u64,
    /// In the official set.
    pub official: u64,
}

/// How to get a data set.
#[derive(Clone, Debug, Serialize)]
pub struct Get {
    /// A command line.
    pub command: String,
    /// What it fetches.
    pub addresses: Vec<String>,
    /// Bytes to fetch.
    pub bytes: u64,
}

/// Looks for all data sets below `root`; `verify` reads them to their ends.
pub fn inventory(root: &Path, verify: bool) -> Inventory {
    use clap::ValueEnum;
    let kinds = DatasetKind::value_variants().iter();
    Inventory {
        data_dir: root.to_owned(),
        verified: verify,
        datasets: kinds.map(|&kind| look(kind, root, verify)).collect(),
    }
}

/// Looks for a data set below `root`.
pub fn look(kind: DatasetKind, root: &Path, verify: bool) -> DatasetState {
    let (folder, loadable) = match locate::find(kind, root) {
        Found::Whole(folder) => (folder, true),
        Found::Part(folder, _) => (folder, false),
    };
    let mut state = DatasetState {
        dataset: kind,
        state: State::BuiltIn,
        folder: None,
        train: Count::default(),
        test: Count::default(),
        unlabelled: Count::default(),
        bytes: 0,
        missing: Vec::new(),
        problems: Vec::new(),
        unfinished_download: 0,
        get: None,
    };
    if kind == DatasetKind::Synthetic {
        let images = [
            (super::synthetic::TRAIN_IMAGES, &mut state.train),
            (super::synthetic::TEST_IMAGES, &mut state.test),
        ];
        for (images, count) in images {
            let images = images as u64;
            *count = Count {
                images,
                official: images,
            };
        }
        return state;
    }
    let mut whole = true;
    let mut found = 0;
    for file in official::files(kind) {
        let path = folder.file(file.name);
        let records = match measure(&path, file, verify) {
            Ok(Some((records, bytes))) => {
                found += 1;
                state.bytes += bytes;
                records
            }
            Ok(None) => {
                state.missing.push(file.name);
                0
            }
            Err(problem) => {
                found += 1;
                state.problems.push(problem);
                0
            }
        };
        whole &= records == file.records;
        let count = match file.part {
            Part::Train => &mut state.train,
            Part::Test => &mut state.test,
            Part::Unlabelled => &mut state.unlabelled,
            Part::Labels => continue,
        };
        count.images += records;
        count.official += file.records;
    }
    state.state = match (found, loadable) {
        _ if !state.problems.is_empty() => State::Damaged,
        (0, _) => State::Absent,
        (_, false) => State::Incomplete,
        (_, true) if whole => State::Complete,
        (_, true) => State::Subset,
    };
    state.folder = (found > 0).then(|| folder.path().to_owned());
    let remote = Remote::official(kind);
    let home = locate::home(kind, root);
    for file in &remote.files {
        let part = home.join(format!("{}.part", file.name));
        state.unfinished_download += fs::metadata(part).map_or(0, |data| data.len());
    }
    if state.state != State::Complete {
        state.get = Some(Get {
            command: format!(
                "harness download {} --data-dir {}",
                kind.name(),
                root.display()
            ),
            addresses: remote.addresses(),
            bytes: remote.files.iter().map(|file| file.bytes).sum(),
        });
    }
    state
}

/// Records and bytes on disk of the file at `path`, if it is there; else what is wrong.
fn measure(
    path: &Path,
    official: &OfficialFile,
    verify: bool,
) -> Result<Option<(u64, u64)>, String> {
    let problem = |text: String| format!("{}: {text}", path.display());
    let unreadable = |error: io::Error| problem(format!("cannot be read: {error}"));
    if !path.exists() {
        return Ok(None);
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    let packed = path.extension().is_some_and(|extension| extension == "gz");
    let (length, md5) = match (packed, verify) {
        (false, false) => (bytes, None),
        (false, true) => (bytes, Some(md5_of(&mut file).map_err(unreadable)?)),
        (true, false) => (gzip_length(&mut file).map_err(unreadable)?, None),
        (true, true) => {
            let mut content = Counted::new(MultiGzDecoder::new(BufReader::new(file)));
            let md5 = super::download::md5_from(&mut content).map_err(unreadable)?;
            (content.length, Some(md5))
        }
    };
    let records = length.saturating_sub(official.header) / official.record;
    if records == 0 || official.header + records * official.record != length {
        return Err(problem(format!(
            "expected {} bytes and whole records of {} bytes, found {length} bytes of content",
            official.header, official.record
        )));
    }
    if records > official.records {
        return Err(problem(format!(
            "expected at most {} records, found {records}",
            official.records
        )));
    }
    match (official.md5, md5) {
        // The sum of a part is not known.
        (Some(expected), Some(found)) if records == official.records && found != expected => {
            Err(problem(format!(
                "expected the official content with MD5 {expected}, found MD5 {found}"
            )))
        }
        _ => Ok(Some((records, bytes))),
    }
}

/// The length that a gzip file says its content has.
fn gzip_length(file: &mut File) -> io::Result<u64> {
    let mut length = [0; 4];
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut length)?;
    Ok(u32::from_le_bytes(length).into())
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    length: u64,
}

impl<R> Counted<R> {
    fn new(inner: R) -> Self {
        Self { inner, length: 0 }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(into)?;
        self.length += got as u64;
        Ok(got)
    }
}
