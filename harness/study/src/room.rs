//! Room on the disk. Without any, every cell would fail after the other, each for a reason
//! that has nothing to do with it.

use std::path::Path;

/// Bytes below which the failure of a cell is taken for one of the disk. A checkpoint of a
/// ResNet-18 with its optimiser takes a third of them, and is removed again when it could
/// not be written whole: there is room after a failure for want of room.
pub const LEAST: u64 = 400 << 20;

/// Bytes that are left for this user where `folder` is; nothing where that cannot be told.
#[cfg(unix)]
pub fn left(folder: &Path) -> Option<u64> {
    let about = rustix::fs::statvfs(folder).ok()?;
    Some(about.f_bavail.saturating_mul(about.f_frsize))
}

/// Not told: a full disk fails the cells, which `--retry-failed` tries again.
#[cfg(not(unix))]
pub fn left(_: &Path) -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_can_be_written_has_room() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("file"), "a").unwrap();
        assert!(left(temp.path()).is_some_and(|bytes| bytes > 0));
        assert_eq!(left(&temp.path().join("nowhere")), None);
    }
}
