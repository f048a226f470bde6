//! What must hold in everything that a client receives.

use client::ClientCore;
use net_proto::{EntityState, SnapshotInfo, Tracked};
use serde::{Deserialize, Serialize};
use sim_core::{FINE_PER_M, PUSH_SPEED_MAX_MPS};
use spatial_core::{CoordError, Planet, UNITS_PER_M};

/// Two places rounded to 2⁻⁷ m are together off by at most 2 · 2⁻⁸ · √3 m = 14 mm; the radius in the welcome is
/// rounded to 5 cm.
const INTEREST_MARGIN_M: f64 = 0.07;
/// Rounding of the two places that a speed is computed from, on the ground: 2 · 2⁻⁸ · √2 m = 11 mm, and what the
/// curvature and slope of two kilometres of frame add to it.
const PATH_MARGIN_M: f64 = 0.02;

/// Counts of what must not be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(in crate::cli) struct Violations {
    /// An id twice in a view, or out of order.
    pub(in crate::cli) ids: u64,
    /// A newest snapshot that is not newer.
    pub(in crate::cli) ticks: u64,
    /// Somebody beyond the radius, its hysteresis and the rounding.
    pub(in crate::cli) interest: u64,
    /// Somebody faster than the speed limit, the push of neighbours and the rounding.
    pub(in crate::cli) speed: u64,
}

impl Violations {
    pub(super) fn count(&self) -> u64 {
        self.ids + self.ticks + self.interest + self.speed
    }

    pub(super) fn add(&mut self, other: Self) {
        self.ids += other.ids;
        self.ticks += other.ticks;
        self.interest += other.interest;
        self.speed += other.speed;
    }
}

/// One bot's checks.
pub(super) struct Checks {
    reach_m: f64,
    speed_mps: f64,
    tick_s: f64,
    planet: Planet,
    last_tick: Option<u64>,
}

impl Checks {
    pub(super) fn new(core: &ClientCore, hysteresis_m: f64) -> Self {
        let welcome = core.welcome();
        Self {
            reach_m: f64::from(welcome.interest_dm) / 10.0 + hysteresis_m + INTEREST_MARGIN_M,
            speed_mps: f64::from(welcome.speed_limit) / FINE_PER_M + PUSH_SPEED_MAX_MPS,
            tick_s: 1.0 / f64::from(welcome.tick_rate_hz),
            planet: core.planet(),
            last_tick: None,
        }
    }

    /// Looks at the view after a snapshot: at everybody whose state is of its tick.
    pub(super) fn after(&mut self, core: &ClientCore, info: &SnapshotInfo) -> Violations {
        let mut found = Violations::default();
        if info.is_newest {
            found.ticks += u64::from(self.last_tick.is_some_and(|last| info.tick < last));
            self.last_tick = Some(info.tick);
        }
        let all = core.replica().tracked();
        let ascends = all.is_sorted_by(|a, b| a.state.id() < b.state.id());
        found.ids += u64::from(!ascends);
        let own = core.player().filter(|own| own.tick == info.tick);
        for seen in all.iter().filter(|seen| seen.tick == info.tick) {
            if own.is_some_and(|own| !self.is_near(&own.state, &seen.state)) {
                found.interest += 1;
            }
            found.speed += u64::from(!self.is_slow(seen));
        }
        found
    }

    fn is_near(&self, own: &EntityState, seen: &EntityState) -> bool {
        self.distance(own, seen)
            .is_ok_and(|[ground_m, up_m]| ground_m.hypot(up_m) <= self.reach_m)
    }

    fn is_slow(&self, seen: &Tracked) -> bool {
        let ticks = seen.tick.saturating_sub(seen.previous_tick);
        if ticks == 0 {
            return true;
        }
        let path_m = self.speed_mps * ticks as f64 * self.tick_s + PATH_MARGIN_M;
        self.distance(&seen.previous, &seen.state)
            .is_ok_and(|[ground_m, _]| ground_m <= path_m)
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
