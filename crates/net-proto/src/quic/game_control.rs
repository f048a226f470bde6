//! How much may be under way to a player.
//!
//! A game sends what it has to, 20 to 60 times a second, and never more than its budget: a lost packet is not a sign that
//! it sends too much, and waiting makes state stale. The stock controllers take every loss for congestion: at 100 ms
//! and 1 % loss CUBIC delivers 78 % of 44 KB/s, at a median age of 240 ms; at 10 % half of it. BBR does not, but sends 50 KB/s
//! into a line that carries 30, and messages come 5 s late. So here losses alone, up
//! to [`LOSS_MAX`], change nothing. What does:
//!
//! | sign of congestion | the window becomes |
//! | --- | --- |
//! | packets take [`QUEUE_MAX`] longer than the line itself does, or a quarter as long again: they wait behind our own | what arrived in the last round trip would need without waiting, at least four packets |
//! | more than [`LOSS_MAX`] of four seconds is lost | likewise |
//! | a router marks packets | seven tenths |
//! | nothing arrives for three timeouts | two packets, as everybody's |
//!
//! It grows like the others', by what is acknowledged, then by a packet a round trip, and only while it is what limits.
//! The line's own delay is the least of the last half minute; if that cannot be seen for so long, the window is four
//! packets for some round trips, so that it can.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::congestion::{Controller, ControllerFactory};
use quinn_proto::RttEstimator;

/// Makes a controller for each connection.
#[derive(Debug)]
pub(super) struct GameControlConfig;

impl ControllerFactory for GameControlConfig {
    fn build(self: Arc<Self>, now: Instant, current_mtu: u16) -> Box<dyn Controller> {
        Box::new(GameControl::new(now, u64::from(current_mtu)))
    }
}

#[derive(Clone, Debug)]
struct GameControl {
    mtu: u64,
    window: u64,
    /// Below it the window doubles in a round trip.
    threshold: u64,
    /// Answers to what was sent before do not let the window grow.
    cut: Instant,
    line: Line,
    round: Round,
    /// The window before the line was looked at.
    put_by: Option<u64>,
    /// Bytes of about [`MEMORY_S`] seconds.
    acked: f64,
    lost: f64,
}

/// What the line takes.
#[derive(Clone, Debug)]
struct Line {
    rtt: Duration,
    /// What quinn says before anything has been measured.
    assumed: Option<Duration>,
    own: Duration,
    seen: Instant, // its own delay
    looking_until: Option<Instant>,
}

/// What has come back since.
#[derive(Clone, Debug)]
struct Round {
    began: Instant,
    acked: u64,
    lost: u64,
}

impl GameControl {
    fn new(now: Instant, mtu: u64) -> Self {
        Self {
            mtu,
            window: WINDOW_FIRST,
            threshold: WINDOW_FIRST,
            cut: now,
            line: Line {
                rtt: Duration::ZERO,
                assumed: None,
                own: Duration::MAX,
                seen: now,
                looking_until: None,
            },
            round: Round::new(now),
            put_by: None,
            acked: 0.0,
            lost: 0.0,
        }
    }

    fn floor(&self) -> u64 {
        4 * self.mtu
    }

    /// Once a round trip.
    fn judge(&mut self, now: Instant) {
        let took = now.saturating_duration_since(self.round.began);
        let keeps = (1.0 - took.as_secs_f64() / MEMORY_S).max(0.0);
        self.acked = self.acked * keeps + self.round.acked as f64;
        self.lost = self.lost * keeps + self.round.lost as f64;
        if self.line.looking_until.is_some() {
            // What is seen meanwhile is of this window, not of the one that comes back.
        } else if let Some(window) = self.put_by.take() {
            self.window = window;
        } else if self.is_congested(now) {
            let (acked, own) = (u128::from(self.round.acked), self.line.own.as_micros());
            let needs = acked * own / took.as_micros().max(1);
            let needs = u64::try_from(needs).unwrap_or(WINDOW_MAX);
            self.cut_to(needs.max(self.window / 2).min(self.window), now);
            (self.acked, self.lost) = (0.0, 0.0);
        } else if self.line.must_look(now) {
            self.put_by = Some(self.window);
            self.window = self.floor();
        }
        self.round = Round::new(now);
    }

    /// What a cut has done shows after some round trips: the measured one is smoothed.
    fn is_congested(&self, now: Instant) -> bool {
        now > self.cut + 4 * self.line.rtt && (self.line.has_queue() || self.loses_too_much())
    }

    fn loses_too_much(&self) -> bool {
        let sent = self.acked + self.lost;
        sent > (JUDGED_PACKETS * self.mtu) as f64 && self.lost > LOSS_MAX * sent
    }

    fn cut_to(&mut self, window: u64, now: Instant) {
        self.window = window.max(self.floor());
        self.threshold = self.window;
        self.cut = now;
    }
}

impl Line {
    fn note(&mut self, now: Instant, rtt: Duration) {
        self.assumed.get_or_insert(rtt);
        if self.assumed == Some(rtt) {
            return;
        }
        self.rtt = rtt;
        let is_looking = self.looking_until.is_some();
        if self.looking_until.is_some_and(|until| until <= now) {
            self.looking_until = None;
            self.own = rtt;
        }
        if rtt <= self.own.saturating_add(self.own / 16) || is_looking {
            self.own = self.own.min(rtt);
            self.seen = now;
        }
    }

