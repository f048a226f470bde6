//! Columns of components on the wire: whoever sees an entity knows its values, at their rate; its owner alone knows some.

use std::collections::BTreeMap;
use std::sync::Arc;

use net_proto::{
    Baselines, ColumnsError, Datagrams, ENTITIES_MAX, EntityState, Epoch, OwnValues,
    OwnValuesWriter, Replica, Replicator, ServerMessage, SnapshotRequest, UpdateCache, WireColumns,
    WireError,
};
use spatial_core::{
    ColumnSchema, Component, EntityId, LaneSchema, LaneType, Position, Wire, WireParts,
};

use crate::link::{Link, Weather};
use crate::walkers::{Random, Walkers};

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "health", kind = scalar, version = 2, replicate = all, priority = 4)]
struct Health {
    #[lane(bits = 10)]
    points: u16,
    #[lane(bits = 7, quantum = 0.5, min = -10, max = 50)]
    heat: f32,
}

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "mood", kind = raw, version = 1, replicate = all, rate = 5)]
struct Mood {
    face: u8,
}

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "purse", kind = raw, version = 1, replicate = owner)]
struct Purse {
    coins: u64,
    #[lane(bits = 3)]
    keys: u8,
}

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "secret", kind = raw, version = 1)]
struct Secret {
    plan: u32,
}

fn columns() -> WireColumns {
    let all = [
        Purse::schema(),
        Health::schema(),
        Secret::schema(),
        Mood::schema(),
    ];
    WireColumns::new(&all).unwrap()
}

/// What somebody is worth, by id.
#[derive(Clone, Copy)]
struct Values {
    health: Health,
    mood: Mood,
}

impl Values {
    fn new(random: &mut Random) -> Self {
        Self {
            health: Health {
                points: random.below(1_000) as u16,
                heat: random.below(100) as f32 / 2.0,
            },
            mood: Mood {
                face: random.below(250) as u8,
            },
        }
    }

    fn change(&mut self, random: &mut Random) {
        if random.chance(10) {
            self.health.points = random.below(1_000) as u16;
        }
        if random.chance(10) {
            self.health.heat = random.below(100) as f32 / 2.0;
        }
        if random.chance(30) {
            self.mood.face = self.mood.face.wrapping_add(1);
        }
    }

    fn codes(&self) -> [u64; 3] {
        let [points, heat] = [0, 1].map(|n| Health::LANES[n].wire);
        [
            points.encode(self.health.points),
            heat.encode(self.health.heat),
            u64::from(self.mood.face),
        ]
    }
}

struct Scene {
    walkers: Walkers,
    random: Random,
    values: BTreeMap<EntityId, Values>,
    /// Moods as they were when it was last their time.
    told: BTreeMap<EntityId, u8>,
    told_at: u64,
    baselines: Baselines,
    cache: UpdateCache,
    replicator: Replicator,
    replica: Replica,
    down: Link,
    weather: Weather,
    tick: u64,
    shown: BTreeMap<u32, BTreeMap<EntityId, [u64; 3]>>,
    acknowledged: Vec<(u64, Epoch)>,
    is_frozen: bool,
}

impl Scene {
    fn new(seed: u64, weather: Weather) -> Self {
        let columns = Arc::new(columns());
        Self {
            walkers: Walkers::new(seed, 80, 3),
            random: Random::new(seed),
            values: BTreeMap::new(),
            told: BTreeMap::new(),
            told_at: 0,
            baselines: Baselines::with_columns(Arc::clone(&columns), 30),
            cache: UpdateCache::new(),
            replicator: Replicator::new(),
            replica: Replica::with_columns(columns),
            down: Link::default(),
            weather,
            tick: 0,
            shown: BTreeMap::new(),
            acknowledged: Vec::new(),
            is_frozen: false,
        }
    }

