//! The frames that agents are in, each with its geometry and its neighbours.

use std::collections::HashMap;

use rayon::prelude::*;
use spatial_core::{
    Axes, CellId, CoordError, DVec3, EntityId, FRAME_HYSTERESIS_M, Frame, FrameId, Frames, Planet,
    Pose, UNITS_PER_M,
};
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use crate::roll::BLOCK_SHIFT;

/// A number of a frame in [`FrameSlots`].
pub(crate) type Slot = u32;

/// No frame.
pub(crate) const NO_SLOT: Slot = u32::MAX;

/// Who touches an agent of another frame is at most this far inside its own frame's cell: the other is at most 64 m outside of
/// its own, and the widest two touch at 8 m.
pub(crate) const BORDER_M: f64 = FRAME_HYSTERESIS_M + 8.0;

/// A frame with what a tick asks of it for everybody in it.
#[derive(Clone)]
pub(crate) struct FrameSlot {
    pub(crate) axes: Axes,
    edges: [[f32; 4]; 4], // how far beyond each edge, metres: its value at the origin, and its growth a unit of x, y and z
    /// Whether it lies on the ground and not on a carrier.
    pub(crate) is_on_ground: bool,
    /// Whether there is none around it.
    pub(crate) is_alone: bool,
}

/// What is asked of a frame for those at its border: apart, since there are few.
#[derive(Clone)]
pub(crate) struct Border {
    /// The frame, if it lies on the ground and not on a carrier.
    pub(crate) ground: Option<Frame>,
    /// The frames around it that there are.
    pub(crate) around: [Slot; 8],
}

/// What rounding to f32 may add to a distance from an edge, metres: numbers of 10⁷ units and 10⁴ m, a few roundings each.
const EDGE_SLACK_M: f32 = 0.1;

impl FrameSlot {
    fn on_ground(frame: &Frame) -> Self {
        let origin = frame.axes().origin().to_vec();
        let edges = frame.edges().map(|outward| {
            let [x, y, z] = frame
                .axes()
                .units()
                .map(|unit| outward.dot(unit) / UNITS_PER_M);
            [outward.dot(origin), x, y, z].map(|part| part as f32)
        });
        Self {
            axes: *frame.axes(),
            edges,
            is_on_ground: true,
            is_alone: true,
        }
    }

    fn on_carrier(axes: Axes) -> Self {
        Self {
            axes,
            edges: [[f32::NEG_INFINITY, 0.0, 0.0, 0.0]; 4],
            is_on_ground: false,
            is_alone: true,
        }
    }

    /// How far the planet's up turns in a grid unit along the frame's plane; on a carrier not at all.
    #[inline(always)]
    pub(crate) fn turn_of_up(&self, planet: Planet) -> f32 {
        match self.is_on_ground {
            true => (1.0 / (planet.radius_m() * UNITS_PER_M)) as f32,
            false => 0.0,
        }
    }

    /// Whether an agent there is too far inside to touch anybody of another frame. Not exactly: within a decimetre it may say no.
    #[inline(always)]
    pub(crate) fn is_calm(&self, x: i32, y: i32, z: i32) -> bool {
        self.is_inside(x, y, z, -(BORDER_M as f32) - EDGE_SLACK_M)
    }

    /// Whether all agents of a block are so far inside, at any height. Not exactly: at borders it may say no.
    pub(crate) fn is_block_calm(&self, [x, y]: [i32; 2]) -> bool {
        const INSIDE_M: f32 = -(BORDER_M as f32) - EDGE_SLACK_M;
        const HIGHEST: f32 = 2_147_483_648.0;
        let ends = |low: i32| [low as f32, (low as f32) + (1u32 << BLOCK_SHIFT) as f32];
        let (x, y) = (ends(x), ends(y));
        let most = |gain: f32, [low, high]: [f32; 2]| (gain * low).max(gain * high);
        let beyond = |[at, a, b, c]: [f32; 4]| at + most(a, x) + most(b, y) + c.abs() * HIGHEST;
        self.edges.iter().all(|edge| beyond(*edge) < INSIDE_M)
    }

    /// Whether an agent there has certainly not left. Not exactly: within a decimetre it may say no.
    #[inline(always)]
    pub(crate) fn is_at_home(&self, x: i32, y: i32, z: i32) -> bool {
        self.is_inside(x, y, z, FRAME_HYSTERESIS_M as f32 - EDGE_SLACK_M)
    }

    /// Whether a place is less than so far beyond each edge.
    #[inline(always)]
    fn is_inside(&self, x: i32, y: i32, z: i32, beyond_m: f32) -> bool {
        let (x, y, z) = (x as f32, y as f32, z as f32);
        let beyond = |[at, a, b, c]: [f32; 4]| at + (a * x + b * y + c * z);
        let [a, b, c, d] = self.edges.map(beyond);
        (a < beyond_m) & (b < beyond_m) & (c < beyond_m) & (d < beyond_m)
    }
}

/// The frames of all agents that are awake, and some that were. Derived from the state.
#[derive(Clone)]
pub(crate) struct FrameSlots {
    slots: Vec<FrameSlot>,
    borders: Vec<Border>,                              // of each slot
    by_id: HashMap<FrameId, Slot, Xxh3DefaultBuilder>, // never iterated
    carriers: Frames,                                  // state
    fresh: Vec<Slot>,                                  // made since they were last asked for
    named: Vec<FrameId>,                               // scratch
    disorder: usize, // of all frames, those that lie behind one with a greater id
}

