//! The world: its state, and the one way in which time passes.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use spatial_core::{
    CellId, Component, CoordError, Ecef, EntityId, Frame, FrameId, HeightTile, LatticeSpec,
    MovingIndex, Planet, Position, RegisterError, Table,
};
use xxhash_rust::xxh3::Xxh3;

use crate::agent::{
    Agent, Body, BodyLanes, CROSSED, HELD, Heading, HeadingLanes, Moved, Traits, TraitsLanes, Wish,
    WishLanes,
};
use crate::checkpoint::hash_start;
use crate::ground::Ground;
use crate::kind::FINE_PER_M;
use crate::motion::{Before, Scene};
use crate::record::Record;

/// Frames that nobody is in may be kept, besides as many as there are agents.
const FRAMES_IDLE_MAX: usize = 256;

/// What a world is before its first tick.
#[derive(Clone, PartialEq, Debug)]
pub struct WorldStart {
    /// The world's id.
    pub world_id: u64,
    /// The planet.
    pub planet: Planet,
    /// Ticks a second, in [`WorldStart::TICK_RATE_HZ`].
    pub tick_rate_hz: u16,
    /// The lattice of the terrain that agents stand on; its finest level is the one they collide with.
    pub lattice: LatticeSpec,
}

impl WorldStart {
    /// Tick rates that a world may have.
    pub const TICK_RATE_HZ: core::ops::RangeInclusive<u16> = 20..=120;
}

/// Agents on a planet. Same start, same records, same hash: for any number of threads and after any restore.
///
/// A step runs on the current rayon pool. State reads of a step see the tick before it.
pub struct World {
    start: WorldStart,
    tick: u64,
    pub(crate) table: Table,
    pub(crate) ground: Ground,
    start_hash: u64,
    places: Vec<Ecef>,   // of each row, derived from its body
    frames: Vec<Frame>,  // of all bodies and some more, sorted by id, derived
    fresh: Vec<FrameId>, // scratch
    index: MovingIndex,  // scratch
    moved: Vec<Moved>,   // scratch
}

impl World {
    /// Agents that one worker moves at a time. Fixed, though no result depends on it.
    pub const CHUNK_ROWS: usize = 256;

    /// An empty world at tick 0.
    ///
    /// # Errors
    /// [`StartError`] when the tick rate is out of range.
    pub fn new(start: WorldStart) -> Result<Self, StartError> {
        if !WorldStart::TICK_RATE_HZ.contains(&start.tick_rate_hz) {
            return Err(StartError(start.tick_rate_hz));
        }
        let mut table = Table::new();
        register(&mut table).expect("the columns of an empty table do not clash");
        Ok(Self::from_parts(start, 0, table))
    }

    /// A world around a table whose columns are registered.
    pub(crate) fn from_parts(start: WorldStart, tick: u64, table: Table) -> Self {
        Self {
            tick,
            table,
            ground: Ground::new(start.lattice),
            start_hash: hash_start(&start),
            places: Vec::new(),
            frames: Vec::new(),
            fresh: Vec::new(),
            index: MovingIndex::new(),
            moved: Vec::new(),
            start,
        }
    }

    /// The tick that the next step executes.
    pub fn tick(&self) -> u64 {
        self.tick
    }

    /// What the world was before its first tick.
    pub fn start(&self) -> &WorldStart {
        &self.start
    }

    /// Offers a tile's samples to a coming [`Record::Resident`]. Not part of the state.
    pub fn stage(&mut self, tile: Arc<HeightTile>) {
        self.ground.stage(tile);
    }

    /// Whether agents can walk on a tile.
    pub fn is_resident(&self, tile: CellId) -> bool {
        self.ground.resident(tile).is_some()
    }

