//! Lines of sight against a march along the surface.

use std::collections::BTreeMap;
use std::sync::Arc;

use sim_core::{Record, SightLine, World, WorldStart};
use spatial_core::{CellId, DVec3, Direction, Ecef, HeightTile, LatticeSpec, Planet, face_st};

use crate::scene::Seeded;

/// A world of hills around some places, and its tiles.
struct Hills {
    world: World,
    planet: Planet,
    lattice: LatticeSpec,
    tiles: BTreeMap<CellId, Arc<HeightTile>>, // resident
}

/// How hills are made: lengths of waves in metres, and how high they are together.
#[derive(Clone, Copy)]
struct Waves {
    lengths_m: [f64; 3],
    height_m: f64,
}

const METRES: Waves = Waves {
    lengths_m: [150.0, 60.0, 17.0],
    height_m: 14.0,
};

impl Waves {
    fn height_m(self, planet: Planet, p: DVec3) -> f64 {
        let wave = |length_m: f64| {
            let k = core::f64::consts::TAU * planet.radius_m() / length_m;
            let along = |x: f64, y: f64| libm::sin(k * x) * libm::sin(k * y + 1.0);
            (along(p.x, p.y) + along(p.y, p.z) + along(p.z, p.x)) * length_m
        };
        let [a, b, c] = self.lengths_m;
        self.height_m * (wave(a) + wave(b) + wave(c)) / (a + b + c)
    }
}

/// Ways are looked at from here, the middle of a face, an edge and a corner of the cube, a pole and some place.
fn places() -> [DVec3; 5] {
    [
        DVec3::new(1.0, 1e-7, 2e-7),
        DVec3::new(1.0, -0.3, 1.0),
        DVec3::new(-1.0, 1.0, 1.0),
        DVec3::new(0.0, 0.0, -1.0),
        DVec3::new(0.4, 0.7, -0.3),
    ]
    .map(DVec3::normalize)
}

impl Hills {
    /// With ground so far around the places, but where a tile is left out.
    fn new(
        planet: Planet,
        lattice: LatticeSpec,
        waves: Waves,
        around_m: f64,
        is_there: impl Fn(CellId) -> bool,
    ) -> Self {
        let start = WorldStart {
            world_id: 1,
            planet,
            tick_rate_hz: 30,
            gravity: WorldStart::EARTH_GRAVITY,
            lattice,
        };
        let mut hills = Self {
            world: World::new(start).expect("a legal start"),
            planet,
            lattice,
            tiles: BTreeMap::new(),
        };
        for place in places() {
            let steps = -16..=16;
            for (a, b) in steps
                .clone()
                .flat_map(|a| steps.clone().map(move |b| (a, b)))
            {
                let beside = |n: i32| f64::from(n) / 16.0 * around_m / planet.radius_m();
                let at = shifted(place, beside(a), beside(b));
                hills.add(lattice.tile_at(at), waves, &is_there);
            }
        }
        let records = hills.tiles.values().map(|tile| Record::Resident {
            tile: tile.cell(),
            checksum: tile.checksum(),
        });
        let records: Vec<_> = records.collect();
        for tile in hills.tiles.values() {
            hills.world.stage(Arc::clone(tile));
        }
        hills.world.step(0, &records).expect("staged ground");
        hills
    }

    fn add(&mut self, cell: CellId, waves: Waves, is_there: impl Fn(CellId) -> bool) {
        if self.tiles.contains_key(&cell) || !is_there(cell) {
            return;
        }
        let (lines, side) = (
            self.lattice.tile_lines(cell),
            usize::from(self.lattice.intervals()) + 1,
        );
        let height = |k: usize| {
            let direction = lines.direction(k % side, k / side);
            let height_m = waves.height_m(self.planet, direction) - self.lattice.offset_m();
            (height_m / self.lattice.quantum_m()).round() as i16
        };
        let samples = (0..side * side).map(height).collect();
        let tile = HeightTile::new(cell, self.lattice.intervals(), samples);
        self.tiles
            .insert(cell, Arc::new(tile.expect("samples of a tile")));
    }

