//! Ground that a server sends, good and bad, without a line.

use std::time::Duration;

use client::{Reach, ServedGround};
use net_proto::{
    Avatar, BulkAnswer, BulkRequest, GroundInfo, TILE_BYTES_MAX, TileAnswer, TileAsk, Welcome,
    WireError, WorldId, pack,
};
use sim_core::WorldStart;
use spatial_core::{
    CellId, Codec, Ecef, EntityId, Geodetic, HeightTile, LatticeSpec, MemoryStore, Planet,
    TileStore,
};

use crate::terrain::store;

const SECOND: Duration = Duration::from_secs(1);

fn welcome(lattice: u64) -> Welcome {
    Welcome {
        world: WorldId(1),
        player: EntityId(1),
        tick: 1,
        tick_rate_hz: 30,
        snapshot_ticks: 2,
        radius_mm: 6_371_008_800,
        interest_dm: 1_000,
        speed_limit: 2_048,
        gravity: WorldStart::EARTH_GRAVITY,
        avatar: Avatar::default(),
        lattice,
    }
}

/// A server's answers, and a client.
struct Scene {
    store: std::sync::Arc<MemoryStore>,
    ground: ServedGround,
    place: Ecef,
}

impl Scene {
    fn new() -> Self {
        let store = store(1_500.0);
        let fingerprint = store.manifest().lattice().fingerprint();
        // At a corner of three faces, so that more than one tile is wanted.
        let corner = Geodetic::from_degrees(35.264_389_7, 45.0, 0.0).unwrap();
        Self {
            ground: ServedGround::new(&welcome(fingerprint), Planet::EARTH, None, Reach::default()),
            store,
            place: Planet::EARTH.ecef(corner),
        }
    }

    fn info(&self) -> GroundInfo {
        GroundInfo {
            planet: 7,
            lattice: *self.store.manifest().lattice(),
        }
    }

    fn say(&mut self, answer: BulkAnswer<'_>) -> Result<bool, WireError> {
        let mut frame = Vec::new();
        answer.encode(&mut frame);
        self.ground.hear(SECOND, &frame[2..])
    }

    /// What is asked once the ground is known.
    fn asked(&mut self, now: Duration) -> Vec<TileAsk> {
        self.ground.look(now, self.place);
        match self.ground.poll(now) {
            Some(BulkRequest::Tiles(asks)) => asks,
            other => panic!("{other:?}"),
        }
    }

    fn learn(&mut self) {
        assert_eq!(self.ground.poll(SECOND), Some(BulkRequest::Ground));
        assert_eq!(self.ground.poll(SECOND), None);
        assert_eq!(self.say(BulkAnswer::Ground(self.info())), Ok(true));
    }
}

#[test]
fn tiles_come_plain_or_packed_and_are_the_servers() {
    let mut scene = Scene::new();
    scene.learn();
    let (mut asks, mut room) = (Vec::new(), Vec::new());
    while !scene.ground.is_settled() {
        for ask in scene.asked(SECOND) {
            let tile = scene.store.load(ask.cell).unwrap();
            let bytes = match asks.len() {
                0 => tile.encode_raw(),
                1 => tile.encode(Codec::Hot, None).unwrap(),
                _ => tile.encode(Codec::Wire, None).unwrap(),
            };
            let answer = match pack(&bytes, &mut room) {
                Some(packed) => TileAnswer::Packed(packed),
                None => TileAnswer::Plain(&bytes),
            };
            assert_eq!(scene.say(BulkAnswer::Tile(ask.cell, answer)), Ok(true));
            asks.push(ask);
            room.clear();
        }
    }
    let served = scene.ground.store().unwrap();
    assert_eq!(served.cells().len(), 3);
    for ask in &asks {
        let theirs = scene.store.load(ask.cell).unwrap();
        assert_eq!(served.load(ask.cell).unwrap().samples(), theirs.samples());
    }
    assert!(scene.ground.is_settled());
    // Far away these are not held any more.
    let elsewhere = Planet::EARTH.ecef(Geodetic::from_degrees(-40.0, 100.0, 0.0).unwrap());
    assert!(scene.ground.look(2 * SECOND, elsewhere));
    assert!(scene.ground.store().unwrap().cells().is_empty());
}