    /// Executes one tick.
    ///
    /// Records that cannot be obeyed are refused and counted: an agent that is not there, an id taken, a position
    /// outside its frame's cell by more than the hysteresis, an agent wider than [`Agent::RADIUS_MAX`]. Cost: about 0.4 µs an agent on one thread.
    ///
    /// # Errors
    /// [`StepError`] when the tick is not the next one, or a tile was not staged or is resident with other samples;
    /// the world is unchanged.
    pub fn step(&mut self, tick: u64, records: &[Record]) -> Result<StepReport, StepError> {
        self.check(tick, records)?;
        let refused = records.iter().filter(|r| !self.apply(r)).count();
        self.gather_frames();
        self.advance();
        let count = |flag| self.moved.iter().filter(|m| m.flags & flag != 0).count() as u32;
        let report = StepReport {
            tick,
            entities: self.len() as u32,
            held: count(HELD),
            crossings: count(CROSSED),
            contacts: self.moved.iter().map(|m| u64::from(m.contacts)).sum(),
            refused: refused as u32,
        };
        self.write_back();
        self.tick += 1;
        Ok(report)
    }

    /// The hash of the start and the state: columns, resident tiles, tick. It does not depend on the order of rows.
    /// Costs about 50 ns an agent.
    pub fn hash(&self) -> u64 {
        let mut hash = Xxh3::new();
        hash.update(&self.start_hash.to_le_bytes());
        hash.update(&self.tick.to_le_bytes());
        hash.update(&(self.len() as u64).to_le_bytes());
        hash.update(&self.table.hash_rows().to_le_bytes());
        for (tile, checksum) in self.ground.inventory() {
            hash.update(&tile.to_u64().to_le_bytes());
            hash.update(&checksum.to_le_bytes());
        }
        hash.digest()
    }

    /// How many agents there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Ids in row order.
    pub fn ids(&self) -> &[EntityId] {
        self.table.ids()
    }

    /// The row of an agent. Rows change whenever one leaves.
    pub fn row_of(&self, entity: EntityId) -> Option<usize> {
        self.table.row(entity)
    }

    /// The position of a row.
    ///
    /// # Panics
    /// When the row does not exist.
    pub fn position(&self, row: usize) -> Position {
        self.table.get::<Body>(row).position()
    }

    /// An agent as it is now.
    pub fn agent(&self, entity: EntityId) -> Option<Agent> {
        let row = self.row_of(entity)?;
        let traits = self.table.get::<Traits>(row);
        Some(Agent {
            position: self.position(row),
            heading: self.table.get::<Heading>(row).turn,
            speed_max: traits.speed_max,
            radius: traits.radius,
            role: traits.role,
        })
    }

    /// Planet-centred places in row order, as the last step left them.
    pub fn places(&self) -> &[Ecef] {
        &self.places
    }

    /// Headings in row order, 2⁻¹⁶ turns clockwise from north.
    pub fn headings(&self) -> &[u16] {
        self.table.lanes::<Heading>().turn
    }

    /// Roles in row order, as given at the spawn.
    pub fn roles(&self) -> &[u8] {
        self.table.lanes::<Traits>().role
    }

    fn check(&self, tick: u64, records: &[Record]) -> Result<(), StepError> {
        if tick != self.tick {
            return Err(StepError::Tick {
                asked: tick,
                next: self.tick,
            });
        }
        if tick == u64::MAX {
            return Err(StepError::LastTick);
        }
        let mut admitted = BTreeMap::new(); // by earlier records of this tick
        for record in records {
            if let Record::Resident { tile, checksum } = *record {
                self.check_tile(tile, checksum, admitted.insert(tile, checksum))?;
            }
        }
        Ok(())
    }

    /// Whether a tile may become resident: it is and was admitted with no other samples, and they are at hand.
    fn check_tile(
        &self,
        tile: CellId,
        checksum: u64,
        admitted: Option<u64>,
    ) -> Result<(), StepError> {
        let resident = self.ground.resident(tile).map(|t| t.checksum());
        match resident.or(admitted) {
            Some(same) if same == checksum => Ok(()),
            Some(_) => Err(StepError::OtherTile { tile, checksum }),
            None if self.ground.is_staged(tile, checksum) => Ok(()),
            None => Err(StepError::NotStaged { tile, checksum }),
        }
    }