    /// How far a place is above the ground, metres; `None` where it is not resident.
    fn above_m(&self, place: DVec3) -> Option<f64> {
        let (face, s, t) = face_st(place);
        let tile = self.tiles.get(&self.lattice.tile_of(face, s, t))?;
        let height_m = tile.height_m(&self.lattice, face, s, t);
        Some(place.length() - self.planet.radius_m() - height_m)
    }

    /// Something so far above the ground (or the datum) in a direction.
    fn place(&self, direction: DVec3, above_m: f64) -> Ecef {
        let direction = direction.normalize();
        let on_datum = direction * self.planet.radius_m();
        let ground_m = self.above_m(on_datum).map_or(0.0, |above_m| -above_m);
        ecef(direction * (self.planet.radius_m() + ground_m + above_m))
    }

    /// Checks an answer at places that far apart: it is where the ground is, none is before it, and it says where the ground is not known.
    fn check(&self, (from, to): (Ecef, Ecef), sight: SightLine, step_m: f64) {
        let (from, way) = (from.to_vec(), to.to_vec() - from.to_vec());
        let length_m = way.length();
        let end_m = match sight {
            SightLine::Clear => length_m,
            SightLine::Hidden(hit) => hit.distance_m,
            SightLine::Unknown(at_m) => at_m,
        };
        assert!((0.0..=length_m).contains(&end_m), "{sight:?} {length_m}");
        let at = |along_m: f64| from + way * (along_m / length_m);
        let steps = (end_m / step_m) as u64;
        for along_m in (0..steps).map(|n| n as f64 * step_m) {
            match self.above_m(at(along_m)) {
                Some(above_m) => assert!(above_m > -1e-3, "{above_m} at {along_m} of {sight:?}"),
                None => assert!(along_m > end_m - 1e-3, "nothing at {along_m} of {sight:?}"),
            }
        }
        match sight {
            SightLine::Clear => {}
            SightLine::Hidden(hit) => {
                let off_m = self
                    .above_m(hit.place.to_vec())
                    .expect("its ground is known");
                let is_start = end_m == 0.0 && off_m < 0.0;
                assert!(is_start || off_m.abs() < 1e-3, "{off_m} {sight:?}");
                assert!(at(end_m).distance(hit.place.to_vec()) < 1e-6);
            }
            SightLine::Unknown(at_m) => {
                let beyond = self.above_m(at(at_m + 1e-3));
                assert_eq!(beyond, None, "{sight:?}");
            }
        }
    }
}

/// A direction moved by small angles across it.
fn shifted(direction: DVec3, a: f64, b: f64) -> DVec3 {
    let across = direction.cross(DVec3::new(0.3, 0.1, -0.7)).normalize();
    (direction + across * a + direction.cross(across) * b).normalize()
}

fn ecef(p: DVec3) -> Ecef {
    Ecef::new(p.x, p.y, p.z).expect("near the planet")
}

fn earth() -> LatticeSpec {
    LatticeSpec::new(17, 64, 3.0, 0.01).expect("a legal lattice")
}

/// From 0 to 1.
fn unit(seeded: &mut Seeded) -> f64 {
    (seeded.next() >> 11) as f64 / (1u64 << 53) as f64
}

/// Pairs around a place of hills, up to so far apart, most of them near the ground.
fn pair(hills: &Hills, place: DVec3, seeded: &mut Seeded, far_m: f64) -> (Ecef, Ecef) {
    let per_m = 1.0 / hills.planet.radius_m();
    let mut angle = |far_m: f64| (2.0 * unit(seeded) - 1.0) * far_m * per_m;
    let from = shifted(place, angle(far_m), angle(far_m));
    let to = shifted(from, angle(far_m), angle(far_m));
    let kind = seeded.below(8);
    let mut above_m = || match kind {
        0 => 0.2 * unit(seeded),
        1 => 60.0 * unit(seeded),
        _ => 0.5 + 2.0 * unit(seeded),
    };
    (hills.place(from, above_m()), hills.place(to, above_m()))
}

