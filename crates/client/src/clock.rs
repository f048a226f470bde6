//! Which tick the server is at, and which one to draw now.

use std::time::Duration;

use crate::arrivals::Arrivals;
use crate::pace::WorldTime;

/// Follows the server's ticks by the local clock, and draws as far behind them as the line demands and no farther.
///
/// ```text
/// snapshot due   k      k+1     k+2     k+3        lateness of k+1: until something at least as new was here
/// arrives        ├─►k   ├───────X       ├──►k+2    the delay is one snapshot and what 98 of 100 are late at most
/// drawn     k−2 ─────── k−1 ─────── k ───────      so nearly always between two states that are here
/// ```
/// When snapshots come later than before, what is drawn slows down at once, to half its pace if need be; when they come sooner again it runs
/// at most 5 % faster until it has caught up. It jumps only after a break: when it is off by more than a second.
/// Where the server says that the world's time runs slower, all of this is in that time.
///
/// Times are durations since any fixed moment. Holds 4 KB, allocates nothing.
#[derive(Clone, Debug)]
pub struct RenderClock {
    rate_hz: f64,
    snapshot_ticks: u64,
    time: WorldTime,
    arrivals: Arrivals,
    newest: Option<(f64, u64)>, // when the newest snapshot came, seconds, and its tick
    drawn: Option<(f64, f64)>,  // when something was drawn last, and which tick
}

impl RenderClock {
    /// For a world that ticks `rate_hz` times a second and is seen every `snapshot_ticks`.
    pub fn new(rate_hz: u16, snapshot_ticks: u8) -> Self {
        let (rate_hz, snapshot_ticks) =
            (f64::from(rate_hz.max(1)), u64::from(snapshot_ticks.max(1)));
        Self {
            rate_hz,
            snapshot_ticks,
            time: WorldTime::default(),
            arrivals: Arrivals::new(rate_hz / snapshot_ticks as f64),
            newest: None,
            drawn: None,
        }
    }

    /// The world's time runs at another pace from now on: 1 is that of its tick rate.
    pub fn set_pace(&mut self, now: Duration, pace: f64) {
        self.time.set_pace(now, pace);
    }

    /// A snapshot of a tick has arrived. What is older than the newest one says nothing.
    pub fn observe(&mut self, now: Duration, tick: u64) {
        let now_s = self.time.seconds(now);
        let mut due = match self.newest {
            Some(newest) if self.is_jump(newest, now_s, tick) => {
                self.arrivals.clear();
                tick
            }
            Some((_, newest)) if tick <= newest => return,
            // Of a silence, and of many that are lost in a row, nothing is told of the line.
            Some((then_s, _)) if now_s - then_s > BREAK_S => tick,
            Some((_, newest)) if tick - newest > LOST_MAX * self.snapshot_ticks => tick,
            Some((_, newest)) => (newest + self.snapshot_ticks).min(tick),
            None => tick,
        };
        self.newest = Some((now_s, tick));
        while due < tick {
            self.arrivals.push(now_s - due as f64 / self.rate_hz);
            due += self.snapshot_ticks;
        }
        self.arrivals.push(now_s - tick as f64 / self.rate_hz);
    }

    /// The tick to draw, 0 before the first snapshot. Between breaks it never goes back.
    pub fn tick(&mut self, now: Duration) -> f64 {
        let now_s = self.time.seconds(now);
        let Some(aim) = self.aim(now_s) else {
            return 0.0;
        };
        let tick = match self.drawn {
            Some((then_s, drawn)) => {
                let passed_s = (now_s - then_s).max(0.0);
                let off_s = (aim - drawn) / self.rate_hz - passed_s;
                if off_s.abs() > BREAK_S {
                    aim
                } else {
                    let pace = 1.0 + (off_s / CORRECTED_IN_S).clamp(-SLOWER, FASTER);
                    drawn + passed_s * self.rate_hz * pace
                }
            }
            None => aim,
        };
        self.drawn = Some((now_s, tick));
        tick
    }

    /// How far what is drawn should be behind [`RenderClock::server_tick`], ticks.
    pub fn delay_ticks(&self) -> f64 {
        self.delay_s() * self.rate_hz
    }

    /// The tick whose snapshot would come just now if the line were at its best, none before the first snapshot; half the
    /// round trip later is the tick that the server is at, and another half that at which an input that is sent now arrives.
    ///
    /// Local clocks and the server's may drift apart: only the last seconds count.
    pub fn server_tick(&self, now: Duration) -> Option<f64> {
        let least_s = self.arrivals.least()?;
        Some((self.time.seconds(now) - least_s) * self.rate_hz)
    }

