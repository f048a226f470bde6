//! A small planet on which everything comes and goes: a world of the matrix in `golden.rs`.
//!
//! One carrier stays parked; one comes and goes with all aboard; one is so high that somebody above its deck fits in no other frame, and
//! stays until he is gone. People go and come again as other kinds.

use sim_core::{Agent, CarrierPose, KindId, Record};
use spatial_core::{DQuat, DVec3, EntityId, Geodetic, Planet, Pose, Position};

use crate::equal_worlds::on_deck;
use crate::golden::{Scene, build};
use crate::scene::{
    BALL, CHARACTER, PLACES_DEG, RUNNER, Seeded, WALKER, at_on, empty_world_on, ground_m,
};

const PARKED: EntityId = EntityId(901);
const FERRY: EntityId = EntityId(902);
const HIGH: EntityId = EntityId(903);

/// Somebody 20 km above the deck of a carrier that is 20 km up: frames end at 32 km.
const HERMIT: EntityId = EntityId(990);

/// The ferry comes in every sixteenth tick, and goes so many later.
const FERRY_TICKS: u64 = 16;
const FERRY_STAYS: u64 = 11;

/// When it is in vain that the high carrier is to go, when the hermit goes, and when it is not.
const VAIN: u64 = 7;
const HERMIT_GOES: u64 = 14;
const HIGH_GOES: u64 = 15;

pub(crate) fn planet() -> Planet {
    Planet::new(10_000.0).expect("a legal radius")
}

fn kind_of(n: u64) -> KindId {
    [WALKER, CHARACTER, WALKER, BALL, RUNNER][n as usize % 5]
}

/// Somebody of a number: some aboard, the others at the awkward places.
pub(crate) fn agent(n: u64) -> Agent {
    let mut seeded = Seeded(n);
    let mut within = |units: u64| seeded.below(2 * units) as i32 - units as i32;
    let deck = match n % 10 {
        0 => Some(PARKED),
        1 => Some(FERRY),
        2 => Some(HIGH),
        _ => None,
    };
    let (lat, lon) = PLACES_DEG[n as usize % PLACES_DEG.len()];
    let position = match deck {
        Some(deck) => on_deck(deck, [within(400_000), within(400_000), 0]),
        None => {
            let at = at_on(planet(), lat, lon);
            let (x, y) = (at.x + within(800_000), at.y + within(800_000));
            let z = at.z + (above_m(at) * 65_536.0) as i32;
            Position { x, y, z, ..at }
        }
    };
    Agent {
        position,
        kind: kind_of(n),
        ..Agent::default()
    }
}

/// How far a position is to be raised to be 20 m above the ground.
fn above_m(at: Position) -> f64 {
    ground_m(planet().place(at).expect("a place")) + 20.0
}

fn moor(entity: EntityId, [lat, lon, height_m, turn]: [f64; 4]) -> Record {
    let at = Geodetic::from_degrees(lat, lon, height_m).expect("a legal place");
    let level = Pose::level(planet(), at, turn).expect("a pose");
    let tilted = level.rotation() * DQuat::from_rotation_x(0.1);
    let pose = CarrierPose::new(Pose::new(level.at(), tilted).expect("a pose"));
    Record::Carrier { entity, pose }
}

/// Everybody comes, and a wall stands at each place.
pub(crate) fn begin(scene: &Scene, records: &mut Vec<Record>) {
    records.push(moor(PARKED, [46.95, 7.44, 1_600.0, 0.3]));
    records.push(moor(HIGH, [-33.9, 18.4, 20_000.0, 1.1]));
    scene.spawn_all(records);
    let position = on_deck(HIGH, [0, 0, 20_000 * 65_536]);
    let agent = Agent {
        position,
        kind: WALKER,
        ..Agent::default()
    };
    let entity = HERMIT;
    records.push(Record::Spawn { entity, agent });
    for (n, (lat, lon)) in (1..).zip(PLACES_DEG) {
        let mut position = at_on(planet(), lat, lon);
        position.x += 200_000;
        let turn = DQuat::from_rotation_z(0.3 * f64::from(n));
        position.z += (above_m(position) * 65_536.0) as i32;
        let half_m = DVec3::new(3.0, 2.0, 200.0);
        records.push(build(n as u64, position, half_m, turn));
    }
}

/// What comes and goes in a tick.
pub(crate) fn happen(tick: u64, records: &mut Vec<Record>) {
    match tick % FERRY_TICKS {
        0 => {
            let far = (tick / FERRY_TICKS) as f64;
            records.push(moor(FERRY, [35.26, -45.0 + 0.01 * far, 1_700.0, far]));
        }
        FERRY_STAYS => records.push(Record::CarrierGone { entity: FERRY }),
        _ => {}
    }
    match tick {
        VAIN | HIGH_GOES => records.push(Record::CarrierGone { entity: HIGH }),
        HERMIT_GOES => records.push(Record::Despawn { entity: HERMIT }),
        _ => {}
    }
    // Two change what they are, at once; who boards the ferry and who leaves the parked one is drawn.
    for n in [1 + tick * 7 % 200, 1 + tick * 11 % 200] {
        let entity = EntityId(n);
        records.push(Record::Despawn { entity });
        let kind = kind_of(n + tick);
        let agent = Agent { kind, ..agent(n) };
        records.push(Record::Spawn { entity, agent });
    }
    let mut seeded = Seeded(tick ^ 0xfe44);
    let mut somebody = || EntityId(1 + seeded.below(200));
    let (entity, carrier) = (somebody(), FERRY);
    records.push(Record::Board { entity, carrier });
    let entity = somebody();
    records.push(Record::Leave { entity });
}

/// What the matrix is to go through does happen.
#[test]
fn carriers_go_with_all_aboard_once_everybody_can_leave() {
    let scene = crate::golden::scene("comings");
    let mut world = empty_world_on(planet());
    for tick in 0..2 * FERRY_TICKS {
        let records = scene.records(tick, &mut world);
        world.step(tick, &records).expect("a step");
        let aboard = |carrier: EntityId| {
            let frames = (0..world.len()).map(|row| world.position(row).frame.carrier());
            frames.filter(|frame| *frame == Some(carrier)).count()
        };
        let is_ferry_in = tick % FERRY_TICKS < FERRY_STAYS;
        assert_eq!(aboard(FERRY) > 0, is_ferry_in, "the ferry in tick {tick}");
        assert_eq!(aboard(HIGH) > 1, tick < HIGH_GOES, "the high one in {tick}");
        assert!(aboard(PARKED) > 0, "the parked one in tick {tick}");
    }
    assert!(world.len() > 150, "{} are left", world.len());
}
