//! Questions about a moment of the past.

use spatial_core::{DVec3, Ecef, EntityId, FrameChange, Ray, prefetch};

use super::capsule::Capsule;
use super::cells::Cells;
use super::corridor::{Corridor, Visitor, cells_of_ball, for_each_around};
use super::moment::Moment;
use super::ring::{Rewind, Tick};
use super::row::{PlayerRow, Stance, between, turned};
use super::visit::{Look, PastHit, Shot};
use crate::kind::KindId;

/// All players as they were at one moment.
///
/// A player is an upright capsule of its kind's size, up being away from the planet's centre. Who is not in the tick is nowhere until
/// the next one; who leaves or leaps stays where it was until then. All bounds are inclusive.
#[derive(Clone, Copy)]
pub struct Past<'a> {
    pub(super) ring: &'a Rewind,
    tick: &'a Tick,
    next: Option<&'a Tick>, // with a fraction
    moment: Moment,
    cells: &'a Cells, // of the tick
    moved_m: f64,     // nobody's feet are further from where they are in the cells
}

/// Whether a player was in sight.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum PastSight {
    /// Nothing was in the way.
    Clear,
    /// Another player was; how far from the eye.
    Player(PastHit),
    /// The terrain, as it is now, is.
    Terrain,
}

/// Why a question has no answer.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum QueryError {
    /// A direction of no length, or not finite.
    #[error("{0:?} is no direction")]
    Direction([f64; 3]),
    /// A length that is negative or NaN.
    #[error("{0} m is no length of a reach or radius")]
    Length(f64),
    /// An angle outside 0 to π.
    #[error("{0} rad is not within 0 to half a turn")]
    Angle(f64),
    /// A player who was not there.
    #[error("{0} was not there")]
    Absent(EntityId),
}

/// So many looks at cells cost as much as one at a player.
const CELLS_PER_PLAYER: f64 = 2.0;

