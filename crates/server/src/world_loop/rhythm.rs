//! In which ticks a player is told what it sees: in step with its inputs.
//!
//! ```text
//! tick         0   1   2   3   4   5   6   7   8     a snapshot every second tick, so four an epoch
//! used first       ●           ●           ●         ticks that begin to use a datagram of inputs
//! snapshots    ▲   ▲           ▲           ▲   ▲     that of the epoch, and the others where the own state goes out
//! ```
//! A tick of whose inputs nothing is new waits for one that is near, as long as the gap allows; who sends nothing is told evenly.

use net_proto::EPOCH_TICKS;

/// When a player was told last, and how often more it is before the next epoch.
///
/// Of every epoch's ticks the same number has a snapshot, the first among them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rhythm {
    told: u64,
    left: u64,
    used: [u64; 1 + USED], // ticks that began to use a datagram, the newest first
}

/// The next datagrams are expected to come as these last did.
const USED: usize = 3;

impl Rhythm {
    /// Whether this tick has a snapshot, where there is one every so many ticks: 1, 2, 4 or 8. `is_used`: it begins to use a datagram of inputs.
    /// To be asked once a tick.
    pub(super) fn is_turn(&mut self, (tick, every): (u64, u64), is_used: bool) -> bool {
        if is_used {
            self.used.rotate_right(1);
            self.used[0] = tick;
        }
        let since_epoch = tick % EPOCH_TICKS;
        if since_epoch == 0 {
            (self.told, self.left) = (tick, EPOCH_TICKS / every - 1);
            return true;
        }
        let is_turn = self.is_wanted(tick, every, is_used);
        if is_turn {
            (self.told, self.left) = (tick, self.left.saturating_sub(1));
        }
        is_turn
    }

    /// Of a tick that begins no epoch.
    fn is_wanted(&self, tick: u64, every: u64, is_used: bool) -> bool {
        let ahead = EPOCH_TICKS - tick % EPOCH_TICKS;
        let (gap, gap_max) = (tick - self.told, gap_max(every));
        if gap >= gap_max || ahead <= self.left {
            return true;
        }
        // Those that are left reach to the next epoch.
        let is_free = ahead <= self.left * gap_max;
        is_free && (is_used || gap >= every && self.left > self.expected(tick, ahead))
    }

    /// How many more ticks before the next epoch begin to use a datagram, likely and at most.
    fn expected(&self, tick: u64, ahead: u64) -> u64 {
        let [newest, .., oldest] = self.used;
        let (span, since) = (newest - oldest, tick - newest);
        let datagrams = USED as u64;
        if since * datagrams > 2 * span {
            return 0; // it is silent
        }
        ((since + ahead) * datagrams / span.max(1)).min(ahead - 1)
    }
}

/// The most ticks from one snapshot to the next, where there is one every so many.
pub(super) fn gap_max(every: u64) -> u64 {
    every + every / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ticks with a snapshot, and how many of those that used a datagram have none.
    fn told(every: u64, ticks: u64, is_used: impl Fn(u64) -> bool) -> (Vec<u64>, usize) {
        let mut rhythm = Rhythm::default();
        let (mut told, mut missed) = (Vec::new(), 0);
        for tick in 1_000..1_000 + ticks {
            match rhythm.is_turn((tick, every), is_used(tick)) {
                true => told.push(tick),
                false => missed += usize::from(is_used(tick)),
            }
        }
        (told, missed)
    }

    /// Ticks that begin to use one of so many datagrams a second.
    fn steady(rate_hz: u64, hz: u64, phase: u64) -> impl Fn(u64) -> bool {
        let count = move |tick: u64| (tick * hz + phase) / rate_hz;
        move |tick| count(tick) > count(tick - 1)
    }

    #[test]
    fn whatever_comes_rate_and_gaps_are_kept() {
        for every in [1, 2, 4, 8] {
            for seed in 0..200u64 {
                let chance = seed % 9;
                let is_used = |tick: u64| {
                    let lot = (tick ^ seed << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                    lot % 8 < chance
                };
                let (told, _) = told(every, 800, is_used);
                assert_eq!(told.len() as u64, 800 / every, "{every}, {seed}");
                let gaps = told.windows(2).map(|pair| pair[1] - pair[0]);
                assert!(gaps.max().unwrap() <= gap_max(every).min(8));
                let epochs = told.iter().filter(|tick| *tick % 8 == 0);
                assert_eq!(epochs.count(), 100);
            }
        }
    }

    #[test]
    fn who_sends_nothing_is_told_evenly() {
        for every in [1, 2, 4, 8] {
            let (told, _) = told(every, 80, |_| false);
            assert!(told.iter().all(|tick| tick % every == 0), "{told:?}");
        }
    }

    #[test]
    fn snapshots_are_where_inputs_are_new() {
        // Of all datagrams so many in a thousand are told of in packets of their own.
        for (rate_hz, every, hz, own_max) in [
            (40, 2, 15, 10),
            (30, 2, 10, 20),
            (20, 1, 20, 0),
            (40, 2, 20, 130), // half of the phases are out of step with the epochs
            (120, 4, 30, 390),
        ] {
            let phases = 0..rate_hz;
            let own = phases.map(|phase| told(every, 16 * rate_hz, steady(rate_hz, hz, phase)).1);
            let own = own.sum::<usize>() as u64 * 1_000 / (16 * hz * rate_hz);
            assert!(own <= own_max, "{rate_hz}/{every}, {hz} Hz: {own}");
        }
    }
}
