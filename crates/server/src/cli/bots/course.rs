//! Whether a bot's avatar goes where the bot asked it to go.

use std::collections::VecDeque;

use net_proto::{Input, Tracked};
use sim_core::FINE_PER_M;
use spatial_core::{Position, UNITS_PER_M};

/// A leg shorter than this says little, seconds.
const LEG_S: f64 = 1.0;
/// What neighbours may push somebody off a leg: metres, and a share of the way.
const PUSHED_M: f64 = 1.5;
const PUSHED_SHARE: f64 = 0.25;

/// What a bot asked for, leg by leg. A leg begins with the first snapshot that has applied a new wish and ends with
/// the last before the next wish: in between, every tick moved the avatar by that wish, whatever the network did.
pub(super) struct Course {
    speed_limit: f64,
    tick_s: f64,
    /// Wishes by the number of their first input, ascending: the one in force, and those that are under way.
    wishes: VecDeque<(u32, Input)>,
    leg: Option<Leg>,
}

struct Leg {
    first_seq: u32,
    from: (u64, Position),
    to: (u64, Position),
}

/// Legs walked, and those of them that led elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Legs {
    pub(super) walked: u64,
    pub(super) astray: u64,
}

impl Course {
    /// `speed_limit` in 2⁻⁸ m/s.
    pub(super) fn new(speed_limit: u16, tick_s: f64) -> Self {
        Self {
            speed_limit: f64::from(speed_limit) / FINE_PER_M,
            tick_s,
            wishes: VecDeque::new(),
            leg: None,
        }
    }

    /// From input `seq` on the bot asks for this.
    pub(super) fn ask(&mut self, seq: u32, wish: Input) {
        self.wishes.push_back((seq, wish));
    }

    /// Takes in where the avatar was after a tick by which the server had applied input `applied`.
    pub(super) fn see(&mut self, applied: u32, own: &Tracked) -> Legs {
        let mut legs = Legs::default();
        while self.wishes.get(1).is_some_and(|(seq, _)| *seq <= applied) {
            legs = self.end_leg();
            self.wishes.pop_front();
        }
        let Some(&(first_seq, _)) = self.wishes.front().filter(|(seq, _)| *seq <= applied) else {
            return legs;
        };
        let now = (own.tick, own.state.position());
        match &mut self.leg {
            // A wish turns with the frame: a leg is walked in one.
            Some(leg) if leg.first_seq == first_seq && leg.from.1.frame == now.1.frame => {
                leg.to = now;
            }
            _ => {
                self.leg = Some(Leg {
                    first_seq,
                    from: now,
                    to: now,
                });
            }
        }
        legs
    }

    fn end_leg(&mut self) -> Legs {
        let (Some(leg), Some((_, wish))) = (self.leg.take(), self.wishes.front()) else {
            return Legs::default();
        };
        let passed_s = leg.to.0.saturating_sub(leg.from.0) as f64 * self.tick_s;
        if passed_s < LEG_S {
            return Legs::default();
        }
        Legs {
            walked: 1,
            astray: u64::from(self.is_astray(&leg, wish, passed_s)),
        }
    }

    fn is_astray(&self, leg: &Leg, wish: &Input, passed_s: f64) -> bool {
        let asked = [wish.east, wish.north].map(|v| f64::from(v) / FINE_PER_M);
        let speed = asked[0].hypot(asked[1]);
        let share = (self.speed_limit / speed).min(1.0); // of nothing, NaN.min(1.0) is 1
        let along = |to: i32, from: i32| (f64::from(to) - f64::from(from)) / UNITS_PER_M;
        let (from, to) = (leg.from.1, leg.to.1);
        let off = [
            along(to.x, from.x) - asked[0] * share * passed_s,
            along(to.y, from.y) - asked[1] * share * passed_s,
        ];
        off[0].hypot(off[1]) > PUSHED_M + PUSHED_SHARE * speed * share * passed_s
    }
}

#[cfg(test)]
mod tests {
    use net_proto::EntityState;
    use spatial_core::{EntityId, FrameId};

    use super::*;

    /// Walks two legs of three seconds at `speed` times what was asked.
    fn legs(wish: Input, speed: f64) -> Legs {
        let mut course = Course::new(8 * 256, 1.0 / 30.0);
        course.ask(1, wish);
        course.ask(91, Input::default());
        let asked = [wish.east, wish.north].map(|v| f64::from(v) / FINE_PER_M);
        let mut all = Legs::default();
        for tick in 0u32..95 {
            let at = |mps: f64| (mps * speed * f64::from(tick) / 30.0 * UNITS_PER_M) as i32;
            let position = Position {
                frame: FrameId(1),
                x: at(asked[0]),
                y: at(asked[1]),
                z: 0,
            };
            let state = EntityState::new(EntityId(1), position, 0);
            let own = Tracked {
                state,
                tick: u64::from(tick),
                previous: state,
                previous_tick: u64::from(tick),
            };
            let found = course.see(tick, &own);
            all.walked += found.walked;
            all.astray += found.astray;
        }
        all
    }

    fn wish(east: f64, north: f64) -> Input {
        Input {
            east: (east * FINE_PER_M) as i16,
            north: (north * FINE_PER_M) as i16,
            ..Input::default()
        }
    }

    #[test]
    fn who_goes_elsewhere_is_noticed() {
        let (good, bad) = (
            Legs {
                walked: 1,
                astray: 0,
            },
            Legs {
                walked: 1,
                astray: 1,
            },
        );
        assert_eq!(legs(wish(2.0, -1.5), 1.0), good);
        assert_eq!(legs(wish(0.0, 0.0), 1.0), good);
        for (speed, expected) in [(2.0, bad), (0.0, bad), (-1.0, bad), (0.9, good)] {
            assert_eq!(legs(wish(2.0, -1.5), speed), expected, "{speed}");
        }
        // Asked for 127 m/s: the server's limit is what must come of it.
        assert_eq!(legs(wish(0.0, 127.0), 8.0 / 127.0), good);
        for mps in [4.0, 16.0, 127.0] {
            assert_eq!(legs(wish(0.0, 127.0), mps / 127.0), bad, "{mps}");
        }
    }
}
