//! What a tick consumes, and the entries of a journal. Kinds 1 and 3 were those of an earlier version.
//!
//! ```text
//! entry   kind u8 · tick u64 · body                     little-endian, no padding
//!   1     records: count u32 · records
//!   2     state hash: u64
//!   3     throttle: level u8 · pace u16
//!   4     records with shortened inputs: shortened.rs
//! record  kind u8 · body
//!   2     despawn   entity u64
//!   4     resident  tile u64 · checksum u64
//!   5     kind      id u16 · what Kind writes
//!   6     spawn     entity u64 · frame u64 · x i32 · y i32 · z i32 · heading u16 · kind u16 · velocity 3 × i32
//!   7     input     entity u64 · sequence u32 · east i16 · north i16 · up i16 · heading u16 · buttons u16 · predicted u32
//!   8     tier      entity u64 · tier u8
//!   9     carrier   entity u64 · at 3 × i64 · turn 4 × i32
//!  10     board     entity u64 · carrier u64
//!  11     leave     entity u64
//!  12     carrier gone  entity u64
//!  13     event     target u64 · source u64 · kind u16 · data 6 × u64
//!  14     lease     first u64 · count u64
//!  15     build     id u64 · obstacle
//!  16     raze      id u64
//!  17     transfer  by u64 · operation u64 · legs u8 · legs × (holder u8 · name u64 · item u32 · amount i64)
//! ```

use spatial_core::{CellId, EntityId, FrameId, Pose, Position, UNITS_PER_M};

use crate::agent::{Agent, Tier};
use crate::event::Event;
use crate::kind::{Kind, KindId};
use crate::ledger::Transfer;
use crate::shape::{Obstacle, ShapeError};

/// One thing that a tick consumes.
#[derive(Clone, PartialEq, Eq, Debug)]
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
        /// What it is asked.
        input: Input,
    },
    /// What agents of a kind are; told before the first of them is spawned, and never told otherwise.
    Kind {
        /// The kind's name.
        id: KindId,
        /// What it is.
        kind: Kind,
    },
    /// How often an agent moves from now on.
    Tier {
        /// The agent.
        entity: EntityId,
        /// How often.
        tier: Tier,
    },
    /// An entity becomes a carrier, or the one that it is moves.
    Carrier {
        /// The entity; it need not be an agent.
        entity: EntityId,
        /// Where it is and how it is turned.
        pose: CarrierPose,
    },
    /// Something happens to an agent in this tick, from outside of the world.
    Event {
        /// What, and to whom.
        event: Event,
    },
    /// A static obstacle is built.
    Build {
        /// Its name, among obstacles.
        id: EntityId,
        /// What it is, and where.
        obstacle: Obstacle,
    },
    /// A static obstacle is taken away.
    Raze {
        /// Its name.
        id: EntityId,
    },
    /// Things change hands: all of it, or nothing where somebody has not enough or the operation was done before.
    Transfer(Transfer),
    /// Names for agents whom systems spawn: used in this order, each once.
    Lease {
        /// The first one.
        first: EntityId,
        /// How many.
        count: u64,
    },
    /// A carrier is none any more; who is on it steps off. Refused, with some of them off, while one is more than 32 km above the ground.
    CarrierGone {
        /// The carrier.
        entity: EntityId,
    },
    /// An agent steps onto a carrier, where it stands.
    Board {
        /// The agent.
        entity: EntityId,
        /// The carrier.
        carrier: EntityId,
    },
    /// An agent steps off its carrier.
    Leave {
        /// The agent.
        entity: EntityId,
    },
    /// A terrain tile that was staged becomes ground to walk on.
    Resident {
        /// The tile's cell.
        tile: CellId,
        /// The checksum of its samples.
        checksum: u64,
    },
}

/// What somebody asks an agent to do from a tick on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Input {
    /// The asker's own count of inputs.
    pub seq: u32,
    /// Wanted velocity, 2⁻⁸ m/s east in the agent's frame.
    pub east: i16,
    /// Wanted velocity, 2⁻⁸ m/s north in the agent's frame.
    pub north: i16,
    /// Wanted velocity, 2⁻⁸ m/s up; for those who swim or fly.
    pub up: i16,
    /// Where it looks, 2⁻¹⁶ turns clockwise from north.
    pub heading: u16,
    /// What is held down: [`Input::JUMP`]; the other bits are the game's.
    pub buttons: u16,
    /// A hash of the state that the asker predicted it from; 0 when it does not say. The simulation does not look at it.
    pub predicted: u32,
}

