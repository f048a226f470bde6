//! A moving world to one client over a bad link: every epoch that the client completes is the server's, every
//! digest matches, and when the link clears the client has exactly what is visible.

use std::collections::BTreeMap;

use net_proto::{
    Baselines, Datagrams, Digest, DigestVerdict, EPOCHS_ALIVE, EntityState, Epoch, Input,
    InputBuffer, InputDatagram, InputHead, PROTOCOL_VERSION, PROTOCOL_VERSION_OLDEST, Replica,
    Replicator, SnapshotRequest, UpdateCache,
};

use crate::link::{Link, Weather};
use crate::walkers::{Random, Walkers};

pub(crate) struct Pair {
    world: Walkers,
    tick: u64,
    baselines: Baselines,
    cache: UpdateCache,
    replicator: Replicator,
    inputs: InputBuffer,
    replica: Replica,
    /// Notes what comes, and reads nothing.
    skimmer: Replica,
    sent_inputs: u32,
    down: Link,
    up: Link,
    weather: Weather,
    random: Random,
    shown: BTreeMap<u32, Vec<EntityState>>, // what the server sent, by epoch
    digests: Vec<(u64, Digest)>,            // arrival tick
    matches: u32,
    snapshots: u64,
    /// Sent to the client, without the headers of what carries it.
    pub(crate) bytes: u64,
}

impl Pair {
    pub(crate) fn new(seed: u64, weather: Weather) -> Self {
        Self {
            world: Walkers::new(seed, 200, 3),
            tick: 0,
            baselines: Baselines::new(),
            cache: UpdateCache::new(),
            replicator: Replicator::new(),
            inputs: InputBuffer::new(),
            replica: Replica::new(),
            skimmer: Replica::new().skimming(),
            sent_inputs: 0,
            down: Link::default(),
            up: Link::default(),
            weather,
            random: Random::new(seed ^ 0x5eed),
            shown: BTreeMap::new(),
            digests: Vec::new(),
            matches: 0,
            snapshots: 0,
            bytes: 0,
        }
    }

    /// Interest that moves: a window over the ids.
    fn visible(&self, count: usize) -> Vec<u32> {
        let start = (self.tick / 5) as usize % 60;
        (0..count as u32)
            .filter(|&row| !(row as usize + start).is_multiple_of(4) || row % 3 == 0)
            .collect()
    }

    pub(crate) fn step(&mut self) {
        self.tick += 1;
        self.world.walk();
        self.world.stir();
        for bytes in self.up.arrived(self.tick, &mut self.random) {
            let datagram = InputDatagram::decode(&bytes).unwrap();
            self.inputs.push(&datagram, u16::MAX, self.tick);
            if let Some(epoch) = datagram.head().acknowledged {
                self.replicator.acknowledge(epoch);
            }
        }
        self.inputs.take();
        if self.tick.is_multiple_of(2) {
            self.send_snapshot();
        }
        if self.tick.is_multiple_of(30) {
            self.send_digest();
        }
        self.receive();
        if self.tick.is_multiple_of(2) {
            self.send_inputs();
        }
    }

    fn send_snapshot(&mut self) {
        let states = self.world.states();
        self.baselines.advance(self.tick, &states);
        let visible = self.visible(states.len());
        if let Some(epoch) = Epoch::starting_at(self.tick) {
            let set = visible.iter().map(|&row| states[row as usize]).collect();
            self.shown.insert(epoch.number(), set);
        }
        let request = SnapshotRequest {
            visible: &visible,
            last_input_seq: self.inputs.applied_seq(),
            durable_tick: self.tick - 1,
            datagrams_max: 8,
            ..SnapshotRequest::default()
        };
        let mut out = Datagrams::new();
        let stats = self
            .replicator
            .pack(&self.baselines, &mut self.cache, &request, &mut out);
        assert_eq!(stats.deferred, 0);
        self.snapshots += 1;
        self.bytes += out.byte_count() as u64;
        for datagram in out.iter() {
            self.down
                .send(self.tick, datagram, self.weather, &mut self.random);
        }
    }

