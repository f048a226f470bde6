//! The ring of ticks.

use std::sync::{Mutex, OnceLock, PoisonError};

use spatial_core::{EntityId, FrameId, Frames, Planet, UNITS_PER_M};

use super::cells::{Cells, Maker, Sheet};
use super::frame_table::{FrameTable, NoFrame};
use super::moment::{Moment, PastError};
use super::past::Past;
use super::roster::Roster;
use super::row::{NOWHERE, PlayerRow, Shape, Stance, between};
use crate::kind::{Kind, KindId};
use crate::world::World;

/// Ticks that are remembered.
pub(super) const TICKS: usize = 64;

/// Players as they were in the last 64 ticks.
///
/// It holds 1,590 bytes a player that it is made for, and 160 a frame; as many for each pose of a carrier. Among 10,000 players in five
/// towns of 400 m, a shot over 100 m takes 0.6 µs when its tick was asked about before it, else 0.8 µs.
pub struct Rewind {
    ticks: Vec<Tick>, // as many as TICKS; tick n is at n modulo TICKS
    pub(super) roster: Roster,
    pub(super) frames: FrameTable,
    pub(super) shapes: Vec<Option<Shape>>, // by kind
    newest: Option<u64>,
    pub(super) sheet: Sheet,
    maker: Mutex<Maker>,
}

/// One remembered tick.
pub(super) struct Tick {
    number: Option<u64>,
    pub(super) rows: Vec<Stance>, // of each slot
    cells: OnceLock<Cells>,
}

impl Rewind {
    /// Ticks that are remembered.
    pub const TICKS: usize = TICKS;

    /// So many players a ring can be made for.
    pub const PLAYERS_MAX: usize = 65_534;

    /// An empty ring for so many players, all of whom it takes memory for at once.
    ///
    /// Who was there in one of the last 64 ticks counts, so where many come and go, make it for some more than there are.
    ///
    /// # Panics
    /// With no players, or more than [`Rewind::PLAYERS_MAX`].
    pub fn new(planet: Planet, players_max: usize) -> Self {
        assert!((1..=Self::PLAYERS_MAX).contains(&players_max));
        let tick = || Tick {
            number: None,
            rows: vec![Stance::ABSENT; players_max],
            cells: OnceLock::new(),
        };
        Self {
            ticks: (0..TICKS).map(|_| tick()).collect(),
            roster: Roster::new(players_max),
            frames: FrameTable::new(),
            shapes: Vec::new(),
            newest: None,
            sheet: Sheet::new(planet.radius_m(), players_max),
            maker: Mutex::default(),
        }
    }

    /// Learns what agents of a kind are; of a kind that it knows, nothing.
    pub fn learn(&mut self, id: KindId, kind: &Kind) {
        let at = usize::from(id.0);
        if self.shapes.len() <= at {
            self.shapes.resize(at + 1, None);
        }
        self.shapes[at].get_or_insert(Shape::from(kind));
    }

    /// Remembers players of a world as its last step left them, under a tick; who is not there is left out.
    ///
    /// # Errors
    /// [`RecordError`], as for [`Rewind::record`].
    pub fn record_world(
        &mut self,
        tick: u64,
        world: &World,
        players: impl IntoIterator<Item = EntityId>,
    ) -> Result<Recorded, RecordError> {
        for (id, kind) in world.kinds.iter() {
            self.learn(id, kind);
        }
        let rows = players.into_iter().filter_map(|entity| {
            let row = world.row_of(entity)?;
            Some(PlayerRow {
                entity,
                position: world.position(row),
                heading: world.headings()[row],
                kind: world.kind_at(row),
            })
        });
        self.record(tick, world.frames.carriers(), rows)
    }

