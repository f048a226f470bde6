//! A predicting client against the simulation itself, over a bad line in virtual time.

use std::collections::VecDeque;

use client::{Agreement, ClientCore, Event, NoPrediction};
use net_proto::{Avatar, Input, InputBuffer, InputDatagram, Motion, OwnState, Welcome, WorldId};
use sim_core::{Agent, ExactState, Kind, KindId, Mode, Record, World, WorldStart};
use spatial_core::{Ecef, EntityId, Geodetic, MemoryStore, Planet, TileStore};

use crate::seeded::Seeded;
use crate::terrain::store;

const PLAYER: EntityId = EntityId(1);
/// Slices of a tick.
const TICK: u64 = 64;
const RATE: u64 = 30;

/// A line that delays by so many slices, and loses.
struct Line {
    seeded: Seeded,
    delay: (u64, u64),
    lost_per_100: u64,
    on_the_way: Vec<(u64, Vec<u8>)>,
}

impl Line {
    fn send(&mut self, now: u64, bytes: Vec<u8>) {
        let (low, high) = self.delay;
        let delay = low + self.seeded.below(high - low + 1);
        if self.seeded.below(100) >= self.lost_per_100 {
            self.on_the_way.push((now + delay, bytes));
        }
    }

    fn take(&mut self, now: u64) -> Vec<Vec<u8>> {
        let mut come: Vec<_> = self
            .on_the_way
            .extract_if(.., |(at, _)| *at <= now)
            .collect();
        come.sort_by_key(|(at, _)| *at);
        come.into_iter().map(|(_, bytes)| bytes).collect()
    }
}

/// A world with one player, as a server runs it.
struct Server {
    world: World,
    inputs: InputBuffer,
    used: u32,
    datagram: u32,
    /// The last tick in which something happened that the client could not know.
    disturbed: u64,
    /// Hashes that came and were wrong, with their ticks.
    wrong: Vec<u64>,
    right: u64,
}

impl Server {
    fn new(store: &MemoryStore, (lat, lon): (f64, f64)) -> Self {
        let planet = Planet::EARTH;
        let mut world = World::new(WorldStart {
            world_id: 1,
            planet,
            tick_rate_hz: RATE as u16,
            gravity: WorldStart::EARTH_GRAVITY,
            lattice: *store.manifest().lattice(),
        })
        .unwrap();
        let place = planet.ecef(Geodetic::from_degrees(lat, lon, 0.0).unwrap());
        let (id, kind) = (KindId(0), Kind::character(2_048));
        let agent = Agent {
            position: planet.position(place).unwrap(),
            kind: id,
            ..Agent::default()
        };
        let entity = PLAYER;
        let mut records = vec![Record::Kind { id, kind }, Record::Spawn { entity, agent }];
        for cell in store.cells().iter().filter(|cell| cell.level() == 2) {
            let tile = store.load(*cell).unwrap();
            let checksum = tile.checksum();
            records.push(Record::Resident {
                tile: *cell,
                checksum,
            });
            world.stage(tile);
        }
        world.step(0, &records).unwrap();
        Self {
            world,
            inputs: InputBuffer::new(),
            used: 0,
            datagram: 0,
            disturbed: 0,
            wrong: Vec::new(),
            right: 0,
        }
    }

    fn exact(&self) -> ExactState {
        self.world.exact(PLAYER).unwrap()
    }

