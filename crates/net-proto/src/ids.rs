//! Names of worlds, players and epochs.

use core::fmt;
use core::num::NonZeroU32;

use crate::limits::EPOCH_TICKS;

/// The name of a world, permanent like an entity's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct WorldId(pub u64);

impl fmt::Display for WorldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w{}", self.0)
    }
}

/// The name of a player: of a person or program, not of the entity that it steers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct PlayerId(pub u64);

impl fmt::Display for PlayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0)
    }
}

/// A baseline epoch: epoch n begins at tick n·[`EPOCH_TICKS`]; there is no epoch 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Epoch(NonZeroU32);

impl Epoch {
    /// The epoch of a number; none is numbered 0.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The epoch that a tick belongs to; none for the first ticks of a world, or after 2³² epochs.
    pub fn of_tick(tick: u64) -> Option<Self> {
        Self::new(u32::try_from(tick / EPOCH_TICKS).ok()?)
    }

    /// The epoch that begins exactly at a tick.
    pub fn starting_at(tick: u64) -> Option<Self> {
        Self::of_tick(tick).filter(|epoch| epoch.tick() == tick)
    }

    /// The epoch `n` before this one.
    pub fn back(self, n: u32) -> Option<Self> {
        Self::new(self.number().checked_sub(n)?)
    }

    /// Its number, at least 1.
    pub fn number(self) -> u32 {
        self.0.get()
    }

    /// The tick it begins at.
    pub fn tick(self) -> u64 {
        u64::from(self.number()) * EPOCH_TICKS
    }

    /// Ticks from its beginning to a tick that follows soon; at most 255.
    pub(crate) fn age(self, tick: u64) -> u8 {
        u8::try_from(tick.saturating_sub(self.tick())).unwrap_or(u8::MAX)
    }

    /// Where a ring of `len` epochs keeps this one.
    pub(crate) fn slot(self, len: usize) -> usize {
        self.number() as usize % len
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {}", self.0)
    }
}
