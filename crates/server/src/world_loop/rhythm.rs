//! In which ticks a player is told what it sees: in step with its inputs.
//!
//! ```text
//! tick         0   1   2   3   4   5   6   7   8     four snapshots an epoch: its quota
//! used first       ●           ●           ●         ticks that begin to use a datagram of inputs
//! snapshots    ▲   ▲           ▲           ▲   ▲     that of the epoch, and the others where the own state goes out
//! ```
//! A tick of whose inputs nothing is new waits for one that is near, as long as the gap allows; who sends nothing is told evenly.

use net_proto::EPOCH_TICKS;

/// How many of an epoch's ticks have a snapshot, for every player.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quota(u64);

impl Quota {
    /// That of the epoch of a tick, of `count` snapshots in `ticks`: whole, so those of epochs may differ by one.
    pub(super) fn at(tick: u64, (count, ticks): (u64, u64)) -> Self {
        let until = |epoch: u64| epoch * EPOCH_TICKS * count / ticks;
        let epoch = tick / EPOCH_TICKS;
        Self(until(epoch + 1) - until(epoch))
    }

    /// From one snapshot to the next where they are spread evenly, and at most: half as much again.
    fn gap(self) -> u64 {
        EPOCH_TICKS / self.0
    }

    fn gap_max(self) -> u64 {
        let evenly = EPOCH_TICKS.div_ceil(self.0);
        evenly.max(3 * EPOCH_TICKS / (2 * self.0))
    }
}

/// When a player was told last, and how often more it is before the next epoch.
///
/// Of every epoch's ticks so many as its quota says have a snapshot, the first among them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rhythm {
    told: u64,
    left: u64,
    used: [u64; 1 + USED], // ticks that began to use a datagram, the newest first
}

/// The next datagrams are expected to come as these last did.
const USED: usize = 3;

impl Rhythm {
    /// Whether this tick has a snapshot, with this quota for its epoch. `is_used`: it begins to use a datagram of inputs. To be asked once a tick.
    pub(super) fn is_turn(&mut self, (tick, quota): (u64, Quota), is_used: bool) -> bool {
        if is_used {
            self.used.rotate_right(1);
            self.used[0] = tick;
        }
        let since_epoch = tick % EPOCH_TICKS;
        if since_epoch == 0 {
            (self.told, self.left) = (tick, quota.0 - 1);
            return true;
        }
        let is_turn = self.is_wanted(tick, quota, is_used);
        if is_turn {
            (self.told, self.left) = (tick, self.left.saturating_sub(1));
        }
        is_turn
    }

    /// Of a tick that begins no epoch.
    fn is_wanted(&self, tick: u64, quota: Quota, is_used: bool) -> bool {
        let ahead = EPOCH_TICKS - tick % EPOCH_TICKS;
        let (gap, gap_max) = (tick - self.told, quota.gap_max());
        if gap >= gap_max || ahead <= self.left {
            return true;
        }
        // Those that are left reach to the next epoch.
        let is_free = ahead <= self.left * gap_max;
        is_free && (is_used || gap >= quota.gap() && self.left > self.expected(tick, ahead))
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

/// The most ticks from one snapshot to the next, where there is at least one every so many on average: 1, 2, 4 or 8.
pub(super) fn gap_max(every: u64) -> u64 {
    Quota(EPOCH_TICKS / every).gap_max()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ticks with a snapshot, and how many of those that used a datagram have none.
    fn told(of: (u64, u64), ticks: u64, is_used: impl Fn(u64) -> bool) -> (Vec<u64>, usize) {
        let mut rhythm = Rhythm::default();
        let (mut told, mut missed) = (Vec::new(), 0);
        for tick in 1_000..1_000 + ticks {
            match rhythm.is_turn((tick, Quota::at(tick, of)), is_used(tick)) {
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
        for (count, every) in [(1, 1), (1, 2), (1, 4), (1, 8), (2, 3), (7, 8), (1, 3)] {
            let of = (count, every);
            for seed in 0..200u64 {
                let chance = seed % 9;
                let is_used = |tick: u64| {
                    let lot = (tick ^ seed << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                    lot % 8 < chance
                };
                let (told, _) = told(of, 1_200, is_used);
                assert_eq!(told.len() as u64, 1_200 * count / every, "{of:?}, {seed}");
                let gaps = told.windows(2).map(|pair| pair[1] - pair[0]);
                let gap_max = (0..6).map(|epoch| Quota::at(8 * epoch, of).gap_max());
                assert!(gaps.max().unwrap() <= gap_max.max().unwrap().min(8));
                let epochs = told.iter().filter(|tick| *tick % 8 == 0);
                assert_eq!(epochs.count(), 150);
            }
        }
    }

    #[test]
    fn who_sends_nothing_is_told_evenly() {
        for every in [1, 2, 4, 8] {
            let (told, _) = told((1, every), 80, |_| false);
            assert!(told.iter().all(|tick| tick % every == 0), "{told:?}");
        }
    }

    #[test]
    fn snapshots_are_where_inputs_are_new() {
        // Of all datagrams so many in a thousand are told of in packets of their own.
        for (rate_hz, of, hz, own_max) in [
            (40, (1, 2), 15, 10),
            (30, (2, 3), 15, 10),
            (30, (1, 2), 10, 20),
            (20, (1, 1), 20, 0),
            (40, (1, 2), 20, 130), // half of the phases are out of step with the epochs
            (120, (1, 4), 30, 390),
        ] {
            let phases = 0..rate_hz;
            let own = phases.map(|phase| told(of, 16 * rate_hz, steady(rate_hz, hz, phase)).1);
            let own = own.sum::<usize>() as u64 * 1_000 / (16 * hz * rate_hz);
            assert!(own <= own_max, "{rate_hz}, {of:?}, {hz} Hz: {own}");
        }
    }
}