    fn has_queue(&self) -> bool {
        let queue = self.rtt.saturating_sub(self.own);
        self.own < Duration::MAX && queue > QUEUE_MAX.max(self.own / 4)
    }

    /// Whether its own delay has not been seen for long. Then it is looked for.
    fn must_look(&mut self, now: Instant) -> bool {
        let must =
            self.looking_until.is_none() && now.saturating_duration_since(self.seen) > UNSEEN_MAX;
        if must {
            // Smoothed as it is, the round trip takes a while to show what has changed.
            self.looking_until = Some(now + 8 * self.rtt);
        }
        must
    }
}

impl Round {
    fn new(now: Instant) -> Self {
        Self {
            began: now,
            acked: 0,
            lost: 0,
        }
    }
}

impl Controller for GameControl {
    fn on_ack(
        &mut self,
        now: Instant,
        sent: Instant,
        bytes: u64,
        app_limited: bool,
        rtt: &RttEstimator,
    ) {
        self.line.note(now, rtt.get());
        self.round.acked += bytes;
        if app_limited || sent <= self.cut || self.line.looking_until.is_some() {
            return;
        }
        self.window += match self.window < self.threshold {
            true => bytes,
            false => self.mtu * bytes / self.window,
        };
        self.window = self.window.min(WINDOW_MAX);
    }

    fn on_end_acks(&mut self, now: Instant, _: u64, _: bool, _: Option<u64>) {
        let took = now.saturating_duration_since(self.round.began);
        if took >= self.line.rtt.max(ROUND_LEAST) {
            self.judge(now);
        }
    }

    fn on_congestion_event(
        &mut self,
        now: Instant,
        sent: Instant,
        is_persistent_congestion: bool,
        lost_bytes: u64,
    ) {
        self.round.lost += lost_bytes;
        if is_persistent_congestion {
            self.put_by = None;
            self.threshold = (self.window / 2).max(self.floor());
            self.window = 2 * self.mtu;
            self.cut = now;
        } else if lost_bytes == 0 && sent > self.cut {
            self.cut_to(self.window / 10 * 7, now);
        }
    }

    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.mtu = u64::from(new_mtu);
        self.window = self.window.max(2 * self.mtu);
    }

    fn window(&self) -> u64 {
        self.window
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn initial_window(&self) -> u64 {
        WINDOW_FIRST
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// A tick's burst must not wait for a window that has never been tried: state does not use more than it needs.
const WINDOW_FIRST: u64 = 64 * 1_200;
const WINDOW_MAX: u64 = 512 << 10;
const QUEUE_MAX: Duration = Duration::from_millis(40);
/// A line that loses a fifth seems to lose up to 0.3 of some seconds.
const LOSS_MAX: f64 = 0.4;
const JUDGED_PACKETS: u64 = 100;
const MEMORY_S: f64 = 4.0;
const UNSEEN_MAX: Duration = Duration::from_secs(30);
/// Rounds are no shorter, so that some packets are in each.
const ROUND_LEAST: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "an Instant has no other source")]
    fn any_moment() -> Instant {
        Instant::now()
    }

    #[test]
    fn marks_and_silence_have_their_windows() {
        let start = any_moment();
        let mut control = GameControl::new(start, 1_200);
        let at = |ms| start + Duration::from_millis(ms);
        control.on_congestion_event(at(20), at(10), false, 5_000);
        assert_eq!(control.window(), WINDOW_FIRST);
        control.on_congestion_event(at(30), at(10), false, 0);
        assert_eq!(control.window(), WINDOW_FIRST / 10 * 7);
        // What was sent before the cut says nothing about what has changed since.
        control.on_congestion_event(at(40), at(25), false, 0);
        assert_eq!(control.window(), WINDOW_FIRST / 10 * 7);
        for n in 0..50 {
            control.on_congestion_event(at(100 + 10 * n), at(95 + 10 * n), false, 0);
            assert!(control.window() >= 4 * 1_200);
        }
        control.on_congestion_event(at(900), at(800), true, 9_000);
        assert_eq!(control.window(), 2 * 1_200);
        control.on_mtu_update(1_452);
        assert_eq!(control.window(), 2 * 1_452);
    }

    #[test]
    fn a_queue_is_one_against_the_lines_own_delay() {
        let start = any_moment();
        let at = |s| start + Duration::from_secs(s);
        let mut line = GameControl::new(start, 1_200).line;
        let ms = Duration::from_millis;
        line.note(at(0), ms(100)); // what quinn assumes
        assert!(!line.has_queue());
        line.note(at(1), ms(50));
        line.note(at(2), ms(89));
        assert!(!line.has_queue());
        line.note(at(3), ms(91));
        assert!(line.has_queue());
        // The way has become longer: looked for after half a minute, found.
        assert!(!line.must_look(at(31)) && line.must_look(at(32)));
        line.note(at(33), ms(91));
        assert!(!line.has_queue());
    }
}
