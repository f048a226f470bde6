//! Standing queries against brute force: sets, events, and what does not matter to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use spatial_core::{
    Anchor, Cap, DVec3, Ecef, EntityId, Fence, Geodetic, InvalidRadius, InvalidSense, Member,
    MovingIndex, Planet, Polygon, Region, Sense, Sighting, SimdLevel, StaleWatch, WatchEvents,
    WatchHandle, WatcherId, Watches,
};

use crate::allocations;
use crate::world::{Random, World, ecef};

const SEED: u64 = 41_113;

/// What brute force knows of a watcher.
#[derive(Clone)]
struct Watcher {
    handle: WatchHandle,
    look: Look,
    members: BTreeSet<EntityId>,
}

#[derive(Clone)]
enum Look {
    Around(Anchor, Radii),
    Cone(Anchor, Radii, Cone),
    Fence(Cap, Cap),
}

type Radii = [f64; 2];

#[derive(Clone, Copy)]
struct Cone {
    axis: DVec3,
    angles: [f64; 2],
}

impl Look {
    fn random(model: &Model, random: &mut Random) -> Self {
        let radii = random_radii(model, random);
        match random.below(6) {
            0 => {
                let (axis, radius) = (random.any_direction(), random.log_uniform(1e-3, 1.0));
                let cap = Cap::new(axis, radius).unwrap();
                Self::Fence(
                    cap,
                    Cap::new(axis, radius * random.between(0.9, 1.3)).unwrap(),
                )
            }
            1 | 2 => Self::Cone(random_anchor(model, random), radii, Cone::random(random)),
            _ => Self::Around(random_anchor(model, random), radii),
        }
    }

    /// Where it is, if it is anywhere.
    fn center(&self, world: &World) -> Option<Ecef> {
        match self {
            Self::Around(anchor, _) | Self::Cone(anchor, _, _) => place_of(anchor, world),
            Self::Fence(..) => None,
        }
    }

    /// Whether an entity may enter, and whether it may stay.
    fn sees(&self, center: Option<Ecef>, place: Ecef) -> [bool; 2] {
        match (self, center) {
            (Self::Around(_, radii), Some(center)) => {
                radii.map(|radius_m| place.distance_m(center) <= radius_m)
            }
            (Self::Cone(_, radii, cone), Some(center)) => {
                let p = place.to_vec() - center.to_vec();
                let is_ahead =
                    |angle| cone.axis.normalize().dot(p) >= libm::cos(angle) * p.length();
                let within =
                    |n: usize| place.distance_m(center) <= radii[n] && is_ahead(cone.angles[n]);
                [within(0), within(1)]
            }
            (Self::Fence(enter, leave), _) => {
                let inside = enter.contains_point(place.to_vec());
                [inside, inside || leave.contains_point(place.to_vec())]
            }
            (_, None) => [false; 2],
        }
    }
}

impl Cone {
    fn random(random: &mut Random) -> Self {
        let enter = random.between(0.1, 3.0);
        Self {
            axis: random.any_direction() * random.log_uniform(0.1, 10.0),
            angles: [enter, (enter + random.between(0.0, 0.3)).min(3.1)],
        }
    }
}

fn random_radii(model: &Model, random: &mut Random) -> Radii {
    let enter_m = random.log_uniform(0.01, 1.0) * model.world.planet.radius_m();
    [enter_m, enter_m * random.between(1.0, 1.3)]
}

fn random_anchor(model: &Model, random: &mut Random) -> Anchor {
    let world = &model.world;
    let row = random.below(world.ids.len() as u64) as usize;
    match random.below(8) {
        0 => Anchor::On(EntityId(model.next_entity + random.below(5))), // not there yet
        1..4 => Anchor::At(world.near(world.places[row], 1.0, 1e5, random)),
        _ => Anchor::On(world.ids[row]),
    }
}

fn place_of(anchor: &Anchor, world: &World) -> Option<Ecef> {
    match anchor {
        Anchor::At(place) => Some(*place),
        Anchor::On(entity) => {
            let row = world.ids.iter().position(|id| id == entity)?;
            Some(world.places[row])
        }
    }
}

fn sense(radii: Radii, cone: Option<Cone>) -> Sense {
    let around = Sense::around(radii[0], radii[1]).unwrap();
    match cone {
        Some(cone) => around
            .looking(cone.axis, cone.angles[0], cone.angles[1])
            .unwrap(),
        None => around,
    }
}

/// A world that changes, its watchers and their sets.
struct Model {
    world: World,
    next_entity: u64,
    next_watcher: u64,
    watchers: BTreeMap<WatcherId, Watcher>,
}

impl Model {
    fn new(count: u64, random: &mut Random) -> Self {
        Self {
            world: World::of_count(count, random),
            next_entity: 1 << 40,
            next_watcher: 1,
            watchers: BTreeMap::new(),
        }
    }

    /// Everybody moves; some go, some come, some change their rows.
    fn change(&mut self, step_m: f64, random: &mut Random) {
        let world = &mut self.world;
        for n in 0..world.places.len() {
            world.places[n] = match random.below(200) {
                0 => world.at(random.any_direction(), 0.0), // who goes through a portal
                _ => world.near(world.places[n], step_m / 100.0, step_m, random),
            };
        }
        for _ in 0..random.below(6) {
            let (a, b) = (
                random.below(world.ids.len() as u64),
                random.below(world.ids.len() as u64),
            );
            match random.below(3) {
                0 if world.ids.len() > 20 => {
                    world.ids.swap_remove(a as usize);
                    world.places.swap_remove(a as usize);
                }
                1 => {
                    world.ids.swap(a as usize, b as usize);
                    world.places.swap(a as usize, b as usize);
                }
                _ => {
                    world.ids.push(EntityId(self.next_entity));
                    world
                        .places
                        .push(world.near(world.places[a as usize], 1.0, 1e4, random));
                    self.next_entity += 1;
                }
            }
        }
    }

