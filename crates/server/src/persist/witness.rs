//! The witness: what was last acknowledged, kept apart from the journal.
//!
//! Two slots of 40 bytes at offsets 0 and 4096 are written in turn, so one torn write leaves the other:
//! magic, version u32, world u32, tick, chain, xxh3. It is written after each sync but not synced itself: it guards
//! against a journal that lost its end; after a power cut it may lag, never lead.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::segment::{u32_at, u64_at};
use super::{StorageError, io_at, sync_dir};

const MAGIC: [u8; 8] = *b"BMWITN\r\n";
const VERSION: u32 = 1;
const SLOT_BYTES: usize = 40;
const SLOTS: [u64; 2] = [0, 4096];

/// The last acknowledged place in the journal.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Witnessed {
    pub(crate) tick: u64,
    pub(crate) chain: u64,
}

/// The open witness file.
#[derive(Debug)]
pub(crate) struct Witness {
    path: PathBuf,
    file: File,
    world: u16,
    next_slot: usize,
}

impl Witness {
    /// Opens the file, or makes it, and writes what is acknowledged now into both slots.
    pub(crate) fn open(dir: &Path, world: u16, now: Witnessed) -> Result<Self, StorageError> {
        let path = path_in(dir);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io_at(&path, "open the witness"))?;
        let mut witness = Self {
            path,
            file,
            world,
            next_slot: 0,
        };
        witness.write(now)?;
        witness.write(now)?;
        witness
            .file
            .sync_all()
            .map_err(|source| StorageError::SyncFailed {
                path: witness.path.clone(),
                doing: "syncing the witness",
                source,
            })?;
        sync_dir(dir)?;
        Ok(witness)
    }

    /// Records what has been acknowledged.
    pub(crate) fn write(&mut self, now: Witnessed) -> Result<(), StorageError> {
        let mut slot = [0; SLOT_BYTES];
        slot[..8].copy_from_slice(&MAGIC);
        slot[8..12].copy_from_slice(&VERSION.to_le_bytes());
        slot[12..16].copy_from_slice(&u32::from(self.world).to_le_bytes());
        slot[16..24].copy_from_slice(&now.tick.to_le_bytes());
        slot[24..32].copy_from_slice(&now.chain.to_le_bytes());
        let hash = xxh3_64(&slot[..32]);
        slot[32..].copy_from_slice(&hash.to_le_bytes());
        self.file
            .write_all_at(&slot, SLOTS[self.next_slot])
            .map_err(|source| StorageError::SyncFailed {
                path: self.path.clone(),
                doing: "writing the witness",
                source,
            })?;
        self.next_slot = 1 - self.next_slot;
        Ok(())
    }
}

/// Reads the witness; `None` when there is no such file.
pub(crate) fn read(dir: &Path, world: u16) -> Result<Option<Witnessed>, StorageError> {
    let path = path_in(dir);
    if !path.try_exists().map_err(io_at(&path, "find"))? {
        return Ok(None);
    }
    let file = File::open(&path).map_err(io_at(&path, "open the witness"))?;
    let mut best: Option<Witnessed> = None;
    let mut problem = None;
    for offset in SLOTS {
        let mut slot = [0; SLOT_BYTES];
        let whole = file.read_exact_at(&mut slot, offset).is_ok();
        match decode(&path, offset, whole.then_some(&slot), world) {
            Ok(found) if best.is_none_or(|b| found.tick >= b.tick) => best = Some(found),
            Ok(_) => {}
            Err(error @ StorageError::Foreign { .. }) => return Err(error),
            Err(error) => problem = Some(error),
        }
    }
    match (best, problem) {
        (None, Some(error)) => Err(error),
        (found, _) => Ok(found),
    }
}

fn decode(
    path: &Path,
    offset: u64,
    slot: Option<&[u8; SLOT_BYTES]>,
    world: u16,
) -> Result<Witnessed, StorageError> {
    let damaged = |what| StorageError::Damaged {
        path: path.to_owned(),
        offset,
        what,
    };
    let slot = slot.ok_or_else(|| damaged("the witness is cut short"))?;
    if slot[..8] != MAGIC || u64_at(slot, 32) != xxh3_64(&slot[..32]) {
        return Err(damaged("the witness does not match its checksum"));
    }
    let foreign = |what| StorageError::Foreign {
        path: path.to_owned(),
        what,
    };
    if u32_at(slot, 8) != VERSION {
        return Err(foreign(format!(
            "witness version {}, this program reads version {VERSION}",
            u32_at(slot, 8)
        )));
    }
    if u32_at(slot, 12) != u32::from(world) {
        return Err(foreign(format!(
            "witness of world {}, not of world {world}",
            u32_at(slot, 12)
        )));
    }
    Ok(Witnessed {
        tick: u64_at(slot, 16),
        chain: u64_at(slot, 24),
    })
}

/// Where the witness is kept.
pub(crate) fn path_in(dir: &Path) -> PathBuf {
    dir.join("witness")
}
