//! In the steady state packing and taking in snapshots allocates nothing.

use std::collections::VecDeque;

use net_proto::{Baselines, Datagrams, Epoch, Replica, Replicator, SnapshotRequest, UpdateCache};
use spatial_core::EntityId;

use crate::allocations::allocations;
use crate::walkers::Walkers;

const WALKERS: u64 = 500;
const CLIENTS: u64 = 100;
/// Whom a client sees: others come into view and leave it all the time.
const SEEN: u64 = 40;
const WARM_UP: u64 = 300;
const SNAPSHOTS: u64 = 1_000;
/// Acknowledgements take so many ticks.
const DELAY: u64 = 3;

struct Client {
    replicator: Replicator,
    replica: Replica,
    coming: VecDeque<(u64, Epoch)>, // when an acknowledgement arrives
    bytes_max: usize,
}

#[test]
fn snapshots_allocate_nothing_once_they_are_under_way() {
    let mut walkers = Walkers::new(5, WALKERS, 3);
    let mut clients: Vec<Client> = (0..CLIENTS).map(client).collect();
    let (mut world, mut cache) = (Baselines::new(), UpdateCache::new());
    let (mut out, mut visible, mut distances_dm) = (Datagrams::new(), Vec::new(), Vec::new());
    let (mut warming, mut allocated) = (0, 0);
    let (mut updates, mut deferred) = (0, 0);
    for tick in 1..=WARM_UP + SNAPSHOTS {
        walkers.walk();
        let states = walkers.states();
        let before = allocations();
        world.advance(tick, &states);
        for (n, client) in (0..).zip(&mut clients) {
            see(&mut visible, n * 5 + tick / 8);
            distances_dm.clear();
            distances_dm.extend(visible.iter().map(|row| row % 1_000));
            client.hear(tick);
            let request = SnapshotRequest {
                visible: &visible,
                distances_dm: &distances_dm,
                bytes_max: client.bytes_max,
                ..SnapshotRequest::default()
            };
            let stats = client
                .replicator
                .pack(&world, &mut cache, &request, &mut out);
            updates += stats.updates;
            deferred += stats.deferred;
            client.take_in(tick, &out);
        }
        match tick {
            ..=WARM_UP => warming += allocations() - before,
            _ => allocated += allocations() - before,
        }
    }
    println!("{updates} updates and {deferred} that waited: {allocated} allocations");
    assert!(updates > 1_000_000 && deferred > 100_000, "it is a scene");
    assert!(warming > 0, "they are counted");
    assert_eq!(allocated, 0);
    assert!(clients.iter().all(|c| c.replica.stats().completed > 100));
}

/// Every second one has too little room; all but the first ones steer somebody.
fn client(n: u64) -> Client {
    Client {
        replicator: match n {
            ..10 => Replicator::new(),
            _ => Replicator::of(EntityId(n)),
        },
        replica: Replica::new(),
        coming: VecDeque::with_capacity(16),
        bytes_max: if n.is_multiple_of(2) { usize::MAX } else { 70 },
    }
}

/// So many rows from one on, around the end, ascending.
fn see(visible: &mut Vec<u32>, first: u64) {
    visible.clear();
    visible.extend((first..first + SEEN).map(|row| (row % WALKERS) as u32));
    visible.sort_unstable();
}

impl Client {
    fn hear(&mut self, tick: u64) {
        while let Some((_, epoch)) = self.coming.pop_front_if(|(due, _)| *due <= tick) {
            self.replicator.acknowledge(epoch);
        }
    }

    fn take_in(&mut self, tick: u64, out: &Datagrams) {
        for datagram in out.iter() {
            let info = self.replica.handle_snapshot(datagram).unwrap();
            assert_eq!(info.dropped, 0);
            if let Some(epoch) = info.completed {
                self.coming.push_back((tick + DELAY, epoch));
            }
        }
    }
}
