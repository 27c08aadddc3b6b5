//! From a data root to a folder that holds a whole data set: found as it is, unpacked
//! from an archive that lies there, or downloaded.
//!
//! Who downloads or unpacks holds `.download.lock` in the data set's folder. Another
//! process waits for it and then finds what it needs, so that of a row of jobs started at
//! once one downloads.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::Path,
};

use super::{
    DataError, DatasetKind, DownloadError, Missing, Progress, archive,
    download::md5_of,
    locate::{self, Folder, Found},
    remote::Remote,
};

/// The folder of a data set. What is missing is fetched from `remote`, unless `offline`;
/// an official archive put into the data set's folder by hand is unpacked either way.
pub(super) fn obtain(
    kind: DatasetKind,
    root: &Path,
    offline: bool,
    remote: &Remote,
    progress: &dyn Progress,
) -> Result<Folder, DataError> {
    if let Found::Whole(folder) = locate::find(kind, root) {
        return Ok(folder);
    }
    let home = locate::home(kind, root);
    let may_write = !offline || remote.files.iter().any(|f| home.join(&f.name).is_file());
    let lock = if may_write {
        fs::create_dir_all(&home).and_then(|()| lock(&home, kind, progress))
    } else {
        Ok(None)
    };
    // Looked for again: whom we waited for may have brought it.
    let (folder, names) = match locate::find(kind, root) {
        Found::Whole(folder) => return Ok(folder),
        Found::Part(folder, names) => (folder, names),
    };
    let archived = kind != DatasetKind::Mnist;
    let home = if archived {
        home
    } else {
        folder.path().to_owned()
    };
    let missing = |download| {
        DataError::Missing(Box::new(Missing {
            dataset: kind.name(),
            files: names.iter().map(|name| folder.path().join(name)).collect(),
            root: root.to_owned(),
            home: home.clone(),
            addresses: remote.addresses(),
            download,
        }))
    };
    let _lock = lock.map_err(|source| {
        let (operation, path) = ("create or lock the folder", home.clone());
        missing(Some(DownloadError::Io {
            operation,
            path,
            source,
        }))
    })?;
    for file in &remote.files {
        let is_packed = |name: &&str| file.name == format!("{name}.gz");
        if !archived && !names.iter().any(is_packed) {
            continue;
        }
        let path = home.join(&file.name);
        if archived && path.is_file() {
            check_archive(&path, &file.md5)?;
        } else if offline {
            return Err(missing(None));
        } else {
            progress.note(&format!("downloading {}", file.address));
            let fetched = remote.http.fetch(file, &path, progress);
            fetched.map_err(|error| missing(Some(error)))?;
        }
        if archived {
            progress.note(&format!("unpacking {}", path.display()));
            let target = home.join(locate::archive_folder(kind));
            archive::unpack(&path, &target, &locate::members(kind))?;
            // It is worth nothing any more; that it stays is no reason to stop.
            let _ = fs::remove_file(&path);
        }
    }
    match locate::find(kind, root) {
        Found::Whole(folder) => Ok(folder),
        Found::Part(..) => Err(missing(Some(DownloadError::Vanished))),
    }
}

/// The lock on the folder of a data set, after those who have it. A file system without
/// locks gives none.
fn lock(home: &Path, kind: DatasetKind, progress: &dyn Progress) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(home.join(".download.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            let name = kind.name();
            progress.note(&format!("another process downloads {name}; waiting for it"));
            file.lock().map(|()| Some(file))
        }
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Checks an archive that was not downloaded just now.
fn check_archive(path: &Path, expected: &str) -> Result<(), DataError> {
    let found = fs::File::open(path).and_then(|mut file| md5_of(&mut file));
    let found = found.map_err(|source| {
        let operation = "read the archive";
        DataError::Io {
            operation,
            path: path.to_owned(),
            source,
        }
    })?;
    if found == expected {
        return Ok(());
    }
    let reason = format!("expected the official archive with MD5 {expected}, found MD5 {found}");
    Err(DataError::Archive {
        path: path.to_owned(),
        reason,
    })
}
