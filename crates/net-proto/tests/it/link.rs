//! A bad link in virtual time.

use crate::walkers::Random;

/// How bad.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) loss_percent: u64,
    pub(crate) double_percent: u64,
    pub(crate) delay_ticks: (u64, u64), // least and most: the difference is what reorders
}

impl Weather {
    pub(crate) const FINE: Self = Self {
        loss_percent: 0,
        double_percent: 0,
        delay_ticks: (0, 0),
    };
}

/// One direction.
#[derive(Default)]
pub(crate) struct Link {
    under_way: Vec<(u64, Vec<u8>)>, // arrival tick
}

impl Link {
    pub(crate) fn send(&mut self, tick: u64, bytes: &[u8], weather: Weather, random: &mut Random) {
        let copies = 1 + u64::from(random.chance(weather.double_percent));
        for _ in 0..copies {
            if !random.chance(weather.loss_percent) {
                let (least, most) = weather.delay_ticks;
                let arrival = tick + least + random.below(most - least + 1);
                self.under_way.push((arrival, bytes.to_vec()));
            }
        }
    }

    /// What has arrived by a tick, in no particular order.
    pub(crate) fn arrived(&mut self, tick: u64, random: &mut Random) -> Vec<Vec<u8>> {
        let mut arrived = Vec::new();
        self.under_way.retain_mut(|(arrival, bytes)| {
            if *arrival > tick {
                return true;
            }
            arrived.push(core::mem::take(bytes));
            false
        });
        for n in (1..arrived.len()).rev() {
            arrived.swap(n, random.below(n as u64 + 1) as usize);
        }
        arrived
    }
}
