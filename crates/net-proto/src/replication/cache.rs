//! Update bits, made once a tick and copied to every client that needs them.

use super::baselines::{ABSENT, Baselines};
use super::state::{EntityState, encode_absolute, encode_delta};
use crate::bits::{BitSpan, ShortBits};
use crate::ids::Epoch;
use crate::limits::EPOCHS_ALIVE;

/// The encoded updates of one tick, keyed by (entity, baseline epoch or none).
///
/// One for each thread that packs. Costs 8 B × 5 an entity of the world, and the bits that were asked for.
#[derive(Clone, Debug, Default)]
pub struct UpdateCache {
    tick: Option<u64>,
    places: Vec<Place>, // PLACES for each row: absolute, then one for each epoch slot
    words: Vec<u64>,
    encoded: u64,
    copied: u64,
}

/// Where an update's bits are: `bits` of them from the start of a word; none yet when 0.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    word: u32,
    bits: u32,
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

    /// Forgets the last tick's updates if the world has moved on.
    pub(super) fn follow(&mut self, world: &Baselines) {
        if self.tick != Some(world.tick()) {
            self.tick = Some(world.tick());
            self.words.clear();
            self.places.clear();
            self.places
                .resize(world.current().len() * PLACES, Place::default());
        }
    }

    /// The update of a row that needs no baseline.
    pub(super) fn absolute(&mut self, world: &Baselines, row: u32) -> BitSpan<'_> {
        let state = &world.current()[row as usize];
        self.get(row as usize * PLACES, || encode_absolute(state))
    }

    /// The update of a row against its state at an epoch, which is in the same frame.
    pub(super) fn delta(
        &mut self,
        world: &Baselines,
        row: u32,
        (epoch, base): (Epoch, &EntityState),
    ) -> BitSpan<'_> {
        debug_assert_ne!(world.rows_at(epoch)[row as usize], ABSENT);
        let state = &world.current()[row as usize];
        let place = row as usize * PLACES + 1 + epoch.slot(EPOCHS_ALIVE);
        self.get(place, || encode_delta(state, base))
    }

    fn get(&mut self, place: usize, encode: impl FnOnce() -> ShortBits) -> BitSpan<'_> {
        self.copied += 1;
        if self.places[place].bits == 0 {
            self.encoded += 1;
            let update = encode();
            self.places[place] = Place {
                word: u32::try_from(self.words.len())
                    .expect("3 words for each of 2³² rows at most"),
                bits: update.bit_count(),
            };
            self.words.extend_from_slice(update.words());
        }
        let Place { word, bits } = self.places[place];
        let first = word as usize;
        BitSpan::new(&self.words[first..first + bits.div_ceil(64) as usize], bits)
    }
}

const PLACES: usize = 1 + EPOCHS_ALIVE;