    fn step(&mut self) {
        self.tick += 2;
        self.walkers.walk();
        self.walkers.stir();
        let states = self.walkers.states();
        if !self.is_frozen {
            for state in &states {
                let random = &mut self.random;
                let values = self.values.entry(state.id());
                values.or_insert_with(|| Values::new(random)).change(random);
            }
        }
        let codes: Vec<u64> = states
            .iter()
            .flat_map(|s| self.values[&s.id()].codes())
            .collect();
        self.baselines.advance_with(self.tick, &states, &codes);
        // Five times a second of thirty ticks, and of who has just come.
        let is_time = self.told_at == 0 || self.tick >= self.told_at + 6;
        if is_time {
            self.told_at = self.tick;
        }
        let mut told = BTreeMap::new();
        for state in &states {
            let now = self.values[&state.id()].mood.face;
            let was = self.told.get(&state.id()).filter(|_| !is_time);
            told.insert(state.id(), was.copied().unwrap_or(now));
        }
        self.told = told;
        let visible: Vec<u32> = (0..states.len() as u32)
            .filter(|row| !(u64::from(*row) + self.tick / 16).is_multiple_of(5))
            .collect();
        if let Some(epoch) = Epoch::starting_at(self.tick) {
            let seen = visible.iter().map(|row| states[*row as usize].id());
            let seen = seen.map(|id| (id, self.expected(id))).collect();
            self.shown.insert(epoch.number(), seen);
        }
        let (acknowledged, tick) = (&mut self.acknowledged, self.tick);
        for (_, epoch) in acknowledged.extract_if(.., |(due, _)| *due <= tick) {
            self.replicator.acknowledge(epoch);
        }
        let request = SnapshotRequest {
            visible: &visible,
            ..SnapshotRequest::default()
        };
        let mut out = Datagrams::new();
        self.replicator
            .pack(&self.baselines, &mut self.cache, &request, &mut out);
        for datagram in out.iter() {
            let random = &mut self.random;
            self.down.send(self.tick, datagram, self.weather, random);
        }
        self.receive();
    }

    fn expected(&self, id: EntityId) -> [u64; 3] {
        let [points, heat, _] = self.values[&id].codes();
        [points, heat, u64::from(self.told[&id])]
    }

    fn receive(&mut self) {
        for bytes in self.down.arrived(self.tick, &mut self.random) {
            let info = self.replica.handle_snapshot(&bytes).unwrap();
            if let Some(epoch) = info.completed {
                self.acknowledged.push((self.tick + 2, epoch));
                let expected = &self.shown[&epoch.number()];
                let set = self.replica.epoch_set(epoch).unwrap();
                assert!(set.iter().map(|s| s.id()).eq(expected.keys().copied()));
                for tracked in self.replica.tracked() {
                    if tracked.tick == epoch.tick() {
                        let codes = self.replica.codes(tracked.state.id());
                        assert_eq!(codes, Some(&expected[&tracked.state.id()][..]));
                    }
                }
            }
        }
    }
}

#[test]
fn values_arrive_over_bad_links() {
    for (seed, loss_percent, delay_ticks) in [(1, 0, (0, 0)), (2, 10, (2, 6)), (3, 30, (4, 9))] {
        let mut scene = Scene::new(
            seed,
            Weather {
                loss_percent,
                double_percent: 5,
                delay_ticks,
            },
        );
        for _ in 0..600 {
            scene.step();
        }
        assert!(scene.replica.stats().completed > 20);
        scene.weather = Weather::FINE;
        scene.walkers.freeze();
        scene.is_frozen = true;
        while !scene.tick.is_multiple_of(80) || scene.tick < 1_400 {
            scene.step();
        }
        assert_eq!(scene.replica.newest_complete().unwrap().tick(), scene.tick);
        let (lane, heat) = (
            columns().lane::<Health>("points").unwrap(),
            columns().lane::<Health>("heat").unwrap(),
        );
        for tracked in scene.replica.tracked() {
            let id = tracked.state.id();
            let codes = scene.replica.codes(id).unwrap();
            assert_eq!(codes, scene.expected(id));
            assert_eq!(lane.value(codes), Some(scene.values[&id].health.points));
            assert_eq!(heat.value(codes), Some(scene.values[&id].health.heat));
            assert_eq!(lane.value::<u8>(codes), None, "of another type");
        }
    }
}

