//! Standing queries: everybody watches, and everybody moves. Nobody else has them.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use spatial_core::{
    Anchor, DVec3, Ecef, EntityId, MovingIndex, Sense, Sighting, WatchEvents, WatcherId, Watches,
};

use super::super::clock::cpu_time_of;
use super::super::contest::Contest;
use super::super::row::Unit;
use super::super::{Pace, Tell};
use super::scene::{MILLION, Spread, radius_m};
use super::tick::steps;
use crate::places::{in_cell_order, on_datum};
use crate::radius::ids_of;

const CASE: &str = "standing: 1 M watchers of 1 M that move";
/// What the events of some are compared with.
const CHECK: &str = "sets kept by radius queries";
/// Entities leave so much beyond the radius at which they enter: two of their steps.
const HYSTERESIS_M: f64 = 100.0;
/// Ticks for which events are compared: enough for entities to leave as well.
const COMPARED_TICKS: usize = 8;
/// Watchers whose events are compared.
const COMPARED: usize = 1_000;

/// A tick: the index is rebuilt, all sets are brought up to date, and who enters and leaves is told. On one thread.
pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    if !pace.wants(CASE) {
        return Ok(());
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pool = pool.expect("a thread can be had");
    // On the pool's only thread, so that its time is what is measured.
    let measured = pool.install(|| {
        let places = Spread::Even.places(pace).expect("no towns are needed");
        let enter_m = radius_m(pace, Spread::Even, 16);
        let mut world = Watched::new(in_cell_order(places), enter_m);
        let agree = world.events_are_right(pace.size.of(MILLION).min(COMPARED));
        Contest::timed(CASE, Unit::Ms, 1, || world.step())
            .checked_by(CHECK, agree)
            .run(pace)
    });
    tell(measured)
}

/// Entities that walk straight on, each with a watcher on it.
struct Watched {
    ids: Vec<EntityId>,
    places: Vec<Ecef>,
    steps: Vec<DVec3>,
    radii_m: [f64; 2], // of entering and leaving
    index: MovingIndex,
    watches: Watches,
    events: WatchEvents,
}

impl Watched {
    fn new(places: Vec<Ecef>, enter_m: f64) -> Self {
        let radii_m = [enter_m, enter_m + HYSTERESIS_M];
        let sense = Sense::around(radii_m[0], radii_m[1]).expect("radii");
        let ids = ids_of(&places);
        let mut watches = Watches::new();
        for id in &ids {
            watches.watch(WatcherId(id.0), Anchor::On(*id), sense);
        }
        let mut world = Self {
            ids,
            steps: steps(places.len()),
            places,
            radii_m,
            index: MovingIndex::new(),
            watches,
            events: WatchEvents::default(),
        };
        world.step();
        world
    }

    /// The time of the index and of the watchers, not of the walk.
    fn step(&mut self) -> Duration {
        for (place, step) in self.places.iter_mut().zip(&self.steps) {
            *place = on_datum(place.to_vec() + *step);
        }
        cpu_time_of(|| {
            self.index.rebuild(&self.ids, &self.places);
            let view = self.index.view(&self.ids, &self.places);
            self.watches.update(view, &mut self.events);
        })
    }

    /// Who is within a radius of an entity, by the definition of distance.
    fn around(&self, n: usize, radius_m: f64) -> BTreeSet<EntityId> {
        let mut hits = Vec::new();
        let view = self.index.view(&self.ids, &self.places);
        view.radius(self.places[n], radius_m, &mut hits)
            .expect("a positive radius");
        hits.iter().map(|hit| hit.id).collect()
    }

    /// Keeps the sets of the first few watchers by radius queries, for some ticks, and compares the events.
    fn events_are_right(&mut self, watchers: usize) -> bool {
        let [enter_m, leave_m] = self.radii_m;
        let (mut is_right, mut counts) = (true, [0; 2]);
        // Nobody has left yet since the sets were empty.
        let mut sets: Vec<_> = (0..watchers).map(|n| self.around(n, enter_m)).collect();
        for _ in 0..COMPARED_TICKS {
            self.step();
            let (mut entered, mut left) = (BTreeSet::new(), BTreeSet::new());
            for (n, set) in sets.iter_mut().enumerate() {
                let watcher = WatcherId(self.ids[n].0);
                let sighting = |entity: &EntityId| Sighting {
                    watcher,
                    entity: *entity,
                };
                let (inner, outer) = (self.around(n, enter_m), self.around(n, leave_m));
                left.extend(set.difference(&outer).map(sighting));
                entered.extend(inner.difference(set).map(sighting));
                set.retain(|entity| outer.contains(entity));
                set.extend(inner);
            }
            let last = WatcherId(self.ids[watchers - 1].0);
            let of_ours = |events: &[Sighting]| -> BTreeSet<Sighting> {
                events
                    .iter()
                    .filter(|s| s.watcher <= last)
                    .copied()
                    .collect()
            };
            is_right &= of_ours(&self.events.entered) == entered;
            is_right &= of_ours(&self.events.left) == left;
            counts = [counts[0] + entered.len(), counts[1] + left.len()];
        }
        is_right && counts.iter().all(|count| *count > 0)
    }
}
