//! One client's view, as the world's side knows it.

use spatial_core::EntityId;

use super::baselines::{ABSENT, Baselines};
use super::cache::UpdateCache;
use super::snapshot::{Datagrams, HEADER_BYTES, Header, IdGap, PARTS_MAX, UPDATES_OFFSET};
use super::state::{EntityState, encode_unchanged};
use crate::bits::{BitSpan, BitWriter};
use crate::ids::Epoch;
use crate::limits::{DATAGRAM_BYTES_MAX, DIGEST_ENTITIES_MAX, ENTITIES_MAX, EPOCHS_ALIVE};

/// Decides what one client is sent, against which baseline.
///
/// It remembers which entities the client was sent at each epoch. What the client has of an acknowledged epoch is
/// then exactly the world's states of those entities, so deltas against them are shared by all who have them.
#[derive(Clone, Debug, Default)]
pub struct Replicator {
    sent: [SentSet; EPOCHS_ALIVE],
    acknowledged: Option<Epoch>, // was sent; only ever rises
    own: Option<EntityId>,
    resume: EntityId, // the first that did not fit between epochs; what comes after it has waited longest
}

#[derive(Clone, Debug, Default)]
struct SentSet {
    epoch: Option<Epoch>,
    rows: Vec<u32>, // in the epoch's states, ascending
}

/// What one client is to see now.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotRequest<'a> {
    /// Rows of [`Baselines::current`], strictly ascending, the player's own among them. Beyond [`ENTITIES_MAX`] the
    /// last are left out: who has to choose chooses before.
    pub visible: &'a [u32],
    /// The number of the last input applied: [`crate::InputBuffer::applied_seq`].
    pub last_input_seq: u32,
    /// The newest tick whose records have been synced.
    pub durable_tick: u64,
    /// Datagrams at most, between epochs; what does not fit comes first in the next snapshot. The complete set of
    /// an epoch is always sent whole: part of it is worth little.
    pub datagrams_max: u8,
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

    /// For a client with an entity of its own: whenever that has changed, it is in the first datagram.
    pub fn of(own: EntityId) -> Self {
        Self {
            own: Some(own),
            ..Self::default()
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
    /// Costs about 45 ns an update while four clients share each; allocates only when the buffers grow.
    ///
    /// # Panics
    /// When rows do not ascend or are none.
    pub fn pack(
        &mut self,
        world: &Baselines,
        cache: &mut UpdateCache,
        request: &SnapshotRequest<'_>,
        out: &mut Datagrams,
    ) -> PackStats {
        let visible = &request.visible[..request.visible.len().min(ENTITIES_MAX)];
        assert!(visible.is_sorted_by(|a, b| a < b), "rows ascend strictly");
        cache.follow(world);
        let starting = Epoch::starting_at(world.tick());
        let base = self.baseline(world, starting);
        let datagrams_max = if starting.is_some() {
            PARTS_MAX
        } else {
            usize::from(request.datagrams_max.max(1))
        };
        let packer = Packer::new(out, request_header(world, &base, request), datagrams_max);
        let mut source = Source { world, cache, base };
        let stats = if let Some(epoch) = starting {
            let stats = pack_complete(&mut source, visible, packer);
            self.remember(epoch, visible);
            stats
        } else {
            let (stats, resume) =
                pack_changes(&mut source, visible, (self.own, self.resume), packer);
            self.resume = resume;
            stats
        };
        out.number_parts();
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
        let entity = |n: usize| states[set.rows[(first + n * stride) % set.rows.len()] as usize];
        Some((epoch, (0..count).map(entity).collect()))
    }

    /// The newest acknowledged epoch, if it can still serve.
    fn baseline<'a>(
        &'a self,
        world: &'a Baselines,
        starting: Option<Epoch>,
    ) -> Option<Baseline<'a>> {
        let epoch = self.acknowledged.filter(|&epoch| Some(epoch) != starting)?;
        Some(Baseline {
            epoch,
            states: world.states_at(epoch)?,
            rows: world.rows_at(epoch),
            sent: &self.set(epoch)?.rows,
        })
    }

    fn set(&self, epoch: Epoch) -> Option<&SentSet> {
        let set = &self.sent[epoch.slot(EPOCHS_ALIVE)];
        (set.epoch == Some(epoch)).then_some(set)
    }

    /// At a tick that begins an epoch, rows now are rows of the epoch.
    fn remember(&mut self, epoch: Epoch, visible: &[u32]) {
        let set = &mut self.sent[epoch.slot(EPOCHS_ALIVE)];
        set.epoch = Some(epoch);
        set.rows.clear();
        set.rows.extend_from_slice(visible);
    }
}