    /// Remembers a tick, and forgets the one 64 ticks before it.
    ///
    /// Rows in the order of the tick before cost 4 to 5 ns each.
    /// Rows that cannot be kept are left out and counted. Allocates nothing once kinds and frames have been met.
    ///
    /// # Errors
    /// [`RecordError`] when the tick is not later than the newest one; nothing is changed.
    pub fn record(
        &mut self,
        tick: u64,
        frames: &Frames,
        rows: impl IntoIterator<Item = PlayerRow>,
    ) -> Result<Recorded, RecordError> {
        if let Some(newest) = self.newest.filter(|newest| tick <= *newest) {
            return Err(RecordError { tick, newest });
        }
        self.newest = Some(tick);
        let place = &mut self.ticks[tick as usize % TICKS];
        place.number = Some(tick);
        if let Some(cells) = place.cells.take() {
            let maker = self.maker.get_mut();
            let maker = maker.unwrap_or_else(PoisonError::into_inner);
            maker.spare.push(cells);
        }
        let mut writer = Writer {
            tick,
            frames,
            shapes: &self.shapes,
            last: None,
            recent: [(FrameId(0), NOWHERE); RECENT],
            table: &mut self.frames,
            roster: &mut self.roster,
            out: &mut place.rows,
        };
        let (mut told, mut players) = (0, 0);
        for row in rows {
            players += usize::from(writer.write(told, &row).is_some());
            told += 1;
        }
        if players < self.roster.slots() {
            let rows = &mut place.rows;
            self.roster
                .for_each_missing(tick, |slot| rows[slot] = Stance::ABSENT);
        }
        Ok(Recorded {
            players: players as u32,
            left_out: (told - players) as u32,
        })
    }

    /// The newest tick.
    pub fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// The players as they were at a moment.
    ///
    /// The first who asks about a tick has its cells made, 30 ns a player.
    ///
    /// # Errors
    /// [`PastError`] when the ring does not know the tick, or not the one after it that a fraction needs.
    pub fn past(&self, moment: Moment) -> Result<Past<'_>, PastError> {
        let newest = self.newest.ok_or(PastError::Empty)?;
        let asked = moment.tick;
        if asked > newest || (asked == newest && moment.fraction != 0) {
            return Err(PastError::Future { asked, newest });
        }
        let oldest = newest.saturating_sub(TICKS as u64 - 1);
        if asked < oldest {
            return Err(PastError::TooOld { asked, oldest });
        }
        let tick = self.known(asked)?;
        let next = match moment.fraction {
            0 => None,
            _ => Some(self.known(asked + 1)?),
        };
        let moved_m = next.map_or(0.0, |next| self.cells_of(next).moved_m);
        let cells = self.cells_of(tick);
        Ok(Past::new(self, (tick, next), moment, (cells, moved_m)))
    }

    /// Bytes that it holds now, without what its two maps of ids need beside their entries.
    pub fn bytes(&self) -> usize {
        let of_tick = |tick: &Tick| {
            let cells = tick.cells.get().map_or(0, Cells::bytes);
            tick.rows.capacity() * size_of::<Stance>() + cells
        };
        let ticks: usize = self.ticks.iter().map(of_tick).sum();
        let maker = self.maker.lock().unwrap_or_else(PoisonError::into_inner);
        let shapes = self.shapes.capacity() * size_of::<Option<Shape>>();
        ticks + self.roster.bytes() + self.frames.bytes() + maker.bytes() + shapes
    }

    /// The shape of a kind that a stance has.
    pub(super) fn shape(&self, kind: u16) -> Shape {
        self.shapes[usize::from(kind)].expect("rows of unknown kinds are left out")
    }

    fn known(&self, number: u64) -> Result<&Tick, PastError> {
        let tick = &self.ticks[number as usize % TICKS];
        match tick.number {
            Some(found) if found == number => Ok(tick),
            _ => Err(PastError::NotRecorded(number)),
        }
    }

    fn cells_of<'a>(&'a self, tick: &'a Tick) -> &'a Cells {
        tick.cells.get_or_init(|| self.make_cells(tick))
    }

    fn make_cells(&self, tick: &Tick) -> Cells {
        let mut maker = self.maker.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cells = maker.spare.pop().unwrap_or_default();
        let rows = &tick.rows[..self.roster.slots()];
        let (mut radius_m, mut height_m, mut moved_m) = (0.0f64, 0.0f64, 0.0f64);
        let before = tick.number.and_then(|n| self.known(n.checked_sub(1)?).ok());
        let there = rows.iter().enumerate().filter(|(_, row)| row.is_there());
        let feet = there.map(|(slot, row)| {
            let shape = self.shape(row.kind);
            radius_m = radius_m.max(shape.radius_m);
            height_m = height_m.max(shape.height_m);
            if let Some(before) = before {
                moved_m = moved_m.max(self.moved_m(before.rows[slot], *row));
            }
            let axes = self.frames.axes(row.frame);
            let place = axes.to_ecef(self.frames.position(*row));
            (slot as u16, place.to_vec())
        });
        cells.fill(&mut maker, self.sheet, feet);
        cells.radius_m = radius_m;
        cells.height_m = height_m;
        cells.moved_m = moved_m;
        cells
    }

    /// How far a player went between two ticks, if it walked; a bound, never less.
    fn moved_m(&self, before: Stance, after: Stance) -> f64 {
        if !before.is_there() {
            return 0.0;
        }
        let to = self.frames.carry(after, before.frame);
        let Some(to) = to.filter(|to| between(before.xyz(), *to, 0).is_some()) else {
            return 0.0;
        };
        let from = before.xyz();
        // Two units more: the point in between is a rounded one.
        let way = [0, 1, 2].map(|n| f64::from(to[n] - from[n]).abs() + 2.0);
        let square: f64 = way.iter().map(|d| d * d).sum();
        square.sqrt() / UNITS_PER_M
    }
}