    fn send_digest(&mut self) {
        if let Some((epoch, entities)) = self.replicator.digest(&self.baselines, self.tick) {
            let digest = Digest {
                epoch,
                durable_tick: self.tick,
                state_hash: 1,
                entities,
            };
            self.digests
                .push((self.tick + self.weather.delay_ticks.0, digest));
        }
    }

    fn receive(&mut self) {
        for bytes in self.down.arrived(self.tick, &mut self.random) {
            let before = self.replica.clone();
            let info = self.replica.handle_snapshot(&bytes).unwrap();
            assert!(info.last_input_seq <= self.sent_inputs);
            let noted = self.skimmer.handle_snapshot(&bytes).unwrap();
            assert_eq!((noted.tick, noted.completed), (info.tick, info.completed));
            if let Some(epoch) = info.completed {
                let set = self.replica.epoch_set(epoch).unwrap();
                assert_eq!(set, self.shown[&epoch.number()], "{epoch}");
            }
            self.assert_well_formed();
            self.assert_nothing_went_back(&before, info.tick);
        }
        for (arrival, digest) in core::mem::take(&mut self.digests) {
            if arrival > self.tick {
                self.digests.push((arrival, digest));
            } else {
                let noted = self.skimmer.verify_digest(&digest);
                assert!(noted == DigestVerdict::Unknown || !self.skimmer.skims());
                match self.replica.verify_digest(&digest) {
                    DigestVerdict::Match => self.matches += 1,
                    verdict => assert_eq!(verdict, DigestVerdict::Unknown),
                }
            }
        }
    }

    fn assert_well_formed(&self) {
        let acknowledged = [&self.replica, &self.skimmer].map(Replica::newest_complete);
        assert_eq!(acknowledged[0], acknowledged[1]);
        assert!(self.skimmer.tracked().is_empty() || !self.skimmer.skims());
        let tracked = self.replica.tracked();
        assert!(tracked.is_sorted_by(|a, b| a.state.id() < b.state.id()));
        // What the newest complete set does not hold has come after it.
        let newest = self.replica.newest_complete();
        let Some((epoch, set)) = newest.and_then(|e| Some((e, self.replica.epoch_set(e)?))) else {
            return;
        };
        for entity in tracked {
            let row = set.binary_search_by_key(&entity.state.id(), EntityState::id);
            assert!(
                row.is_ok() || entity.tick > epoch.tick(),
                "{entity:?} has left"
            );
        }
    }

    /// After a datagram of a tick: only what is newer has replaced anything.
    fn assert_nothing_went_back(&self, before: &Replica, tick: u64) {
        assert!(self.replica.newest_complete() >= before.newest_complete());
        for old in before.tracked() {
            if let Some(entity) = self.replica.get(old.state.id()) {
                assert!(entity.tick >= old.tick && entity.previous_tick <= entity.tick);
            }
        }
        let replaced = |epoch: &Epoch| {
            before.epoch_set(*epoch).is_some() && self.replica.epoch_set(*epoch).is_none()
        };
        let epochs = (1..=self.tick / 8).filter_map(|n| Epoch::starting_at(8 * n));
        for epoch in epochs.filter(replaced) {
            assert_eq!(tick % 32, epoch.tick() % 32, "{epoch} is not in the way");
            assert!(tick > epoch.tick(), "{epoch} is newer than tick {tick}");
        }
    }

    fn send_inputs(&mut self) {
        self.sent_inputs += 2;
        let first = self.sent_inputs.saturating_sub(3).max(1);
        let inputs = (first..=self.sent_inputs).map(|_| Input::default());
        let head = InputHead {
            acknowledged: self.replica.newest_complete(),
            ..InputHead::default()
        };
        let datagram = InputDatagram::new(head, first, inputs).unwrap();
        let mut bytes = Vec::new();
        datagram.encode(&mut bytes);
        self.up
            .send(self.tick, &bytes, self.weather, &mut self.random);
    }

    fn assert_equal(&self) {
        let visible = self.visible(self.baselines.current().len());
        let expected = visible
            .iter()
            .map(|&row| self.baselines.current()[row as usize]);
        let expected: Vec<_> = expected.collect();
        let got: Vec<_> = self.replica.tracked().iter().map(|t| t.state).collect();
        assert_eq!(got, expected);
    }
}

