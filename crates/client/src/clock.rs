//! Which tick to draw now.

use std::time::Duration;

/// Follows the server's ticks by the local clock, one snapshot behind: between an entity's last two states.
///
/// Times are durations since any fixed moment. Jitter is smoothed, jumps are followed at once.
#[derive(Clone, Debug)]
pub struct RenderClock {
    rate_hz: f64,
    delay_ticks: f64,
    anchor: Option<(Duration, f64)>, // a time, and the server's tick as it seemed then
}

impl RenderClock {
    /// For a world that ticks `rate_hz` times a second and is seen every `snapshot_ticks`.
    pub fn new(rate_hz: u16, snapshot_ticks: u8) -> Self {
        Self {
            rate_hz: f64::from(rate_hz),
            delay_ticks: f64::from(snapshot_ticks),
            anchor: None,
        }
    }

    /// A snapshot of a tick has arrived.
    pub fn observe(&mut self, now: Duration, tick: u64) {
        let tick = tick as f64;
        let expected = self.server_tick(now).unwrap_or(tick);
        let error = tick - expected;
        let corrected = if error.abs() > JUMP_S * self.rate_hz {
            tick
        } else {
            expected + SMOOTHING * error
        };
        self.anchor = Some((now, corrected));
    }

    /// The tick to draw, 0 before the first snapshot.
    pub fn tick(&self, now: Duration) -> f64 {
        (self.server_tick(now).unwrap_or(0.0) - self.delay_ticks).max(0.0)
    }

    fn server_tick(&self, now: Duration) -> Option<f64> {
        let (then, tick) = self.anchor?;
        Some(tick + now.saturating_sub(then).as_secs_f64() * self.rate_hz)
    }
}

/// Errors beyond this are no jitter.
const JUMP_S: f64 = 0.5;
/// Share of the error that is corrected by each snapshot.
const SMOOTHING: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_steady_server_is_followed_one_snapshot_behind() {
        let mut clock = RenderClock::new(30, 2);
        assert_eq!(clock.tick(ms(5)), 0.0);
        for n in 0..30 {
            // Every second snapshot is 20 ms late.
            clock.observe(ms(1_000 + n * 200 / 3 + 20 * (n % 2)), 500 + 2 * n);
        }
        let now = ms(1_000 + 29 * 200 / 3 + 20);
        let error = clock.tick(now) - (558.0 - 2.0);
        assert!((0.0..0.6).contains(&error), "{error}");
        assert!((clock.tick(now + ms(100)) - clock.tick(now) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_jump_is_followed_at_once() {
        let mut clock = RenderClock::new(30, 2);
        clock.observe(ms(0), 100);
        clock.observe(ms(66), 1_000);
        assert_eq!(clock.tick(ms(66)), 998.0);
        clock.observe(ms(133), 10);
        assert_eq!(clock.tick(ms(133)), 8.0);
    }
}
