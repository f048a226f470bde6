//! What is done with those who may be met: who is first, or all of them.

use spatial_core::{DVec3, EntityId};

use super::corridor::{Corridor, Visitor};
use super::past::Past;

/// A player that was found, and how far away.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PastHit {
    /// Who.
    pub entity: EntityId,
    /// How far, metres.
    pub distance_m: f64,
}

/// A ball that flies.
pub(super) struct Shot<'a> {
    pub(super) past: &'a Past<'a>,
    pub(super) corridor: &'a Corridor,
    pub(super) radius_m: f64,
    pub(super) through: [Option<u16>; 2], // these are not met
    pub(super) first: Option<PastHit>,
}

impl Shot<'_> {
    fn meet(&self, slot: u16) -> Option<PastHit> {
        if self.through.contains(&Some(slot)) {
            return None;
        }
        let capsule = self.past.capsule_near(slot, self.corridor)?;
        let distance_m = capsule.reached_m(self.corridor.direction, self.radius_m)?;
        let entity = self.past.ring.roster.entity(slot);
        (distance_m <= self.corridor.reach_m).then_some(PastHit { entity, distance_m })
    }
}

impl Visitor for Shot<'_> {
    fn fetch(&self, slot: u16) {
        self.past.fetch(slot);
    }

    fn visit(&mut self, slot: u16) -> f64 {
        self.first = earlier(self.first, self.meet(slot));
        self.first.map_or(f64::INFINITY, |hit| hit.distance_m)
    }
}

/// A look around.
pub(super) struct Look<'a, F> {
    pub(super) past: &'a Past<'a>,
    pub(super) center: DVec3,
    pub(super) radius_m: f64,
    pub(super) is_within: F,
    pub(super) found: &'a mut Vec<PastHit>,
}

impl<F: Fn(DVec3) -> bool> Visitor for Look<'_, F> {
    fn fetch(&self, slot: u16) {
        self.past.fetch(slot);
    }

    fn visit(&mut self, slot: u16) -> f64 {
        if let Some(capsule) = self.past.capsule(slot, self.center) {
            let distance_m = capsule.distance_m();
            if distance_m <= self.radius_m && (self.is_within)(capsule.nearest()) {
                let entity = self.past.ring.roster.entity(slot);
                self.found.push(PastHit { entity, distance_m });
            }
        }
        f64::INFINITY
    }
}

/// The nearer of two hits, at one distance that of the lower id.
fn earlier(a: Option<PastHit>, b: Option<PastHit>) -> Option<PastHit> {
    let (Some(first), Some(second)) = (a, b) else {
        return a.or(b);
    };
    let key = |hit: PastHit| (hit.distance_m, hit.entity);
    match key(second) < key(first) {
        true => b,
        false => a,
    }
}
