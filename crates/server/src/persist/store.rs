//! The store thread: the only writer of a world's data directory.
//!
//! The world hands over each tick's frames through a bounded queue and never waits. The thread writes what has
//! gathered, syncs once, writes the witness, then publishes the durable tick: a sync group is whatever arrived while
//! the last sync ran. At the bound ([`QUEUE_TICKS`]) the world does not start its next tick: it stands still, and is
//! counted, until the disk has caught up. Nothing is dropped and memory stays bounded.
//!
//! A failed write or sync is final: nothing more is acknowledged, and the process must end and recover.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use prometheus_client::metrics::histogram::Histogram;

use super::checkpoint::{Checkpoint, remove_old};
use super::frame::{Frame, FrameKind};
use super::lock::DirLock;
use super::recovery::Recovery;
use super::segment::{SEGMENT_BYTES_MAX, SegmentHeader, remove_covered};
use super::witness::{Witness, Witnessed};
use super::{StorageError, io_at};

/// Ticks that may wait for the disk; at 30 Hz about four seconds.
pub(crate) const QUEUE_TICKS: usize = 128;

/// Whether the world may go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Readiness {
    /// Another tick may start.
    Ready,
    /// The queue is full.
    Full,
    /// The store thread has given up, whatever the queue holds: nothing will be acknowledged any more.
    Failed,
}

/// The frames of one tick, in order.
#[derive(Debug)]
pub(crate) struct TickFrames {
    pub(crate) tick: u64,
    pub(crate) frames: Vec<(FrameKind, Vec<u8>)>,
}

enum Message {
    Tick(TickFrames),
    Checkpoint {
        tick: u64,
        host: Vec<u8>,
        state: Vec<u8>,
    },
    #[cfg(test)]
    Panic,
}

/// What the store thread tells the others.
#[derive(Debug, Default)]
struct Shared {
    durable_tick: AtomicU64,
    queued: AtomicUsize,
    syncs: AtomicU64,
    bytes: AtomicU64,
    /// How long groups take, where somebody wants to know.
    took: OnceLock<Histogram>,
    has_failed: AtomicBool,
    failure: Mutex<Option<StorageError>>,
}

/// The world's side of the store thread.
#[derive(Debug)]
pub(crate) struct Store {
    sender: Option<SyncSender<Message>>,
    shared: Arc<Shared>,
    checkpoint_tick: Option<u64>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// Starts a world's first journal; `host` and `state` are the checkpoint of tick 0. The directory stays locked
    /// until the store is closed.
    pub(crate) fn create(
        lock: DirLock,
        world: u16,
        host: Vec<u8>,
        state: Vec<u8>,
    ) -> Result<Self, StorageError> {
        let mut writer = Writer::create(lock, world)?;
        writer.checkpoint(0, host, state)?;
        Self::start(writer)
    }

    /// Cuts a torn tail, makes what was recovered durable and continues a recovered world's journal.
    pub(crate) fn resume(
        lock: DirLock,
        world: u16,
        found: &Recovery,
    ) -> Result<Self, StorageError> {
        found.settle()?;
        Self::start(Writer::resume(lock, world, found)?)
    }

