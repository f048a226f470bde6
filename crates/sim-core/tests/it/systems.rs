//! A team's own rules.

use bytemuck::{Pod, Zeroable};
use sim_core::{
    Agent, Body, Event, EventData, EventKind, Near, Outbox, Record, Spawned, Stage, State, System,
    SystemError, Trial, Wish, World, prove,
};
use spatial_core::{Access, Block, Component, EntityId};

use crate::scene::{PLACES_DEG, Seeded, WALKER, all_ground, at, empty_world, tiles, walker, wish};

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "health", kind = scalar, version = 1)]
struct Health {
    points: u32,
    hits: u32,
}

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "cooldown", kind = scalar, version = 1)]
struct Cooldown {
    until: u64,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Damage {
    points: u32,
    is_last: u32,
}

impl EventData for Damage {
    const KIND: EventKind = EventKind(300);
}

/// Everybody hits the nearest within 2 m, once in a while; who is hit often enough leaves, and somebody new comes.
struct Fight;

impl System for Fight {
    type Own = (&'static mut Cooldown, &'static Body, &'static mut Wish);
    type Others = State;

    fn stage(&self) -> Stage {
        Stage::Before
    }

    fn reach_m(&self) -> f64 {
        2.0
    }

    fn run(
        &self,
        near: &Near<'_, State>,
        rows: Block<'_>,
        (cooldown, body, wish): <Self::Own as Access>::View<'_>,
        out: &mut Outbox,
    ) {
        near.with_list(|others| {
            for (n, id) in rows.ids.iter().enumerate() {
                if cooldown.until[n] > near.tick() {
                    continue;
                }
                let at = Body::get(&body, n).position();
                near.within(rows.first_row + n, at, 2.0, others);
                let nearest = others
                    .iter()
                    .min_by(|a, b| (a.distance_m.total_cmp(&b.distance_m)).then(a.id.cmp(&b.id)));
                let Some(nearest) = nearest else { continue };
                assert_eq!(near.other(nearest.row).kind, WALKER.0);
                cooldown.until[n] = near.tick() + 5;
                wish.east[n] = -wish.east[n];
                let is_last = u32::from(others.len() > 1);
                out.send(*id, nearest.id, Damage { points: 1, is_last });
                out.send_after(7, *id, nearest.id, Damage { points: 2, is_last });
            }
        });
    }
}

/// Keeps count of who is hit.
struct Wounds;

impl System for Wounds {
    type Own = (&'static mut Health, &'static Body);
    type Others = State;

    fn stage(&self) -> Stage {
        Stage::After
    }

    fn run(
        &self,
        _near: &Near<'_, State>,
        rows: Block<'_>,
        (health, body): <Self::Own as Access>::View<'_>,
        out: &mut Outbox,
    ) {
        for (n, id) in rows.ids.iter().enumerate() {
            if health.points[n] > 20 {
                health.points[n] = 0;
                let position = Body::get(&body, n).position();
                out.spawn(*id, &walker(position), 7);
                out.despawn(*id, *id);
            }
        }
    }

    fn hears(&self) -> &[EventKind] {
        const HEARD: [EventKind; 2] = [Damage::KIND, Spawned::KIND];
        &HEARD
    }

    fn receive(
        &self,
        _near: &Near<'_, State>,
        event: &Event,
        row: usize,
        (health, _): &mut <Self::Own as Access>::View<'_>,
        _out: &mut Outbox,
    ) {
        match (event.data::<Damage>(), event.data::<Spawned>()) {
            (Some(damage), _) => {
                // The order of blows shows.
                health.points[row] += damage.points;
                health.hits[row] = health.hits[row].wrapping_mul(31) ^ event.source.0 as u32;
            }
            (_, Some(spawned)) => health.points[row] = spawned.tag,
            _ => {}
        }
    }
}

fn equip(world: &mut World) {
    world.register::<Health>().expect("a new column");
    world.register::<Cooldown>().expect("a new column");
    world.add_system(Fight).expect("a legal system");
    world.add_system(Wounds).expect("a legal system");
}

/// Crowds at all awkward places, across frames.
struct Brawl;

impl Trial for Brawl {
    fn begin(&self) -> World {
        let mut world = empty_world();
        tiles().for_each(|tile| world.stage(tile));
        equip(&mut world);
        world
    }

