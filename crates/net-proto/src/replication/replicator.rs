//! One client's view, as the world's side knows it.

use spatial_core::EntityId;

use super::baselines::Baselines;
use super::cache::{From, Place, UpdateCache, Way, Ways, lane_of};
use super::motion::Motion;
use super::packer::{Of, Packer, update_bits_max};
use super::selection::{Candidate, NO_MEMBER, Selection, Waiting};
use super::snapshot::{Coding, Datagrams, Header, PARTS_MAX};
use super::state::EntityState;
use super::twin::Seen;
use crate::bits::BitSpan;
use crate::ids::Epoch;
use crate::limits::{DIGEST_ENTITIES_MAX, EPOCHS_ALIVE};

/// Decides what one client is sent, against which baseline.
///
/// It remembers which entities the client was sent at each epoch. What the client has of an acknowledged epoch is
/// then exactly the world's states of those entities, so deltas against them are shared by all who have them.
#[derive(Clone, Debug, Default)]
pub struct Replicator {
    coding: Coding,
    sent: [SentSet; EPOCHS_ALIVE],
    acknowledged: Option<Epoch>, // was sent; only ever rises
    own: Option<EntityId>,
    waiting: Waiting,
}

#[derive(Clone, Debug, Default)]
struct SentSet {
    epoch: Option<Epoch>,
    base: Option<Epoch>, // what it was written against
    rows: Vec<u32>,      // in the epoch's states, ascending by id; and IS_WHOLE
}

/// Of a row: it was written against nothing.
const IS_WHOLE: u32 = 1 << 31;

/// What one client is to see now.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotRequest<'a> {
    /// Rows of [`Baselines::current`], strictly ascending by id, the player's own among them. Beyond
    /// [`crate::WireColumns::entities_max`] the last are left out: who has to choose chooses before.
    pub visible: &'a [u32],
    /// How far away each of them is, decimetres: where not all fit, who is at 8 m is sent half as often as who is at none. All the same where there are none.
    pub distances_dm: &'a [u32],
    /// The number of the last input applied: [`crate::InputBuffer::applied_seq`].
    pub last_input_seq: u32,
    /// The newest tick whose records have been synced.
    pub durable_tick: u64,
    /// Datagrams at most, between epochs; who does not fit has the better claim to the next snapshot. The complete set of
    /// an epoch is always sent whole: part of it is worth little.
    pub datagrams_max: u8,
    /// Bytes at most, between epochs, nearly: [`crate::SendBudget`] knows how many.
    pub bytes_max: usize,
}

impl Default for SnapshotRequest<'_> {
    /// Nobody in view, no input, and four datagrams.
    fn default() -> Self {
        Self {
            visible: &[],
            distances_dm: &[],
            last_input_seq: 0,
            durable_tick: 0,
            datagrams_max: 4,
            bytes_max: usize::MAX,
        }
    }
}

/// What a snapshot came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PackStats {
    /// Updates written.
    pub updates: usize,
    /// Their bits, ids included.
    pub bits: usize,
    /// Of them, those that needed no baseline.
    pub absolute: usize,
    /// Updates that did not fit.
    pub deferred: usize,
}

impl Replicator {
    /// For a client that has nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// For a client with an entity of its own: whenever that has changed, it is in the snapshot.
    pub fn of(own: EntityId) -> Self {
        Self {
            own: Some(own),
            ..Self::default()
        }
    }

    /// The same, for a client that speaks a version of the protocol from [`crate::PROTOCOL_VERSION_OLDEST`] to [`crate::PROTOCOL_VERSION`].
    #[must_use]
    pub fn speaking(self, version: u16) -> Self {
        Self {
            coding: Coding::of_version(version),
            ..self
        }
    }

    /// The client says that it has an epoch complete. Returns whether that is news; what it was never sent, or what
    /// is older than it said before, is ignored.
    pub fn acknowledge(&mut self, epoch: Epoch) -> bool {
        let is_news = self.acknowledged < Some(epoch) && self.set(epoch).is_some();
        if is_news {
            self.acknowledged = Some(epoch);
        }
        is_news
    }

    /// The newest epoch that the client has acknowledged.
    pub fn acknowledged(&self) -> Option<Epoch> {
        self.acknowledged
    }