    fn aim(&self, now_s: f64) -> Option<f64> {
        let least_s = self.arrivals.least()?;
        Some(((now_s - least_s - self.delay_s()) * self.rate_hz).max(0.0))
    }

    fn delay_s(&self) -> f64 {
        let spread = |least| self.arrivals.quantile(LATENESS).map(|late| late - least);
        let late_s = self.arrivals.least().and_then(spread).unwrap_or(0.0);
        let snapshot_s = self.snapshot_ticks as f64 / self.rate_hz;
        (snapshot_s + late_s).min((SNAPSHOTS_MAX * snapshot_s).clamp(snapshot_s, DELAY_MAX_S))
    }

    /// Whether a tick differs by more than a break from the time that has passed since the newest.
    fn is_jump(&self, (then_s, newest): (f64, u64), now_s: f64, tick: u64) -> bool {
        let passed_s = (now_s - then_s).max(0.0);
        newest.abs_diff(tick) as f64 > (passed_s + BREAK_S) * self.rate_hz
    }
}

/// Of the transits, what is drawn waits for this share.
const LATENESS: f64 = 0.98;
/// Nothing is drawn later than this, however bad the line is, nor later than so many snapshots: what an entity's track holds.
const DELAY_MAX_S: f64 = 1.0;
const SNAPSHOTS_MAX: f64 = 14.0;
/// What is drawn may be off by so much before it jumps; a silence so long is a break too.
const BREAK_S: f64 = 1.0;
/// So many snapshots that are lost in a row are no loss but a break.
const LOST_MAX: u64 = 16;
/// An error is corrected as if within this time, but no faster than by these shares of the pace.
const CORRECTED_IN_S: f64 = 0.25;
const SLOWER: f64 = 0.5;
const FASTER: f64 = 0.05;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_steady_server_is_followed_one_snapshot_behind() {
        let mut clock = RenderClock::new(30, 2);
        assert_eq!((clock.tick(ms(5)), clock.server_tick(ms(5))), (0.0, None));
        for n in 0..300u64 {
            // Every second snapshot is 20 ms late.
            clock.observe(ms(1_000 + n * 200 / 3 + 20 * (n % 2)), 500 + 2 * n);
        }
        let now = ms(1_000 + 299 * 200 / 3 + 20);
        let newest = 500.0 + 2.0 * 299.0;
        let server = clock.server_tick(now).unwrap();
        assert!((0.57..0.64).contains(&(server - newest)), "{server}");
        // A snapshot and the 20 ms.
        let error = clock.tick(now) - (server - 2.6);
        assert!(error.abs() < 0.05, "{error}");
        let (first, second) = (clock.tick(now), clock.tick(now + ms(100)));
        assert!((second - first - 3.0).abs() < 0.05);
    }

    #[test]
    fn a_jump_is_followed_at_once() {
        let mut clock = RenderClock::new(30, 2);
        clock.observe(ms(0), 100);
        assert_eq!(clock.tick(ms(0)), 98.0);
        clock.observe(ms(66), 1_000);
        assert!((clock.tick(ms(66)) - 998.0).abs() < 1e-6);
        clock.observe(ms(133), 10);
        assert!((clock.tick(ms(133)) - 8.0).abs() < 1e-6);
    }

    #[test]
    fn slower_time_is_no_lateness() {
        let mut clock = RenderClock::new(20, 1);
        (0..200).for_each(|n| clock.observe(ms(50 * n), 1_000 + n));
        clock.set_pace(ms(50 * 200), 0.5);
        let at = |n: u64| ms(50 * 200 + 100 * n);
        for n in 0..200 {
            clock.observe(at(n), 1_200 + n);
            let tick = clock.tick(at(n));
            assert!((tick - (1_199 + n) as f64).abs() < 0.05, "{n}: {tick}");
        }
        assert!((clock.delay_ticks() - 1.0).abs() < 1e-6);
        // Who is not told takes it for the worst of lines.
        let mut clock = RenderClock::new(20, 1);
        (0..200).for_each(|n| clock.observe(ms(50 * n), 1_000 + n));
        (0..200).for_each(|n| clock.observe(at(n), 1_200 + n));
        assert!(clock.delay_ticks() > 2.0);
    }

    #[test]
    fn a_silence_is_no_jitter() {
        let mut clock = RenderClock::new(20, 1);
        (0..100).for_each(|n| clock.observe(ms(50 * n), 1_000 + n));
        clock.observe(ms(50 * 160), 1_160);
        assert!((clock.delay_ticks() - 1.0).abs() < 1e-6);
        assert_eq!(clock.server_tick(ms(50 * 160)), Some(1_160.0));
    }

    /// Draws every frame of 60 Hz while snapshots come as they are told to; every frame's time, tick and delay.
    fn draw(
        clock: &mut RenderClock,
        rate_hz: u16,
        mut arrivals: Vec<(f64, u64)>,
    ) -> Vec<(f64, f64, f64)> {
        arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
        let end = arrivals.last().unwrap().0;
        let mut come = arrivals.into_iter().peekable();
        let mut frames = Vec::new();
        for n in 0.. {
            let now = f64::from(n) / 60.0;
            while let Some((at, tick)) = come.next_if(|(at, _)| *at <= now) {
                clock.observe(Duration::from_secs_f64(at), tick);
            }
            if now > end {
                return frames;
            }
            let tick = clock.tick(Duration::from_secs_f64(now));
            if tick > 0.0 {
                frames.push((now, tick, clock.delay_ticks() / f64::from(rate_hz)));
            }
        }
        unreachable!()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever the line does: never back, never faster than 5 %, never slower than half; and the server's tick is right within the
        /// least delay and the drift of seconds.
        #[test]
        fn what_is_drawn_runs_evenly(
            seed in any::<u64>(), jitter_ms in 0.0f64..150.0, lost in 0.0f64..0.25,
            (rate_hz, snapshot_ticks) in prop_oneof![Just((20u16, 1u8)), Just((30, 2)), Just((20, 4)), Just((60, 1))],
            drift in -5e-4f64..5e-4,
        ) {
            let mut random = seed;
            let mut unit = || {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 11) as f64 / (1u64 << 53) as f64
            };
            let (rate, every) = (f64::from(rate_hz), u64::from(snapshot_ticks));
            let mut arrivals = Vec::new();
            for n in 0..(30.0 * rate) as u64 / every {
                let tick = 1_000 + n * every;
                let sent = (tick - 1_000) as f64 / rate * (1.0 + drift);
                let delay = 0.03 + unit() * jitter_ms / 1e3;
                if unit() >= lost || n == 0 {
                    arrivals.push((sent + delay, tick));
                }
            }
            let mut clock = RenderClock::new(rate_hz, snapshot_ticks);
            let frames = draw(&mut clock, rate_hz, arrivals);
            for pair in frames.windows(2) {
                let pace = (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0) / rate;
                prop_assert!((0.4999..1.0501).contains(&pace), "{pace} at {}", pair[1].0);
            }
            let (now, _, _) = frames[frames.len() - 1];
            let truth = 1_000.0 + (now - 0.03) / (1.0 + drift) * rate;
            let error_s = (clock.server_tick(Duration::from_secs_f64(now)).unwrap() - truth) / rate;
            // The best of the last seconds was delayed by some of the jitter; clocks drift by 5 ms in 10 s.
            let window_s = 8.0f64.max(48.0 * f64::from(snapshot_ticks) / rate);
            let bound = jitter_ms / 1e3 * 0.25 + window_s * drift.abs() + 1e-4;
            prop_assert!((-bound..bound).contains(&error_s), "{error_s}");
        }
    }

    #[test]
    fn the_delay_grows_at_once_and_shrinks_slowly() {
        let arrive = |from: u64, to: u64, late: f64| {
            (from..to).map(move |n| (n as f64 / 20.0 + late * (n % 3) as f64 / 2.0, 1_000 + n))
        };
        let arrivals: Vec<_> = arrive(0, 200, 0.0)
            .chain(arrive(200, 400, 0.08))
            .chain(arrive(400, 900, 0.0))
            .collect();
        let mut clock = RenderClock::new(20, 1);
        let frames = draw(&mut clock, 20, arrivals);
        let behind = |at: f64| {
            let (now, tick, _) = frames.iter().find(|f| f.0 >= at).unwrap();
            now + 50.0 - tick / 20.0
        };
        assert!((behind(9.9) - 0.05).abs() < 0.002, "{}", behind(9.9));
        // What comes 80 ms late is replaced 50 ms after it was due.
        assert!((behind(11.5) - 0.10).abs() < 0.01, "{}", behind(11.5));
        assert!((behind(40.0) - 0.05).abs() < 0.002, "{}", behind(40.0));
    }
}
