//! Cells, caps and boxes against the C++ S2 library, and against points.

use spatial_core::{
    Cap, CapError, Cell, CellId, DVec3, Geodetic, LatLngRect, Planet, RectError, Region, Relation,
};

use crate::golden::{Draws, Tape, assert_ulps};

/// Made by tests/data/s2_regions.py, which also draws its layout.
const GOLDEN: &[u8] = include_bytes!("../data/s2_regions.bin");
const SEED: u64 = 0x5eed_0003;

/// Reads the tape up to a section: 0 cells, 1 caps, 2 rectangles, 3 unions, 4 coverings.
pub(crate) fn section(number: usize) -> Tape {
    let mut tape = Tape::new(GOLDEN);
    for passed in 0..number {
        for _ in 0..tape.count() {
            match passed {
                0 => drop(GoldenCell::read(&mut tape)),
                1 => drop(GoldenCap::read(&mut tape)),
                2 => drop(GoldenRect::read(&mut tape)),
                _ => drop(crate::cell_unions::GoldenUnion::read(&mut tape)),
            }
        }
    }
    tape
}

struct GoldenCell {
    cell: Cell,
    vertices: [DVec3; 2],
    center: DVec3,
    areas: [f64; 3],
    cap: Cap,
    rect: [f64; 4],
    distances: [(DVec3, f64); 2],
}

impl GoldenCell {
    fn read(tape: &mut Tape) -> Self {
        Self {
            cell: Cell::new(CellId::new(tape.integer()).unwrap()),
            vertices: [tape.point(), tape.point()],
            center: tape.point(),
            areas: tape.floats(),
            cap: tape.cap(),
            rect: tape.floats(),
            distances: [0, 1].map(|_| (tape.point(), tape.float())),
        }
    }
}

struct GoldenCap {
    cap: Cap,
    rect: [f64; 4],
    other: Cap,
    contains: bool,
    intersects: bool,
    union: Cap,
}

impl GoldenCap {
    fn read(tape: &mut Tape) -> Self {
        Self {
            cap: tape.cap(),
            rect: tape.floats(),
            other: tape.cap(),
            contains: tape.flag(),
            intersects: tape.flag(),
            union: tape.cap(),
        }
    }
}

struct GoldenRect {
    rect: LatLngRect,
    radians: [f64; 4],
    area: f64,
    cap: Cap,
    other: LatLngRect,
    contains: bool,
    intersects: bool,
    union: [f64; 4],
    intersection: [f64; 4],
    distance_rad: f64,
    expanded: [f64; 4],
}

impl GoldenRect {
    fn read(tape: &mut Tape) -> Self {
        Self {
            rect: tape.rect(),
            radians: tape.floats(),
            area: tape.float(),
            cap: tape.cap(),
            other: tape.rect(),
            contains: tape.flag(),
            intersects: tape.flag(),
            union: tape.floats(),
            intersection: tape.floats(),
            distance_rad: tape.float(),
            expanded: tape.floats(),
        }
    }
}

fn radians(rect: &LatLngRect) -> [f64; 4] {
    let ([south, north], [west, east]) = (rect.lat_rad(), rect.lng_rad());
    [south, north, west, east]
}

/// Whether a box reaches at least as far as another and not more than `slack` farther, end by end.
fn is_just_wider(wide: [f64; 4], narrow: [f64; 4], slack: f64) -> bool {
    let out = [
        narrow[0] - wide[0],
        wide[1] - narrow[1],
        narrow[2] - wide[2],
        wide[3] - narrow[3],
    ];
    out.into_iter()
        .all(|d| (-1e-16..=slack).contains(&libm::remainder(d, core::f64::consts::TAU)))
}