impl Input {
    /// The button that makes a character jump.
    pub const JUMP: u16 = 1;
}

/// Where a carrier is and how it is turned, in integers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CarrierPose {
    /// Its origin, 2⁻¹⁶ m in planet axes.
    pub at: [i64; 3],
    /// The rotation from its axes to the planet's, a quaternion x, y, z, w whose 1 is [`CarrierPose::TURN_ONE`].
    pub turn: [i32; 4],
}

impl CarrierPose {
    /// What 1 is in a rotation: 2³⁰.
    pub const TURN_ONE: f64 = (1u32 << 30) as f64;

    /// The nearest one to a pose.
    pub fn new(pose: Pose) -> Self {
        let at = pose.at().to_array();
        let turn = pose.rotation().to_array();
        Self {
            at: at.map(|m| (m * UNITS_PER_M).round_ties_even() as i64),
            turn: turn.map(|part| (part * Self::TURN_ONE).round_ties_even() as i32),
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.at.iter().flat_map(|units| units.to_le_bytes()));
        out.extend(self.turn.iter().flat_map(|part| part.to_le_bytes()));
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, EntryError> {
        let mut pose = Self {
            at: [0; 3],
            turn: [0; 4],
        };
        for units in &mut pose.at {
            *units = r.u64()?.cast_signed();
        }
        for part in &mut pose.turn {
            *part = r.u32()?.cast_signed();
        }
        Ok(pose)
    }
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
    /// How much its host leaves undone from a tick on, since there is more to do than fits. Says why records are as they are; a replay
    /// needs it for nothing.
    Throttle {
        /// The tick.
        tick: u64,
        /// Steps of the host's order that are in force; 0: nothing is left undone.
        level: u8,
        /// How fast the world's time runs, thousandths of its tick rate.
        pace: u16,
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
    /// A run of names that is none.
    #[error("journal entry leases names from {0} on, which cannot be")]
    Lease(u64),
    /// The bytes of an obstacle are none.
    #[error("journal entry builds what cannot be: {0}")]
    Obstacle(#[from] ShapeError),
    /// A number that is no sort of holder.
    #[error("journal entry names a holder of sort {0}, which does not exist")]
    Holder(u8),
    /// A ledger whose sums are wrong, or which says something twice.
    #[error(
        "the ledger is none: an item's amounts do not come to nothing, or something is said twice"
    )]
    Ledger,
    /// A number that is no tier of activity.
    #[error("journal entry names the tier {0}, which does not exist")]
    Tier(u8),
    /// Shortened inputs that are not as they are written.
    #[error("journal entry with shortened inputs lacks {0}")]
    Shortened(&'static str),
    /// A number that names no cell.
    #[error("journal entry names the cell {0:#018x}, which does not exist")]
    Cell(u64),
}

impl Entry {
    /// The tick it belongs to.
    pub fn tick(&self) -> u64 {
        match self {
            Self::Records { tick, .. }
            | Self::StateHash { tick, .. }
            | Self::Throttle { tick, .. } => *tick,
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
            Self::Throttle { tick, level, pace } => {
                out.push(3);
                out.extend(tick.to_le_bytes());
                out.push(*level);
                out.extend(pace.to_le_bytes());
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
            3 => Self::Throttle {
                tick,
                level: r.u8()?,
                pace: r.u16()?,
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
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut begin = |kind: u8, name: u64| {
            out.push(kind);
            out.extend(name.to_le_bytes());
        };
        match *self {
            Self::Transfer(ref transfer) => {
                out.push(17);
                transfer.encode(out);
            }
            Self::Despawn { entity } => begin(2, entity.0),
            Self::Leave { entity } => begin(11, entity.0),
            Self::CarrierGone { entity } => begin(12, entity.0),
            Self::Board { entity, carrier } => {
                begin(10, entity.0);
                out.extend(carrier.0.to_le_bytes());
            }
            Self::Carrier { entity, pose } => {
                begin(9, entity.0);
                pose.encode(out);
            }
            Self::Tier { entity, tier } => {
                begin(8, entity.0);
                out.push(tier.0);
            }
            Self::Input { entity, input } => {
                begin(7, entity.0);
                input.encode(out);
            }
            Self::Spawn { entity, agent } => {
                begin(6, entity.0);
                encode_agent(&agent, out);
            }
            Self::Build { id, ref obstacle } => {
                begin(15, id.0);
                obstacle.encode(out);
            }
            Self::Raze { id } => begin(16, id.0),
            Self::Lease { first, count } => {
                begin(14, first.0);
                out.extend(count.to_le_bytes());
            }
            Self::Event { event } => {
                out.push(13);
                event.encode(out);
            }
            Self::Kind { id, kind } => {
                out.push(5);
                out.extend(id.0.to_le_bytes());
                kind.encode(out);
            }
            Self::Resident { tile, checksum } => {
                begin(4, tile.to_u64());
                out.extend(checksum.to_le_bytes());
            }
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, EntryError> {
        Ok(match r.u8()? {
            2 => Self::Despawn {
                entity: EntityId(r.u64()?),
            },
            4 => Self::Resident {
                tile: r.cell()?,
                checksum: r.u64()?,
            },
            5 => Self::Kind {
                id: KindId(r.u16()?),
                kind: Kind::decode(r)?,
            },
            6 => Self::Spawn {
                entity: EntityId(r.u64()?),
                agent: decode_agent(r)?,
            },
            7 => Self::Input {
                entity: EntityId(r.u64()?),
                input: Input::decode(r)?,
            },
            8 => {
                let (entity, tier) = (EntityId(r.u64()?), r.u8()?);
                let tier = Tier::from_u8(tier).ok_or(EntryError::Tier(tier))?;
                Self::Tier { entity, tier }
            }
            9 => Self::Carrier {
                entity: EntityId(r.u64()?),
                pose: CarrierPose::decode(r)?,
            },
            10 => Self::Board {
                entity: EntityId(r.u64()?),
                carrier: EntityId(r.u64()?),
            },
            11 => Self::Leave {
                entity: EntityId(r.u64()?),
            },
            12 => Self::CarrierGone {
                entity: EntityId(r.u64()?),
            },
            13 => Self::Event {
                event: Event::decode(r)?,
            },
            14 => Self::Lease {
                first: EntityId(r.u64()?),
                count: r.u64()?,
            },
            15 => Self::Build {
                id: EntityId(r.u64()?),
                obstacle: r.obstacle()?,
            },
            16 => Self::Raze {
                id: EntityId(r.u64()?),
            },
            17 => Self::Transfer(Transfer::decode(r)?),
            kind => return Err(EntryError::Kind(kind)),
        })
    }
}

impl Input {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.seq.to_le_bytes());
        for wish in [self.east, self.north, self.up] {
            out.extend(wish.to_le_bytes());
        }
        out.extend(self.heading.to_le_bytes());
        out.extend(self.buttons.to_le_bytes());
        out.extend(self.predicted.to_le_bytes());
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, EntryError> {
        Ok(Self {
            seq: r.u32()?,
            east: r.u16()?.cast_signed(),
            north: r.u16()?.cast_signed(),
            up: r.u16()?.cast_signed(),
            heading: r.u16()?,
            buttons: r.u16()?,
            predicted: r.u32()?,
        })
    }
}

fn encode_agent(agent: &Agent, out: &mut Vec<u8>) {
    let at = agent.position;
    out.extend(at.frame.0.to_le_bytes());
    out.extend(at.xyz().iter().flat_map(|units| units.to_le_bytes()));
    out.extend(agent.heading.to_le_bytes());
    out.extend(agent.kind.0.to_le_bytes());
    out.extend(agent.velocity.iter().flat_map(|part| part.to_le_bytes()));
}

fn decode_agent(r: &mut Reader<'_>) -> Result<Agent, EntryError> {
    let mut agent = Agent {
        position: Position {
            frame: FrameId(r.u64()?),
            x: r.u32()?.cast_signed(),
            y: r.u32()?.cast_signed(),
            z: r.u32()?.cast_signed(),
        },
        heading: r.u16()?,
        kind: KindId(r.u16()?),
        velocity: [0; 3],
    };
    for part in &mut agent.velocity {
        *part = r.u32()?.cast_signed();
    }
    Ok(agent)
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

    pub(crate) fn obstacle(&mut self) -> Result<Obstacle, EntryError> {
        let (obstacle, rest) = Obstacle::decode(self.0)?;
        self.0 = rest;
        Ok(obstacle)
    }

    pub(crate) fn cell(&mut self) -> Result<CellId, EntryError> {
        CellId::new(self.u64()?).map_err(|bad| EntryError::Cell(bad.0))
    }
}
