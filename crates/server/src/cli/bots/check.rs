//! What must hold in everything that a client receives.

use std::sync::Arc;

use net_proto::{
    DIGEST_ENTITIES_MAX, Digest, DigestVerdict, EntityState, SnapshotInfo, Tracked, Welcome,
};
use serde::{Deserialize, Serialize};
use sim_core::{FINE_PER_M, PUSH_SPEED_MAX_MPS};
use spatial_core::{CoordError, EntityId, Planet, Terrain, UNITS_PER_M};

/// Two places rounded to 2⁻⁷ m are together off by at most 2 · 2⁻⁸ · √3 m = 14 mm; the radius in the welcome is
/// rounded to 5 cm.
const INTEREST_MARGIN_M: f64 = 0.07;
/// Rounding of the two places that a speed is computed from, on the ground: 2 · 2⁻⁸ · √2 m = 11 mm, and what the
/// curvature and slope of two kilometres of frame add to it.
const PATH_MARGIN_M: f64 = 0.02;
/// Nobody climbs steeper: 72°, far beyond what a lattice of kilometres can draw.
const CLIMB_MAX: f64 = 3.0;
/// Feet are on the ground to a centimetre; an error worth the name is larger than this.
const GROUND_MARGIN_M: f64 = 2.0;
/// Who jumps down a slope of 50° at walking speed is so high above it for a moment.
const JUMP_M: f64 = 3.5;
/// Seconds in the world after which a bot must have seen digests agree.
const WARM_UP_S: f64 = 4.0;
/// One snapshot in so many may be overtaken on the way, one digest in so many may be of an epoch that was lost; and
/// a few more, for short visits.
const LATE_ONE_IN: u64 = 50;
const UNKNOWN_ONE_IN: u64 = 5;
const FEW: u64 = 3;

/// Counts of what must not be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(in crate::cli) struct Violations {
    /// An id twice in a view, a snapshot or a digest.
    pub(in crate::cli) ids: u64,
    /// Ticks that did not rise, in more snapshots than a network mixes up.
    pub(in crate::cli) ticks: u64,
    /// Somebody beyond the radius, its hysteresis, what two walk from one look to the next, and the rounding.
    pub(in crate::cli) interest: u64,
    /// Somebody faster than the speed limit, the push of neighbours and the rounding.
    pub(in crate::cli) speed: u64,
    /// Somebody who climbed faster than anybody can, or who is not on the ground.
    pub(in crate::cli) height: u64,
    /// A complete view without the bot's own avatar.
    pub(in crate::cli) absent: u64,
    /// A digest of too few entities, or too few digests that could be compared.
    pub(in crate::cli) digests: u64,
}

impl Violations {
    pub(super) fn count(&self) -> u64 {
        let Self {
            ids,
            ticks,
            interest,
            speed,
            height,
            absent,
            digests,
        } = self;
        ids + ticks + interest + speed + height + absent + digests
    }

    /// Those that there are, and how many of each: `2 speed, 1 height`.
    pub(super) fn words(&self) -> String {
        let kinds = [
            (self.ids, "ids"),
            (self.ticks, "ticks"),
            (self.interest, "interest"),
            (self.speed, "speed"),
            (self.height, "height"),
            (self.absent, "absent"),
            (self.digests, "digests"),
        ];
        let there = kinds.iter().filter(|(count, _)| *count > 0);
        let words: Vec<_> = there.map(|(n, kind)| format!("{n} {kind}")).collect();
        words.join(", ")
    }

    pub(super) fn add(&mut self, other: Self) {
        self.ids += other.ids;
        self.ticks += other.ticks;
        self.interest += other.interest;
        self.speed += other.speed;
        self.height += other.height;
        self.absent += other.absent;
        self.digests += other.digests;
    }
}

/// What a client holds after a snapshot.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) info: &'a SnapshotInfo,
    /// Everybody in view.
    pub(super) tracked: &'a [Tracked],
    /// The set of the epoch that the snapshot completed.
    pub(super) completed: Option<&'a [EntityState]>,
}

/// One bot's checks.
pub(super) struct Checks {
    player: EntityId,
    reach_m: f64,
    speed_mps: f64,
    tick_s: f64,
    planet: Planet,
    terrain: Option<Arc<Terrain>>,
    first_tick: Option<u64>,
    newest_tick: u64,
    arrived: u64,
    late: u64,
    matched: u64,
    unknown: u64,
}

impl Checks {
    /// `terrain`, where it is at hand, is the ground that everybody should stand on.
    pub(super) fn new(
        (welcome, planet): (&Welcome, Planet),
        hysteresis_m: f64,
        terrain: Option<Arc<Terrain>>,
    ) -> Self {
        let speed_mps = f64::from(welcome.speed_limit) / FINE_PER_M + PUSH_SPEED_MAX_MPS;
        let tick_s = 1.0 / f64::from(welcome.tick_rate_hz);
        // Who sees whom is looked at once in so many ticks, and both walk on until the next time.
        let walked_s = f64::from(welcome.snapshot_ticks.saturating_sub(1)) * tick_s;
        let beyond_m = hysteresis_m + 2.0 * speed_mps * walked_s + INTEREST_MARGIN_M;
        Self {
            player: welcome.player,
            reach_m: f64::from(welcome.interest_dm) / 10.0 + beyond_m,
            speed_mps,
            tick_s,
            planet,
            terrain,
            first_tick: None,
            newest_tick: 0,
            arrived: 0,
            late: 0,
            matched: 0,
            unknown: 0,
        }
    }

