//! Parts of the globe: boxes, caps, cells, polygons and regions of other shapes.

use spatial_core::{Cap, Cell, CellId, DVec3, LatLngRect, Polygon, Region};

use super::scene::{Scene, Side, slots_where};
use super::{Size, check};
use crate::world::{Random, ecef};

#[test]
fn boxes_equal_brute_force() {
    let mut rows = Vec::new();
    check("box", Size::new(), |scene, random| {
        let [lat, lng] = random_box(scene, random);
        let rect = LatLngRect::from_degrees(lat, lng).unwrap();
        scene.view.region_rows(&rect, &mut rows);
        scene.assert_rows(&rows, &slots_in_box(scene, lat, lng), &(lat, lng));
        rows.len()
    });
}

/// South and north, west and east, degrees: of all sizes, often through a place, across the antimeridian and at poles.
pub(super) fn random_box(scene: &Scene<'_>, random: &mut Random) -> [[f64; 2]; 2] {
    let planet = scene.world.planet;
    let center = planet.geodetic(ecef(scene.direction(random).normalize() * 1e4));
    let half = random.log_uniform(1e-7, 200.0);
    let other = planet.geodetic(scene.any_place(random));
    let mut lat = [
        center.lat_deg() - half,
        center.lat_deg() + half * random.between(0.0, 1.0),
    ];
    let mut lng = [
        center.lon_deg() - half * random.between(0.0, 2.0),
        center.lon_deg() + half,
    ];
    match random.below(8) {
        0 => lat = [center.lat_deg(), other.lat_deg()],
        1 => lng = [center.lon_deg(), other.lon_deg()],
        2 => lng = [180.0 - half.min(100.0), half.min(100.0) - 180.0],
        3 => lat = [-90.0, center.lat_deg()],
        4 => lat = [center.lat_deg(), 90.0],
        _ => {}
    }
    lat.sort_by(f64::total_cmp);
    [
        lat.map(|lat| lat.clamp(-90.0, 90.0)),
        lng.map(|lng| lng.clamp(-540.0, 540.0)),
    ]
}

pub(super) fn slots_in_box(scene: &Scene<'_>, lat_deg: [f64; 2], lng_deg: [f64; 2]) -> Vec<u32> {
    let [south, north] = lat_deg.map(f64::to_radians);
    let wrapped = lng_deg.map(|lng| match lng {
        d if d > 180.0 => d - 360.0,
        d if d < -180.0 => d + 360.0,
        d => d,
    });
    let [west, east] = wrapped.map(f64::to_radians);
    let is_full = lng_deg[1] - lng_deg[0] >= 360.0;
    // East of the west end and west of the east one; one of them is enough of a box across the antimeridian.
    let enough = if west <= east { 2 } else { 1 };
    let is_between = |lng: f64| u8::from(lng >= west) + u8::from(lng <= east) >= enough;
    // The antimeridian is both −π and π.
    let is_antimeridian = |lng: f64| lng.abs() == core::f64::consts::PI;
    let holds = |_, [lat, lng]: [f64; 2]| {
        let is_at = is_full | is_between(lng) | (is_antimeridian(lng) & is_between(-lng));
        (south <= lat) & (lat <= north) & is_at
    };
    slots_where(&scene.lat_lng, holds)
}

#[test]
fn caps_equal_brute_force() {
    let mut rows = Vec::new();
    check("cap", Size::new(), |scene, random| {
        let cap = random_cap(scene, random);
        scene.view.region_rows(&cap, &mut rows);
        scene.assert_rows(&rows, &scene.slots_in_cap(&cap), &cap);
        // The definition itself, far enough from the rim.
        for _ in 0..5 {
            let place = scene.any_place(random).to_vec();
            let angle = libm::atan2(place.cross(cap.axis()).length(), place.dot(cap.axis()));
            let apart = angle - cap.radius_rad();
            assert!(apart.abs() < 1e-7 || cap.contains_point(place) == (apart < 0.0));
        }
        rows.len()
    });
}

pub(super) fn random_cap(scene: &Scene<'_>, random: &mut Random) -> Cap {
    let axis = scene.direction(random);
    match random.below(6) {
        0 => {
            // Somebody exactly on the rim.
            let other = scene.any_place(random).to_vec().normalize();
            let chord2 = (axis.normalize() - other).length_squared();
            Cap::from_squared_chord(axis, chord2.min(4.0)).unwrap()
        }
        1 => Cap::new(axis, random.log_uniform(1e-9, 3.2))
            .unwrap()
            .complement(),
        _ => Cap::new(axis, random.log_uniform(1e-9, 3.2)).unwrap(),
    }
}

#[test]
fn cells_equal_brute_force() {
    let mut rows = Vec::new();
    check("cell", Size::new(), |scene, random| {
        let level = match random.below(4) {
            0 => random.below(31) as u8,
            _ => random.below(12) as u8,
        };
        let cell = CellId::from_direction(scene.direction(random)).parent(level);
        scene.view.cell_rows(cell, &mut rows);
        scene.assert_rows(&rows, &slots_in_cell(scene, cell), &cell);
        rows.len()
    });
}

pub(super) fn slots_in_cell(scene: &Scene<'_>, cell: CellId) -> Vec<u32> {
    let level = cell.level();
    slots_where(&scene.leaves, |_, leaf| leaf.parent(level) == cell)
}

/// Neither convex nor in one piece: within one of two rings, whose borders often run along those of cells.
struct Rings([(Cap, Cap); 2]);

impl Region for Rings {
    fn cap_bound(&self) -> Cap {
        self.0[0].0.union(&self.0[1].0)
    }

