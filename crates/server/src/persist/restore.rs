//! From a backup back to a data directory, as a whole or up to a tick.
//!
//! It grows beside its place under another name and is renamed when it is whole: killed, nothing is there that a server
//! would serve.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::backup::{Progress, ticks_of};
use super::checkpoint::Checkpoint;
use super::frame::Frames;
use super::manifest::{Kept, Manifest, put};
use super::segment::{HEADER_BYTES, Segment};
use super::witness::{self, Witnessed};
use super::{StorageError, io_at, names, sync_dir, tick_in_name};

/// What was restored or verified.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub(crate) struct Restored {
    /// The world's number.
    pub(crate) world: u16,
    /// Files and bytes.
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    /// The tick of the oldest checkpoint.
    pub(crate) from_tick: u64,
    /// The last tick of the journal.
    pub(crate) end_tick: u64,
}

/// Checks every file of a backup: checksums, the chain through all segments, that each checkpoint has its place in it.
///
/// # Errors
/// [`StorageError`], naming the file.
pub(crate) fn verify_backup(
    backup: &Path,
    progress: Progress<'_>,
) -> Result<Restored, StorageError> {
    walk(&open(backup)?, (backup, None), None, progress)
}

/// Makes a data directory of a backup; with a tick, of the world as it was after that.
///
/// # Errors
/// [`StorageError`]: a damaged backup, a directory that is there, a tick that the backup does not hold.
pub(crate) fn restore(
    backup: &Path,
    to: &Path,
    to_tick: Option<u64>,
    progress: Progress<'_>,
) -> Result<Restored, StorageError> {
    let manifest = open(backup)?;
    if to.try_exists().map_err(io_at(to, "find"))? && (!to.is_dir() || !names(to)?.is_empty()) {
        return Err(StorageError::NotADataDir {
            path: to.to_owned(),
            what: "is there and not empty; restore to a new directory, then exchange them",
        });
    }
    let growing = beside(to);
    if growing.try_exists().map_err(io_at(&growing, "find"))? {
        std::fs::remove_dir_all(&growing).map_err(io_at(&growing, "remove"))?;
    }
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&growing);
    made.map_err(io_at(&growing, "make the directory"))?;
    let restored = walk(&manifest, (backup, Some(&growing)), to_tick, progress);
    if restored.is_err() {
        let _ = std::fs::remove_dir_all(&growing); // what failed says more
    }
    let restored = restored?;
    std::fs::rename(&growing, to).map_err(io_at(to, "name the restored directory"))?;
    let parent = to.parent().filter(|p| !p.as_os_str().is_empty());
    sync_dir(parent.unwrap_or(Path::new(".")))?;
    Ok(restored)
}

fn open(backup: &Path) -> Result<Manifest, StorageError> {
    Manifest::read(backup)?.ok_or_else(|| StorageError::NotADataDir {
        path: backup.to_owned(),
        what: "not a backup: it has no manifest",
    })
}

/// The name under which a directory grows.
fn beside(to: &Path) -> PathBuf {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    to.with_file_name(format!(".{name}.restoring"))
}

/// Reads a backup, and writes what is wanted of it if there is somewhere to.
fn walk(
    manifest: &Manifest,
    (backup, to): (&Path, Option<&Path>),
    to_tick: Option<u64>,
    progress: Progress<'_>,
) -> Result<Restored, StorageError> {
    let mut walk = Walk::new(manifest, backup, to_tick)?;
    for (number, file) in manifest.files.iter().enumerate() {
        if !progress(number, manifest.files.len()) {
            return Err(StorageError::BrokenOff);
        }
        let bytes = file.read(backup)?;
        let wanted = walk.take(file, &bytes)?;
        if let (Some(to), false) = (to, wanted.is_empty()) {
            put(&to.join(&file.name), wanted)?;
        }
    }
    let restored = walk.finish()?;
    if let Some(to) = to {
        witness::replace(&witness::path_in(to), manifest.world, walk.end)?;
        sync_dir(to)?;
    }
    Ok(restored)
}

/// One walk over the files: segments first, in order.
struct Walk<'a> {
    manifest: &'a Manifest,
    backup: &'a Path,
    /// The last tick that is wanted.
    until: u64,
    /// Places of the checkpoints, until the journal is seen to reach them.
    missing: Vec<(u64, u64)>,
    end: Witnessed,
    is_first: bool,
    files: usize,
    bytes: u64,
    from_tick: u64,
}

