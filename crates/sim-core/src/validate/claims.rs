//! Claimed positions, where a game lets clients say where they are.
//!
//! Speed and height are judged by sums of what is too much: what a claim moves beyond its allowance is added, what it leaves is taken
//! away, and the sum is never below zero. So rounding cancels, resting saves nothing up for later, and a small gain that lasts is found
//! as soon as it comes to a length: 5 % too fast at 4 m/s comes to 2 cm in 6 ticks of 30 Hz. (An average over two seconds would let somebody who
//! has rested run three times as fast for half of one.)

use spatial_core::{DVec3, Ecef, Position, UNITS_PER_M};

use super::finding::Finding;
use super::validator::Judged;
use crate::kind::Grade;
use crate::mode::Mode;

/// Where a client says that its player was after an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Claim {
    /// The input's number.
    pub seq: u32,
    /// Its feet.
    pub position: Position,
    /// How it moved: [`Mode::Walk`] on ground, an obstacle, another one's head.
    pub mode: Mode,
}

/// What the server knows of the world around a player.
pub trait Surroundings {
    /// The place of a position; `None` when its frame is none.
    fn place(&self, at: Position) -> Option<Ecef>;

    /// Whether nothing solid is between two places.
    fn is_open(&self, from: Ecef, to: Ecef) -> bool;

    /// How far a place is above what somebody there would stand on, metres, negative within it; `None` where that is not known.
    fn above_ground_m(&self, at: Ecef) -> Option<f64>;

    /// Whether a place is in water.
    fn is_water(&self, at: Ecef) -> bool {
        let _ = at;
        false
    }
}

/// The claims of one player.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Claims {
    pub(super) last: Option<Claim>, // that was believed
    pub(super) fast: u32,           // gone too far, 2⁻¹⁶ m
    pub(super) lift: u32,           // fallen too little, 2⁻¹⁶ m
    pub(super) fall: i32,           // it rises at most so fast, 2⁻¹⁶ m a tick
    pub(super) quiet: u64,          // until this tick nothing is told
}

/// What becomes of a claim.
pub(super) enum Verdict {
    Believed,
    Refused(Finding),
    /// It is not looked at.
    Old,
}

/// Small units of a length in a grid unit's.
const UNITS_PER_FINE: u64 = 256;
/// So far may sums of rounding carry somebody who walks.
const FAST_MAX: u32 = 1_311; // 2 cm
/// The part of a walk by which it may be longer than it should: slopes and pushes cost a hundredth.
const FAST_PART: u64 = 50;
/// Nobody falls faster, grid units a second.
const FALL_MAX: u64 = 150 << 16;
/// Who falls as fast as this needs not become faster, grid units a second.
const FALL_ENOUGH: i64 = 10 << 16;

/// A way from one claim to the next, grid units.
struct Way {
    ticks: u32,
    flat: u32,
    rise: i32,
    all: u32,
}

impl Claims {
    /// Of somebody whom the server put somewhere, and threw upwards at some speed, 2⁻⁸ m/s.
    pub(super) fn start(at: &Judged<'_>, claim: &Claim, thrown: u16) -> Self {
        let jump = match claim.mode {
            Mode::Fall => 0,
            Mode::Walk | Mode::Swim => at.kind.jump_speed,
        };
        Self {
            last: Some(*claim),
            fall: rise_a_tick(jump.max(thrown), at.limits.tick_rate_hz),
            ..Self::default()
        }
    }

    /// Whether a refusal in this tick is told; if so, none is for the second that it takes to set the client back.
    pub(super) fn is_told(&mut self, at: &Judged<'_>) -> bool {
        let is_told = at.tick >= self.quiet;
        if is_told {
            self.quiet = at.tick.saturating_add(u64::from(at.limits.tick_rate_hz));
        }
        is_told
    }

    pub(super) fn judge(
        &mut self,
        at: &Judged<'_>,
        claim: &Claim,
        around: &impl Surroundings,
    ) -> Verdict {
        if self.last.is_some_and(|last| claim.seq <= last.seq) {
            return Verdict::Old;
        }
        let Some(place) = around.place(claim.position) else {
            return Verdict::Refused(Finding::NoPlace);
        };
        let slack_m = f64::from(at.limits.ground_slack) / 256.0;
        let above_m = around.above_ground_m(place);
        if let Some(above_m) = above_m.filter(|above_m| *above_m < -slack_m) {
            let depth = (-above_m * 256.0) as u32;
            return Verdict::Refused(Finding::Ground { depth });
        }
        let last = self
            .last
            .and_then(|last| Some((last, around.place(last.position)?)));
        let found = match last {
            Some((last, from)) => self.judge_way(at, (&last, from), (claim, place), around),
            None => None,
        };
        if let Some(finding) = found {
            return Verdict::Refused(finding);
        }
        let is_near = above_m.is_none_or(|above_m| above_m <= slack_m);
        if self.is_flight(at, claim.mode, is_near, || around.is_water(place)) {
            return Verdict::Refused(Finding::Flight);
        }
        self.last = Some(*claim);
        Verdict::Believed
    }

