//! Boxes, caps, cells, regions of other shapes, corridors and pairs against brute force.
//!
//! `BLUEMARBLE_QUERIES` sets the number of queries of each kind, over worlds of 1,000 to 20,000 entities; without it they are few and small.
//! `BLUEMARBLE_QUERIES_AMONG` sets the number of entities that a thousand queries of each kind go through.

use std::collections::BTreeSet;

use spatial_core::{
    Cap, Cell, CellId, Corridor, DVec3, Ecef, EntityId, Hit, IndexView, InvalidCorridor,
    InvalidRadius, LatLngRect, MovingIndex, Pair, PairSearch, Planet, Polygon, Region, SimdLevel,
};

use crate::allocations;
use crate::world::{Random, World, ecef};

const SEED: u64 = 30_317;

/// How many queries of each kind, and how many of them in a world of how many entities.
struct Size {
    queries: u64,
    a_world: u64,
    entities: [u64; 2],
}

fn size(share: u64) -> Size {
    match number("BLUEMARBLE_QUERIES") {
        Some(queries) => Size {
            queries: queries / share,
            a_world: 2_000,
            entities: [1_000, 20_000],
        },
        None => Size {
            queries: 20_000 / share, // a hundred thousand together
            a_world: 50,
            entities: [50, 1_000],
        },
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap())
}

/// Runs a kind of query in world after world, at every level of the CPU in turn.
fn check(kind: &str, size: &Size, mut query: impl FnMut(&Scene<'_>, &mut Random) -> usize) {
    println!("{kind}: seed {SEED}, {} queries", size.queries);
    let mut random = Random::new(SEED);
    let levels: Vec<SimdLevel> = SimdLevel::available().collect();
    let (mut done, mut some, mut hits) = (0, 0u64, 0u64);
    while done < size.queries {
        let [lo, hi] = size.entities;
        let count = random.log_uniform(lo as f64, hi as f64) as u64;
        let world = World::of_count(count, &mut random);
        let mut index = MovingIndex::with_simd(levels[random.below(levels.len() as u64) as usize]);
        index.rebuild(&world.ids, &world.places);
        let scene = Scene::new(&world, &index);
        for _ in 0..size.a_world.min(size.queries - done) {
            let found = query(&scene, &mut random) as u64;
            some += u64::from(found > 0 && found < world.ids.len() as u64);
            hits += found;
            done += 1;
        }
    }
    println!("{kind}: {some} of {done} with some hits but not all, {hits} hits");
    assert!(some * 3 > done, "{kind}: {some} of {done} are of use");
}

/// A world, its index, and what brute force wants to know once.
struct Scene<'a> {
    world: &'a World,
    view: IndexView<'a>,
    lat_lng: Vec<[f64; 2]>, // by row, radians
    leaves: Vec<CellId>,    // by row
}

impl<'a> Scene<'a> {
    fn new(world: &'a World, index: &'a MovingIndex) -> Self {
        let lat_lng = |place: &Ecef| {
            let at = world.planet.geodetic(*place);
            [at.lat_rad(), at.lon_rad()]
        };
        Self {
            world,
            view: index.view(&world.ids, &world.places),
            lat_lng: world.places.iter().map(lat_lng).collect(),
            leaves: world.places.iter().map(|place| place.leaf()).collect(),
        }
    }

    /// The rows for which something holds, in iteration order.
    fn rows(&self, mut holds: impl FnMut(usize) -> bool) -> Vec<u32> {
        let rows = self.view.rows().iter().copied();
        rows.filter(|row| holds(*row as usize)).collect()
    }

    fn place(&self, row: usize) -> Ecef {
        self.world.places[row]
    }

    fn any_row(&self, random: &mut Random) -> usize {
        random.below(self.world.places.len() as u64) as usize
    }

    /// Where somebody is, or an awkward or an ordinary direction.
    fn direction(&self, random: &mut Random) -> DVec3 {
        match random.below(5) {
            0 | 1 => self.place(self.any_row(random)).to_vec(),
            2 => random.awkward_direction(),
            _ => random.direction(),
        }
    }
}

#[test]
fn boxes_equal_brute_force() {
    let mut rows = Vec::new();
    check("box", &size(1), |scene, random| {
        let (lat, lng) = random_box(scene, random);
        let rect = LatLngRect::from_degrees(lat, lng).unwrap();
        scene.view.region_rows(&rect, &mut rows);
        let want = scene.rows(|row| in_box(scene.lat_lng[row], lat, lng));
        assert_eq!(rows, want, "seed {SEED} {lat:?} {lng:?}");
        rows.len()
    });
}