    fn watch(&mut self, watches: &mut Watches, random: &mut Random) {
        let id = WatcherId(self.next_watcher.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        self.next_watcher += 1;
        let look = Look::random(self, random);
        let handle = match &look {
            Look::Around(anchor, radii) => watches.watch(id, *anchor, sense(*radii, None)),
            Look::Cone(anchor, radii, cone) => {
                watches.watch(id, *anchor, sense(*radii, Some(*cone)))
            }
            Look::Fence(enter, leave) => {
                let fence = Fence::new(Arc::new(*enter)).with_margin(Arc::new(*leave));
                watches.fence(id, fence)
            }
        };
        let members = BTreeSet::new();
        self.watchers.insert(
            id,
            Watcher {
                handle,
                look,
                members,
            },
        );
    }

    /// Some watchers come, go, move away or see otherwise.
    fn change_watchers(&mut self, watches: &mut Watches, random: &mut Random) {
        for _ in 0..random.below(4) {
            self.watch(watches, random);
        }
        let ids: Vec<WatcherId> = self.watchers.keys().copied().collect();
        for id in ids {
            let handle = self.watchers[&id].handle;
            let anchor = random_anchor(self, random);
            let radii = random_radii(self, random);
            match (
                random.below(60),
                &mut self.watchers.get_mut(&id).unwrap().look,
            ) {
                (0, _) => {
                    assert_eq!(watches.remove(handle), Ok(()));
                    assert_eq!(watches.remove(handle), Err(StaleWatch));
                    assert!(watches.members(handle).is_err());
                    self.watchers.remove(&id);
                }
                (1 | 2, Look::Around(old, _) | Look::Cone(old, _, _)) => {
                    watches.move_to(handle, anchor).unwrap();
                    *old = anchor;
                }
                (3, Look::Around(_, old)) => {
                    watches.set_sense(handle, sense(radii, None)).unwrap();
                    *old = radii;
                }
                (3..8, Look::Cone(_, radii, cone)) => {
                    *cone = Cone::random(random);
                    watches
                        .set_sense(handle, sense(*radii, Some(*cone)))
                        .unwrap();
                }
                _ => {}
            }
        }
    }

    /// The events of an update, and the sets after it.
    fn update(&mut self) -> WatchEvents {
        let mut events = WatchEvents::default();
        for (id, watcher) in &mut self.watchers {
            let old = core::mem::take(&mut watcher.members);
            let center = watcher.look.center(&self.world);
            for (entity, place) in self.world.ids.iter().zip(&self.world.places) {
                let [enters, stays] = watcher.look.sees(center, *place);
                if enters || stays && old.contains(entity) {
                    watcher.members.insert(*entity);
                }
            }
            let sighting = |entity: &EntityId| Sighting {
                watcher: *id,
                entity: *entity,
            };
            events
                .entered
                .extend(watcher.members.difference(&old).map(sighting));
            events
                .left
                .extend(old.difference(&watcher.members).map(sighting));
        }
        events
    }

    fn assert_members(&self, watches: &Watches) {
        assert_eq!(watches.len(), self.watchers.len());
        for watcher in self.watchers.values() {
            let members: Vec<Member> = watches.members(watcher.handle).unwrap().collect();
            for member in &members {
                assert_eq!(self.world.ids[member.row as usize], member.id);
            }
            let ids: BTreeSet<EntityId> = members.iter().map(|member| member.id).collect();
            assert_eq!((ids.len(), &ids), (members.len(), &watcher.members));
        }
    }
}

/// `BLUEMARBLE_WATCHER_TICKS` sets the number of ticks.
#[test]
fn sets_and_events_equal_brute_force() {
    let ticks: u64 = match std::env::var("BLUEMARBLE_WATCHER_TICKS") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => 240,
    };
    println!("seed {SEED}, {ticks} ticks");
    let mut random = Random::new(SEED);
    let levels: Vec<SimdLevel> = SimdLevel::available().collect();
    let (mut events, mut seen) = (WatchEvents::default(), [0; 2]);
    for world in 0..ticks.div_ceil(40) {
        let mut model = Model::new(20 + random.below(400), &mut random);
        let mut index = MovingIndex::with_simd(levels[world as usize % levels.len()]);
        let mut watches = Watches::new();
        for _ in 0..20 + random.below(60) {
            model.watch(&mut watches, &mut random);
        }
        let step_m = random.log_uniform(1e-4, 0.2) * model.world.planet.radius_m();
        for tick in 0..40.min(ticks) {
            index.rebuild(&model.world.ids, &model.world.places);
            watches.update(
                index.view(&model.world.ids, &model.world.places),
                &mut events,
            );
            watches.assert_well_formed();
            let want = model.update();
            assert_eq!(events, want, "seed {SEED} world {world} tick {tick}");
            model.assert_members(&watches);
            seen[0] += events.entered.len();
            seen[1] += events.left.len();
            model.change(step_m, &mut random);
            model.change_watchers(&mut watches, &mut random);
        }
    }
    println!("{} entered, {} left", seen[0], seen[1]);
    assert!(seen[1] as u64 > 10 * ticks);
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
            *place = ecef(place.to_vec() + random.direction() * reach_m / 50.0);
        }
        let (count, told) = allocations::count(|| tick(&world));
        assert!(count == 0 || n < 20, "{count} in tick {n}");
        entered += told;
    }
    assert!(entered > 5, "{entered}");
}