#[test]
fn what_the_world_calls_otherwise_is_asked_for_again() {
    let mut scene = Scene::new();
    scene.learn();
    let below = scene
        .store
        .manifest()
        .lattice()
        .tile_at(scene.place.to_vec());
    while !scene.ground.is_settled() {
        for ask in scene.asked(SECOND) {
            let bytes = scene.store.load(ask.cell).unwrap().encode_raw();
            let answer = BulkAnswer::Tile(ask.cell, TileAnswer::Plain(&bytes));
            scene.say(answer).unwrap();
        }
    }
    let name = scene.store.load(below).unwrap().checksum();
    let place = scene.place;
    scene.ground.compare(SECOND, place, name as u32);
    assert_eq!(scene.ground.poll(9 * SECOND), None);
    scene.ground.compare(SECOND, place, 0); // the world has none there
    assert_eq!(scene.ground.poll(9 * SECOND), None);
    scene.ground.compare(9 * SECOND, place, !name as u32);
    let again = TileAsk {
        cell: below,
        known: name,
    };
    assert_eq!(
        scene.ground.poll(9 * SECOND),
        Some(BulkRequest::Tiles(vec![again]))
    );
}

#[test]
fn a_server_that_sends_what_is_no_ground_is_left() {
    let tile_of = |cell: CellId, intervals: u16| {
        let side = usize::from(intervals) + 1;
        HeightTile::new(cell, intervals, vec![5; side * side])
            .unwrap()
            .encode_raw()
    };
    type Bad = (
        &'static str,
        fn(CellId, &dyn Fn(CellId, u16) -> Vec<u8>) -> Vec<u8>,
    );
    let bad: [Bad; 5] = [
        ("not a tile", |_, _| b"no tile".to_vec()),
        ("another cell's", |cell, tile| {
            tile(cell.advance_wrap(1), 64)
        }),
        ("of another lattice", |cell, tile| tile(cell, 32)),
        ("cut", |cell, tile| tile(cell, 64)[..900].to_vec()),
        ("damaged", |cell, tile| {
            let mut bytes = tile(cell, 64);
            bytes[77] ^= 4;
            bytes
        }),
    ];
    for (what, make) in bad {
        let mut scene = Scene::new();
        scene.learn();
        let cell = scene.asked(SECOND)[0].cell;
        let bytes = make(cell, &tile_of);
        let answer = BulkAnswer::Tile(cell, TileAnswer::Plain(&bytes));
        assert_eq!(scene.say(answer), Err(WireError::Field("tile")), "{what}");
        assert!(scene.ground.store().unwrap().cells().is_empty());
    }
}

#[test]
fn answers_that_nobody_asked_for_are_refused() {
    let mut scene = Scene::new();
    let cell = CellId::from_face_ij(0, 0, 0, 2);
    let unchanged = BulkAnswer::Tile(cell, TileAnswer::Unchanged);
    assert!(matches!(
        scene.say(unchanged),
        Err(WireError::Unexpected(_))
    ));
    let unasked = BulkAnswer::Ground(scene.info());
    assert!(matches!(scene.say(unasked), Err(WireError::Unexpected(_))));
    assert_eq!(scene.ground.poll(SECOND), Some(BulkRequest::Ground));
    let lattice = LatticeSpec::new(4, 64, 0.0, 1.0).unwrap();
    let other = BulkAnswer::Ground(GroundInfo { planet: 7, lattice });
    assert_eq!(scene.say(other), Err(WireError::Field("lattice")));
    assert_eq!(scene.say(BulkAnswer::Ground(scene.info())), Ok(true));
    let planet = BulkAnswer::Ground(GroundInfo {
        planet: 8,
        ..scene.info()
    });
    assert!(matches!(scene.say(planet), Err(WireError::Unexpected(_))));
    let asked = scene.asked(SECOND)[0].cell;
    // What is not here cannot be unchanged.
    let lie = BulkAnswer::Tile(asked, TileAnswer::Unchanged);
    assert!(matches!(scene.say(lie), Err(WireError::Unexpected(_))));
    let long = [0; TILE_BYTES_MAX];
    let nothing = BulkAnswer::Tile(asked, TileAnswer::Plain(&long));
    assert!(scene.say(nothing).is_err());
}
