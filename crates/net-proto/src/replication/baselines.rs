//! The world's side of baselines: the states of the newest epochs, shared by all clients.

use std::sync::Arc;

use spatial_core::EntityId;

use super::columns::WireColumns;
use super::motion::Motion;
use super::rates::Rates;
use super::row_moves::RowMoves;
use super::state::EntityState;
use crate::ids::Epoch;
use crate::limits::EPOCHS_ALIVE;

/// All entities' states now and at the last [`EPOCHS_ALIVE`] epochs, and where each is to be found in them.
///
/// Their order is the caller's: those that are seen together should lie together, for whoever packs a client's snapshot reads them all.
///
/// Immutable while clients are packed, so threads can share it. 60 B an entity and epoch, and 8 for each lane of its columns.
#[derive(Clone, Debug, Default)]
pub struct Baselines {
    columns: Arc<WireColumns>,
    rates: Rates,
    tick: u64,
    codes: Vec<u64>,           // of each state, as many as there are shared lanes
    held: Vec<u64>,            // scratch
    current: Vec<EntityState>, // no id twice
    moves: RowMoves,           // scratch
    epochs: [EpochStates; EPOCHS_ALIVE],
}

#[derive(Clone, Debug, Default)]
struct EpochStates {
    epoch: Option<Epoch>,
    states: Vec<EntityState>,
    codes: Vec<u64>,
    rows: Vec<u32>, // of each current row: its row in `states`, or ABSENT
    motions: [Vec<Option<Motion>>; EPOCHS_ALIVE - 1], // of each state, since the epoch before, the one before that, …
}

impl Baselines {
    /// No entities, before the first tick; nothing is told of them but place and heading.
    pub fn new() -> Self {
        Self::default()
    }

    /// No entities, before the first tick, of a world of so many ticks a second with these columns.
    pub fn with_columns(columns: Arc<WireColumns>, tick_rate_hz: u16) -> Self {
        Self {
            rates: Rates::new(columns.shared_rates(), tick_rate_hz),
            columns,
            ..Self::default()
        }
    }

    /// The columns that are told of.
    pub fn columns(&self) -> &Arc<WireColumns> {
        &self.columns
    }

    /// Moves on to a tick: `states` are all entities of the world, in any order. If an epoch begins at the tick, they become its baseline, and
    /// the oldest dies. A few ns an entity, while each has the row that it had.
    ///
    /// # Panics
    /// When an id is 0, or one that has another row than before is there twice, or ticks do not ascend, or there are columns.
    pub fn advance(&mut self, tick: u64, states: &[EntityState]) {
        self.advance_with(tick, states, &[]);
    }

    /// As [`Baselines::advance`], with the codes of each entity's shared lanes ([`WireColumns::shared_lanes`]), back to back. Columns that have a
    /// rate are taken in when it is their time, and from entities that are new.
    ///
    /// # Panics
    /// As [`Baselines::advance`], and when there are not as many codes.
    pub fn advance_with(&mut self, tick: u64, states: &[EntityState], codes: &[u64]) {
        let lanes = self.columns.shared_lanes();
        assert_eq!(codes.len(), states.len() * lanes, "a code a lane");
        assert!(tick > self.tick || self.tick == 0, "ticks ascend");
        self.tick = tick;
        let has_moved = self.moves.find(&self.current, states);
        self.take_codes(codes);
        self.current.clear();
        self.current.extend_from_slice(states);
        if has_moved {
            for kept in &mut self.epochs {
                self.moves.follow(&mut kept.rows);
            }
        }
        if let Some(epoch) = Epoch::starting_at(tick) {
            self.find_motions(epoch);
            let kept = &mut self.epochs[epoch.slot(EPOCHS_ALIVE)];
            kept.epoch = Some(epoch);
            kept.states.clone_from(&self.current);
            kept.codes.clone_from(&self.codes);
            kept.rows.clear();
            kept.rows.extend((0..).take(states.len()));
        }
    }

    /// Takes in new codes, except those of entities that were there and of columns whose time it is not.
    fn take_codes(&mut self, codes: &[u64]) {
        let lanes = self.columns.shared_lanes();
        let takes_all = self.rates.is_time(self.tick);
        core::mem::swap(&mut self.codes, &mut self.held);
        self.codes.clear();
        self.codes.extend_from_slice(codes);
        if takes_all || lanes == 0 {
            return;
        }
        for (row, now) in self.codes.chunks_exact_mut(lanes).enumerate() {
            if let Some(was) = self.moves.old_row(row) {
                self.rates.hold(now, &self.held[was * lanes..][..lanes]);
            }
        }
    }

