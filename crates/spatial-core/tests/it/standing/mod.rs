//! Standing queries against brute force: sets, events, and what does not matter to them.

mod model;

use std::collections::BTreeSet;
use std::sync::Arc;

use spatial_core::{
    Anchor, Cap, DVec3, Ecef, EntityId, Fence, Geodetic, InvalidRadius, InvalidSense, MovingIndex,
    Planet, Polygon, Region, Sense, SimdLevel, StaleWatch, WatchEvents, WatcherId, Watches,
};

use crate::allocations;
use crate::index::{Progress, Size, first_seed, number};
use crate::world::{Random, World, ecef};

use model::Model;

const SEED: u64 = 41_113;

/// Ticks of a world of so many entities with so many watchers; how many have entered and left.
fn run(seed: u64, entities: u64, watchers: u64, ticks: u64) -> [usize; 3] {
    let mut random = Random::new(seed);
    let levels: Vec<SimdLevel> = SimdLevel::available().collect();
    let mut model = Model::new(entities, &mut random);
    let mut index = MovingIndex::with_simd(levels[seed as usize % levels.len()]);
    let (mut watches, mut events) = (Watches::new(), WatchEvents::default());
    for _ in 0..watchers {
        model.watch(&mut watches, &mut random);
    }
    let step_m = random.log_uniform(1e-4, 0.2) * model.world.planet.radius_m();
    let mut counts = [0; 3];
    for tick in 0..ticks {
        index.rebuild(&model.world.ids, &model.world.places);
        watches.update(
            index.view(&model.world.ids, &model.world.places),
            &mut events,
        );
        watches.assert_well_formed();
        assert!(
            events == model.update(),
            "world of seed {seed}, {entities} entities, {watchers} watchers: tick {tick}"
        );
        model.assert_members(&watches);
        counts[0] += model.watcher_count();
        counts[1] += events.entered.len();
        counts[2] += events.left.len();
        model.change(step_m, &mut random);
        model.change_watchers(&mut watches, &mut random);
    }
    counts
}

/// A query here is the update of one watcher.
#[test]
fn sets_and_events_equal_brute_force() {
    let size = Size::new();
    let [lo, hi] = size.entities.map(|count| count as f64);
    let mut progress = Progress::new("watchers", size.queries);
    let mut all = [0; 3];
    for seed in first_seed().. {
        let mut random = Random::new(seed ^ 0xa11);
        let (entities, watchers) = (random.log_uniform(lo, hi) as u64, 20 + random.below(180));
        let counts = run(seed, entities, watchers, 40);
        all = core::array::from_fn(|n| all[n] + counts[n]);
        progress.at(all[0] as u64);
        if all[0] as u64 >= size.queries {
            break;
        }
    }
    println!("{} updates, {} entered, {} left", all[0], all[1], all[2]);
    assert!(5 * all[2] > all[0], "{all:?}");
}

/// A few watchers among many entities, a thousand updates among `BLUEMARBLE_QUERIES_AMONG`.
#[test]
fn sets_and_events_among_many_equal_brute_force() {
    let [updates, entered, left] = match number("BLUEMARBLE_QUERIES_AMONG") {
        Some(entities) => run(first_seed(), entities, 100, 10),
        None => run(first_seed(), 20_000, 10, 3),
    };
    println!("{updates} updates, {entered} entered, {left} left");
    assert!(left > 10);
}

