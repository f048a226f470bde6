//! The drift of a client's clock: inputs that come ever sooner though the line is as long as before.
//!
//! ```text
//!   up    tick − number of the input that comes       delay there − what the clock is ahead
//!   down  number − newest tick that it has seen       delay back  + what the clock is ahead
//!
//!    up ────────╲                    down      ╱──    A fast clock: both drift, evenly, and their sum, the round trip, stays.
//!                ╲──                 ─────────╱
//!    up ──────┐                      down ────────    A line that becomes shorter: one of them falls, and so does the round trip.
//!             └──────
//! ```
//!
//! The least of both is kept for windows of a third of a second: the last five are the ramp, in which a clock that is 5 % fast gains
//! two and a half ticks of 30 Hz, the twelve before them the base, which tells how unsteady the line is.
//!
//! A line whose two ways change by the same, gradually, one up and one down, within a second and a half looks the same. Where both
//! change by up to 200 ms at random every 30 s that happens once in 170 hours; where the least delay of both wanders by 12 ms from one second to
//! the next, once in 30; where it wanders by 6 ms, not in 2,000. A client that shows less than it has seen makes its round trip grow
//! and is not found here, but when it has gained what that was before (`pace`).

/// Windows of the ramp, of all, and of the base that must have anything.
const RAMP: usize = 5;
pub(super) const WINDOWS: usize = RAMP + 12;
const BASE_MIN: u32 = 8;
/// All windows.
const ALL: u32 = (1 << WINDOWS) - 1;
/// Windows a second.
const PER_S: u64 = 3;
/// Ticks a second for each tick of the bounds below.
const UNIT_HZ: i32 = 30;

/// What the ways of datagrams were lately, by windows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Drift {
    pub(super) origin: i64, // numbers of inputs are so many behind ticks, nearly
    pub(super) newest: u64, // window of the newest datagram
    pub(super) there: u32,  // bit k: anything came in window newest − k
    pub(super) windows: [Extents; WINDOWS], // the newest first
}

/// The least and the most of a window, ticks: up less the origin, down more it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Extents {
    pub(super) up: [i16; 2],
    pub(super) down: [i16; 2],
}

/// How much shorter the way there of inputs is than in the base, and how much longer the way back of what they have seen, ticks.
#[derive(Clone, Copy, Default)]
struct Gain {
    sooner: i32,
    later: i32,
}

/// The ways of the base, ticks.
#[derive(Clone, Copy)]
struct Base {
    up: i32,
    down: i32,
}

impl Base {
    fn gain(self, window: &Extents) -> Gain {
        Gain {
            sooner: self.up - i32::from(window.up[0]),
            later: i32::from(window.down[0]) - self.down,
        }
    }
}

impl Drift {
    /// Takes in the newest datagram: when it came, its last input, what had been seen. Gives by how many ticks the clock has run ahead,
    /// when that is found; the same ticks are not found twice.
    pub(super) fn note(
        &mut self,
        (tick, seq, seen): (u64, u32, u64),
        tick_rate_hz: u16,
    ) -> Option<u32> {
        let length = ((u64::from(tick_rate_hz) + 1) / PER_S).max(1);
        let unit = (length as i32 * PER_S as i32 / UNIT_HZ).max(1);
        self.turn_to(tick / length);
        self.put(tick, seq, seen);
        // One datagram's delay is chance.
        let is_ripe = tick % length >= 2;
        let gain = is_ripe.then(|| self.gain(unit)).flatten()?;
        self.windows = [self.windows[0]; WINDOWS];
        self.there = ALL;
        u32::try_from(gain).ok()
    }

    fn turn_to(&mut self, window: u64) {
        let by = window.saturating_sub(self.newest);
        if by > 0 {
            let by = usize::try_from(by).map_or(WINDOWS, |by| by.min(WINDOWS));
            self.windows.copy_within(..WINDOWS - by, by);
            self.there = self.there << by & ALL;
            self.newest = window;
        }
    }

    fn put(&mut self, tick: u64, seq: u32, seen: u64) {
        let seq = i64::from(seq);
        let since = |tick: u64| i64::try_from(tick).unwrap_or(i64::MAX) - seq;
        if self.there == 0 {
            self.origin = since(tick);
        }
        let up = i16::try_from(since(tick).saturating_sub(self.origin));
        let down = i16::try_from(self.origin.saturating_sub(since(seen)));
        let (Ok(up), Ok(down)) = (up, down) else {
            self.there = 0; // another game begins
            return;
        };
        let window = &mut self.windows[0];
        if self.there & 1 == 0 {
            (window.up, window.down) = ([up; 2], [down; 2]);
        }
        window.up = [window.up[0].min(up), window.up[1].max(up)];
        window.down = [window.down[0].min(down), window.down[1].max(down)];
        self.there |= 1;
    }

