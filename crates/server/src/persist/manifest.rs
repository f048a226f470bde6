//! What a backup holds: a line of JSON, and below it the line's checksum.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::witness::Witnessed;
use super::{StorageError, io_at, write_atomically};

const FORMAT: u32 = 1;

/// Names every file of a backup; written when they are all on the disk.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: u32,
    /// The world's number.
    pub(super) world: u16,
    /// Where its journal ends.
    pub(super) end_tick: u64,
    pub(super) end_chain: u64,
    /// Segments and checkpoints by rising tick, then keys.
    pub(super) files: Vec<Kept>,
}

/// A file of a backup. What it has beyond its bytes belongs to a backup that was not finished.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// xxh3-64 of them.
    pub(super) hash: u64,
    /// Of a segment that grows no more, the hash of its last frame.
    pub(super) end_chain: Option<u64>,
}

impl Manifest {
    pub(super) fn new(world: u16, end: Witnessed, files: Vec<Kept>) -> Self {
        Self {
            format: FORMAT,
            world,
            end_tick: end.tick,
            end_chain: end.chain,
            files,
        }
    }

    pub(super) fn end(&self) -> Witnessed {
        Witnessed {
            tick: self.end_tick,
            chain: self.end_chain,
        }
    }

    /// Reads a backup's manifest; `None` where there is none.
    pub(super) fn read(dir: &Path) -> Result<Option<Self>, StorageError> {
        let path = path_in(dir);
        if !path.try_exists().map_err(io_at(&path, "find"))? {
            return Ok(None);
        }
        let text = std::fs::read(&path).map_err(io_at(&path, "read the manifest"))?;
        let damaged = |what| StorageError::Damaged {
            path: path.clone(),
            offset: 0,
            what,
        };
        let body = text.strip_suffix(b"\n").unwrap_or(&text);
        let at = body.iter().rposition(|byte| *byte == b'\n');
        let (line, sum) = body.split_at(at.ok_or_else(|| damaged("cut short"))?);
        if sum[1..] != *format!("{:016x}", xxh3_64(line)).as_bytes() {
            return Err(damaged("does not match its checksum"));
        }
        let found: Self = serde_json::from_slice(line).map_err(|_| damaged("is no manifest"))?;
        if found.format != FORMAT {
            let what = format!(
                "a backup of format {}, this program reads format {FORMAT}",
                found.format
            );
            return Err(StorageError::Foreign { path, what });
        }
        if !found.files.iter().all(|file| super::is_kept(&file.name)) {
            return Err(damaged("names a file that no backup holds"));
        }
        Ok(Some(found))
    }

    /// Replaces the manifest, atomically and durably.
    pub(super) fn write(&self, dir: &Path) -> Result<(), StorageError> {
        let path = path_in(dir);
        let mut text = serde_json::to_string(self).map_err(|e| io_at(&path, "write")(e.into()))?;
        let sum = xxh3_64(text.as_bytes());
        text.push_str(&format!("\n{sum:016x}\n"));
        put(&path, text.as_bytes())
    }

    /// The file of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Kept> {
        self.files.iter().find(|file| file.name == name)
    }

    /// Its bytes, all together.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

impl Kept {
    /// One that holds these bytes.
    pub(super) fn of(name: &str, bytes: &[u8], end_chain: Option<u64>) -> Self {
        Self {
            name: name.to_owned(),
            bytes: bytes.len() as u64,
            hash: xxh3_64(bytes),
            end_chain,
        }
    }

    /// Reads the file out of a backup and checks it.
    pub(super) fn read(&self, dir: &Path) -> Result<Vec<u8>, StorageError> {
        let path = dir.join(&self.name);
        let mut bytes = std::fs::read(&path).map_err(io_at(&path, "read the backup"))?;
        bytes.truncate(self.bytes as usize);
        if bytes.len() as u64 != self.bytes || xxh3_64(&bytes) != self.hash {
            return Err(StorageError::Damaged {
                path,
                offset: 0,
                what: "does not match its checksum in the manifest",
            });
        }
        Ok(bytes)
    }
}

/// Writes a file of a backup: an error there says nothing about the journal.
pub(super) fn put(path: &Path, bytes: &[u8]) -> Result<(), StorageError> {
    write_atomically(path, &[bytes]).map_err(|error| match error {
        StorageError::SyncFailed { path, source, .. } => io_at(&path, "write")(source),
        other => other,
    })
}

pub(super) fn path_in(dir: &Path) -> PathBuf {
    dir.join("manifest.json")
}