/// Many blocks of watchers, which come in no order: neither threads nor vectors change what is told.
#[test]
fn threads_and_levels_do_not_matter() {
    let run = |threads: usize, level: SimdLevel| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let mut random = Random::new(SEED);
            let mut world = World::of_count(9_000, &mut random);
            let planet_m = world.planet.radius_m();
            let mut index = MovingIndex::with_simd(level);
            let (mut watches, mut events) = (Watches::new(), WatchEvents::default());
            let mut told = Vec::new();
            for id in &world.ids {
                let sense = Sense::around(0.05 * planet_m, 0.055 * planet_m).unwrap();
                watches.watch(WatcherId(id.0), Anchor::On(*id), sense);
            }
            for _ in 0..4 {
                index.rebuild(&world.ids, &world.places);
                watches.update(index.view(&world.ids, &world.places), &mut events);
                watches.assert_well_formed();
                told.push(events.clone());
                for n in 0..world.places.len() {
                    world.places[n] = world.near(
                        world.places[n],
                        0.005 * planet_m,
                        0.02 * planet_m,
                        &mut random,
                    );
                }
            }
            told
        })
    };
    let want = run(1, SimdLevel::Scalar);
    assert!(want.iter().all(|events| events.entered.len() > 100));
    assert!(want[1..].iter().all(|events| events.left.len() > 100));
    for level in SimdLevel::available() {
        assert!(run(3, level) == want, "{level:?}");
    }
}

#[test]
fn on_the_rim_nothing_flickers() {
    let planet = Planet::EARTH;
    let at = |m: f64| ecef(DVec3::new(planet.radius_m(), m, 0.0));
    let (watcher, walker) = (WatcherId(7), EntityId(5));
    let mut watches = Watches::new();
    let sense = Sense::around(100.0, 110.0).unwrap();
    let handle = watches.watch(watcher, Anchor::At(at(0.0)), sense);
    let mut index = MovingIndex::new();
    let mut events = WatchEvents::default();
    let mut step = |places: &[Ecef]| {
        index.rebuild(&[walker][..places.len()], places);
        watches.update(index.view(&[walker][..places.len()], places), &mut events);
        let seen = watches.members(handle).unwrap().count();
        (events.entered.len(), events.left.len(), seen)
    };
    assert_eq!(step(&[at(105.0)]), (0, 0, 0));
    assert_eq!(step(&[at(100.0)]), (1, 0, 1)); // bounds are included
    assert_eq!(step(&[at(110.0)]), (0, 0, 1));
    assert_eq!(step(&[at(110.0f64.next_up())]), (0, 1, 0));
    assert_eq!(step(&[at(105.0)]), (0, 0, 0));
    assert_eq!(step(&[at(99.0)]), (1, 0, 1));
    assert_eq!(step(&[]), (0, 1, 0)); // gone from the index
}

/// A polygon across the antimeridian, which is left at its margin.
#[test]
fn a_polygon_is_left_at_its_margin() {
    let planet = Planet::EARTH;
    let at = |lat, lon| planet.ecef(Geodetic::from_degrees(lat, lon, 0.0).unwrap());
    let corners = [
        (-20.0, 175.0),
        (-20.0, -175.0),
        (-10.0, -175.0),
        (-10.0, 175.0),
    ];
    let ring = corners.map(|(lat, lon)| at(lat, lon).to_vec()).to_vec();
    let polygon = Arc::new(Polygon::new(&[ring]).unwrap());
    let margin_rad = 50_000.0 / planet.radius_m();
    assert!(Fence::polygon(Arc::clone(&polygon), -1.0).is_err());
    assert!(Fence::polygon(Arc::clone(&polygon), f64::NAN).is_err());
    let mut watches = Watches::new();
    watches.fence(
        WatcherId(1),
        Fence::polygon(Arc::clone(&polygon), margin_rad).unwrap(),
    );
    let mut random = Random::new(SEED);
    let near = |random: &mut Random| at(random.between(-22.0, -8.0), random.between(172.0, 188.0));
    let ids: Vec<EntityId> = (1..=500).map(EntityId).collect();
    let (mut index, mut events) = (MovingIndex::new(), WatchEvents::default());
    let (mut members, mut left) = (BTreeSet::new(), 0);
    for _ in 0..30 {
        let places: Vec<Ecef> = ids.iter().map(|_| near(&mut random)).collect();
        index.rebuild(&ids, &places);
        watches.update(index.view(&ids, &places), &mut events);
        let old = core::mem::take(&mut members);
        for (id, place) in ids.iter().zip(&places) {
            let distance_rad = polygon.signed_distance_rad(place.to_vec()).unwrap();
            let stays = old.contains(id) && distance_rad <= margin_rad;
            if polygon.contains_point(place.to_vec()) || stays {
                members.insert(*id);
            }
        }
        let entered: Vec<EntityId> = events.entered.iter().map(|seen| seen.entity).collect();
        assert_eq!(
            entered,
            members.difference(&old).copied().collect::<Vec<_>>()
        );
        let gone: Vec<EntityId> = events.left.iter().map(|seen| seen.entity).collect();
        assert_eq!(gone, old.difference(&members).copied().collect::<Vec<_>>());
        left += gone.len();
    }
    assert!(left > 100);
}

