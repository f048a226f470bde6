//! A world as bytes.
//!
//! ```text
//! magic "BMWORLD3" · xxh3-64 of all that follows
//! world u64 · radius f64 · tick rate u16 · gravity u16 · lattice: levels u8 · intervals u16 · offset f64 · quantum f64 · tick u64
//! resident tiles: count u32 · (cell u64 · checksum u64)…, in cell order
//! kinds: count u32 · (id u16 · what Kind writes)…, ascending
//! carriers: count u32 · (entity u64 · pose 7 × f64)…, ascending
//! leases: count u32 · (next u64 · end u64)…
//! events on their way: count u32 · (due u64 · sent u64 · order u32 · event)…
//! obstacles: count u32 · (id u64 · obstacle)…, ascending
//! ledger: count u64 · (holder u8 · name u64 · item u32 · amount i64)… · count u64 · (account u64 · highest u64 · done u64)…, each ascending
//! table: the bytes of Table::save, to the end
//! ```

use std::sync::Arc;

use rayon::prelude::*;
use spatial_core::{
    CellId, CoordError, DQuat, Ecef, EntityId, HeightTile, LatticeSpec, LoadError as TableError,
    Planet, Pose, PoseError, RegisterError, Table,
};
use xxhash_rust::xxh3::xxh3_64;

use crate::event::Mail;
use crate::kind::{Kind, KindId};
use crate::kinds::Kinds;
use crate::leases::Leases;
use crate::ledger::Ledger;
use crate::record::{EntryError, Reader};
use crate::statics::Statics;
use crate::world::{StartError, World, WorldStart, register};

const MAGIC: &[u8; 8] = b"BMWORLD3";
/// The version before, which had no ledger; it is read.
const MAGIC_2: &[u8; 8] = b"BMWORLD2";

/// Rows that a worker hashes at once.
const HASHED: usize = 1_024;

impl World {
    /// What all rows add to the hash of the state.
    pub(crate) fn hash_rows(&self) -> u64 {
        let runs = (0..self.len().div_ceil(HASHED)).into_par_iter();
        let rows = |run: usize| run * HASHED..self.len().min((run + 1) * HASHED);
        runs.map(|run| self.table.hash_rows_of(rows(run)))
            .reduce(|| 0, u64::wrapping_add)
    }

    /// The whole state as bytes; [`World::load`] restores it exactly.
    pub fn save(&self) -> Vec<u8> {
        let start = self.start();
        let mut out = Vec::from(MAGIC);
        out.extend([0; 8]);
        encode_start(start, &mut out);
        out.extend(self.tick().to_le_bytes());
        let tiles = self.ground.inventory();
        out.extend((tiles.len() as u32).to_le_bytes());
        for (tile, checksum) in tiles {
            out.extend(tile.to_u64().to_le_bytes());
            out.extend(checksum.to_le_bytes());
        }
        self.encode_others(&mut out);
        self.statics.encode(&mut out);
        self.ledger.encode(&mut out);
        self.table.save(&mut out);
        let sum = xxh3_64(&out[16..]);
        out[8..16].copy_from_slice(&sum.to_le_bytes());
        out
    }

    /// What is state besides tiles and table.
    pub(crate) fn encode_others(&self, out: &mut Vec<u8>) {
        out.extend((self.kinds.iter().count() as u32).to_le_bytes());
        for (id, kind) in self.kinds.iter() {
            out.extend(id.0.to_le_bytes());
            kind.encode(out);
        }
        let carriers = self.frames.carriers().carriers();
        out.extend((carriers.len() as u32).to_le_bytes());
        for carrier in carriers {
            let pose = carrier.pose();
            let parts = (pose.at().to_array().into_iter()).chain(pose.rotation().to_array());
            out.extend(carrier.entity().0.to_le_bytes());
            out.extend(parts.flat_map(f64::to_le_bytes));
        }
        self.leases.encode(out);
        self.mail.encode(out);
    }

    /// The world that was saved. `tiles` gives the samples of the tiles that were resident.
    ///
    /// # Errors
    /// [`LoadError`] when the bytes are not what [`World::save`] wrote or a tile is not to be had.
    pub fn load(
        bytes: &[u8],
        tiles: &mut dyn FnMut(CellId, u64) -> Option<Arc<HeightTile>>,
    ) -> Result<Self, LoadError> {
        let mut r = Reader(bytes);
        let magic = r.array::<8>()?;
        if ![MAGIC, MAGIC_2].contains(&&magic) {
            return Err(LoadError::Magic);
        }
        if r.u64()? != xxh3_64(r.0) {
            return Err(LoadError::Checksum);
        }
        let (start, tick) = decode_start(&mut r)?;
        let mut inventory = Vec::new();
        for _ in 0..r.u32()? {
            inventory.push((r.cell()?, r.u64()?));
        }
        let kinds = decode_kinds(&mut r)?;
        let mut carriers = Vec::new();
        for _ in 0..r.u32()? {
            carriers.push((EntityId(r.u64()?), decode_pose(&mut r)?));
        }
        let leases = Leases::decode(&mut r)?;
        let mail = Mail::decode(&mut r)?;
        let statics = Statics::decode(start.planet, &mut r)?.ok_or(LoadError::Obstacle)?;
        let ledger = match &magic {
            MAGIC_2 => Ledger::default(),
            _ => Ledger::decode(&mut r)?,
        };
        let mut table = Table::load(r.0)?;
        let columns = table.columns().len();
        register(&mut table)?;
        if table.columns().len() != columns {
            return Err(LoadError::MissingColumn);
        }
        let mut world = Self::from_parts(start, tick, table);
        (world.kinds, world.leases, world.mail) = (kinds, leases, mail);
        (world.statics, world.ledger) = (statics, Arc::new(ledger));
        for (entity, pose) in carriers {
            if !world.frames.set_carrier(entity, pose) {
                return Err(LoadError::Carrier(entity));
            }
        }
        let are_known = world.kinds().all(|kind| world.kind(kind).is_some());
        if !are_known {
            return Err(LoadError::Kind);
        }
        for (cell, checksum) in inventory {
            let tile = tiles(cell, checksum);
            let tile = tile.ok_or(LoadError::Tile { cell, checksum })?;
            world.stage(tile);
            if !world.ground.is_staged(cell, checksum) {
                return Err(LoadError::Tile { cell, checksum });
            }
            world.ground.admit(cell, checksum);
        }
        world.derive()?;
        Ok(world)
    }
}

