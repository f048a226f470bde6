//! What a session may have or do in a time: so much a second, and so much at once.

use std::time::Duration;

use tokio::time::Instant;

/// A token bucket.
pub(super) struct Share {
    per_s: f64,
    burst: f64,
    left: f64,
    last: Instant,
}

impl Share {
    /// A full one.
    pub(super) fn new(per_s: f64, burst: f64) -> Self {
        Self {
            per_s,
            burst,
            left: burst,
            last: Instant::now(),
        }
    }

    /// From now on it is so much a second, what has been saved up aside.
    pub(super) fn pace(&mut self, per_s: f64) {
        self.per_s = per_s;
    }

    /// Takes so much; if it is not there, how long it takes until it is.
    pub(super) fn spend(&mut self, amount: f64, now: Instant) -> Result<(), Duration> {
        let gained = (now - self.last).as_secs_f64() * self.per_s;
        (self.left, self.last) = ((self.left + gained).min(self.burst), now);
        let lacking = amount - self.left;
        if lacking > 0.0 {
            return Err(Duration::from_secs_f64(lacking / self.per_s));
        }
        self.left = -lacking;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_so_much_a_second_and_a_burst() {
        let mut share = Share::new(1_000.0, 2_000.0);
        let start = share.last;
        let at = |ms: u64| start + Duration::from_millis(ms);
        assert_eq!(share.spend(1_500.0, at(0)), Ok(()));
        assert_eq!(share.spend(1_500.0, at(0)), Err(Duration::from_secs(1)));
        assert_eq!(share.spend(1_500.0, at(1_000)), Ok(()));
        assert_eq!(share.spend(1.0, at(1_000)), Err(Duration::from_millis(1)));
        assert_eq!(share.spend(2_000.0, at(99_000)), Ok(()));
        assert!(share.spend(2.0, at(99_001)).is_err());
    }
}
