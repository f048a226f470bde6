//! What of a tick goes to the store thread: records, state hashes, checkpoints.

use net_proto::EPOCH_TICKS;
use sim_core::Entry;

use super::WorldLoop;
use super::views::DurableHash;
use crate::persist::{FrameKind, TickFrames};
use crate::server::ServerError;

/// The state's hash is journalled every so many ticks, between the epochs, which have enough to do, and before every checkpoint.
const HASH_TICKS: u64 = EPOCH_TICKS;

impl WorldLoop {
    /// Hands the tick to the store thread.
    pub(super) fn journal(&mut self, tick: u64) {
        let mut frames = Vec::new();
        for login in self.logins.drain(..) {
            let mut payload = Vec::new();
            login.encode(&mut payload);
            frames.push((FrameKind::Login, payload));
        }
        if let Some(entry) = self.throttle.take_news(tick) {
            let mut payload = Vec::new();
            entry.encode(&mut payload);
            frames.push((FrameKind::Entry, payload));
        }
        if !self.records.is_empty() {
            let mut payload = Vec::new();
            self.entries.records(tick, &self.records, &mut payload);
            frames.push((FrameKind::Entry, payload));
        }
        if let Some(lease) = self.host.ask(tick) {
            frames.push((FrameKind::Lease, lease));
        }
        let is_checkpoint = self.is_checkpoint();
        if is_checkpoint || self.world.tick() % HASH_TICKS == HASH_TICKS / 2 {
            frames.push((FrameKind::Entry, self.state_hash(tick)));
        }
        if !frames.is_empty() {
            self.store.append(TickFrames { tick, frames });
        }
        if is_checkpoint {
            self.checkpoint();
        }
    }

    /// Whether a checkpoint follows this tick.
    fn is_checkpoint(&self) -> bool {
        let (every_s, rate_hz) = (self.config.checkpoint_s, self.config.tick_rate_hz);
        let ticks = u64::from(every_s) * u64::from(rate_hz);
        self.world.tick().is_multiple_of(ticks)
    }

    /// Keeps the newest durable state hash and those that will be; returns the durable tick.
    pub(super) fn forget_hashes(&mut self) -> u64 {
        let durable_tick = self.store.durable_tick();
        while self.hashes.get(1).is_some_and(|h| h.tick <= durable_tick) {
            self.hashes.pop_front();
        }
        durable_tick
    }

    /// The journal entry of the state after a tick.
    fn state_hash(&mut self, tick: u64) -> Vec<u8> {
        let hash = self.world.hash();
        self.newest_hash = (self.world.tick(), hash);
        self.forget_hashes();
        self.hashes.push_back(DurableHash { tick, hash });
        let mut payload = Vec::new();
        Entry::StateHash {
            tick: self.world.tick(),
            hash,
        }
        .encode(&mut payload);
        payload
    }

    fn checkpoint(&mut self) {
        self.checkpoint_tick = Some(self.world.tick());
        self.entries.begin();
        self.host.forget(crate::clock::now_s());
        self.store
            .checkpoint(self.world.tick(), self.host.encode(), self.world.save());
    }

    /// The last state hash and a checkpoint, on the disk.
    pub(super) fn finish(mut self) -> Result<(), ServerError> {
        if !self.store.has_failed() {
            self.save_last();
        }
        let closed = self.store.close();
        self.report();
        Ok(closed?)
    }

    /// What is there already is not written again: behind this tick's checkpoint its segment begins with the next
    /// tick, and a frame of this one would not be read back.
    fn save_last(&mut self) {
        let tick = self.world.tick();
        if self.checkpoint_tick == Some(tick) {
            self.newest_hash = (tick, self.world.hash());
            return;
        }
        if self.newest_hash.0 != tick {
            let entry = self.state_hash(tick - 1);
            let frames = vec![(FrameKind::Entry, entry)];
            self.store.append(TickFrames {
                tick: tick - 1,
                frames,
            });
        }
        self.host.rest();
        self.checkpoint();
    }
}
