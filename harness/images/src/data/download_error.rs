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
    #[error(
        "{address}: expected HTTP status 200 or 206, the server answered {status}: {}",
        meaning(*status)
    )]
    Status {
        /// The address.
        address: String,
        /// Its HTTP status.
        status: u16,
    },
    /// The connection broke again and again.
    #[error(
        "{address}: the connection broke off after {got} of {expected} bytes ({reason}); they \
         are kept, and the next attempt goes on from there"
    )]
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
    #[error(
        "{address}: expected {expected} bytes, the server has {found} or more: it is not the \
         published file; take it from somewhere else"
    )]
    Size {
        /// The address.
        address: String,
        /// Published size.
        expected: u64,
        /// Size on the server, as far as it was looked at.
        found: u64,
    },
    /// Other bytes than the published ones.
    #[error(
        "{address}: expected a file with MD5 {expected}, got {found}; what was downloaded is \
         removed. Damaged on the way, it comes out right the next time; else the server has \
         another file: take it from somewhere else"
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
    #[error("{}: could not {operation}: {source}{}", path.display(), advice(source))]
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

impl DownloadError {
    /// Whether it may go better later, with nothing changed on this side.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Cut { .. } | Self::Busy { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..),
            _ => false,
        }
    }
}

/// What a status means here.
fn meaning(status: u16) -> &'static str {
    match status {
        401 | 403 => "it gives the file to nobody without permission",
        404 | 410 => "the file is not there; is the base address right?",
        408 | 429 | 500.. => "it is overloaded or broken, try again later",
        _ => "it does not give the file",
    }
}

/// What the user can do, where the system's words alone do not say it.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space or name another --data-dir, what has arrived is kept"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; name a --data-dir that you may write to"
        }
        _ => "",
    }
}
