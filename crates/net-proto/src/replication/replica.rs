//! What a client knows of the world.

use std::sync::Arc;

use spatial_core::EntityId;

use super::columns::WireColumns;
use super::epoch_sets::{Assembled, EpochSets};
use super::member::{self, MemberGap};
use super::motion::Motion;
use super::snapshot::{Coding, Header, IdGap};
use super::state::{EntityState, Update, decode_whole};
use crate::bits::BitReader;
use crate::control::Digest;
use crate::error::WireError;
use crate::ids::Epoch;
use crate::limits::ENTITIES_MAX;

/// The entities in a client's view, from snapshots that may be lost, doubled or late.
///
/// Memory is bounded: at most [`ENTITIES_MAX`] entities, and as many in each of four epochs: about 5 MB in all, and 0.6 MB for each shared lane.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    coding: Coding,
    columns: Arc<WireColumns>,
    skims: bool,
    tracked: Vec<Tracked>, // strictly ascending by id
    codes: Vec<u64>,       // of each of them, as many as there are shared lanes
    epochs: EpochSets,
    newest_complete: Option<Epoch>,
    newest: Option<SnapshotInfo>,
    stats: ReplicaStats,
    scratch: Assembled,
}

/// An entity in view: its newest state, and the one before that, to draw it between the two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tracked {
    /// The newest state.
    pub state: EntityState,
    /// The tick of `state`.
    pub tick: u64,
    /// The state before it; equal to it when there was none.
    pub previous: EntityState,
    /// The tick of `previous`, at most `tick`.
    pub previous_tick: u64,
}

/// What a snapshot said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotInfo {
    /// Its tick.
    pub tick: u64,
    /// The number of the last input that the server had applied; 0 before the first.
    pub last_input_seq: u32,
    /// The newest durable tick, if less than 65,535 ticks old.
    pub durable_tick: u64,
    /// Updates in the datagram.
    pub updates: usize,
    /// Of them, those that could not be applied because the epoch they refer to is not complete here.
    pub dropped: usize,
    /// Of them, those of entities whose state at this very tick was here before. An honest server says nothing
    /// twice, and QUIC does not double datagrams.
    pub repeated: usize,
    /// The epoch that this datagram completed.
    pub completed: Option<Epoch>,
    /// Whether no datagram of a later tick had come before.
    pub is_newest: bool,
}

/// Counters of a replica since its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReplicaStats {
    /// Snapshot datagrams.
    pub datagrams: u64,
    /// Of them, those that came after one of a later tick.
    pub late: u64,
    /// Updates.
    pub updates: u64,
    /// Updates that could not be applied because the epoch they refer to is not complete here.
    pub dropped: u64,
    /// Epochs completed.
    pub completed: u64,
}

/// Whether a digest agrees with what the client had at its epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DigestVerdict {
    /// Every entity is as the server says.
    Match,
    /// So many entities are absent, or in another state.
    Mismatch(usize),
    /// The epoch is not complete here, not kept any more, or was only noted.
    Unknown,
}

impl Replica {
    /// A view of nothing, of a world that tells of place and heading alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// A view of nothing, of a world with these columns.
    pub fn with_columns(columns: Arc<WireColumns>) -> Self {
        Self {
            columns,
            ..Self::default()
        }
    }

    /// The same, of a server that speaks this version of the protocol; of version 2 nothing comes but place and heading.
    #[must_use]
    pub fn speaking(self, version: u16) -> Self {
        Self {
            coding: Coding::of_version(version),
            ..self
        }
    }

    /// The same, which notes what has come without reading of whom it tells: nobody is ever in view. What it acknowledges is what one that reads
    /// would, so to a server they are the same. For loads of many clients; bytes that are no legal snapshot go unnoticed beyond their header.
    #[must_use]
    pub fn skimming(self) -> Self {
        Self {
            skims: true,
            ..self
        }
    }

    /// Whether it only notes what has come. What comes in version 2 is read.
    pub fn skims(&self) -> bool {
        self.skims && self.coding == Coding::Predicted
    }

    /// The columns that are told of.
    pub fn columns(&self) -> &WireColumns {
        &self.columns
    }

    /// The codes of an entity's shared lanes, as of its newest state. Costs a binary search.
    pub fn codes(&self, id: EntityId) -> Option<&[u64]> {
        let row = self.find(id).ok()?;
        let lanes = self.columns.shared_lanes();
        Some(&self.codes[row * lanes..][..lanes])
    }

    /// Takes a datagram.
    ///
    /// Updates that are older than what is known are ignored; updates against an epoch that is not here are
    /// counted and dropped; neither is an error. Costs about 120 ns an update.
    ///
    /// # Errors
    /// [`WireError`] when the bytes are not a legal snapshot; the view is then as it was.
    pub fn handle_snapshot(&mut self, bytes: &[u8]) -> Result<SnapshotInfo, WireError> {
        let mut states = core::mem::take(&mut self.scratch);
        let info = self.take(bytes, &mut states);
        self.scratch = states;
        info
    }

