//! From a verified data directory back to a living world.

use std::sync::Arc;

use sim_core::{
    Entry, EntryError, JournalReader, LoadError, Record, ReplayError, StepError, World, replay,
};
use spatial_core::{CellId, HeightTile, TileStore};

use crate::game::{Game, GameError};
use crate::host::{Host, UsedToken};
use crate::persist::{Frame, FrameKind, Recovery, StorageError};

/// A world as it was after its last journalled tick.
pub(crate) struct Revived {
    pub(crate) world: World,
    pub(crate) host: Host,
    /// Journal entries that were applied.
    pub(crate) entries: u64,
    /// State hashes among them: each was compared and equal.
    pub(crate) verified: u64,
}

/// Loads the checkpoint and applies the frames after it, up to and with tick `until` if one is given.
///
/// # Errors
/// [`ReviveError`] when the checkpoint or a frame cannot be used, or the state's hash differs from the journal's.
pub(crate) fn revive(
    recovery: &Recovery,
    store: &dyn TileStore,
    game: &dyn Game,
    until: Option<u64>,
) -> Result<Revived, ReviveError> {
    let mut tiles = |cell, checksum| tile(store, cell, checksum);
    let checkpoint = &recovery.checkpoint;
    let mut revived = Revived {
        world: World::load(&checkpoint.state, &mut tiles)?,
        host: Host::decode(&checkpoint.host).ok_or(ReviveError::Host)?,
        entries: 0,
        verified: 0,
    };
    game.prepare(&mut revived.world)?;
    let until = until.unwrap_or(u64::MAX);
    let (mut last_tick, mut journal) = (None, JournalReader::new());
    recovery.for_each_frame(|frame| {
        if frame.tick > until {
            return Ok(());
        }
        last_tick = Some(frame.tick);
        revived.apply(frame, &mut journal, &mut tiles)
    })?;
    // The last frames may be the server's own: their tick was executed, with nothing to consume.
    while last_tick.is_some_and(|last| revived.world.tick() <= last) {
        revived.world.step(revived.world.tick(), &[])?;
    }
    Ok(revived)
}

/// The tile with this checksum; a store's trouble shows as its absence, and is logged.
pub(crate) fn tile(store: &dyn TileStore, cell: CellId, checksum: u64) -> Option<Arc<HeightTile>> {
    match store.load_refined(cell) {
        Ok(tile) if tile.checksum() == checksum => Some(tile),
        Ok(_) => {
            tracing::error!(%cell, "the planet's tile is another than the one the world was run with");
            None
        }
        Err(error) => {
            tracing::error!(%error, "a tile that the world needs cannot be read");
            None
        }
    }
}

impl Revived {
    fn apply(
        &mut self,
        frame: Frame<'_>,
        journal: &mut JournalReader,
        tiles: &mut dyn FnMut(CellId, u64) -> Option<Arc<HeightTile>>,
    ) -> Result<(), ReviveError> {
        if frame.kind == FrameKind::Login {
            let used = UsedToken::decode(frame.payload);
            self.host.used.push(used.ok_or(ReviveError::Host)?);
            return Ok(());
        }
        if frame.kind == FrameKind::Lease {
            return self.host.saw_lease(frame.payload).ok_or(ReviveError::Host);
        }
        let entry = journal
            .entry(frame.payload)
            .map_err(|source| ReviveError::Entry {
                tick: frame.tick,
                source,
            })?;
        // A state hash is taken after its frame's tick, before the next.
        let (executed, means) = (frame.tick, entry.tick());
        match &entry {
            Entry::Records { records, .. } if means == executed => self.note_names(records),
            Entry::StateHash { .. } if executed.checked_add(1) == Some(means) => {
                self.verified += 1;
            }
            Entry::Throttle { .. } if means == executed => {} // as told: a new life begins without
            _ => return Err(ReviveError::Tick { executed, means }),
        }
        replay(&mut self.world, &entry, tiles)?;
        self.entries += 1;
        Ok(())
    }

    fn note_names(&mut self, records: &[Record]) {
        for record in records {
            if let Record::Spawn { entity, .. } = record {
                self.host.saw(*entity);
            }
        }
    }
}

/// Why a stored world cannot be brought back to life.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReviveError {
    /// The files.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The world in the checkpoint.
    #[error(
        "checkpoint: {0}; restore the directory from a backup, or serve the planet it was run with"
    )]
    Load(#[from] LoadError),
    /// The server's section of the checkpoint, or a login frame.
    #[error(
        "checkpoint or journal: the server's own part is damaged; restore the directory from a backup"
    )]
    Host,
    /// A journal entry.
    #[error("journal, tick {tick}: {source}; restore the directory from a backup")]
    Entry {
        /// The frame's tick.
        tick: u64,
        /// What is wrong.
        source: EntryError,
    },
    /// A frame of one tick holds what belongs to another.
    #[error(
        "journal: the frame of tick {executed} holds an entry of tick {means}; restore the directory from a backup"
    )]
    Tick {
        /// The frame's tick.
        executed: u64,
        /// The entry's tick.
        means: u64,
    },
    /// The game's rules.
    #[error(transparent)]
    Game(#[from] GameError),
    /// A tick without records.
    #[error("{0}; restore the directory from a backup")]
    Step(#[from] StepError),
    /// The replay.
    #[error("{0}; restore the directory from a backup, or serve the planet it was run with")]
    Replay(#[from] ReplayError),
}
