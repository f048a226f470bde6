//! Coverings of polygons against the C++ S2 library: stars, holes and islands, more than a hemisphere, real countries.

use spatial_core::{Cell, CellId, CellUnion, Coverer, CoveringOptions, DVec3, Polygon, Region};

use crate::coverings::check_levels;
use crate::golden::{Draws, Tape, check_covering};

/// See `tests/data/s2_polygon_coverings.py`.
const ANSWERS: &[u8] = include_bytes!("../data/s2_polygon_coverings.bin");
const SEED: u64 = 0x5eed_0031;

fn read_points(tape: &mut Tape) -> Vec<DVec3> {
    (0..tape.count()).map(|_| tape.point()).collect()
}

fn read_polygon(tape: &mut Tape) -> Polygon {
    let is_directed = tape.flag();
    let rings: Vec<_> = (0..tape.count()).map(|_| read_points(tape)).collect();
    let make = if is_directed {
        Polygon::directed
    } else {
        Polygon::new
    };
    make(&rings).unwrap()
}

fn read_options(tape: &mut Tape) -> CoveringOptions {
    let [min_level, max_level, level_mod] = [0; 3].map(|_| u8::try_from(tape.integer()).unwrap());
    CoveringOptions {
        min_level,
        max_level,
        level_mod,
        cells_max: tape.count(),
    }
}

/// Far and near the boundary: about the middle, vertices and beside them, on edges and beside them.
fn draw_points(draws: &mut Draws, polygon: &Polygon) -> Vec<DVec3> {
    let rings: Vec<_> = polygon.rings().collect();
    let around = polygon.cap_bound();
    let mut point = |n: u64| {
        let ring = rings[draws.below(rings.len() as u64) as usize];
        let at = draws.below(ring.len() as u64) as usize;
        let (a, b) = (ring[at], ring[(at + 1) % ring.len()]);
        let along = a.lerp(b, 0.5 + 0.5 * draws.signed()).normalize();
        let size = a.distance(b) * draws.scale(1e-9, 0.5);
        match n % 5 {
            0 => a,
            1 => along,
            2 => draws.near(along, size),
            _ => draws.near(around.axis(), around.radius_rad().clamp(0.0, 3.1)),
        }
    };
    (0..60).map(&mut point).collect()
}

/// No vertex and no middle of an edge lies in a cell that is said to be inside, and the points of the cell are inside.
fn check_inside(draws: &mut Draws, polygon: &Polygon, interior: &CellUnion) {
    for id in interior.ids() {
        let cell = Cell::new(*id);
        assert!(polygon.contains_cell(&cell), "{id}");
        let corners = [0, 1, 2, 3].map(|k| cell.vertex(k));
        let blend = |draws: &mut Draws| {
            let weights = [0; 4].map(|_| 1.0 + draws.signed());
            let sum: DVec3 = (0..4).map(|k| corners[k] * weights[k]).sum();
            sum.normalize()
        };
        let between = [0; 4].map(|_| blend(draws));
        for p in corners.into_iter().chain(between) {
            assert!(polygon.contains_point(p), "{id} {p:?}");
        }
    }
    for ring in polygon.rings() {
        for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
            for p in [*a, (*a + *b).normalize()] {
                assert!(!interior.contains_id(CellId::from_direction(p)), "{p:?}");
            }
        }
    }
}

/// 257 polygons, three sets of options each: the library's cells, no point lost, levels kept, what is inside
/// inside.
#[test]
fn coverings_of_polygons_are_the_librarys() {
    let (mut tape, mut draws) = (Tape::new(ANSWERS), Draws(SEED));
    let count = tape.count();
    assert!(count >= 250, "{count}");
    let (mut coverings, mut inside) = (0, 0);
    for n in 0..count {
        let polygon = read_polygon(&mut tape);
        let librarys_points = read_points(&mut tape);
        assert!(librarys_points.len() == 6, "{n}");
        let outside = |p: &&DVec3| !polygon.contains_point(**p);
        assert_eq!(librarys_points.iter().find(outside), None, "{n}");
        for _ in 0..tape.count() {
            let options = read_options(&mut tape);
            let (library, library_inside) = (tape.ids(), tape.ids());
            println!("polygon {n} of seed {SEED}: {options:?}");
            let mut coverer = Coverer::new(options).unwrap();
            let ours = coverer.covering(&polygon);
            check_levels(&options, ours.ids());
            assert_eq!(ours.ids(), library);
            let points = draw_points(&mut draws, &polygon);
            let points = points.into_iter().chain(librarys_points.iter().copied());
            inside += check_covering(&polygon, &ours, ours.ids(), points);
            let interior = coverer.interior_covering(&polygon);
            check_levels(&options, interior.ids());
            assert!(interior.len() <= options.cells_max.max(6));
            assert_eq!(interior.ids(), library_inside);
            check_inside(&mut draws, &polygon, &interior);
            coverings += 1;
        }
    }
    tape.end();
    println!("{coverings} coverings, {inside} points inside");
    assert!(inside > 20_000, "{inside}");
    assert!(coverings >= 750, "{coverings}");
}