    /// Obeys a record; false when it cannot be.
    fn apply(&mut self, record: &Record) -> bool {
        match *record {
            Record::Spawn { entity, agent } => self.spawn(entity, &agent),
            Record::Despawn { entity } => self.despawn(entity),
            Record::Input {
                entity,
                east,
                north,
                heading,
                ..
            } => self.table.row(entity).is_some_and(|row| {
                self.table.set(row, Wish { east, north });
                self.table.set(row, Heading { turn: heading });
                true
            }),
            Record::Resident { tile, .. } => {
                self.ground.admit(tile);
                true
            }
        }
    }

    fn spawn(&mut self, entity: EntityId, agent: &Agent) -> bool {
        let Ok(frame) = Frame::new(self.start.planet, agent.position.frame) else {
            return false;
        };
        let place = frame.to_ecef(agent.position);
        let is_legal = !frame.is_left(place) && agent.radius <= Agent::RADIUS_MAX;
        if !is_legal || self.table.spawn(entity).is_err() {
            return false;
        }
        let row = self.table.len() - 1;
        self.table.set(row, Body::from(agent.position));
        self.table.set(row, Wish::default());
        self.table.set(
            row,
            Heading {
                turn: agent.heading,
            },
        );
        self.table.set(
            row,
            Traits {
                speed_max: agent.speed_max,
                radius: agent.radius,
                role: agent.role,
            },
        );
        self.places.push(place);
        true
    }

    fn despawn(&mut self, entity: EntityId) -> bool {
        let Some(row) = self.table.row(entity) else {
            return false;
        };
        self.places.swap_remove(row);
        self.table.despawn(entity).is_ok()
    }

    /// Brings into `frames` all that the bodies name; builds only those that are new. Frames that nobody is in any
    /// more are dropped when there are many.
    fn gather_frames(&mut self) {
        let named = self.table.lanes::<Body>().frame;
        if self.frames.len() > 2 * named.len() + FRAMES_IDLE_MAX {
            self.frames.clear();
        }
        let mut last = FrameId::default();
        for &id in named {
            if id != last && self.frames.binary_search_by_key(&id, Frame::id).is_err() {
                self.fresh.push(id);
            }
            last = id;
        }
        if self.fresh.is_empty() {
            return;
        }
        self.fresh.sort_unstable();
        self.fresh.dedup();
        let planet = self.start.planet;
        let fresh = self.fresh.drain(..);
        self.frames
            .extend(fresh.map(|id| frame_of_body(planet, id)));
        self.frames.sort_unstable_by_key(Frame::id);
    }

    /// Moves every agent, reading the tick before, into `moved`.
    fn advance(&mut self) {
        self.index.rebuild(self.table.ids(), &self.places);
        self.moved.resize(self.table.len(), Moved::default());
        let traits = self.table.lanes::<Traits>();
        let scene = Scene {
            planet: self.start.planet,
            ticks_per_s: f64::from(self.start.tick_rate_hz),
            ground: &self.ground,
            near: self.index.view(self.table.ids(), &self.places),
            ids: self.table.ids(),
            places: &self.places,
            radius: traits.radius,
            radius_max_m: f64::from(traits.radius.iter().copied().max().unwrap_or(0)) / FINE_PER_M,
        };
        let rows = Rows {
            body: self.table.lanes::<Body>(),
            wish: self.table.lanes::<Wish>(),
            heading: self.table.lanes::<Heading>(),
            traits,
        };
        let frames = &self.frames;
        self.moved
            .par_chunks_mut(Self::CHUNK_ROWS)
            .enumerate()
            .for_each(|(n, out)| advance_chunk(&scene, &rows, frames, n * Self::CHUNK_ROWS, out));
    }

