//! Unpacking an official `.tar.gz`: all at once or not at all.
//!
//! Members go to a temporary folder beside the target, which is renamed when all are
//! there. Their names come from our own list, never from the archive, so nothing in it
//! can name a place outside.

use std::{
    fs::{self, File},
    io::{self, BufReader, ErrorKind},
    path::{Component, Path, PathBuf},
};

use flate2::bufread::GzDecoder;
use tar::{Archive, EntryType};

use super::{DataError, download::sync_folder};

/// Unpacks `members`, which lie in the archive's folder of the same name as `target`,
/// to the folder `target`, which must not exist.
pub(super) fn unpack(archive: &Path, target: &Path, members: &[&str]) -> Result<(), DataError> {
    if target.exists() {
        return Err(DataError::InTheWay {
            path: target.to_owned(),
        });
    }
    let temporary = target.with_added_extension(format!("unpack-{}", std::process::id()));
    let done = unpack_to(archive, target, &temporary, members);
    if done.is_err() {
        let _ = fs::remove_dir_all(&temporary);
    }
    done
}

fn unpack_to(
    archive: &Path,
    target: &Path,
    temporary: &Path,
    members: &[&str],
) -> Result<(), DataError> {
    let io = |operation, path: &Path| {
        let path = path.to_owned();
        move |source| DataError::Io {
            operation,
            path,
            source,
        }
    };
    let damaged = |reason: String| DataError::Archive {
        path: archive.to_owned(),
        reason,
    };
    let unreadable = |error: io::Error| damaged(format!("not a whole .tar.gz: {error}"));

    if temporary.exists() {
        fs::remove_dir_all(temporary).map_err(io("remove the old folder", temporary))?;
    }
    fs::create_dir_all(temporary).map_err(io("create the folder", temporary))?;
    let file = File::open(archive).map_err(io("open the archive", archive))?;
    let mut tar = Archive::new(GzDecoder::new(BufReader::with_capacity(1 << 16, file)));
    let mut left: Vec<&str> = members.to_vec();
    for entry in tar.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let name = entry.path().map_err(unreadable)?.into_owned();
        let wanted = left
            .iter()
            .position(|member| is_member(&name, target, member));
        let Some(wanted) = wanted.filter(|_| entry.header().entry_type() == EntryType::Regular)
        else {
            continue;
        };
        let path = temporary.join(left.swap_remove(wanted));
        let mut out = File::create_new(&path).map_err(io("create the file", &path))?;
        let (expected, copied) = (entry.size(), io::copy(&mut entry, &mut out));
        let copied = copied.map_err(|error| match error.kind() {
            // The decoders' kinds; else it is the disk.
            ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                unreadable(error)
            }
            _ => io("unpack the file", &path)(error),
        })?;
        if copied != expected {
            let name = name.display();
            return Err(damaged(format!(
                "{name} ends after {copied} of {expected} bytes"
            )));
        }
        out.sync_all().map_err(io("write the file", &path))?;
        if left.is_empty() {
            break;
        }
    }
    if !left.is_empty() {
        return Err(damaged(format!(
            "expected it to hold {}, which it does not",
            left.join(", ")
        )));
    }
    fs::rename(temporary, target).map_err(io("rename the unpacked folder to", target))?;
    sync_folder(target);
    Ok(())
}

/// Whether an entry is `FOLDER/member`, with `./` before it or not.
fn is_member(entry: &Path, target: &Path, member: &str) -> bool {
    let entry: PathBuf = entry
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    target
        .file_name()
        .is_some_and(|folder| entry == Path::new(folder).join(member))
}
