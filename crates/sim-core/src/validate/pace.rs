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
    pub(super) inputs: Budget,  // one a tick
    pub(super) low: Option<i64>, // tick − seq of no input is lower: the client has seen ticks
    pub(super) datagrams: Budget, // one a tick
    pub(super) is_told: bool,   // of the silence whose inputs are let through now
}

/// What may come ahead of time: a burst, and after a silence, for as long as that was and a burst, what was not used in it.
///
/// A line that holds everything back for a second, or a server that stands still as long, delivers all at once, or in pieces as both
/// come to again. That gains nobody anything, since a step applies one input; who saves up a silence for later has nothing of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Budget {
    pub(super) balance: u16, // at most the burst
    pub(super) held: u32,    // left of a silence
    pub(super) until: u64,   // the last tick in which that counts
    pub(super) counted: u64, // the tick up to which ticks were added
}

/// What a budget says of what came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Spent {
    over: u64,   // there was nothing for so many
    silent: u64, // so many are of a silence
}

impl Budget {
    /// That of who comes for the first time.
    fn full(tick: u64, burst: u16) -> Self {
        Self {
            balance: burst,
            counted: tick,
            ..Self::default()
        }
    }

    /// So many come in a tick.
    fn spend(&mut self, tick: u64, count: u64, (burst, held_max): (u16, u32)) -> Spent {
        let passed = stretched(tick).saturating_sub(stretched(self.counted));
        self.counted = self.counted.max(tick);
        if tick > self.until {
            // It came out of the burst first: that is made good.
            let left = u64::from(self.held) + u64::from(self.balance);
            self.balance = left.min(u64::from(burst)) as u16; // not more than the burst
            self.held = 0;
        }
        let have = passed.saturating_add(u64::from(self.balance));
        let rest = count.saturating_sub(have);
        let left = have.saturating_sub(count);
        let saved = left.min(u64::from(burst));
        self.balance = saved as u16; // not more than the burst
        let unused = u32::try_from(left - saved).unwrap_or(u32::MAX);
        if unused > 0 {
            self.held = self.held.saturating_add(unused).min(held_max);
            let lasts = u64::from(burst) + u64::from(self.held);
            self.until = tick.saturating_add(lasts);
        }
        let silent = rest.min(u64::from(self.held));
        self.held -= silent as u32; // not more than there is
        Spent {
            over: rest - silent,
            silent,
        }
    }
}

/// A tick in so many is a clock's that is a little fast.
const DRIFT: u64 = 512;
/// Numbers further ahead are not speed.
const FUTURE_TICKS: u64 = 64;

impl Pace {
    /// The client may make inputs from a tick on.
    pub(super) fn begin(&mut self, tick: u64, limits: &Limits) {
        self.inputs = Budget::full(tick, limits.burst_ticks);
    }

    /// Whether a datagram may come in a tick.
    pub(super) fn admit(&mut self, tick: u64, limits: &Limits) -> bool {
        let burst = limits.datagrams_burst;
        if self.datagrams == Budget::default() {
            self.datagrams = Budget::full(tick, burst);
        }
        let bounds = (burst, u32::from(limits.held_ticks));
        self.datagrams.spend(tick, 1, bounds).over == 0
    }

    /// Takes inputs up to a number, and gives the number up to which they are let through.
    pub(super) fn advance(
        &mut self,
        tick: u64,
        last: u32,
        limits: &Limits,
        tell: &mut impl FnMut(Finding),
    ) -> u32 {
        if self.inputs == Budget::default() {
            self.begin(tick, limits);
            self.newest_seq = last;
            return last;
        }
        let asked = u64::from(last.saturating_sub(self.newest_seq));
        if asked == 0 {
            return last;
        }
        self.is_told &= tick <= self.inputs.until;
        let bounds = (limits.burst_ticks, u32::from(limits.held_ticks));
        let spent = self.inputs.spend(tick, asked, bounds);
        let number = |ticks: u64| u32::try_from(ticks).expect("less than a number of an input");
        if spent.silent > 0 && !core::mem::replace(&mut self.is_told, true) {
            let ticks = number(spent.silent);
            tell(Finding::Held { ticks });
        }
        let ticks = number(spent.over);
        if ticks > 0 {
            tell(match spent.over > FUTURE_TICKS {
                true => Finding::Future { ticks },
                false => Finding::TooMany { ticks },
            });
        }
        self.newest_seq = last - ticks;
        self.newest_seq
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

#[cfg(test)]
mod tests {
    use super::*;

    const BURST: u16 = 11;

    const HELD: u64 = 300;

    fn spend(budget: &mut Budget, tick: u64, count: u64) -> Spent {
        budget.spend(tick, count, (BURST, HELD as u32))
    }

    #[test]
    fn what_a_silence_left_counts_after_it() {
        let mut budget = Budget::full(100, BURST);
        let used = |over, silent| Spent { over, silent };
        assert_eq!(spend(&mut budget, 101, 1), used(0, 0));
        // Thirty ticks later all thirty come, in two ticks and two at a time; then no more than there are ticks.
        let mut silent = 0;
        for n in 0..15 {
            let spent = spend(&mut budget, 131 + n / 10, 2);
            assert_eq!(spent.over, 0, "{n}");
            silent += spent.silent;
        }
        assert_eq!(silent, 16); // two came first, eleven are the burst's, one the tick's between
        assert_eq!(spend(&mut budget, 132, 30), used(18, 12));
    }

    #[test]
    fn a_silence_is_made_up_for_in_pieces() {
        let mut budget = Budget::full(100, BURST);
        assert_eq!(spend(&mut budget, 101, 1).over, 0);
        // A line that stands still, lets two through, stands still again, and comes to within a second.
        let pieces = [(131, 2), (146, 3), (160, 20), (161, 20), (162, 16)];
        for (tick, count) in pieces {
            assert_eq!(spend(&mut budget, tick, count).over, 0, "{tick}");
        }
        assert_eq!(spend(&mut budget, 163, 40).over, 40 - 1 - u64::from(BURST));
    }

    #[test]
    fn after_a_silence_the_line_may_be_as_unsteady_as_before() {
        let mut budget = Budget::full(100, BURST);
        assert_eq!(spend(&mut budget, 101, 1).over, 0);
        for _ in 0..13 {
            assert_eq!(spend(&mut budget, 114, 1).over, 0);
        }
        for tick in 115..150 {
            assert_eq!(spend(&mut budget, tick, 1).over, 0);
        }
        assert_eq!(spend(&mut budget, 150, 1 + u64::from(BURST)).over, 0);
    }

    #[test]
    fn nobody_saves_a_silence_up() {
        let mut budget = Budget::full(100, BURST);
        assert_eq!(spend(&mut budget, 200, 1).over, 0);
        // It has sent again for longer than the silence was: that is over.
        for tick in 201..320 {
            assert_eq!(spend(&mut budget, tick, 1).over, 0);
        }
        assert_eq!(spend(&mut budget, 320, 50).over, 50 - 1 - u64::from(BURST));
        // However long it was, there is an end to what is made up for.
        let made_up = HELD + u64::from(BURST);
        assert_eq!(spend(&mut budget, 5_000, 9_000).over, 9_000 - 4_689);
        assert_eq!(spend(&mut budget, 9_000, 1).over, 0);
        assert_eq!(spend(&mut budget, 9_000, 9_000).over, 9_000 - made_up);
    }
}
