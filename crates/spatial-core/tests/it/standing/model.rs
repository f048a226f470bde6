//! What brute force knows of watchers: it looks at everybody for each of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use spatial_core::{
    Anchor, Cap, DVec3, Ecef, EntityId, Fence, Region, Sense, Sighting, StaleWatch, WatchEvents,
    WatchHandle, WatcherId, Watches,
};

use crate::world::{Random, World};

/// What brute force knows of a watcher.
struct Watcher {
    handle: WatchHandle,
    look: Look,
    members: Vec<bool>, // by row
}

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

    /// Changes a set, by row, and tells whose membership has changed.
    fn look(&self, world: &World, members: &mut [bool], changed: &mut Vec<usize>) {
        let Some(center) = self.center(world) else {
            let Self::Fence(enter, leave) = self else {
                return change(members, &world.places, |_| [false; 2], changed);
            };
            let sees = |place: Ecef| {
                let inside = enter.contains_point(place.to_vec());
                [inside, inside || leave.contains_point(place.to_vec())]
            };
            return change(members, &world.places, sees, changed);
        };
        match self {
            Self::Cone(_, radii, cone) => {
                let (axis, cosines) = (cone.axis.normalize(), cone.angles.map(libm::cos));
                let sees = |place: Ecef| {
                    let p = place.to_vec() - center.to_vec();
                    let distance_m = p.length_squared().sqrt();
                    let along_m = axis.dot(p);
                    let within =
                        |n: usize| (distance_m <= radii[n]) & (along_m >= cosines[n] * distance_m);
                    [within(0), within(1)]
                };
                change(members, &world.places, sees, changed);
            }
            Self::Around(_, radii) => {
                let sees = |place: Ecef| {
                    let distance_m = place.distance_m(center);
                    radii.map(|radius_m| distance_m <= radius_m)
                };
                change(members, &world.places, sees, changed);
            }
            Self::Fence(..) => unreachable!("a fence is nowhere"),
        }
    }
}

/// Whoever enters is a member, and who was one and may stay.
fn change(
    members: &mut [bool],
    places: &[Ecef],
    sees: impl Fn(Ecef) -> [bool; 2],
    changed: &mut Vec<usize>,
) {
    for (row, (member, place)) in members.iter_mut().zip(places).enumerate() {
        let [enters, stays] = sees(*place);
        let is_member = enters | (stays & *member);
        if is_member != *member {
            *member = is_member;
            changed.push(row);
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
        1 | 2 => Anchor::At(world.at(random.awkward_direction(), 0.0)),
        3 => Anchor::At(world.near(world.places[row], 1.0, 1e5, random)),
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
pub(super) struct Model {
    pub(super) world: World,
    next_entity: u64,
    next_watcher: u64,
    watchers: BTreeMap<WatcherId, Watcher>,
    gone: Vec<Sighting>, // who has left the world since the last update, and whose sets
}

impl Model {
    pub(super) fn new(count: u64, random: &mut Random) -> Self {
        Self {
            world: World::of_count(count, random),
            next_entity: 1 << 40,
            next_watcher: 1,
            watchers: BTreeMap::new(),
            gone: Vec::new(),
        }
    }

    /// Everybody moves; some go, some come, some change their rows.
    pub(super) fn change(&mut self, step_m: f64, random: &mut Random) {
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
                    let entity = world.ids.swap_remove(a as usize);
                    world.places.swap_remove(a as usize);
                    for (watcher, known) in &mut self.watchers {
                        if known.members.swap_remove(a as usize) {
                            let watcher = *watcher;
                            self.gone.push(Sighting { watcher, entity });
                        }
                    }
                }
                1 => {
                    world.ids.swap(a as usize, b as usize);
                    world.places.swap(a as usize, b as usize);
                    for known in self.watchers.values_mut() {
                        known.members.swap(a as usize, b as usize);
                    }
                }
                _ => {
                    world.ids.push(EntityId(self.next_entity));
                    world
                        .places
                        .push(world.near(world.places[a as usize], 1.0, 1e4, random));
                    self.next_entity += 1;
                    for known in self.watchers.values_mut() {
                        known.members.push(false);
                    }
                }
            }
        }
    }

    pub(super) fn watch(&mut self, watches: &mut Watches, random: &mut Random) {
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
        let members = vec![false; self.world.ids.len()];
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
    pub(super) fn change_watchers(&mut self, watches: &mut Watches, random: &mut Random) {
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
                    self.gone.retain(|left| left.watcher != id);
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

    pub(super) fn watcher_count(&self) -> usize {
        self.watchers.len()
    }

    /// The events of an update, and the sets after it.
    pub(super) fn update(&mut self) -> WatchEvents {
        let mut events = WatchEvents::default();
        events.left.append(&mut self.gone);
        let mut changed = Vec::new();
        for (watcher, known) in &mut self.watchers {
            changed.clear();
            known
                .look
                .look(&self.world, &mut known.members, &mut changed);
            for row in &changed {
                let sighting = Sighting {
                    watcher: *watcher,
                    entity: self.world.ids[*row],
                };
                if known.members[*row] {
                    events.entered.push(sighting);
                } else {
                    events.left.push(sighting);
                }
            }
        }
        events.entered.sort_unstable();
        events.left.sort_unstable();
        events
    }

    pub(super) fn assert_members(&self, watches: &Watches) {
        assert_eq!(watches.len(), self.watchers.len());
        for watcher in self.watchers.values() {
            let mut missing = watcher.members.clone();
            for member in watches.members(watcher.handle).unwrap() {
                assert_eq!(self.world.ids[member.row as usize], member.id);
                // Each of them once.
                assert!(core::mem::take(&mut missing[member.row as usize]));
            }
            assert!(!missing.contains(&true));
        }
    }
}
