//! What a tick consumes, and the entries of a journal.
//!
//! ```text
//! entry   kind u8 · tick u64 · body                     little-endian, no padding
//!   1     records: count u32 · records
//!   2     state hash: u64
//! record  kind u8 · body
//!   1     spawn     entity u64 · frame u64 · x i32 · y i32 · z i32 · heading u16 · speed u16 · radius u16 · role u8
//!   2     despawn   entity u64
//!   3     input     entity u64 · sequence u32 · east i16 · north i16 · heading u16
//!   4     resident  tile u64 · checksum u64
//! ```

use spatial_core::{CellId, EntityId, FrameId, Position};

use crate::agent::Agent;

/// One thing that a tick consumes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Record {
    /// An agent enters the world. That ids are never used again is the promise of whoever leases them.
    Spawn {
        /// Its permanent name.
        entity: EntityId,
        /// What it is and where.
        agent: Agent,
    },
    /// An agent leaves the world.
    Despawn {
        /// Its name.
        entity: EntityId,
    },
    /// What somebody asked an agent to do from this tick on.
    Input {
        /// The agent.
        entity: EntityId,
        /// The asker's own count of inputs.
        seq: u32,
        /// Wanted velocity, 2⁻⁸ m/s east in the agent's frame.
        east: i16,
        /// Wanted velocity, 2⁻⁸ m/s north in the agent's frame.
        north: i16,
        /// Where it looks, 2⁻¹⁶ turns clockwise from north.
        heading: u16,
    },
    /// A terrain tile that was staged becomes ground to walk on.
    Resident {
        /// The tile's cell.
        tile: CellId,
        /// The checksum of its samples.
        checksum: u64,
    },
}

/// One entry of a journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// All that one tick consumed, in order.
    Records {
        /// The tick.
        tick: u64,
        /// The records.
        records: Vec<Record>,
    },
    /// The hash of the state before a tick was executed.
    StateHash {
        /// The tick.
        tick: u64,
        /// [`crate::World::hash`].
        hash: u64,
    },
}

/// Why bytes are no journal entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EntryError {
    /// The bytes end inside the entry.
    #[error("journal entry ends early")]
    Short,
    /// Bytes follow the entry.
    #[error("{0} bytes follow the journal entry")]
    Trailing(usize),
    /// An unknown kind of entry or record.
    #[error("unknown kind {0} in a journal entry")]
    Kind(u8),
    /// A number that names no cell.
    #[error("journal entry names the cell {0:#018x}, which does not exist")]
    Cell(u64),
}

impl Entry {
    /// The tick it belongs to.
    pub fn tick(&self) -> u64 {
        match self {
            Self::Records { tick, .. } | Self::StateHash { tick, .. } => *tick,
        }
    }

    /// Appends its bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Records { tick, records } => encode_records(*tick, records, out),
            Self::StateHash { tick, hash } => {
                out.push(2);
                out.extend(tick.to_le_bytes());
                out.extend(hash.to_le_bytes());
            }
        }
    }

    /// Reads one entry that fills the bytes exactly. Allocates at most in proportion to them.
    ///
    /// # Errors
    /// [`EntryError`] for anything that [`Entry::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let mut r = Reader(bytes);
        let (kind, tick) = (r.u8()?, r.u64()?);
        let entry = match kind {
            1 => {
                let count = r.u32()?;
                let mut records = Vec::new(); // grows with the bytes there are, not with the count they claim
                for _ in 0..count {
                    records.push(Record::decode(&mut r)?);
                }
                Self::Records { tick, records }
            }
            2 => Self::StateHash {
                tick,
                hash: r.u64()?,
            },
            _ => return Err(EntryError::Kind(kind)),
        };
        match r.0.len() {
            0 => Ok(entry),
            n => Err(EntryError::Trailing(n)),
        }
    }
}

/// Appends the bytes of a [`Entry::Records`] without building one.
///
/// # Panics
/// With 2³² records or more.
pub fn encode_records(tick: u64, records: &[Record], out: &mut Vec<u8>) {
    let count = u32::try_from(records.len()).expect("a tick consumes fewer than 2^32 records");
    out.push(1);
    out.extend(tick.to_le_bytes());
    out.extend(count.to_le_bytes());
    for record in records {
        record.encode(out);
    }
}

impl Record {
    fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Spawn { entity, agent } => {
                out.push(1);
                out.extend(entity.0.to_le_bytes());
                encode_agent(&agent, out);
            }
            Self::Despawn { entity } => {
                out.push(2);
                out.extend(entity.0.to_le_bytes());
            }
            Self::Input {
                entity,
                seq,
                east,
                north,
                heading,
            } => {
                out.push(3);
                out.extend(entity.0.to_le_bytes());
                out.extend(seq.to_le_bytes());
                out.extend(east.to_le_bytes());
                out.extend(north.to_le_bytes());
                out.extend(heading.to_le_bytes());
            }
            Self::Resident { tile, checksum } => {
                out.push(4);
                out.extend(tile.to_u64().to_le_bytes());
                out.extend(checksum.to_le_bytes());
            }
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, EntryError> {
        Ok(match r.u8()? {
            1 => Self::Spawn {
                entity: EntityId(r.u64()?),
                agent: decode_agent(r)?,
            },
            2 => Self::Despawn {
                entity: EntityId(r.u64()?),
            },
            3 => Self::Input {
                entity: EntityId(r.u64()?),
                seq: r.u32()?,
                east: r.u16()?.cast_signed(),
                north: r.u16()?.cast_signed(),
                heading: r.u16()?,
            },
            4 => Self::Resident {
                tile: r.cell()?,
                checksum: r.u64()?,
            },
            kind => return Err(EntryError::Kind(kind)),
        })
    }
}

fn encode_agent(agent: &Agent, out: &mut Vec<u8>) {
    let at = agent.position;
    out.extend(at.frame.0.to_le_bytes());
    for axis in [at.x, at.y, at.z] {
        out.extend(axis.to_le_bytes());
    }
    for small in [agent.heading, agent.speed_max, agent.radius] {
        out.extend(small.to_le_bytes());
    }
    out.push(agent.role);
}

fn decode_agent(r: &mut Reader<'_>) -> Result<Agent, EntryError> {
    Ok(Agent {
        position: Position {
            frame: FrameId(r.u64()?),
            x: r.u32()?.cast_signed(),
            y: r.u32()?.cast_signed(),
            z: r.u32()?.cast_signed(),
        },
        heading: r.u16()?,
        speed_max: r.u16()?,
        radius: r.u16()?,
        role: r.u8()?,
    })
}

/// A cursor that refuses to read past the end.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl Reader<'_> {
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], EntryError> {
        let (head, tail) = self.0.split_first_chunk().ok_or(EntryError::Short)?;
        self.0 = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, EntryError> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16, EntryError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, EntryError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, EntryError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn cell(&mut self) -> Result<CellId, EntryError> {
        CellId::new(self.u64()?).map_err(|bad| EntryError::Cell(bad.0))
    }
}