/// Ways of so many metres over hills of metres, everywhere: clear, hidden and unknown by number.
fn check_ways(hills: &Hills, seed: u64, count: usize, far_m: f64, step_m: f64) -> [usize; 3] {
    println!("seed {seed}");
    let mut seeded = Seeded(seed);
    let mut counts = [0; 3];
    for place in places() {
        for _ in 0..count {
            let pair = pair(hills, place, &mut seeded, far_m);
            let sight = hills.world.sight(pair.0, pair.1);
            counts[match sight {
                SightLine::Clear => 0,
                SightLine::Hidden(_) => 1,
                SightLine::Unknown(_) => 2,
            }] += 1;
            hills.check(pair, sight, step_m);
        }
    }
    counts
}

#[test]
fn ways_over_samples_of_a_metre_end_where_a_march_does() {
    let hills = Hills::new(Planet::EARTH, earth(), METRES, 500.0, |_| true);
    let [clear, hidden, unknown] = check_ways(&hills, 11, 400, 150.0, 0.1);
    assert!(
        clear > 500 && hidden > 500 && unknown == 0,
        "{clear} {hidden} {unknown}"
    );
}

#[test]
fn ways_on_the_smallest_planet_end_where_a_march_does() {
    let planet = Planet::new(10_000.0).expect("a legal radius");
    let lattice = LatticeSpec::new(8, 64, -7.0, 0.005).expect("a legal lattice");
    let hills = Hills::new(planet, lattice, METRES, 400.0, |_| true);
    let [clear, hidden, unknown] = check_ways(&hills, 12, 200, 130.0, 0.2);
    assert!(
        clear > 100 && hidden > 500 && unknown == 0,
        "{clear} {hidden} {unknown}"
    );
}

#[test]
fn ways_over_samples_of_kilometres_end_where_a_march_does() {
    let lattice = LatticeSpec::new(3, 128, 0.0, 0.5).expect("a legal lattice");
    let waves = Waves {
        lengths_m: [900_000.0, 300_000.0, 90_000.0],
        height_m: 5_000.0,
    };
    let hills = Hills::new(Planet::EARTH, lattice, waves, 3e6, |_| true);
    let [clear, hidden, unknown] = check_ways(&hills, 13, 60, 60_000.0, 50.0);
    assert!(
        clear > 20 && hidden > 100 && unknown == 0,
        "{clear} {hidden} {unknown}"
    );
}

#[test]
fn a_way_is_unknown_from_where_its_ground_is_not_resident() {
    let is_there = |cell: CellId| cell.to_u64() >> 29 & 3 != 1;
    let hills = Hills::new(Planet::EARTH, earth(), METRES, 500.0, is_there);
    let [clear, hidden, unknown] = check_ways(&hills, 14, 200, 150.0, 0.2);
    assert!(
        clear > 100 && hidden > 100 && unknown > 100,
        "{clear} {hidden} {unknown}"
    );
    // High above the datum nobody asks for ground.
    let (from, to) = (places()[0], -places()[1]);
    let high = |direction: DVec3, m: f64| ecef(direction * (hills.planet.radius_m() + m));
    let above = shifted(from, 1e-3, 0.0);
    assert!(
        hills
            .world
            .sight(high(from, 400.0), high(above, 400.0))
            .is_clear()
    );
    // Through the planet.
    let through = hills.world.sight(high(from, 1e6), high(to, 1e6));
    assert!(
        matches!(through, SightLine::Unknown(at_m) if at_m > 9e5),
        "{through:?}"
    );
}

