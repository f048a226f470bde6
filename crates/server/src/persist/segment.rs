//! Journal segments: a header, then frames.
//!
//! ```text
//! 0       8          12       16           24            32       40
//! ┌───────┬──────────┬────────┬────────────┬─────────────┬────────┐
//! │ magic │ version  │ world  │ first tick │ chain start │ xxh3   │ frames …
//! └───────┴──────────┴────────┴────────────┴─────────────┴────────┘
//! ```

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::{StorageError, io_at, is_full, list, write_atomically};

const MAGIC: [u8; 8] = *b"BMJRNL\r\n";
const VERSION: u32 = 2;
/// Where the first frame starts.
pub(crate) const HEADER_BYTES: usize = 40;
/// A segment ends at a tick's end, and on a full disk it may have to go on: no file of ours is larger than this.
pub(crate) const FILE_BYTES_MAX: usize = 128 << 20;

/// What a segment says about itself.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct SegmentHeader {
    pub(crate) world: u16,
    /// No frame in it is of an earlier tick.
    pub(crate) first_tick: u64,
    /// The hash of the last frame before it.
    pub(crate) chain: u64,
}

impl SegmentHeader {
    /// Where a segment that starts at this tick is kept.
    pub(crate) fn path(&self, dir: &Path) -> PathBuf {
        dir.join(format!("journal-{:020}.bmj", self.first_tick))
    }

    /// Makes the segment, replacing an empty one of the same name, and opens it for appending.
    pub(crate) fn create(&self, dir: &Path) -> Result<OpenSegment, StorageError> {
        let path = self.path(dir);
        write_atomically(&path, &[&self.encode()])?;
        OpenSegment::open(&path, HEADER_BYTES as u64)
    }

    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[12..16].copy_from_slice(&u32::from(self.world).to_le_bytes());
        out[16..24].copy_from_slice(&self.first_tick.to_le_bytes());
        out[24..32].copy_from_slice(&self.chain.to_le_bytes());
        let hash = xxh3_64(&out[..32]);
        out[32..].copy_from_slice(&hash.to_le_bytes());
        out
    }

    fn decode(path: &Path, bytes: &[u8], world: u16) -> Result<Self, StorageError> {
        let damaged = |offset, what| StorageError::Damaged {
            path: path.to_owned(),
            offset,
            what,
        };
        let foreign = |what| StorageError::Foreign {
            path: path.to_owned(),
            what,
        };
        let head = bytes
            .first_chunk::<HEADER_BYTES>()
            .ok_or_else(|| damaged(0, "the header is cut short"))?;
        if head[..8] != MAGIC {
            return Err(foreign("not a journal segment (wrong magic)".into()));
        }
        let version = u32_at(head, 8);
        if version != VERSION {
            return Err(foreign(format!(
                "journal version {version}, this program reads version {VERSION}"
            )));
        }
        if u64_at(head, 32) != xxh3_64(&head[..32]) {
            return Err(damaged(0, "the header does not match its checksum"));
        }
        if u32_at(head, 12) != u32::from(world) {
            return Err(StorageError::OtherWorld {
                path: path.to_owned(),
                stored: u32_at(head, 12),
                wanted: world,
            });
        }
        Ok(Self {
            world,
            first_tick: u64_at(head, 16),
            chain: u64_at(head, 24),
        })
    }
}

/// The segment that grows.
#[derive(Debug)]
pub(crate) struct OpenSegment {
    path: PathBuf,
    file: File,
    /// Up to here it is whole.
    bytes: u64,
}

impl OpenSegment {
    /// One that holds so many bytes.
    pub(crate) fn open(path: &Path, bytes: u64) -> Result<Self, StorageError> {
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .map_err(io_at(path, "open the journal"))?;
        let path = path.to_owned();
        Ok(Self { path, file, bytes })
    }

    /// Appends frames, unsynced. False when there is no room for them: then none of their bytes is left either.
    pub(crate) fn append(&mut self, frames: &[u8]) -> Result<bool, StorageError> {
        match self.file.write_all(frames) {
            Ok(()) => {
                self.bytes += frames.len() as u64;
                Ok(true)
            }
            Err(error) if is_full(&error) => {
                let cut = self.file.set_len(self.bytes);
                cut.map_err(|e| self.failed("cutting what had no room", e))?;
                Ok(false)
            }
            Err(error) => Err(self.failed("writing", error)),
        }
    }

    /// Makes what was appended durable. After an error nobody knows what of it is: see [`StorageError::SyncFailed`].
    pub(crate) fn sync(&self) -> Result<(), StorageError> {
        self.file.sync_data().map_err(|e| self.failed("syncing", e))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of its frames.
    pub(crate) fn frame_bytes(&self) -> usize {
        self.bytes as usize - HEADER_BYTES
    }

    fn failed(&self, doing: &'static str, source: std::io::Error) -> StorageError {
        StorageError::SyncFailed {
            path: self.path.clone(),
            doing,
            source,
        }
    }
}

/// A segment read into memory.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) header: SegmentHeader,
    /// The whole file, header included; frames start at [`HEADER_BYTES`].
    pub(crate) bytes: Vec<u8>,
}

impl Segment {
    /// Reads a segment and checks its header and name.
    pub(crate) fn read(path: &Path, named_tick: u64, world: u16) -> Result<Self, StorageError> {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|f| f.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes))
            .map_err(io_at(path, "read the journal"))?;
        let damaged = |offset, what| StorageError::Damaged {
            path: path.to_owned(),
            offset,
            what,
        };
        if bytes.len() > FILE_BYTES_MAX {
            return Err(damaged(FILE_BYTES_MAX as u64, "longer than any segment"));
        }
        let header = Self::head(path, &bytes, named_tick, world)?;
        Ok(Self {
            path: path.to_owned(),
            header,
            bytes,
        })
    }

    /// Checks the header and name of a segment's bytes.
    pub(crate) fn head(
        path: &Path,
        bytes: &[u8],
        named_tick: u64,
        world: u16,
    ) -> Result<SegmentHeader, StorageError> {
        let header = SegmentHeader::decode(path, bytes, world)?;
        if header.first_tick != named_tick {
            return Err(StorageError::Damaged {
                path: path.to_owned(),
                offset: 16,
                what: "the header names another tick than the file",
            });
        }
        Ok(header)
    }
}

/// The segments of a directory by rising first tick.
pub(crate) fn list_segments(dir: &Path) -> Result<Vec<(u64, PathBuf)>, StorageError> {
    list(dir, "journal-", ".bmj")
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut raw = [0; 4];
    raw.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(raw)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut raw = [0; 8];
    raw.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(raw)
}
