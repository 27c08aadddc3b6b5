//! Reading data files, plain or gzip, with their length checked.
//!
//! With a limit only a prefix is kept. The whole is checked all the same: a plain
//! file's length is asked from the file system, and a gzip file is unpacked to its end
//! (its checksum and length stand there), a second or so per gigabyte at the price of a
//! few kilobytes of memory.

use std::{
    fs::File,
    io::{self, BufReader, ErrorKind, Read},
    path::{Path, PathBuf},
};

use flate2::bufread::MultiGzDecoder;

use super::{DataError, SourceFile};

/// The beginning of a file's content, and the length of all of it.
pub(super) struct Content {
    pub(super) path: PathBuf,
    /// The first `keep` bytes, or fewer where the content is shorter.
    pub(super) bytes: Vec<u8>,
    /// Bytes of the whole content, unpacked.
    pub(super) length: u64,
    /// Bytes of the file.
    stored: u64,
}

impl Content {
    /// The entry for the list of sources.
    pub(super) fn source(&self, records: usize) -> SourceFile {
        SourceFile {
            path: self.path.clone(),
            bytes: self.stored,
            records,
        }
    }
}

/// Reads the first `keep` bytes of content (all where `None`); a name that ends in
/// `.gz` is unpacked.
pub(super) fn read(path: &Path, keep: Option<u64>) -> Result<Content, DataError> {
    let io = |operation| {
        move |source| DataError::Io {
            operation,
            path: path.to_owned(),
            source,
        }
    };
    let file = File::open(path).map_err(io("open the file"))?;
    let stored = file
        .metadata()
        .map_err(io("ask for the file's size"))?
        .len();
    let keep = keep.unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let length = if path.extension().is_some_and(|extension| extension == "gz") {
        let mut unpacked = 0;
        unpack(file, keep, &mut bytes, &mut unpacked).map_err(|error| match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                DataError::Gzip {
                    path: path.to_owned(),
                    unpacked,
                    reason: error.to_string(),
                }
            }
            _ => io("read the file")(error),
        })?;
        unpacked
    } else {
        file.take(keep)
            .read_to_end(&mut bytes)
            .map_err(io("read the file"))?;
        // What was read counts, should the file shrink or grow under our hands.
        let got = bytes.len() as u64;
        if got == keep { stored.max(keep) } else { got }
    };
    Ok(Content {
        path: path.to_owned(),
        bytes,
        length,
        stored,
    })
}

/// Unpacks to the end of the file: the first `keep` bytes into `bytes`, the rest only
/// counted. Several gzip members in a row are one content (RFC 1952); anything else
/// behind a member is an error of the decoder.
fn unpack(file: File, keep: u64, bytes: &mut Vec<u8>, unpacked: &mut u64) -> io::Result<()> {
    let mut decoder = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file));
    let mut chunk = vec![0; 1 << 16];
    loop {
        let got = match decoder.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(got) => got,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let wanted = keep.saturating_sub(*unpacked).min(got as u64) as usize;
        bytes.extend_from_slice(&chunk[..wanted]);
        *unpacked += got as u64;
    }
}

/// The beginning of a file that is nothing but records of one size.
pub(super) struct Records {
    /// Whole records: as many as were asked for, or all there are.
    pub(super) bytes: Vec<u8>,
    /// Records in the whole file.
    pub(super) source: SourceFile,
}

/// Reads the first `keep` records of `record` bytes (all where `None`) and checks that
/// the whole file is a whole number of records, and at least one.
pub(super) fn read_records(
    path: &Path,
    record: usize,
    keep: Option<usize>,
) -> Result<Records, DataError> {
    let keep = keep.map(|records| (records as u64).saturating_mul(record as u64));
    let content = read(path, keep)?;
    if content.length == 0 {
        return Err(DataError::Empty { path: content.path });
    }
    if !content.length.is_multiple_of(record as u64) {
        return Err(DataError::Partial {
            path: content.path,
            record,
            found: content.length,
        });
    }
    let source = content.source((content.length / record as u64) as usize);
    Ok(Records {
        bytes: content.bytes,
        source,
    })
}

/// Checks that a label is one of the format, and counts it from 0.
pub(super) fn label(
    path: &Path,
    record: usize,
    found: u8,
    expected: (u8, u8),
) -> Result<u16, DataError> {
    if (expected.0..=expected.1).contains(&found) {
        Ok(u16::from(found - expected.0))
    } else {
        Err(DataError::Label {
            path: path.to_owned(),
            record,
            expected,
            found,
        })
    }
}