    /// Packs the snapshot of the world's tick into datagrams, replacing what `out` held.
    ///
    /// At a tick that begins an epoch it is the complete set of what is visible; between, only what differs from the
    /// acknowledged epoch; nothing of that makes one datagram without updates, which still carries the header.
    /// An entity that has moved away from its baseline and back within an epoch is corrected by the next.
    ///
    /// Costs about 9 ns an update that another client has had encoded, and some 25 where it is the first; allocates only when the buffers grow.
    /// Where one of the last eight clients sees the same and has acknowledged the same, it is a comparison and a copy.
    ///
    /// # Panics
    /// When rows are none, or there are distances of others than those.
    pub fn pack(
        &mut self,
        world: &Baselines,
        cache: &mut UpdateCache,
        request: &SnapshotRequest<'_>,
        out: &mut Datagrams,
    ) -> PackStats {
        let count_max = world.columns().entities_max();
        let visible = &request.visible[..request.visible.len().min(count_max)];
        let id_of = |row: &u32| world.current()[*row as usize].id();
        let is_sorted = || visible.is_sorted_by(|a, b| id_of(a) < id_of(b));
        debug_assert!(is_sorted(), "ids ascend strictly");
        let distances_dm = request.distances_dm;
        let is_measured = distances_dm.len() == request.visible.len();
        assert!(is_measured || distances_dm.is_empty(), "a distance a row");
        cache.follow(world);
        let starting = Epoch::starting_at(world.tick());
        let base = self.baseline(world, starting);
        let header = self.header(world, base.as_ref(), request);
        let (datagrams_max, bits_max) = match starting {
            Some(_) => (PARTS_MAX, usize::MAX),
            None => (
                usize::from(request.datagrams_max.max(1)),
                self.bits_max(request),
            ),
        };
        let seen = Seen {
            header: &header,
            datagrams_max,
            bits_max,
            visible,
            sent: base.as_ref().map_or(&[], |base| base.sent),
            back: base.as_ref().map_or(0, |base| base.back),
        };
        if let Some((stats, set)) = cache.twins.tell(&seen, out) {
            if let Some(epoch) = starting {
                self.remember(epoch, header.baseline, set);
            }
            self.waiting.clear();
            cache.count(stats.updates);
            return stats;
        }
        let mut selection = core::mem::take(&mut cache.selection);
        let gathering = Gathering {
            world,
            base: base.as_ref(),
            coding: self.coding,
        };
        gathering.gather(cache, (visible, distances_dm), &mut selection);
        let set = match starting {
            Some(_) => &selection.candidates[..],
            None => &[],
        };
        (cache.twins).begin(&seen, (selection.likely_bits(), set));
        if let Some(epoch) = starting {
            self.remember(epoch, header.baseline, set);
            self.waiting.clear();
        }
        let writing = Writing {
            world,
            own: self.own,
            header,
            datagrams_max,
            bits_max,
        };
        let stats = writing.write((cache, &mut selection), &mut self.waiting, out);
        out.number_parts();
        cache.twins.end(out, stats);
        cache.count(stats.updates);
        cache.selection = selection;
        stats
    }

    /// Up to [`DIGEST_ENTITIES_MAX`] entities of the newest acknowledged epoch, for a digest; `pick` says which.
    /// None when no acknowledged epoch is alive.
    pub fn digest(&self, world: &Baselines, pick: u64) -> Option<(Epoch, Vec<EntityState>)> {
        let epoch = self.acknowledged?;
        let (states, set) = (world.states_at(epoch)?, self.set(epoch)?);
        let count = set.rows.len().min(DIGEST_ENTITIES_MAX);
        let stride = set.rows.len() / count.max(1);
        let first = usize::try_from(pick % set.rows.len().max(1) as u64).unwrap_or(0);
        let row = |n: usize| set.rows[(first + n * stride) % set.rows.len()] & !IS_WHOLE;
        let entities = (0..count).map(|n| states[row(n) as usize]);
        Some((epoch, entities.collect()))
    }

