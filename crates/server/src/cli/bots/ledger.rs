//! What one bot has been promised: inputs that the server said it had applied and put on the disk.

use std::collections::VecDeque;

use net_proto::SnapshotInfo;

/// An input that the server applied before a tick.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Applied {
    pub(super) seq: u32,
    pub(super) tick: u64,
}

/// Inputs that were applied and are not known to be durable.
#[derive(Default)]
pub(super) struct Ledger {
    waiting: VecDeque<Applied>,
    newest_seq: u32,
}

impl Ledger {
    /// Takes in a snapshot and hands out what it makes certain.
    ///
    /// Only the input that a snapshot names was certainly used: those before it may have been skipped. A snapshot of
    /// tick T shows what the ticks before T did, so what it names is durable with the frame of tick T − 1.
    pub(super) fn see(&mut self, info: &SnapshotInfo) -> impl Iterator<Item = Applied> {
        if info.last_input_seq > self.newest_seq {
            self.newest_seq = info.last_input_seq;
            self.waiting.push_back(Applied {
                seq: info.last_input_seq,
                tick: info.tick,
            });
        }
        let is_durable = |applied: &Applied| applied.tick <= info.durable_tick + 1;
        let certain = self.waiting.partition_point(is_durable);
        self.waiting.drain(..certain)
    }
}
