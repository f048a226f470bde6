//! One of two replays that are compared: a world and its journal.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rayon::{ThreadPool, ThreadPoolBuilder};
use sim_core::{
    Entry, GAP_TICKS_MAX, JournalReader, Record, ReplayError, SimLevel, StepError, World,
};
use spatial_core::TileStore;

use crate::persist::{Found, Frame, FrameKind, Recovery, StartFrom, StorageError, recover};
use crate::revive::{ReviveError, tile};

/// Entries that are read ahead of the world.
const AHEAD: usize = 256;

/// How a replay is run. Nothing of it may show in the state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) threads: usize, // 0: as many as there are processors
    pub(super) level: SimLevel,
}

/// One replay.
pub(super) struct Side<'a> {
    pub(super) world: World,
    /// The first tick after which the journal's own hash was another.
    pub(super) diverged: Option<u64>,
    store: &'a dyn TileStore,
    pool: ThreadPool,
    journal: Receiver<Result<Told, ReviveError>>,
    next: Option<Told>,
    records: Vec<Record>, // of the last tick
}

/// What a journal tells, in its order.
enum Told {
    /// A tick's records.
    Records(u64, Vec<Record>),
    /// The state before a tick.
    Hash(u64, u64),
    /// The last tick there was.
    End(u64),
}

impl<'a> Side<'a> {
    /// The oldest kept state of a directory's world; `None` when it holds none.
    pub(super) fn open(
        data: &Path,
        number: u16,
        store: &'a dyn TileStore,
        manner: Manner,
    ) -> Result<Option<Self>, SideError> {
        let Found::World(recovery) = recover(data, number, StartFrom::Oldest)? else {
            return Ok(None);
        };
        let mut tiles = |cell, checksum| tile(store, cell, checksum);
        let mut world =
            World::load(&recovery.checkpoint.state, &mut tiles).map_err(ReviveError::from)?;
        if !world.set_level(manner.level) {
            return Err(SideError::Level(manner.level));
        }
        let pool = ThreadPoolBuilder::new().num_threads(manner.threads).build();
        let (telling, journal) = sync_channel(AHEAD);
        std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || read(&recovery, &telling))
            .map_err(|error| SideError::Thread(error.to_string()))?;
        Ok(Some(Self {
            world,
            diverged: None,
            store,
            pool: pool.map_err(|error| SideError::Thread(error.to_string()))?,
            journal,
            next: None,
            records: Vec::new(),
        }))
    }

    /// Executes the next tick; false when the journal is over.
    pub(super) fn step(&mut self) -> Result<bool, SideError> {
        let tick = self.world.tick();
        if self.is_over()? {
            return Ok(false);
        }
        self.records = match self.next.take() {
            Some(Told::Records(at, records)) if at == tick => records,
            later => {
                self.next = later;
                Vec::new()
            }
        };
        for record in &self.records {
            if let Record::Resident {
                tile: cell,
                checksum,
            } = *record
                && let Some(found) = tile(self.store, cell, checksum)
            {
                self.world.stage(found);
            }
        }
        let (pool, world, records) = (&self.pool, &mut self.world, &self.records);
        let report = pool.install(|| world.step(tick, records));
        report.map_err(ReviveError::from)?;
        self.check_hashes()?;
        Ok(true)
    }

    /// Executes all ticks before this one, or until the journal is over.
    pub(super) fn run_to(&mut self, tick: u64) -> Result<(), SideError> {
        while self.world.tick() < tick && self.step()? {}
        Ok(())
    }

    /// Whether there is no tick after the last one.
    pub(super) fn is_over(&mut self) -> Result<bool, SideError> {
        self.check_hashes()?;
        let tick = self.world.tick();
        match self.peek()? {
            Some(Told::Records(at, _)) if *at < tick => {
                let (asked, next) = (*at, tick);
                Err(ReviveError::from(StepError::Tick { asked, next }).into())
            }
            Some(Told::Records(at, _)) if *at - tick > GAP_TICKS_MAX => {
                let error = ReplayError::Gap {
                    tick: *at,
                    next: tick,
                };
                Err(ReviveError::from(error).into())
            }
            Some(Told::End(last)) => Ok(tick > *last),
            told => Ok(told.is_none()),
        }
    }

    /// The records of the last tick.
    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    fn check_hashes(&mut self) -> Result<(), SideError> {
        let tick = self.world.tick();
        while let Some(&Told::Hash(at, hash)) = self.peek()?
            && at <= tick
        {
            if at == tick && self.world.hash() != hash {
                self.diverged = self.diverged.or(at.checked_sub(1));
            }
            self.next = None;
        }
        Ok(())
    }

    fn peek(&mut self) -> Result<Option<&Told>, SideError> {
        if self.next.is_none() {
            self.next = self.journal.recv().ok().transpose()?;
        }
        Ok(self.next.as_ref())
    }
}

/// Tells all frames after the checkpoint, until nobody listens.
fn read(recovery: &Recovery, telling: &SyncSender<Result<Told, ReviveError>>) {
    let (mut last, mut journal) = (None, JournalReader::new());
    let told = recovery.for_each_frame(|frame| {
        last = Some(frame.tick);
        match told(&frame, &mut journal).map_err(Stop::Error)? {
            Some(told) => telling.send(Ok(told)).map_err(|_| Stop::Nobody),
            None => Ok(()),
        }
    });
    let end = match (told, last) {
        (Ok(()), Some(last)) => Ok(Told::End(last)),
        (Err(Stop::Error(error)), _) => Err(error),
        (Ok(()), None) | (Err(Stop::Nobody), _) => return,
    };
    let _ = telling.send(end); // nobody need listen any more
}

/// What a frame tells the world; the server's own frames nothing.
fn told(frame: &Frame<'_>, journal: &mut JournalReader) -> Result<Option<Told>, ReviveError> {
    if frame.kind != FrameKind::Entry {
        return Ok(None);
    }
    let tick = frame.tick;
    let entry = journal.entry(frame.payload);
    let entry = entry.map_err(|source| ReviveError::Entry { tick, source })?;
    match entry {
        Entry::Records {
            tick: means,
            records,
        } if means == tick => Ok(Some(Told::Records(means, records))),
        Entry::StateHash { tick: means, hash } if tick.checked_add(1) == Some(means) => {
            Ok(Some(Told::Hash(means, hash)))
        }
        Entry::Throttle { tick: means, .. } if means == tick => Ok(None),
        other => Err(ReviveError::Tick {
            executed: tick,
            means: other.tick(),
        }),
    }
}

/// Why reading ended.
enum Stop {
    Error(ReviveError),
    Nobody,
}

impl From<StorageError> for Stop {
    fn from(error: StorageError) -> Self {
        Self::Error(error.into())
    }
}

/// Why a replay cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum SideError {
    /// What is stored.
    #[error(transparent)]
    Revive(#[from] ReviveError),
    /// The vector instructions that were asked for are not there.
    #[error("this CPU has not the vector instructions of {0:?}")]
    Level(SimLevel),
    /// The system gave no thread.
    #[error("cannot start threads: {0}")]
    Thread(String),
}

impl From<StorageError> for SideError {
    fn from(error: StorageError) -> Self {
        Self::Revive(error.into())
    }
}
