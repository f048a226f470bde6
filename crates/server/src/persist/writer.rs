//! The store thread's hands: the open segment, what has been gathered for it, checkpoints, the witness.
//!
//! A full disk loses nothing: what has no room is taken back to the last whole frame and stays gathered. The journal
//! then has the reserve; checkpoints wait until there is room again. Any other failure is final: after a failed sync
//! nobody knows what the disk holds.

use super::StorageError;
use super::checkpoint::Checkpoint;
use super::frame::Frame;
use super::lock::DirLock;
use super::options::StoreOptions;
use super::recovery::Recovery;
use super::reserve::Reserve;
use super::retention::tidy;
use super::segment::{FILE_BYTES_MAX, OpenSegment, SegmentHeader};
use super::store::TickFrames;
use super::witness::{self, Witness, Witnessed};

/// How much room the disk has for the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Room {
    /// Enough.
    Ample = 0,
    /// The reserve is all there is: nothing new should be promised.
    Reserve = 1,
    /// None: nothing is written until there is some.
    Out = 2,
}

/// The open segment and what has been gathered for it.
pub(super) struct Writer {
    lock: DirLock,
    options: StoreOptions,
    segment: OpenSegment,
    witness: Witness,
    reserve: Reserve,
    pending: Vec<u8>,
    /// The end of what is written or pending.
    end: Witnessed,
    /// The end of what is synced and witnessed.
    acknowledged: Witnessed,
    /// Earlier ticks may not follow: recovery would refuse them.
    floor: u64,
    /// The tick of the newest checkpoint.
    checkpoint_tick: Option<u64>,
    is_out: bool,
    pub(super) bytes_total: u64,
    /// Checkpoints that were not written for want of room.
    pub(super) checkpoints_skipped: u64,
}

impl Writer {
    pub(super) fn create(lock: DirLock, options: StoreOptions) -> Result<Self, StorageError> {
        let end = Witnessed {
            tick: 0,
            chain: u64::from(options.world),
        };
        let header = SegmentHeader {
            world: options.world,
            first_tick: 0,
            chain: end.chain,
        };
        let segment = header.create(lock.dir())?;
        Self::open(lock, options, segment, end)
    }

    pub(super) fn resume(
        lock: DirLock,
        options: StoreOptions,
        found: &Recovery,
    ) -> Result<Self, StorageError> {
        let (path, bytes) = found.last_segment();
        let segment = OpenSegment::open(path, bytes)?;
        let mut writer = Self::open(lock, options, segment, found.end)?;
        writer.floor = found.floor();
        writer.checkpoint_tick = Some(found.checkpoint.tick);
        Ok(writer)
    }

    fn open(
        lock: DirLock,
        options: StoreOptions,
        segment: OpenSegment,
        end: Witnessed,
    ) -> Result<Self, StorageError> {
        let dir = lock.dir();
        let second = options.witness_dir.as_deref();
        let second = second.map(|place| witness::second_in(place, options.world));
        let witnesses = std::iter::once(witness::path_in(dir)).chain(second);
        Ok(Self {
            witness: Witness::open(witnesses, options.world, end)?,
            reserve: Reserve::open(dir, options.reserve_bytes)?,
            segment,
            pending: Vec::new(),
            end,
            acknowledged: end,
            floor: end.tick,
            checkpoint_tick: None,
            is_out: false,
            bytes_total: 0,
            checkpoints_skipped: 0,
            lock,
            options,
        })
    }

    /// Takes a tick's frames in; [`Writer::sync`] makes them durable.
    pub(super) fn gather(
        &mut self,
        TickFrames { tick, frames }: &TickFrames,
    ) -> Result<(), StorageError> {
        let tick = *tick;
        if tick < self.floor {
            let what = "its frames come after those of a later tick, or after its checkpoint";
            return Err(StorageError::Unwritable { tick, what });
        }
        let grown = self.segment.frame_bytes() + self.pending.len();
        if tick > self.end.tick && grown > self.options.segment_bytes() && self.sync()? {
            self.next_segment(tick)?;
        }
        for (kind, payload) in frames {
            let frame = Frame {
                kind: *kind,
                tick,
                payload,
            };
            let what = "a frame exceeds its bound";
            let chain = frame.encode(self.end.chain, &mut self.pending);
            let chain = chain.ok_or(StorageError::Unwritable { tick, what })?;
            self.end = Witnessed { tick, chain };
        }
        self.floor = tick;
        Ok(())
    }

