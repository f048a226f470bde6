//! Static obstacles by place: who stands in a square finds all that it could touch there in one slice.
//!
//! ```text
//! frame's plane   ┌──────┬──────┐   a square: 64 m of a frame's plane, x >> 22 and y >> 22 of the grid
//!                 │      │ ┌┄┄┄┄┤   an obstacle is in every square that its bounds, grown by 8 m, touch,
//!                 │     ┌┼─┼──┐ ┆   and in the same way in the frames next to its own whose border is within 80 m
//!                 ├─────┼┼─┘▓▓│ ┤   of its bounds; on a carrier in the carrier's frame alone
//! ```

use core::hash::{BuildHasherDefault, Hasher};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use spatial_core::{
    CoordError, DQuat, DVec3, EntityId, Frame, FrameChange, FrameId, Planet, UNITS_PER_M,
};

use crate::shape::{Obstacle, Solid};

/// How far around its bounds an obstacle is found, metres.
const FOUND_M: f64 = 8.0;

/// How far outside of a frame's cell its agents may be, and what they touch there.
const FRAME_MARGIN_M: f64 = 80.0;

/// log₂ of a square's edge in grid units.
const SQUARE_SHIFT: u32 = 22;

/// All static obstacles of a world.
///
/// A step asks only for the squares that agents are in; what is elsewhere costs it nothing. Memory is in proportion to obstacles and, for
/// those larger than a square, to the squares they cover: 540 B for a house.
#[derive(Clone)]
pub struct Obstacles {
    planet: Planet,
    all: BTreeMap<EntityId, Obstacle>,
    squares: HashMap<Square, Vec<Placed>, BuildHasherDefault<Mix>>, // only looked up, never walked; ascending by id
}

/// An obstacle in one frame. 40 bytes, so that many can be looked over; squares of a frame share the solid.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Whose it is.
    pub id: EntityId,
    bounds: Bounds,
    /// What it is, in the frame's metres.
    pub solid: Arc<Solid>,
}

/// A box along a frame's axes, metres, rounded outwards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    low: [f32; 3],
    high: [f32; 3],
}

/// Why an obstacle cannot be there.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum ObstacleError {
    /// The id is taken.
    #[error("{0} is an obstacle already")]
    Taken(EntityId),
    /// Its position is in no frame of the planet, and on no carrier.
    #[error(transparent)]
    Coord(#[from] CoordError),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Square {
    frame: FrameId,
    x: i32,
    y: i32,
}

impl core::fmt::Debug for Obstacles {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_set().entries(self.all.keys()).finish()
    }
}

impl Obstacles {
    /// None on a planet.
    pub fn new(planet: Planet) -> Self {
        Self {
            planet,
            all: BTreeMap::new(),
            squares: HashMap::default(),
        }
    }

    /// Adds one. Some microseconds.
    ///
    /// # Errors
    /// [`ObstacleError`]; nothing has changed then.
    pub fn insert(&mut self, id: EntityId, obstacle: Obstacle) -> Result<(), ObstacleError> {
        if self.all.contains_key(&id) {
            return Err(ObstacleError::Taken(id));
        }
        for (frame, solid) in self.appearances(&obstacle)? {
            let solid = Arc::new(solid);
            let (low, high) = solid.bounds();
            let bounds = Bounds::new(low, high);
            for square in squares_of(frame, &solid) {
                let there = self.squares.entry(square).or_default();
                let at = there.partition_point(|other| other.id < id);
                let solid = Arc::clone(&solid);
                there.insert(at, Placed { id, bounds, solid });
            }
        }
        self.all.insert(id, obstacle);
        Ok(())
    }

    /// Takes one away; what it was, if it was there.
    pub fn remove(&mut self, id: EntityId) -> Option<Obstacle> {
        let obstacle = self.all.remove(&id)?;
        let appearances = self.appearances(&obstacle);
        for (frame, solid) in appearances.expect("it was inserted") {
            for square in squares_of(frame, &solid) {
                if let Some(there) = self.squares.get_mut(&square) {
                    there.retain(|other| other.id != id);
                    if there.is_empty() {
                        self.squares.remove(&square);
                    }
                }
            }
        }
        Some(obstacle)
    }

