//! Update bits, made once a tick and copied to every client that needs them.

use super::baselines::Baselines;
use super::columns;
use super::member;
use super::motion::Motion;
use super::selection::Selection;
use super::state::{EntityState, encode_absolute, encode_delta, encode_unchanged, encode_whole};
use super::twin::Twins;
use crate::bits::{BitSpan, ShortBits};
use crate::ids::Epoch;
use crate::limits::EPOCHS_ALIVE;

/// The encoded updates of one tick, keyed by (entity, what it is written against).
///
/// One for each thread that packs. Costs 8 B an entity of the world for each of the ways in which updates are written in the tick, mostly
/// two or three, the bits that were asked for, and the last eight snapshots.
#[derive(Clone, Debug, Default)]
pub struct UpdateCache {
    tick: Option<u64>,
    ways: Vec<Places>,         // WAYS
    open: [Vec<Place>; LANES], // of the ways in which the client's updates are written that is packed
    words: Vec<u64>,
    update: ShortBits, // scratch: that which is being encoded
    encoded: u64,
    copied: u64,
    pub(super) selection: Selection, // scratch of whoever packs
    pub(super) twins: Twins,
}

/// Where the updates of all rows are that are written in one way.
#[derive(Clone, Debug, Default)]
struct Places {
    tick: Option<u64>,
    rows: Vec<Place>,
}

/// Where an update's bits are, from the start of a word on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Place {
    word: u32,
    bits: u16, // 0: it has not been looked at
    priority: u16,
}

impl Place {
    /// There is no difference to be written.
    pub(super) const SAME: Self = Self {
        word: 0,
        bits: u16::MAX,
        priority: 0,
    };

    /// What it is written against is in another frame.
    pub(super) const ELSEWHERE: Self = Self {
        word: 1,
        bits: u16::MAX,
        priority: 0,
    };

    /// Length in bits of an update.
    pub(super) fn bit_count(self) -> u32 {
        debug_assert!(self.bits < u16::MAX);
        u32::from(self.bits)
    }

    /// How many times as much as others the update matters.
    pub(super) fn priority(self) -> u32 {
        u32::from(self.priority)
    }

    #[cfg(test)]
    pub(super) fn of_bits(bits: u32) -> Self {
        Self {
            word: 0,
            bits: u16::try_from(bits).unwrap(),
            priority: 1,
        }
    }
}

/// What a member's update is written against.
pub(super) struct From {
    pub(super) state: EntityState,
    pub(super) motion: Motion,
    /// Its row in the epoch's states.
    pub(super) row: u32,
}

/// What an update is written against, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// Nothing.
    Whole,
    /// Where the entity is predicted: an epoch, and the one so many before it since which it has moved (0: it rests).
    Member(Epoch, u32),
    /// Nothing, in version 2.
    Absolute,
    /// The state at an epoch, in version 2.
    Delta(Epoch),
}

/// How many ways there are.
const WAYS: usize = 2 + EPOCHS_ALIVE + EPOCHS_ALIVE * EPOCHS_ALIVE;

impl Way {
    fn slot(self) -> usize {
        match self {
            Self::Whole => 0,
            Self::Absolute => 1,
            Self::Delta(epoch) => 2 + epoch.slot(EPOCHS_ALIVE),
            Self::Member(epoch, back) => {
                2 + EPOCHS_ALIVE * (1 + epoch.slot(EPOCHS_ALIVE)) + back as usize
            }
        }
    }
}

/// How many ways a client's updates are written in.
pub(super) const LANES: usize = 3;

/// Those ways: nobody's, a resting member's, a moving member's.
pub(super) type Ways = [Way; LANES];

/// Where the places of one of the ways are.
pub(super) fn lane_of(ways: Ways, lane: usize) -> usize {
    (0..lane).find(|&n| ways[n] == ways[lane]).unwrap_or(lane)
}

