//! The server's clocks. [`now`] is what everything goes by; the wall clock, [`now_s`], is for tickets and the list of the kept out alone: no tick and no
//! session depends on it.
//!
//! A machine's clock may jump: somebody sets it, a virtual machine is moved, a time service comes back. Ours does not: it goes on by the time that has passed and
//! comes nearer to the machine's by a second in thirty. So a drift is followed, and a jump of an hour makes no ticket hold that did not, or the other way round.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Of thirty seconds that pass one is for coming nearer to the machine's clock.
const FOLLOW: u32 = 30;
/// A difference that is told in the log.
const JUMP: Duration = Duration::from_secs(10);

/// Now: the system's monotonic clock, or that of the tokio runtime that this is called in, which may be a virtual one.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Seconds since 1970; a clock before that counts as 0, at which no token holds.
pub(crate) fn now_s() -> u64 {
    #[cfg(feature = "simulated")]
    if let Some(now_s) = simulated::now_s() {
        return now_s;
    }
    static STEADY: Mutex<Option<Steady>> = Mutex::new(None);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let machine = since.unwrap_or_default();
    let mut steady = STEADY.lock().unwrap_or_else(PoisonError::into_inner);
    let now = now();
    let steady = steady.get_or_insert(Steady::new(machine, now));
    steady.read(machine, now).as_secs()
}

#[cfg(feature = "simulated")]
pub(crate) use simulated::simulate;

/// The wall clock of a thread whose time is virtual.
#[cfg(feature = "simulated")]
mod simulated {
    use std::cell::Cell;
    use std::time::Instant;

    thread_local! {
        static BEGUN: Cell<Option<Instant>> = const { Cell::new(None) };
    }

    /// When it was begun, since 1970.
    const START_S: u64 = 1_800_000_000;

    /// Begins it, or begins it anew.
    pub(crate) fn simulate() {
        BEGUN.set(Some(super::now()));
    }

    pub(super) fn now_s() -> Option<u64> {
        let passed = super::now().saturating_duration_since(BEGUN.get()?);
        Some(START_S + passed.as_secs())
    }
}

/// A clock that does not jump. Pure: both times come as arguments.
#[derive(Debug)]
struct Steady {
    /// What it said last, since 1970, and when.
    told: Duration,
    at: Instant,
    is_off: bool,
}

impl Steady {
    fn new(machine: Duration, at: Instant) -> Self {
        Self {
            told: machine,
            at,
            is_off: false,
        }
    }

    fn read(&mut self, machine: Duration, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.at);
        self.at = now;
        self.told += passed;
        let (off, most) = (machine.abs_diff(self.told), passed / FOLLOW);
        let step = off.min(most);
        match machine > self.told {
            true => self.told += step,
            false => self.told -= step,
        }
        let is_off = off > JUMP;
        if is_off && !self.is_off {
            let off_s = off.as_secs();
            tracing::warn!(
                off_s,
                "the machine's clock has jumped: tickets are judged by the time that has passed; if the clock was wrong before, restart"
            );
        }
        self.is_off = is_off;
        self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(1_700_000_000);

    /// How far a clock is off the time that has passed, at most, over five minutes in which the machine's jumps.
    fn worst(jump_s: i64, mut read: impl FnMut(Duration, Instant) -> Duration) -> f64 {
        let begun = Instant::now();
        let mut worst = 0.0f64;
        for passed_s in 0..300 {
            let passed = Duration::from_secs(passed_s);
            let jumped = if passed_s >= 60 { jump_s } else { 0 };
            let machine = (START + passed).as_secs_f64() + jumped as f64;
            let told = read(Duration::from_secs_f64(machine), begun + passed);
            let off = told.as_secs_f64() - (START + passed).as_secs_f64();
            worst = worst.max(off.abs());
        }
        worst
    }

    #[test]
    fn a_jump_is_no_jump() {
        for jump_s in [3_600, -3_600] {
            let mut steady = None;
            let read = |machine, now| {
                let steady = steady.get_or_insert(Steady::new(machine, now));
                steady.read(machine, now)
            };
            let off = worst(jump_s, read);
            assert!(off <= 8.1, "{off}");
            // The machine's own clock, which a server would go by without this, fails.
            assert!(worst(jump_s, |machine, _| machine) >= 3_599.0);
        }
    }

    #[test]
    fn a_drift_is_followed() {
        let begun = Instant::now();
        let mut steady = Steady::new(START, begun);
        for passed_s in 1..10_000 {
            let passed = Duration::from_secs(passed_s);
            let machine = START + passed.mul_f64(1.01); // a very bad quartz
            let told = steady.read(machine, begun + passed);
            assert!(machine.abs_diff(told) < Duration::from_millis(20));
        }
        // Five seconds are made up for in two and a half minutes.
        let later = begun + Duration::from_secs(10_150);
        let machine = steady.told + Duration::from_secs(151 + 5);
        assert!(machine.abs_diff(steady.read(machine, later)) < Duration::from_millis(100));
    }
}