    /// The epoch to acknowledge: the newest of which every part has come.
    pub fn newest_complete(&self) -> Option<Epoch> {
        self.newest_complete
    }

    /// All entities in view, ascending by id.
    pub fn tracked(&self) -> &[Tracked] {
        &self.tracked
    }

    /// An entity in view. Costs a binary search.
    pub fn get(&self, id: EntityId) -> Option<&Tracked> {
        self.find(id).ok().map(|row| &self.tracked[row])
    }

    /// The complete set of an epoch, ascending by id, while it is kept.
    pub fn epoch_set(&self, epoch: Epoch) -> Option<&[EntityState]> {
        self.epochs.complete(epoch)
    }

    /// What the newest snapshot said.
    pub fn newest(&self) -> Option<&SnapshotInfo> {
        self.newest.as_ref()
    }

    /// Counters since the start.
    pub fn stats(&self) -> ReplicaStats {
        self.stats
    }

    /// Compares a digest with the set of its epoch.
    pub fn verify_digest(&self, digest: &Digest) -> DigestVerdict {
        let set = self.epochs.complete(digest.epoch);
        let Some(set) = set.filter(|_| !self.skims()) else {
            return DigestVerdict::Unknown;
        };
        let is_wrong = |entity: &&EntityState| EpochSets::baseline(set, entity.id()) != Ok(*entity);
        match digest.entities.iter().filter(is_wrong).count() {
            0 => DigestVerdict::Match,
            wrong => DigestVerdict::Mismatch(wrong),
        }
    }

    fn take(&mut self, bytes: &[u8], states: &mut Assembled) -> Result<SnapshotInfo, WireError> {
        let (header, reader) = Header::decode(bytes)?;
        if header.coding != self.coding {
            return Err(WireError::Kind(header.coding.kind()));
        }
        states.clear();
        let dropped = match header.coding {
            _ if self.skims() => self.missing(&header),
            Coding::Plain => self.decode_plain(&header, reader, states)?,
            Coding::Predicted => self.decode_predicted(&header, reader, states)?,
        };
        self.check_room(header.tick, &states.entities)?;
        let completed = match Epoch::starting_at(header.tick) {
            Some(epoch) if dropped == 0 => {
                self.epochs.add(epoch, &header, states)?.then_some(epoch)
            }
            _ => None,
        };
        let mut repeated = 0;
        for (state, codes) in states.each(self.columns.shared_lanes()) {
            repeated += usize::from(self.update(header.tick, state, codes));
        }
        if let Some(epoch) = completed {
            self.complete(epoch);
        }
        let newest_tick = self.newest.map_or(0, |newest| newest.tick);
        let info = SnapshotInfo {
            tick: header.tick,
            last_input_seq: header.last_input_seq,
            durable_tick: header.tick.saturating_sub(u64::from(header.durable_lag)),
            updates: usize::from(header.updates) + usize::from(header.whole),
            dropped,
            repeated,
            completed,
            is_newest: header.tick >= newest_tick,
        };
        self.count(&info);
        Ok(info)
    }

    /// Reads all updates of version 2 and applies them to their baselines; returns how many had none. Changes nothing.
    fn decode_plain(
        &self,
        header: &Header,
        mut reader: BitReader<'_>,
        states: &mut Assembled,
    ) -> Result<usize, WireError> {
        let set = header.baseline.map(|epoch| self.epochs.complete(epoch));
        let (mut id, mut dropped) = (0, 0);
        for _ in 0..header.updates {
            let entity = IdGap::read(&mut reader, id)?;
            id = entity.0;
            let state = match (Update::decode(&mut reader, entity)?, set) {
                (Update::Absolute(state), _) => state,
                (_, None) => return Err(WireError::Field("baseline")),
                (_, Some(None)) => {
                    dropped += 1;
                    continue;
                }
                (update, Some(Some(set))) => update.apply(EpochSets::baseline(set, entity)?)?,
            };
            states.entities.push((state, Motion::REST));
            let blank = states.codes.len() + self.columns.shared_lanes();
            states.codes.resize(blank, 0); // it does not tell
        }
        reader.finish()?;
        Ok(dropped)
    }

    /// The same for the version that is spoken.
    fn decode_predicted(
        &self,
        header: &Header,
        mut reader: BitReader<'_>,
        states: &mut Assembled,
    ) -> Result<usize, WireError> {
        let dropped = match header.baseline {
            None if header.updates > 0 => return Err(WireError::Field("baseline")),
            None => 0,
            Some(epoch) => self.decode_members((header, epoch), &mut reader, states)?,
        };
        let mut id = 0;
        for _ in 0..header.whole {
            let entity = IdGap::read(&mut reader, id)?;
            id = entity.0;
            let state = decode_whole(&mut reader, entity)?;
            states.entities.push((state, Motion::REST));
            self.columns.read_whole(&mut reader, &mut states.codes)?;
        }
        reader.finish()?;
        Ok(dropped)
    }

