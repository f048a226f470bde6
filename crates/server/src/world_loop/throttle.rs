//! The budget of a tick, and what is left undone when it does not suffice.
//!
//! Every half second the mean work of a tick is held against the time that a tick has. Above nine tenths of it one step of [`ORDER`] more is taken; when two
//! seconds in a row less than six tenths were needed, the newest is taken back. Only when all of them are in force does the world's time slow down, as far as it is
//! allowed to: clients are told, and make their inputs slower too. When even that does not suffice nobody new comes in. Nobody who is in is sent away, and what
//! players do, who hits whom, and the journal stay as they are.
//!
//! | level | left undone |
//! | ---: | --- |
//! | 1 | those in the farther half of a player's view are told of at epochs alone |
//! | 2 | wandering agents whom no player sees stand still, and cost nothing, from their next choice on |
//! | 3 | what players say is passed on twice a second |
//! | 4 | the world's time runs slower, and at its slowest nobody comes in |

use std::time::Duration;

use net_proto::{ServerMessage, TimeDilation};
use sim_core::Entry;

use super::WorldLoop;
use crate::gateway::{COMMANDS_SINCE, Message};

/// Means are taken over so many a second.
const LOOKS_A_SECOND: u32 = 2;
/// Of a tick's time: above this share of it a step is taken ...
const RISE: f64 = 0.9;
/// ... and below this one, so many looks in a row, the newest is taken back.
const FALL: f64 = 0.6;
const CALM_LOOKS: u32 = 4;
/// What time is slowed down for: the share of a tick's time that its work takes then.
const AIM: f64 = 0.8;
/// Time is slowed down in steps of so many thousandths: clients are told of each.
const PACE_STEP: u16 = 50;
/// The pace of a world that has time.
pub(super) const PACE_FULL: u16 = 1_000;

/// How much is left undone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) enum Level {
    /// Nothing.
    #[default]
    Nothing,
    Far,
    Idle,
    Talk,
    Time,
}

/// What comes after what.
const ORDER: [Level; 5] = [
    Level::Nothing,
    Level::Far,
    Level::Idle,
    Level::Talk,
    Level::Time,
];

/// Decides what is left undone. Pure: it is told what ticks took.
#[derive(Debug)]
pub(super) struct Throttle {
    rate_hz: u32,
    /// The slowest that the world's time may run, thousandths.
    pace_min: u16,
    level: Level,
    pace: u16,
    is_closed: bool,
    /// Whether the journal knows.
    is_journalled: bool,
    work: Duration,
    ticks: u32,
    calm_looks: u32,
}

impl Throttle {
    pub(super) fn new(rate_hz: u16, pace_min: u16) -> Self {
        Self {
            rate_hz: u32::from(rate_hz),
            pace_min,
            level: Level::Nothing,
            pace: PACE_FULL,
            is_closed: false,
            is_journalled: true,
            work: Duration::ZERO,
            ticks: 0,
            calm_looks: 0,
        }
    }

    /// What is left undone now: everything up to this.
    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// How fast the world's time runs, thousandths of its tick rate.
    pub(super) fn pace(&self) -> u16 {
        self.pace
    }