/// Writes the bits of a member's update against where it was and how it moves, and gives their priority; or the place that stands for there
/// being none.
fn update(
    bits: &mut ShortBits,
    world: &Baselines,
    (way, row): (Way, u32),
    from: &From,
) -> Result<u16, Place> {
    let state = &world.current()[row as usize];
    let is_same = || from.state == *state;
    match way {
        _ if from.state.frame() != state.frame() => return Err(Place::ELSEWHERE),
        Way::Member(epoch, _) => {
            let (codes, were) = (world.codes(row), world.codes_at(epoch, from.row));
            // Between epochs nothing is said of who is as it was; in a complete set there is no word for that but an update.
            if !world.is_complete() && is_same() && columns::is_same(codes, were) {
                return Err(Place::SAME);
            }
            let ahead = (from.motion, epoch.age(world.tick()));
            member::encode(bits, state, &from.state, ahead);
            world.columns().push_changes(bits, codes, were);
            return Ok(world.columns().priority(codes, were));
        }
        _ if is_same() && !world.is_complete() => return Err(Place::SAME),
        _ if is_same() => encode_unchanged(bits),
        _ => encode_delta(bits, state, &from.state),
    }
    Ok(1)
}

impl UpdateCache {
    /// An empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Updates encoded, and updates handed out, since the start: their ratio says what sharing saves.
    pub fn counts(&self) -> (u64, u64) {
        (self.encoded, self.copied)
    }

    /// Snapshots that were another client's, but for the number of its last input, since the start.
    pub fn shared(&self) -> u64 {
        self.twins.told
    }

    /// Forgets the last tick's updates if the world has moved on.
    pub(super) fn follow(&mut self, world: &Baselines) {
        self.ways.resize_with(WAYS, Places::default);
        if self.tick != Some(world.tick()) {
            self.tick = Some(world.tick());
            self.words.clear();
            self.twins.forget();
        }
    }

    /// Makes room for updates of some ways, and has them at hand until [`UpdateCache::close`]. Those that are the same are one, the
    /// earlier, and [`lane_of`] says which.
    pub(super) fn open(&mut self, ways: Ways, rows: usize) {
        for lane in 0..LANES {
            if lane_of(ways, lane) != lane {
                continue;
            }
            let places = &mut self.ways[ways[lane].slot()];
            if places.tick != self.tick {
                places.tick = self.tick;
                places.rows.clear();
                places.rows.resize(rows, Place::default());
            }
            core::mem::swap(&mut self.open[lane], &mut places.rows);
        }
    }

    /// Puts them away.
    pub(super) fn close(&mut self, ways: Ways) {
        for lane in 0..LANES {
            if lane_of(ways, lane) == lane {
                let places = &mut self.ways[ways[lane].slot()];
                core::mem::swap(&mut self.open[lane], &mut places.rows);
            }
        }
    }

    /// Where the update of a row is, written in a way against what it was and how it moves; [`Place::ELSEWHERE`] where that was in
    /// another frame.
    #[inline]
    pub(super) fn place(
        &mut self,
        world: &Baselines,
        (way, lane, row): (Way, usize, u32),
        from: impl FnOnce() -> From,
    ) -> Place {
        let place = self.open[lane][row as usize];
        if place.bits > 0 {
            return place;
        }
        self.update.clear();
        let made = update(&mut self.update, world, (way, row), &from());
        let place = made.map_or_else(|place| place, |priority| self.keep(priority));
        self.open[lane][row as usize] = place;
        place
    }

    /// Where the whole state of a row is; its way is the first.
    #[inline]
    pub(super) fn whole(&mut self, world: &Baselines, (way, row): (Way, u32)) -> Place {
        let place = self.open[0][row as usize];
        if place.bits > 0 {
            return place;
        }
        let state = &world.current()[row as usize];
        let bits = &mut self.update;
        bits.clear();
        match way {
            Way::Absolute => encode_absolute(bits, state),
            _ => {
                encode_whole(bits, state);
                world.columns().push_whole(bits, world.codes(row));
            }
        }
        let place = self.keep(1);
        self.open[0][row as usize] = place;
        place
    }

    /// Keeps the update that has been encoded.
    fn keep(&mut self, priority: u16) -> Place {
        self.encoded += 1;
        let word = u32::try_from(self.words.len()).expect("a few words for each of 2³² rows");
        self.words.extend_from_slice(self.update.words());
        Place {
            word,
            bits: u16::try_from(self.update.bit_count()).expect("an update has 700 bits at most"),
            priority,
        }
    }

    /// So many updates were handed out.
    pub(super) fn count(&mut self, updates: usize) {
        self.copied += updates as u64;
    }

    /// The bits at a place of this tick that has some.
    #[inline]
    pub(super) fn bits(&self, place: Place) -> BitSpan<'_> {
        let first = place.word as usize;
        let bits = place.bit_count();
        let count = bits.div_ceil(64) as usize;
        BitSpan::new(&self.words[first..first + count], bits)
    }
}