/// A minute over a line, and then until nothing moves; returns how many snapshots that were.
pub(crate) fn check(seed: u64, weather: Weather, version: u16) -> u64 {
    println!("seed {seed}, {weather:?}, version {version}");
    let mut pair = Pair::new(seed, weather);
    pair.replicator = Replicator::new().speaking(version);
    pair.replica = Replica::new().speaking(version);
    pair.skimmer = pair.replica.clone().skimming();
    for _ in 0..900 {
        pair.step();
    }
    let completed = pair.replica.stats().completed;
    assert!(completed > 5, "{completed} epochs of 112");
    assert!(pair.matches > 0);
    // The link clears and the world stands still, at a moment when interest does too.
    pair.weather = Weather::FINE;
    pair.world.freeze();
    while pair.tick % (5 * 8) != 8 {
        pair.step();
    }
    let last_epoch = pair.tick + 32;
    while pair.tick < last_epoch {
        pair.step();
    }
    assert_eq!(
        pair.replica.newest_complete(),
        Epoch::starting_at(last_epoch)
    );
    pair.assert_equal();
    pair.snapshots
}

#[test]
fn a_fine_link_completes_every_epoch() {
    let mut pair = Pair::new(1, Weather::FINE);
    for tick in 1..=600 {
        pair.step();
        if tick % 8 == 0 {
            pair.assert_equal();
        }
    }
    let stats = pair.replica.stats();
    assert_eq!((stats.completed, stats.dropped, stats.late), (75, 0, 0));
    assert_eq!(pair.matches, 20);
    let (encoded, copied) = pair.cache.counts();
    assert!(encoded == copied && encoded > 0); // one client: nothing to share
}

#[test]
fn bad_links_lose_nothing_for_good() {
    for (seed, loss_percent) in [(1, 0), (2, 5), (3, 10), (4, 20), (5, 30), (6, 30)] {
        for double_percent in [0, 10] {
            for delay_ticks in [(0, 0), (1, 4), (5, 9)] {
                let weather = Weather {
                    loss_percent,
                    double_percent,
                    delay_ticks,
                };
                for version in PROTOCOL_VERSION_OLDEST..=PROTOCOL_VERSION {
                    check(seed, weather, version);
                }
            }
        }
    }
}

#[test]
fn parts_that_are_later_than_the_ring_is_long_change_nothing() {
    let weather = Weather {
        loss_percent: 0,
        double_percent: 20,
        delay_ticks: (0, 60),
    };
    let mut pair = Pair::new(12, weather);
    for _ in 0..900 {
        pair.step();
    }
    let stats = pair.replica.stats();
    println!("{stats:?}");
    assert!(stats.late > 300 && stats.completed > 5);
}

#[test]
fn a_set_is_never_relative_to_itself() {
    let (mut baselines, mut cache) = (Baselines::new(), UpdateCache::new());
    let (mut client, mut out) = (Replicator::new(), Datagrams::new());
    baselines.advance(8, &Walkers::new(13, 10, 3).states());
    let visible: Vec<u32> = (0..10).collect();
    let request = SnapshotRequest {
        visible: &visible,
        last_input_seq: 0,
        durable_tick: 0,
        datagrams_max: 1,
        ..SnapshotRequest::default()
    };
    for _ in 0..2 {
        let stats = client.pack(&baselines, &mut cache, &request, &mut out);
        assert_eq!(stats.absolute, 10);
        client.acknowledge(Epoch::new(1).unwrap());
    }
}

