//! Room on the disk that is set aside, so that a full disk is noticed while the journal still has somewhere to go.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

use super::{StorageError, io_at, is_full, sync_dir};

/// A file that only takes up room, and its absence when that is needed.
#[derive(Debug)]
pub(super) struct Reserve {
    dir: PathBuf,
    bytes: u64,
    is_there: bool,
}

impl Reserve {
    /// Takes up the room, if there is so much.
    pub(super) fn open(dir: &Path, bytes: u64) -> Result<Self, StorageError> {
        let mut reserve = Self {
            dir: dir.to_owned(),
            bytes,
            is_there: false,
        };
        let path = reserve.path();
        let found = std::fs::metadata(&path).ok();
        // One of a sparse file's size takes up nothing.
        reserve.is_there =
            bytes > 0 && found.is_some_and(|f| f.len() == bytes && f.blocks() * 512 >= bytes);
        if !reserve.is_there {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(io_at(&path, "remove")(error));
                }
                _ => {}
            }
            reserve.tend()?;
        }
        Ok(reserve)
    }

    /// Whether the room has been given up, or was never there.
    pub(super) fn is_used(&self) -> bool {
        self.bytes > 0 && !self.is_there
    }

    /// Gives the room up; false when there was none.
    pub(super) fn release(&mut self) -> Result<bool, StorageError> {
        if !self.is_there {
            return Ok(false);
        }
        let path = self.path();
        std::fs::remove_file(&path).map_err(io_at(&path, "remove"))?;
        self.is_there = false;
        tracing::warn!(dir = %self.dir.display(), bytes = self.bytes, "the disk is full: the journal goes on in its reserve");
        sync_dir(&self.dir).map(|()| true)
    }

    /// Takes the room up again where there is a quarter more than that; whether it is there now.
    pub(super) fn tend(&mut self) -> Result<bool, StorageError> {
        if self.is_used() && self.free()? >= self.bytes + self.bytes / 4 {
            self.is_there = self.take()?;
        }
        Ok(!self.is_used())
    }

    fn free(&self) -> Result<u64, StorageError> {
        let found =
            statvfs(&self.dir).map_err(|e| io_at(&self.dir, "look at the disk of")(e.into()));
        found.map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn take(&self) -> Result<bool, StorageError> {
        let (path, growing) = (self.path(), self.dir.join("reserve.tmp"));
        let taken = grow(&growing, self.bytes).and_then(|()| std::fs::rename(&growing, &path));
        match taken {
            Ok(()) => sync_dir(&self.dir).map(|()| true),
            Err(error) if is_full(&error) => {
                let _ = std::fs::remove_file(&growing); // the next start does otherwise
                Ok(false)
            }
            Err(error) => Err(io_at(&path, "set room aside in")(error)),
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.join("reserve")
    }
}

/// A file of so many bytes that are its own, also where the file system cannot promise them.
fn grow(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file: File = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            let zeros = vec![0; 1 << 20];
            let mut left = bytes;
            while left > 0 {
                let part = left.min(zeros.len() as u64);
                file.write_all(&zeros[..part as usize])?;
                left -= part;
            }
        }
        done => done?,
    }
    file.sync_all()
}
