//! Snapshots: changed entities as deltas against an acknowledged epoch.

use net_proto::{
    Baselines, Datagrams, EPOCH_TICKS, EntityState, Epoch, Replicator, SnapshotRequest, UpdateCache,
};
use spatial_core::{EntityId, FrameId, Position};

use crate::case::{Case, Size, hash_of};
use crate::seeded::Seeded;

/// Entities, all of them walking, and in view if nothing else is said.
pub(crate) const ENTITIES: usize = 1_000;
/// The tick at which the acknowledged epoch begins.
const EPOCH: u64 = 2 * EPOCH_TICKS;

/// The first client of a tick: every update has to be encoded.
pub(crate) struct Fresh {
    client: Client,
    worlds: [Baselines; 2], // of two ticks, in turn: the cache begins anew with each
    cache: UpdateCache,
    turn: usize,
}

impl Fresh {
    pub(crate) fn new(size: Size) -> Self {
        Self::seeing(size.of(ENTITIES), size)
    }

    /// One who sees so many of them.
    pub(crate) fn seeing(count: usize, size: Size) -> Self {
        let (client, worlds) = scene(size, count);
        Self {
            client,
            worlds,
            cache: UpdateCache::new(),
            turn: 0,
        }
    }
}

impl Case for Fresh {
    fn operations(&self) -> u64 {
        self.client.visible.len() as u64
    }

    fn run(&mut self) {
        self.turn ^= 1;
        self.client.pack(&self.worlds[self.turn], &mut self.cache);
    }

    fn hash(&self) -> u64 {
        assert!(self.cache.counts().0 > 0, "updates were encoded");
        self.client.hash()
    }
}

/// Every further client: the updates are there to be copied.
pub(crate) struct Shared {
    client: Client,
    world: Baselines,
    cache: UpdateCache,
    encoded: u64, // updates encoded before the first run
}

impl Shared {
    pub(crate) fn new(size: Size) -> Self {
        Self::seeing(size.of(ENTITIES), size)
    }

    /// One who sees so many of them.
    pub(crate) fn seeing(count: usize, size: Size) -> Self {
        let (mut client, [_, world]) = scene(size, count);
        let mut cache = UpdateCache::new();
        client.pack(&world, &mut cache);
        let (encoded, _) = cache.counts();
        Self {
            client,
            world,
            cache,
            encoded,
        }
    }

    /// The states of whom the client is told.
    pub(crate) fn told(&self) -> impl Iterator<Item = &EntityState> {
        let states = self.world.current();
        let visible = self.client.visible.iter();
        visible.map(|&row| &states[row as usize])
    }

    /// Bytes of a snapshot, headers included.
    pub(crate) fn bytes(&self) -> usize {
        self.client.datagrams.byte_count()
    }
}

impl Case for Shared {
    fn operations(&self) -> u64 {
        self.client.visible.len() as u64
    }

    fn run(&mut self) {
        self.client.pack(&self.world, &mut self.cache);
    }

    fn hash(&self) -> u64 {
        assert_eq!(self.cache.counts().0, self.encoded, "nothing anew");
        self.client.hash()
    }
}

/// A client that sees everybody.
struct Client {
    replicator: Replicator,
    visible: Vec<u32>,
    datagrams: Datagrams,
}

impl Client {
    fn pack(&mut self, world: &Baselines, cache: &mut UpdateCache) {
        let request = SnapshotRequest {
            visible: &self.visible,
            last_input_seq: 1,
            durable_tick: world.tick(),
            datagrams_max: u8::MAX,
            ..SnapshotRequest::default()
        };
        self.replicator
            .pack(world, cache, &request, &mut self.datagrams);
    }

    fn hash(&self) -> u64 {
        let bytes = self.datagrams.iter().flatten();
        hash_of(bytes.map(|byte| u64::from(*byte)))
    }
}

/// A client that has acknowledged an epoch, and the two ticks after it.
/// It sees so many of all, evenly spread.
fn scene(size: Size, seen: usize) -> (Client, [Baselines; 2]) {
    let mut seeded = Seeded(5);
    let count = size.of(ENTITIES);
    let mut walkers: Vec<Walker> = (0..count).map(|n| Walker::new(n, &mut seeded)).collect();
    let mut client = Client {
        replicator: Replicator::new(),
        visible: (0..seen).map(|n| (n * count / seen) as u32).collect(),
        datagrams: Datagrams::new(),
    };
    let mut world = Baselines::new();
    let mut advance = |tick| {
        walkers.iter_mut().for_each(|w| w.walk(&mut seeded));
        let states: Vec<_> = walkers.iter().map(Walker::state).collect();
        world.advance(tick, &states);
        world.clone()
    };
    client.pack(&advance(EPOCH), &mut UpdateCache::new());
    let epoch = Epoch::starting_at(EPOCH).expect("an epoch begins there");
    assert!(client.replicator.acknowledge(epoch));
    let worlds = [advance(EPOCH + 1), advance(EPOCH + 2)];
    (client, worlds)
}

/// Somebody within 2 km of the middle of a frame.
struct Walker {
    id: EntityId,
    at: Position,
    heading: u16,
}

impl Walker {
    fn new(n: usize, seeded: &mut Seeded) -> Self {
        let mut metres = |most: f64| (seeded.signed() * most * 65_536.0) as i32;
        Self {
            id: EntityId(1 + 3 * n as u64), // not all ids are in view
            at: Position {
                frame: FrameId(1 << 36),
                x: metres(2_000.0),
                y: metres(2_000.0),
                z: metres(300.0),
            },
            heading: 0,
        }
    }

    /// A tick at walking pace: 5 cm along each axis of the ground at most, and at least the wire's grain.
    fn walk(&mut self, seeded: &mut Seeded) {
        let mut step = || (seeded.signed() * 0.04 * 65_536.0) as i32 + 1_024;
        self.at.x += step();
        self.at.y += step();
        self.at.z += step() / 8;
        self.heading = self.heading.wrapping_add(600);
    }

    fn state(&self) -> EntityState {
        EntityState::new(self.id, self.at, self.heading)
    }
}