#[test]
fn nonsense_is_refused() {
    let radius = |m| Err(InvalidSense::Radius(InvalidRadius(m)));
    assert_eq!(Sense::around(-1.0, 1.0), radius(-1.0));
    assert_eq!(Sense::around(2.0, 1.0), radius(1.0));
    assert!(Sense::around(1.0, f64::NAN).is_err() && Sense::around(f64::NAN, 1.0).is_err());
    let around = Sense::around(1.0, f64::INFINITY).unwrap();
    let axis = DVec3::X;
    assert_eq!(
        around.looking(DVec3::ZERO, 1.0, 1.0),
        Err(InvalidSense::Axis([0.0; 3]))
    );
    assert_eq!(
        around.looking(axis, 4.0, 4.0),
        Err(InvalidSense::Angle(4.0))
    );
    assert_eq!(
        around.looking(axis, 1.0, 0.5),
        Err(InvalidSense::Angle(0.5))
    );
    assert!(around.looking(axis, f64::NAN, 1.0).is_err());
    assert!(around.looking(axis, 0.0, core::f64::consts::PI).is_ok());
    let mut watches = Watches::new();
    let handle = watches.watch(WatcherId(1), Anchor::On(EntityId(1)), around);
    assert_eq!((watches.len(), watches.is_empty()), (1, false));
    watches.remove(handle).unwrap();
    assert_eq!(watches.set_sense(handle, around), Err(StaleWatch));
    assert_eq!(
        watches.move_to(handle, Anchor::On(EntityId(1))),
        Err(StaleWatch)
    );
    assert!(watches.is_empty());
}

#[test]
fn the_steady_state_allocates_nothing() {
    let mut random = Random::new(SEED);
    let mut world = World::of_count(2_000, &mut random);
    let reach_m = world.planet.radius_m() / 20.0;
    let (mut index, mut watches) = (MovingIndex::new(), Watches::new());
    for id in &world.ids {
        let sense = Sense::around(reach_m, reach_m * 1.2).unwrap();
        watches.watch(WatcherId(id.0), Anchor::On(*id), sense);
    }
    watches.fence(
        WatcherId(0),
        Fence::new(Arc::new(Cap::new(DVec3::X, 0.5).unwrap())),
    );
    let mut events = WatchEvents::default();
    let mut tick = |world: &World| {
        index.rebuild(&world.ids, &world.places);
        watches.update(index.view(&world.ids, &world.places), &mut events);
        events.entered.len()
    };
    // Every buffer grows to its largest while everybody comes together and goes apart again.
    let home = world.places.clone();
    for _ in 0..2 {
        world.places.fill(home[0]);
        tick(&world);
        world.places.copy_from_slice(&home);
        tick(&world);
        tick(&world); // who is no longer near its neighbours is sorted anew
    }
    let mut entered = 0;
    for n in 0..30 {
        for place in &mut world.places {
            *place = ecef(place.to_vec() + random.direction() * reach_m / 5.0);
        }
        let (count, told) = allocations::count(|| tick(&world));
        assert!(count == 0 || n < 20, "{count} in tick {n}");
        entered += told;
    }
    assert!(entered > 100, "{entered}");
}
