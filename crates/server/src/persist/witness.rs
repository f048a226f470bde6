//! The witness: what was last acknowledged, kept apart from the journal, and a second time in another place if one is
//! configured: a disk that loses all of a world does not lose that.
//!
//! Two slots of 48 bytes at offsets 0 and 4096 are written in turn, so one torn write leaves the other:
//! magic, version u32, world u32, tick, chain, sequence, xxh3. The higher sequence number is the newer. It is written after each sync but synced itself only
//! with a checkpoint: it guards against a journal that lost its end; after a power cut it may lag, never lead.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::segment::{u32_at, u64_at};
use super::{StorageError, io_at, write_atomically};

const MAGIC: [u8; 8] = *b"BMWITN\r\n";
const VERSION: u32 = 2;
const SLOT_BYTES: usize = 48;
const SLOTS: [u64; 2] = [0, 4096];

/// The last acknowledged place in the journal.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Witnessed {
    pub(crate) tick: u64,
    pub(crate) chain: u64,
}

/// The open witness files.
#[derive(Debug)]
pub(crate) struct Witness {
    files: Vec<(PathBuf, File)>,
    world: u16,
    /// Writes so far; the parity chooses the slot.
    sequence: u64,
}

impl Witness {
    /// Replaces each file, atomically and durably, by one that says what is acknowledged now in both slots.
    pub(crate) fn open(
        paths: impl IntoIterator<Item = PathBuf>,
        world: u16,
        now: Witnessed,
    ) -> Result<Self, StorageError> {
        let files = paths.into_iter().map(|path| {
            replace(&path, world, now)?;
            let file = OpenOptions::new()
                .write(true)
                .open(&path)
                .map_err(io_at(&path, "open the witness"))?;
            Ok((path, file))
        });
        Ok(Self {
            files: files.collect::<Result<_, StorageError>>()?,
            world,
            sequence: 2,
        })
    }

    /// Records what has been acknowledged.
    pub(crate) fn write(&mut self, now: Witnessed) -> Result<(), StorageError> {
        let slot = encode(self.world, now, self.sequence);
        let at = SLOTS[(self.sequence % 2) as usize];
        self.each("writing the witness", |file| file.write_all_at(&slot, at))?;
        self.sequence += 1;
        Ok(())
    }

    /// Makes what was recorded durable, so that it is not older than a checkpoint for long.
    pub(crate) fn sync(&self) -> Result<(), StorageError> {
        self.each("syncing the witness", File::sync_data)
    }

    fn each(
        &self,
        doing: &'static str,
        act: impl Fn(&File) -> std::io::Result<()>,
    ) -> Result<(), StorageError> {
        self.files.iter().try_for_each(|(path, file)| {
            act(file).map_err(|source| StorageError::SyncFailed {
                path: path.clone(),
                doing,
                source,
            })
        })
    }
}

/// Writes a witness that says this in both slots.
pub(super) fn replace(path: &Path, world: u16, now: Witnessed) -> Result<(), StorageError> {
    let gap = [0; SLOTS[1] as usize - SLOT_BYTES];
    let slots = [0, 1].map(|sequence| encode(world, now, sequence));
    write_atomically(path, &[&slots[0], &gap, &slots[1]])
}

fn encode(world: u16, now: Witnessed, sequence: u64) -> [u8; SLOT_BYTES] {
    let mut slot = [0; SLOT_BYTES];
    slot[..8].copy_from_slice(&MAGIC);
    slot[8..12].copy_from_slice(&VERSION.to_le_bytes());
    slot[12..16].copy_from_slice(&u32::from(world).to_le_bytes());
    slot[16..24].copy_from_slice(&now.tick.to_le_bytes());
    slot[24..32].copy_from_slice(&now.chain.to_le_bytes());
    slot[32..40].copy_from_slice(&sequence.to_le_bytes());
    let hash = xxh3_64(&slot[..40]);
    slot[40..].copy_from_slice(&hash.to_le_bytes());
    slot
}

/// Reads a witness; `None` when there is no such file.
pub(crate) fn read(path: &Path, world: u16) -> Result<Option<Witnessed>, StorageError> {
    if !path.try_exists().map_err(io_at(path, "find"))? {
        return Ok(None);
    }
    let file = File::open(path).map_err(io_at(path, "open the witness"))?;
    let mut best: Option<(u64, Witnessed)> = None;
    let mut problem = None;
    for offset in SLOTS {
        let mut slot = [0; SLOT_BYTES];
        let whole = file.read_exact_at(&mut slot, offset).is_ok();
        match decode(path, offset, whole.then_some(&slot), world) {
            Ok(found) if best.is_none_or(|b| found.0 > b.0) => best = Some(found),
            Ok(_) => {}
            Err(error @ StorageError::Damaged { .. }) => problem = Some(error),
            Err(error) => return Err(error),
        }
    }
    match (best, problem) {
        (None, Some(error)) => Err(error),
        (Some((_, found)), problem) => {
            if let Some(error) = problem {
                tracing::warn!(%error, "one slot of the witness is damaged: what the other says may be older");
            }
            Ok(Some(found))
        }
        (None, None) => Ok(None),
    }
}

fn decode(
    path: &Path,
    offset: u64,
    slot: Option<&[u8; SLOT_BYTES]>,
    world: u16,
) -> Result<(u64, Witnessed), StorageError> {
    let damaged = |what| StorageError::Damaged {
        path: path.to_owned(),
        offset,
        what,
    };
    let slot = slot.ok_or_else(|| damaged("the witness is cut short"))?;
    if slot[..8] != MAGIC || u64_at(slot, 40) != xxh3_64(&slot[..40]) {
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
        return Err(StorageError::OtherWorld {
            path: path.to_owned(),
            stored: u32_at(slot, 12),
            wanted: world,
        });
    }
    let found = Witnessed {
        tick: u64_at(slot, 16),
        chain: u64_at(slot, 24),
    };
    Ok((u64_at(slot, 32), found))
}

/// Where the witness beside the journal is kept.
pub(crate) fn path_in(dir: &Path) -> PathBuf {
    dir.join("witness")
}

/// Where the second one is kept: a directory may serve several worlds.
pub(crate) fn second_in(witness_dir: &Path, world: u16) -> PathBuf {
    witness_dir.join(format!("witness-{world:05}"))
}