/// All of it in 4 units in the last place; nearly all of it is equal.
#[test]
fn geometry_of_cells_is_the_librarys() {
    let mut tape = section(0);
    let count = tape.count();
    assert!(count >= 600);
    for _ in 0..count {
        let want = GoldenCell::read(&mut tape);
        let (cell, id) = (want.cell, want.cell.id());
        assert_eq!([cell.vertex(0), cell.vertex(2)], want.vertices, "{id}");
        assert_eq!(cell.center(), want.center, "{id}");
        let areas = [cell.exact_area(), cell.approx_area(), cell.average_area()];
        assert_ulps(areas, want.areas, 4, "areas");
        let cap = cell.cap_bound();
        assert_ulps(cap.axis().to_array(), want.cap.axis().to_array(), 4, "axis");
        assert_ulps(
            [cap.squared_chord()],
            [want.cap.squared_chord()],
            4,
            "chord",
        );
        assert_ulps(radians(&cell.rect_bound()), want.rect, 4, "rectangle");
        for (p, distance_rad) in want.distances {
            let off = (cell.distance_rad(p) - distance_rad).abs();
            assert!(off <= 1e-15, "{id} is {off} off");
        }
    }
}

/// Vertices, edges, bounds and children of a cell hold together, at special places too.
#[test]
fn cells_hold_together() {
    let mut draws = Draws(SEED);
    for n in 0..6_000u32 {
        let p = draws.place();
        let leaf = CellId::from_direction(p);
        let cell = Cell::new(leaf.parent((n % 31) as u8));
        assert!(cell.contains_point(p) && cell.contains_point(p * 1e-200));
        assert_eq!(cell.distance_rad(p), 0.0);
        assert!(!cell.contains_point(-p) && !cell.contains_point(DVec3::NAN));
        let (cap, rect) = (cell.cap_bound(), cell.rect_bound());
        assert!(
            cap.contains_point(p) && rect.contains_point(p),
            "{p:?} {cell:?}"
        );
        for k in 0..4 {
            let (a, b, normal) = (cell.vertex(k), cell.vertex(k + 1), cell.edge_normal(k));
            assert!(normal.dot(a).abs() < 1e-15 && normal.dot(b).abs() < 1e-15);
            assert!(normal.dot(cell.center()) > 0.0);
            assert!(
                cap.contains_point(a) && rect.contains_point(a),
                "{a:?} {cell:?}"
            );
            assert!(cell.contains_point(a));
        }
        if let Some(children) = cell.children() {
            let sum: f64 = children.iter().map(Cell::exact_area).sum();
            // Vertices of leaves are rounded by a millionth of their edges.
            assert!((sum / cell.exact_area() - 1.0).abs() < 1e-5);
            assert!(children.iter().all(|child| cell.contains_cell(child)));
        }
    }
}

#[test]
fn distances_to_cells_are_least_over_points() {
    let mut draws = Draws(SEED + 1);
    for n in 0..400 {
        let cell = Cell::new(CellId::from_direction(draws.place()).parent((n % 12) as u8));
        let p = draws.place();
        let distance = cell.distance_rad(p);
        let [[u0, u1], [v0, v1]] = cell.uv_bound();
        let mut least = f64::INFINITY;
        for k in 0..=60 {
            for l in 0..=60 {
                let u = u0 + (u1 - u0) * f64::from(k) / 60.0;
                let v = v0 + (v1 - v0) * f64::from(l) / 60.0;
                let q = spatial_core::face_uv_to_direction(cell.face(), u, v).normalize();
                least = least.min(2.0 * libm::asin(0.5 * (p - q).length().min(2.0)));
            }
        }
        let mesh = 2.0 * cell.cap_bound().radius_rad() / 60.0;
        assert!(
            distance <= least + 1e-9 && least <= distance + mesh,
            "{distance} {least}"
        );
    }
    assert!(
        Cell::new(CellId::from_direction(DVec3::X))
            .distance_rad(DVec3::ZERO)
            .is_nan()
    );
}

#[test]
fn caps_answer_as_the_library() {
    let mut tape = section(1);
    let count = tape.count();
    assert!(count >= 300);
    for _ in 0..count {
        let want = GoldenCap::read(&mut tape);
        let GoldenCap { cap, other, .. } = want;
        assert_eq!(cap.contains(&other), want.contains, "{cap:?} {other:?}");
        assert_eq!(cap.intersects(&other), want.intersects, "{cap:?} {other:?}");
        // Rounded outwards.
        assert!(
            is_just_wider(radians(&cap.rect_bound()), want.rect, 1e-7),
            "{cap:?}"
        );
        let union = cap.union(&other);
        assert!(union.axis().distance(want.union.axis()) < 1e-13 || union.is_full());
        assert!((union.squared_chord() - want.union.squared_chord()).abs() < 1e-13);
        assert_eq!(union, other.union(&cap));
    }
}

