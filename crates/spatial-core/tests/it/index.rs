//! The moving index and its watches against brute force.

use std::collections::BTreeSet;

use spatial_core::{
    CellId, DVec3, Ecef, EntityId, Hit, InvalidCellEdge, InvalidRadius, MovingIndex,
};
use spatial_core::{Planet, Watch, WatchEvents};

use crate::allocations;
use crate::world::{Random, World, ecef};

const SEED: u64 = 20_214;
const WORLDS: u64 = 500;
const QUERIES: u64 = 200;

/// The specification: every entity in iteration order, and a look at each.
struct Oracle<'a> {
    world: &'a World,
    order: Vec<u32>,
}

impl<'a> Oracle<'a> {
    fn new(world: &'a World, level: u8) -> Self {
        let mut order: Vec<u32> = (0..world.ids.len() as u32).collect();
        order.sort_by_key(|row| {
            let leaf = CellId::from_direction(world.places[*row as usize].to_vec());
            (leaf.parent(level).to_face_ij(), world.ids[*row as usize])
        });
        Self { world, order }
    }

    fn radius(&self, center: Ecef, radius_m: f64, out: &mut Vec<Hit>) {
        out.clear();
        for row in &self.order {
            let distance_m = self.world.places[*row as usize].distance_m(center);
            if distance_m <= radius_m {
                let id = self.world.ids[*row as usize];
                out.push(Hit {
                    id,
                    row: *row,
                    distance_m,
                });
            }
        }
    }
}

fn random_query(world: &World, random: &mut Random) -> (Ecef, f64) {
    let radius_m = random.log_uniform(0.1, 2e7);
    let friend = world.any_place(random);
    let center = match random.below(10) {
        0 | 1 => world.at(random.awkward_direction(), random.between(-100.0, 100.0)),
        2 | 3 => world.at(random.direction(), random.log_uniform(1.0, 1e6)),
        4 | 5 => friend,
        6 => ecef(friend.to_vec() * random.between(0.0, 2.0)),
        _ => world.near(friend, 0.1, radius_m.max(0.2), random),
    };
    match random.below(8) {
        0 => (center, center.distance_m(world.any_place(random))), // somebody exactly on the rim
        _ => (center, radius_m),
    }
}

#[test]
fn radius_queries_equal_brute_force() {
    println!("seed {SEED}");
    let mut random = Random::new(SEED);
    let (mut hits, mut want) = (Vec::new(), Vec::new());
    let (mut some, mut many) = (0u32, 0u32);
    for n in 0..WORLDS {
        let world = World::random(&mut random);
        let edge_m = random.log_uniform(0.01, 2e7);
        let mut index = MovingIndex::new(world.planet, edge_m).unwrap();
        index.rebuild(&world.ids, &world.places);
        index.assert_well_formed();
        let oracle = Oracle::new(&world, index.level());
        for _ in 0..QUERIES {
            let (center, radius_m) = random_query(&world, &mut random);
            index.radius(center, radius_m, &mut hits).unwrap();
            oracle.radius(center, radius_m, &mut want);
            let level = index.level();
            assert_eq!(
                hits, want,
                "seed {SEED} world {n} level {level} {center:?} {radius_m}"
            );
            some += u32::from(!hits.is_empty());
            many += u32::from(hits.len() > 10 && hits.len() < world.ids.len());
        }
    }
    println!("{some} with hits, {many} with more than ten but not all");
    let queries = (WORLDS * QUERIES) as u32;
    assert!(some > queries / 2 && many > queries / 5, "{some} {many}");
}

#[test]
fn the_bound_is_included_and_the_edge_is_not_crossed() {
    let planet = Planet::EARTH;
    let mut index = MovingIndex::new(planet, 100.0).unwrap();
    let pole = ecef(DVec3::new(0.0, 0.0, planet.radius_m()));
    let beside = ecef(DVec3::new(30.0, 40.0, planet.radius_m()));
    index.rebuild(&[EntityId(9), EntityId(3)], &[pole, beside]);
    let mut ids = Vec::new();
    let mut within = |radius_m| {
        ids.clear();
        index
            .for_each_within(pole, radius_m, |hit| ids.push((hit.id.0, hit.row)))
            .unwrap();
        ids.sort_unstable();
        ids.clone()
    };
    assert_eq!(within(0.0), [(9, 0)]);
    assert_eq!(within(50.0), [(3, 1), (9, 0)]);
    assert_eq!(within(50.0f64.next_down()), [(9, 0)]);
    assert_eq!(within(f64::INFINITY), [(3, 1), (9, 0)]);
}

#[test]
fn nonsense_is_refused() {
    let planet = Planet::EARTH;
    for edge_m in [0.0, -1.0, f64::NEG_INFINITY] {
        assert_eq!(
            MovingIndex::new(planet, edge_m).err(),
            Some(InvalidCellEdge(edge_m))
        );
    }
    assert!(MovingIndex::new(planet, f64::NAN).is_err());
    assert_eq!(MovingIndex::new(planet, f64::INFINITY).unwrap().level(), 0);
    assert_eq!(MovingIndex::new(planet, 1e-9).unwrap().level(), 30);

    let index = MovingIndex::new(planet, 10.0).unwrap();
    let center = ecef(DVec3::new(1.0, 2.0, 3.0));
    let mut hits = Vec::new();
    assert_eq!(
        index.radius(center, -0.1, &mut hits),
        Err(InvalidRadius(-0.1))
    );
    assert!(index.radius(center, f64::NAN, &mut hits).is_err());
    assert_eq!(index.radius(center, 1e9, &mut hits), Ok(()));
    assert_eq!((hits.len(), index.len(), index.is_empty()), (0, 0, true));
    assert_eq!(Watch::new(-1.0, 1.0).err(), Some(InvalidRadius(-1.0)));
    assert_eq!(Watch::new(2.0, 1.0).err(), Some(InvalidRadius(1.0)));
    assert!(Watch::new(1.0, f64::NAN).is_err());
}