    /// How everybody has moved since the epochs before one that begins.
    fn find_motions(&mut self, epoch: Epoch) {
        let mut motions = core::mem::take(&mut self.epochs[epoch.slot(EPOCHS_ALIVE)].motions);
        for (back, motions) in (1..).zip(&mut motions) {
            let before = epoch.back(back);
            let before =
                before.and_then(|epoch| Some((self.states_at(epoch)?, self.rows_at(epoch))));
            let (states, rows) = before.unwrap_or_default();
            motions.clear();
            motions.extend(self.current.iter().zip(rows).map(|(state, row)| {
                let from = states.get(*row as usize)?; // ABSENT is beyond all
                Motion::between(from, state, back)
            }));
            motions.resize(self.current.len(), None);
        }
        self.epochs[epoch.slot(EPOCHS_ALIVE)].motions = motions;
    }

    /// The newest tick.
    pub fn tick(&self) -> u64 {
        self.tick
    }

    /// Whether an epoch begins at the newest tick.
    pub(super) fn is_complete(&self) -> bool {
        Epoch::starting_at(self.tick).is_some()
    }

    /// All entities at the newest tick. A row is an index here.
    pub fn current(&self) -> &[EntityState] {
        &self.current
    }

    /// The codes of a row.
    pub(super) fn codes(&self, row: u32) -> &[u64] {
        let lanes = self.columns.shared_lanes();
        &self.codes[row as usize * lanes..][..lanes]
    }

    /// The codes of a row of an epoch's states.
    pub(super) fn codes_at(&self, epoch: Epoch, row: u32) -> &[u64] {
        let lanes = self.columns.shared_lanes();
        let codes = &self.epochs[epoch.slot(EPOCHS_ALIVE)].codes;
        &codes[row as usize * lanes..][..lanes]
    }

    /// The row of an entity. Looks through them.
    pub fn row(&self, id: EntityId) -> Option<u32> {
        let row = self.current.iter().position(|state| state.id() == id);
        u32::try_from(row?).ok()
    }

    /// All entities at an epoch, while it is alive.
    pub(super) fn states_at(&self, epoch: Epoch) -> Option<&[EntityState]> {
        let kept = &self.epochs[epoch.slot(EPOCHS_ALIVE)];
        (kept.epoch == Some(epoch) && self.is_alive(epoch)).then_some(&kept.states)
    }

    /// Where each current row is in an epoch's states; [`ABSENT`] where the entity was not there.
    pub(super) fn rows_at(&self, epoch: Epoch) -> &[u32] {
        &self.epochs[epoch.slot(EPOCHS_ALIVE)].rows
    }

    /// How each state of an epoch has moved since the epoch so many before it, 1 to 3.
    pub(super) fn motions_at(&self, epoch: Epoch, back: u32) -> &[Option<Motion>] {
        &self.epochs[epoch.slot(EPOCHS_ALIVE)].motions[back as usize - 1]
    }

    /// Whether a receiver still keeps the epoch: one of the last [`EPOCHS_ALIVE`], whether or not each was stored.
    fn is_alive(&self, epoch: Epoch) -> bool {
        let newest = Epoch::of_tick(self.tick).map_or(0, Epoch::number);
        (newest.saturating_sub(epoch.number()) as usize) < EPOCHS_ALIVE
    }
}

#[cfg(test)]
mod tests {
    use spatial_core::{FrameId, Position};

    use super::super::row_moves::ABSENT;
    use super::*;

    fn state(id: u64, x: i32) -> EntityState {
        let frame = FrameId(1);
        EntityState::new(
            EntityId(id),
            Position {
                frame,
                x: x << 9,
                y: 0,
                z: 0,
            },
            0,
        )
    }

    #[test]
    fn epochs_live_for_four() {
        let mut world = Baselines::new();
        for n in 1..=6 {
            world.advance(n * 8, &[state(5, n as i32)]);
        }
        let at = |n| world.states_at(Epoch::new(n).unwrap()).map(<[_]>::to_vec);
        assert_eq!(at(2), None);
        assert_eq!(at(3), Some(vec![state(5, 3)]));
        assert_eq!(at(6), Some(vec![state(5, 6)]));
        assert_eq!(at(7), None);
        // A jump in time kills what receivers have dropped, though nothing replaced it.
        world.advance(10 * 8 + 2, &[]);
        assert_eq!(world.states_at(Epoch::new(6).unwrap()), None);
    }

    #[test]
    fn rows_are_found_in_epochs() {
        let mut world = Baselines::new();
        world.advance(8, &[state(2, 0), state(5, 0), state(9, 0)]);
        world.advance(10, &[state(1, 0), state(5, 0), state(9, 0), state(10, 0)]);
        assert_eq!(
            world.rows_at(Epoch::new(1).unwrap()),
            [ABSENT, 1, 2, ABSENT]
        );
        assert_eq!(
            (world.row(EntityId(9)), world.row(EntityId(2))),
            (Some(2), None)
        );
    }

    #[test]
    #[should_panic(expected = "no id is there twice")]
    fn doubled_ids_are_a_mistake() {
        Baselines::new().advance(1, &[state(1, 0), state(1, 0)]);
    }
}
