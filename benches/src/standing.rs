//! Standing queries: a tick of all watchers.

use std::hint::black_box;

use spatial_core::{Anchor, Ecef, EntityId, MovingIndex, Sense, WatchEvents, WatcherId, Watches};

use crate::case::{Case, Size, hash_of};
use crate::places::{in_cell_order, on_datum, radius_of_hits, uniform};
use crate::radius::ids_of;
use crate::seeded::Seeded;

/// How far everybody moves in a tick, metres.
const STEP_M: f64 = 50.0;
/// States of the world that take turns: to and fro, so that no run is like the one before.
const STATES: usize = 4;

/// A watcher on every entity, each of whom sees about 16, while all move: sets, and who has entered and left.
pub(crate) struct Standing {
    ids: Vec<EntityId>,
    states: Vec<(Vec<Ecef>, MovingIndex)>,
    watches: Watches,
    events: WatchEvents,
    tick: usize,
    told: u64, // events since the first tick
}

impl Standing {
    /// A million watchers.
    pub(crate) fn of_a_million(size: Size) -> Self {
        Self::new(size.of(1_000_000))
    }

    /// Ten thousand.
    pub(crate) fn of_ten_thousand(size: Size) -> Self {
        Self::new(size.of(10_000))
    }

    fn new(count: usize) -> Self {
        let places = in_cell_order(uniform(count));
        let ids = ids_of(&places);
        let reach_m = radius_of_hits(16.0, count);
        let sense = Sense::around(reach_m, 1.05 * reach_m).expect("legal radii");
        let mut watches = Watches::new();
        for id in &ids {
            watches.watch(WatcherId(id.0), Anchor::On(*id), sense);
        }
        let mut case = Self {
            states: states_of(places, &ids),
            ids,
            watches,
            events: WatchEvents::default(),
            tick: 0,
            told: 0,
        };
        // Everybody enters at first, and is sorted.
        for _ in 0..2 * STATES {
            case.run();
        }
        case.told = 0;
        case
    }
}

fn states_of(mut places: Vec<Ecef>, ids: &[EntityId]) -> Vec<(Vec<Ecef>, MovingIndex)> {
    let mut seeded = Seeded(21);
    let mut states = Vec::new();
    for _ in 0..STATES {
        let mut index = MovingIndex::new();
        index.rebuild(ids, &places);
        states.push((places.clone(), index));
        for place in &mut places {
            *place = on_datum(place.to_vec() + seeded.direction() * STEP_M);
        }
    }
    states
}

impl Case for Standing {
    fn operations(&self) -> u64 {
        self.ids.len() as u64
    }

    fn run(&mut self) {
        // 0 1 2 3 2 1 0 …, so that every tick is one step of everybody.
        let turn = self.tick % (2 * STATES - 2);
        let (places, index) = &self.states[turn.min(2 * STATES - 2 - turn)];
        self.watches
            .update(index.view(&self.ids, places), &mut self.events);
        self.told += (self.events.entered.len() + self.events.left.len()) as u64;
        self.tick += 1;
        black_box(&self.events);
    }

    fn hash(&self) -> u64 {
        let sightings = self.events.entered.iter().chain(&self.events.left);
        let ids = sightings.flat_map(|seen| [seen.watcher.0, seen.entity.0]);
        hash_of(ids.chain([self.told, self.watches.len() as u64]))
    }
}
