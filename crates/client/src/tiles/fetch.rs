//! Which tiles are asked for when.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use net_proto::{BulkRequest, TILE_ASKS_MAX, TileAsk, WireError};
use spatial_core::CellId;

/// Tiles that are wanted, on their way, or here. Pure: times are durations since any fixed moment.
///
/// What is on its way fills the line: whatever else the server sends waits behind it. So it is counted in bytes.
#[derive(Clone, Debug)]
pub(crate) struct TileFetch {
    wanted: Vec<CellId>,           // the most urgent first
    slots: BTreeMap<CellId, Slot>, // of what is wanted, and of what is on its way
    bytes_each: f64,               // of an answer, as they were lately
    on_the_way: VecDeque<CellId>,  // in the order in which they were asked for
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    name: u64, // of the samples that are here; 0: none
    state: State,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    /// Nobody has looked yet whether it is here.
    New,
    /// To be asked for, not before this.
    Due(Duration),
    Asked,
    /// Answered at this time: nothing is to be asked.
    Settled(Duration),
}

/// What an answer says of a tile.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Heard {
    Absent,
    Unchanged,
    Later(Duration),
    /// Samples of a name have come.
    Came(u64),
}

impl Default for TileFetch {
    fn default() -> Self {
        Self {
            wanted: Vec::new(),
            slots: BTreeMap::new(),
            bytes_each: BYTES_EACH,
            on_the_way: VecDeque::new(),
        }
    }
}

impl TileFetch {
    /// Exchanges what is wanted. What is on its way stays.
    pub(crate) fn want(&mut self, cells: Vec<CellId>) {
        self.wanted = cells;
        let wanted = &self.wanted;
        self.slots
            .retain(|cell, slot| slot.state == State::Asked || wanted.contains(cell));
        for cell in wanted {
            let new = Slot {
                name: 0,
                state: State::New,
            };
            self.slots.entry(*cell).or_insert(new);
        }
    }

    /// Whether a tile is wanted.
    pub(crate) fn wants(&self, cell: CellId) -> bool {
        self.wanted.contains(&cell)
    }

    /// The most urgent tile that nobody has looked for: say with [`TileFetch::looked`] what there is.
    pub(crate) fn to_look_for(&self) -> Option<CellId> {
        let is_new = |cell: &&CellId| self.slots.get(cell).is_some_and(|s| s.state == State::New);
        self.wanted.iter().find(is_new).copied()
    }

    /// Samples of a name are here, or none are (0); the server is asked whether they are right.
    pub(crate) fn looked(&mut self, cell: CellId, name: u64) {
        if let Some(slot) = self.slots.get_mut(&cell) {
            *slot = Slot {
                name,
                state: State::Due(Duration::ZERO),
            };
        }
    }

    /// The next request, if there is something to ask and not too much on its way.
    pub(crate) fn poll(&mut self, now: Duration) -> Option<BulkRequest> {
        let fit = (BYTES_ON_THE_WAY / self.bytes_each) as usize; // saturates
        let room = fit
            .clamp(1, ON_THE_WAY_MAX)
            .saturating_sub(self.on_the_way.len());
        let mut asks = Vec::new();
        for cell in &self.wanted {
            if asks.len() == room.min(TILE_ASKS_MAX) {
                break;
            }
            match self.slots.get_mut(cell) {
                Some(slot) if matches!(slot.state, State::Due(due) if due <= now) => {
                    slot.state = State::Asked;
                    asks.push(TileAsk {
                        cell: *cell,
                        known: slot.name,
                    });
                }
                _ => {}
            }
        }
        self.on_the_way.extend(asks.iter().map(|ask| ask.cell));
        (!asks.is_empty()).then_some(BulkRequest::Tiles(asks))
    }

    /// Whether the answer that comes is of this tile: they come in the order of the questions.
    ///
    /// # Errors
    /// [`WireError::Unexpected`] when it is not.
    pub(crate) fn expect(&self, cell: CellId) -> Result<(), WireError> {
        match self.on_the_way.front() {
            Some(next) if *next == cell => Ok(()),
            _ => Err(WireError::Unexpected("a tile that was not asked for")),
        }
    }

    /// An answer had so many bytes.
    pub(crate) fn weigh(&mut self, bytes: usize) {
        self.bytes_each += (bytes as f64 - self.bytes_each) / 4.0;
    }

