//! Why a download can fail.

use std::{io, path::PathBuf};

/// Why a download failed.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// No connection, no name, no answer in time.
    #[error("{address} cannot be reached: {reason}")]
    Unreachable {
        /// The address.
        address: String,
        /// The HTTP library's words.
        reason: String,
    },
    /// The server refuses.
    #[error("{address}: expected HTTP status 200 or 206, the server answered {status}")]
    Status {
        /// The address.
        address: String,
        /// Its HTTP status.
        status: u16,
    },
    /// The connection broke again and again.
    #[error("{address}: the connection broke off after {got} of {expected} bytes ({reason})")]
    Cut {
        /// The address.
        address: String,
        /// Bytes that arrived; they are kept.
        got: u64,
        /// Bytes of the file.
        expected: u64,
        /// What broke it.
        reason: String,
    },
    /// Another size than the published one.
    #[error("{address}: expected {expected} bytes, but the server has more or others")]
    Size {
        /// The address.
        address: String,
        /// Published size.
        expected: u64,
    },
    /// Other bytes than the published ones.
    #[error(
        "{address}: expected a file with MD5 {expected}, got {found}; what was downloaded is \
         removed"
    )]
    Checksum {
        /// The address.
        address: String,
        /// Published MD5.
        expected: String,
        /// MD5 of what arrived.
        found: String,
    },
    /// Two downloads at once.
    #[error("{} is being downloaded by another process; wait for it", path.display())]
    Busy {
        /// The unfinished file.
        path: PathBuf,
    },
    /// Trouble on this side.
    #[error("{}: could not {operation}: {source}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Files that were fetched and then were gone.
    #[error("the files were downloaded, but something removed them again")]
    Vanished,
}
