//! What survives a crash: a chained journal in segments, checkpoints, a witness of what was acknowledged, a lock.
//!
//! ```text
//! <data>/lock                               held (flock) by the one process that owns the directory
//! <data>/journal-<first tick>.bmj           frames of the ticks from there on; a new one where one has grown large
//! <data>/checkpoint-<tick>.bmc              the whole state before a tick; the two newest, and milestones (retention.rs)
//! <data>/journal-<first tick>.cut           a torn tail that was cut off that segment, kept for inspection
//! <data>/witness                            the last acknowledged tick and its chain hash, in two slots
//! <data>/reserve                            room for the journal of a disk that is full
//!
//! recovery = newest valid checkpoint + every frame after it; segments before its own are the past, and not read. Bytes after the last valid frame of the last segment are a
//! torn tail, never acknowledged, and are cut, unless a valid frame follows them. Anything else is damage: refused.
//! ```
//!
//! All integers are little-endian. Every frame's hash is seeded with the hash of the frame before it, across
//! segments, so a lost, swapped or foreign frame is noticed wherever it is.

mod backup;
mod checkpoint;
mod frame;
mod lock;
mod manifest;
mod options;
mod recovery;
mod reserve;
mod restore;
mod retention;
mod segment;
mod store;
#[cfg(feature = "simulated")]
mod tail;
mod witness;
mod writer;

#[cfg(test)]
mod backup_tests;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

pub(crate) use backup::{BackedUp, back_up};
pub(crate) use frame::{Frame, FrameKind};
pub(crate) use lock::DirLock;
pub(crate) use options::StoreOptions;
pub(crate) use recovery::{Found, Recovery, StartFrom, recover, recover_witnessed};
pub(crate) use restore::{Restored, restore, verify_backup};
pub(crate) use store::{Readiness, Room, Store, TickFrames};
#[cfg(feature = "simulated")]
pub(crate) use tail::cut_unsynced;

/// Why a world's data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The operating system refused an operation.
    #[error("{}: cannot {doing}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was being done to it.
        doing: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// A write or a sync failed: what the disk holds is unknown until the next recovery.
    #[error("{}: {doing} failed: {source}; the journal can no longer be trusted: repair the disk, then start again", path.display())]
    SyncFailed {
        /// The file.
        path: PathBuf,
        /// What was being done to it.
        doing: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// There is no room; nothing that was acknowledged is in doubt.
    #[error("{}: no room on the disk for {doing}; make room, then start again", path.display())]
    NoRoom {
        /// The file.
        path: PathBuf,
        /// What it was wanted for.
        doing: &'static str,
    },
    /// Another process owns the directory.
    #[error("{}: in use by another process; stop that server or choose another data directory", .0.display())]
    Locked(PathBuf),
    /// The file is of another kind, version or world.
    #[error("{}: {what}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// The file is damaged.
    #[error("{}: damaged at byte {offset}: {what}; restore the directory from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damage was noticed, bytes from the start.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// Something acknowledged is not there.
    #[error(
        "{}: ends at byte {offset} with tick {recovered}, but tick {witnessed} was acknowledged (see {}); {remedy}",
        path.display(), witness.display()
    )]
    Behind {
        /// The journal file that ends too early.
        path: PathBuf,
        /// Its last good byte.
        offset: u64,
        /// The last tick that could be recovered.
        recovered: u64,
        /// The tick that was acknowledged.
        witnessed: u64,
        /// The witness file.
        witness: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// The directory belongs to another world.
    #[error("{}: of world {stored}, not of world {wanted}; serve world {stored}, or choose another data directory", path.display())]
    OtherWorld {
        /// The file that says so.
        path: PathBuf,
        /// The world it is of.
        stored: u32,
        /// The world that was configured.
        wanted: u16,
    },
    /// The directory holds something else; nothing in it was touched.
    #[error("{}: {what}", path.display())]
    NotADataDir {
        /// The directory.
        path: PathBuf,
        /// What it is, and what to do.
        what: &'static str,
    },
    /// The world handed over frames that could not be read back: a fault of the program, noticed before the write.
    #[error("journal, tick {tick}: {what}; nothing from this tick on was stored")]
    Unwritable {
        /// The tick of the frames.
        tick: u64,
        /// What is wrong with them.
        what: &'static str,
    },
    /// The work was broken off because it was asked to be.
    #[error("broken off")]
    BrokenOff,
    /// The store thread ended without saying why.
    #[error("the store thread ended unexpectedly; nothing after the last durable tick was stored")]
    ThreadEnded,
    /// A file that must be there is missing.
    #[error("{}: missing, although {because}; restore the directory from a backup", path.display())]
    Missing {
        /// The file or pattern.
        path: PathBuf,
        /// How we know that it existed.
        because: &'static str,
    },
}