#[test]
fn only_what_is_replicated_is_told() {
    let columns = columns();
    let names: Vec<_> = columns.schemas().iter().map(|c| &c.name[..]).collect();
    assert_eq!(names, ["health", "mood", "purse"]);
    assert_eq!((columns.shared_lanes(), columns.owned_lanes()), (3, 2));
    assert_eq!(columns.lane::<Secret>("plan"), None);
    assert_eq!(columns.lane::<Health>("speed"), None);
    let values = OwnValues {
        tick: 77,
        codes: vec![u64::MAX - 5, 0xff],
    };
    let mut bytes = Vec::new();
    values.encode(&columns, &mut bytes);
    assert_eq!(bytes.len(), 1 + 8 + 9);
    let read = OwnValues::decode(&columns, &bytes).unwrap();
    assert_eq!((read.tick, &read.codes[..]), (77, &[u64::MAX - 5, 7][..]));
    let coins = columns.lane::<Purse>("coins").unwrap();
    assert_eq!(coins.value(&read.codes), Some(u64::MAX - 5));
    bytes.push(0);
    assert_eq!(
        OwnValues::decode(&columns, &bytes),
        Err(WireError::Trailing)
    );
}

#[test]
fn what_matters_more_comes_first() {
    // Nobody moves; half of them change their health in every tick, half their mood, and there is room for a few.
    let columns = Arc::new(columns());
    let walkers = Walkers::new(9, 100, 3);
    let states = walkers.states();
    let mut baselines = Baselines::with_columns(columns, 5);
    let (mut cache, mut out) = (UpdateCache::new(), Datagrams::new());
    let (mut server, mut replica) = (
        Replicator::new(),
        Replica::with_columns(baselines.columns().clone()),
    );
    let visible: Vec<u32> = (0..100).collect();
    let mut counts = [0, 0];
    for tick in 8..16u64 {
        let codes: Vec<u64> = (0..100)
            .flat_map(|n| {
                if n % 2 == 0 {
                    [tick, 0, 0]
                } else {
                    [0, 0, tick]
                }
            })
            .collect();
        baselines.advance_with(tick, &states, &codes);
        let request = SnapshotRequest {
            visible: &visible,
            bytes_max: 60,
            ..SnapshotRequest::default()
        };
        server.pack(&baselines, &mut cache, &request, &mut out);
        for datagram in out.iter() {
            replica.handle_snapshot(datagram).unwrap();
        }
        server.acknowledge(Epoch::new(1).unwrap());
        if tick > 8 {
            for (n, tracked) in replica.tracked().iter().enumerate() {
                counts[n % 2] += u32::from(tracked.tick == tick);
            }
        }
    }
    assert!(counts[0] > 2 * counts[1], "{counts:?}");
}

#[test]
fn messages_come_back_and_no_part_of_them_does() {
    let message = ServerMessage::Columns(columns());
    let mut frame = Vec::new();
    message.encode(&mut frame);
    let content = &frame[2..];
    assert_eq!(ServerMessage::decode(content), Ok(message));
    for end in 0..content.len() {
        assert!(ServerMessage::decode(&content[..end]).is_err(), "{end}");
    }
    let longer = [content, &[0]].concat();
    assert_eq!(ServerMessage::decode(&longer), Err(WireError::Trailing));
    let mut random = Random::new(5);
    for _ in 0..20_000 {
        let mut bytes = content.to_vec();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] = random.next() as u8;
        }
        if let Ok(ServerMessage::Columns(columns)) = ServerMessage::decode(&bytes) {
            let mut again = Vec::new();
            ServerMessage::Columns(columns).encode(&mut again);
            assert!(ServerMessage::decode(&again[2..]).is_ok());
        }
    }
}

