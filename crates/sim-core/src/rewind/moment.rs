//! Moments of the past.

/// A moment: a tick, and how much of the way to the next one has passed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Moment {
    /// The tick.
    pub tick: u64,
    /// 2⁻¹⁶ ticks after it.
    pub fraction: u16,
}

impl Moment {
    /// The moment of a tick itself.
    pub const fn at(tick: u64) -> Self {
        Self { tick, fraction: 0 }
    }
}

/// Why nothing is known of a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PastError {
    /// No tick was recorded yet.
    #[error("no tick was recorded yet")]
    Empty,
    /// It was overwritten.
    #[error("tick {asked} is not remembered any more, the oldest one is {oldest}")]
    TooOld {
        /// What was asked for.
        asked: u64,
        /// The oldest tick that the ring could hold.
        oldest: u64,
    },
    /// It is, or its fraction reaches, beyond the newest tick.
    #[error("tick {asked} reaches beyond the newest one, which is {newest}")]
    Future {
        /// What was asked for.
        asked: u64,
        /// The newest tick.
        newest: u64,
    },
    /// The tick, or the one after it that a fraction needs, was left out when it passed.
    #[error("tick {0} was not recorded")]
    NotRecorded(u64),
}