/// Where the `s2` crate's box of a cap has its edge on the wrong side of a pole, or lost nine of ten points.
#[test]
fn the_box_of_a_cap_contains_it() {
    let mut draws = Draws(SEED + 2);
    let (mut inside, mut full) = (0, 0);
    for _ in 0..2_000 {
        let (axis, radius) = (draws.place(), draws.scale(1e-12, 3.2));
        let cap = Cap::new(axis, radius).unwrap();
        let rect = cap.rect_bound();
        full += usize::from(rect.lng_rad() == LatLngRect::FULL.lng_rad());
        for _ in 0..20 {
            let p = draws.near(axis, radius.min(3.1));
            if cap.contains_point(p) {
                inside += 1;
                assert!(rect.contains_point(p), "{cap:?} {rect:?} {p:?}");
            }
        }
    }
    assert!(inside > 30_000 && full > 100, "{inside} {full}");
    let south = Cap::new(-DVec3::Z, 0.1).unwrap().rect_bound();
    assert_eq!(south.lat_rad()[0], -core::f64::consts::FRAC_PI_2);
    assert!((south.lat_rad()[1] + core::f64::consts::FRAC_PI_2 - 0.1).abs() < 1e-14);
}

/// Where the `s2` crate takes the centre from the wrong one of the two, and radians for squared chords.
#[test]
fn the_union_of_caps_contains_both() {
    let mut draws = Draws(SEED + 3);
    for n in 0..3_000 {
        let a = Cap::new(draws.place(), draws.scale(1e-9, 3.0)).unwrap();
        let axis = match n % 4 {
            0 => draws.near(a.axis(), 1e-6),
            1 => -a.axis(),
            _ => draws.place(),
        };
        let b = Cap::new(axis, draws.scale(1e-9, 3.0)).unwrap();
        let union = a.union(&b);
        for cap in [a, b] {
            for _ in 0..10 {
                let p = draws.near(cap.axis(), cap.radius_rad());
                assert!(
                    !cap.contains_point(p) || union.contains_point(p),
                    "{a:?} {b:?} {p:?}"
                );
            }
        }
        // Not larger than the caps and the way between them make it.
        let apart = 2.0 * libm::asin(0.5 * a.axis().distance(b.axis()).min(2.0));
        let (r, q) = (a.radius_rad(), b.radius_rad());
        let least = r
            .max(q)
            .max(0.5 * (apart + r + q))
            .min(core::f64::consts::PI);
        assert!(union.radius_rad() <= least + 1e-7 && union.radius_rad() >= least - 1e-7);
    }
}

#[test]
fn complements_and_expansions() {
    let mut draws = Draws(SEED + 4);
    for _ in 0..2_000 {
        let cap = Cap::new(draws.place(), draws.scale(1e-3, 3.0)).unwrap();
        let rest = cap.complement();
        let p = draws.place();
        assert!(cap.contains_point(p) || rest.contains_point(p));
        assert!((cap.area() + rest.area() - 4.0 * core::f64::consts::PI).abs() < 1e-14);
        let back = rest.complement().squared_chord();
        assert!((back - cap.squared_chord()).abs() < 1e-15);
        let wide = cap.expanded(0.2).unwrap();
        let want = (cap.radius_rad() + 0.2).min(core::f64::consts::PI);
        assert!((wide.radius_rad() - want).abs() < 1e-7);
        assert!(wide.contains(&cap) && (cap.contains(&wide) == cap.is_full()));
    }
    assert_eq!(Cap::FULL.complement(), Cap::EMPTY);
    assert_eq!(Cap::EMPTY.complement(), Cap::FULL);
    assert!(Cap::from_point(DVec3::X).unwrap().complement().is_full());
    assert!(Cap::EMPTY.expanded(1.0).unwrap().is_empty());
    assert_eq!(Cap::EMPTY.union(&Cap::FULL), Cap::FULL);
    assert!(Cap::FULL.contains(&Cap::EMPTY) && !Cap::EMPTY.intersects(&Cap::FULL));
}