    /// Takes in the answer about a tile that is expected.
    ///
    /// # Errors
    /// [`WireError::Unexpected`] when what is not here is said to be unchanged.
    pub(crate) fn hear(
        &mut self,
        cell: CellId,
        heard: Heard,
        now: Duration,
    ) -> Result<(), WireError> {
        self.expect(cell)?;
        self.on_the_way.pop_front();
        let Some(slot) = self.slots.get_mut(&cell) else {
            return Ok(());
        };
        slot.state = match heard {
            Heard::Unchanged if slot.name == 0 => {
                return Err(WireError::Unexpected("the name of a tile that is not here"));
            }
            Heard::Unchanged => State::Settled(now),
            Heard::Later(after) => State::Due(now + after),
            Heard::Absent => {
                slot.name = 0;
                State::Due(now + ABSENT)
            }
            Heard::Came(name) => {
                slot.name = name;
                State::Settled(now)
            }
        };
        if !self.wanted.contains(&cell) {
            self.slots.remove(&cell);
        }
        Ok(())
    }

    /// The server stands on a tile whose name ends in this: if ours does not, it is asked for again, once a second at most.
    pub(crate) fn compare(&mut self, cell: CellId, name: u32, now: Duration) {
        if let Some(slot) = self.slots.get_mut(&cell)
            && let State::Settled(then) = slot.state
            && slot.name as u32 != name
        {
            slot.state = State::Due(then + DOUBT.max(now.saturating_sub(then)));
        }
    }

    /// The stream has ended: what was on its way is asked for again.
    pub(crate) fn restart(&mut self, now: Duration) {
        self.on_the_way.clear();
        for slot in self.slots.values_mut() {
            if slot.state == State::Asked {
                slot.state = State::Due(now);
            }
        }
        let wanted = &self.wanted;
        self.slots.retain(|cell, _| wanted.contains(cell));
    }

    /// Whether every wanted tile has been answered for.
    pub(crate) fn is_settled(&self) -> bool {
        let is_settled = |slot: &Slot| matches!(slot.state, State::Settled(_));
        self.slots.values().all(is_settled)
    }
}