impl<'a> Past<'a> {
    pub(super) fn new(
        ring: &'a Rewind,
        (tick, next): (&'a Tick, Option<&'a Tick>),
        moment: Moment,
        (cells, moved_m): (&'a Cells, f64),
    ) -> Self {
        Self {
            ring,
            tick,
            next,
            moment,
            cells,
            moved_m,
        }
    }

    /// The first player that a ball meets which flies from the ray's start along it, and after what way. A radius of 0 is a shot.
    ///
    /// Of players met at once it is the one of the lowest id. `except` is looked through: the shooter.
    ///
    /// # Errors
    /// [`QueryError`]: a direction that is none, a reach or radius that is negative or NaN.
    pub fn hit(
        &self,
        ray: &Ray,
        radius_m: f64,
        except: Option<EntityId>,
    ) -> Result<Option<PastHit>, QueryError> {
        let corridor = Corridor {
            from: ray.from.to_vec(),
            direction: unit(ray.direction)?,
            reach_m: length(ray.reach_m)?,
            width_m: length(radius_m)? + self.width_m(),
        };
        Ok(self.first_hit(&corridor, radius_m, [self.slot(except), None]))
    }

    /// Everybody whose capsule comes within a distance of a place, by distance, then id. `found` is cleared first.
    ///
    /// # Errors
    /// [`QueryError::Length`]; `found` is unchanged.
    pub fn range(
        &self,
        center: Ecef,
        radius_m: f64,
        found: &mut Vec<PastHit>,
    ) -> Result<(), QueryError> {
        self.sector(center, radius_m, |_| true, found)
    }

    /// As [`Past::range`], of those alone that lie within an angle of a direction: the point of a player's axis that is nearest
    /// to the centre counts.
    ///
    /// # Errors
    /// [`QueryError`]; `found` is unchanged.
    pub fn arc(
        &self,
        center: Ecef,
        (direction, half_angle_rad): (DVec3, f64),
        radius_m: f64,
        found: &mut Vec<PastHit>,
    ) -> Result<(), QueryError> {
        let direction = unit(direction)?;
        if !(0.0..=core::f64::consts::PI).contains(&half_angle_rad) {
            return Err(QueryError::Angle(half_angle_rad));
        }
        let cos = libm::cos(half_angle_rad);
        let is_ahead = |to: DVec3| to.dot(direction) >= cos * to.length_squared().sqrt();
        self.sector(center, radius_m, is_ahead, found)
    }

    /// Whether a player's eyes could be seen from a place: players as they were, terrain as it is.
    ///
    /// Eyes are at the centre of a capsule's upper ball. `viewer`, who is looked through, is whoever looks. `is_clear` answers for the
    /// terrain between two places; it is asked when no player is in the way.
    ///
    /// # Errors
    /// [`QueryError::Absent`] when the target was not there.
    pub fn sight(
        &self,
        from: Ecef,
        target: EntityId,
        viewer: Option<EntityId>,
        is_clear: impl FnOnce(Ecef, Ecef) -> bool,
    ) -> Result<PastSight, QueryError> {
        let slot = self.ring.roster.slot(target);
        let capsule = slot.and_then(|slot| self.capsule(slot, from.to_vec()));
        let to = capsule.ok_or(QueryError::Absent(target))?.head();
        let reach_m = to.length_squared().sqrt();
        if reach_m > 0.0 {
            let corridor = Corridor {
                from: from.to_vec(),
                direction: to / reach_m,
                reach_m,
                width_m: self.width_m(),
            };
            let through = [slot, self.slot(viewer)];
            if let Some(hit) = self.first_hit(&corridor, 0.0, through) {
                return Ok(PastSight::Player(hit));
            }
        }
        let [x, y, z] = (from.to_vec() + to).to_array();
        let eyes = Ecef::new(x, y, z).map_err(|_| QueryError::Absent(target))?;
        Ok(match is_clear(from, eyes) {
            true => PastSight::Clear,
            false => PastSight::Terrain,
        })
    }

    /// A player as it was; `None` when it was not there.
    pub fn player(&self, entity: EntityId) -> Option<PlayerRow> {
        let slot = self.ring.roster.slot(entity)?;
        let stance = self.stance(slot)?;
        Some(PlayerRow {
            entity,
            position: self.ring.frames.position(stance),
            heading: self.heading(slot)?,
            kind: KindId(stance.kind),
        })
    }

    /// Where a player's feet were; `None` when it was not there.
    pub fn place(&self, entity: EntityId) -> Option<Ecef> {
        let stance = self.stance(self.ring.roster.slot(entity)?)?;
        Some(self.place_of(stance))
    }

    /// How many players were there.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether nobody was there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn first_hit(
        &self,
        corridor: &Corridor,
        radius_m: f64,
        through: [Option<u16>; 2],
    ) -> Option<PastHit> {
        let mut shot = Shot {
            past: self,
            corridor,
            radius_m,
            through,
            first: None,
        };
        if corridor.cells(self.ring.sheet) > CELLS_PER_PLAYER * self.len() as f64 {
            for slot in 0..self.ring.roster.slots() {
                shot.visit(slot as u16);
            }
        } else {
            corridor.for_each_near((self.ring.sheet, self.cells), &mut shot);
        }
        shot.first
    }

    /// The axis of a capsule that is met is no further beside a way than this.
    fn width_m(&self) -> f64 {
        self.cells.radius_m + self.moved_m
    }

    fn sector(
        &self,
        center: Ecef,
        radius_m: f64,
        is_within: impl Fn(DVec3) -> bool,
        found: &mut Vec<PastHit>,
    ) -> Result<(), QueryError> {
        let width_m = length(radius_m)? + self.width_m();
        found.clear();
        let center = center.to_vec();
        let mut look = Look {
            past: self,
            center,
            radius_m,
            is_within,
            found,
        };
        let sheet = self.ring.sheet;
        if cells_of_ball(center, width_m, sheet) > CELLS_PER_PLAYER * self.len() as f64 {
            for slot in 0..self.ring.roster.slots() {
                look.visit(slot as u16);
            }
        } else {
            for_each_around((sheet, self.cells), center, width_m, &mut look);
        }
        found.sort_unstable_by(|a, b| {
            let by_distance = a.distance_m.total_cmp(&b.distance_m);
            by_distance.then(a.entity.cmp(&b.entity))
        });
        found.dedup_by_key(|hit| hit.entity); // a tag of two cells
        Ok(())
    }