    fn records(&self, world: &mut World, tick: u64) -> Vec<Record> {
        if tick > 0 {
            return Vec::new();
        }
        let mut seeded = Seeded(3);
        let mut records = all_ground(world);
        records.push(Record::Lease {
            first: EntityId(100_000),
            count: 60,
        });
        records.push(Record::Lease {
            first: EntityId(900),
            count: 5_000,
        });
        for n in 1..=800u64 {
            let (lat, lon) = PLACES_DEG[n as usize % PLACES_DEG.len()];
            let mut position = at(lat, lon);
            position.x += seeded.below(1_000_000) as i32 - 500_000;
            position.y += seeded.below(1_000_000) as i32 - 500_000;
            let entity = EntityId(n);
            let agent = walker(position);
            records.push(Record::Spawn { entity, agent });
            records.push(wish(entity, seeded.below(4) as f64 - 1.5, 0.5));
        }
        records
    }
}

#[test]
fn rules_of_a_game_are_proved_deterministic() {
    let hash = prove(&Brawl, 120).expect("they are");
    let mut world = Brawl.begin();
    let (mut events, mut lost) = (0, 0);
    for tick in 0..120 {
        let records = Brawl.records(&mut world, tick);
        let report = world.step(tick, &records).expect("a step");
        events += report.events;
        lost += report.lost;
    }
    assert_eq!(world.hash(), hash);
    let spawned = world.ids().iter().filter(|id| id.0 >= 900).count();
    assert!(events > 1_000 && spawned > 50, "{events} {spawned}");
    assert!(lost > 0, "blows to those who have left");
    assert_eq!(world.len(), 800, "for each who leaves one comes");
}

#[test]
fn what_is_on_its_way_is_saved() {
    let mut world = Brawl.begin();
    for tick in 0..60 {
        let records = Brawl.records(&mut world, tick);
        world.step(tick, &records).expect("a step");
    }
    let saved = world.save();
    let tile = |cell, _| Some(crate::scene::tile(cell));
    let mut again = World::load(&saved, &mut { tile }).expect("what was saved");
    equip(&mut again);
    assert_eq!(again.save(), saved);
    for tick in 60..120 {
        world.step(tick, &[]).expect("a step");
        again.step(tick, &[]).expect("a step");
        assert_eq!(world.hash(), again.hash(), "after tick {tick}");
    }
}

/// Writes what belongs to the step.
struct Cheat;

impl System for Cheat {
    type Own = (&'static mut Body,);
    type Others = State;

    fn stage(&self) -> Stage {
        Stage::After
    }

    fn run(
        &self,
        _near: &Near<'_, State>,
        _rows: Block<'_>,
        (body,): <Self::Own as Access>::View<'_>,
        _out: &mut Outbox,
    ) {
        body.x.fill(0);
    }
}

#[test]
fn systems_that_could_break_the_step_are_refused() {
    let mut world = empty_world();
    assert_eq!(world.add_system(Cheat), Err(SystemError::Reserved("body")));
    let unknown = SystemError::Unregistered("cooldown");
    assert_eq!(world.add_system(Fight), Err(unknown));
}

#[test]
fn events_from_outside_arrive_in_their_tick_and_in_order() {
    let mut world = Brawl.begin();
    let mut records = all_ground(&mut world);
    let agent = walker(at(10.0, 10.0));
    for n in [5, 6] {
        let entity = EntityId(n);
        records.push(Record::Spawn { entity, agent });
    }
    world.step(0, &records).expect("a step");
    let event = |target, source| Record::Event {
        event: Event::new(
            EntityId(target),
            EntityId(source),
            Damage {
                points: 1,
                is_last: 0,
            },
        ),
    };
    let sent = [
        event(6, 9),
        event(5, 9),
        event(77, 1),
        event(5, 8),
        event(5, 9),
    ];
    let report = world.step(1, &sent).expect("a step");
    let arrived: Vec<_> = world
        .arrived()
        .iter()
        .map(|e| (e.target.0, e.source.0))
        .collect();
    assert!(arrived.is_sorted(), "{arrived:?}");
    let outside: Vec<_> = arrived
        .into_iter()
        .filter(|(_, source)| *source > 6 || *source == 1)
        .collect();
    assert_eq!(outside, [(5, 8), (5, 9), (5, 9), (6, 9), (77, 1)]);
    assert_eq!(report.lost, 1);
    let hits = world
        .value::<Health>(EntityId(5))
        .expect("it is there")
        .points;
    assert!(hits >= 3, "{hits}");
    assert_eq!(
        world.agent(EntityId(77)).map(|agent: Agent| agent.kind),
        None
    );
}
