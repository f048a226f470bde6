//! The moving index where hardly anybody goes: the last ids, the planet's centre, the ends of space, who waits in vain.

use std::cell::Cell as Counter;
use std::collections::BTreeSet;

use spatial_core::{
    Anchor, Cap, Cell, Corridor, DVec3, Ecef, EntityId, IndexView, LatLngRect, MovingIndex,
    PairSearch, Region, Sense, SimdLevel, WatchEvents, WatcherId, Watches,
};

use crate::world::{Random, ecef};

const SEED: u64 = 77_003;

#[test]
fn the_last_ids_are_in_order_too() {
    for ids in [
        [u64::MAX, 5, 7],
        [u64::MAX - 1, 5, 7],
        [u64::MAX - 1, u64::MAX, 5],
        [7, u64::MAX, u64::MAX - 1],
    ] {
        let ids = ids.map(EntityId);
        let places = [ecef(DVec3::X * 6e6); 3];
        let mut index = MovingIndex::new();
        index.rebuild(&ids, &places);
        let view = index.view(&ids, &places);
        view.assert_well_formed();
        let order: Vec<EntityId> = view.rows().iter().map(|row| ids[*row as usize]).collect();
        assert!(order.is_sorted(), "{order:?}");
    }
}

#[test]
fn who_waits_in_vain_and_is_removed_is_forgotten() {
    let (mut watches, mut index) = (Watches::new(), MovingIndex::new());
    let mut events = WatchEvents::default();
    let sense = Sense::around(10.0, 20.0).unwrap();
    let mut bytes = 0;
    for n in 0..3_000 {
        let (ids, places) = ([EntityId(n)], [ecef(DVec3::Y * 6e6)]);
        let handle = watches.watch(WatcherId(n), Anchor::On(ids[0]), sense);
        index.rebuild(&ids, &places);
        watches.update(index.view(&ids, &places), &mut events);
        assert_eq!(watches.members(handle).unwrap().count(), 1);
        index.rebuild(&[], &[]);
        watches.update(index.view(&[], &[]), &mut events);
        assert_eq!(events.left.len(), 1);
        watches.remove(handle).unwrap();
        watches.assert_well_formed();
        if n == 100 {
            bytes = watches.byte_count();
        }
    }
    assert_eq!(watches.byte_count(), bytes);
}

#[test]
fn a_view_of_pi_is_all_around() {
    let mut random = Random::new(SEED);
    let (mut watches, mut index) = (Watches::new(), MovingIndex::new());
    let center = ecef(DVec3::new(3e6, 4e6, 1e6));
    let (mut ids, mut places) = (Vec::new(), Vec::new());
    let around = Sense::around(1e3, 2e3).unwrap();
    let mut handles = Vec::new();
    for n in 0..2_000 {
        // Somebody right behind.
        let axis = random.direction();
        ids.push(EntityId(n));
        places.push(ecef(center.to_vec() - axis * random.between(1.0, 900.0)));
        let sense = around
            .looking(axis, core::f64::consts::PI, core::f64::consts::PI)
            .unwrap();
        handles.push(watches.watch(WatcherId(n), Anchor::At(center), sense));
    }
    index.rebuild(&ids, &places);
    watches.update(index.view(&ids, &places), &mut WatchEvents::default());
    for handle in handles {
        assert_eq!(watches.members(handle).unwrap().count(), ids.len());
    }
}

#[test]
fn directions_may_have_any_length() {
    let from = ecef(DVec3::X * 6e6);
    for length in [1e-300, 1e-170, 1.0, 1e170, 1e300] {
        let direction = DVec3::new(0.0, 0.6, 0.8) * length;
        let ray = Corridor::ray(from, direction, 100.0, 1.0).unwrap();
        let end = from.to_vec() + DVec3::new(0.0, 60.0, 80.0);
        assert!(ray.points()[1].to_vec().distance(end) < 1e-9);
        let around = Sense::around(1.0, 1.0).unwrap();
        assert!(around.looking(direction, 1.0, 1.0).is_ok());
    }
}

/// A region that counts how many points it is asked about.
struct Counting<R>(R, Counter<usize>);

impl<R: Region> Region for Counting<R> {
    fn cap_bound(&self) -> Cap {
        self.0.cap_bound()
    }
    fn rect_bound(&self) -> LatLngRect {
        self.0.rect_bound()
    }
    fn contains_point(&self, direction: DVec3) -> bool {
        self.1.set(self.1.get() + 1);
        self.0.contains_point(direction)
    }
    fn contains_cell(&self, cell: &Cell) -> bool {
        self.0.contains_cell(cell)
    }
    fn may_intersect(&self, cell: &Cell) -> bool {
        self.0.may_intersect(cell)
    }
}

#[test]
fn somebody_at_the_centre_does_not_make_regions_slow() {
    let mut random = Random::new(SEED);
    let ids: Vec<EntityId> = (0..20_000).map(EntityId).collect();
    let mut places: Vec<Ecef> = ids.iter().map(|_| ecef(random.direction() * 6e6)).collect();
    places[17] = ecef(DVec3::ZERO);
    places[4_711] = ecef(DVec3::ZERO);
    let mut index = MovingIndex::new();
    index.rebuild(&ids, &places);
    let view = index.view(&ids, &places);
    let mut found = Vec::new();
    // The last two hold the cell that those at the centre are in.
    for axis in [DVec3::X, DVec3::Y, DVec3::Z, DVec3::new(-0.6, -0.6, 0.5)] {
        for radius_rad in [0.05, 0.5] {
            let cap = Counting(Cap::new(axis, radius_rad).unwrap(), Counter::new(0));
            view.region_rows(&cap, &mut found);
            let is_inside = |row: &u32| {
                let place = places[*row as usize].to_vec();
                place != DVec3::ZERO && cap.0.contains_point(place)
            };
            let want: Vec<u32> = view.rows().iter().copied().filter(is_inside).collect();
            assert_eq!(found, want);
            assert!(cap.1.get() < 2_000, "{} points were asked", cap.1.get());
        }
    }
}