#[test]
fn too_much_is_refused() {
    let wide = |n: usize| ColumnSchema {
        name: format!("wide {n}"),
        ..Purse::schema()
    };
    let health = Health::schema();
    let named = |name: &str| ColumnSchema {
        name: name.to_owned(),
        ..health.clone()
    };
    for name in ["", "two\nlines", &"n".repeat(256)] {
        let refused = Err(ColumnsError::Name(name.to_owned()));
        assert_eq!(WireColumns::new(&[named(name)]), refused);
    }
    let mut idle = health.clone();
    idle.replication.priority = 0;
    let refused = Err(ColumnsError::Priority("health".to_owned()));
    assert_eq!(WireColumns::new(&[idle]), refused);
    let many: Vec<_> = (0..65).map(wide).collect();
    assert_eq!(WireColumns::new(&many), Err(ColumnsError::Columns(65)));
    let long: Vec<_> = (0..7).map(wide).collect();
    assert_eq!(WireColumns::new(&long), Err(ColumnsError::Bits(7 * 67)));
    assert!(WireColumns::new(&long[..6]).is_ok());
    let flags = |count: usize| {
        let lane = |n: usize| LaneSchema {
            name: format!("{}{n:02}", "n".repeat(250)),
            lane_type: LaneType::U8,
            wire: Wire::new(
                LaneType::U8,
                WireParts {
                    bits: Some(1),
                    ..WireParts::default()
                },
            )
            .unwrap(),
        };
        let column = |n: usize| ColumnSchema {
            name: format!("flags {n}"),
            lanes: (0..32).map(lane).collect(),
            ..health.clone()
        };
        WireColumns::new(&(0..count).map(column).collect::<Vec<_>>())
    };
    // The longest that can be: its description fits a frame.
    let mut frame = Vec::new();
    ServerMessage::Columns(flags(2).unwrap()).encode(&mut frame);
    assert!(frame.len() > 16_000);
    assert_eq!(flags(3), Err(ColumnsError::Lanes(96)));
}

#[test]
fn owners_are_told_at_the_rate_of_their_columns() {
    let mut slow = Purse::schema();
    slow.replication.rate_hz = 2;
    let columns = WireColumns::new(&[slow]).unwrap();
    let mut writer = OwnValuesWriter::new(&columns, 30);
    let (mut told, mut changes, mut last) = (0, 0, Vec::new());
    for tick in (2..=300).step_by(2) {
        let mut out = Vec::new();
        if writer.write(&columns, (tick, [tick, 1].into_iter()), &mut out) {
            let values = OwnValues::decode(&columns, &out).unwrap();
            assert_eq!(values.tick, tick);
            told += 1;
            changes += u32::from(values.codes != last);
            last = values.codes;
        }
    }
    // A change at every sixteenth tick, each told three times, and 37 epochs, at none of these.
    assert_eq!((changes, told), (19, 3 * 19 + 37));
    let none = WireColumns::default();
    let mut idle = OwnValuesWriter::new(&none, 30);
    assert!(!idle.write(&none, (8, core::iter::empty()), &mut Vec::new()));
}

#[test]
fn long_values_leave_room_for_fewer() {
    let long = |n: usize| ColumnSchema {
        name: format!("long {n}"),
        replication: Health::REPLICATION,
        ..Purse::schema()
    };
    let columns: Vec<_> = (0..6).map(long).collect();
    let columns = WireColumns::new(&columns).unwrap();
    assert_eq!(WireColumns::default().entities_max(), ENTITIES_MAX);
    let most = columns.entities_max();
    assert!((2_500..4_000).contains(&most), "{most}");
    // So many, and nobody more, are sent, in parts that can be numbered.
    let state = |n: u64| EntityState::new(EntityId(n << 20), Position::default(), 0);
    let states: Vec<_> = (1..=most as u64 + 9).map(state).collect();
    let mut world = Baselines::with_columns(Arc::new(columns), 30);
    let codes = vec![u64::MAX; states.len() * world.columns().shared_lanes()];
    world.advance_with(8, &states, &codes);
    let visible: Vec<u32> = (0..states.len() as u32).collect();
    let request = SnapshotRequest {
        visible: &visible,
        ..SnapshotRequest::default()
    };
    let mut out = Datagrams::new();
    let stats = Replicator::new().pack(&world, &mut UpdateCache::new(), &request, &mut out);
    assert_eq!((stats.updates, stats.deferred), (most, 0));
    assert!(out.len() <= 255);
}