/// No answer about a cell is wrong, by points of the cell: corners of the cube, rims through vertices, hemispheres.
#[test]
fn relations_of_caps_and_cells_are_sound() {
    let mut draws = Draws(SEED + 5);
    let mut seen = [0; 3];
    for n in 0..30_000u32 {
        let cell = Cell::new(CellId::from_direction(draws.place()).parent((n % 31) as u8));
        let size = cell.cap_bound().radius_rad();
        let axis = match n % 5 {
            0 => draws.place(),
            1 => cell.vertex(n as usize),
            _ => draws.near(cell.center(), 3.0 * size),
        };
        let cap = match n % 7 {
            0 => Cap::from_squared_chord(axis, 2.0),
            1 => Cap::from_squared_chord(axis, (axis - cell.vertex(2)).length_squared().min(4.0)),
            2 => Cap::new(axis, 3.1 - draws.scale(1e-9, 1.0)),
            _ => Cap::new(axis, size * draws.scale(1e-3, 10.0)),
        };
        let cap = cap.unwrap();
        let relation = cap.relation(&cell);
        let [[u0, u1], [v0, v1]] = cell.uv_bound();
        for k in 0..12 {
            let part = |draws: &mut Draws| {
                if k < 4 {
                    f64::from(k % 2)
                } else {
                    0.5 + 0.5 * draws.signed()
                }
            };
            let (s, t) = (
                part(&mut draws),
                if k < 4 {
                    f64::from(k / 2)
                } else {
                    part(&mut draws)
                },
            );
            let p = spatial_core::face_uv_to_direction(
                cell.face(),
                u0 + s * (u1 - u0),
                v0 + t * (v1 - v0),
            );
            let inside = cap.contains_point(p);
            assert!(
                !inside || relation != Relation::Outside,
                "{cap:?} {cell:?} {p:?}"
            );
            assert!(
                inside || relation != Relation::Inside,
                "{cap:?} {cell:?} {p:?}"
            );
        }
        if cell.contains_point(axis) {
            assert_ne!(relation, Relation::Outside);
        }
        if let Some(children) = cell.children() {
            let singly = children.map(|child| cap.relation(&child));
            assert_eq!(cap.child_relations(&cell), singly, "{cap:?} {cell:?}");
        }
        seen[relation as usize] += 1;
    }
    assert!(seen.into_iter().all(|count| count > 1_000), "{seen:?}");
}

#[test]
fn boxes_answer_as_the_library() {
    let mut tape = section(2);
    let count = tape.count();
    assert!(count >= 300);
    for _ in 0..count {
        let want = GoldenRect::read(&mut tape);
        let GoldenRect { rect, other, .. } = want;
        assert_eq!(radians(&rect), want.radians);
        assert!((rect.area() - want.area).abs() <= 1e-14);
        assert_eq!(rect.contains(&other), want.contains, "{rect:?} {other:?}");
        assert_eq!(
            rect.intersects(&other),
            want.intersects,
            "{rect:?} {other:?}"
        );
        assert_eq!(
            radians(&rect.union(&other)),
            want.union,
            "{rect:?} {other:?}"
        );
        assert_eq!(
            radians(&rect.intersection(&other)),
            want.intersection,
            "{rect:?} {other:?}"
        );
        let cap = rect.cap_bound();
        assert!(cap.axis().distance(want.cap.axis()) < 1e-14, "{rect:?}");
        assert!((cap.squared_chord() - want.cap.squared_chord()).abs() < 1e-13);
        let expanded = rect.expanded_by_distance(want.distance_rad).unwrap();
        assert!(
            is_just_wider(radians(&expanded), want.expanded, 1e-7),
            "{rect:?} {expanded:?}"
        );
    }
}