#[test]
fn silence_ends_in_updates_without_baselines() {
    let mut pair = Pair::new(7, Weather::FINE);
    for _ in 0..100 {
        pair.step();
    }
    let cut_at = pair.replica.newest_complete().unwrap();
    pair.weather.loss_percent = 100;
    for _ in 0..EPOCHS_ALIVE * 8 + 8 {
        pair.step();
    }
    pair.weather.loss_percent = 0;
    pair.step();
    while pair.replica.newest_complete() == Some(cut_at) {
        assert!(pair.tick < 200, "the client never recovers");
        pair.step();
    }
    assert_eq!(pair.replica.stats().dropped, 0);
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_is_ignored() {
    let mut pair = Pair::new(8, Weather::FINE);
    for _ in 0..20 {
        pair.step();
    }
    assert!(!pair.replicator.acknowledge(Epoch::new(99).unwrap()));
    assert!(!pair.replicator.acknowledge(Epoch::new(1).unwrap()));
    assert_eq!(pair.replicator.acknowledged(), Epoch::new(2));
}

#[test]
fn a_wrong_digest_is_noticed() {
    let mut pair = Pair::new(9, Weather::FINE);
    for _ in 0..40 {
        pair.step();
    }
    let (epoch, mut entities) = pair.replicator.digest(&pair.baselines, 3).unwrap();
    assert_eq!(entities.len(), 16);
    let digest = |entities: &[EntityState]| Digest {
        epoch,
        durable_tick: 0,
        state_hash: 0,
        entities: entities.to_vec(),
    };
    assert_eq!(
        pair.replica.verify_digest(&digest(&entities)),
        DigestVerdict::Match
    );
    let mut elsewhere = entities[0].position();
    elsewhere.x += 1 << 9;
    entities[0] = EntityState::new(entities[0].id(), elsewhere, entities[0].heading_u16());
    let stranger = spatial_core::EntityId(u64::MAX);
    entities[5] = EntityState::new(stranger, elsewhere, 0);
    assert_eq!(
        pair.replica.verify_digest(&digest(&entities)),
        DigestVerdict::Mismatch(2)
    );
    let other = Digest {
        epoch: Epoch::new(77).unwrap(),
        ..digest(&entities)
    };
    assert_eq!(pair.replica.verify_digest(&other), DigestVerdict::Unknown);
}

#[test]
fn clients_share_encoded_updates() {
    let (mut baselines, mut cache) = (Baselines::new(), UpdateCache::new());
    let world = Walkers::new(10, 300, 3);
    baselines.advance(8, &world.states());
    let all: Vec<u32> = (0..300).collect();
    let mut packed = Vec::new();
    for _ in 0..10 {
        let request = SnapshotRequest {
            visible: &all,
            last_input_seq: 0,
            durable_tick: 0,
            datagrams_max: 1,
            ..SnapshotRequest::default()
        };
        let mut out = Datagrams::new();
        Replicator::new().pack(&baselines, &mut cache, &request, &mut out);
        packed.push(out.iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
    }
    assert!(packed.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(cache.counts(), (300, 3_000));
}

#[test]
fn between_epochs_the_budget_holds_and_what_waits_is_counted() {
    let (mut baselines, mut cache) = (Baselines::new(), UpdateCache::new());
    let world = Walkers::new(11, 900, 3);
    baselines.advance(9, &world.states());
    let all: Vec<u32> = (0..900).collect();
    let request = SnapshotRequest {
        visible: &all,
        last_input_seq: 0,
        durable_tick: 0,
        datagrams_max: 2,
        ..SnapshotRequest::default()
    };
    let mut out = Datagrams::new();
    let stats = Replicator::new().pack(&baselines, &mut cache, &request, &mut out);
    assert_eq!((out.len(), stats.updates + stats.deferred), (2, 900));
    assert!(stats.deferred > 700, "{stats:?}");
}

/// 900 entities that all move in every tick.
fn crowd(tick: u64) -> Vec<EntityState> {
    let position = |id: u64| spatial_core::Position {
        frame: spatial_core::FrameId(1 << 36),
        x: (tick + id) as i32 * 1_024,
        y: 0,
        z: 0,
    };
    let state = |n: u64| EntityState::new(spatial_core::EntityId(3 * n), position(3 * n), 0);
    (1..=900).map(state).collect()
}

/// A snapshot has room for few; returns the most snapshots that anybody waited for its turn.
fn longest_wait(own_at: usize, datagrams_max: u8, is_acknowledged: bool) -> u64 {
    let (mut baselines, mut cache) = (Baselines::new(), UpdateCache::new());
    let own = crowd(0)[own_at].id();
    let (mut server, mut out) = (Replicator::of(own), Datagrams::new());
    let mut replica = Replica::new();
    let visible: Vec<u32> = (0..900).collect();
    let request = SnapshotRequest {
        visible: &visible,
        last_input_seq: 0,
        durable_tick: 0,
        datagrams_max,
        ..SnapshotRequest::default()
    };
    let mut newest: BTreeMap<u64, u64> = (1..=900).map(|n| (3 * n, 0)).collect();
    let mut longest = 0;
    // The epochs after the first are left out: nothing but turns brings anybody up to date.
    let ticks = (8..40).filter(|tick| *tick == 8 || tick % 8 != 0);
    for (n, tick) in (0..).zip(ticks) {
        baselines.advance(tick, &crowd(tick));
        let stats = server.pack(&baselines, &mut cache, &request, &mut out);
        assert_eq!(stats.updates + stats.deferred, 900);
        assert!(tick == 8 || out.len() <= usize::from(datagrams_max));
        for datagram in out.iter() {
            assert_eq!(replica.handle_snapshot(datagram).unwrap().dropped, 0);
        }
        if is_acknowledged {
            server.acknowledge(Epoch::new(1).unwrap());
        }
        assert_eq!(replica.get(own).unwrap().tick, tick, "own entity");
        for tracked in replica.tracked().iter().filter(|t| t.tick == tick) {
            let before = newest.insert(tracked.state.id().0, n);
            longest = longest.max(n - before.unwrap());
        }
    }
    let last = newest.values().min().unwrap();
    longest.max(28 - last)
}

#[test]
fn between_epochs_everybody_has_a_turn_and_oneself_always() {
    for own_at in [0, 1, 70, 450, 899] {
        for (datagrams_max, is_acknowledged, bound) in
            [(1, false, 16), (1, true, 7), (2, false, 8), (4, true, 2)]
        {
            let longest = longest_wait(own_at, datagrams_max, is_acknowledged);
            println!("own {own_at}: {longest} of {bound} snapshots");
            assert!((1..=bound).contains(&longest), "{longest}");
        }
    }
}

/// Clients who share a cache, and with it whole snapshots, are told what each would be told alone.
#[test]
fn who_sees_the_same_is_told_the_same() {
    const CLIENTS: u64 = 12;
    let mut world = Walkers::new(5, 120, 3);
    let mut random = Random::new(99);
    let (mut baselines, mut shared) = (Baselines::new(), UpdateCache::new());
    let mut pairs: Vec<_> = (0..CLIENTS)
        .map(|_| [Replicator::new(), Replicator::new()])
        .collect();
    let (mut out, mut alone) = (Datagrams::new(), Datagrams::new());
    for tick in 8..400 {
        world.walk();
        if tick % 50 == 0 {
            world.stir();
        }
        let states = world.states();
        baselines.advance(tick, &states);
        let all: Vec<u32> = (0..states.len() as u32).collect();
        let some: Vec<u32> = all.iter().copied().filter(|row| row % 3 > 0).collect();
        for (n, [together, apart]) in (0u32..).zip(&mut pairs) {
            let visible = match (n, random.below(8)) {
                (0..4, _) | (4..8, 0) => &all,
                _ => &some,
            };
            let request = SnapshotRequest {
                visible,
                last_input_seq: 100 * n + tick as u32,
                durable_tick: tick - 3,
                bytes_max: if random.chance(10) { 60 } else { usize::MAX },
                ..SnapshotRequest::default()
            };
            let stats = together.pack(&baselines, &mut shared, &request, &mut out);
            let mut cache = UpdateCache::new();
            let expected = apart.pack(&baselines, &mut cache, &request, &mut alone);
            assert_eq!(stats, expected, "client {n}, tick {tick}");
            assert!(out.iter().eq(alone.iter()), "client {n}, tick {tick}");
            if random.chance(30) {
                let epoch = Epoch::of_tick(tick).unwrap();
                assert_eq!(together.acknowledge(epoch), apart.acknowledge(epoch));
            }
        }
    }
    assert!(shared.shared() > 500, "{}", shared.shared());
}
