//! Checkpoints: the whole state after one tick.
//!
//! ```text
//! 0       8         12      16     24      32       36      40       48
//! ┌───────┬─────────┬───────┬──────┬───────┬────────┬───────┬────────┬─────────┬───────┐
//! │ magic │ version │ world │ tick │ chain │ host n │ zero  │ state n│ xxh3    │ …     │
//! └───────┴─────────┴───────┴──────┴───────┴────────┴───────┴────────┴─────────┴───────┘
//! then n bytes of the server's own section and n bytes of the world. The hash covers everything but itself.
//! ```

use std::io::Read;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::segment::{u32_at, u64_at};
use super::{StorageError, io_at, list, write_atomically};

const MAGIC: [u8; 8] = *b"BMCKPT\r\n";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 56;

/// A world's state after a tick, as stored.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Checkpoint {
    pub(crate) world: u16,
    pub(crate) tick: u64,
    /// The hash of the last journal frame that the state includes.
    pub(crate) chain: u64,
    /// What the server keeps beside the world.
    pub(crate) host: Vec<u8>,
    /// The world, in sim-core's own format.
    pub(crate) state: Vec<u8>,
}

impl Checkpoint {
    /// Writes the checkpoint durably.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), StorageError> {
        let head = self.head();
        let hash = self.hash(&head);
        write_atomically(
            &dir.join(format!("checkpoint-{:020}.bmc", self.tick)),
            &[&head, &hash.to_le_bytes(), &self.host, &self.state],
        )
    }

    fn head(&self) -> [u8; HEADER_BYTES - 8] {
        let mut out = [0; HEADER_BYTES - 8];
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[12..16].copy_from_slice(&u32::from(self.world).to_le_bytes());
        out[16..24].copy_from_slice(&self.tick.to_le_bytes());
        out[24..32].copy_from_slice(&self.chain.to_le_bytes());
        out[32..36].copy_from_slice(&(self.host.len() as u32).to_le_bytes());
        out[40..48].copy_from_slice(&(self.state.len() as u64).to_le_bytes());
        out
    }

    fn hash(&self, head: &[u8]) -> u64 {
        let mut hash = Xxh3::new();
        hash.update(head);
        hash.update(&self.host);
        hash.update(&self.state);
        hash.digest()
    }

    /// Reads and checks a checkpoint.
    pub(crate) fn read(path: &Path, world: u16) -> Result<Self, StorageError> {
        let bytes = std::fs::read(path).map_err(io_at(path, "read the checkpoint"))?;
        Self::decode(path, &bytes, world)
    }

    /// The hash of the last journal frame that a stored checkpoint includes, as its header says.
    pub(crate) fn place(path: &Path) -> Result<u64, StorageError> {
        let mut head = [0; HEADER_BYTES];
        let read = std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut head));
        match read {
            Ok(()) => Ok(u64_at(&head, 24)),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(StorageError::Damaged {
                    path: path.to_owned(),
                    offset: 0,
                    what: "the header is cut short",
                })
            }
            Err(error) => Err(io_at(path, "read the checkpoint")(error)),
        }
    }

    /// Checks the bytes of a checkpoint.
    pub(crate) fn decode(path: &Path, bytes: &[u8], world: u16) -> Result<Self, StorageError> {
        let damaged = |offset: usize, what| StorageError::Damaged {
            path: path.to_owned(),
            offset: offset as u64,
            what,
        };
        let foreign = |what| StorageError::Foreign {
            path: path.to_owned(),
            what,
        };
        if bytes.len() < HEADER_BYTES {
            return Err(damaged(bytes.len(), "the header is cut short"));
        }
        let (head, body) = bytes.split_at(HEADER_BYTES);
        if head[..8] != MAGIC {
            return Err(foreign("not a checkpoint (wrong magic)".into()));
        }
        if u32_at(head, 8) != VERSION {
            return Err(foreign(format!(
                "checkpoint version {}, this program reads version {VERSION}",
                u32_at(head, 8)
            )));
        }
        let host_bytes = u32_at(head, 32) as usize;
        let expected = (host_bytes as u64).checked_add(u64_at(head, 40));
        if expected != Some(body.len() as u64) {
            return Err(damaged(bytes.len(), "not as long as its header says"));
        }
        let (host, state) = body.split_at(host_bytes);
        let found = Self {
            world,
            tick: u64_at(head, 16),
            chain: u64_at(head, 24),
            host: host.to_vec(),
            state: state.to_vec(),
        };
        if found.hash(&head[..HEADER_BYTES - 8]) != u64_at(head, 48) {
            return Err(damaged(HEADER_BYTES, "does not match its checksum"));
        }
        if u32_at(head, 12) != u32::from(world) {
            return Err(StorageError::OtherWorld {
                path: path.to_owned(),
                stored: u32_at(head, 12),
                wanted: world,
            });
        }
        Ok(found)
    }
}

/// The checkpoints of a directory by rising tick.
pub(crate) fn list_checkpoints(dir: &Path) -> Result<Vec<(u64, PathBuf)>, StorageError> {
    list(dir, "checkpoint-", ".bmc")
}
