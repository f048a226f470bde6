//! How a world is kept.

use std::path::PathBuf;
use std::time::Duration;

use crate::crew::Crew;

/// What the store needs to know beside the directory.
#[derive(Clone, Debug)]
pub(crate) struct StoreOptions {
    /// The world's number.
    pub(crate) world: u16,
    /// Where the second witness is kept, if there is one.
    pub(crate) witness_dir: Option<PathBuf>,
    /// Segments beyond this go, the oldest first; what recovery needs never does.
    pub(crate) journal_bytes_max: u64,
    /// Room on the disk that is set aside for the journal; 0 for none.
    pub(crate) reserve_bytes: u64,
    /// From one sync to the next at least.
    pub(crate) sync_every: Duration,
    /// Who does its work.
    pub(crate) crew: Crew,
}

impl StoreOptions {
    /// Everything as the configuration has it by default.
    #[cfg(test)]
    pub(crate) fn new(world: u16) -> Self {
        Self {
            world,
            witness_dir: None,
            journal_bytes_max: 16 << 30,
            reserve_bytes: 64 << 20,
            sync_every: Duration::ZERO,
            crew: Crew::Threads,
        }
    }

    /// A segment that has grown beyond this is followed by a new one at the next tick: small enough to be read and
    /// copied at once, and so large that a full journal is some 1,000 files.
    pub(crate) fn segment_bytes(&self) -> usize {
        (self.journal_bytes_max / 256).clamp(512, 16 << 20) as usize
    }
}
