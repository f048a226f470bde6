//! The receiver's epochs: sets being assembled from their parts, and complete ones.

use spatial_core::EntityId;

use super::motion::Motion;
use super::snapshot::Header;
use super::state::EntityState;
use crate::error::WireError;
use crate::ids::Epoch;
use crate::limits::{ENTITIES_MAX, EPOCHS_ALIVE};

/// A ring of the newest epochs. Holds at most [`ENTITIES_MAX`] states in each.
#[derive(Clone, Debug, Default)]
pub(super) struct EpochSets([EpochSet; EPOCHS_ALIVE]);

#[derive(Clone, Debug, Default)]
struct EpochSet {
    epoch: Option<Epoch>,
    parts: u8,
    baseline: Option<Epoch>,
    received: [u64; 4], // a bit for each part
    is_complete: bool,
    assembled: Assembled,
    order: Vec<usize>,        // of them, by id
    states: Vec<EntityState>, // ascending by id once complete
    motions: Vec<Motion>,     // of each of them
    codes: Vec<u64>,          // of each of them, as many as there are lanes
}

/// Entities in the order in which they came, and the codes of their lanes.
#[derive(Clone, Debug, Default)]
pub(super) struct Assembled {
    pub(super) entities: Vec<(EntityState, Motion)>,
    pub(super) codes: Vec<u64>,
}

impl Assembled {
    pub(super) fn clear(&mut self) {
        self.entities.clear();
        self.codes.clear();
    }

    /// Of each entity its state and its codes, so many.
    pub(super) fn each(&self, lanes: usize) -> impl Iterator<Item = (&EntityState, &[u64])> {
        let codes = (0..).map(move |n| &self.codes[n * lanes..][..lanes]);
        self.entities.iter().map(|(state, _)| state).zip(codes)
    }
}

/// A complete set: its states, ascending by id, and how each of them is known to move.
#[derive(Clone, Copy)]
pub(super) struct CompleteSet<'a> {
    pub(super) states: &'a [EntityState],
    pub(super) motions: &'a [Motion],
    codes: &'a [u64],
}

impl<'a> CompleteSet<'a> {
    /// The codes of a member, so many.
    pub(super) fn codes(&self, member: usize, lanes: usize) -> &'a [u64] {
        &self.codes[member * lanes..][..lanes]
    }
}

impl EpochSets {
    /// The complete set of an epoch, ascending by id.
    pub(super) fn complete(&self, epoch: Epoch) -> Option<&[EntityState]> {
        self.set(epoch).map(|set| set.states)
    }

    /// The complete set of an epoch, and how its members move.
    pub(super) fn set(&self, epoch: Epoch) -> Option<CompleteSet<'_>> {
        let set = &self.0[epoch.slot(EPOCHS_ALIVE)];
        (set.epoch == Some(epoch) && set.is_complete).then_some(CompleteSet {
            states: &set.states,
            motions: &set.motions,
            codes: &set.codes,
        })
    }

    /// The baseline of an entity.
    pub(super) fn baseline(set: &[EntityState], id: EntityId) -> Result<&EntityState, WireError> {
        let row = set.binary_search_by_key(&id, EntityState::id);
        row.map(|row| &set[row])
            .map_err(|_| WireError::NoBaseline(id.0))
    }

    /// Adds a part, of which every update could be applied. Returns whether it completed the epoch.
    ///
    /// Parts of epochs that are complete, or older than the ring holds, and parts that were here before change
    /// nothing.
    pub(super) fn add(
        &mut self,
        epoch: Epoch,
        header: &Header,
        part: &Assembled,
    ) -> Result<bool, WireError> {
        let set = &mut self.0[epoch.slot(EPOCHS_ALIVE)];
        if set.epoch < Some(epoch) {
            set.restart(epoch, header);
        }
        if set.epoch != Some(epoch) || set.is_complete {
            return Ok(false);
        }
        if (set.parts, set.baseline) != (header.parts, header.baseline) {
            return Err(WireError::Field("parts"));
        }
        if !set.mark(header.part) {
            return Ok(false);
        }
        let all = &mut set.assembled;
        if all.entities.len() + part.entities.len() > ENTITIES_MAX {
            return Err(WireError::TooManyEntities);
        }
        all.entities.extend_from_slice(&part.entities);
        all.codes.extend_from_slice(&part.codes);
        set.complete_if_whole()
    }
}

impl EpochSet {
    fn restart(&mut self, epoch: Epoch, header: &Header) {
        self.epoch = Some(epoch);
        self.parts = header.parts;
        self.baseline = header.baseline;
        self.received = [0; 4];
        self.is_complete = false;
        self.assembled.clear();
    }

    /// Notes a part; false if it was here before.
    fn mark(&mut self, part: u8) -> bool {
        let bit = 1 << (part % 64);
        let word = &mut self.received[usize::from(part / 64)];
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn complete_if_whole(&mut self) -> Result<bool, WireError> {
        let received: u32 = self.received.iter().map(|word| word.count_ones()).sum();
        if received < u32::from(self.parts) {
            return Ok(false);
        }
        let all = &self.assembled;
        let lanes = all.codes.len() / all.entities.len().max(1);
        self.order.clear();
        self.order.extend(0..all.entities.len());
        self.order.sort_unstable_by_key(|n| all.entities[*n].0.id());
        let ordered = || self.order.iter().map(|n| all.entities[*n]);
        if !ordered().is_sorted_by(|(a, _), (b, _)| a.id() < b.id()) {
            return Err(WireError::Field("entity id"));
        }
        self.states.clear();
        self.states.extend(ordered().map(|(state, _)| state));
        self.motions.clear();
        self.motions.extend(ordered().map(|(_, motion)| motion));
        self.codes.clear();
        for n in &self.order {
            self.codes
                .extend_from_slice(&all.codes[n * lanes..][..lanes]);
        }
        self.is_complete = true;
        Ok(true)
    }
}
