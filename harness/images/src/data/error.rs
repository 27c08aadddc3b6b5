//! What can be wrong with a data set on disk, in the words that the user reads.

use std::{fmt, path::PathBuf};

use super::DownloadError;

/// Why a data set could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Files are not there, and fetching them was not allowed or did not work.
    #[error(transparent)]
    Missing(Box<Missing>),
    /// A file of fixed-size records that ends within one.
    #[error(
        "{}: expected a whole number of records of {record} bytes, found {found} bytes of content: \
         {} records and {} bytes, so the file is truncated or not in this format; {REPLACE}",
        path.display(), found / *record as u64, found % *record as u64
    )]
    Partial {
        /// The file.
        path: PathBuf,
        /// Bytes of a record.
        record: usize,
        /// Bytes of (unpacked) content.
        found: u64,
    },
    /// A file whose size contradicts its own header.
    #[error("{}: expected {expected} bytes of content ({why}), found {found}: {}; {REPLACE}",
        path.display(), SizeFault { expected: *expected, found: *found })]
    Size {
        /// The file.
        path: PathBuf,
        /// Bytes there should be.
        expected: u128,
        /// Bytes of (unpacked) content.
        found: u64,
        /// Where the expectation comes from.
        why: String,
    },
    /// A file without a single record.
    #[error("{}: expected at least 1 record, found none; {REPLACE}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Not the IDX file that belongs there.
    #[error(
        "{}: expected the magic number {expected:#010x} of an IDX file of {what}, found \
         {found:#010x}; the file is something else under this name; {REPLACE}",
        path.display()
    )]
    Magic {
        /// The file.
        path: PathBuf,
        /// What such a file holds.
        what: &'static str,
        /// The number it begins with.
        expected: u32,
        /// The number found.
        found: u32,
    },
    /// Images of another size than the data set's.
    #[error(
        "{}: expected images of {}×{} pixels, found {}×{}; {REPLACE}",
        path.display(), expected.0, expected.1, found.0, found.1
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// Rows and columns of the data set.
        expected: (u32, u32),
        /// Rows and columns in the header.
        found: (u32, u32),
    },
    /// Images and labels that do not belong together.
    #[error(
        "{} holds {images} images, but {} holds {labels} labels: expected as many of one as of \
         the other; the two files are not of one set, replace both by the official ones",
        image_path.display(), label_path.display()
    )]
    Counts {
        /// File of the images.
        image_path: PathBuf,
        /// Its number of images.
        images: usize,
        /// File of the labels.
        label_path: PathBuf,
        /// Its number of labels.
        labels: usize,
    },
    /// A label that names no class.
    #[error(
        "{}: record {record} (counted from 0): expected a label from {} to {}, found {found}; \
         the file is damaged or not in this format; {REPLACE}",
        path.display(), expected.0, expected.1
    )]
    Label {
        /// The file.
        path: PathBuf,
        /// The record, counted from 0.
        record: usize,
        /// Least and greatest label of the format.
        expected: (u8, u8),
        /// The label in the file.
        found: u8,
    },
    /// A gzip file that cannot be unpacked to its end.
    #[error(
        "{}: expected gzip data to the end of the file, found damage after {unpacked} unpacked \
         bytes: {reason}; {REPLACE}",
        path.display()
    )]
    Gzip {
        /// The file.
        path: PathBuf,
        /// Bytes that could be unpacked before.
        unpacked: u64,
        /// The decoder's words.
        reason: String,
    },
    /// A downloaded archive without what it should hold.
    #[error("{}: {reason}; remove it and run again to download it anew", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder that an archive is unpacked to exists already, without all files.
    #[error(
        "{} is in the way: it exists but does not hold the whole data set, and is left as it is; \
         remove or rename it, and run again",
        path.display()
    )]
    InTheWay {
        /// The folder.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{}: could not {operation}: {source}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// No place to keep data sets.
    #[error(
        "this system names no cache directory (no home directory?); say where the data sets \
        are with --data-dir"
    )]
    NoCacheDirectory,
    /// Something else is where the official set would go.
    #[error(
        "{} holds {found}; it is left as it is. Move it away, or name another --data-dir, to get \
         the official set {dataset}",
        path.display()
    )]
    Other {
        /// Name of the data set.
        dataset: &'static str,
        /// Its folder.
        path: PathBuf,
        /// What is in there.
        found: String,
    },
    /// A limit that leaves nothing.
    #[error("--limit: expected at least 1 image, got 0")]
    Limit,
    /// Images of two shapes put together.
    #[error("images of the shape {expected:?} were expected to be added to, found {found:?}")]
    Append {
        /// Shape of the images that are there.
        expected: [usize; 3],
        /// Shape of the others.
        found: [usize; 3],
    },
}

impl DataError {
    /// Whether it may go better later, with nothing changed on this side.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Missing(missing) => {
                let download = missing.download.as_ref();
                download.is_some_and(DownloadError::is_temporary)
            }
            _ => false,
        }
    }
}

/// Advice for a damaged file.
const REPLACE: &str = "replace it by the official one";

struct SizeFault {
    expected: u128,
    found: u64,
}

impl fmt::Display for SizeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = u128::from(self.found);
        if found < self.expected {
            write!(
                f,
                "{} bytes are missing, the file is truncated",
                self.expected - found
            )
        } else {
            write!(
                f,
                "{} bytes too many, the file is over-long",
                found - self.expected
            )
        }
    }
}

/// The files that are not there, and what can be done about it.
#[derive(Debug)]
pub struct Missing {
    /// Name of the data set.
    pub dataset: &'static str,
    /// Where each missing file would go.
    pub files: Vec<PathBuf>,
    /// Folder that `--data-dir` named, or the default.
    pub root: PathBuf,
    /// Folder that a download goes to.
    pub home: PathBuf,
    /// Official addresses of what holds the files.
    pub addresses: Vec<String>,
    /// Why the download failed; none where it was forbidden.
    pub download: Option<DownloadError>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.dataset;
        writeln!(
            f,
            "the data set {name} is not complete. Missing (plain or with .gz added):"
        )?;
        for path in &self.files {
            writeln!(f, "  {}", path.display())?;
        }
        match &self.download {
            None => writeln!(
                f,
                "Nothing was downloaded because of --offline. Do one of these:"
            )?,
            Some(reason) => writeln!(
                f,
                "They could not be downloaded: {reason}. Do one of these:"
            )?,
        }
        let (root, home) = (self.root.display(), self.home.display());
        writeln!(
            f,
            "  - if you have the files: --data-dir DIR, where DIR holds {name}/ (now {root})"
        )?;
        match &self.download {
            None => writeln!(f, "  - leave out --offline to download them")?,
            Some(_) => writeln!(
                f,
                "  - check the network and run again; a download is continued"
            )?,
        }
        write!(
            f,
            "  - download by hand into {home} (an archive is unpacked for you):"
        )?;
        self.addresses
            .iter()
            .try_for_each(|address| write!(f, "\n      {address}"))
    }
}

impl std::error::Error for Missing {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.download.as_ref().map(|error| error as _)
    }
}