/// Tiles on their way at once, and about so many bytes of them: a quarter of a second of a line that carries 1 Mbit/s. It is one tile at least.
const ON_THE_WAY_MAX: usize = 8;
const BYTES_ON_THE_WAY: f64 = 32_768.0;
/// Of a tile before the first one has come.
const BYTES_EACH: f64 = 33_000.0;
/// What is absent is asked for again after so long.
const ABSENT: Duration = Duration::from_secs(30);
/// What the server says has another name, so long after the last answer.
const DOUBT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell(n: u32) -> CellId {
        CellId::from_face_ij(3, n << 24, 0, 6)
    }

    fn cells(numbers: core::ops::Range<u32>) -> Vec<CellId> {
        numbers.map(cell).collect()
    }

    fn asked(fetch: &mut TileFetch, now: Duration) -> Vec<(CellId, u64)> {
        match fetch.poll(now) {
            Some(BulkRequest::Tiles(asks)) => asks.iter().map(|a| (a.cell, a.known)).collect(),
            _ => Vec::new(),
        }
    }

    fn look(fetch: &mut TileFetch) {
        while let Some(cell) = fetch.to_look_for() {
            fetch.looked(cell, 0);
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    /// Of tiles of next to no bytes.
    fn light() -> TileFetch {
        TileFetch {
            bytes_each: 100.0,
            ..TileFetch::default()
        }
    }

    #[test]
    fn large_tiles_come_one_by_one_and_small_ones_many_at_a_time() {
        let mut fetch = TileFetch::default();
        fetch.want(cells(0..60));
        look(&mut fetch);
        let mut now = SECOND;
        let mut rounds = |bytes: usize| {
            let mut counts = Vec::new();
            for _ in 0..8 {
                now += SECOND;
                let asked = asked(&mut fetch, now);
                counts.push(asked.len());
                for (cell, _) in asked {
                    fetch.weigh(bytes);
                    fetch.hear(cell, Heard::Later(SECOND), now).unwrap();
                }
            }
            counts
        };
        assert_eq!(rounds(33_000), [1; 8]);
        assert_eq!(rounds(300)[4..], [4, 8, 8, 8]);
    }

    #[test]
    fn the_most_urgent_is_asked_for_first_and_never_too_much() {
        let mut fetch = light();
        fetch.want(cells(0..20));
        assert_eq!(fetch.poll(SECOND), None); // nobody has looked
        look(&mut fetch);
        let first: Vec<_> = asked(&mut fetch, SECOND).iter().map(|a| a.0).collect();
        assert_eq!(first, cells(0..8));
        assert_eq!(fetch.poll(SECOND), None);
        // Somewhere else now: what is on its way comes first.
        fetch.want(cells(15..20));
        assert_eq!(
            fetch.hear(cell(1), Heard::Came(5), SECOND),
            Err(WireError::Unexpected("a tile that was not asked for"))
        );
        fetch.hear(cell(0), Heard::Came(5), SECOND).unwrap();
        assert_eq!(asked(&mut fetch, SECOND), [(cell(15), 0)]);
        for cell in cells(1..8) {
            fetch.hear(cell, Heard::Came(5), SECOND).unwrap();
        }
        assert_eq!(asked(&mut fetch, SECOND).len(), 4);
        assert_eq!(fetch.slots.len(), 5);
        for cell in cells(15..20) {
            fetch.hear(cell, Heard::Came(6), SECOND).unwrap();
        }
        assert!(fetch.is_settled() && fetch.poll(9 * SECOND).is_none());
    }

    #[test]
    fn what_is_refused_absent_or_doubtful_is_asked_for_again_in_time() {
        let mut fetch = light();
        fetch.want(cells(0..3));
        fetch.looked(cell(0), 77);
        look(&mut fetch);
        assert_eq!(
            asked(&mut fetch, SECOND),
            [(cell(0), 77), (cell(1), 0), (cell(2), 0)]
        );
        fetch.hear(cell(0), Heard::Unchanged, SECOND).unwrap();
        fetch.hear(cell(1), Heard::Later(SECOND), SECOND).unwrap();
        fetch.hear(cell(2), Heard::Absent, SECOND).unwrap();
        assert_eq!(asked(&mut fetch, SECOND * 3 / 2), []);
        assert_eq!(asked(&mut fetch, SECOND * 2), [(cell(1), 0)]);
        fetch.restart(SECOND * 3);
        assert_eq!(asked(&mut fetch, SECOND * 3), [(cell(1), 0)]);
        fetch
            .hear(cell(1), Heard::Came(1 << 32 | 9), SECOND * 3)
            .unwrap();
        fetch.compare(cell(1), 9, SECOND * 4);
        assert_eq!(asked(&mut fetch, SECOND * 4), []);
        fetch.compare(cell(1), 10, SECOND * 3);
        assert_eq!(asked(&mut fetch, SECOND * 3), []);
        assert_eq!(asked(&mut fetch, SECOND * 4), [(cell(1), 1 << 32 | 9)]);
        assert_eq!(asked(&mut fetch, SECOND * 31), [(cell(2), 0)]);
        fetch.hear(cell(1), Heard::Unchanged, SECOND * 31).unwrap();
        let lie = fetch.hear(cell(2), Heard::Unchanged, SECOND * 31);
        assert!(lie.is_err());
    }

    proptest! {
        /// Whatever is wanted and answered: what is on its way is bounded and answered in order, and in the end all is here.
        #[test]
        fn everything_comes_in_the_end(steps in prop::collection::vec((0u8..5, 0u32..20, 1u32..12), 1..150)) {
            let mut fetch = light();
            let mut line = VecDeque::new();
            let mut now = Duration::ZERO;
            for (what, from, count) in steps {
                now += SECOND / 10;
                look(&mut fetch);
                line.extend(asked(&mut fetch, now));
                prop_assert!(line.len() <= ON_THE_WAY_MAX);
                prop_assert!(fetch.slots.len() <= 11 + ON_THE_WAY_MAX);
                match (what, line.pop_front()) {
                    (0, next) => {
                        fetch.want(cells(from..from + count));
                        next.into_iter().for_each(|next| line.push_front(next));
                    }
                    (1, _) => {
                        fetch.restart(now);
                        line.clear();
                    }
                    (2, Some((cell, _))) => fetch.hear(cell, Heard::Later(SECOND), now).unwrap(),
                    (_, Some((cell, _))) => fetch.hear(cell, Heard::Came(7), now).unwrap(),
                    (_, None) => {}
                }
            }
            for _ in 0..60 {
                now += SECOND;
                look(&mut fetch);
                line.extend(asked(&mut fetch, now));
                for (cell, _) in line.drain(..) {
                    fetch.hear(cell, Heard::Came(7), now).unwrap();
                }
            }
            prop_assert!(fetch.is_settled());
        }
    }
}