    /// Looks at the view after a snapshot: at everybody whose state is of its tick.
    pub(super) fn after(&mut self, view: View<'_>) -> Violations {
        let tick = view.info.tick;
        self.arrived += 1;
        self.late += u64::from(tick < self.newest_tick);
        self.newest_tick = self.newest_tick.max(tick);
        self.first_tick.get_or_insert(tick);
        let ascends = view
            .tracked
            .is_sorted_by(|a, b| a.state.id() < b.state.id());
        let mut found = Violations {
            ids: view.info.repeated as u64 + u64::from(!ascends),
            absent: u64::from(view.completed.is_some_and(|set| !self.is_in(set))),
            ..Violations::default()
        };
        let now = || view.tracked.iter().filter(|seen| seen.tick == tick);
        let own = now().find(|seen| seen.state.id() == self.player);
        for seen in now() {
            let is_far = own.is_some_and(|own| !self.is_near(&own.state, &seen.state));
            found.interest += u64::from(is_far);
            self.check_path(seen, &mut found);
        }
        if let Some(set) = view.completed.filter(|set| !set.is_empty()) {
            // Ground is looked up for one at a time: it takes longer than all the rest.
            let one = &set[self.arrived as usize % set.len()];
            found.height += u64::from(!self.is_on_ground(one));
        }
        found
    }

    /// Looks at a digest; `known` is the size of its epoch's set, if that is here.
    pub(super) fn digest(
        &mut self,
        digest: &Digest,
        verdict: DigestVerdict,
        known: Option<usize>,
    ) -> Violations {
        self.matched += u64::from(verdict == DigestVerdict::Match);
        self.unknown += u64::from(verdict == DigestVerdict::Unknown);
        let mut ids: Vec<_> = digest.entities.iter().map(EntityState::id).collect();
        ids.sort_unstable();
        let wanted = known.map(|size| size.min(DIGEST_ENTITIES_MAX));
        Violations {
            ids: u64::from(!ids.is_sorted_by(|a, b| a < b)),
            digests: u64::from(wanted.is_some_and(|wanted| wanted != ids.len())),
            ..Violations::default()
        }
    }

    /// What only shows over a whole visit.
    pub(super) fn finish(&self) -> Violations {
        let ticks = self.newest_tick - self.first_tick.unwrap_or(self.newest_tick);
        let is_long = ticks as f64 * self.tick_s >= WARM_UP_S;
        let compares = self.matched > 0 || !is_long;
        let is_known = self.unknown <= self.matched / UNKNOWN_ONE_IN + FEW;
        Violations {
            ticks: u64::from(self.late > self.arrived / LATE_ONE_IN + FEW),
            digests: u64::from(!compares) + u64::from(!is_known),
            ..Violations::default()
        }
    }

    fn is_in(&self, set: &[EntityState]) -> bool {
        set.iter().any(|state| state.id() == self.player)
    }

    fn is_near(&self, own: &EntityState, seen: &EntityState) -> bool {
        self.distance(own, seen)
            .is_ok_and(|[ground_m, up_m]| ground_m.hypot(up_m) <= self.reach_m)
    }

    /// Whether somebody can have come here from where they were.
    fn check_path(&self, seen: &Tracked, found: &mut Violations) {
        let ticks = seen.tick.saturating_sub(seen.previous_tick);
        if ticks == 0 {
            return;
        }
        let path_m = self.speed_mps * ticks as f64 * self.tick_s + PATH_MARGIN_M;
        match self.distance(&seen.previous, &seen.state) {
            Ok([ground_m, up_m]) => {
                found.speed += u64::from(ground_m > path_m);
                found.height += u64::from(up_m.abs() > CLIMB_MAX * path_m);
            }
            Err(_) => found.speed += 1,
        }
    }

    fn is_on_ground(&self, seen: &EntityState) -> bool {
        let Some(terrain) = &self.terrain else {
            return true;
        };
        let Ok(place) = self.planet.place(seen.position()) else {
            return false;
        };
        let above_m = place.to_vec().length() - self.planet.radius_m();
        let ground_m = terrain.height(place);
        // Players swim where agents walk on the bottom of the sea: anywhere below its surface.
        ground_m.is_ok_and(|ground_m| {
            let space = ground_m - GROUND_MARGIN_M..=ground_m.max(0.0) + JUMP_M;
            space.contains(&above_m)
        })
    }

    /// Distance over ground and in height, metres.
    fn distance(&self, a: &EntityState, b: &EntityState) -> Result<[f64; 2], CoordError> {
        let (p, q) = (a.position(), b.position());
        if p.frame == q.frame {
            let along = |m: i32, n: i32| (f64::from(m) - f64::from(n)) / UNITS_PER_M;
            return Ok([along(p.x, q.x).hypot(along(p.y, q.y)), along(p.z, q.z)]);
        }
        let (p, q) = (
            self.planet.place(p)?.to_vec(),
            self.planet.place(q)?.to_vec(),
        );
        let up = p.length() - q.length();
        let ground = (p.distance_squared(q) - up * up).max(0.0).sqrt();
        Ok([ground, up])
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
