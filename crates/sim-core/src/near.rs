//! Who is near: what a system sees of others, as they were before the tick.

use spatial_core::{Component, DVec3, Ecef, EntityId, Planet, Position, UNITS_PER_M};

use crate::frames::{FrameSlots, NO_SLOT, Slot};
use crate::ground::Ground;
use crate::roll::{BLOCK_SHIFT, Roll, block_key};
use crate::rooms::{Room, Rooms, grow};
use crate::sight::SightLine;

/// What all systems of a tick see.
pub(crate) struct Scene<'a> {
    pub(crate) tick: u64,
    pub(crate) tick_rate_hz: u16,
    pub(crate) planet: Planet,
    pub(crate) roll: &'a Roll,
    pub(crate) frames: &'a FrameSlots,
    pub(crate) ground: &'a Ground,
    pub(crate) slots: &'a [Slot],
    pub(crate) ids: &'a [EntityId],
    pub(crate) lists: &'a Rooms<Vec<Neighbour>>,
}

/// The world around a system's rows, as it was before the tick; who is asleep is not in it.
pub struct Near<'a, C: Component> {
    scene: &'a Scene<'a>,
    others: &'a (dyn Fn(usize) -> C + Sync),
    reach_m: f64,
}

/// Somebody near.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Neighbour {
    /// Who.
    pub id: EntityId,
    /// Its row, for [`Near::other`].
    pub row: usize,
    /// How far its feet are from those of who asks, metres.
    pub distance_m: f64,
    /// From the one who asks to it, metres along the axes of the asker's frame.
    pub way_m: DVec3,
}

impl<'a, C: Component> Near<'a, C> {
    /// How far any system looks, metres.
    pub const REACH_MAX_M: f64 = 256.0;

    pub(crate) fn new(
        scene: &'a Scene<'a>,
        others: &'a (dyn Fn(usize) -> C + Sync),
        reach_m: f64,
    ) -> Self {
        Self {
            scene,
            others,
            reach_m,
        }
    }

    /// The tick that is executed.
    pub fn tick(&self) -> u64 {
        self.scene.tick
    }

    /// Ticks a second.
    pub fn tick_rate_hz(&self) -> u16 {
        self.scene.tick_rate_hz
    }

    /// The planet.
    pub fn planet(&self) -> Planet {
        self.scene.planet
    }