impl StorageError {
    /// Whether the stored data itself is in doubt (exit code 70), not merely out of reach.
    pub fn is_untrusted(&self) -> bool {
        !matches!(
            self,
            Self::Io { .. } | Self::Locked(_) | Self::NoRoom { .. } | Self::BrokenOff
        ) && !self.is_misuse()
    }

    /// Whether another directory or world should have been named (exit code 2).
    pub fn is_misuse(&self) -> bool {
        matches!(self, Self::OtherWorld { .. } | Self::NotADataDir { .. })
    }
}

/// Names the file and the operation in an I/O error.
fn io_at(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> StorageError {
    let path = path.to_owned();
    move |source| StorageError::Io {
        path,
        doing,
        source,
    }
}

/// Whether an operation failed for want of room, and for nothing else.
fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Makes renames and new files in a directory durable.
fn sync_dir(dir: &Path) -> Result<(), StorageError> {
    std::fs::File::open(dir)
        .and_then(|d| d.sync_all())
        .map_err(|source| StorageError::SyncFailed {
            path: dir.to_owned(),
            doing: "syncing the directory",
            source,
        })
}

/// Writes a whole file so that after a crash it is there complete or not at all. Without room, what was there stays.
fn write_atomically(path: &Path, parts: &[&[u8]]) -> Result<(), StorageError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    let tmp = path.with_extension("tmp");
    let write = || {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&tmp)?;
        for part in parts {
            file.write_all(part)?;
        }
        file.sync_all()?;
        std::fs::rename(&tmp, path)
    };
    write().map_err(|source| {
        let path = path.to_owned();
        let doing = "writing";
        if is_full(&source) {
            let _ = std::fs::remove_file(&tmp); // the next start does otherwise
            return StorageError::NoRoom { path, doing };
        }
        StorageError::SyncFailed {
            path,
            doing,
            source,
        }
    })?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Removes what a process that died while it wrote a file left behind. Call only with the directory's lock.
fn remove_leftovers(dir: &Path) -> Result<(), StorageError> {
    for name in names(dir)? {
        if is_leftover(&name) {
            let path = dir.join(name);
            std::fs::remove_file(&path).map_err(io_at(&path, "remove"))?;
        }
    }
    Ok(())
}

/// Whether a file of this name is one that was being written: the counterpart of every atomic write.
fn is_leftover(name: &str) -> bool {
    [
        "witness.tmp",
        "token.tmp",
        "server.tmp",
        "reserve.tmp",
        "manifest.tmp",
        "bans.tmp",
    ]
    .contains(&name)
        || ["journal-", "checkpoint-"]
            .iter()
            .any(|prefix| tick_in_name(name, prefix, ".tmp").is_some())
}

/// Whether a file of this name holds a world.
fn is_world(name: &str) -> bool {
    tick_in_name(name, "journal-", ".bmj").is_some()
        || tick_in_name(name, "checkpoint-", ".bmc").is_some()
}

/// Whether a file of this name belongs into a backup.
fn is_kept(name: &str) -> bool {
    is_world(name) || ["token.key", "server.pem", "bans.txt"].contains(&name)
}

/// Whether a server makes files of this name.
fn is_ours(name: &str) -> bool {
    [
        "lock",
        "witness",
        "reserve",
        "token.key",
        "server.pem",
        "bans.txt",
    ]
    .contains(&name)
        || is_world(name)
        || is_leftover(name)
        || tick_in_name(name, "journal-", ".cut").is_some()
}

/// The names of everything in a directory; what is not Unicode is not ours, but is there.
fn names(dir: &Path) -> Result<Vec<String>, StorageError> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(io_at(dir, "list the directory"))? {
        let entry = entry.map_err(io_at(dir, "list the directory"))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// The tick in a file name such as `journal-00000000000000000001.bmj`.
fn tick_in_name(name: &str, prefix: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
    (digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

/// All files of one naming scheme in a directory, by rising tick.
fn list(dir: &Path, prefix: &str, suffix: &str) -> Result<Vec<(u64, PathBuf)>, StorageError> {
    let named = |name: String| Some((tick_in_name(&name, prefix, suffix)?, dir.join(name)));
    let mut found: Vec<_> = names(dir)?.into_iter().filter_map(named).collect();
    found.sort();
    Ok(found)
}