/// An acknowledged epoch, and who was in the client's set of it.
struct Baseline<'a> {
    epoch: Epoch,
    states: &'a [EntityState],
    rows: &'a [u32],
    sent: &'a [u32],
}

impl<'a> Baseline<'a> {
    /// The state that the client has of a row, if it can be a baseline: same entity, same frame.
    fn of(&self, world: &Baselines, row: u32) -> Option<&'a EntityState> {
        let base_row = self.rows[row as usize];
        if base_row == ABSENT || self.sent.binary_search(&base_row).is_err() {
            return None;
        }
        let base = &self.states[base_row as usize];
        (base.frame() == world.current()[row as usize].frame()).then_some(base)
    }
}

/// Everything visible, ascending by id.
fn pack_complete(source: &mut Source<'_>, visible: &[u32], mut packer: Packer<'_>) -> PackStats {
    let unchanged = encode_unchanged();
    for &row in visible {
        let id = source.world.current()[row as usize].id();
        let update = source.change(row).unwrap_or(Change {
            bits: unchanged.span(),
            is_absolute: false,
        });
        packer.push(id, update); // the parts suffice: see LONGEST_UPDATE_BITS
    }
    packer.finish()
}

/// What has changed, in a circle from `resume` on; returns where the circle was cut, to go on there next time: whoever
/// waits comes first then, so nobody starves. Each turn of the circle is a datagram of its own, for ids ascend:
///
/// ```text
/// ids              1 ─────────── resume ─────────────► last
/// first datagrams                  ├─────────────────────┤
/// last datagrams   ├───────────────┤
/// ```
/// The own entity, if it has changed, leads when it is before `resume`; otherwise room is kept for it until its turn or
/// the cut.
fn pack_changes(
    source: &mut Source<'_>,
    visible: &[u32],
    (own, resume): (Option<EntityId>, EntityId),
    mut packer: Packer<'_>,
) -> (PackStats, EntityId) {
    let states = source.world.current();
    let id_of = |row: u32| states[row as usize].id();
    let (later, sooner) = visible.split_at(visible.partition_point(|&row| id_of(row) < resume));
    let own = own.and_then(|own| source.world.row(own));
    let own = own.filter(|row| visible.binary_search(row).is_ok());
    let room = own.and_then(|row| source.change(row).map(|change| change.bits.bit_count()));
    let mut done = own.filter(|&row| id_of(row) < resume);
    if let Some(own) = done {
        source.push(&mut packer, own);
    } else {
        packer.reserved_bits = room.map_or(0, |bits| (ID_BITS_MAX + bits) as usize);
    }
    let mut cut = None;
    for &row in sooner.iter().chain(later) {
        if done == Some(row) {
            continue;
        }
        if own == Some(row) {
            packer.reserved_bits = 0;
        }
        if cut.is_some() {
            packer.stats.deferred += usize::from(source.change(row).is_some());
        } else if !source.push(&mut packer, row) {
            cut = Some(id_of(row));
            packer.stats.deferred += 1;
            if packer.reserved_bits > 0 {
                packer.reserved_bits = 0;
                done = own.filter(|&own| source.push(&mut packer, own));
            }
        }
    }
    (packer.finish(), cut.unwrap_or(EntityId(0)))
}

/// Where updates come from.
struct Source<'a> {
    world: &'a Baselines,
    cache: &'a mut UpdateCache,
    base: Option<Baseline<'a>>,
}

/// An update that says something new.
#[derive(Clone, Copy)]
struct Change<'a> {
    bits: BitSpan<'a>,
    is_absolute: bool,
}