    /// The newest acknowledged epoch, if it can still serve.
    fn baseline<'a>(
        &'a self,
        world: &'a Baselines,
        starting: Option<Epoch>,
    ) -> Option<Baseline<'a>> {
        let epoch = self.acknowledged.filter(|&epoch| Some(epoch) != starting)?;
        let set = self.set(epoch)?;
        let back = set.base.map_or(0, |base| epoch.number() - base.number());
        Some(Baseline {
            epoch,
            back,
            states: world.states_at(epoch)?,
            motions: match back {
                0 => &[],
                back => world.motions_at(epoch, back),
            },
            rows: world.rows_at(epoch),
            sent: &set.rows,
        })
    }

    fn set(&self, epoch: Epoch) -> Option<&SentSet> {
        let set = &self.sent[epoch.slot(EPOCHS_ALIVE)];
        (set.epoch == Some(epoch)).then_some(set)
    }

    /// At a tick that begins an epoch, rows now are rows of the epoch.
    fn remember(&mut self, epoch: Epoch, base: Option<Epoch>, all: &[Candidate]) {
        let set = &mut self.sent[epoch.slot(EPOCHS_ALIVE)];
        set.epoch = Some(epoch);
        set.base = base;
        set.rows.clear();
        set.rows.extend(all.iter().map(|candidate| {
            let is_whole = candidate.member == NO_MEMBER;
            candidate.row | if is_whole { IS_WHOLE } else { 0 }
        }));
    }

    fn header(
        &self,
        world: &Baselines,
        base: Option<&Baseline<'_>>,
        request: &SnapshotRequest<'_>,
    ) -> Header {
        let lag = world.tick().saturating_sub(request.durable_tick);
        Header {
            coding: self.coding,
            tick: world.tick(),
            baseline: base.map(|base| base.epoch),
            part: 0,
            parts: 0,
            last_input_seq: request.last_input_seq,
            durable_lag: u16::try_from(lag).unwrap_or(u16::MAX),
            updates: 0,
            whole: 0,
        }
    }

    /// Bits for updates, between epochs.
    fn bits_max(&self, request: &SnapshotRequest<'_>) -> usize {
        let datagrams = usize::from(request.datagrams_max.max(1)) * update_bits_max(self.coding);
        let bytes = request.bytes_max.saturating_sub(self.coding.header_bytes());
        datagrams.min(bytes.saturating_mul(8))
    }
}

/// Writes the updates that a client is sent.
struct Writing<'a> {
    world: &'a Baselines,
    own: Option<EntityId>,
    header: Header,
    datagrams_max: usize,
    bits_max: usize,
}

impl Writing<'_> {
    /// Writes what is gathered, or the most important of it; the rest waits.
    fn write(
        &self,
        (cache, selection): (&UpdateCache, &mut Selection),
        waiting: &mut Waiting,
        out: &mut Datagrams,
    ) -> PackStats {
        let of = (|row| self.id_of(row), self.own);
        let likely = selection.likely_bits();
        let mut room = self.bits_max.min(likely);
        let mut is_choice = likely > room;
        let stats = loop {
            if is_choice {
                selection.choose((room, self.world.tick()), waiting, of);
            }
            let mut packer = Packer::new(out, self.header, self.datagrams_max);
            let over = self.fill(cache, selection, &mut packer);
            if over == 0 || room == 0 {
                break packer.finish();
            }
            // They were likely to fit. Leaving out the last would starve them.
            room = room.saturating_sub(over);
            is_choice = true;
        };
        let deferred = selection.candidates.len() - stats.updates;
        match deferred {
            0 => waiting.clear(),
            _ => selection.wait(waiting, of),
        }
        PackStats { deferred, ..stats }
    }

    fn id_of(&self, row: u32) -> EntityId {
        self.world.current()[row as usize].id()
    }

    /// Writes who is chosen; returns about how many bits more that would have taken.
    fn fill(&self, cache: &UpdateCache, selection: &Selection, packer: &mut Packer<'_>) -> usize {
        let chosen = || selection.candidates.iter().filter(|c| c.is_chosen);
        // Version 2 knows no members. In version 3 they come first.
        let is_known = self.header.coding == Coding::Predicted;
        let mut over = 0;
        if is_known {
            for candidate in chosen().filter(|candidate| candidate.member != NO_MEMBER) {
                let of = Of::Member(candidate.member);
                over += push(packer, of, cache.bits(candidate.place));
            }
        }
        if is_known && selection.whole() == 0 {
            return over;
        }
        for candidate in chosen().filter(|c| !is_known || c.member == NO_MEMBER) {
            let of = Of::Id(self.id_of(candidate.row));
            over += push(packer, of, cache.bits(candidate.place));
        }
        over
    }
}