    fn rect_bound(&self) -> LatLngRect {
        self.0[0].0.rect_bound().union(&self.0[1].0.rect_bound())
    }

    fn contains_point(&self, direction: DVec3) -> bool {
        let mut rings = self.0.iter();
        rings.any(|(out, hole)| out.contains_point(direction) && !hole.contains_point(direction))
    }

    fn contains_cell(&self, cell: &Cell) -> bool {
        let mut rings = self.0.iter();
        rings.any(|(out, hole)| out.contains_cell(cell) && !hole.may_intersect(cell))
    }

    fn may_intersect(&self, cell: &Cell) -> bool {
        let mut rings = self.0.iter();
        rings.any(|(out, hole)| out.may_intersect(cell) && !hole.contains_cell(cell))
    }
}

impl Rings {
    fn random(scene: &Scene<'_>, random: &mut Random) -> Self {
        let mut ring = || {
            let axis = scene.direction(random);
            let radius = random.log_uniform(1e-3, 2.0);
            let hole = radius * random.between(0.2, 1.0);
            (
                Cap::new(axis, radius).unwrap(),
                Cap::new(axis, hole).unwrap(),
            )
        };
        Self([ring(), ring()])
    }

    fn slots(&self, scene: &Scene<'_>) -> Vec<u32> {
        let caps = [self.0[0].0, self.0[0].1, self.0[1].0, self.0[1].1];
        let [a, b, c, d] = caps.each_ref().map(|cap| scene.sides_of(cap));
        let sides = a.iter().zip(&b).zip(c.iter().zip(&d));
        let sides: Vec<[Side; 4]> = sides.map(|((a, b), (c, d))| [*a, *b, *c, *d]).collect();
        slots_where(&sides, |slot, sides| {
            let [a, b, c, d] = sides.map(|side| side == Side::Inside);
            if sides.contains(&Side::Rim) {
                self.contains_point(scene.places.get(slot))
            } else {
                (a & !b) | (c & !d)
            }
        })
    }
}

#[test]
fn regions_equal_brute_force() {
    let mut rows = Vec::new();
    check("region", Size::new().share(4), |scene, random| {
        let rings = Rings::random(scene, random);
        scene.view.region_rows(&rings, &mut rows);
        scene.assert_rows(&rows, &rings.slots(scene), &rings.0);
        rows.len()
    });
}

/// Stars, with and without a hole, and the outlines of cells, along whose borders entities lie; now and then all but that.
#[test]
fn polygons_equal_brute_force() {
    let mut rows = Vec::new();
    check("polygon", Size::new(), |scene, random| {
        let shape = Shape::random(scene, random);
        scene.view.region_rows(&shape.polygon, &mut rows);
        scene.assert_rows(&rows, &shape.slots(scene), &shape.polygon);
        rows.len()
    });
}

pub(super) struct Shape {
    pub(super) polygon: Polygon,
    around: Cap,      // its rings
    is_outside: bool, // what is not around belongs to it
}

impl Shape {
    pub(super) fn random(scene: &Scene<'_>, random: &mut Random) -> Self {
        loop {
            let center = scene.direction(random).normalize();
            let rings = match random.below(6) {
                0 | 1 => {
                    let cell = CellId::from_direction(center).parent(random.below(8) as u8);
                    vec![Cell::new(cell).vertices().to_vec()]
                }
                2 => star_with_hole(center, random),
                _ => vec![star(center, random.log_uniform(0.01, 1.2), random)],
            };
            let is_outside = rings.len() == 1 && random.below(10) == 0;
            if let Some(shape) = Self::new(center, rings, is_outside) {
                return shape;
            }
        }
    }

    fn new(center: DVec3, mut rings: Vec<Vec<DVec3>>, is_outside: bool) -> Option<Self> {
        let chord2 = |p: &DVec3| (p.normalize() - center).length_squared();
        let reach2 = rings[0].iter().map(chord2).fold(0.0, f64::max);
        let around = Cap::from_squared_chord(center, reach2 * (1.0 + 1e-9) + 1e-20).unwrap();
        let polygon = if is_outside {
            rings[0].reverse(); // all of them run counter-clockwise
            Polygon::directed(&rings)
        } else {
            Polygon::new(&rings)
        };
        polygon.ok().map(|polygon| Self {
            polygon,
            around,
            is_outside,
        })
    }

    /// The polygon is asked about everybody near its rings. A cap of less than a hemisphere is convex: around the vertices of
    /// a ring it is around its edges and its smaller part, and what is not in the cap is on the other side of all rings.
    pub(super) fn slots(&self, scene: &Scene<'_>) -> Vec<u32> {
        slots_where(&scene.sides_of(&self.around), |slot, side| match side {
            Side::Outside => self.is_outside,
            _ => self.polygon.contains_point(scene.places.get(slot)),
        })
    }
}

fn star(center: DVec3, size: f64, random: &mut Random) -> Vec<DVec3> {
    let east = center.any_orthonormal_vector();
    let north = center.cross(east);
    let count = 3 + random.below(20);
    (0..count)
        .map(|n| {
            let turn = core::f64::consts::TAU * n as f64 / count as f64;
            let (sin, cos) = libm::sincos(turn);
            center + (east * cos + north * sin) * size * random.between(0.3, 1.0)
        })
        .collect()
}

/// The hole may stick out of it where the star has few points, and is then refused.
fn star_with_hole(center: DVec3, random: &mut Random) -> Vec<Vec<DVec3>> {
    let size = random.log_uniform(0.01, 1.2);
    vec![
        star(center, size, random),
        star(center, 0.25 * size, random),
    ]
}
