//! The pace of a client: inputs against ticks, datagrams against ticks.
//!
//! ```text
//!            due             comes
//!  seq 7 ────●───delay───────►│           An honest client makes one input a tick. Delay shifts when they come, by at most
//!  seq 9 ────────●───delay──►│            the jitter: that is the burst. What comes beyond it was made too fast.
//! ```
//!
//! A clock that is 5 % fast and a line whose delay falls from 200 ms to 100 ms within two seconds send the very same datagrams. So from the
//! times alone nobody can tell them apart before the burst is used up: at 30 Hz after 11 / 0.05 = 220 ticks. What the client has
//! seen tells more: if it had seen a tick when an input was due, one of a later number is due that much later at the
//! least. That is certain as soon as the clock has gained the line's round trip, after some 60 ticks where that is 60 ms; that it gains at all shows
//! before that, in most lines: see `drift`. Either way nobody moves further by it: a step applies one input. Clocks differ: one that is
//! 0.2 % fast is never found.

use super::finding::Finding;
use super::limits::Limits;

/// Inputs and datagrams of one client over time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Pace {
    pub(super) newest_seq: u32, // of the inputs that were let through; 0: none was
    pub(super) advanced: u64,   // the tick in which it became so
    pub(super) balance: u16,    // ticks that inputs may be ahead, at most the burst
    pub(super) low: Option<i64>, // tick − seq of no input is lower: the client has seen ticks
    pub(super) spent: u16,      // datagrams ahead of one a tick
    pub(super) counted: u64,    // the tick up to which they were counted
}

/// A tick in so many is a clock's that is a little fast.
const DRIFT: u64 = 512;
/// Numbers further ahead are not speed.
const FUTURE_TICKS: u64 = 64;

impl Pace {
    /// Whether a datagram may come in a tick.
    pub(super) fn admit(&mut self, tick: u64, limits: &Limits) -> bool {
        let passed = tick.saturating_sub(self.counted);
        self.counted = self.counted.max(tick);
        let spent = u64::from(self.spent).saturating_sub(passed);
        let may = spent < u64::from(limits.datagrams_burst);
        self.spent = (spent as u16).saturating_add(u16::from(may)); // no more than there were
        may
    }

    /// Takes inputs up to a number, and gives the number up to which they are let through.
    pub(super) fn advance(
        &mut self,
        tick: u64,
        last: u32,
        limits: &Limits,
        tell: &mut impl FnMut(Finding),
    ) -> u32 {
        if self.newest_seq == 0 {
            self.balance = limits.burst_ticks;
        } else if last > self.newest_seq {
            let passed = stretched(tick).saturating_sub(stretched(self.advanced));
            let may = passed.saturating_add(u64::from(self.balance));
            let asked = u64::from(last - self.newest_seq);
            let over = asked.saturating_sub(may);
            let left = may.saturating_sub(asked).min(u64::from(limits.burst_ticks));
            self.balance = left as u16; // not more than the burst
            if over > 0 {
                let ticks = u32::try_from(over).expect("less than a number of an input");
                tell(match over > FUTURE_TICKS {
                    true => Finding::Future { ticks },
                    false => Finding::TooMany { ticks },
                });
                self.newest_seq = last - ticks;
                self.advanced = tick;
                return self.newest_seq;
            }
        } else {
            return last;
        }
        self.newest_seq = last;
        self.advanced = tick;
        last
    }

    /// Compares the time at which an input came with what the client had seen when earlier ones were due; then takes in what
    /// it had seen when this one was.
    pub(super) fn compare(
        &mut self,
        tick: u64,
        (last, seen): (u32, Option<u64>),
        limits: &Limits,
        tell: &mut impl FnMut(Finding),
    ) {
        let since = |tick: u64| {
            let tick = i64::try_from(stretched(tick)).unwrap_or(i64::MAX);
            tick.saturating_sub(i64::from(last))
        };
        if let Some(low) = self.low {
            let least = low.saturating_sub(i64::from(limits.early_ticks));
            let early = least.saturating_sub(since(tick));
            if early > 0 {
                let ticks = u32::try_from(early).unwrap_or(u32::MAX);
                tell(Finding::TooEarly { ticks });
                self.low = Some(low.saturating_sub(early)); // the same ticks are not found twice
            }
        }
        if let Some(seen) = seen.filter(|seen| *seen <= tick) {
            self.low = self.low.max(Some(since(seen)));
        }
    }
}

/// Ticks as a clock counts them that is as fast as one may be.
fn stretched(tick: u64) -> u64 {
    tick.saturating_add(tick / DRIFT)
}