/// Places of all magnitudes: near the centre, on a moon of a metre, at the ends of space; several at one place.
fn places_of_all_magnitudes(random: &mut Random) -> Vec<Ecef> {
    let mut places: Vec<Ecef> = Vec::new();
    let far_m = [1.0, 1e3, 6e6, 5e9][random.below(4) as usize];
    for _ in 0..300 {
        let friend = places.get(random.below(300) as usize).copied();
        let p = match (random.below(8), friend) {
            (0, _) => random.any_direction() * random.log_uniform(1e-12, 1.0),
            (1, _) => random.any_direction() * random.log_uniform(1.0, 5e9),
            (2, Some(friend)) => friend.to_vec(),
            (3, Some(friend)) => friend.to_vec() * random.between(0.1, 1.9),
            (4, Some(friend)) => {
                friend.to_vec() + random.direction() * random.log_uniform(1e-9, 1e3)
            }
            (5, _) => DVec3::ZERO,
            _ => random.any_direction() * far_m,
        };
        places.push(ecef(p));
    }
    places
}

#[test]
fn space_has_no_awkward_ends() {
    let mut random = Random::new(SEED);
    for world in 0..12 {
        let places = places_of_all_magnitudes(&mut random);
        let ids: Vec<EntityId> = (0..300u64).map(|n| EntityId(n * 7 % 300)).collect();
        for level in SimdLevel::available() {
            let mut index = MovingIndex::with_simd(level);
            index.rebuild(&ids, &places);
            let view = index.view(&ids, &places);
            view.assert_well_formed();
            for n in 0..300 {
                let place = || places[n * 31 % 300];
                let radius_m = match n % 4 {
                    0 => place().distance_m(places[n]), // somebody exactly on the rim
                    1 => 0.0,
                    _ => random.log_uniform(1e-12, 1e11),
                };
                check_queries(view, &places, (places[n], radius_m), world);
            }
        }
    }
}

fn check_queries(view: IndexView<'_>, places: &[Ecef], (center, radius_m): (Ecef, f64), seed: u64) {
    let near = |row: &u32| places[*row as usize].distance_m(center) <= radius_m;
    let want: Vec<u32> = view.rows().iter().copied().filter(near).collect();
    let mut rows = Vec::new();
    view.rows_within(center, radius_m, &mut rows).unwrap();
    assert_eq!(rows, want, "world {seed}, {center:?}, {radius_m}");
    let mut hits = Vec::new();
    view.nearest(center, 5, &mut hits);
    let mut all: Vec<f64> = places.iter().map(|p| p.distance_m(center)).collect();
    all.sort_by(f64::total_cmp);
    let distances: Vec<f64> = hits.iter().map(|hit| hit.distance_m).collect();
    assert_eq!(distances, all[..5], "world {seed}, {center:?}");
}

#[test]
fn pairs_and_watchers_at_all_magnitudes() {
    let mut random = Random::new(SEED + 1);
    for world in 0..20 {
        let places = places_of_all_magnitudes(&mut random);
        let ids: Vec<EntityId> = (0..300).map(EntityId).collect();
        let radius_m = random.log_uniform(1e-9, 1e10);
        let near = |a: usize, b: usize| places[a].distance_m(places[b]) <= radius_m;
        let sense = Sense::around(radius_m, radius_m).unwrap();
        for level in SimdLevel::available() {
            let mut index = MovingIndex::with_simd(level);
            index.rebuild(&ids, &places);
            let view = index.view(&ids, &places);
            let mut pairs = Vec::new();
            PairSearch::new().pairs(view, radius_m, &mut pairs).unwrap();
            let found: BTreeSet<_> = pairs.iter().map(|pair| (pair.a.0, pair.b.0)).collect();
            let all = (0..300).flat_map(|a| (a + 1..300).map(move |b| (a, b)));
            let want: BTreeSet<_> = all
                .filter(|(a, b)| near(*a, *b))
                .map(|(a, b)| (a as u64, b as u64))
                .collect();
            assert!(
                found == want && found.len() == pairs.len(),
                "world {world}, {radius_m}"
            );
            let mut watches = Watches::new();
            let watch = |id: &EntityId| watches.watch(WatcherId(id.0), Anchor::On(*id), sense);
            let handles: Vec<_> = ids.iter().map(watch).collect();
            watches.update(view, &mut WatchEvents::default());
            for (n, handle) in handles.iter().enumerate() {
                let members: BTreeSet<u64> =
                    watches.members(*handle).unwrap().map(|m| m.id.0).collect();
                let want: BTreeSet<u64> =
                    (0..300).filter(|m| near(n, *m)).map(|m| m as u64).collect();
                assert_eq!(members, want, "world {world}, {radius_m}");
            }
        }
    }
}
