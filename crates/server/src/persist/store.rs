//! The store thread: the only writer of a world's data directory.
//!
//! The world hands over each tick's frames through a bounded queue and never waits. The thread writes what has
//! gathered, syncs once, writes the witness, then publishes the durable tick: a sync group is whatever arrived while
//! the last sync ran. At the bound ([`QUEUE_TICKS`]) the world does not start its next tick: it stands still, and is
//! counted, until the disk has caught up. Nothing is dropped and memory stays bounded.
//!
//! A failed sync is final: nothing more is acknowledged, and the process must end and recover. A full disk is not: what
//! has no room waits here, unacknowledged, until there is some ([`Room`]).

#[cfg(test)]
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use prometheus_client::metrics::histogram::Histogram;

use super::frame::FrameKind;
use super::lock::DirLock;
use super::options::StoreOptions;
use super::recovery::Recovery;
pub(crate) use super::writer::Room;
use super::writer::Writer;
use super::{StorageError, io_at};
use crate::clock;
use crate::crew::Work;

/// Ticks that may wait for the disk; at 30 Hz about four seconds.
pub(crate) const QUEUE_TICKS: usize = 128;
/// A group is synced when it has so many bytes, whatever else waits.
const GROUP_BYTES: usize = 16 << 20;
/// How often the thread looks whether a full disk has room again.
const TEND: Duration = Duration::from_secs(1);
/// How often it tries to write while there is none.
const RETRY: Duration = Duration::from_millis(100);

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
    checkpoints_skipped: AtomicU64,
    room: AtomicU8,
    is_closing: AtomicBool,
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
    /// The newest tick that was handed over, where that is said to be durable: a planted fault.
    #[cfg(feature = "simulated")]
    lie: Option<AtomicU64>,
}

impl Store {
    /// Starts a world's first journal; `host` and `state` are the checkpoint of tick 0. The directory stays locked
    /// until the store is closed.
    pub(crate) fn create(
        lock: DirLock,
        options: StoreOptions,
        host: Vec<u8>,
        state: Vec<u8>,
    ) -> Result<Self, StorageError> {
        let mut writer = Writer::create(lock, options)?;
        writer.checkpoint(0, host, state)?;
        if writer.checkpoint_tick().is_none() {
            return Err(StorageError::NoRoom {
                path: writer.dir().to_owned(),
                doing: "a new world and the reserve of its journal",
            });
        }
        Self::start(writer)
    }

    /// Cuts a torn tail, makes what was recovered durable and continues a recovered world's journal.
    pub(crate) fn resume(
        lock: DirLock,
        options: StoreOptions,
        found: &Recovery,
    ) -> Result<Self, StorageError> {
        found.settle()?;
        Self::start(Writer::resume(lock, options, found)?)
    }