/// South and north, west and east, degrees: of all sizes, often through a place, across the antimeridian and at poles.
fn random_box(scene: &Scene<'_>, random: &mut Random) -> ([f64; 2], [f64; 2]) {
    let center = scene
        .world
        .planet
        .geodetic(ecef(scene.direction(random).normalize() * 1e4));
    let half = random.log_uniform(1e-7, 200.0);
    let other = scene
        .world
        .planet
        .geodetic(scene.place(scene.any_row(random)));
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
    (
        lat.map(|lat| lat.clamp(-90.0, 90.0)),
        lng.map(|lng| lng.clamp(-540.0, 540.0)),
    )
}

fn in_box([lat, lng]: [f64; 2], lat_deg: [f64; 2], lng_deg: [f64; 2]) -> bool {
    let [south, north] = lat_deg.map(f64::to_radians);
    let wrapped = lng_deg.map(|lng| match lng {
        d if d > 180.0 => d - 360.0,
        d if d < -180.0 => d + 360.0,
        d => d,
    });
    let [west, east] = wrapped.map(f64::to_radians);
    // The antimeridian is both −π and π.
    let is_at = |lng: f64| {
        if west <= east {
            west <= lng && lng <= east
        } else {
            lng >= west || lng <= east
        }
    };
    let is_full = lng_deg[1] - lng_deg[0] >= 360.0;
    let is_antimeridian = lng.abs() == core::f64::consts::PI;
    let between = is_full || is_at(lng) || is_antimeridian && is_at(-lng);
    south <= lat && lat <= north && between
}

#[test]
fn caps_equal_brute_force() {
    let mut rows = Vec::new();
    check("cap", &size(1), |scene, random| {
        let axis = scene.direction(random);
        let cap = match random.below(6) {
            0 => {
                // Somebody exactly on the rim.
                let other = scene.place(scene.any_row(random)).to_vec().normalize();
                let chord2 = (axis.normalize() - other).length_squared();
                Cap::from_squared_chord(axis, chord2.min(4.0)).unwrap()
            }
            1 => Cap::new(axis, random.log_uniform(1e-9, 3.2))
                .unwrap()
                .complement(),
            _ => Cap::new(axis, random.log_uniform(1e-9, 3.2)).unwrap(),
        };
        scene.view.region_rows(&cap, &mut rows);
        let want = scene.rows(|row| cap.contains_point(scene.place(row).to_vec()));
        assert_eq!(rows, want, "seed {SEED} {cap:?}");
        // The definition itself, far enough from the rim.
        for row in 0..scene.world.places.len().min(20) {
            let place = scene.place(row).to_vec();
            let angle = libm::atan2(place.cross(cap.axis()).length(), place.dot(cap.axis()));
            let apart = angle - cap.radius_rad();
            assert!(apart.abs() < 1e-7 || want.contains(&(row as u32)) == (apart < 0.0));
        }
        rows.len()
    });
}

