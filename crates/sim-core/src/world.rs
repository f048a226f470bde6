//! The world: its state, and the one way in which time passes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rayon::prelude::*;
use spatial_core::{
    CellId, CoordError, Ecef, EntityId, HeightTile, LatticeSpec, Planet, Position, RegisterError,
    Table,
};
use xxhash_rust::xxh3::Xxh3;

use crate::advance::{Advance, Done, Room, Written};
use crate::agent::{Agent, Body, Heading, State, Tier, Velocity, Wish};
use crate::checkpoint::hash_start;
use crate::crossing::Crossing;
use crate::event::Mail;
use crate::frames::{FrameSlots, Slot};
use crate::ground::Ground;
use crate::kind::{Kind, KindId};
use crate::kinds::Kinds;
use crate::leases::Leases;
use crate::ledger::Ledger;
use crate::level::SimLevel;
use crate::obstacles::Obstacles;
use crate::parts::Parts;
use crate::record::Record;
use crate::roll::Roll;
use crate::rooms::{Rooms, make_room, resize};
use crate::rows::Rows;
use crate::rules::Rules;
use crate::sleepers::Sleepers;
use crate::statics::Statics;
use crate::system::Stage;
use crate::walk::Pace;
use crate::walker::Care;

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
    /// How characters and flyers fall towards the planet's centre, 2⁻⁸ m/s²; the same everywhere.
    pub gravity: u16,
    /// The lattice of the terrain that agents stand on; its finest level is the one they collide with.
    pub lattice: LatticeSpec,
}

impl WorldStart {
    /// The gravity of the Earth: 9.81 m/s².
    pub const EARTH_GRAVITY: u16 = 2_511;

    /// Tick rates that a world may have.
    pub const TICK_RATE_HZ: core::ops::RangeInclusive<u16> = 20..=120;
}

/// Agents on a planet. Same start, same records, same hash: for any number of threads, at every [`SimLevel`], and after
/// any restore.
///
/// A step runs on the current rayon pool. State reads of a step see the tick before it.
pub struct World {
    pub(crate) start: WorldStart,
    pub(crate) tick: u64,
    pub(crate) table: Table,
    pub(crate) ground: Ground,
    pub(crate) kinds: Kinds,
    pub(crate) frames: FrameSlots, // the carriers in it are state
    start_hash: u64,
    level: SimLevel,
    pub(crate) slots: Vec<Slot>,   // of each row's frame, derived
    spare_slots: Vec<Slot>,        // scratch
    pub(crate) roll: Roll,         // derived
    pub(crate) sleepers: Sleepers, // derived
    left: Mutex<Vec<u32>>,         // scratch: rows that have left their frame
    moved: Mutex<Vec<u32>>,        // scratch: entries of the roll that have left their block
    pub(crate) touching: Vec<Vec<[EntityId; 2]>>, // scratch: of each unit
    rooms: Rooms<Room>,            // scratch: of workers
    pub(crate) statics: Statics,
    pub(crate) leases: Leases,
    pub(crate) ledger: Arc<Ledger>, // shared with snapshots until it changes
    pub(crate) mail: Mail,
    pub(crate) rules: Rules, // not state: whoever loads a world adds them again
}