    fn welcome(&self) -> Welcome {
        let kind = self.world.kind(KindId(0)).unwrap();
        Welcome {
            world: WorldId(1),
            player: PLAYER,
            tick: self.world.tick(),
            tick_rate_hz: RATE as u16,
            snapshot_ticks: 2,
            radius_mm: 6_371_008_800,
            interest_dm: 1_000,
            speed_limit: kind.speed_max,
            gravity: WorldStart::EARTH_GRAVITY,
            avatar: Avatar {
                grade: kind.grade as u8,
                radius: kind.radius,
                height: kind.height,
                acceleration: kind.acceleration,
                slope_max: kind.slope_max,
                step_max: kind.step_max,
                jump_speed: kind.jump_speed,
                drag: kind.drag,
                weight: kind.weight,
            },
            lattice: self.world.start().lattice.fingerprint(),
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        let datagram = InputDatagram::decode(bytes).unwrap();
        self.inputs.push(&datagram, u16::MAX, self.world.tick());
    }

    /// A tick; what the player is told.
    fn step(&mut self, mut records: Vec<Record>) -> Option<OwnState> {
        let tick = self.world.tick();
        let next = self.inputs.take();
        if next.is_none_or(|next| next.seq != self.used + 1) || !records.is_empty() {
            self.disturbed = tick;
        }
        if let Some(next) = next {
            self.used = next.seq;
            match next.predicted {
                0 => {}
                hash if hash == self.exact().hash() => self.right += 1,
                _ => self.wrong.push(tick),
            }
            records.push(Record::Input {
                entity: PLAYER,
                input: sim_core::Input {
                    seq: next.seq,
                    east: next.input.east,
                    north: next.input.north,
                    heading: next.input.heading,
                    buttons: next.input.buttons,
                    ..sim_core::Input::default()
                },
            });
        }
        let report = self.world.step(tick, &records).unwrap();
        assert_eq!((report.refused, report.held), (0, 0));
        let datagram = next.map_or(self.datagram, |next| next.datagram);
        let is_new = datagram != self.datagram;
        self.datagram = datagram;
        is_new.then(|| self.own())
    }

    fn own(&self) -> OwnState {
        let exact = self.exact();
        OwnState {
            tick: self.world.tick(),
            last_input_seq: self.inputs.applied_seq(),
            ground: self.world.ground_under(PLAYER).unwrap() as u32,
            position: exact.position,
            velocity: exact.velocity,
            motion: match exact.mode {
                Mode::Walk => Motion::Walk,
                Mode::Fall => Motion::Fall,
                Mode::Swim => Motion::Swim,
            },
        }
    }
}

/// How a player is connected.
#[derive(Clone, Copy, Debug)]
struct Weather {
    delay: (u64, u64), // slices
    lost_per_100: u64,
}

/// A server, a line both ways, and a client who walks, turns and jumps.
struct Pair {
    server: Server,
    core: ClientCore,
    up: Line,
    down: Line,
    seeded: Seeded,
    now: u64,
    wish: Input,
    /// Ticks in which the client was corrected, and by how much.
    corrections: VecDeque<(u64, u32)>,
    agreed: u64,
}

impl Pair {
    fn new(seed: u64, place: (f64, f64), weather: Weather) -> Self {
        let mut pair = Self::unpredicted(seed, place, weather);
        pair.core.predict(store(1_500.0)).unwrap();
        pair
    }

    /// One whose client does not predict yet.
    fn unpredicted(seed: u64, place: (f64, f64), weather: Weather) -> Self {
        let server = Server::new(&store(1_500.0), place);
        let core = ClientCore::new(server.welcome()).unwrap();
        let line = |seed| Line {
            seeded: Seeded(seed),
            delay: weather.delay,
            lost_per_100: weather.lost_per_100,
            on_the_way: Vec::new(),
        };
        Self {
            server,
            core,
            up: line(seed),
            down: line(!seed),
            seeded: Seeded(seed ^ 0x5555),
            now: 0,
            wish: Input::default(),
            corrections: VecDeque::new(),
            agreed: 0,
        }
    }

    fn play(&mut self) -> Input {
        let seeded = &mut self.seeded;
        self.wish.buttons = u16::from(seeded.below(50) == 0) * Input::JUMP;
        if seeded.below(30) == 0 {
            let angle = seeded.next() as f64;
            let speed = [0.0, 300.0, 2_048.0, 5_000.0][seeded.below(4) as usize]; // the last is cut
            self.wish.east = (speed * angle.sin()) as i16;
            self.wish.north = (speed * angle.cos()) as i16;
            self.wish.heading = seeded.next() as u16;
        }
        self.wish
    }