    /// Whether nobody new is to come in.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(super) fn set_pace_min(&mut self, pace_min: u16) {
        self.pace_min = pace_min;
    }

    /// The time from a tick to the next.
    pub(super) fn period(&self) -> Duration {
        Duration::from_secs(1) * u32::from(PACE_FULL) / u32::from(self.pace) / self.rate_hz
    }

    /// For the journal: what is in force from a tick on, where that is news.
    pub(super) fn take_news(&mut self, tick: u64) -> Option<Entry> {
        let is_news = !core::mem::replace(&mut self.is_journalled, true);
        is_news.then_some(Entry::Throttle {
            tick,
            level: self.level as u8,
            pace: self.pace,
        })
    }

    /// Takes in what a tick took; whether anything is otherwise from now on.
    pub(super) fn note(&mut self, work: Duration) -> bool {
        self.work += work;
        self.ticks += 1;
        // Half a second of the world's own time: slower ticks are fewer.
        if self.ticks * LOOKS_A_SECOND < self.rate_hz {
            return false;
        }
        let mean = self.work.as_secs_f64() / f64::from(self.ticks);
        (self.work, self.ticks) = (Duration::ZERO, 0);
        self.look(mean * f64::from(self.rate_hz))
    }

    /// `load`: of the time that a tick has at full pace, the share that its work takes.
    fn look(&mut self, load: f64) -> bool {
        let before = (self.level, self.pace, self.is_closed);
        let of_now = load * f64::from(self.pace) / f64::from(PACE_FULL);
        self.calm_looks = match of_now < FALL {
            true => self.calm_looks + 1,
            false => 0,
        };
        if of_now > RISE {
            self.rise(load);
        } else if self.calm_looks >= CALM_LOOKS {
            self.calm_looks = 0;
            self.fall(load);
        }
        let is_other = before != (self.level, self.pace, self.is_closed);
        self.is_journalled &= !is_other;
        is_other
    }

    fn rise(&mut self, load: f64) {
        if let Some(next) = self.neighbour(1) {
            self.level = next;
        }
        if self.level < Level::Time {
            return;
        }
        self.is_closed = self.pace <= self.pace_min;
        self.pace = self.pace.min(self.fitting(load)).max(self.pace_min);
    }

    fn fall(&mut self, load: f64) {
        self.is_closed = false;
        // Half of the way at a time: what is left undone may be what made it fit.
        let fitting = self.fitting(load);
        let half = (self.pace + fitting.max(self.pace)).div_ceil(2 * PACE_STEP) * PACE_STEP;
        if self.pace < PACE_FULL && half > self.pace {
            self.pace = half.min(PACE_FULL);
            return;
        }
        if self.pace == PACE_FULL
            && let Some(before) = self.neighbour(-1)
        {
            self.level = before;
        }
    }

    /// The pace, in whole steps, at which the work takes [`AIM`] of a tick's time.
    fn fitting(&self, load: f64) -> u16 {
        let pace = f64::from(PACE_FULL) * AIM / load.max(AIM);
        (pace / f64::from(PACE_STEP)) as u16 * PACE_STEP
    }

    fn neighbour(&self, by: isize) -> Option<Level> {
        let at = (self.level as usize).checked_add_signed(by)?;
        ORDER.get(at).copied()
    }
}

impl WorldLoop {
    /// Leaves undone what does not fit, or does again what does.
    pub(super) fn budget(&mut self, work: Duration) {
        let pace = self.throttle.pace();
        if !self.throttle.note(work) {
            return;
        }
        let throttle = &self.throttle;
        tracing::warn!(
            level = throttle.level() as u8,
            pace = throttle.pace(),
            closed = throttle.is_closed(),
            "the work of ticks changes what is left undone"
        );
        self.gate.set_busy(throttle.is_closed());
        if throttle.pace() == pace {
            return;
        }
        let frame = self.dilation();
        let told = self.players.iter_mut().filter(|(_, player)| {
            player.is_welcome && !player.is_lost && player.version >= COMMANDS_SINCE
        });
        let told: Vec<_> = told.map(|(session, _)| session).collect();
        for session in told {
            self.players.say(session, Message::Frame(frame.clone()));
        }
    }

