//! Batched queries of the index against brute force, at every level of the CPU; and what they do with bad input.

use std::cell::Cell;

use spatial_core::{
    BatchError, Cap, CellId, Corridor, Ecef, Hit, IndexView, InvalidRadius, LatLngRect,
    MovingIndex, Region, SimdLevel,
};

use crate::world::{Random, World};

const WORLDS: u64 = 40;
/// More than are looked ahead.
const QUERIES: usize = 60;

/// Calls with worlds, and an index of each level over them.
fn check(first_seed: u64, check: impl Fn(&mut Random, &World, IndexView<'_>)) {
    for seed in first_seed..first_seed + WORLDS {
        println!("seed {seed}");
        let count = Random::new(seed).log_uniform(1.0, 3_000.0) as u64;
        let world = World::of_count(count, &mut Random::new(seed));
        for level in SimdLevel::available() {
            let mut index = MovingIndex::with_simd(level);
            index.rebuild(&world.ids, &world.places);
            let view = index.view(&world.ids, &world.places);
            check(&mut Random::new(seed + 1_000), &world, view);
        }
    }
}

/// At entities, near them, anywhere.
fn centers(random: &mut Random, world: &World) -> Vec<Ecef> {
    let center = |_| match random.below(3) {
        0 => world.any_place(random),
        1 => {
            let friend = world.any_place(random);
            world.near(friend, 0.1, 1e6, random)
        }
        _ => world.at(random.any_direction(), random.between(-5.0, 5.0)),
    };
    (0..QUERIES).map(center).collect()
}

fn radius_m(random: &mut Random, world: &World) -> f64 {
    match random.below(8) {
        0 => 0.0,
        1 => f64::INFINITY,
        _ => random.log_uniform(1.0, 0.5 * world.planet.radius_m()),
    }
}

/// The rows of those whom a question is true of, in iteration order.
fn rows_where(view: &IndexView<'_>, is_meant: impl Fn(usize) -> bool) -> Vec<u32> {
    let rows = view.rows().iter().copied();
    rows.filter(|row| is_meant(*row as usize)).collect()
}

/// Counts the calls of a batch, which come in the order of queries.
#[derive(Default)]
struct Calls(Cell<usize>);

impl Calls {
    fn next(&self, n: usize) {
        assert_eq!(n, self.0.replace(n + 1), "one after the other");
    }
}

#[test]
fn balls_of_one_radius_and_of_many() {
    check(7_001, |random, world, view| {
        let centers = centers(random, world);
        let radii_m: Vec<f64> = centers.iter().map(|_| radius_m(random, world)).collect();
        let within = |n: usize, radius_m: f64| {
            rows_where(&view, |row| {
                world.places[row].distance_m(centers[n]) <= radius_m
            })
        };
        let (mut rows, calls) = (Vec::new(), Calls::default());
        let told = view.rows_within_each(&centers, radii_m[0], &mut rows, |n, rows| {
            calls.next(n);
            assert_eq!(rows, within(n, radii_m[0]));
        });
        told.unwrap();
        assert_eq!(calls.0.get(), QUERIES);
        let calls = Calls::default();
        let told = view.rows_within_radii(&centers, &radii_m, &mut rows, |n, rows| {
            calls.next(n);
            assert_eq!(rows, within(n, radii_m[n]));
        });
        told.unwrap();
        assert_eq!(calls.0.get(), QUERIES);
    });
}

#[test]
fn the_nearest() {
    check(7_101, |random, world, view| {
        let centers = centers(random, world);
        for count in [0, 1, 8, 16, 17, 40] {
            let (mut hits, calls) = (Vec::new(), Calls::default());
            view.nearest_each(&centers, count, &mut hits, |n, hits| {
                calls.next(n);
                assert_eq!(hits, nearest(world, centers[n], count));
            });
            assert_eq!(calls.0.get(), QUERIES, "count {count}");
        }
    });
}

fn nearest(world: &World, center: Ecef, count: usize) -> Vec<Hit> {
    let hit = |(row, place): (usize, &Ecef)| Hit {
        id: world.ids[row],
        row: row as u32,
        distance_m: place.distance_m(center),
    };
    let mut hits: Vec<Hit> = world.places.iter().enumerate().map(hit).collect();
    hits.sort_by(|a, b| {
        let by_distance = a.distance_m.total_cmp(&b.distance_m);
        by_distance.then_with(|| (a.id, a.row).cmp(&(b.id, b.row)))
    });
    hits.truncate(count);
    hits
}

#[test]
fn boxes_and_cells() {
    check(7_201, |random, world, view| {
        let mut angles = |limit: f64| {
            let ends = [0, 1].map(|_| random.between(-limit, limit));
            [ends[0].min(ends[1]), ends[0].max(ends[1])]
        };
        let boxes: Vec<LatLngRect> = (0..QUERIES)
            .map(|n| {
                let ([south, north], [a, b]) = (angles(90.0), angles(180.0));
                let lng = if n % 2 == 0 { [a, b] } else { [b, a] }; // across the antimeridian
                LatLngRect::from_degrees([south, north], lng).unwrap()
            })
            .collect();
        let (mut rows, calls) = (Vec::new(), Calls::default());
        view.region_rows_each(&boxes, &mut rows, |n, rows| {
            calls.next(n);
            let is_inside = |row: usize| boxes[n].contains_point(world.places[row].to_vec());
            assert_eq!(rows, rows_where(&view, is_inside));
        });
        assert_eq!(calls.0.get(), QUERIES);
        let cell = |n: usize| -> CellId {
            let leaf = world.places[n % world.places.len()].leaf();
            leaf.parent(random.below(16) as u8)
        };
        let cells: Vec<CellId> = (0..QUERIES).map(cell).collect();
        let calls = Calls::default();
        view.cell_rows_each(&cells, &mut rows, |n, rows| {
            calls.next(n);
            let is_inside = |row: usize| cells[n].contains(world.places[row].leaf());
            assert_eq!(rows, rows_where(&view, is_inside));
        });
        assert_eq!(calls.0.get(), QUERIES);
    });
}

#[test]
fn corridors() {
    check(7_301, |random, world, view| {
        let corridors: Vec<Corridor> = (0..QUERIES)
            .map(|_| {
                let radius_m = random.log_uniform(1.0, 1e5);
                let ends = [0, 1].map(|_| world.any_place(random));
                Corridor::new(ends.to_vec(), radius_m).unwrap()
            })
            .collect();
        let (mut hits, calls) = (Vec::new(), Calls::default());
        view.corridor_each(&corridors, &mut hits, |n, hits| {
            calls.next(n);
            let is_near =
                |row: usize| to_path_m(&corridors[n], world.places[row]) <= corridors[n].radius_m();
            let rows: Vec<u32> = hits.iter().map(|hit| hit.row).collect();
            assert_eq!(rows, rows_where(&view, is_near));
            for hit in hits {
                assert_eq!(hit.id, world.ids[hit.row as usize]);
                let distance_m = to_path_m(&corridors[n], world.places[hit.row as usize]);
                assert_eq!(hit.distance_m, distance_m);
            }
        });
        assert_eq!(calls.0.get(), QUERIES);
    });
}

/// How far a place is from the one segment of a corridor.
fn to_path_m(corridor: &Corridor, place: Ecef) -> f64 {
    let [a, b] = [corridor.points()[0], corridor.points()[1]].map(Ecef::to_vec);
    let (along, p) = (b - a, place.to_vec());
    let square = along.length_squared();
    let t = if square > 0.0 {
        ((p - a).dot(along) / square).clamp(0.0, 1.0)
    } else {
        0.0
    };
    p.distance(a + along * t)
}

#[test]
fn the_first_bad_radius_is_named_and_nothing_is_told() {
    let world = World::of_count(50, &mut Random::new(7_401));
    let mut index = MovingIndex::new();
    index.rebuild(&world.ids, &world.places);
    let view = index.view(&world.ids, &world.places);
    let centers = &world.places[..4];
    let mut rows = vec![7, 8];
    let told = |_: usize, _: &[u32]| panic!("nobody is to be called");
    for bad in [-1.0, f64::NEG_INFINITY, -f64::MIN_POSITIVE] {
        let radii_m = [1.0, 0.0, bad, f64::NAN];
        let refused = Err(BatchError {
            index: 2,
            error: InvalidRadius(bad),
        });
        let answer = view.rows_within_radii(centers, &radii_m, &mut rows, told);
        assert_eq!(answer, refused);
        let answer = view.rows_within_each(centers, bad, &mut rows, told);
        assert_eq!(answer, Err(InvalidRadius(bad)));
    }
    let answer = view.rows_within_radii(centers, &[f64::NAN; 4], &mut rows, told);
    assert_eq!(answer.unwrap_err().index, 0);
    assert_eq!(rows, [7, 8]);
}

#[test]
fn a_batch_of_nothing_and_a_batch_among_nobody() {
    let index = MovingIndex::new();
    let view = index.view(&[], &[]);
    let centers = [Ecef::new(6e6, 0.0, 0.0).unwrap(); 3];
    let (mut rows, mut hits, calls) = (vec![1], Vec::new(), Calls::default());
    let nobody = |n: usize, rows: &[u32]| {
        calls.next(n);
        assert!(rows.is_empty());
    };
    view.rows_within_each(&[], 1.0, &mut rows, nobody).unwrap();
    assert_eq!(calls.0.get(), 0);
    view.rows_within_each(&centers, 1e7, &mut rows, nobody)
        .unwrap();
    assert_eq!(calls.0.replace(0), 3);
    let no_hits = |n: usize, hits: &[Hit]| {
        calls.next(n);
        assert!(hits.is_empty());
    };
    view.nearest_each(&centers, 8, &mut hits, no_hits);
    assert_eq!(calls.0.replace(0), 3);
    let corridor = Corridor::new(centers.to_vec(), 1e7).unwrap();
    view.corridor_each(&[corridor], &mut hits, no_hits);
    assert_eq!(calls.0.replace(0), 1);
    view.region_rows_each(&[Cap::FULL, Cap::EMPTY], &mut rows, nobody);
    assert_eq!(calls.0.replace(0), 2);
    view.cell_rows_each(&[centers[0].leaf()], &mut rows, nobody);
    assert_eq!(calls.0.replace(0), 1);
    view.region_rows_each(&[] as &[Cap], &mut rows, nobody);
    view.cell_rows_each(&[], &mut rows, nobody);
    view.corridor_each(&[], &mut hits, no_hits);
    assert_eq!(calls.0.get(), 0);
}