impl Source<'_> {
    /// How a row differs from its baseline; `None` where it does not.
    fn change(&mut self, row: u32) -> Option<Change<'_>> {
        let base = self.base.as_ref();
        let base = base.and_then(|base| Some((base.epoch, base.of(self.world, row)?)));
        let (bits, is_absolute) = match base {
            Some((_, state)) if *state == self.world.current()[row as usize] => return None,
            Some(base) => (self.cache.delta(self.world, row, base), false),
            None => (self.cache.absolute(self.world, row), true),
        };
        Some(Change { bits, is_absolute })
    }

    /// Writes a row's change, if there is one. False when it does not fit.
    fn push(&mut self, packer: &mut Packer<'_>, row: u32) -> bool {
        let id = self.world.current()[row as usize].id();
        self.change(row)
            .is_none_or(|change| packer.push(id, change))
    }
}

fn request_header(
    world: &Baselines,
    base: &Option<Baseline<'_>>,
    request: &SnapshotRequest<'_>,
) -> Header {
    let lag = world.tick().saturating_sub(request.durable_tick);
    Header {
        tick: world.tick(),
        baseline: base.as_ref().map(|base| base.epoch),
        part: 0,
        parts: 0,
        last_input_seq: request.last_input_seq,
        durable_lag: u16::try_from(lag).unwrap_or(u16::MAX),
        updates: 0,
    }
}

/// Fills datagrams one after the other.
struct Packer<'a> {
    writer: BitWriter<'a>,
    ends: &'a mut Vec<usize>,
    header: Header,
    datagrams_max: usize,
    reserved_bits: usize, // of the open datagram and every later one, for an update that has not come yet
    open: Open,
    stats: PackStats,
}

/// The datagram being filled.
#[derive(Default)]
struct Open {
    start_byte: usize,
    start_bit: usize, // the writer's count where the updates begin
    updates: u16,
    last_id: u64,
}

impl<'a> Packer<'a> {
    fn new(out: &'a mut Datagrams, header: Header, datagrams_max: usize) -> Self {
        let (bytes, ends) = out.refill();
        let mut packer = Self {
            writer: BitWriter::new(bytes),
            ends,
            header,
            datagrams_max,
            reserved_bits: 0,
            open: Open::default(),
            stats: PackStats::default(),
        };
        packer.begin();
        packer
    }

    /// Writes an update, in a new datagram when the open one is full or its ids are past this one. False when there
    /// may be no more datagrams.
    fn push(&mut self, id: EntityId, change: Change<'_>) -> bool {
        let mut gap = (id.0 > self.open.last_id).then(|| IdGap::new(self.open.last_id, id));
        gap = gap.filter(|gap| self.fits(*gap, change.bits));
        if gap.is_none() {
            if self.ends.len() + 1 >= self.datagrams_max {
                return false;
            }
            self.end();
            self.begin();
        }
        let gap = gap.unwrap_or_else(|| IdGap::new(0, id));
        gap.write(&mut self.writer);
        self.writer.copy_bits(change.bits);
        self.open.last_id = id.0;
        self.open.updates += 1;
        self.stats.updates += 1;
        self.stats.absolute += usize::from(change.is_absolute);
        self.stats.bits += (gap.bit_count() + change.bits.bit_count()) as usize;
        true
    }

    fn finish(mut self) -> PackStats {
        self.end();
        self.stats
    }

    fn fits(&self, id: IdGap, update: BitSpan<'_>) -> bool {
        let used = self.writer.bit_count() - self.open.start_bit + self.reserved_bits;
        used + (id.bit_count() + update.bit_count()) as usize <= UPDATE_BITS_MAX
    }

    fn begin(&mut self) {
        let bytes = self.writer.align();
        let start_byte = bytes.len();
        self.header.encode(bytes);
        self.open = Open {
            start_byte,
            start_bit: self.writer.bit_count(),
            ..Open::default()
        };
    }

    fn end(&mut self) {
        let bytes = self.writer.align();
        let field = self.open.start_byte + UPDATES_OFFSET;
        bytes[field..field + 2].copy_from_slice(&self.open.updates.to_le_bytes());
        self.ends.push(bytes.len());
    }
}

const UPDATE_BITS_MAX: usize = 8 * (DATAGRAM_BYTES_MAX - HEADER_BYTES);
/// Bits of an id at most.
const ID_BITS_MAX: u32 = 66;
/// An id, and an absolute update: a complete set fits the parts that can be numbered.
const LONGEST_UPDATE_BITS: usize = ID_BITS_MAX as usize + 2 + 7 + 63 + 69 + 8;
const _: () = assert!(ENTITIES_MAX / (UPDATE_BITS_MAX / LONGEST_UPDATE_BITS) < PARTS_MAX);
