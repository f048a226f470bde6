//! Running a journal again.

use std::sync::Arc;

use spatial_core::{CellId, HeightTile};

use crate::record::{Entry, Record};
use crate::world::{StepError, World};

/// Ticks without an entry that a replay runs through. A journal has state hashes far more often; a greater gap is
/// damage, which must not cost hours.
pub const GAP_TICKS_MAX: u64 = 3_600;

/// Applies one journal entry: executes the empty ticks before it, then the entry.
///
/// `tiles` gives the samples of the tiles that its records make resident.
///
/// # Errors
/// [`ReplayError`] when the entry lies in the past, its terrain is not to be had, or the state's hash is
/// another than the journal's.
pub fn replay(
    world: &mut World,
    entry: &Entry,
    tiles: &mut dyn FnMut(CellId, u64) -> Option<Arc<HeightTile>>,
) -> Result<(), ReplayError> {
    if entry.tick().saturating_sub(world.tick()) > GAP_TICKS_MAX {
        return Err(ReplayError::Gap {
            tick: entry.tick(),
            next: world.tick(),
        });
    }
    while world.tick() < entry.tick() {
        world.step(world.tick(), &[])?;
    }
    match entry {
        Entry::Records { tick, records } => {
            for record in records {
                if let Record::Resident { tile, checksum } = *record {
                    tiles(tile, checksum)
                        .into_iter()
                        .for_each(|t| world.stage(t));
                }
            }
            world.step(*tick, records)?;
            Ok(())
        }
        Entry::StateHash { tick, hash } if *tick == world.tick() => match world.hash() {
            replayed if replayed == *hash => Ok(()),
            replayed => Err(ReplayError::Diverged {
                tick: *tick,
                journal: *hash,
                replayed,
            }),
        },
        Entry::Throttle { tick, .. } if *tick == world.tick() => Ok(()),
        Entry::StateHash { tick, .. } | Entry::Throttle { tick, .. } => {
            Err(ReplayError::Step(StepError::Tick {
                asked: *tick,
                next: world.tick(),
            }))
        }
    }
}

/// Why a journal cannot be run again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReplayError {
    /// The step was refused.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The entry lies too far ahead.
    #[error("journal entry of tick {tick} is more than {GAP_TICKS_MAX} ticks after tick {next}")]
    Gap {
        /// The entry's tick.
        tick: u64,
        /// The tick that the world would execute next.
        next: u64,
    },
    /// The state is another than the one that was recorded.
    #[error(
        "replay diverges at tick {tick}: the journal says {journal:016x}, the replay {replayed:016x}"
    )]
    Diverged {
        /// The first tick at which it shows.
        tick: u64,
        /// The recorded hash.
        journal: u64,
        /// The hash now.
        replayed: u64,
    },
}