    /// Windows in which anything came, with their age; the newest first.
    fn filled(&self) -> impl DoubleEndedIterator<Item = (usize, &Extents)> {
        let all = self.windows.iter().enumerate();
        all.filter(|(age, _)| self.there >> age & 1 == 1)
    }

    fn gain(&self, unit: i32) -> Option<i32> {
        let base = self.base()?;
        let gain = base.gain(&self.windows[0]);
        let all = gain.sooner + gain.later;
        let is_much = gain.sooner >= 2 * unit && gain.later >= 2 * unit;
        let is_even = (gain.sooner - gain.later).abs() <= unit + all / 8;
        let is_found = is_much
            && is_even
            && all >= 4 * unit + self.unrest(unit, all)
            && self.is_steady(base, gain, unit)
            && self.is_trip_same(unit, all);
        is_found.then_some(gain.sooner)
    }

    /// The second least way there and the second longest way back of the base: one window is chance.
    fn base(&self) -> Option<Base> {
        let (mut up, mut down) = ([i32::MAX; 2], [i32::MIN; 2]);
        let mut count = 0;
        for (_, window) in self.filled().filter(|(age, _)| *age >= RAMP) {
            let (low, high) = (i32::from(window.up[0]), i32::from(window.down[0]));
            up = [up[0].min(low), up[0].max(low).min(up[1])];
            down = [down[0].max(high), down[0].min(high).max(down[1])];
            count += 1;
        }
        (count >= BASE_MIN).then_some(Base {
            up: up[1],
            down: down[1],
        })
    }

    /// By how much more a gain must be on a line like this: ways that went the other way, and jitter within windows.
    fn unrest(&self, unit: i32, all: i32) -> i32 {
        let (mut low, mut high) = (i32::MAX, i32::MIN);
        let (mut up, mut down) = (0, 0);
        let (mut spreads, mut count) = ([[0; 2]; WINDOWS], 0);
        for (_, window) in self.filled().rev() {
            let [up_low, up_high] = window.up.map(i32::from);
            let [down_low, down_high] = window.down.map(i32::from);
            (low, high) = (low.min(up_low), high.max(down_low));
            (up, down) = (up.max(up_low - low), down.max(high - down_low));
            spreads[count] = [up_high - up_low, down_high - down_low];
            count += 1;
        }
        let usual = |way: usize| {
            let mut of_way = spreads.map(|spread| spread[way]);
            of_way[..count].sort_unstable();
            of_way[count * 3 / 4]
        };
        let jitter = usual(0).max(usual(1)) - all / (2 * RAMP as i32);
        3 * ((up - unit).max(0) + (down - unit).max(0)) + 2 * (jitter - 2 * unit).max(0)
    }

    /// Whether both ways have drifted all along the ramp: no window has most of it, and the newest two have not all of it.
    fn is_steady(&self, base: Base, gain: Gain, unit: i32) -> bool {
        let (mut before, mut early) = (Gain::default(), Gain::default());
        for (age, window) in self.windows[..RAMP].iter().enumerate().rev() {
            let now = base.gain(window);
            let is_there = self.there >> age & 1 == 1;
            if !is_there
                || now.sooner - before.sooner > unit + gain.sooner / 3
                || now.later - before.later > unit + gain.later / 3
            {
                return false;
            }
            if age >= 2 {
                early.sooner = early.sooner.max(now.sooner);
                early.later = early.later.max(now.later);
            }
            before = now;
        }
        4 * early.sooner >= gain.sooner && 4 * early.later >= gain.later
    }

    /// Whether the round trip was the same in all windows.
    fn is_trip_same(&self, unit: i32, all: i32) -> bool {
        let trips = self
            .filled()
            .map(|(_, window)| i32::from(window.up[0]) + i32::from(window.down[0]));
        let (low, high) = trips.fold((i32::MAX, i32::MIN), |(low, high), trip| {
            (low.min(trip), high.max(trip))
        });
        high - low <= 2 * unit + all / 8
    }
}