    fn start(writer: Writer) -> Result<Self, StorageError> {
        let shared = Arc::new(Shared::default());
        shared
            .durable_tick
            .store(writer.end.tick, Ordering::Release);
        // Places beyond what ticks may use: a checkpoint follows its tick, and the last state hash its last tick.
        let (sender, receiver) = sync_channel(QUEUE_TICKS + 2);
        let checkpoint_tick = writer.checkpoint_tick;
        let thread_shared = Arc::clone(&shared);
        let dir = writer.lock.dir().to_owned();
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || {
                let _leaving = Leaving(&thread_shared);
                run(writer, &receiver, &thread_shared);
            })
            .map_err(io_at(&dir, "start the store thread for"))?;
        Ok(Self {
            sender: Some(sender),
            shared,
            checkpoint_tick,
            thread: Some(thread),
        })
    }

    /// Whether the world may start another tick.
    pub(crate) fn readiness(&self) -> Readiness {
        // Failure first: what a thread that has ended left in the queue stays there.
        if self.has_failed() {
            Readiness::Failed
        } else if self.shared.queued.load(Ordering::Acquire) < QUEUE_TICKS {
            Readiness::Ready
        } else {
            Readiness::Full
        }
    }

    /// Hands over a tick's frames. Call only when [`Store::readiness`] says so; never blocks then.
    pub(crate) fn append(&self, frames: TickFrames) {
        self.send(Message::Tick(frames));
    }

    /// Hands over the state before `tick`: everything appended so far is in it. A second one of a tick is passed over.
    pub(crate) fn checkpoint(&self, tick: u64, host: Vec<u8>, state: Vec<u8>) {
        self.send(Message::Checkpoint { tick, host, state });
    }

    fn send(&self, message: Message) {
        self.shared.queued.fetch_add(1, Ordering::AcqRel);
        // A send fails only when the thread has ended, and then `close` says why.
        if let Some(sender) = &self.sender {
            let _ = sender.send(message);
        }
    }

    /// The tick of the checkpoint that the journal was opened with.
    pub(crate) fn checkpoint_tick(&self) -> Option<u64> {
        self.checkpoint_tick
    }

    /// Every frame up to this tick is on the disk.
    pub(crate) fn durable_tick(&self) -> u64 {
        self.shared.durable_tick.load(Ordering::Acquire)
    }

    /// Has a histogram told how long groups take, from the first byte written to the witness.
    pub(crate) fn measure(&self, took: Histogram) {
        // Once is enough.
        let _ = self.shared.took.set(took);
    }

    /// Ticks that wait for the disk.
    pub(crate) fn queued(&self) -> usize {
        self.shared.queued.load(Ordering::Acquire)
    }

    /// Sync groups so far and bytes written.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let shared = &self.shared;
        (
            shared.syncs.load(Ordering::Relaxed),
            shared.bytes.load(Ordering::Relaxed),
        )
    }

    /// Whether the store thread has given up: nothing will be acknowledged any more.
    pub(crate) fn has_failed(&self) -> bool {
        self.shared.has_failed.load(Ordering::Acquire)
    }

    /// Writes and syncs everything handed over, then ends the thread and releases the directory.
    ///
    /// # Errors
    /// Why the thread gave up, if it did.
    pub(crate) fn close(&mut self) -> Result<(), StorageError> {
        self.sender = None;
        let has_panicked = self.thread.take().is_some_and(|t| t.join().is_err());
        let failure = self.shared.failure.lock();
        match failure.unwrap_or_else(PoisonError::into_inner).take() {
            Some(failure) => Err(failure),
            None if has_panicked => Err(StorageError::ThreadEnded),
            None => Ok(()),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Whoever wants to know why calls `close` first.
        let _ = self.close();
    }
}

/// Says that the store thread has ended, however it leaves.
struct Leaving<'a>(&'a Shared);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.has_failed.store(true, Ordering::Release);
    }
}

fn run(mut writer: Writer, receiver: &Receiver<Message>, shared: &Shared) {
    while let Ok(first) = receiver.recv() {
        let mut taken = 1;
        let result = writer.take(first).and_then(|()| {
            while taken < QUEUE_TICKS && writer.pending.len() < SEGMENT_BYTES_MAX / 4 {
                let Ok(next) = receiver.try_recv() else { break };
                taken += 1;
                writer.take(next)?;
            }
            let begun = Instant::now();
            writer.sync()?;
            if let Some(took) = shared.took.get() {
                took.observe(begun.elapsed().as_secs_f64());
            }
            Ok(())
        });
        match result {
            Ok(()) => {
                shared.syncs.fetch_add(1, Ordering::Relaxed);
                shared.bytes.store(writer.bytes_total, Ordering::Relaxed);
                shared
                    .durable_tick
                    .store(writer.end.tick, Ordering::Release);
                shared.queued.fetch_sub(taken, Ordering::AcqRel);
            }
            Err(error) => {
                tracing::error!(%error, "the store stops");
                let mut failure = shared
                    .failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                *failure = Some(error);
                return;
            }
        }
    }
}

/// The open segment and what has been gathered for it.
struct Writer {
    lock: DirLock,
    world: u16,
    file: File,
    path: PathBuf,
    segment_bytes: usize,
    witness: Witness,
    pending: Vec<u8>,
    /// The end of what is written or pending.
    end: Witnessed,
    /// Earlier ticks may not follow: recovery would refuse them.
    floor: u64,
    /// The tick of the newest checkpoint.
    checkpoint_tick: Option<u64>,
    bytes_total: u64,
}

impl Writer {
    fn create(lock: DirLock, world: u16) -> Result<Self, StorageError> {
        let end = Witnessed {
            tick: 0,
            chain: u64::from(world),
        };
        let header = SegmentHeader {
            world,
            first_tick: 0,
            chain: end.chain,
        };
        let file = header.create(lock.dir())?;
        Self::open(lock, world, (header.path(Path::new("")), file, 0), end)
    }