    /// What may be within 8 m of a place of a frame's grid: all of its square, ascending by id.
    #[inline]
    pub fn near(&self, frame: FrameId, x: i32, y: i32) -> &[Placed] {
        let square = Square {
            frame,
            x: x >> SQUARE_SHIFT,
            y: y >> SQUARE_SHIFT,
        };
        self.squares.get(&square).map_or(&[], Vec::as_slice)
    }

    /// What may touch a box of a frame, metres, ascending by id: for those who travel farther than 8 m. Looks at every
    /// square of the box.
    pub fn gather<'a>(
        &'a self,
        frame: FrameId,
        low: DVec3,
        high: DVec3,
        out: &mut Vec<&'a Placed>,
    ) {
        out.clear();
        let bounds = Bounds::new(low, high);
        for square in squares_between(frame, low, high) {
            let there = self.squares.get(&square).map_or(&[][..], Vec::as_slice);
            out.extend(there.iter().filter(|placed| placed.is_near(&bounds)));
        }
        out.sort_unstable_by_key(|placed| placed.id);
        out.dedup_by_key(|placed| placed.id);
    }

    /// All of them, ascending by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (EntityId, &Obstacle)> + '_ {
        self.all.iter().map(|(id, obstacle)| (*id, obstacle))
    }

    /// One of them.
    pub fn get(&self, id: EntityId) -> Option<&Obstacle> {
        self.all.get(&id)
    }

    /// Whether there are none: then nobody need look.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The obstacle in every frame whose agents can touch it.
    fn appearances(&self, obstacle: &Obstacle) -> Result<Vec<(FrameId, Solid)>, CoordError> {
        let at = obstacle.position;
        let own_centre = DVec3::from_array(at.xyz().map(f64::from)) / UNITS_PER_M;
        let solid = Solid::new(&obstacle.shape, own_centre, DQuat::IDENTITY);
        if at.frame.carrier().is_some() {
            return Ok(vec![(at.frame, solid)]);
        }
        let own = Frame::new(self.planet, at.frame)?;
        let place = own.to_ecef(at);
        let cell = Frame::at(self.planet, place).cell();
        let mut cells = [[cell; 1].as_slice(), &cell.neighbors()].concat();
        cells.sort_unstable();
        cells.dedup();
        let reach_m = obstacle.shape.reach_m() + FRAME_MARGIN_M;
        let mut appearances = Vec::with_capacity(1);
        for cell in cells {
            let frame = Frame::new(self.planet, FrameId(cell.to_u64()))?;
            if frame.outside_m(place) > reach_m {
                continue;
            }
            if frame.id() == own.id() {
                appearances.push((frame.id(), solid.clone()));
                continue;
            }
            let change = FrameChange::new(own.axes(), frame.axes());
            let centre = DVec3::from_array(change.position(at)?.xyz().map(f64::from)) / UNITS_PER_M;
            let turn = change.rotation(DQuat::IDENTITY);
            appearances.push((frame.id(), solid.placed(&obstacle.shape, centre, turn)));
        }
        Ok(appearances)
    }
}

impl Placed {
    /// Whether its bounds touch a box.
    #[inline]
    pub(crate) fn is_near(&self, other: &Bounds) -> bool {
        // One branch for all six: each of them alone is a toss.
        let (a, b) = (&self.bounds, other);
        let x = (a.low[0] <= b.high[0]) & (b.low[0] <= a.high[0]);
        let y = (a.low[1] <= b.high[1]) & (b.low[1] <= a.high[1]);
        let z = (a.low[2] <= b.high[2]) & (b.low[2] <= a.high[2]);
        x & y & z
    }
}

impl Bounds {
    /// Coordinates of a frame are below 2¹⁵ m, where an f32 is right to 2 mm.
    pub(crate) fn new(low: DVec3, high: DVec3) -> Self {
        const ROUNDING_M: f64 = 0.004;
        let outwards = |v: DVec3, by: f64| v.to_array().map(|c| (c + by) as f32);
        Self {
            low: outwards(low, -ROUNDING_M),
            high: outwards(high, ROUNDING_M),
        }
    }
}

