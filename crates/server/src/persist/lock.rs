//! The data directory: made private, owned by one process.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{StorageError, io_at, is_ours, is_world, names, remove_leftovers};

/// Ownership of a data directory, until dropped. The kernel releases it when the process dies, however it dies.
#[derive(Debug)]
pub(crate) struct DirLock {
    dir: PathBuf,
    _file: File,
}

impl DirLock {
    /// Makes the directory if it is absent (mode 0700 either way: it holds keys), takes its lock and tidies up.
    /// A directory that holds other things is refused before anything in it changes.
    pub(crate) fn take(dir: &Path) -> Result<Self, StorageError> {
        if dir.try_exists().map_err(io_at(dir, "find"))? {
            let names = names(dir)?;
            if !names.iter().all(|name| is_ours(name)) && !names.iter().any(|name| is_world(name)) {
                return Err(StorageError::NotADataDir {
                    path: dir.to_owned(),
                    what: "holds other files and no world; choose an empty directory or one of a world",
                });
            }
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(io_at(dir, "make the data directory"))?;
        std::fs::set_permissions(dir, Permissions::from_mode(0o700))
            .map_err(io_at(dir, "make the data directory private"))?;
        let lock = Self::lock(dir)?;
        remove_leftovers(dir)?;
        Ok(lock)
    }

    /// Takes the lock of a directory that must hold a world; changes nothing else.
    pub(crate) fn take_existing(dir: &Path) -> Result<Self, StorageError> {
        if !names(dir)?.iter().any(|name| is_world(name)) {
            return Err(StorageError::NotADataDir {
                path: dir.to_owned(),
                what: "not a data directory: it holds no world",
            });
        }
        Self::lock(dir)
    }

    /// Takes the directory of a backup, which may be new.
    pub(crate) fn take_backup(dir: &Path) -> Result<Self, StorageError> {
        if dir.try_exists().map_err(io_at(dir, "find"))? {
            let names = names(dir)?;
            let is_backup = names.iter().any(|name| name == "manifest.json");
            let is_begun =
                |name: &String| is_ours(name) && !["witness", "reserve"].contains(&&**name);
            if !is_backup && !names.iter().all(is_begun) {
                return Err(StorageError::NotADataDir {
                    path: dir.to_owned(),
                    what: "holds other files and no backup; choose an empty directory or one of a backup",
                });
            }
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(io_at(dir, "make the backup's directory"))?;
        let lock = Self::lock(dir)?;
        remove_leftovers(dir)?;
        Ok(lock)
    }

    fn lock(dir: &Path) -> Result<Self, StorageError> {
        let path = dir.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(io_at(&path, "open the lock file"))?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                dir: dir.to_owned(),
                _file: file,
            }),
            Err(TryLockError::WouldBlock) => Err(StorageError::Locked(dir.to_owned())),
            Err(TryLockError::Error(source)) => Err(io_at(&path, "lock")(source)),
        }
    }

    /// The directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}
