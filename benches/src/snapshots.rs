//! A crowd that is remembered and goes back.

use sim_core::Snapshot;

use crate::case::{Case, Size};
use crate::tick::{Crowd, Spread};

/// Ticks until a crowd goes back.
const TICKS: usize = 3;

/// A crowd and what is remembered of it.
pub(crate) struct Remembered {
    crowd: Crowd,
    snapshot: Snapshot,
}

impl Remembered {
    pub(crate) fn of_a_million(size: Size) -> Self {
        let mut remembered = Self {
            crowd: Crowd::new(size, 1_000_000, Spread::Square),
            snapshot: Snapshot::default(),
        };
        remembered.go_on();
        remembered.take();
        remembered
    }

    pub(crate) fn agents(&self) -> usize {
        self.crowd.world().len()
    }

    /// Bytes of a snapshot.
    pub(crate) fn bytes(&self) -> usize {
        self.snapshot.byte_count()
    }

    pub(crate) fn take(&mut self) {
        self.crowd.world().snapshot(&mut self.snapshot);
    }

    /// Some ticks pass.
    pub(crate) fn go_on(&mut self) {
        (0..TICKS).for_each(|_| self.crowd.run());
    }

    pub(crate) fn go_back(&mut self) {
        let restored = self.crowd.world_mut().restore(&self.snapshot);
        restored.expect("its own snapshot");
    }

    /// The hash of the world.
    pub(crate) fn hash(&self) -> u64 {
        self.crowd.world().hash()
    }
}

/// Snapshots into room that is there.
pub(crate) struct Taking(pub(crate) Remembered);

impl Case for Taking {
    fn operations(&self) -> u64 {
        self.0.agents() as u64
    }

    fn run(&mut self) {
        self.0.take();
    }

    fn hash(&self) -> u64 {
        self.0.hash() ^ self.0.bytes() as u64
    }
}

/// A tick, and back.
pub(crate) struct Rollback(pub(crate) Remembered);

impl Case for Rollback {
    fn operations(&self) -> u64 {
        self.0.agents() as u64
    }

    fn run(&mut self) {
        self.0.crowd.run();
        self.0.go_back();
    }

    fn hash(&self) -> u64 {
        self.0.hash()
    }
}