#[test]
fn cells_equal_brute_force() {
    let mut rows = Vec::new();
    check("cell", &size(1), |scene, random| {
        let level = match random.below(4) {
            0 => random.below(31) as u8,
            _ => random.below(12) as u8,
        };
        let cell = CellId::from_direction(scene.direction(random)).parent(level);
        scene.view.cell_rows(cell, &mut rows);
        let want = scene.rows(|row| scene.leaves[row].parent(level) == cell);
        assert_eq!(rows, want, "seed {SEED} {cell}");
        rows.len()
    });
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

#[test]
fn regions_equal_brute_force() {
    let mut rows = Vec::new();
    check("region", &size(4), |scene, random| {
        let mut ring = || {
            let axis = scene.direction(random);
            let radius = random.log_uniform(1e-3, 2.0);
            let out = Cap::new(axis, radius).unwrap();
            (
                out,
                Cap::new(axis, radius * random.between(0.2, 1.0)).unwrap(),
            )
        };
        let rings = Rings([ring(), ring()]);
        scene.view.region_rows(&rings, &mut rows);
        let want = scene.rows(|row| rings.contains_point(scene.place(row).to_vec()));
        assert_eq!(rows, want, "seed {SEED} {:?}", rings.0);
        rows.len()
    });
}

/// Stars and the outlines of cells, along whose borders entities lie.
#[test]
fn polygons_equal_brute_force() {
    let mut rows = Vec::new();
    check("polygon", &size(4), |scene, random| {
        let polygon = random_polygon(scene, random);
        scene.view.region_rows(&polygon, &mut rows);
        let want = scene.rows(|row| polygon.contains_point(scene.place(row).to_vec()));
        assert_eq!(rows, want, "seed {SEED} {polygon:?}");
        rows.len()
    });
}

fn random_polygon(scene: &Scene<'_>, random: &mut Random) -> Polygon {
    loop {
        let center = scene.direction(random).normalize();
        let ring: Vec<DVec3> = if random.below(3) == 0 {
            let cell = CellId::from_direction(center).parent(random.below(8) as u8);
            Cell::new(cell).vertices().to_vec()
        } else {
            star(center, random)
        };
        if let Ok(polygon) = Polygon::new(&[ring]) {
            return polygon;
        }
    }
}

fn star(center: DVec3, random: &mut Random) -> Vec<DVec3> {
    let east = center.any_orthonormal_vector();
    let north = center.cross(east);
    let (size, count) = (random.log_uniform(0.01, 1.2), 3 + random.below(20));
    (0..count)
        .map(|n| {
            let turn = core::f64::consts::TAU * n as f64 / count as f64;
            let (sin, cos) = libm::sincos(turn);
            center + (east * cos + north * sin) * size * random.between(0.3, 1.0)
        })
        .collect()
}

#[test]
fn corridors_equal_brute_force() {
    let mut hits = Vec::new();
    check("corridor", &size(1), |scene, random| {
        let corridor = random_corridor(scene, random);
        scene.view.corridor(&corridor, &mut hits);
        let mut want = Vec::new();
        for row in scene.view.rows() {
            let place = scene.place(*row as usize).to_vec();
            let distance_m = distance_to_path(corridor.points(), place);
            if distance_m <= corridor.radius_m() {
                want.push(Hit {
                    id: scene.world.ids[*row as usize],
                    row: *row,
                    distance_m,
                });
            }
        }
        assert_eq!(hits, want, "seed {SEED} {corridor:?}");
        hits.len()
    });
}

fn random_corridor(scene: &Scene<'_>, random: &mut Random) -> Corridor {
    let radius_m = random.log_uniform(0.1, 5e6);
    let step_m = random.log_uniform(10.0, 2e7);
    let mut points = vec![scene.place(scene.any_row(random))];
    for _ in 0..random.below(6) {
        let last = *points.last().unwrap();
        points.push(match random.below(6) {
            0 => scene.place(scene.any_row(random)),
            1 => last,
            2 => scene.world.at(random.awkward_direction(), 0.0),
            _ => scene.world.near(last, step_m / 10.0, step_m, random),
        });
    }
    if random.below(8) == 0 {
        let other = scene.place(scene.any_row(random)).to_vec();
        let radius_m = distance_to_path(&points, other); // somebody exactly on the rim
        return Corridor::new(points, radius_m).unwrap();
    }
    if random.below(4) == 0 {
        let (from, direction) = (points[0], random.any_direction());
        return Corridor::ray(from, direction, step_m, radius_m).unwrap();
    }
    Corridor::new(points, radius_m).unwrap()
}

fn distance_to_path(points: &[Ecef], place: DVec3) -> f64 {
    let to_segment = |a: DVec3, b: DVec3| {
        let along = b - a;
        let square = along.x * along.x + along.y * along.y + along.z * along.z;
        let t = if square > 0.0 {
            ((place - a).dot(along) / square).clamp(0.0, 1.0)
        } else {
            0.0
        };
        place.distance(a + along * t)
    };
    let first = points[0].to_vec();
    let segments = points
        .windows(2)
        .map(|ab| to_segment(ab[0].to_vec(), ab[1].to_vec()));
    segments.fold(
        if points.len() == 1 {
            to_segment(first, first)
        } else {
            f64::INFINITY
        },
        f64::min,
    )
}

#[test]
fn pairs_equal_brute_force() {
    // Each answers for every entity of a world, of which there are about six thousand.
    let queries = number("BLUEMARBLE_QUERIES").map_or(20, |queries| queries / 6_000);
    let size = Size {
        queries,
        a_world: 5,
        ..size(1)
    };
    let (mut search, mut pairs) = (PairSearch::new(), Vec::new());
    check("pairs", &size, |scene, random| {
        let radius_m = random_radius(scene, random);
        search.pairs(scene.view, radius_m, &mut pairs).unwrap();
        check_pairs(scene, radius_m, &pairs);
        pairs.len().min(scene.world.ids.len() - 1)
    });
}

fn random_radius(scene: &Scene<'_>, random: &mut Random) -> f64 {
    let planet_m = scene.world.planet.radius_m();
    match random.below(8) {
        0 => 0.0,
        1 => {
            let (a, b) = (scene.any_row(random), scene.any_row(random));
            scene.place(a).distance_m(scene.place(b))
        }
        _ => random.log_uniform(0.1, planet_m / 10.0),
    }
}

/// Every pair once, from its earlier entity in iteration order.
fn check_pairs(scene: &Scene<'_>, radius_m: f64, pairs: &[Pair]) {
    let rows = scene.view.rows();
    let mut next = pairs.iter();
    for (n, one) in rows.iter().enumerate() {
        let place = scene.place(*one as usize);
        for other in &rows[n + 1..] {
            if scene.place(*other as usize).distance_m(place) > radius_m {
                continue;
            }
            let mut pair = [*one, *other].map(|row| (scene.world.ids[row as usize], row));
            pair.sort_unstable();
            let want = Pair {
                a: pair[0].0,
                b: pair[1].0,
                rows: pair.map(|(_, row)| row),
            };
            assert_eq!(next.next(), Some(&want), "seed {SEED} {radius_m}");
        }
    }
    assert_eq!(next.next(), None, "seed {SEED} {radius_m}");
}

/// A few queries of each kind among many entities, a thousand among `BLUEMARBLE_QUERIES_AMONG`.
#[test]
fn queries_among_many_equal_brute_force() {
    let (entities, queries) = match number("BLUEMARBLE_QUERIES_AMONG") {
        Some(entities) => (entities, 1_000),
        None => (20_000, 10),
    };
    println!("seed {SEED}, {entities} entities, {queries} queries of each kind");
    let mut random = Random::new(SEED);
    let world = World::of_count(entities, &mut random);
    let mut index = MovingIndex::new();
    index.rebuild(&world.ids, &world.places);
    let scene = Scene::new(&world, &index);
    scene.view.assert_well_formed();
    let (mut rows, mut hits) = (Vec::new(), Vec::new());
    for _ in 0..queries {
        let (lat, lng) = random_box(&scene, &mut random);
        let rect = LatLngRect::from_degrees(lat, lng).unwrap();
        scene.view.region_rows(&rect, &mut rows);
        assert_eq!(rows, scene.rows(|row| in_box(scene.lat_lng[row], lat, lng)));
        let cap = Cap::new(scene.direction(&mut random), random.log_uniform(1e-6, 3.0)).unwrap();
        scene.view.region_rows(&cap, &mut rows);
        assert_eq!(
            rows,
            scene.rows(|row| cap.contains_point(scene.place(row).to_vec()))
        );
        let level = random.below(20) as u8;
        let cell = CellId::from_direction(scene.direction(&mut random)).parent(level);
        scene.view.cell_rows(cell, &mut rows);
        assert_eq!(
            rows,
            scene.rows(|row| cell.contains(scene.place(row).leaf()))
        );
        let corridor = random_corridor(&scene, &mut random);
        scene.view.corridor(&corridor, &mut hits);
        let near = |row: usize| {
            distance_to_path(corridor.points(), scene.place(row).to_vec()) <= corridor.radius_m()
        };
        let found: Vec<u32> = hits.iter().map(|hit| hit.row).collect();
        assert_eq!(found, scene.rows(near), "{corridor:?}");
    }
}

#[test]
fn nonsense_is_refused() {
    let at = ecef(DVec3::new(1.0, 2.0, 3.0));
    assert_eq!(Corridor::new(vec![], 1.0), Err(InvalidCorridor::Empty));
    let refused = Err(InvalidCorridor::Radius(InvalidRadius(-1.0)));
    assert_eq!(Corridor::new(vec![at], -1.0), refused);
    assert!(Corridor::new(vec![at], f64::NAN).is_err());
    assert!(Corridor::new(vec![at], f64::INFINITY).is_ok());
    let ray = |direction, length_m| Corridor::ray(at, direction, length_m, 1.0);
    assert_eq!(
        ray(DVec3::ZERO, 1.0),
        Err(InvalidCorridor::Direction([0.0; 3]))
    );
    assert!(matches!(
        ray(DVec3::NAN, 1.0),
        Err(InvalidCorridor::Direction(_))
    ));
    assert_eq!(ray(DVec3::X, -1.0), Err(InvalidCorridor::Length(-1.0)));
    assert!(matches!(
        ray(DVec3::X, f64::INFINITY),
        Err(InvalidCorridor::Length(_))
    ));
    assert!(matches!(ray(DVec3::X, 1e11), Err(InvalidCorridor::End(_))));

    let index = MovingIndex::new();
    let view = index.view(&[], &[]);
    let mut pairs = vec![];
    let mut search = PairSearch::new();
    assert_eq!(
        search.pairs(view, -2.0, &mut pairs),
        Err(InvalidRadius(-2.0))
    );
    assert!(search.pairs(view, f64::NAN, &mut pairs).is_err());
    assert_eq!(search.pairs(view, 1.0, &mut pairs), Ok(()));
}

/// Nobody, everybody in one place, everything in reach, somebody at the planet's centre.
#[test]
fn extremes() {
    let index = MovingIndex::new();
    let view = index.view(&[], &[]);
    let (mut rows, mut hits, mut pairs) = (vec![7], Vec::new(), Vec::new());
    view.region_rows(&Cap::FULL, &mut rows);
    assert!(rows.is_empty());
    view.cell_rows(CellId::from_direction(DVec3::X), &mut rows);
    assert!(rows.is_empty());

    let zero = ecef(DVec3::ZERO);
    let up = ecef(DVec3::new(0.0, 0.0, 5e6));
    let ids: Vec<EntityId> = (1..=100).map(EntityId).collect();
    let mut places = vec![up; 100];
    places[17] = zero;
    let mut index = MovingIndex::new();
    index.rebuild(&ids, &places);
    let view = index.view(&ids, &places);
    for region in [&Cap::FULL as &dyn Region, &LatLngRect::FULL] {
        view.region_rows(region, &mut rows);
        assert_eq!(rows.len(), 99);
    }
    view.region_rows(&Cap::EMPTY, &mut rows);
    assert!(rows.is_empty());
    view.region_rows(&LatLngRect::EMPTY, &mut rows);
    assert!(rows.is_empty());
    let corridor = Corridor::new(vec![zero, up], f64::INFINITY).unwrap();
    view.corridor(&corridor, &mut hits);
    assert_eq!(hits.len(), 100);
    view.corridor(&Corridor::new(vec![zero], 0.0).unwrap(), &mut hits);
    assert_eq!((hits.len(), hits[0].row), (1, 17));
    let mut search = PairSearch::new();
    search.pairs(view, 0.0, &mut pairs).unwrap();
    assert_eq!(pairs.len(), 99 * 98 / 2);
    search.pairs(view, f64::INFINITY, &mut pairs).unwrap();
    let all: BTreeSet<Pair> = pairs.iter().copied().collect();
    assert_eq!((pairs.len(), all.len()), (4_950, 4_950));
    assert!(pairs.iter().all(|pair| pair.a < pair.b));
}

#[test]
fn the_steady_state_allocates_nothing() {
    let mut random = Random::new(SEED);
    let world = World::of_count(2_000, &mut random);
    let mut index = MovingIndex::new();
    index.rebuild(&world.ids, &world.places);
    let view = index.view(&world.ids, &world.places);
    let rect = LatLngRect::from_degrees([-60.0, 60.0], [100.0, -100.0]).unwrap();
    let cell = CellId::from_direction(world.places[0].to_vec()).parent(1);
    let path = vec![world.places[0], world.places[1], world.places[2]];
    let corridor = Corridor::new(path, world.planet.radius_m() / 10.0).unwrap();
    let radius_m = world.planet.radius_m() / 100.0;
    let (mut rows, mut hits) = (Vec::new(), Vec::new());
    let (mut search, mut pairs) = (PairSearch::new(), Vec::new());
    let mut all = || {
        view.region_rows(&rect, &mut rows);
        view.cell_rows(cell, &mut rows);
        view.corridor(&corridor, &mut hits);
        search.pairs(view, radius_m, &mut pairs).unwrap();
        rows.len() + hits.len() + pairs.len()
    };
    let warm = all();
    let (count, again) = allocations::count(all);
    assert_eq!((count, again), (0, warm));
    assert!(warm > 10);
}

#[test]
fn a_planet_s_radius_does_not_matter() {
    // Twice the planet, twice the places: the same regions hold the same entities.
    let mut random = Random::new(SEED);
    let world = World::of_count(500, &mut random);
    let doubled: Vec<Ecef> = world
        .places
        .iter()
        .map(|p| ecef(p.to_vec() * 2.0))
        .collect();
    let (mut one, mut two) = (MovingIndex::new(), MovingIndex::new());
    one.rebuild(&world.ids, &world.places);
    two.rebuild(&world.ids, &doubled);
    let (mut rows, mut other) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        let cap = Cap::new(random.any_direction(), random.log_uniform(0.01, 2.0)).unwrap();
        one.view(&world.ids, &world.places)
            .region_rows(&cap, &mut rows);
        two.view(&world.ids, &doubled).region_rows(&cap, &mut other);
        assert_eq!(rows, other);
    }
    assert!(Planet::new(2.0 * world.planet.radius_m()).is_ok());
}