    /// Somebody's value of the column that the system looks at.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn other(&self, row: usize) -> C {
        (self.others)(row)
    }

    /// The planet-centred place of a position, metres.
    ///
    /// # Panics
    /// When no agent is in its frame.
    pub fn place_m(&self, row: usize, at: Position) -> DVec3 {
        let axes = &self.scene.frames.get(self.scene.slots[row]).axes;
        axes.to_ecef(at).to_vec()
    }

    /// Height of the ground below a position of a row's frame above the datum, metres; `None` where it is not resident.
    pub fn ground_m(&self, row: usize, at: Position) -> Option<f64> {
        self.scene.ground.height_m(self.place_m(row, at))
    }

    /// What ground is on the straight way between two places, as [`World::sight`](crate::World::sight) has it.
    pub fn sight(&self, from: Ecef, to: Ecef) -> SightLine {
        self.scene.ground.sight(from, to)
    }

    /// Works with a list for [`Near::within`] that is kept from tick to tick, so that a steady tick allocates nothing. One for a whole
    /// block will do.
    pub fn with_list<T>(&self, work: impl FnOnce(&mut Vec<Neighbour>) -> T) -> T {
        self.scene.lists.with(work)
    }

    /// All awake agents whose feet are within a radius of those of a row at `at`, but itself, ascending by id.
    ///
    /// # Panics
    /// When the radius is beyond what the system said it looks.
    pub fn within(&self, row: usize, at: Position, radius_m: f64, out: &mut Vec<Neighbour>) {
        assert!(
            radius_m <= self.reach_m,
            "the system said that it looks {} m far, not {radius_m} m",
            self.reach_m
        );
        out.clear();
        self.search_all(row, at, (radius_m, radius_m), out);
    }

    /// All awake agents but a row's own whose feet are within a radius along the frame's plane, at whatever height; ascending by id.
    pub(crate) fn around(&self, row: usize, at: Position, radius_m: f64, out: &mut Vec<Neighbour>) {
        out.clear();
        self.search_all(row, at, (radius_m, f64::INFINITY), out);
    }

    fn search_all(&self, row: usize, at: Position, radii_m: (f64, f64), out: &mut Vec<Neighbour>) {
        let radius_m = radii_m.0;
        let slot = self.scene.slots[row];
        let from = &self.scene.frames.get(slot).axes;
        self.search(slot, at, radii_m, |entry| self.entry_xyz(entry), out);
        let place = from.to_ecef(at);
        let around = self.scene.frames.border(slot).around;
        for other in around.into_iter().take_while(|slot| *slot != NO_SLOT) {
            let frame = self.scene.frames.get(other);
            let far_m = spatial_core::FRAME_HYSTERESIS_M + radius_m;
            let ground = self.scene.frames.border(other).ground.as_ref();
            let is_near = ground.is_some_and(|f| f.is_within(place, far_m));
            let there = is_near
                .then(|| frame.axes.to_position(place).ok())
                .flatten();
            if let Some(there) = there {
                let here = |entry| {
                    let [x, y, z] = self.entry_xyz(entry);
                    let at = Position {
                        frame: frame.axes.id(),
                        x,
                        y,
                        z,
                    };
                    let at = from.to_position(frame.axes.to_ecef(at));
                    at.map_or([i32::MAX; 3], Position::xyz)
                };
                self.search_from((other, there), at.xyz(), radii_m, here, out);
            }
        }
        out.retain(|neighbour| neighbour.row != row);
        out.sort_unstable_by_key(|neighbour| neighbour.id);
    }

    fn entry_xyz(&self, entry: usize) -> [i32; 3] {
        let entries = &self.scene.roll.entries;
        [entries.x[entry], entries.y[entry], entries.z[entry]]
    }

    fn search(
        &self,
        slot: Slot,
        at: Position,
        radii_m: (f64, f64),
        xyz: impl Fn(usize) -> [i32; 3],
        out: &mut Vec<Neighbour>,
    ) {
        self.search_from((slot, at), at.xyz(), radii_m, xyz, out);
    }

    /// Those of one frame who are within a radius of a place that is `there` in it and `own` in the asker's.
    fn search_from(
        &self,
        (slot, there): (Slot, Position),
        own: [i32; 3],
        (radius_m, distance_max_m): (f64, f64),
        xyz: impl Fn(usize) -> [i32; 3],
        out: &mut Vec<Neighbour>,
    ) {
        let reach = (radius_m * UNITS_PER_M) as i32 + 1;
        let ends = |units: i32| {
            units.saturating_sub(reach) >> BLOCK_SHIFT..=units.saturating_add(reach) >> BLOCK_SHIFT
        };
        let roll = self.scene.roll;
        for block_row in ends(there.y) {
            let key =
                |column: i32| block_key(slot, column << BLOCK_SHIFT, block_row << BLOCK_SHIFT);
            let columns = ends(there.x);
            for entry in roll.entries_between(key(*columns.start()), key(*columns.end())) {
                let units = xyz(entry);
                let axis = |n: usize| (f64::from(units[n]) - f64::from(own[n])) / UNITS_PER_M;
                let way_m = DVec3::new(axis(0), axis(1), axis(2));
                let distance_m = way_m.length();
                if distance_m <= distance_max_m {
                    let row = roll.entries.rows[entry] as usize;
                    out.push(Neighbour {
                        id: self.scene.ids[row],
                        row,
                        distance_m,
                        way_m,
                    });
                }
            }
        }
    }
}

impl Room for Vec<Neighbour> {
    fn grow_to(&mut self, other: &Self) {
        grow(self, other);
    }
}
