//! Who touches whom, against brute force.

use sim_core::{Agent, Kind, KindId, Record, Tier, World};
use spatial_core::{DVec3, Ecef, EntityId, Planet};

use crate::scene::{PLACES_DEG, Seeded, all_ground, at_on, empty_world_on};

/// What f32 and rounding to grids may do to a distance, metres.
pub(crate) const DOUBT_M: f64 = 1e-3;

/// Kinds of all sizes, the widest allowed among them if asked for.
fn kinds(wide: bool) -> Vec<Kind> {
    let sizes = [(26, 60), (102, 461), (200, 400), (102, 204)];
    let widest = wide.then_some((1_024, 4_000));
    let kind = |(radius, height)| Kind {
        radius,
        height,
        ..Kind::crowd(512)
    };
    sizes.into_iter().chain(widest).map(kind).collect()
}

/// A crowd around an awkward place, a few of it asleep.
pub(crate) fn crowd(
    planet: Planet,
    place: (f64, f64),
    seed: u64,
) -> (World, Vec<(EntityId, Kind)>) {
    let mut seeded = Seeded(seed);
    let mut world = empty_world_on(planet);
    let mut records = all_ground(&mut world);
    let kinds = kinds(seed.is_multiple_of(3));
    for (n, kind) in kinds.iter().enumerate() {
        let id = KindId(10 + n as u16);
        records.push(Record::Kind { id, kind: *kind });
    }
    let extent_m = [30.0, 120.0, 500.0][seed as usize % 3];
    let centre = planet
        .place(at_on(planet, place.0, place.1))
        .expect("a place")
        .to_vec();
    let mut agents = Vec::new();
    for n in 0..600u64 {
        let mut offset = || (seeded.below(1 << 20) as f64 / f64::from(1 << 19) - 1.0) * extent_m;
        let p = centre + DVec3::new(offset(), offset(), offset());
        let p = p.normalize() * planet.radius_m();
        let position = planet.position(Ecef::new(p.x, p.y, p.z).expect("finite"));
        let kind = seeded.below(kinds.len() as u64);
        let agent = Agent {
            position: position.expect("on the datum"),
            kind: KindId(10 + kind as u16),
            ..Agent::default()
        };
        let entity = EntityId(1 + n * 7);
        records.push(Record::Spawn { entity, agent });
        agents.push((entity, kinds[kind as usize]));
    }
    world.step(0, &records).expect("a step");
    for tick in 1..4 {
        world
            .step(tick, &changes(&mut seeded, &mut agents))
            .expect("a step");
    }
    (world, agents)
}

/// Some fall asleep, wake, leave.
fn changes(seeded: &mut Seeded, agents: &mut Vec<(EntityId, Kind)>) -> Vec<Record> {
    let mut records = Vec::new();
    for _ in 0..60 {
        let n = seeded.below(agents.len() as u64) as usize;
        let entity = agents[n].0;
        records.push(match seeded.below(4) {
            0 | 1 => Record::Tier {
                entity,
                tier: Tier::ASLEEP,
            },
            2 => Record::Tier {
                entity,
                tier: Tier::EVERY_TICK,
            },
            _ => {
                agents.swap_remove(n);
                Record::Despawn { entity }
            }
        });
    }
    records
}

/// Contacts that those who are awake feel, at least and at most.
fn brute_force(planet: Planet, world: &World, agents: &[(EntityId, Kind)]) -> (u64, u64) {
    let (mut least, mut most) = (0, 0);
    let place = |id| world.place(world.row_of(id).expect("it is there")).to_vec();
    for (id, kind) in agents
        .iter()
        .filter(|(id, _)| world.tier(*id) != Some(Tier::ASLEEP))
    {
        let own = place(*id);
        for (other, other_kind) in agents.iter().filter(|(other, _)| other != id) {
            let gap = distance_m(planet, (own, kind), (place(*other), other_kind))
                - kind.radius_m()
                - other_kind.radius_m();
            least += u64::from(gap < -DOUBT_M);
            most += u64::from(gap < DOUBT_M);
        }
    }
    (least, most)
}

/// Between the axes of two upright capsules.
pub(crate) fn distance_m(
    planet: Planet,
    (a, kind_a): (DVec3, &Kind),
    (b, kind_b): (DVec3, &Kind),
) -> f64 {
    assert!(planet.radius_m() > 1_000.0);
    let up = a.normalize();
    let d = a - b;
    let higher = d.dot(up);
    let along = d - up * higher;
    let (low, high) = (kind_a.radius_m(), kind_a.height_m() - kind_a.radius_m());
    let (other_low, other_high) = (kind_b.radius_m(), kind_b.height_m() - kind_b.radius_m());
    let gap = (higher + low - other_high)
        .max(other_low - (higher + high))
        .max(0.0);
    (along.length_squared() + gap * gap).sqrt()
}

#[test]
fn contacts_are_those_of_brute_force_across_blocks_frames_and_sleep() {
    let mut total = 0;
    for (n, place) in (0..).zip(PLACES_DEG) {
        for seed in n * 3..n * 3 + 3 {
            let (mut world, agents) = crowd(Planet::EARTH, place, seed);
            let (least, most) = brute_force(Planet::EARTH, &world, &agents);
            let asleep: Vec<_> = agents
                .iter()
                .filter(|(id, _)| world.tier(*id) == Some(Tier::ASLEEP))
                .map(|(id, _)| (*id, world.agent(*id)))
                .collect();
            assert!(asleep.len() > 10);
            let contacts = world.step(4, &[]).expect("a step").contacts;
            assert!(
                (least..=most).contains(&contacts),
                "{contacts} are not {least} to {most} at {place:?}, seed {seed}"
            );
            for (id, before) in asleep {
                assert_eq!(world.agent(id), before, "who sleeps is not moved");
            }
            total += contacts;
        }
    }
    assert!(total > 5_000, "{total}");
}