    fn decode_members(
        &self,
        (header, epoch): (&Header, Epoch),
        reader: &mut BitReader<'_>,
        states: &mut Assembled,
    ) -> Result<usize, WireError> {
        let Some(set) = self.epochs.set(epoch) else {
            for _ in 0..header.updates {
                MemberGap::read(reader, 0)?;
                member::skip(reader)?;
                self.columns.skip_changes(reader)?;
            }
            return Ok(usize::from(header.updates));
        };
        let ticks = epoch.age(header.tick);
        let since = Epoch::starting_at(header.tick).map(|now| now.number() - epoch.number());
        let (mut next, lanes) = (0, self.columns.shared_lanes());
        for _ in 0..header.updates {
            let place = MemberGap::read(reader, next)?;
            let base = set.states.get(place).ok_or(WireError::Field("member"))?;
            next = place + 1;
            let state = member::decode(reader, base, (set.motions[place], ticks))?;
            let motion = since.and_then(|epochs| Motion::between(base, &state, epochs));
            states
                .entities
                .push((state, motion.unwrap_or(Motion::REST)));
            let were = set.codes(place, lanes);
            self.columns.read_changes(reader, were, &mut states.codes)?;
        }
        Ok(0)
    }

    /// How many updates refer to what is not here.
    fn missing(&self, header: &Header) -> usize {
        let base = header.baseline.map(|epoch| self.epochs.complete(epoch));
        match base {
            Some(None) => header.updates.into(),
            _ => 0,
        }
    }

    fn check_room(&self, tick: u64, states: &[(EntityState, Motion)]) -> Result<(), WireError> {
        let is_new = |(state, _): &&(EntityState, Motion)| self.find(state.id()).is_err();
        let room = ENTITIES_MAX - self.tracked.len();
        // Counting is only needed near the bound, which honest servers stay far below.
        let fits = states.len() <= room
            || !self.may_enter(tick)
            || states.iter().filter(is_new).count() <= room;
        if fits {
            Ok(())
        } else {
            Err(WireError::TooManyEntities)
        }
    }

    /// Takes in a state and its codes; whether one of its tick was here before.
    fn update(&mut self, tick: u64, state: &EntityState, codes: &[u64]) -> bool {
        let lanes = codes.len();
        match self.find(state.id()) {
            Ok(row) => {
                let tracked = &mut self.tracked[row];
                let is_repeated = tracked.tick == tick;
                if tracked.update(tick, state) {
                    self.codes[row * lanes..][..lanes].copy_from_slice(codes);
                }
                return is_repeated;
            }
            Err(row) if self.may_enter(tick) => {
                self.tracked.insert(row, Tracked::new(tick, state));
                let at = row * lanes;
                self.codes.splice(at..at, codes.iter().copied());
            }
            Err(_) => {}
        }
        false
    }

    /// Whether an unknown entity in a snapshot of a tick is one that came into view: before the newest complete set
    /// it may as well be one that has left.
    fn may_enter(&self, tick: u64) -> bool {
        self.newest_complete
            .is_none_or(|newest| tick > newest.tick())
    }

    /// An epoch has become complete: what is not in it has left, unless it came after.
    fn complete(&mut self, epoch: Epoch) {
        if self.newest_complete > Some(epoch) {
            return;
        }
        self.newest_complete = Some(epoch);
        let set = self.epochs.complete(epoch).unwrap_or_default();
        let mut rest = set.iter().peekable();
        let lanes = self.columns.shared_lanes();
        let mut kept = 0;
        for row in 0..self.tracked.len() {
            let id = self.tracked[row].state.id();
            while rest.next_if(|state| state.id() < id).is_some() {}
            let is_there = rest.peek().is_some_and(|state| state.id() == id);
            if self.tracked[row].tick > epoch.tick() || is_there {
                self.tracked[kept] = self.tracked[row];
                let codes = row * lanes..(row + 1) * lanes;
                self.codes.copy_within(codes, kept * lanes);
                kept += 1;
            }
        }
        self.tracked.truncate(kept);
        self.codes.truncate(kept * lanes);
    }

    fn count(&mut self, info: &SnapshotInfo) {
        self.stats.datagrams += 1;
        self.stats.late += u64::from(!info.is_newest);
        self.stats.updates += info.updates as u64;
        self.stats.dropped += info.dropped as u64;
        self.stats.completed += u64::from(info.completed.is_some());
        if info.is_newest {
            self.newest = Some(*info);
        }
    }

    fn find(&self, id: EntityId) -> Result<usize, usize> {
        self.tracked
            .binary_search_by_key(&id, |tracked| tracked.state.id())
    }
}

impl Tracked {
    fn new(tick: u64, state: &EntityState) -> Self {
        Self {
            state: *state,
            tick,
            previous: *state,
            previous_tick: tick,
        }
    }

    /// Takes in a newer state; whether it is that.
    fn update(&mut self, tick: u64, state: &EntityState) -> bool {
        let is_newer = tick > self.tick;
        if is_newer {
            *self = Self {
                state: *state,
                tick,
                previous: self.state,
                previous_tick: self.tick,
            };
        }
        is_newer
    }
}