    /// Writes everything gathered; [`Writer::sync`] makes it durable. False when there is no room: it stays gathered.
    pub(super) fn write(&mut self) -> Result<bool, StorageError> {
        if self.pending.is_empty() {
            return Ok(!self.is_out);
        }
        if self.segment.frame_bytes() + self.pending.len() > FILE_BYTES_MAX - 64 {
            return Err(StorageError::NoRoom {
                path: self.segment.path().to_owned(),
                doing: "another segment of the journal",
            });
        }
        let is_written = self.segment.append(&self.pending)?
            || (self.reserve.release()? && self.segment.append(&self.pending)?);
        self.is_out = !is_written;
        if !is_written {
            return Ok(false);
        }
        self.bytes_total += self.pending.len() as u64;
        self.pending.clear();
        Ok(true)
    }

    /// Makes everything gathered durable, then witnesses it. False when there is no room: it stays gathered.
    pub(super) fn sync(&mut self) -> Result<bool, StorageError> {
        if !self.write()? {
            return Ok(false);
        }
        if self.acknowledged != self.end {
            self.segment.sync()?;
            self.acknowledged = self.end;
            self.witness.write(self.end)?;
        }
        Ok(true)
    }

    /// Stores a checkpoint and removes what is beyond the bounds. Without room it is passed over: the one before, and
    /// the journal behind that, are as good.
    pub(super) fn checkpoint(
        &mut self,
        tick: u64,
        host: Vec<u8>,
        state: Vec<u8>,
    ) -> Result<(), StorageError> {
        if self.checkpoint_tick == Some(tick) {
            // The one that is there is good; this one might name a place that the journal cannot reach.
            return Ok(());
        }
        if !self.sync()? || self.reserve.is_used() {
            self.checkpoints_skipped += 1;
            return Ok(());
        }
        let dir = self.lock.dir().to_owned();
        let checkpoint = Checkpoint {
            world: self.options.world,
            tick,
            chain: self.end.chain,
            host,
            state,
        };
        match checkpoint.write(&dir) {
            Err(StorageError::NoRoom { .. }) => {
                self.checkpoints_skipped += 1;
                return Ok(());
            }
            done => done?,
        }
        self.checkpoint_tick = Some(tick);
        self.floor = self.floor.max(tick);
        self.witness.sync()?;
        tidy(&dir, &self.options)
    }

    /// Begins another segment; without room the one that is there goes on.
    fn next_segment(&mut self, first_tick: u64) -> Result<(), StorageError> {
        let header = SegmentHeader {
            world: self.options.world,
            first_tick,
            chain: self.end.chain,
        };
        if header.path(self.lock.dir()) == self.segment.path() {
            return Ok(()); // its name is taken
        }
        tidy(self.lock.dir(), &self.options)?;
        match header.create(self.lock.dir()) {
            Ok(segment) => self.segment = segment,
            Err(StorageError::NoRoom { .. }) => return Ok(()),
            Err(error) => return Err(error),
        }
        self.floor = first_tick;
        Ok(())
    }

    /// Looks whether there is room again, and sets it aside.
    pub(super) fn tend(&mut self) -> Result<(), StorageError> {
        if self.reserve.is_used() && self.reserve.tend()? {
            tracing::warn!(dir = %self.lock.dir().display(), "there is room again: the reserve has been made anew");
        }
        Ok(())
    }

    /// How much room there is.
    pub(super) fn room(&self) -> Room {
        match (self.is_out, self.reserve.is_used()) {
            (true, _) => Room::Out,
            (false, true) => Room::Reserve,
            (false, false) => Room::Ample,
        }
    }

    /// Everything up to this tick is on the disk.
    pub(super) fn durable_tick(&self) -> u64 {
        self.acknowledged.tick
    }

    pub(super) fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn checkpoint_tick(&self) -> Option<u64> {
        self.checkpoint_tick
    }

    pub(super) fn options(&self) -> &StoreOptions {
        &self.options
    }

    pub(super) fn dir(&self) -> &std::path::Path {
        self.lock.dir()
    }

    /// Why it ends with something gathered that found no room.
    pub(super) fn out_of_room(&self) -> StorageError {
        StorageError::NoRoom {
            path: self.segment.path().to_owned(),
            doing: "the last ticks (never acknowledged)",
        }
    }

    /// Writes to a device instead.
    #[cfg(test)]
    pub(super) fn write_to(&mut self, device: &std::path::Path) -> Result<(), StorageError> {
        self.segment = OpenSegment::open(device, super::segment::HEADER_BYTES as u64)?;
        Ok(())
    }
}
