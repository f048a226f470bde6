//! One client that sees a hundred people who walk about.

use net_proto::{
    Baselines, Datagrams, EntityState, Epoch, Replica, Replicator, SnapshotRequest, UpdateCache,
};

use crate::allocations::allocations;
use crate::case::Size;
use crate::strollers::{Land, RATE_HZ, Strollers, Town, direction};

const PEOPLE: usize = 100;
const SECONDS: u64 = 60;

/// What it took, and whether all that came was right.
pub(crate) struct Watched {
    pub(crate) updates: usize,
    pub(crate) bits: usize, // ids included
    pub(crate) is_exact: bool,
    pub(crate) is_real: bool,
    /// Datagrams once it is under way, and how often memory was asked for by all that they took on both sides.
    pub(crate) steady_datagrams: usize,
    pub(crate) steady_allocations: u64,
}

impl Watched {
    /// A minute at twenty snapshots a second, whose epochs are acknowledged after so long.
    pub(crate) fn new(size: Size, delay_ms: u64) -> Self {
        let delay = delay_ms * u64::from(RATE_HZ) / 1_000;
        let town = Town {
            middle: direction(44.21, -71.43),
            radius_m: 60.0,
            people: PEOPLE,
        };
        let land = Land::new(&[town.middle]);
        let mut strollers = Strollers::new(&land, &[town], 7);
        let seconds = match size {
            Size::Tiny => 2,
            Size::Full => SECONDS,
        };
        let mut watched = Self {
            updates: 0,
            bits: 0,
            is_exact: true,
            is_real: land.is_real(),
            steady_datagrams: 0,
            steady_allocations: 0,
        };
        let mut watching = Watching::default();
        let ticks = seconds * u64::from(RATE_HZ);
        for tick in 0..ticks {
            strollers.step();
            strollers.states_into(&mut watching.states);
            let before = allocations();
            watched.look(strollers.world().tick(), &mut watching, delay);
            if tick >= ticks / 4 {
                watched.steady_datagrams += watching.out.iter().count();
                watched.steady_allocations += allocations() - before;
            }
        }
        watched
    }

    fn look(&mut self, tick: u64, watching: &mut Watching, delay: u64) {
        if let Some(epoch) = tick.checked_sub(delay).and_then(Epoch::starting_at) {
            watching.replicator.acknowledge(epoch);
        }
        watching.world.advance(tick, &watching.states);
        watching.visible.clear();
        watching.visible.extend(0..watching.states.len() as u32);
        let request = SnapshotRequest {
            visible: &watching.visible,
            durable_tick: tick,
            datagrams_max: 8,
            ..SnapshotRequest::default()
        };
        let (cache, out) = (&mut watching.cache, &mut watching.out);
        let stats = watching
            .replicator
            .pack(&watching.world, cache, &request, out);
        self.updates += stats.updates;
        self.bits += stats.bits;
        self.is_exact &= stats.deferred == 0 && watching.is_right(tick);
    }
}

/// The server's side of the client, and the client.
#[derive(Default)]
struct Watching {
    states: Vec<EntityState>,
    visible: Vec<u32>,
    world: Baselines,
    cache: UpdateCache,
    replicator: Replicator,
    out: Datagrams,
    replica: Replica,
}

impl Watching {
    /// Whether the client decodes what the world is at a tick: whom it was told of now, and all at an epoch.
    fn is_right(&mut self, tick: u64) -> bool {
        for datagram in self.out.iter() {
            let info = self.replica.handle_snapshot(datagram);
            if info.is_err() || info.is_ok_and(|info| info.dropped + info.repeated > 0) {
                return false;
            }
        }
        let tracked = self.replica.tracked();
        let mut told = tracked.iter().zip(&self.states);
        let is_told_right =
            told.all(|(tracked, state)| tracked.tick < tick || tracked.state == *state);
        let epoch = Epoch::starting_at(tick);
        let is_whole =
            epoch.is_none_or(|epoch| self.replica.epoch_set(epoch) == Some(&self.states[..]));
        tracked.len() == self.states.len() && is_told_right && is_whole
    }
}
