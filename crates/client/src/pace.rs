//! Local time, slowed down as the world's is.

use std::time::Duration;

/// Seconds of the world's time by the local clock: they pass as fast as its server says that they do.
///
/// Times are durations since any fixed moment.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct WorldTime {
    pace: f64,
    since_s: f64,  // local time of the last change of pace
    passed_s: f64, // the world's then
}

impl Default for WorldTime {
    fn default() -> Self {
        Self {
            pace: 1.0,
            since_s: 0.0,
            passed_s: 0.0,
        }
    }
}

impl WorldTime {
    /// The world's time runs at another pace from now on: 1 is that of the local clock.
    pub fn set_pace(&mut self, now: Duration, pace: f64) {
        let passed_s = self.seconds(now);
        *self = Self {
            pace,
            since_s: now.as_secs_f64(),
            passed_s,
        };
    }

    /// How fast it runs.
    pub fn pace(&self) -> f64 {
        self.pace
    }

    /// Its seconds since the fixed moment.
    pub fn seconds(&self, now: Duration) -> f64 {
        self.passed_s + (now.as_secs_f64() - self.since_s) * self.pace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_jumps() {
        let mut time = WorldTime::default();
        let s = Duration::from_secs;
        assert_eq!(time.seconds(s(10)), 10.0);
        time.set_pace(s(10), 0.5);
        assert_eq!((time.seconds(s(10)), time.seconds(s(14))), (10.0, 12.0));
        time.set_pace(s(14), 1.0);
        assert_eq!((time.seconds(s(14)), time.seconds(s(20))), (12.0, 18.0));
    }
}