#[test]
fn expanded_boxes_contain_what_is_near() {
    let mut draws = Draws(SEED + 6);
    for _ in 0..2_000 {
        let rect = random_rect(&mut draws);
        let distance = draws.scale(1e-9, 3.0);
        let wide = rect.expanded_by_distance(distance).unwrap();
        let cap = rect.cap_bound();
        for k in 0..8 {
            let p = if k < 4 { rect.vertex(k) } else { draws.place() };
            if rect.contains_point(p) || k < 4 {
                assert!(cap.contains_point(p), "{rect:?} {p:?}");
                let q = draws.near(p, distance * 0.999_999);
                assert!(wide.contains_point(q), "{rect:?} {distance} {q:?}");
            }
        }
    }
}

/// Where the `s2` crate lost points of large boxes, by taking an edge's longitudes the long way round.
#[test]
fn boxes_touch_every_cell_of_their_points() {
    let mut draws = Draws(SEED + 7);
    let mut touched = 0;
    for n in 0..6_000u32 {
        let rect = random_rect(&mut draws);
        let p = match n % 3 {
            0 => rect.vertex(n as usize),
            1 => rect.center(),
            _ => draws.place(),
        };
        if !rect.contains_point(p) {
            continue;
        }
        for level in [0, 1, 3, 8, 20, 30] {
            let cell = Cell::new(CellId::from_direction(p).parent(level));
            assert!(
                rect.may_intersect(&cell) && rect.intersects_cell(&cell),
                "{rect:?} {cell:?}"
            );
            assert_ne!(rect.relation(&cell), Relation::Outside);
            touched += 1;
        }
    }
    assert!(touched > 15_000, "{touched}");
}

/// Exact answers: a cell that no edge of the box crosses and whose corners are outside does not touch it.
#[test]
fn boxes_and_cells_by_points() {
    let mut draws = Draws(SEED + 8);
    let (mut apart, mut saved) = (0, 0);
    for n in 0..4_000u32 {
        let rect = random_rect(&mut draws);
        let at = draws.near(rect.center(), draws.clone().scale(1e-3, 1.0));
        let cell = Cell::new(CellId::from_direction(at).parent((n % 10) as u8));
        let exact = rect.intersects_cell(&cell);
        assert!(rect.may_intersect(&cell) || !exact);
        let [[u0, u1], [v0, v1]] = cell.uv_bound();
        let mut found = false;
        for k in 0..400 {
            let (s, t) = (f64::from(k % 20) / 19.0, f64::from(k / 20) / 19.0);
            let p = spatial_core::face_uv_to_direction(
                cell.face(),
                u0 + s * (u1 - u0),
                v0 + t * (v1 - v0),
            );
            found |= rect.contains_point(p);
        }
        assert!(exact || !found, "{rect:?} {cell:?}");
        apart += u32::from(!exact);
        saved += u32::from(!exact && rect.may_intersect(&cell));
    }
    assert!(apart > 200 && saved > 5, "{apart} {saved}");
}

pub(crate) fn random_rect(draws: &mut Draws) -> LatLngRect {
    let (height, width) = (draws.scale(1e-6, 179.0), draws.scale(1e-6, 359.0));
    let south = match draws.below(5) {
        0 => -90.0,
        1 => 90.0 - height,
        _ => (90.0 - 0.5 * height) * draws.signed() - 0.5 * height,
    };
    let south = south.clamp(-90.0, 90.0 - height);
    let west = if draws.below(4) == 0 {
        180.0 - 0.5 * width
    } else {
        180.0 * draws.signed()
    };
    LatLngRect::from_degrees([south, (south + height).min(90.0)], [west, west + width]).unwrap()
}