    fn resume(lock: DirLock, world: u16, found: &Recovery) -> Result<Self, StorageError> {
        let (path, bytes) = found.last_segment();
        let file = std::fs::OpenOptions::new()
            .append(true)
            .open(path)
            .map_err(io_at(path, "open the journal"))?;
        let mut writer = Self::open(lock, world, (path.to_owned(), file, bytes), found.end)?;
        writer.floor = found.floor();
        writer.checkpoint_tick = Some(found.checkpoint.tick);
        Ok(writer)
    }

    fn open(
        lock: DirLock,
        world: u16,
        (path, file, segment_bytes): (PathBuf, File, usize),
        end: Witnessed,
    ) -> Result<Self, StorageError> {
        Ok(Self {
            world,
            file,
            path: lock.dir().join(path),
            segment_bytes,
            witness: Witness::open(lock.dir(), world, end)?,
            pending: Vec::new(),
            end,
            floor: end.tick,
            checkpoint_tick: None,
            bytes_total: 0,
            lock,
        })
    }

    fn take(&mut self, message: Message) -> Result<(), StorageError> {
        match message {
            Message::Tick(tick) => self.gather(&tick),
            Message::Checkpoint { tick, host, state } => self.checkpoint(tick, host, state),
            #[cfg(test)]
            Message::Panic => panic!("as the test wants"),
        }
    }

    fn gather(&mut self, TickFrames { tick, frames }: &TickFrames) -> Result<(), StorageError> {
        let tick = *tick;
        if tick < self.floor {
            let what = "its frames come after those of a later tick, or after its segment";
            return Err(StorageError::Unwritable { tick, what });
        }
        if tick > self.end.tick && self.segment_bytes > SEGMENT_BYTES_MAX {
            self.sync()?;
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

    /// Makes everything gathered durable, then witnesses it.
    fn sync(&mut self) -> Result<(), StorageError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let failed = |doing| {
            let path = self.path.clone();
            move |source| StorageError::SyncFailed {
                path,
                doing,
                source,
            }
        };
        self.file
            .write_all(&self.pending)
            .map_err(failed("writing"))?;
        self.file.sync_data().map_err(failed("syncing"))?;
        self.bytes_total += self.pending.len() as u64;
        self.segment_bytes += self.pending.len();
        self.pending.clear();
        self.witness.write(self.end)
    }

    /// Stores a checkpoint, starts a new segment, and removes what the older kept checkpoint covers.
    fn checkpoint(&mut self, tick: u64, host: Vec<u8>, state: Vec<u8>) -> Result<(), StorageError> {
        if self.checkpoint_tick == Some(tick) {
            // The one that is there is good; this one might name a place that the journal cannot reach.
            return Ok(());
        }
        self.sync()?;
        let dir = self.lock.dir().to_owned();
        Checkpoint {
            world: self.world,
            tick,
            chain: self.end.chain,
            host,
            state,
        }
        .write(&dir)?;
        self.checkpoint_tick = Some(tick);
        self.next_segment(tick)?;
        if let Some(older) = remove_old(&dir)? {
            // Its own segment starts at its tick: only what lies before may go.
            remove_covered(&dir, older.saturating_sub(1))?;
        }
        Ok(())
    }

    fn next_segment(&mut self, first_tick: u64) -> Result<(), StorageError> {
        let header = SegmentHeader {
            world: self.world,
            first_tick,
            chain: self.end.chain,
        };
        if self.segment_bytes == 0 || header.path(self.lock.dir()) == self.path {
            return Ok(()); // this one is young enough, and its name is taken
        }
        self.file = header.create(self.lock.dir())?;
        self.path = header.path(self.lock.dir());
        self.segment_bytes = 0;
        self.floor = first_tick;
        Ok(())
    }
}

#[cfg(test)]
impl Store {
    /// Makes the store thread panic.
    pub(crate) fn panic(&self) {
        self.send(Message::Panic);
    }

    /// A journal on a device that fails.
    pub(crate) fn create_on(
        lock: DirLock,
        world: u16,
        device: &Path,
    ) -> Result<Self, StorageError> {
        let mut writer = Writer::create(lock, world)?;
        writer.path = device.to_owned();
        writer.file = std::fs::OpenOptions::new()
            .write(true)
            .open(device)
            .map_err(io_at(device, "open"))?;
        Self::start(writer)
    }
}
