//! Where bots walk.

use std::time::{Duration, Instant};

use core::f64::consts::TAU;

use net_proto::Input;
use spatial_core::{Frame, Planet, Position, UNITS_PER_M};

use crate::lots::Lots;

/// Where bots walk, and when they come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(in crate::cli::bots) enum Pattern {
    /// About where they came in
    Even,
    /// Along the eight arms of a star, all through one point, again and again
    Star,
    /// About one point, all within a distance
    Crowd,
    /// To the nearest border between two frames, and over it, to and fro
    Border,
    /// As `even`; it is the coming in that counts: give many a second to --rate
    LoginStorm,
    /// As `even`; once, all lose their lines without a word and come back
    ReconnectStorm,
}

/// Walking speeds, metres a second; borders are walked to as fast as may be.
const SPEED_MPS: core::ops::Range<f64> = 0.5..3.0;
const FAST_MPS: f64 = 127.0;
/// Seconds until a bot turns that wanders.
const WHIM_S: core::ops::Range<f64> = 2.0..6.0;
/// Who walks to somewhere looks so often where it is.
const LOOK: Duration = Duration::from_millis(500);
const ARMS: u32 = 8;

/// One bot's walk.
pub(super) struct Walk {
    pattern: Pattern,
    within_m: f64,
    arm: u32,
    /// Along the arm, or back.
    is_outward: bool,
    home: Option<Position>,
    next: Option<Instant>,
    wish: Input,
}

impl Walk {
    pub(super) fn new(pattern: Pattern, within_m: f64, n: u32) -> Self {
        Self {
            pattern,
            within_m,
            arm: n % ARMS,
            is_outward: true,
            home: None,
            next: None,
            wish: Input::default(),
        }
    }

    /// What to ask for in the ticks from now on. `middle` is where all meet.
    pub(super) fn wish(
        &mut self,
        now: Instant,
        (planet, here): (Planet, Option<Position>),
        (middle, lots): (Option<Position>, &mut Lots),
    ) -> Input {
        let Some(here) = here else {
            return self.wish;
        };
        if self.next.is_some_and(|next| now < next) {
            return self.wish;
        }
        let home = *self.home.get_or_insert(here);
        let (bearing, speed) = match self.pattern {
            Pattern::Star => self.along(here, middle.unwrap_or(home), lots),
            Pattern::Border => (to_border(planet, here), FAST_MPS),
            Pattern::Crowd => self.about(here, middle.unwrap_or(home), lots),
            Pattern::Even | Pattern::LoginStorm | Pattern::ReconnectStorm => {
                self.about(here, home, lots)
            }
        };
        let pause = match self.pattern {
            Pattern::Star | Pattern::Border => LOOK,
            _ => Duration::from_secs_f64(lots.within(WHIM_S.start, WHIM_S.end)),
        };
        self.next = Some(now + pause);
        let units = speed * f64::from(Input::UNITS_PER_MPS);
        self.wish = Input {
            east: (units * bearing.sin()) as i16,
            north: (units * bearing.cos()) as i16,
            heading: ((bearing / TAU).rem_euclid(1.0) * 65_536.0) as u32 as u16,
            ..Input::default()
        };
        self.wish
    }

    /// Anywhere, or back when it is too far from a place.
    fn about(&self, here: Position, place: Position, lots: &mut Lots) -> (f64, f64) {
        let speed = lots.within(SPEED_MPS.start, SPEED_MPS.end);
        let any = lots.within(0.0, TAU);
        match way(here, place) {
            Some((bearing, far_m)) if far_m > self.within_m => (bearing, speed),
            _ => (any, speed),
        }
    }

    /// To the end of its arm of a star, and through the middle to that of the opposite one.
    fn along(&mut self, here: Position, middle: Position, lots: &mut Lots) -> (f64, f64) {
        const NEAR_M: f64 = 3.0;
        let speed = lots.within(SPEED_MPS.start, SPEED_MPS.end);
        let arm = TAU * f64::from(self.arm) / f64::from(ARMS);
        let along = if self.is_outward {
            arm
        } else {
            arm + TAU / 2.0
        };
        let reach = self.within_m * UNITS_PER_M;
        let end = Position {
            x: middle.x.saturating_add((reach * along.sin()) as i32),
            y: middle.y.saturating_add((reach * along.cos()) as i32),
            ..middle
        };
        match way(here, end) {
            Some((bearing, far_m)) => {
                self.is_outward ^= far_m < NEAR_M;
                (bearing, speed)
            }
            None => (along, speed), // in another frame: whoever goes on comes back
        }
    }
}