#[test]
fn boxes_cross_the_antimeridian() {
    let rect = |lat, lng| LatLngRect::from_degrees(lat, lng).unwrap();
    let fiji = rect([-21.0, -12.0], [176.0, -178.0]);
    assert_eq!(fiji, rect([-21.0, -12.0], [176.0, 182.0]));
    let at = |lat, lng| Geodetic::from_degrees(lat, lng, 0.0).unwrap().direction();
    assert!(fiji.contains_point(at(-17.0, 180.0)) && fiji.contains_point(at(-17.0, -180.0)));
    assert!(!fiji.contains_point(at(-17.0, 0.0)) && !fiji.contains_point(at(-11.0, 179.0)));
    assert_eq!(rect([-90.0, 90.0], [-180.0, 180.0]), LatLngRect::FULL);
    assert_eq!(rect([-90.0, 90.0], [-540.0, 540.0]), LatLngRect::FULL);
    let pole = rect([80.0, 90.0], [10.0, 20.0]);
    assert!(pole.contains_point(at(85.0, 15.0)) && !pole.contains_point(at(85.0, 25.0)));
    assert!(rect([1.0, 2.0], [3.0, 4.0]).intersection(&fiji).is_empty());
}

#[test]
fn nonsense_is_refused() {
    let bad_axis = |axis: DVec3| matches!(Cap::new(axis, 1.0), Err(CapError::Axis(_)));
    assert!(bad_axis(DVec3::ZERO) && bad_axis(DVec3::NAN) && bad_axis(DVec3::X * f64::INFINITY));
    assert!(
        Cap::new(DVec3::X * 1e-300, 1.0).is_ok() && Cap::new(DVec3::splat(f64::MAX), 1.0).is_ok()
    );
    assert_eq!(Cap::new(DVec3::X, -1e-300), Err(CapError::Radius(-1e-300)));
    assert!(Cap::new(DVec3::X, f64::NAN).is_err() && Cap::FULL.expanded(f64::NAN).is_err());
    assert!(Cap::on_planet(Planet::EARTH, DVec3::X, -5.0).is_err());
    assert!(Cap::new(DVec3::X, f64::INFINITY).unwrap().is_full());
    assert!(
        Cap::on_planet(Planet::EARTH, DVec3::X, 20_100_000.0)
            .unwrap()
            .is_full()
    );
    assert!(
        Cap::from_squared_chord(DVec3::X, 4.1).is_err()
            && Cap::from_squared_chord(DVec3::X, -0.1).is_err()
    );
    let rect = LatLngRect::from_degrees;
    assert_eq!(
        rect([-91.0, 0.0], [0.0, 1.0]),
        Err(RectError::Latitude(-91.0))
    );
    assert_eq!(
        rect([0.0, 1.0], [0.0, 541.0]),
        Err(RectError::Longitude(541.0))
    );
    assert_eq!(
        rect([2.0, 1.0], [0.0, 1.0]),
        Err(RectError::Order(2.0, 1.0))
    );
    assert!(
        rect([f64::NAN, 1.0], [0.0, 1.0]).is_err() && rect([0.0, 1.0], [0.0, f64::NAN]).is_err()
    );
    assert!(LatLngRect::FULL.expanded_by_distance(-1.0).is_err());
    assert!(LatLngRect::from_point(DVec3::ZERO).is_err());
    for region in [&Cap::FULL as &dyn Region, &LatLngRect::FULL] {
        assert!(!region.contains_point(DVec3::ZERO) && !region.contains_point(DVec3::NAN));
        assert!(region.contains_point(DVec3::splat(1e-320)));
    }
}

#[test]
fn batches_answer_as_single_calls() {
    let mut draws = Draws(SEED + 9);
    let points: Vec<_> = (0..1_000)
        .map(|_| draws.place() * draws.scale(1e-9, 1e9))
        .collect();
    let points = [points, vec![DVec3::ZERO, DVec3::NAN]].concat();
    let (cap, rect) = (Cap::new(DVec3::ONE, 1.2).unwrap(), random_rect(&mut draws));
    let (mut by_cap, mut by_rect) = (vec![true], vec![true]);
    cap.contains_points(&points, &mut by_cap);
    rect.contains_points(&points, &mut by_rect);
    for (n, p) in points.iter().enumerate() {
        assert_eq!(
            (by_cap[n + 1], by_rect[n + 1]),
            (cap.contains_point(*p), rect.contains_point(*p))
        );
    }
    assert_eq!((by_cap.len(), by_rect.len()), (1_003, 1_003));
}
