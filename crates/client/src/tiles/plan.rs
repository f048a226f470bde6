//! Which tiles a player is going to need.

use spatial_core::{Cap, Cell, CellId, DVec3, Ecef, LatticeSpec, Region};

/// How far ground is wanted.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Reach {
    /// Around the player, metres.
    pub near_m: f64,
    /// Along the way that it goes, seconds.
    pub ahead_s: f64,
    /// Tiles at most; they are held in memory, 33 KB each.
    pub count_max: usize,
}

impl Default for Reach {
    fn default() -> Self {
        Self {
            near_m: 300.0,
            ahead_s: 20.0,
            count_max: 64,
        }
    }
}

/// The finest tiles that a player at a place with a velocity (planet-fixed, metres a second) is going to need, the most urgent first: the one
/// below it; all others within reach, where it will be in two seconds before where it was; then those along its way. None is left out but
/// the last ones of too many.
pub fn tiles_around(
    lattice: &LatticeSpec,
    place: Ecef,
    velocity_mps: DVec3,
    reach: &Reach,
) -> Vec<CellId> {
    let centre = place.to_vec();
    let up = centre.normalize_or(DVec3::Z);
    let along = velocity_mps - up * velocity_mps.dot(up);
    let mut found = Found {
        lattice,
        cells: vec![lattice.tile_at(centre)],
        count_max: reach.count_max.max(1),
    };
    found.add_within(centre, reach.near_m);
    let soon = centre + (along * SOON_S).clamp_length_max(reach.near_m);
    let urgency = |cell: &CellId| (cell.center() * centre.length() - soon).length_squared();
    found.cells[1..].sort_by(|a, b| urgency(a).total_cmp(&urgency(b)));
    let speed = along.length();
    // Circles as far apart as they are wide: the way is within them.
    let step_m = (reach.near_m / 4.0).max(speed * reach.ahead_s / STEPS_MAX);
    let steps = if speed > SLOW_MPS {
        speed * reach.ahead_s / step_m
    } else {
        0.0
    };
    for n in 1..=steps.ceil() as u32 {
        let there = centre + along / speed * (f64::from(n) * step_m);
        found.add_within(there, step_m);
    }
    found.cells.truncate(found.count_max);
    found.cells
}

/// Tiles in the order in which they were found, each once.
struct Found<'a> {
    lattice: &'a LatticeSpec,
    cells: Vec<CellId>,
    count_max: usize,
}

impl Found<'_> {
    /// Adds all tiles of a circle that are not there yet: from neighbour to neighbour, as far as the circle reaches.
    fn add_within(&mut self, centre: DVec3, radius_m: f64) {
        let Ok(circle) = Cap::new(centre, radius_m / centre.length()) else {
            return; // in the planet's middle there is no tile
        };
        let mut reached = vec![self.lattice.tile_at(centre)];
        let mut next = 0;
        while let Some(cell) = reached.get(next).copied() {
            next += 1;
            if !self.cells.contains(&cell) {
                self.cells.push(cell);
            }
            if reached.len() > self.count_max {
                continue;
            }
            for cell in cell.neighbors() {
                if !reached.contains(&cell) && circle.may_intersect(&Cell::new(cell)) {
                    reached.push(cell);
                }
            }
        }
    }
}

/// Circles along a way, at most.
const STEPS_MAX: f64 = 100.0;
const SOON_S: f64 = 2.0;
const SLOW_MPS: f64 = 0.1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use spatial_core::{Geodetic, Planet};

    use super::*;

    fn place(lat: f64, lon: f64) -> Ecef {
        Planet::EARTH.ecef(Geodetic::from_degrees(lat, lon, 0.0).unwrap())
    }

    fn offset(from: Ecef, by: DVec3) -> Ecef {
        let p = from.to_vec() + by;
        Ecef::new(p.x, p.y, p.z).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Everywhere, poles, edges and corners included: whatever is near is in it, and what the player comes over is too.
        #[test]
        fn nothing_near_and_nothing_ahead_is_left_out(
            (lat, lon) in prop_oneof![
                (-90.0..90.0, -180.0..180.0),
                Just((90.0, 0.0)), Just((0.0, 45.0)), Just((35.264_389_7, 45.0)), Just((-35.264_4, 135.0)),
            ],
            (angle, metres) in (0.0f64..6.3, 0.0..300.0f64), speed in 0.0f64..90.0, levels in 9u8..=16, later in 0.0..19.0f64,
        ) {
            let lattice = LatticeSpec::new(levels, 64, 0.0, 1.0).unwrap();
            let here = place(lat, lon);
            let (a, b) = here.to_vec().normalize().any_orthonormal_pair();
            let way = a * angle.cos() + b * angle.sin();
            let reach = Reach { count_max: 10_000, ..Reach::default() };
            let cells = tiles_around(&lattice, here, way * speed, &reach);
            prop_assert_eq!(cells[0], lattice.tile_at(here.to_vec()));
            let near = offset(here, (b * angle.cos() - a * angle.sin()) * metres);
            prop_assert!(cells.contains(&lattice.tile_at(near.to_vec())));
            let ahead = offset(here, way * (speed * later));
            prop_assert!(speed < 0.1 || cells.contains(&lattice.tile_at(ahead.to_vec())));
            prop_assert!(cells.iter().all(|cell| cell.level() == lattice.leaf_level()));
            let few = tiles_around(&lattice, here, way * speed, &Reach { count_max: 5, ..reach });
            prop_assert!(few.len() <= 5 && few[0] == cells[0]);
        }
    }

    #[test]
    fn what_is_ahead_comes_before_what_is_behind() {
        let lattice = LatticeSpec::new(17, 64, 0.0, 1.0).unwrap(); // tiles of 150 m
        let here = place(46.95, 7.44);
        let way = here.to_vec().normalize().any_orthonormal_vector();
        let cells = tiles_around(&lattice, here, way * 60.0, &Reach::default());
        let rank = |metres: f64| {
            let cell = lattice.tile_at(offset(here, way * metres).to_vec());
            cells.iter().position(|c| *c == cell).unwrap_or(usize::MAX)
        };
        assert_eq!(rank(0.0), 0);
        assert!(rank(250.0) < rank(-250.0));
        assert!(rank(250.0) < rank(900.0) && rank(900.0) < usize::MAX);
        assert_eq!(rank(-900.0), usize::MAX);
        assert!(cells.len() <= 64);
    }
}