/// Bearing and distance, where both places are in one frame.
fn way(from: Position, to: Position) -> Option<(f64, f64)> {
    let along = |to: i32, from: i32| (f64::from(to) - f64::from(from)) / UNITS_PER_M;
    let (east, north) = (along(to.x, from.x), along(to.y, from.y));
    (from.frame == to.frame).then(|| (east.atan2(north), east.hypot(north)))
}

/// The bearing of the nearest edge of a place's frame: once beyond it, and in the frame there, it is the same edge that is nearest.
fn to_border(planet: Planet, here: Position) -> f64 {
    let Ok(frame) = Frame::new(planet, here.frame) else {
        return 0.0;
    };
    let place = frame.to_ecef(here).to_vec();
    let edges = frame.edges().iter();
    let nearest = edges.max_by(|a, b| a.dot(place).total_cmp(&b.dot(place)));
    nearest.map_or(0.0, |edge| {
        let way = frame.rotate_in(*edge);
        way.x.atan2(way.y)
    })
}

#[cfg(test)]
mod tests {
    use spatial_core::{FrameId, Geodetic};

    use super::*;

    /// Walks for some seconds, a step every tenth; every place.
    fn walk(pattern: Pattern, within_m: f64, n: u32, seconds: u32) -> Vec<Position> {
        let planet = Planet::EARTH;
        let place = planet.ecef(Geodetic::from_degrees(46.02, 7.75, 0.0).unwrap());
        let mut here = planet.position(place).unwrap();
        let (middle, mut now) = (Some(here), Instant::now());
        let mut walk = Walk::new(pattern, within_m, n);
        let mut lots = Lots::new(7 + u64::from(n));
        let mut been = vec![here];
        for _ in 0..10 * seconds {
            let wish = walk.wish(now, (planet, Some(here)), (middle, &mut lots));
            now += Duration::from_millis(100);
            let step = |mps: i16| i32::from(mps).clamp(-25_600, 25_600) * 256 / 10;
            let moved = Position {
                x: here.x + step(wish.east),
                y: here.y + step(wish.north),
                ..here
            };
            let frame = Frame::new(planet, here.frame).unwrap();
            let place = frame.to_ecef(moved);
            here = match frame.outside_m(place) > spatial_core::FRAME_HYSTERESIS_M {
                true => planet.position(place).unwrap(),
                false => moved,
            };
            been.push(here);
        }
        been
    }

    fn far_m(from: Position, to: Position) -> f64 {
        way(from, to).map_or(f64::INFINITY, |(_, far_m)| far_m)
    }

    #[test]
    fn a_crowd_stays_together() {
        for n in 0..4 {
            let been = walk(Pattern::Crowd, 20.0, n, 600);
            // It turns back after one whim at the most.
            let far = been.iter().map(|place| far_m(been[0], *place));
            let far = far.fold(0.0, f64::max);
            assert!((10.0..20.0 + 3.0 * 6.0 + 1.0).contains(&far), "{far}");
        }
    }

    #[test]
    fn stars_are_walked_through_the_middle() {
        for n in 0..ARMS {
            let been = walk(Pattern::Star, 30.0, n, 600);
            let far: Vec<f64> = been.iter().map(|place| far_m(been[0], *place)).collect();
            assert!(far.iter().all(|far| *far < 33.0));
            let (mut ends, mut is_out) = (0, false);
            for far in far {
                if far > 26.0 && !is_out {
                    (ends, is_out) = (ends + 1, true);
                } else if far < 2.0 {
                    is_out = false;
                }
            }
            assert!(ends >= 4, "arm {n}: {ends} ends");
        }
    }

    #[test]
    fn borders_are_crossed_to_and_fro() {
        let been = walk(Pattern::Border, 1.0, 0, 120);
        let mut frames: Vec<FrameId> = been.iter().map(|place| place.frame).collect();
        frames.dedup();
        assert!(frames.len() > 10, "{frames:?}");
        assert_eq!(frames[0], frames[2]);
        frames.sort_unstable();
        frames.dedup();
        assert_eq!(frames.len(), 2);
    }
}