/// The squares that a solid's bounds touch, grown by what it is found from.
fn squares_of(frame: FrameId, solid: &Solid) -> impl Iterator<Item = Square> + use<> {
    let grown = solid.reach() + DVec3::splat(FOUND_M);
    squares_between(frame, solid.centre() - grown, solid.centre() + grown)
}

fn squares_between(
    frame: FrameId,
    low: DVec3,
    high: DVec3,
) -> impl Iterator<Item = Square> + use<> {
    let square = |m: f64| (m * UNITS_PER_M) as i32 >> SQUARE_SHIFT; // saturates at the ends of the grid
    let (x0, x1) = (square(low.x), square(high.x));
    let (y0, y1) = (square(low.y), square(high.y));
    (y0..=y1).flat_map(move |y| (x0..=x1).map(move |x| Square { frame, x, y }))
}

/// A hash of a few integers: the same everywhere, and squares are given by the server, not by who would make them collide.
#[derive(Clone, Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, v: u64) {
        let z = (self.0 ^ v).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = z ^ (z >> 32);
    }

    fn write_i32(&mut self, v: i32) {
        self.write_u64(u64::from(v.cast_unsigned()));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::{Segment, Shape};
    use spatial_core::{Geodetic, Position};

    fn house() -> Shape {
        Shape::cuboid(DVec3::new(6.0, 4.0, 3.0), DQuat::IDENTITY).unwrap()
    }

    /// Ordinary places, and those where frames and faces meet.
    const PLACES_DEG: [(f64, f64); 6] = [
        (90.0, 0.0),
        (-17.3, 180.0),
        (0.0, 45.0),
        (35.264_389_682_754_654, -45.0),
        (46.95, 7.44),
        (-33.9, 18.4),
    ];

    /// Whoever is within 8 m of an obstacle, in any frame it may be in, finds it in its square, as far away as it is.
    #[test]
    fn obstacles_are_found_from_every_frame_that_reaches_them() {
        for radius_m in [10_000.0, 6_371_008.8] {
            let planet = Planet::new(radius_m).unwrap();
            let (mut found, mut crossed) = (0, 0);
            for (lat, lon) in PLACES_DEG {
                let at = planet.ecef(Geodetic::from_degrees(lat, lon, 0.0).unwrap());
                let cell = Frame::at(planet, at);
                let [east, north, _] = cell.axes().units();
                // Along a line from the middle of the cell to beyond its edge.
                for step in 0..240 {
                    let way = (east + north * 0.3).normalize() * (f64::from(step) * 12.0);
                    let place = cell.axes().origin().to_vec() + way;
                    let place = place.normalize() * radius_m;
                    let place = spatial_core::Ecef::new(place.x, place.y, place.z).unwrap();
                    let position = planet.position(place).unwrap();
                    let mut obstacles = Obstacles::new(planet);
                    obstacles
                        .insert(
                            EntityId(9),
                            Obstacle {
                                position,
                                shape: house(),
                            },
                        )
                        .unwrap();
                    let spot = place.to_vec() + east * 9.0 - north * 5.0;
                    let spot = spatial_core::Ecef::new(spot.x, spot.y, spot.z).unwrap();
                    let gap_m = gap_in(planet, position.frame, &obstacles, spot).unwrap();
                    let home = Frame::at(planet, place).cell();
                    for neighbour in home.neighbors() {
                        let frame = Frame::new(planet, FrameId(neighbour.to_u64())).unwrap();
                        if !frame.is_left(spot) {
                            let there =
                                gap_in(planet, frame.id(), &obstacles, spot).expect("it is found");
                            assert!((there - gap_m).abs() < 1e-4, "{there} {gap_m}");
                            crossed += 1;
                        }
                    }
                    found += 1;
                    obstacles.remove(EntityId(9)).unwrap();
                    assert!(obstacles.squares.is_empty() && obstacles.is_empty());
                }
            }
            assert!(found == 1_440 && crossed > 10, "{crossed}");
        }
    }

    fn gap_in(
        planet: Planet,
        frame: FrameId,
        obstacles: &Obstacles,
        spot: spatial_core::Ecef,
    ) -> Option<f64> {
        let at = Frame::new(planet, frame)
            .unwrap()
            .to_position(spot)
            .unwrap();
        let local = DVec3::from_array(at.xyz().map(f64::from)) / UNITS_PER_M;
        let near = obstacles.near(frame, at.x, at.y);
        near.first()
            .map(|placed| placed.solid.gap(Segment::point(local)).distance_m)
    }

    #[test]
    fn what_is_near_is_in_order_and_complete() {
        let planet = Planet::EARTH;
        let position = planet
            .position(planet.ecef(Geodetic::from_degrees(10.0, 20.0, 0.0).unwrap()))
            .unwrap();
        let mut obstacles = Obstacles::new(planet);
        let mut seed = 3u64;
        let mut draw = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as i32
        };
        let mut kept = Vec::new();
        for n in 0..3_000u64 {
            let id = EntityId(n * 7_919 % 3_001 + 1);
            let position = Position {
                x: (draw() % 400) * 65_536,
                y: (draw() % 400) * 65_536,
                ..position
            };
            obstacles
                .insert(
                    id,
                    Obstacle {
                        position,
                        shape: house(),
                    },
                )
                .unwrap();
            kept.push((id, position));
            if n % 3 == 0 {
                let (id, position) = kept.swap_remove((n as usize * 31) % kept.len());
                assert_eq!(obstacles.remove(id).unwrap().position, position);
            }
        }
        kept.sort_unstable_by_key(|(id, _)| *id);
        for _ in 0..2_000 {
            let (x, y) = ((draw() % 420) * 65_536, (draw() % 420) * 65_536);
            let near = obstacles.near(position.frame, x, y);
            assert!(near.is_sorted_by(|a, b| a.id < b.id));
            let is_close = |at: &Position| {
                let off = [at.x - x, at.y - y].map(|d| f64::from(d).abs() / UNITS_PER_M);
                off[0] <= 6.0 + 8.0 && off[1] <= 4.0 + 8.0
            };
            for (id, _) in kept.iter().filter(|(_, at)| is_close(at)) {
                assert!(near.iter().any(|placed| placed.id == *id));
            }
            let spot = DVec3::new(f64::from(x), f64::from(y), 0.0) / UNITS_PER_M;
            let (low, high) = (spot - DVec3::splat(70.0), spot + DVec3::splat(70.0));
            let mut gathered = Vec::new();
            obstacles.gather(position.frame, low, high, &mut gathered);
            let want = kept.iter().filter(|(_, at)| {
                let off = [at.x - x, at.y - y].map(|d| f64::from(d).abs() / UNITS_PER_M);
                off[0] <= 76.0 && off[1] <= 74.0
            });
            assert!(
                want.map(|(id, _)| *id)
                    .eq(gathered.iter().map(|placed| placed.id))
            );
        }
        let all: Vec<_> = obstacles.iter().map(|(id, _)| id).collect();
        assert!(all.iter().eq(kept.iter().map(|(id, _)| id)));
    }

    #[test]
    fn carriers_keep_theirs_and_nonsense_is_refused() {
        let mut obstacles = Obstacles::new(Planet::EARTH);
        let ship = FrameId::of_carrier(EntityId(5)).unwrap();
        let at = |frame: FrameId| Obstacle {
            position: Position {
                frame,
                x: 0,
                y: 0,
                z: 0,
            },
            shape: house(),
        };
        obstacles.insert(EntityId(1), at(ship)).unwrap();
        assert_eq!(obstacles.near(ship, -1, 7 << 16).len(), 1);
        assert_eq!(
            obstacles.insert(EntityId(1), at(ship)),
            Err(ObstacleError::Taken(EntityId(1)))
        );
        for nowhere in [0, 77, 0b110 << 61 | 1] {
            let refused = obstacles.insert(EntityId(2), at(FrameId(nowhere)));
            assert!(matches!(refused, Err(ObstacleError::Coord(_))));
        }
        assert_eq!(obstacles.iter().len(), 1);
        assert!(obstacles.remove(EntityId(99)).is_none());
    }
}