    /// What is against the way from the last claim.
    fn judge_way(
        &mut self,
        at: &Judged<'_>,
        (last, from): (&Claim, Ecef),
        (claim, to): (&Claim, Ecef),
        around: &impl Surroundings,
    ) -> Option<Finding> {
        let up = up(from);
        let way = Way::new(claim.seq - last.seq, to.to_vec() - from.to_vec(), up);
        let rate = u64::from(at.limits.tick_rate_hz.max(1));
        let per_tick = u64::from(at.kind.speed_max) * UNITS_PER_FINE;
        // One unit a tick for rounding.
        let may = per_tick * u64::from(way.ticks) / rate + u64::from(way.ticks);
        if is_teleport(&way, may, at) {
            return Some(Finding::Teleport { way: way.all / 256 });
        }
        let middle = up * (0.5 * at.kind.height_m());
        if let (Some(from), Some(to)) = (raised(from, middle), raised(to, middle))
            && !around.is_open(from, to)
        {
            return Some(Finding::Wall);
        }
        let gone = match at.kind.grade {
            Grade::Flyer => way.all,
            Grade::Crowd | Grade::Character => way.flat,
        };
        let too_far = u64::from(self.fast) + u64::from(gone);
        let fast = too_far.saturating_sub(may + may / FAST_PART);
        if fast > u64::from(FAST_MAX) {
            self.fast = 0;
            return Some(Finding::Speed);
        }
        self.fast = fast as u32;
        self.add_rise(&way, at);
        None
    }

    /// Adds what a way rises more than a fall would.
    fn add_rise(&mut self, way: &Way, at: &Judged<'_>) {
        let ticks = i64::from(way.ticks);
        let rate = i64::from(at.limits.tick_rate_hz.max(1));
        let rise = i64::from(way.rise);
        let bound = i64::from(self.fall);
        let lift = i64::from(self.lift)
            .saturating_add(rise)
            .saturating_sub(bound * ticks)
            .max(0);
        self.lift = u32::try_from(lift).unwrap_or(u32::MAX);
        let speed = (rise / ticks).min(bound);
        let enough = -FALL_ENOUGH / rate;
        let slower = i64::from(at.limits.fall) * UNITS_PER_FINE as i64 / (rate * rate) * ticks;
        let next = if speed > enough {
            (speed - slower).max(enough)
        } else {
            speed
        };
        self.fall = i32::try_from(next).unwrap_or(i32::MIN);
    }

    /// Whether somebody is carried by nothing that carries; who is carried by something begins anew.
    fn is_flight(
        &mut self,
        at: &Judged<'_>,
        mode: Mode,
        is_near: bool,
        is_water: impl FnOnce() -> bool,
    ) -> bool {
        if at.kind.grade == Grade::Flyer {
            return false;
        }
        let is_carried = is_near || (mode == Mode::Swim && is_water());
        if is_carried {
            self.lift = 0;
            self.fall = rise_a_tick(at.kind.jump_speed, at.limits.tick_rate_hz);
            return false;
        }
        let slack = u32::from(at.limits.ground_slack) * UNITS_PER_FINE as u32;
        mode != Mode::Fall || self.lift > slack
    }
}

impl Way {
    fn new(ticks: u32, way: DVec3, up: DVec3) -> Self {
        let rise = way.dot(up);
        let flat = way - up * rise;
        let units = |metres: f64| metres * UNITS_PER_M;
        Self {
            ticks,
            flat: units(flat.length_squared().sqrt()) as u32, // saturates
            rise: units(rise) as i32,
            all: units(way.length_squared().sqrt()) as u32,
        }
    }
}

/// Whether a way is longer than speed and time allow, by a quarter and the slack.
fn is_teleport(way: &Way, may: u64, at: &Judged<'_>) -> bool {
    let slack = u64::from(at.limits.teleport_slack) * UNITS_PER_FINE;
    let reach = may + may / 4 + slack;
    if at.kind.grade == Grade::Flyer {
        return u64::from(way.all) > reach;
    }
    let ticks = u64::from(way.ticks);
    let rate = u64::from(at.limits.tick_rate_hz.max(1));
    let rises = match at.kind.grade {
        Grade::Crowd => u64::MAX, // follows the ground, however steep
        _ => {
            let climbs = reach.saturating_mul(u64::from(at.kind.slope_max)) / 256;
            let jumps = u64::from(at.kind.jump_speed) * UNITS_PER_FINE * ticks / rate;
            climbs.max(jumps) + u64::from(at.kind.step_max) * UNITS_PER_FINE + slack
        }
    };
    let falls = match at.kind.grade {
        Grade::Crowd => u64::MAX,
        _ => FALL_MAX * ticks / rate + slack,
    };
    let limit = if way.rise < 0 { falls } else { rises };
    u64::from(way.flat) > reach || u64::from(way.rise.unsigned_abs()) > limit
}

/// A speed of 2⁻⁸ m/s in grid units a tick, rounded up.
fn rise_a_tick(speed: u16, tick_rate_hz: u16) -> i32 {
    (i32::from(speed) * UNITS_PER_FINE as i32) / i32::from(tick_rate_hz.max(1)) + 1
}

/// Away from the planet's centre.
fn up(at: Ecef) -> DVec3 {
    let v = at.to_vec();
    let square = v.length_squared();
    if square > 0.0 {
        v / square.sqrt()
    } else {
        DVec3::Z
    }
}

fn raised(at: Ecef, by: DVec3) -> Option<Ecef> {
    let [x, y, z] = (at.to_vec() + by).to_array();
    Ecef::new(x, y, z).ok()
}