#[test]
fn many_ways_and_rays_have_the_bits_of_single_ways() {
    let hills = Hills::new(Planet::EARTH, earth(), METRES, 500.0, |cell| {
        cell.to_u64() >> 29 & 7 != 3
    });
    let mut seeded = Seeded(15);
    let near = |place: DVec3, seeded: &mut Seeded| -> Vec<_> {
        (0..100)
            .map(|_| pair(&hills, place, seeded, 200.0))
            .collect()
    };
    let pairs: Vec<_> = places()
        .into_iter()
        .flat_map(|place| near(place, &mut seeded))
        .collect();
    let mut sights = vec![SightLine::Clear; pairs.len()];
    hills.world.sights(&pairs, &mut sights);
    let single: Vec<_> = pairs
        .iter()
        .map(|(from, to)| hills.world.sight(*from, *to))
        .collect();
    assert_eq!(sights, single);
    for ((from, to), sight) in pairs.iter().zip(sights) {
        let way = to.to_vec() - from.to_vec();
        let direction = Direction::new(way).expect("not nowhere");
        let ray = hills.world.raycast(*from, direction, way.length());
        match (sight, ray) {
            (SightLine::Clear, SightLine::Clear) => {}
            (SightLine::Hidden(a), SightLine::Hidden(b)) => {
                assert!((a.distance_m - b.distance_m).abs() < 1e-5)
            }
            (SightLine::Unknown(a), SightLine::Unknown(b)) => assert!((a - b).abs() < 1e-5),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn straight_up_down_and_nowhere() {
    let hills = Hills::new(Planet::EARTH, earth(), METRES, 200.0, |_| true);
    for place in places() {
        let place = shifted(place, 3e-6, -4e-6);
        let (low, high) = (hills.place(place, 1.5), hills.place(place, 300.0));
        let down = Direction::new(-place).expect("a unit vector");
        assert!(hills.world.sight(low, high).is_clear());
        assert!(hills.world.sight(high, low).is_clear());
        assert!(hills.world.sight(low, low).is_clear());
        for reach_m in [301.0, 1e3, f64::INFINITY] {
            let SightLine::Hidden(hit) = hills.world.raycast(high, down, reach_m) else {
                panic!("there is ground");
            };
            // As the surface has it, from a height above it.
            assert!((hit.distance_m - 300.0).abs() < 1e-3, "{}", hit.distance_m);
        }
        assert!(hills.world.raycast(high, down, 299.0).is_clear());
        for reach_m in [0.0, -1.0, f64::NAN] {
            assert!(hills.world.raycast(high, down, reach_m).is_clear());
        }
        let under = hills.place(place, -0.01);
        for to in [high, under, hills.place(place, -2e4)] {
            let sight = hills.world.sight(under, to);
            assert!(matches!(sight, SightLine::Hidden(hit) if hit.distance_m == 0.0));
        }
        // From below all ground, with or without ground.
        let deep = ecef(place * 1e6);
        assert!(
            matches!(hills.world.sight(deep, high), SightLine::Hidden(hit) if hit.distance_m == 0.0)
        );
    }
}

/// Where these ways end, as bits: the same on every CPU.
#[test]
fn golden_ends_of_ways() {
    let hills = Hills::new(Planet::EARTH, earth(), METRES, 500.0, |cell| {
        cell.to_u64() >> 29 & 7 != 3
    });
    let mut seeded = Seeded(16);
    let mut sum = 0u64;
    for place in places() {
        for _ in 0..200 {
            let (from, to) = pair(&hills, place, &mut seeded, 150.0);
            let end_m = match hills.world.sight(from, to) {
                SightLine::Clear => -1.0,
                SightLine::Hidden(hit) => hit.distance_m,
                SightLine::Unknown(at_m) => -2.0 - at_m,
            };
            sum = sum.rotate_left(5).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ end_m.to_bits();
        }
    }
    assert_eq!(sum, 0xef7d_206f_214a_7d6e, "{sum:016x}");
}