    fn start(writer: Writer) -> Result<Self, StorageError> {
        let shared = Arc::new(Shared::default());
        shared
            .durable_tick
            .store(writer.durable_tick(), Ordering::Release);
        shared.room.store(writer.room() as u8, Ordering::Release);
        // Places beyond what ticks may use: a checkpoint follows its tick, and the last state hash its last tick.
        let (sender, receiver) = sync_channel(QUEUE_TICKS + 2);
        let checkpoint_tick = writer.checkpoint_tick();
        let (dir, crew) = (writer.dir().to_owned(), writer.options().crew.clone());
        let clerk = Clerk {
            writer,
            receiver,
            shared: Arc::clone(&shared),
            taken: 0,
            begun: clock::now(),
        };
        let thread = crew
            .employ("store", clerk)
            .map_err(io_at(&dir, "start the store thread for"))?;
        Ok(Self {
            sender: Some(sender),
            shared,
            checkpoint_tick,
            thread,
            #[cfg(feature = "simulated")]
            lie: crew.is_liar().then(AtomicU64::default),
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
        #[cfg(feature = "simulated")]
        if let Some(lie) = &self.lie {
            lie.store(frames.tick, Ordering::Relaxed);
        }
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
        #[cfg(feature = "simulated")]
        if let Some(lie) = &self.lie {
            return lie.load(Ordering::Relaxed);
        }
        self.shared.durable_tick.load(Ordering::Acquire)
    }

    /// Has a histogram told how long groups take, from the first byte written to the witness.
    pub(crate) fn measure(&self, took: Histogram) {
        // Once is enough.
        let _ = self.shared.took.set(took);
    }

    /// How much room the disk has for the journal.
    pub(crate) fn room(&self) -> Room {
        match self.shared.room.load(Ordering::Acquire) {
            0 => Room::Ample,
            1 => Room::Reserve,
            _ => Room::Out,
        }
    }

    /// Checkpoints that were not written for want of room.
    pub(crate) fn checkpoints_skipped(&self) -> u64 {
        self.shared.checkpoints_skipped.load(Ordering::Relaxed)
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
        self.shared.is_closing.store(true, Ordering::Release);
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

/// The store's work: group after group, until nobody is there to ask for one. A group is written in one turn, and synced in the next.
struct Clerk {
    writer: Writer,
    receiver: Receiver<Message>,
    shared: Arc<Shared>,
    /// Messages that the group has which is written and not synced.
    taken: usize,
    /// When the last group was begun.
    begun: Instant,
}

impl Work for Clerk {
    fn turn(&mut self, may_wait: bool) -> bool {
        let goes_on = match self.taken {
            0 => self.write(may_wait),
            _ => self.sync(may_wait),
        };
        goes_on.unwrap_or_else(|error| {
            tracing::error!(%error, "the store stops");
            let failure = self.shared.failure.lock();
            *failure.unwrap_or_else(PoisonError::into_inner) = Some(error);
            false
        })
    }
}

impl Clerk {
    /// Writes what has gathered.
    fn write(&mut self, may_wait: bool) -> Result<bool, StorageError> {
        let patience = if may_wait { TEND } else { Duration::ZERO };
        let first = match self.receiver.recv_timeout(patience) {
            Ok(first) => first,
            Err(RecvTimeoutError::Disconnected) => return Ok(false),
            Err(RecvTimeoutError::Timeout) => {
                self.writer.tend()?;
                self.shared.publish(&self.writer);
                return Ok(true);
            }
        };
        let passed = clock::now().saturating_duration_since(self.begun);
        pause(
            may_wait,
            self.writer.options().sync_every.saturating_sub(passed),
        );
        self.begun = clock::now();
        self.taken = 1;
        take(&mut self.writer, first)?;
        while self.taken < QUEUE_TICKS && self.writer.pending_bytes() < GROUP_BYTES {
            let Ok(next) = self.receiver.try_recv() else {
                break;
            };
            self.taken += 1;
            take(&mut self.writer, next)?;
        }
        self.writer.write()?;
        Ok(true)
    }

    /// Syncs what is written, and tells the others; what found no room is tried again.
    fn sync(&mut self, may_wait: bool) -> Result<bool, StorageError> {
        if !self.writer.sync()? {
            self.shared.publish(&self.writer);
            if self.shared.is_closing.load(Ordering::Acquire) {
                return Err(self.writer.out_of_room());
            }
            pause(may_wait, RETRY);
            return Ok(true);
        }
        if let Some(took) = self.shared.took.get() {
            let passed = clock::now().saturating_duration_since(self.begun);
            took.observe(passed.as_secs_f64());
        }
        self.shared.syncs.fetch_add(1, Ordering::Relaxed);
        if self.writer.room() != Room::Ample {
            self.writer.tend()?;
        }
        self.shared.publish(&self.writer);
        let taken = core::mem::take(&mut self.taken);
        self.shared.queued.fetch_sub(taken, Ordering::AcqRel);
        Ok(true)
    }
}

/// However it leaves, it says so.
impl Drop for Clerk {
    fn drop(&mut self) {
        self.shared.has_failed.store(true, Ordering::Release);
    }
}

fn pause(may_wait: bool, time: Duration) {
    if may_wait {
        std::thread::sleep(time);
    }
}

fn take(writer: &mut Writer, message: Message) -> Result<(), StorageError> {
    match message {
        Message::Tick(tick) => writer.gather(&tick),
        Message::Checkpoint { tick, host, state } => writer.checkpoint(tick, host, state),
        #[cfg(test)]
        Message::Panic => panic!("as the test wants"),
    }
}

impl Shared {
    fn publish(&self, writer: &Writer) {
        self.bytes.store(writer.bytes_total, Ordering::Relaxed);
        self.checkpoints_skipped
            .store(writer.checkpoints_skipped, Ordering::Relaxed);
        self.room.store(writer.room() as u8, Ordering::Release);
        self.durable_tick
            .store(writer.durable_tick(), Ordering::Release);
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
        options: StoreOptions,
        device: &Path,
    ) -> Result<Self, StorageError> {
        let mut writer = Writer::create(lock, options)?;
        writer.write_to(device)?;
        Self::start(writer)
    }
}