impl FrameSlots {
    pub(crate) fn new(planet: Planet) -> Self {
        Self {
            slots: Vec::new(),
            borders: Vec::new(),
            by_id: HashMap::default(),
            carriers: Frames::new(planet),
            fresh: Vec::new(),
            named: Vec::new(),
            disorder: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether a slot names a frame.
    pub(crate) fn has(&self, slot: Slot) -> bool {
        (slot as usize) < self.slots.len()
    }

    /// A frame that has been made since the last time; then another.
    pub(crate) fn take_fresh(&mut self) -> Option<Slot> {
        self.fresh.pop()
    }

    #[inline(always)]
    pub(crate) fn get(&self, slot: Slot) -> &FrameSlot {
        &self.slots[slot as usize]
    }

    pub(crate) fn border(&self, slot: Slot) -> &Border {
        &self.borders[slot as usize]
    }

    /// The slot of a frame; made when it is new. `None` when there is no such frame.
    pub(crate) fn slot_of(&mut self, id: FrameId) -> Option<Slot> {
        // A carrier that is gone keeps its slot, but is no frame any more.
        let carrier = match id.carrier() {
            Some(entity) => Some(self.carriers.carrier(entity)?),
            None => None,
        };
        if let Some(slot) = self.by_id.get(&id) {
            return Some(*slot);
        }
        let made = match carrier {
            Some(carrier) => (FrameSlot::on_carrier(*carrier.axes()), None),
            None => {
                let frame = Frame::new(self.carriers.planet(), id).ok()?;
                (FrameSlot::on_ground(&frame), Some(frame))
            }
        };
        Some(self.add(id, made))
    }

    fn add(&mut self, id: FrameId, (mut made, ground): (FrameSlot, Option<Frame>)) -> Slot {
        let slot = self.slots.len() as Slot;
        let mut around = [NO_SLOT; 8];
        if let Some(frame) = &ground {
            let mut next = 0;
            let mut cells = frame.cell().neighbors();
            cells.sort_unstable();
            let mut last = None;
            for cell in cells {
                let is_again = last.replace(cell) == Some(cell); // at a corner one comes twice
                let there = self.by_id.get(&FrameId(cell.to_u64()));
                if let Some(&other) = there.filter(|_| !is_again) {
                    around[next] = other;
                    next += 1;
                    made.is_alone = false;
                    self.slots[other as usize].is_alone = false;
                    let back = &mut self.borders[other as usize].around;
                    if let Some(free) = back.iter_mut().find(|slot| **slot == NO_SLOT) {
                        *free = slot;
                    }
                }
            }
        }
        self.fresh.push(slot);
        let last = self.slots.last();
        self.disorder += usize::from(last.is_some_and(|last| last.axes.id() > id));
        self.slots.push(made);
        self.borders.push(Border { ground, around });
        self.by_id.insert(id, slot);
        slot
    }

    /// Nobody has to be told of frames that are new.
    pub(crate) fn forget_fresh(&mut self) {
        self.fresh.clear();
    }

    /// Forgets all frames and begins anew with those that are named, in the order of their ids.
    pub(crate) fn begin_anew(&mut self, named: &[FrameId]) -> Result<(), CoordError> {
        self.clear();
        let mut all = core::mem::take(&mut self.named);
        all.clear();
        all.extend_from_slice(named);
        all.par_sort_unstable();
        all.dedup();
        let mut is_there = |frame: &FrameId| self.slot_of(*frame).is_some();
        let nowhere = all.iter().copied().find(|frame| !is_there(frame));
        self.named = all;
        nowhere.map_or(Ok(()), |frame| Err(CoordError::Frame(frame.0)))
    }

    fn clear(&mut self) {
        self.slots.clear();
        self.borders.clear();
        self.by_id.clear();
        self.fresh.clear();
        self.disorder = 0;
    }

    /// Whether so many do not lie in the order of their ids, in which neighbours are near, that putting them in order pays.
    pub(crate) fn is_disordered(&self) -> bool {
        self.disorder > self.slots.len() / 4 + 256
    }

    pub(crate) fn carriers(&self) -> &Frames {
        &self.carriers
    }

    /// Makes an entity a carrier, or moves the one it is. False when its id does not fit.
    pub(crate) fn set_carrier(&mut self, entity: EntityId, pose: Pose) -> bool {
        if self.carriers.set_carrier(entity, pose).is_err() {
            return false;
        }
        let carrier = self.carriers.carrier(entity).expect("it has just been set");
        if let Some(slot) = self.by_id.get(&carrier.id()) {
            self.slots[*slot as usize].axes = *carrier.axes();
        }
        true
    }

    /// Makes these the carriers.
    pub(crate) fn set_carriers(&mut self, carriers: &[(EntityId, Pose)]) {
        self.carriers = Frames::new(self.carriers.planet());
        for (entity, pose) in carriers {
            assert!(self.set_carrier(*entity, *pose), "it was a carrier");
        }
    }

    /// The entity is no carrier any more. False when it was none.
    pub(crate) fn remove_carrier(&mut self, entity: EntityId) -> bool {
        self.carriers.remove_carrier(entity).is_some()
    }

    /// The frame whose cell contains a place.
    pub(crate) fn id_at(&self, place: DVec3) -> FrameId {
        let level = self.carriers.planet().frame_level();
        FrameId(CellId::from_direction(place).parent(level).to_u64())
    }
}
