//! The ring itself: what it remembers, what it refuses, what it costs.

use sim_core::{KindId, Moment, PastError, PlayerRow, RecordError, Rewind};
use spatial_core::{DVec3, EntityId, Frames, Geodetic, Planet, Pose, Position, Ray, UNITS_PER_M};

use super::town::{new_ring, place};
use crate::allocations::allocations;
use crate::scene::{PLACES_DEG, Seeded, at, lone_walker, wish};

fn row(id: u64, position: Position) -> PlayerRow {
    PlayerRow {
        entity: EntityId(id),
        position,
        heading: 0,
        kind: KindId(0),
    }
}

/// Ten thousand in five towns of 400 m, in one order.
fn crowd() -> Vec<PlayerRow> {
    let mut seeded = Seeded(3);
    let mut aside = || (seeded.below(400 << 16) as i32) - (200 << 16);
    let person = |n: u64| {
        let (lat, lon) = PLACES_DEG[n as usize % 5];
        let town = at(lat, lon);
        let (x, y) = (town.x + aside(), town.y + aside());
        row(n + 1, Position { x, y, ..town })
    };
    (0..10_000).map(person).collect()
}

#[test]
fn ten_thousand_players_take_at_most_16_mb() {
    let rows = crowd();
    let frames = Frames::new(Planet::EARTH);
    let mut ring = new_ring(Planet::EARTH, rows.len());
    for tick in 0..100 {
        let recorded = ring.record(tick, &frames, rows.iter().copied());
        assert_eq!(recorded.expect("the next tick").players, 10_000);
        ring.past(Moment::at(tick)).expect("a known tick"); // its cells, too
    }
    for tick in 36..99 {
        let moment = Moment { tick, fraction: 1 };
        assert_eq!(ring.past(moment).expect("a known tick").len(), 10_000);
    }
    assert!(ring.bytes() < 15_800_000, "{} bytes", ring.bytes());
}

#[test]
fn a_steady_tick_and_its_queries_allocate_nothing() {
    let mut rows = crowd();
    let frames = Frames::new(Planet::EARTH);
    let mut ring = new_ring(Planet::EARTH, rows.len());
    let mut found = Vec::with_capacity(100);
    let mut tick = 0;
    let mut walk = |ticks: u64| {
        for _ in 0..ticks {
            for row in &mut rows {
                row.position.x += 5_000;
            }
            ring.record(tick, &frames, rows.iter().copied())
                .expect("the next tick");
            let past = ring.past(Moment::at(tick)).expect("a known tick");
            let from = past.place(EntityId(17)).expect("there");
            let ray = Ray {
                from,
                direction: DVec3::new(1.0, 2.0, -1.0),
                reach_m: 100.0,
            };
            past.hit(&ray, 0.1, None).expect("a legal ray");
            past.range(from, 10.0, &mut found).expect("a legal radius");
            assert!(!found.is_empty());
            tick += 1;
        }
    };
    walk(70);
    let before = allocations();
    walk(70);
    assert_eq!(allocations() - before, 0);
}

#[test]
fn moments_that_are_not_known_are_refused() {
    let frames = Frames::new(Planet::EARTH);
    let mut ring = new_ring(Planet::EARTH, 10);
    assert_eq!(ring.past(Moment::at(0)).err(), Some(PastError::Empty));
    let rows = [row(1, at(1.0, 2.0))];
    for tick in (100..300).filter(|tick| *tick != 270) {
        ring.record(tick, &frames, rows).expect("the next tick");
    }
    let error = |tick, fraction| ring.past(Moment { tick, fraction }).err();
    assert_eq!(error(299, 0), None);
    let (asked, newest, oldest) = (299, 299, 236);
    assert_eq!(error(299, 1), Some(PastError::Future { asked, newest }));
    let asked = u64::MAX;
    assert_eq!(error(asked, 0), Some(PastError::Future { asked, newest }));
    let asked = 235;
    assert_eq!(error(asked, 0), Some(PastError::TooOld { asked, oldest }));
    assert_eq!(error(236, 0xffff), None);
    assert_eq!(error(270, 0), Some(PastError::NotRecorded(270)));
    assert_eq!(error(269, 1), Some(PastError::NotRecorded(270)));
    assert_eq!(error(269, 0), None);
    let late = ring.record(299, &frames, rows);
    assert_eq!(late, Err(RecordError { tick: 299, newest }));
    let last = ring.record(u64::MAX, &frames, rows);
    assert_eq!(last.map(|done| done.players), Ok(1));
    assert_eq!(
        ring.past(Moment::at(u64::MAX)).map(|past| past.len()).ok(),
        Some(1)
    );
    let is_old = matches!(
        ring.past(Moment::at(299)).err(),
        Some(PastError::TooOld { .. })
    );
    assert!(is_old);
}