    /// Makes `moved` the state.
    fn write_back(&mut self) {
        let (_, (body, wish, heading)) = self
            .table
            .split_mut::<(&mut Body, &mut Wish, &mut Heading)>();
        for (row, m) in self.moved.iter().enumerate() {
            body.frame[row] = m.frame;
            body.x[row] = m.x;
            body.y[row] = m.y;
            body.z[row] = m.z;
            wish.east[row] = m.east;
            wish.north[row] = m.north;
            heading.turn[row] = m.heading;
            self.places[row] = place_of(m.place);
        }
    }

    /// Recomputes what is derived from the table, after a load.
    pub(crate) fn derive(&mut self) -> Result<(), CoordError> {
        self.frames.clear();
        let rows = 0..self.table.len();
        let planet = self.start.planet;
        self.places = rows
            .map(|row| planet.place(self.position(row)))
            .collect::<Result<_, _>>()?;
        Ok(())
    }
}

/// Registers the columns of an agent; those a loaded table brings along stay.
pub(crate) fn register(table: &mut Table) -> Result<(), RegisterError> {
    table.register::<Body>()?;
    table.register::<Wish>()?;
    table.register::<Heading>()?;
    table.register::<Traits>()?;
    Ok(())
}

fn frame_of_body(planet: Planet, id: FrameId) -> Frame {
    Frame::new(planet, id).expect("spawns and loads are refused in a frame that does not exist")
}

fn place_of(place: [f64; 3]) -> Ecef {
    let [x, y, z] = place;
    Ecef::new(x, y, z).expect("integers of a frame are finite places")
}

/// The columns that a step reads.
struct Rows<'a> {
    body: BodyLanes<'a>,
    wish: WishLanes<'a>,
    heading: HeadingLanes<'a>,
    traits: TraitsLanes<'a>,
}

impl Rows<'_> {
    fn get(&self, row: usize) -> Before {
        Before {
            row,
            body: Body::get(&self.body, row),
            wish: Wish::get(&self.wish, row),
            heading: Heading::get(&self.heading, row),
            traits: Traits::get(&self.traits, row),
        }
    }
}

/// Moves the agents of one chunk. Neighbouring rows mostly share a frame, so the last one is kept.
fn advance_chunk(
    scene: &Scene<'_>,
    rows: &Rows<'_>,
    frames: &[Frame],
    first_row: usize,
    out: &mut [Moved],
) {
    let mut last = 0;
    for (n, moved) in out.iter_mut().enumerate() {
        let agent = rows.get(first_row + n);
        if frames[last].id() != agent.body.frame {
            last = frames
                .binary_search_by_key(&agent.body.frame, Frame::id)
                .expect("frames of all bodies were gathered");
        }
        *moved = scene.advance(&frames[last], &agent);
    }
}

/// What a step did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StepReport {
    /// The tick that was executed.
    pub tick: u64,
    /// Agents in the world.
    pub entities: u32,
    /// Agents that stood still because their ground is not resident.
    pub held: u32,
    /// Overlaps that agents felt; a pair counts twice.
    pub contacts: u64,
    /// Changes of frame.
    pub crossings: u32,
    /// Records that could not be obeyed.
    pub refused: u32,
}

/// A tick rate out of range.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("tick rate {0} Hz is not within 20 to 120")]
pub struct StartError(pub u16);

/// Why a step was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StepError {
    /// Not the next tick.
    #[error("tick {asked} is not the next one, which is {next}")]
    Tick {
        /// What was asked for.
        asked: u64,
        /// What would be next.
        next: u64,
    },
    /// There is no tick after it.
    #[error("the last tick there can be is over")]
    LastTick,
    /// A tile is to become resident that is so already with other samples.
    #[error(
        "terrain tile {tile} is resident with other samples than those of checksum {checksum:016x}"
    )]
    OtherTile {
        /// The tile.
        tile: CellId,
        /// The checksum in the record.
        checksum: u64,
    },
    /// A tile is to become resident whose samples were not staged, or others were.
    #[error("terrain tile {tile} with checksum {checksum:016x} was not staged")]
    NotStaged {
        /// The tile.
        tile: CellId,
        /// The checksum in the record.
        checksum: u64,
    },
}