impl World {
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
            ground: Ground::new(start.planet, start.lattice),
            kinds: Kinds::default(),
            frames: FrameSlots::new(start.planet),
            start_hash: hash_start(&start),
            level: SimLevel::detected(),
            slots: Vec::new(),
            spare_slots: Vec::new(),
            roll: Roll::default(),
            sleepers: Sleepers::default(),
            left: Mutex::default(),
            moved: Mutex::default(),
            touching: Vec::new(),
            rooms: Rooms::default(),
            statics: Statics::new(start.planet),
            leases: Leases::default(),
            ledger: Arc::default(),
            mail: Mail::default(),
            rules: Rules::default(),
            start,
        }
    }

    /// The tick that the next step executes.
    pub fn tick(&self) -> u64 {
        self.tick
    }

    pub(crate) fn start_hash(&self) -> u64 {
        self.start_hash
    }

    /// Everything else is as it was before a tick: what is derived follows. If rows are the same entities' as before, little has to.
    pub(crate) fn go_to(&mut self, tick: u64, are_rows_same: bool) {
        self.tick = tick;
        let is_little = are_rows_same && {
            let rows = Rows::new(&self.table, &self.slots);
            self.roll.names_all(&rows)
        };
        if !is_little {
            return self.derive().expect("all frames were known");
        }
        let named = self.table.lanes::<Body>().frame;
        self.roll.doubt();
        for (slot, frame) in self.slots.iter_mut().zip(named) {
            if self.frames.get(*slot).axes.id() != *frame {
                *slot = self.frames.slot_of(*frame).expect("all frames were known");
            }
        }
        if !self.sleepers.is_empty() || self.roll.len() < self.len() {
            self.lay_all();
        }
    }

    /// What the world was before its first tick.
    pub fn start(&self) -> &WorldStart {
        &self.start
    }

    /// Steps with these vector instructions from now on: to test that all give the same bits. False, and nothing happens, when the
    /// CPU has them not.
    pub fn set_level(&mut self, level: SimLevel) -> bool {
        let is_available = level.is_available();
        if is_available {
            self.level = level;
        }
        is_available
    }

    pub(crate) fn level(&self) -> SimLevel {
        self.level
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
    /// outside its frame's cell by more than the hysteresis, a kind that was not told.
    ///
    /// What it needs to work is kept from tick to tick. It asks for memory, on whichever thread, only when there is more of something
    /// than there ever was: agents, frames, sleepers, people in one place, events on their way, rows to look at; and when kinds,
    /// tiles, obstacles or carriers come or go. So a steady tick allocates nothing, whoever walks, flies, crosses frames, falls asleep,
    /// comes or goes in it. Two things are the caller's: a [`System`](crate::System) that asks for memory of its own
    /// ([`Near::with_list`](crate::Near::with_list) saves that), and the way into the pool: called on one of its threads, as within
    /// one `install` around many ticks, it costs nothing; from outside, rayon asks for a piece of its queue every 63 ticks that are
    /// each within an `install`, and more often without.
    ///
    /// # Errors
    /// [`StepError`] when the tick is not the next one, or a tile was not staged or is resident with other samples;
    /// the world is unchanged.
    pub fn step(&mut self, tick: u64, records: &[Record]) -> Result<StepReport, StepError> {
        self.check(tick, records)?;
        let refused = self.obey(records);
        let lost = self.collect_mail();
        self.mend();
        self.deliver();
        self.run_systems(Stage::Before);
        let (held, contacts) = self.advance();
        let crossings = self.cross();
        self.run_systems(Stage::After);
        self.post();
        self.arrange();
        self.tick += 1;
        Ok(StepReport {
            tick,
            entities: self.len() as u32,
            held,
            crossings,
            contacts,
            refused: refused as u32,
            events: self.arrived().len() as u32,
            lost,
        })
    }

    /// Brings up to date who is where.
    pub(crate) fn mend(&mut self) {
        while let Some(slot) = self.frames.take_fresh() {
            let rows = Rows::new(&self.table, &self.slots);
            let scene = (&self.frames, &self.kinds);
            self.sleepers.reach_into(slot, &rows, scene);
        }
        let rows = Rows::new(&self.table, &self.slots);
        self.roll.mend(&rows, &self.frames, &self.kinds);
    }

    /// The hash of the start and the state: columns, kinds, obstacles, carriers, names on lease, events on
    /// their way, the ledger, resident tiles, tick. It does not depend on the order of
    /// rows.
    pub fn hash(&self) -> u64 {
        let mut hash = Xxh3::new();
        hash.update(&self.start_hash.to_le_bytes());
        hash.update(&self.tick.to_le_bytes());
        hash.update(&(self.len() as u64).to_le_bytes());
        hash.update(&self.hash_rows().to_le_bytes());
        let mut bytes = Vec::new();
        self.encode_others(&mut bytes);
        bytes.extend(self.statics.hash().to_le_bytes());
        if !self.ledger.is_empty() {
            // An empty one counts for nothing: worlds of before there were ledgers have the hashes that they had.
            bytes.extend(self.ledger.hash().to_le_bytes());
        }
        hash.update(&bytes);
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

    /// The row of an agent. Rows change whenever one leaves, and when a step puts neighbours together.
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

    /// The planet-centred place of a row.
    ///
    /// # Panics
    /// As [`World::position`].
    pub fn place(&self, row: usize) -> Ecef {
        let axes = &self.frames.get(self.slots[row]).axes;
        axes.to_ecef(self.position(row))
    }

    /// Planet-centred places in row order.
    pub fn places(&self) -> Vec<Ecef> {
        let mut places = Vec::new();
        self.places_into(&mut places);
        places
    }

    /// As [`World::places`], into a vector that is kept. Costs about 5 ns an agent.
    pub fn places_into(&self, places: &mut Vec<Ecef>) {
        let rows = (0..self.len()).into_par_iter().with_min_len(1_024);
        rows.map(|row| self.place(row)).collect_into_vec(places);
    }

    /// An agent as it is now.
    pub fn agent(&self, entity: EntityId) -> Option<Agent> {
        let row = self.row_of(entity)?;
        let velocity = self.table.get::<Velocity>(row);
        Some(Agent {
            position: self.position(row),
            heading: self.table.get::<Heading>(row).turn,
            kind: self.kind_at(row),
            velocity: [velocity.x, velocity.y, velocity.z],
        })
    }

    /// What agents of a kind are; `None` before it is told.
    pub fn kind(&self, id: KindId) -> Option<&Kind> {
        self.kinds.get(id)
    }

    /// The kind of a row.
    ///
    /// # Panics
    /// As [`World::position`].
    pub fn kind_at(&self, row: usize) -> KindId {
        KindId(self.table.lanes::<State>().kind[row])
    }

    /// The static obstacles.
    pub fn obstacles(&self) -> &Obstacles {
        self.statics.get()
    }

    /// Who has how much of what.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How often an agent moves.
    pub fn tier(&self, entity: EntityId) -> Option<Tier> {
        let row = self.row_of(entity)?;
        Some(Tier(self.table.get::<State>(row).tier))
    }

    /// Kinds in row order.
    pub fn kinds(&self) -> impl ExactSizeIterator<Item = KindId> + '_ {
        let kinds = self.table.lanes::<State>().kind;
        kinds.iter().map(|kind| KindId(*kind))
    }

    /// Headings in row order, 2⁻¹⁶ turns clockwise from north.
    pub fn headings(&self) -> &[u16] {
        self.table.lanes::<Heading>().turn
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

    /// Puts rows in the roll's order when they have got out of it, and frames in theirs, and forgets those when most are idle.
    fn arrange(&mut self) {
        if self.roll.is_disordered() {
            self.reorder();
        }
        if self.frames.len() > 2 * self.len() + FRAMES_IDLE_MAX || self.frames.is_disordered() {
            self.derive().expect("all frames are known");
        }
    }

    fn reorder(&mut self) {
        let order = self.roll.order_rows(self.table.len());
        self.table
            .reorder(order)
            .expect("the order names every row once");
        self.spare_slots.clear();
        let slots = order.iter().map(|row| self.slots[*row as usize]);
        self.spare_slots.extend(slots);
        core::mem::swap(&mut self.slots, &mut self.spare_slots);
        self.sleepers.rename(order);
    }

    /// Moves every agent that is awake; gives how many were held, and contacts.
    fn advance(&mut self) -> (u32, u64) {
        let moved = self.moved.get_mut().expect("nobody panics with it");
        let some = self.roll.len() / 8;
        make_room(moved, some);
        make_room(&mut self.roll.moved, some);
        let mut ahead = core::mem::take(&mut self.roll.ahead);
        ahead
            .iter_mut()
            .for_each(|lane| resize(lane, self.roll.len(), 0));
        type Columns = (
            &'static mut Body,
            &'static mut State,
            &'static mut Velocity,
            &'static Wish,
        );
        let (ids, (body, state, velocity, wish)) = self.table.split_mut::<Columns>();
        let advance = Advance {
            tick: self.tick,
            planet: self.start.planet,
            pace: Pace::new(self.start.tick_rate_hz),
            care: Care::new(&self.start),
            roll: &self.roll,
            sleepers: &self.sleepers,
            slots: &self.slots,
            frames: &self.frames,
            kinds: &self.kinds,
            ground: &self.ground,
            obstacles: self.statics.get(),
            ids,
            wish,
            out: Written {
                x: Parts::new(body.x),
                y: Parts::new(body.y),
                z: Parts::new(body.z),
                ahead: ahead.each_mut().map(|lane| Parts::new(lane)),
                mode: Parts::new(state.mode),
                velocity: [velocity.x, velocity.y, velocity.z].map(Parts::new),
                tier: state.tier,
                kind: state.kind,
                buttons: state.buttons,
            },
            done: Done {
                moved: Some(&self.moved),
                left: Some(&self.left),
                sent: Some(&self.rules.sent),
                ..Done::default()
            },
        };
        self.rooms.prepare();
        advance.run(self.level, &self.rooms);
        let done = advance.done;
        let (held, contacts) = (done.held.into_inner(), done.contacts.into_inner());
        self.roll.ahead = ahead;
        let moved = self.moved.get_mut().expect("nobody panics with it");
        self.roll.moved.append(moved);
        (held, contacts)
    }

    /// Brings those who have left their frame into the one that they are in.
    fn cross(&mut self) -> u32 {
        let mut left = core::mem::take(self.left.get_mut().expect("nobody panics with it"));
        make_room(&mut left, self.len() / 256);
        // Workers note them in any order; new frames are numbered in this one.
        left.sort_unstable_by_key(|row| self.ids()[*row as usize]);
        let mut crossings = 0;
        for row in left.drain(..) {
            crossings += u32::from(self.cross_row(row as usize));
        }
        *self.left.get_mut().expect("nobody panics with it") = left;
        crossings
    }

    fn cross_row(&mut self, row: usize) -> bool {
        let next = self.frames.id_at(self.place(row).to_vec());
        let from = self.position(row).frame;
        let change = self.frames.carriers().change(self.ids()[row], from, next);
        change.is_ok_and(|change| Crossing(&change).apply(self, row))
    }

    /// Recomputes what is derived from the table, after a load.
    pub(crate) fn derive(&mut self) -> Result<(), CoordError> {
        self.roll.clear();
        self.frames.begin_anew(self.table.lanes::<Body>().frame)?;
        self.slots.clear();
        for row in 0..self.len() {
            let slot = self.frames.slot_of(self.position(row).frame);
            self.slots.push(slot.expect("all frames have one"));
            self.roll.touch(row);
        }
        self.sleepers.clear();
        self.lay_all();
        self.frames.forget_fresh(); // everybody was laid with all of them there
        Ok(())
    }
}

/// Registers the columns of an agent; those a loaded table brings along stay.
pub(crate) fn register(table: &mut Table) -> Result<(), RegisterError> {
    table.register::<Body>()?;
    table.register::<Velocity>()?;
    table.register::<Wish>()?;
    table.register::<Heading>()?;
    table.register::<State>()?;
    Ok(())
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
    /// Events that arrived.
    pub events: u32,
    /// Events whose target is not there, and spawns and despawns that could not be.
    pub lost: u32,
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