    /// Asks for the memory of a slot.
    pub(super) fn fetch(&self, slot: u16) {
        let slot = usize::from(slot);
        prefetch(&self.tick.rows[slot]);
        if let Some(next) = self.next {
            prefetch(&next.rows[slot]);
        }
    }

    fn slot(&self, entity: Option<EntityId>) -> Option<u16> {
        self.ring.roster.slot(entity?)
    }

    /// The capsule of a slot, seen from a place; `None` when nobody was there.
    pub(super) fn capsule(&self, slot: u16, origin: DVec3) -> Option<Capsule> {
        let stance = self.stance(slot)?;
        Some(self.capsule_of(stance, self.place_of(stance).to_vec(), origin))
    }

    /// As [`Past::capsule`], seen from the start of a way; `None` also when it is too far from the way to be met.
    #[inline]
    pub(super) fn capsule_near(&self, slot: u16, corridor: &Corridor) -> Option<Capsule> {
        let stance = self.stance(slot)?;
        let feet = self.place_of(stance).to_vec();
        let to = feet - corridor.from;
        let along = to.dot(corridor.direction);
        let beside = (to - corridor.direction * along).length_squared();
        let margin = corridor.width_m + self.cells.height_m;
        let is_near =
            beside <= margin * margin && along >= -margin && along <= corridor.reach_m + margin;
        is_near.then(|| self.capsule_of(stance, feet, corridor.from))
    }

    fn capsule_of(&self, stance: Stance, feet: DVec3, origin: DVec3) -> Capsule {
        let square = feet.length_squared();
        let up = if square > 0.0 {
            feet / square.sqrt()
        } else {
            DVec3::Z // at the centre none is, and NaN is no answer
        };
        let shape = self.ring.shape(stance.kind);
        Capsule::new(feet, up, shape, origin)
    }

    fn place_of(&self, stance: Stance) -> Ecef {
        let frames = &self.ring.frames;
        frames.axes(stance.frame).to_ecef(frames.position(stance))
    }

    /// A slot's player at the moment, in the frame of the tick.
    #[inline]
    fn stance(&self, slot: u16) -> Option<Stance> {
        let slot = usize::from(slot);
        let stance = Some(self.tick.rows[slot]).filter(|row| row.is_there())?;
        let next = self.next.map(|next| next.rows[slot]);
        let Some(next) = next.filter(|next| next.is_there()) else {
            return Some(stance);
        };
        let to = self.ring.frames.carry(next, stance.frame);
        let at = to.and_then(|to| between(stance.xyz(), to, self.moment.fraction));
        let [x, y, z] = at.unwrap_or(stance.xyz());
        Some(Stance { x, y, z, ..stance })
    }

    fn heading(&self, slot: u16) -> Option<u16> {
        let slot = usize::from(slot);
        let stance = self.tick.rows[slot];
        let next = self.next.map(|next| next.rows[slot]);
        let Some(next) = next.filter(|next| next.is_there()) else {
            return Some(stance.heading);
        };
        let frames = &self.ring.frames;
        let turn = FrameChange::new(frames.axes(next.frame), frames.axes(stance.frame));
        let to = turn.heading(next.heading);
        Some(turned(stance.heading, to, self.moment.fraction))
    }
}

/// The direction at length 1.
fn unit(direction: DVec3) -> Result<DVec3, QueryError> {
    let longest = direction.abs().max_element();
    // Neither zero, nor infinite, nor NaN; scaled first, so that no square leaves the range.
    let scaled = direction / longest;
    let unit = scaled / scaled.length_squared().sqrt();
    match longest > 0.0 && unit.is_finite() {
        true => Ok(unit),
        false => Err(QueryError::Direction(direction.to_array())),
    }
}

fn length(metres: f64) -> Result<f64, QueryError> {
    match metres >= 0.0 {
        true => Ok(metres),
        false => Err(QueryError::Length(metres)),
    }
}