fn decode_kinds(r: &mut Reader<'_>) -> Result<Kinds, LoadError> {
    let mut kinds = Kinds::default();
    for _ in 0..r.u32()? {
        let id = KindId(r.u16()?);
        if !kinds.define(id, Kind::decode(r)?) {
            return Err(LoadError::Kind);
        }
    }
    Ok(kinds)
}

fn decode_pose(r: &mut Reader<'_>) -> Result<Pose, LoadError> {
    let mut parts = [0.0; 7];
    for part in &mut parts {
        *part = f64::from_le_bytes(r.array()?);
    }
    let [x, y, z, turn @ ..] = parts;
    Ok(Pose::restored(
        Ecef::new(x, y, z)?,
        DQuat::from_array(turn),
    )?)
}

/// What makes two worlds different before their first tick.
pub(crate) fn hash_start(start: &WorldStart) -> u64 {
    let mut bytes = Vec::new();
    encode_start(start, &mut bytes);
    xxh3_64(&bytes)
}

fn encode_start(start: &WorldStart, out: &mut Vec<u8>) {
    out.extend(start.world_id.to_le_bytes());
    out.extend(start.planet.radius_m().to_le_bytes());
    out.extend(start.tick_rate_hz.to_le_bytes());
    out.extend(start.gravity.to_le_bytes());
    let lattice = &start.lattice;
    out.push(lattice.levels());
    out.extend(lattice.intervals().to_le_bytes());
    out.extend(lattice.offset_m().to_le_bytes());
    out.extend(lattice.quantum_m().to_le_bytes());
}

fn decode_start(r: &mut Reader<'_>) -> Result<(WorldStart, u64), LoadError> {
    let world_id = r.u64()?;
    let planet = Planet::new(f64::from_le_bytes(r.array()?))?;
    let tick_rate_hz = r.u16()?;
    if !WorldStart::TICK_RATE_HZ.contains(&tick_rate_hz) {
        return Err(LoadError::Start(StartError(tick_rate_hz)));
    }
    let gravity = r.u16()?;
    let (levels, intervals) = (r.u8()?, r.u16()?);
    let (offset_m, quantum_m) = (
        f64::from_le_bytes(r.array()?),
        f64::from_le_bytes(r.array()?),
    );
    let lattice =
        LatticeSpec::new(levels, intervals, offset_m, quantum_m).map_err(|_| LoadError::Lattice)?;
    let tick = r.u64()?;
    let start = WorldStart {
        world_id,
        planet,
        tick_rate_hz,
        gravity,
        lattice,
    };
    Ok((start, tick))
}

/// Why bytes are no world.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// They do not begin as a checkpoint of this version does.
    #[error("not a checkpoint of this version")]
    Magic,
    /// A byte was changed or lost.
    #[error("checkpoint is damaged: its checksum does not match")]
    Checksum,
    /// The bytes end early or name a cell that does not exist.
    #[error("checkpoint is damaged: {0}")]
    Form(#[from] EntryError),
    /// The table is not readable.
    #[error("checkpoint is damaged: {0}")]
    Table(#[from] TableError),
    /// A column is not the one that this version has.
    #[error("checkpoint is of another version: {0}")]
    Column(#[from] RegisterError),
    /// A column of agents is not there.
    #[error("checkpoint is damaged: a column of agents is missing")]
    MissingColumn,
    /// A coordinate is not one of this planet's.
    #[error("checkpoint is damaged: {0}")]
    Coordinate(#[from] CoordError),
    /// A kind is told twice or none, or an agent's is not told.
    #[error("checkpoint is damaged: its kinds are not those of its agents")]
    Kind,
    /// An obstacle is there twice, or cannot be there.
    #[error("checkpoint is damaged: an obstacle is there twice, or cannot be there")]
    Obstacle,
    /// A carrier cannot be one.
    #[error("checkpoint is damaged: {0} cannot be a carrier")]
    Carrier(EntityId),
    /// A carrier's pose is none.
    #[error("checkpoint is damaged: {0}")]
    Pose(#[from] PoseError),
    /// The tick rate is out of range.
    #[error("checkpoint is damaged: {0}")]
    Start(#[from] StartError),
    /// The terrain lattice is none.
    #[error("checkpoint is damaged: its terrain lattice is none")]
    Lattice,
    /// A resident tile's samples are not to be had, or they are others.
    #[error(
        "terrain tile {cell} with checksum {checksum:016x} is not in the planet: was the planet replaced?"
    )]
    Tile {
        /// The tile.
        cell: CellId,
        /// The checksum it had.
        checksum: u64,
    },
}