    /// How fast the world's time runs, as a control frame.
    pub(super) fn dilation(&self) -> Vec<u8> {
        let permille = self.throttle.pace();
        let mut frame = Vec::new();
        ServerMessage::TimeDilation(TimeDilation { permille }).encode(&mut frame);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs so many seconds of ticks that take a share of a tick's time at full pace, less what is left undone; level, pace and whether it is
    /// closed after each change.
    fn run(
        throttle: &mut Throttle,
        seconds: f64,
        load: impl Fn(Level) -> f64,
    ) -> Vec<(Level, u16)> {
        let mut changes = Vec::new();
        let mut passed = 0.0;
        while passed < seconds {
            let work = Duration::from_secs_f64(load(throttle.level()) / 30.0);
            passed += work.max(throttle.period()).as_secs_f64();
            if throttle.note(work) {
                changes.push((throttle.level(), throttle.pace()));
            }
        }
        changes
    }

    #[test]
    fn a_world_that_has_time_leaves_nothing_undone() {
        let mut throttle = Throttle::new(30, 500);
        assert_eq!(run(&mut throttle, 60.0, |_| 0.89), []);
        assert_eq!(throttle.period(), Duration::from_secs(1) / 30);
    }

    #[test]
    fn a_little_too_much_costs_a_little() {
        let mut throttle = Throttle::new(30, 500);
        // What the first step saves suffices; it is not taken back while the work stays near the bound.
        let changes = run(&mut throttle, 60.0, |level| match level {
            Level::Nothing => 0.95,
            _ => 0.7,
        });
        assert_eq!(changes, [(Level::Far, PACE_FULL)]);
        // The load goes: what was left undone is done again.
        assert_eq!(
            run(&mut throttle, 60.0, |_| 0.3),
            [(Level::Nothing, PACE_FULL)]
        );
    }

    #[test]
    fn time_goes_last_and_comes_back_first() {
        let mut throttle = Throttle::new(30, 500);
        let changes = run(&mut throttle, 60.0, |_| 1.25);
        let levels = [
            (Level::Far, 1_000),
            (Level::Idle, 1_000),
            (Level::Talk, 1_000),
        ];
        assert_eq!(changes[..3], levels);
        assert_eq!(
            changes[3..],
            [(Level::Time, 600)],
            "0.8 of 1.25 is 0.64: in steps, 0.6"
        );
        assert!(!throttle.is_closed());
        assert_eq!(throttle.period(), Duration::from_secs(1) / 30 * 1_000 / 600);
        let changes = run(&mut throttle, 60.0, |_| 0.2);
        let is_full = |change: &&(Level, u16)| change.0 == Level::Time;
        let paces: Vec<u16> = changes
            .iter()
            .filter(is_full)
            .map(|change| change.1)
            .collect();
        assert!(
            paces.is_sorted() && paces.last() == Some(&PACE_FULL),
            "{paces:?}"
        );
        let levels: Vec<Level> = changes[paces.len()..]
            .iter()
            .map(|change| change.0)
            .collect();
        assert_eq!(
            levels,
            [Level::Talk, Level::Idle, Level::Far, Level::Nothing]
        );
    }

    #[test]
    fn nobody_comes_into_what_cannot_be_slowed_down_further() {
        let mut throttle = Throttle::new(30, 500);
        run(&mut throttle, 60.0, |_| 3.0);
        assert_eq!((throttle.pace(), throttle.is_closed()), (500, true));
        run(&mut throttle, 6.0, |_| 0.9);
        assert!(!throttle.is_closed());
        // A world whose time must not slow down closes at once when nothing else is left.
        let mut throttle = Throttle::new(30, PACE_FULL);
        run(&mut throttle, 60.0, |_| 1.0);
        assert_eq!((throttle.pace(), throttle.is_closed()), (PACE_FULL, true));
    }

    #[test]
    fn it_does_not_swing() {
        // Whatever the load, and whatever the steps save, within a minute it has settled for good.
        for load in 0..60 {
            for saved in 0..8 {
                let mut throttle = Throttle::new(30, 500);
                let load = |level| {
                    f64::from(load)
                        * 0.05
                        * (1.0 - 0.05 * f64::from(saved) * level as u8 as f64 / 3.0)
                };
                run(&mut throttle, 60.0, load);
                assert_eq!(
                    run(&mut throttle, 120.0, load),
                    [],
                    "{}",
                    load(Level::Nothing)
                );
            }
        }
    }
}