#[test]
fn rows_that_cannot_be_kept_are_counted() {
    let frames = Frames::new(Planet::EARTH);
    let mut ring = new_ring(Planet::EARTH, 3);
    let here = at(46.95, 7.44);
    let mut rows = vec![row(1, here), row(2, here), row(1, here), row(0, here)];
    rows.push(PlayerRow {
        kind: KindId(9),
        ..row(3, here)
    });
    rows.push(row(4, Position::default())); // in no frame
    rows.extend([row(5, here), row(6, here)]); // the second one is one too many
    let recorded = ring.record(0, &frames, rows).expect("the first tick");
    assert_eq!((recorded.players, recorded.left_out), (3, 5));
    let past = ring.past(Moment::at(0)).expect("a known tick");
    assert!(past.player(EntityId(5)).is_some() && past.player(EntityId(6)).is_none());
    // Who leaves makes room once no tick knows them.
    for tick in 1..=64 {
        let recorded = ring.record(tick, &frames, [row(6, here)]);
        let players = recorded.expect("the next tick").players;
        assert_eq!(players, u32::from(tick > 64), "{tick}");
    }
    let recorded = ring.record(65, &frames, [row(6, here), row(7, here)]);
    assert_eq!(recorded.expect("the next tick").players, 2);
}

#[test]
fn who_is_gone_is_gone_and_slots_hold_no_ghosts() {
    let frames = Frames::new(Planet::EARTH);
    let mut ring = new_ring(Planet::EARTH, 4);
    let here = at(46.95, 7.44);
    ring.record(10, &frames, [row(1, here), row(2, here)])
        .expect("a tick");
    // Later, and only one of them; then as many as were there in a place of the ring that still had both.
    for tick in [200, 202, 264, 266] {
        ring.record(tick, &frames, [row(2, here)]).expect("a tick");
        let past = ring.past(Moment::at(tick)).expect("a known tick");
        assert_eq!(past.len(), 1);
        assert!(past.player(EntityId(1)).is_none());
    }
}

#[test]
fn passengers_are_where_their_ship_was() {
    let planet = Planet::EARTH;
    let mut frames = Frames::new(planet);
    let mut ring = new_ring(planet, 10);
    let ship = EntityId(77);
    let mut rows = Vec::new();
    let at_tick = |tick: u64| {
        let at = Geodetic::from_degrees(10.0, 20.0 + 1e-5 * tick as f64, 0.0).expect("a place");
        Pose::level(planet, at, 0.02 * tick as f64).expect("a pose")
    };
    let units = UNITS_PER_M as i32;
    for tick in 0..80 {
        frames
            .set_carrier(ship, at_tick(tick))
            .expect("a carrier's id");
        let frame = frames.carrier(ship).expect("a carrier").id();
        rows.clear();
        rows.push(row(
            1,
            Position {
                frame,
                x: 5 * units,
                y: 20 * units,
                z: 3 * units,
            },
        ));
        ring.record(tick, &frames, rows.iter().copied())
            .expect("the next tick");
    }
    for tick in 20..79 {
        let mut then = Frames::new(planet);
        let mut place_at = |tick| {
            then.set_carrier(ship, at_tick(tick))
                .expect("a carrier's id");
            then.place(rows[0].position).expect("aboard").to_vec()
        };
        let (from, to) = (place_at(tick), place_at(tick + 1));
        let past = ring.past(Moment::at(tick)).expect("a known tick");
        assert_eq!(past.place(EntityId(1)), Some(place(from)));
        let half = Moment {
            tick,
            fraction: 0x8000,
        };
        let past = ring.past(half).expect("a known moment");
        let found = past.place(EntityId(1)).expect("aboard").to_vec();
        assert!((found - (from + to) * 0.5).length() < 1e-4, "{tick}");
    }
    assert!(ring.bytes() < 60_000, "{}", ring.bytes());
}

#[test]
fn many_threads_may_ask() {
    let rows = crowd();
    let frames = Frames::new(Planet::EARTH);
    let mut ring = new_ring(Planet::EARTH, rows.len());
    for tick in 0..64 {
        ring.record(tick, &frames, rows.iter().copied())
            .expect("the next tick");
    }
    let ask = || {
        let mut sum = 0.0;
        for tick in 0..64 {
            let past = ring.past(Moment::at(tick)).expect("a known tick");
            let mut found = Vec::new();
            let from = past.place(EntityId(tick + 1)).expect("there");
            past.range(from, 30.0, &mut found).expect("a legal radius");
            sum += found.iter().map(|hit| hit.distance_m).sum::<f64>();
        }
        sum
    };
    let sums: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(ask)).collect();
        threads
            .into_iter()
            .map(|t| t.join().expect("no panic"))
            .collect()
    });
    assert!(sums.iter().all(|sum| *sum == ask() && *sum > 0.0));
}

#[test]
fn players_of_a_world_are_remembered() {
    let (mut world, entity) = lone_walker(at(46.95, 7.44));
    let mut ring = Rewind::new(Planet::EARTH, 4);
    let mut places = Vec::new();
    for tick in 1..70 {
        let asked = wish(entity, 2.0, 1.0);
        world.step(tick, &[asked]).expect("a step");
        let players = [entity, EntityId(99)];
        let recorded = ring.record_world(tick, &world, players);
        assert_eq!(recorded.expect("the next tick").players, 1);
        places.push(world.place(0));
    }
    for tick in 6..70 {
        let past = ring.past(Moment::at(tick)).expect("a known tick");
        assert_eq!(past.place(entity), Some(places[tick as usize - 1]));
    }
}