impl<'a> Walk<'a> {
    fn new(
        manifest: &'a Manifest,
        backup: &'a Path,
        to_tick: Option<u64>,
    ) -> Result<Self, StorageError> {
        let until = to_tick.unwrap_or(manifest.end_tick);
        let ticks = ticks_of(&manifest.files);
        // A checkpoint is the state before its tick.
        let wanted: Vec<u64> = ticks
            .filter(|tick| *tick <= until.saturating_add(1))
            .collect();
        if wanted.is_empty() || until > manifest.end_tick {
            return Err(StorageError::NotADataDir {
                path: backup.to_owned(),
                what: "does not hold this tick: `bluemarble world verify` says from which to which it goes",
            });
        }
        let mut missing = Vec::new();
        for tick in &wanted {
            let path = backup.join(format!("checkpoint-{tick:020}.bmc"));
            missing.push((*tick, Checkpoint::place(&path)?));
        }
        Ok(Self {
            manifest,
            backup,
            until,
            missing,
            end: Witnessed { tick: 0, chain: 0 },
            is_first: true,
            files: 0,
            bytes: 0,
            from_tick: wanted.into_iter().min().unwrap_or(0),
        })
    }

    /// Checks a file; what is wanted of it.
    fn take<'b>(&mut self, file: &Kept, bytes: &'b [u8]) -> Result<&'b [u8], StorageError> {
        let path = self.backup.join(&file.name);
        let wanted = if let Some(tick) = tick_in_name(&file.name, "journal-", ".bmj") {
            self.segment(&path, tick, bytes)?
        } else if let Some(tick) = tick_in_name(&file.name, "checkpoint-", ".bmc") {
            Checkpoint::decode(&path, bytes, self.manifest.world)?;
            match tick <= self.until.saturating_add(1) {
                true => bytes,
                false => &[],
            }
        } else {
            bytes
        };
        self.files += usize::from(!wanted.is_empty());
        self.bytes += wanted.len() as u64;
        Ok(wanted)
    }

    fn segment<'b>(
        &mut self,
        path: &Path,
        tick: u64,
        bytes: &'b [u8],
    ) -> Result<&'b [u8], StorageError> {
        if tick > self.until && !self.is_first {
            return Ok(&[]);
        }
        let damaged = |offset: usize, what| StorageError::Damaged {
            path: path.to_owned(),
            offset: offset as u64,
            what,
        };
        let header = Segment::head(path, bytes, tick, self.manifest.world)?;
        if !self.is_first && header.chain != self.end.chain {
            return Err(damaged(24, "does not continue the segment before it"));
        }
        self.is_first = false;
        self.end.chain = header.chain;
        let mut frames = Frames::new(bytes, HEADER_BYTES, header.chain, tick);
        let mut wanted = frames.offset();
        self.missing.retain(|(_, place)| *place != frames.chain());
        while let Some(frame) = frames.next() {
            let frame = frame.map_err(|bad| damaged(bad.offset, bad.what))?;
            if frame.tick > self.until {
                break;
            }
            (self.end.tick, self.end.chain) = (frame.tick, frames.chain());
            self.missing.retain(|(_, place)| *place != frames.chain());
            wanted = frames.offset();
        }
        Ok(&bytes[..wanted])
    }

    fn finish(&self) -> Result<Restored, StorageError> {
        let is_whole = self.until == self.manifest.end_tick;
        if is_whole && self.end.chain != self.manifest.end().chain {
            return Err(StorageError::Damaged {
                path: super::manifest::path_in(self.backup),
                offset: 0,
                what: "the journal does not end where the manifest says",
            });
        }
        if let Some((tick, _)) = self.missing.first() {
            return Err(StorageError::Damaged {
                path: self.backup.join(format!("checkpoint-{tick:020}.bmc")),
                offset: 24,
                what: "the journal does not contain its place",
            });
        }
        Ok(Restored {
            world: self.manifest.world,
            files: self.files,
            bytes: self.bytes,
            from_tick: self.from_tick,
            end_tick: self.end.tick,
        })
    }
}