/// Everything at or near the planet's centre, where directions mean nothing.
#[test]
fn the_centre_of_the_planet_is_an_ordinary_place() {
    let planet = Planet::new(10_000.0).unwrap();
    let coordinates = [0.0, -0.0, 1e-300, -1e-160, 0.25, -3.0, 9_000.0];
    let mut world = World {
        planet,
        ids: Vec::new(),
        places: Vec::new(),
    };
    for x in coordinates {
        for y in coordinates {
            for z in coordinates {
                world.ids.push(EntityId(world.ids.len() as u64 + 1));
                world.places.push(Ecef::new(x, y, z).unwrap());
            }
        }
    }
    let mut index = MovingIndex::new(planet, 5.0).unwrap();
    index.rebuild(&world.ids, &world.places);
    let oracle = Oracle::new(&world, index.level());
    let (mut hits, mut want) = (Vec::new(), Vec::new());
    for center in &world.places {
        for radius_m in [0.0, 1e-300, 0.25, 3.5, 5.0, 9_000.0, 1e5] {
            index.radius(*center, radius_m, &mut hits).unwrap();
            oracle.radius(*center, radius_m, &mut want);
            assert_eq!(hits, want, "{center:?} {radius_m}");
        }
    }
}

#[test]
fn watches_equal_brute_force_and_their_events_add_up() {
    println!("seed {SEED}");
    let mut random = Random::new(SEED);
    for _ in 0..20 {
        let mut world = World::random(&mut random);
        let leave_m = random.log_uniform(10.0, 1e6);
        let mut watch = Watch::new(leave_m * 0.7, leave_m).unwrap();
        let mut index = MovingIndex::new(world.planet, leave_m / 2.0).unwrap();
        let mut center = world.any_place(&mut random);
        let (mut want, mut told) = (BTreeSet::new(), BTreeSet::new());
        let mut events = WatchEvents::default();
        for _ in 0..50 {
            move_all(&mut world, leave_m / 4.0, &mut random);
            center = world.near(center, leave_m / 100.0, leave_m / 10.0, &mut random);
            index.rebuild(&world.ids, &world.places);
            watch.update(&index, center, &mut events);
            watch.assert_well_formed();
            step_set(&mut want, &world, center, leave_m);
            tell(&mut told, &events);
            assert_eq!(told, want);
            assert!(
                watch
                    .members()
                    .iter()
                    .map(|member| member.id)
                    .eq(want.iter().copied())
            );
            assert!(
                world
                    .ids
                    .iter()
                    .all(|id| watch.contains(*id) == want.contains(id))
            );
        }
    }
}

/// Moves everybody; now and then the first entity is gone or is somebody else.
fn move_all(world: &mut World, step_m: f64, random: &mut Random) {
    for n in 0..world.places.len() {
        world.places[n] = world.near(world.places[n], step_m / 100.0, step_m, random);
    }
    if world.ids.len() > 100 {
        let gone = random.below(world.ids.len() as u64) as usize;
        world.ids.swap_remove(gone);
        world.places.swap_remove(gone);
    }
}

fn step_set(set: &mut BTreeSet<EntityId>, world: &World, center: Ecef, leave_m: f64) {
    let old = core::mem::take(set);
    for (id, place) in world.ids.iter().zip(&world.places) {
        let distance_m = place.distance_m(center);
        let stays = old.contains(id) && distance_m <= leave_m;
        if stays || distance_m <= leave_m * 0.7 {
            set.insert(*id);
        }
    }
}

fn tell(told: &mut BTreeSet<EntityId>, events: &WatchEvents) {
    assert!(events.entered.is_sorted() && events.left.is_sorted());
    for id in &events.left {
        assert!(told.remove(id), "{id} left twice");
    }
    for id in &events.entered {
        assert!(told.insert(*id), "{id} entered twice");
    }
}

#[test]
fn the_steady_state_allocates_nothing() {
    let mut random = Random::new(SEED);
    let mut world = World::random(&mut random);
    let reach_m = world.planet.radius_m() / 5.0;
    let mut index = MovingIndex::new(world.planet, reach_m / 2.0).unwrap();
    let mut watch = Watch::new(reach_m, reach_m * 1.2).unwrap();
    let (mut events, mut hits) = (WatchEvents::default(), Vec::new());
    let center = world.places[0];
    let mut tick = |places: &[Ecef]| {
        index.rebuild(&world.ids, places);
        index.radius(center, reach_m, &mut hits).unwrap();
        watch.update(&index, center, &mut events);
        hits.len()
    };
    // Every buffer grows to its largest (a watch has two that take turns) while everybody comes to one place and leaves it.
    let (here, away) = (center, ecef(-center.to_vec()));
    for place in [here, here, away, here] {
        tick(&vec![place; world.places.len()]);
    }
    for _ in 0..10 {
        for place in &mut world.places {
            *place = ecef(place.to_vec() + random.direction() * reach_m / 10.0);
        }
        let (count, found) = allocations::count(|| tick(&world.places));
        assert_eq!(count, 0);
        assert!(found > 0 && found < world.ids.len());
    }
}