/// Writes the rows of a tick.
struct Writer<'a> {
    tick: u64,
    frames: &'a Frames,
    shapes: &'a [Option<Shape>],
    last: Option<(FrameId, u16)>,
    recent: [(FrameId, u16); RECENT], // by hash: a town's few
    table: &'a mut FrameTable,
    roster: &'a mut Roster,
    out: &'a mut [Stance],
}

impl Writer<'_> {
    /// Writes the nth row; `None` when it is left out.
    #[inline]
    fn write(&mut self, n: usize, row: &PlayerRow) -> Option<()> {
        let id = row.position.frame;
        let frame = match self.last {
            Some((last, number)) if last == id => number,
            _ => self.number(id).ok()?,
        };
        self.shapes.get(usize::from(row.kind.0))?.as_ref()?;
        let slot = self.roster.take(n, row.entity, self.tick)?;
        self.out[usize::from(slot)] = Stance {
            x: row.position.x,
            y: row.position.y,
            z: row.position.z,
            frame,
            heading: row.heading,
            kind: row.kind.0,
        };
        Some(())
    }

    #[inline(never)]
    fn number(&mut self, id: FrameId) -> Result<u16, NoFrame> {
        let recent = &mut self.recent[(id.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60) as usize];
        if recent.0 != id || recent.1 == NOWHERE {
            *recent = (id, self.table.number(id, self.tick, self.frames)?);
        }
        self.last = Some(*recent);
        Ok(recent.1)
    }
}

/// Frames that are found without asking the table: four bits of a hash.
const RECENT: usize = 16;

/// What became of the rows of a tick.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recorded {
    /// Players that are remembered.
    pub players: u32,
    /// Rows that are not: nobody's, a second one of a player, of an unknown frame or kind, or too many.
    pub left_out: u32,
}

/// A tick that is not later than the newest one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("tick {tick} is not after the newest one, which is {newest}")]
pub struct RecordError {
    /// What was to be recorded.
    pub tick: u64,
    /// The newest tick.
    pub newest: u64,
}