    /// A tick of both, and what the world gets besides the player's input.
    fn tick(&mut self, records: Vec<Record>) {
        self.now += TICK;
        let tick = self.server.world.tick();
        for bytes in self.down.take(self.now) {
            match self.core.handle_datagram(&bytes).unwrap() {
                Event::Own(_, Agreement::Corrected(units)) => {
                    self.corrections.push_back((tick, units));
                }
                Event::Own(_, Agreement::Agreed) => self.agreed += 1,
                Event::Own(..) => {}
                other => panic!("{other:?}"),
            }
        }
        let input = self.play();
        let seq = self.core.push_input(input);
        if seq.is_multiple_of(2) {
            let mut bytes = Vec::new();
            assert!(self.core.write_inputs(&mut bytes));
            self.up.send(self.now, bytes);
        }
        for bytes in self.up.take(self.now) {
            self.server.hear(&bytes);
        }
        if let Some(own) = self.server.step(records) {
            let mut bytes = Vec::new();
            own.encode(&mut bytes);
            self.down.send(self.now, bytes);
        }
    }

    /// Nobody sends any more, everything comes.
    fn settle(&mut self) {
        for _ in 0..60 {
            self.now += TICK;
            self.up.lost_per_100 = 0;
            let mut bytes = Vec::new();
            self.core.write_inputs(&mut bytes);
            self.up.send(self.now, bytes);
            for bytes in self.up.take(self.now) {
                self.server.hear(&bytes);
            }
            self.server.step(Vec::new());
        }
        let mut bytes = Vec::new();
        self.server.own().encode(&mut bytes);
        self.core.handle_datagram(&bytes).unwrap();
    }
}

const PLACES: [(f64, f64); 4] = [
    (46.95, 7.44),
    (90.0, 0.0),
    (0.0, 45.0),
    (35.264_389_7, 135.0),
];

/// On a steady line an honest client is never corrected, and every hash is right.
#[test]
fn honest_predictions_come_true() {
    let ms = |ms: u64| ms * RATE * TICK / 1_000;
    let (mut right, mut agreed) = (0, 0);
    for (seed, place) in (0..).zip(PLACES) {
        for delay in [
            (0, 0),
            (ms(100), ms(100)),
            (ms(80), ms(120)),
            (ms(200), ms(230)),
        ] {
            let lost_per_100 = 0;
            let mut pair = Pair::new(
                seed,
                place,
                Weather {
                    delay,
                    lost_per_100,
                },
            );
            (0..1_500).for_each(|_| pair.tick(Vec::new()));
            // Until the line's worst is known, inputs may come too late; then they wait long enough.
            let known = 120;
            let case = format!("{place:?} {delay:?}, disturbed {}", pair.server.disturbed);
            assert!(pair.server.disturbed < known, "{case}");
            let late: Vec<_> = (pair.corrections.iter())
                .filter(|(tick, _)| *tick > known)
                .collect();
            assert!(late.is_empty(), "{case}: {late:?}");
            assert!(pair.server.wrong.iter().all(|tick| *tick < known), "{case}");
            assert!(pair.server.right > 650 && pair.agreed > 650, "{case}");
            right += pair.server.right;
            agreed += pair.agreed;
        }
    }
    println!("{right} hashes and {agreed} states as predicted, none other");
}

/// Ground that comes late, while inputs are on their way: nothing is said of what these lead to, and everything of what comes after them.
#[test]
fn a_prediction_that_begins_late_comes_true() {
    let ms = |ms: u64| ms * RATE * TICK / 1_000;
    for (seed, place) in (0..).zip(PLACES) {
        let weather = Weather {
            delay: (ms(100), ms(100)),
            lost_per_100: 0,
        };
        let mut pair = Pair::unpredicted(seed, place, weather);
        (0..200).for_each(|_| pair.tick(Vec::new()));
        pair.core.predict(store(1_500.0)).unwrap();
        assert_eq!(pair.core.prediction().unwrap().state(), None);
        (0..300).for_each(|_| pair.tick(Vec::new()));
        assert_eq!(pair.corrections, []);
        assert_eq!(pair.server.wrong, Vec::<u64>::new());
        assert!(pair.server.right > 130 && pair.agreed > 130);
    }
}

/// Where datagrams are lost inputs come too late now and then: what is wrong then is right again once the client has heard of it.
#[test]
fn what_could_not_be_known_is_made_up_for() {
    let ms = |ms: u64| ms * RATE * TICK / 1_000;
    let mut all = 0;
    for seed in 0..12u64 {
        let delay = [(ms(40), ms(90)), (ms(0), ms(200)), (ms(20), ms(60))][seed as usize % 3];
        let weather = Weather {
            delay,
            lost_per_100: 5,
        };
        let mut pair = Pair::new(seed, PLACES[seed as usize % 4], weather);
        for _ in 1..3_000u64 {
            pair.tick(Vec::new());
            let server = &pair.server;
            // As long as a server excuses it: two seconds.
            let is_excused = server.world.tick() < server.disturbed + 2 * RATE;
            let newest = server.wrong.last().copied().unwrap_or(0);
            assert!(
                is_excused || newest + 1 < server.world.tick(),
                "seed {seed}"
            );
        }
        let (wrong, right) = (pair.server.wrong.len(), pair.server.right);
        let corrections = pair.corrections.len();
        println!("seed {seed}: {right} hashes right, {wrong} wrong, {corrections} corrections");
        assert!(right > wrong as u64);
        all += corrections;
        pair.settle();
        let predicted = pair.core.prediction().unwrap().state();
        assert_eq!(predicted, Some(pair.server.exact()));
    }
    assert!(all > 100);
}

/// At 5 % loss and a round trip of 100 ms, with jitter, walking, turning and jumping: 99 of 100 states of one's own correct what is predicted by less
/// than 0.1 m, and what is drawn never jumps.
#[test]
fn corrections_are_small_and_fade() {
    let ms = |ms: u64| ms * RATE * TICK / 1_000;
    let mut corrections: Vec<u32> = Vec::new();
    let mut beyond_m: f64 = 0.0;
    for seed in 0..8u64 {
        let weather = Weather {
            delay: (ms(35), ms(65)),
            lost_per_100: 5,
        };
        let mut pair = Pair::new(100 + seed, PLACES[seed as usize % 4], weather);
        let mut before: Option<(Ecef, Ecef)> = None;
        for _ in 0..3_000 {
            pair.tick(Vec::new());
            let prediction = pair.core.prediction().unwrap();
            let now = prediction.place().zip(prediction.shown());
            if let (Some((_, shown_then)), Some((place, shown))) = (before, now) {
                // The fastest may fall, and run at 8 m/s.
                let own_m = prediction.state().map_or(0.0, |state| {
                    let [x, y, z] = state.velocity.map(|v| f64::from(v) / 65_536.0);
                    (x * x + y * y + z * z).sqrt() / RATE as f64
                });
                let moved_m = shown.distance_m(shown_then);
                beyond_m = beyond_m.max(moved_m - own_m);
                assert!(place.distance_m(shown) <= 1.0);
            }
            before = now;
        }
        assert_eq!(pair.core.prediction().unwrap().counts().snaps, 0);
        let agreed = pair.agreed as usize;
        corrections.extend(pair.corrections.iter().map(|(_, units)| *units));
        corrections.extend(core::iter::repeat_n(0, agreed));
    }
    corrections.sort_unstable();
    let at = |share: f64| {
        let last = (corrections.len() - 1) as f64;
        f64::from(corrections[(share * last) as usize]) / 65_536.0
    };
    let wrong = corrections.iter().filter(|units| **units > 0).count();
    println!(
        "{} states, {wrong} corrected; by {:.3} m at 99 of 100, {:.3} m at most; drawn {beyond_m:.3} m a tick beyond its own motion at most",
        corrections.len(),
        at(0.99),
        at(1.0)
    );
    assert!(corrections.len() > 8 * 1_200 && wrong > 0);
    assert!(at(0.99) <= 0.1 && beyond_m <= 0.25);
}

/// Somebody who stands in the way is unknown to the client: it is corrected, by little, and agrees again afterwards.
#[test]
fn a_push_is_a_correction() {
    let weather = Weather {
        delay: (64, 64),
        lost_per_100: 0,
    };
    let mut pair = Pair::new(5, PLACES[0], weather);
    (0..200).for_each(|_| pair.tick(Vec::new()));
    let before = (pair.corrections.len(), pair.server.right);
    let here = pair.server.exact().position;
    let (entity, id) = (EntityId(9), KindId(0));
    let agent = Agent {
        position: here,
        kind: id,
        ..Agent::default()
    };
    pair.tick(vec![Record::Spawn { entity, agent }]);
    (0..200).for_each(|_| pair.tick(Vec::new()));
    let found: Vec<_> = pair.corrections.iter().skip(before.0).collect();
    assert!((1..20).contains(&found.len()), "{found:?}");
    assert!(found.iter().all(|(_, units)| *units < 1 << 16), "{found:?}");
    assert!(pair.server.right > before.1 + 60);
    let counts = pair.core.prediction().unwrap().counts();
    assert_eq!(
        counts.largest,
        pair.corrections.iter().map(|c| c.1).max().unwrap()
    );
}

#[test]
fn ground_that_is_another_is_not_walked_on() {
    let server = Server::new(&store(1_500.0), PLACES[0]);
    let welcome = server.welcome();
    let mut core = ClientCore::new(welcome).unwrap();
    let refused = |change: fn(&mut Welcome)| {
        let mut other = welcome;
        change(&mut other);
        ClientCore::new(other)
            .unwrap()
            .predict(store(1_500.0))
            .unwrap_err()
    };
    assert_eq!(refused(|w| w.lattice ^= 1), NoPrediction::OtherPlanet);
    assert_eq!(refused(|w| w.radius_mm += 1), NoPrediction::OtherPlanet);
    assert_eq!(refused(|w| w.avatar.grade = 0), NoPrediction::NoCharacter);
    // The same lattice, but other heights: nothing is said of what the ground does.
    core.predict(store(1_000.0)).unwrap();
    let mut bytes = Vec::new();
    server.own().encode(&mut bytes);
    let event = core.handle_datagram(&bytes).unwrap();
    assert_eq!(event, Event::Own(server.own(), Agreement::Unpredicted));
    core.push_input(Input::default());
    let prediction = core.prediction().unwrap();
    assert_eq!((prediction.state(), prediction.hash()), (None, 0));
    // Nor where the world has none itself.
    core.predict(store(1_500.0)).unwrap();
    bytes.clear();
    let own = OwnState {
        ground: 0,
        ..server.own()
    };
    own.encode(&mut bytes);
    core.handle_datagram(&bytes).unwrap();
    assert_eq!(core.prediction().unwrap().state(), None);
}

#[test]
fn what_is_late_or_long_ago_does_no_harm() {
    let server = Server::new(&store(1_500.0), PLACES[0]);
    let mut core = ClientCore::new(server.welcome()).unwrap();
    core.predict(store(1_500.0)).unwrap();
    let hear = |core: &mut ClientCore, tick, last_input_seq| {
        let mut bytes = Vec::new();
        let own = OwnState {
            tick,
            last_input_seq,
            ..server.own()
        };
        own.encode(&mut bytes);
        match core.handle_datagram(&bytes).unwrap() {
            Event::Own(_, agreement) => agreement,
            other => panic!("{other:?}"),
        }
    };
    let start = Some(server.exact());
    assert_eq!(hear(&mut core, 10, 0), Agreement::Unpredicted);
    assert_eq!(core.prediction().unwrap().state(), start);
    let east = Input {
        east: 1_000,
        ..Input::default()
    };
    (0..200).for_each(|_| {
        core.push_input(east);
    });
    let ahead = core.prediction().unwrap().state();
    assert_ne!(ahead, start);
    // Late: nothing changes.
    assert_eq!(hear(&mut core, 10, 3), Agreement::Unpredicted);
    assert_eq!(core.prediction().unwrap().state(), ahead);
    // Of inputs that are forgotten: where the later ones lead is unknown, and nothing is said of it.
    assert_eq!(hear(&mut core, 11, 7), Agreement::Unpredicted);
    let prediction = core.prediction().unwrap();
    assert_eq!((prediction.state(), prediction.hash()), (None, 0));
    // Of the last of those, it begins there again.
    assert_eq!(hear(&mut core, 12, 140), Agreement::Unpredicted);
    assert_ne!(core.prediction().unwrap().state(), start);
    assert_ne!(core.prediction().unwrap().hash(), 0);
    // Of inputs that were never made: likewise.
    let agreement = hear(&mut core, 13, 9_000);
    assert!(matches!(agreement, Agreement::Corrected(_)));
    assert_eq!(core.prediction().unwrap().state(), start);
}
