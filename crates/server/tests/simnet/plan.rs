//! What happens in a seed beside what players do.

use std::time::Duration;

use net_proto::quic::simulated::Link;

use crate::lots::Lots;

pub(crate) const PLAYERS: usize = 20;
/// How long a seed is.
pub(crate) const END: Duration = Duration::from_secs(15);
/// From here on nothing breaks any more, and the lines are fair.
pub(crate) const CALM: Duration = Duration::from_millis(8_500);
/// From here on everybody stands still.
pub(crate) const STILL: Duration = Duration::from_millis(13_000);

/// A blackout of some lines.
#[derive(Clone, Debug)]
pub(crate) struct Dark {
    pub(crate) from: Duration,
    pub(crate) to: Duration,
    /// Whose: a bit for each.
    pub(crate) whose: u32,
}

/// An end of the server, and a new beginning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    pub(crate) at: Duration,
    pub(crate) pause: Duration,
    /// The power goes, or it is asked to.
    pub(crate) is_cut: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) darks: Vec<Dark>,
    pub(crate) stops: Vec<Stop>,
    /// At the end of all the power goes once more; otherwise the server is asked to stop.
    pub(crate) ends_in_the_dark: bool,
    /// Places in the world; some wait where there are fewer than players.
    pub(crate) places: u32,
    /// Agents that wander about, and whom players run into.
    pub(crate) agents: u32,
    /// How slow the disk is at most, ms.
    pub(crate) disk_ms: u64,
}

impl Plan {
    /// Nothing happens, and nobody is about but players.
    pub(crate) fn quiet() -> Self {
        Self {
            darks: Vec::new(),
            stops: Vec::new(),
            ends_in_the_dark: false,
            places: PLAYERS as u32,
            agents: 0,
            disk_ms: 5,
        }
    }

    pub(crate) fn of(seed: u64) -> Self {
        let mut lots = Lots::of(seed, 1);
        let darks = (0..lots.below(4)).map(|_| Dark::of(&mut lots)).collect();
        let stops = match lots.below(8) {
            0..3 => 0,
            3..7 => 1,
            _ => 2,
        };
        let stops = (0..stops).map(|n| Stop::of(&mut lots, n)).collect();
        Self {
            darks,
            stops,
            ends_in_the_dark: lots.happens(0.5),
            places: if lots.happens(0.2) {
                17
            } else {
                PLAYERS as u32
            },
            agents: if lots.happens(0.5) { 10 } else { 0 },
            disk_ms: [5, 20, 60, 250][lots.below(4) as usize],
        }
    }
}

impl Dark {
    fn of(lots: &mut Lots) -> Self {
        let from = lots.time_ms(500..7_000);
        let whose = match lots.below(3) {
            0 => u32::MAX,
            1 => lots.bits() as u32,
            _ => 1 << lots.below(PLAYERS as u64),
        };
        Self {
            from,
            to: (from + lots.time_ms(100..4_000)).min(CALM),
            whose,
        }
    }
}

impl Stop {
    /// The nth; they do not overlap.
    fn of(lots: &mut Lots, n: u64) -> Self {
        Self {
            at: lots.time_ms(1_000 + 3_500 * n..4_000 + 3_500 * n),
            pause: lots.time_ms(20..800),
            is_cut: lots.happens(0.75),
        }
    }
}

/// A player's line, good or bad.
pub(crate) fn weather(lots: &mut Lots) -> Link {
    let near = lots.time_ms(1..80);
    Link {
        loss: [0.0, 0.01, 0.05, 0.15][lots.below(4) as usize],
        duplication: [0.0, 0.02][lots.below(2) as usize],
        latency: near..near + lots.time_ms(1..60),
        late: [0.0, 0.05][lots.below(2) as usize],
        late_by: lots.time_ms(10..120),
        ..Link::default()
    }
}

/// A line that carries what is sent.
pub(crate) fn fair(link: &Link) -> Link {
    Link {
        loss: 0.0,
        ..link.clone()
    }
}

/// A line that carries nothing.
pub(crate) fn dark(link: &Link) -> Link {
    Link {
        loss: 1.0,
        ..link.clone()
    }
}
