//! Why a problem could not be judged.

use std::fmt;

/// A file or problem that does not have the format, or a kernel that refused.
#[derive(Debug)]
pub enum Error {
    /// The file cannot be read.
    Read(std::path::PathBuf, std::io::Error),
    /// The file is not JSON of this format.
    Format(std::path::PathBuf, serde_json::Error),
    /// A kind that the format does not have.
    Kind(String),
    /// A field that this kind must have.
    Missing(&'static str),
    /// A list of a length that the sizes do not ask for: (field, expected, got).
    Length(&'static str, usize, usize),
    /// The kernel refused the problem.
    Kernel(kernels_core::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(out, "reading {}: {error}", path.display()),
            Self::Format(path, error) => {
                write!(out, "parsing {}: {error}", path.display())
            }
            Self::Kind(kind) => write!(out, "kind: expected one of the format's, got `{kind}`"),
            Self::Missing(field) => write!(out, "`{field}` is needed by this kind, and missing"),
            Self::Length(field, expected, got) => {
                write!(out, "`{field}` must have {expected} elements, got {got}")
            }
            Self::Kernel(error) => write!(out, "{error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<kernels_core::Error> for Error {
    fn from(error: kernels_core::Error) -> Self {
        Self::Kernel(error)
    }
}
