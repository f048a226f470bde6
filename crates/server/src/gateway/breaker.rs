//! A circuit breaker: a service that fails is left alone for a while, then asked a little.
//!
//! ```text
//!          half of the last 20 failed
//!  closed ─────────────────────────────► open ──30 s──► probing: one at a time
//!    ▲                                     ▲                │       │
//!    └──────── three in a row were good ───┼────────────────┘       │
//!                                          └──── one failed ────────┘
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Of the newest answers so many are remembered.
const WINDOW: usize = 20;
/// So many failures among them open it.
const FAILURES: usize = WINDOW / 2;
/// How long it stays open.
const OPEN: Duration = Duration::from_secs(30);
/// Good answers in a row that close it.
const PROBES: u32 = 3;

/// Pure: time comes as an argument.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    /// Whether each of the newest failed.
    newest: VecDeque<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Closed,
    Open { until: Instant },
    Probing { good: u32, is_asking: bool },
}

/// Whether the service may be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Permit {
    Ask,
    /// It is asked to find out whether it is well.
    Probe,
    No,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            state: State::Closed,
            newest: VecDeque::with_capacity(WINDOW),
        }
    }
}

impl Breaker {
    /// Asks for permission; every [`Permit::Ask`] and [`Permit::Probe`] is followed by [`Breaker::note`].
    pub(super) fn permit(&mut self, now: Instant) -> Permit {
        if let State::Open { until } = self.state
            && now >= until
        {
            self.state = State::Probing {
                good: 0,
                is_asking: false,
            };
        }
        match &mut self.state {
            State::Closed => Permit::Ask,
            State::Open { .. } => Permit::No,
            State::Probing {
                is_asking: true, ..
            } => Permit::No,
            State::Probing { is_asking, .. } => {
                *is_asking = true;
                Permit::Probe
            }
        }
    }

    /// What came of it: whether it failed, or none where nobody waited for the answer.
    pub(super) fn note(&mut self, permit: Permit, failed: Option<bool>, now: Instant) {
        match (permit, &mut self.state) {
            (Permit::Probe, State::Probing { good, is_asking }) => {
                *is_asking = false;
                match failed {
                    None => {}
                    Some(true) => self.open(now),
                    Some(false) if *good + 1 == PROBES => self.state = State::Closed,
                    Some(false) => *good += 1,
                }
            }
            (Permit::Ask, State::Closed) => self.remember(failed, now),
            // Of the time before it opened.
            _ => {}
        }
    }

    fn remember(&mut self, failed: Option<bool>, now: Instant) {
        let Some(failed) = failed else {
            return;
        };
        if self.newest.len() == WINDOW {
            self.newest.pop_front();
        }
        self.newest.push_back(failed);
        if self.newest.iter().filter(|failed| **failed).count() >= FAILURES {
            self.open(now);
        }
    }

    fn open(&mut self, now: Instant) {
        self.newest.clear();
        self.state = State::Open { until: now + OPEN };
    }

    /// 0 closed, 1 probing, 2 open.
    pub(super) fn number(&self) -> u8 {
        match self.state {
            State::Closed => 0,
            State::Probing { .. } => 1,
            State::Open { .. } => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(breaker: &mut Breaker, failed: bool, now: Instant) -> Permit {
        let permit = breaker.permit(now);
        breaker.note(permit, Some(failed), now);
        permit
    }

    fn fail(breaker: &mut Breaker, times: u32, now: Instant) {
        for _ in 0..times {
            ask(breaker, true, now);
        }
    }

    #[test]
    fn half_of_the_last_twenty_open_it_for_thirty_seconds() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        // Nine of twenty, for ever, are not enough.
        for n in 0..400 {
            assert_eq!(ask(&mut breaker, n % 20 < 9, now), Permit::Ask, "{n}");
        }
        for _ in 0..10 {
            assert_eq!(breaker.number(), 0);
            ask(&mut breaker, true, now);
            if breaker.number() == 2 {
                break;
            }
        }
        assert_eq!(breaker.number(), 2);
        let just_before = now + OPEN - Duration::from_millis(1);
        assert_eq!(breaker.permit(just_before), Permit::No);
        assert_eq!(breaker.permit(now + OPEN), Permit::Probe);
        assert_eq!(breaker.permit(now + OPEN), Permit::No, "one at a time");
    }

    #[test]
    fn three_good_probes_in_a_row_close_it_and_a_bad_one_does_not() {
        let (mut breaker, mut now) = (Breaker::default(), Instant::now());
        fail(&mut breaker, 10, now);
        for good in 0..PROBES {
            now += OPEN;
            for _ in 0..good {
                assert_eq!(ask(&mut breaker, false, now), Permit::Probe);
            }
            assert_eq!(ask(&mut breaker, true, now), Permit::Probe);
            assert_eq!(ask(&mut breaker, false, now), Permit::No, "open anew");
        }
        now += OPEN;
        // One that nobody waited for is neither.
        let permit = breaker.permit(now);
        breaker.note(permit, None, now);
        for _ in 0..PROBES {
            assert_eq!(breaker.number(), 1);
            assert_eq!(ask(&mut breaker, false, now), Permit::Probe);
        }
        assert_eq!(
            (breaker.number(), ask(&mut breaker, true, now)),
            (0, Permit::Ask)
        );
        // What is remembered begins anew.
        fail(&mut breaker, 8, now);
        assert_eq!(breaker.number(), 0);
    }

    #[test]
    fn an_answer_of_before_changes_nothing() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        let late = breaker.permit(now);
        fail(&mut breaker, 10, now);
        breaker.note(late, Some(false), now);
        assert_eq!(breaker.number(), 2);
        let probe = breaker.permit(now + OPEN);
        breaker.note(late, Some(true), now + OPEN);
        assert_eq!((probe, breaker.number()), (Permit::Probe, 1));
    }
}