/// Writes an update, or returns what it takes.
#[inline]
fn push(packer: &mut Packer<'_>, of: Of, update: BitSpan<'_>) -> usize {
    match packer.push(of, update) {
        true => 0,
        false => update.bit_count() as usize,
    }
}

/// An acknowledged epoch, and who was in the client's set of it.
struct Baseline<'a> {
    epoch: Epoch,
    back: u32, // epochs from it to what its set was written against; 0: nothing
    states: &'a [EntityState],
    motions: &'a [Option<Motion>],
    rows: &'a [u32],
    sent: &'a [u32],
}

impl Baseline<'_> {
    /// The place in the client's set of who is at a row now, if it is there, and its row in the epoch's states. `next` moves on behind it: rows
    /// are asked for in the order of ids.
    #[inline]
    fn member(&self, row: u32, next: &mut usize) -> Option<(usize, u32)> {
        let base_row = self.rows[row as usize];
        if self.sent_row(*next)? != base_row {
            // Somebody has come or gone. Of who was not there the row is beyond all.
            let id = self.states.get(base_row as usize)?.id();
            let id_of = |sent: u32| self.states[sent as usize].id();
            while id_of(self.sent_row(*next)?) < id {
                *next += 1;
            }
            if self.sent_row(*next)? != base_row {
                return None;
            }
        }
        *next += 1;
        Some((*next - 1, base_row))
    }

    /// Of a place in the client's set, the row in the epoch's states.
    #[inline]
    fn sent_row(&self, member: usize) -> Option<u32> {
        self.sent.get(member).map(|sent| sent & !IS_WHOLE)
    }

    /// Where a member was, and how it is known to move.
    fn from(&self, base_row: u32, is_resting: bool) -> From {
        let motion = self.motions.get(base_row as usize).copied().flatten();
        From {
            state: self.states[base_row as usize],
            motion: motion.filter(|_| !is_resting).unwrap_or(Motion::REST),
            row: base_row,
        }
    }
}

/// Collects the updates that a client may be sent.
struct Gathering<'a> {
    world: &'a Baselines,
    base: Option<&'a Baseline<'a>>,
    coding: Coding,
}

impl Gathering<'_> {
    fn gather(
        &self,
        cache: &mut UpdateCache,
        (visible, distances_dm): (&[u32], &[u32]),
        selection: &mut Selection,
    ) {
        let ways = self.ways();
        cache.open(ways, self.world.current().len());
        selection.begin();
        let lanes = [lane_of(ways, 1), lane_of(ways, 2)];
        let mut next = 0;
        for (n, &row) in visible.iter().enumerate() {
            let found = self.base.and_then(|base| {
                let (member, base_row) = base.member(row, &mut next)?;
                let is_resting = base.sent[member] & IS_WHOLE != 0;
                let moves = usize::from(!is_resting);
                let key = (ways[1 + moves], lanes[moves], row);
                let from = || base.from(base_row, is_resting);
                let place = cache.place(self.world, key, from);
                (place != Place::ELSEWHERE).then_some((member, place))
            });
            let (member, place) = match found {
                Some((member, place)) => (u32::try_from(member).unwrap_or(NO_MEMBER), place),
                None => (NO_MEMBER, cache.whole(self.world, (ways[0], row))),
            };
            if place != Place::SAME {
                selection.push(Candidate {
                    row,
                    member,
                    place,
                    distance_dm: distances_dm.get(n).copied().unwrap_or(0),
                    is_chosen: true,
                });
            }
        }
        cache.close(ways);
    }

    /// How updates of nobody's, of a resting and of a moving member's are written.
    fn ways(&self) -> Ways {
        let whole = match self.coding {
            Coding::Plain => Way::Absolute,
            Coding::Predicted => Way::Whole,
        };
        let Some(base) = self.base else {
            return [whole; 3];
        };
        let member = |back| match self.coding {
            Coding::Plain => Way::Delta(base.epoch),
            Coding::Predicted => Way::Member(base.epoch, back),
        };
        [whole, member(0), member(base.back)]
    }
}
