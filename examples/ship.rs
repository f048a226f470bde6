//! A ship with passengers: they stand and walk on its deck while it sails, turns and rolls, and nothing about them changes.

use bluemarble::sim::{
    Agent, CarrierPose, Input, Kind, KindId, Obstacle, Record, Shape, World, WorldStart,
};
use bluemarble::space::{
    DQuat, DVec3, EntityId, FrameId, Geodetic, LatticeSpec, Planet, Pose, Position, UNITS_PER_M,
};

const SHIP: EntityId = EntityId(1_000);
const SAILOR: KindId = KindId(0);

/// Where the ship is at a tick: 12 m/s along a parallel, its bow swinging, rolling a little.
fn pose(tick: u64) -> Result<CarrierPose, Box<dyn std::error::Error>> {
    let t = tick as f64 / 30.0;
    let at = Geodetic::from_degrees(40.0, -30.0 + t * 12.0 / 85_000.0, 3.0)?;
    let level = Pose::level(Planet::EARTH, at, 1.4 + 0.02 * t)?;
    let roll = DQuat::from_rotation_y(0.06 * (t * 0.7).sin());
    Ok(CarrierPose::new(Pose::new(
        level.at(),
        level.rotation() * roll,
    )?))
}

/// A deck 60 m long with rails.
fn hull(frame: FrameId) -> Result<Vec<Record>, Box<dyn std::error::Error>> {
    let plank = |id: u64, [x, y, z]: [f64; 3], half: [f64; 3]| {
        let units = |m: f64| (m * UNITS_PER_M) as i32;
        let (x, y, z) = (units(x), units(y), units(z));
        let shape = Shape::cuboid(DVec3::from_array(half), DQuat::IDENTITY)?;
        let position = Position { frame, x, y, z };
        Ok(Record::Build {
            id: EntityId(id),
            obstacle: Obstacle { position, shape },
        })
    };
    [
        plank(1, [0.0, 0.0, -1.0], [6.0, 30.0, 1.0]),
        plank(2, [6.2, 0.0, 0.6], [0.2, 30.0, 0.6]),
        plank(3, [-6.2, 0.0, 0.6], [0.2, 30.0, 0.6]),
        plank(4, [0.0, 30.2, 0.6], [6.0, 0.2, 0.6]),
        plank(5, [0.0, -30.2, 0.6], [6.0, 0.2, 0.6]),
    ]
    .into_iter()
    .collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut world = World::new(WorldStart {
        world_id: 1,
        planet: Planet::EARTH,
        tick_rate_hz: 30,
        gravity: WorldStart::EARTH_GRAVITY,
        lattice: LatticeSpec::new(1, 8, 0.0, 1.0)?, // no ground is needed at sea
    })?;
    let frame = FrameId::of_carrier(SHIP)?;
    let kind = Record::Kind {
        id: SAILOR,
        kind: Kind::character(512),
    };
    let sail = |tick| -> Result<Record, Box<dyn std::error::Error>> {
        let pose = pose(tick)?;
        Ok(Record::Carrier { entity: SHIP, pose })
    };
    let mut records = vec![kind, sail(0)?];
    records.extend(hull(frame)?);
    for n in 0..40i32 {
        let entity = EntityId(n as u64 + 1);
        let (x, y) = ((n % 5 - 2) * 131_072, (n / 5 - 4) * 393_216);
        let agent = Agent {
            position: Position {
                frame,
                x,
                y,
                z: 6_554,
            },
            kind: SAILOR,
            ..Agent::default()
        };
        records.push(Record::Spawn { entity, agent });
    }
    world.step(0, &records)?;
    for tick in 1..300 {
        world.step(tick, &[sail(tick)?])?;
    }
    let (rest, from) = (world.position(0), world.place(0));
    for tick in 300..600 {
        world.step(tick, &[sail(tick)?])?;
    }
    let sailed_m = world.place(0).distance_m(from);
    assert_eq!(
        world.position(0),
        rest,
        "who stands on the deck stays where it stands"
    );
    println!(
        "in 10 s a sailor who stands still was carried {sailed_m:.0} m, and moved by nothing on the deck"
    );

    // One walks to starboard, until the rail.
    let input = Input {
        east: 300,
        ..Input::default()
    };
    let walk = Record::Input {
        entity: EntityId(5), // nobody stands between
        input,
    };
    world.step(600, &[sail(600)?, walk])?;
    for tick in 601..1_000 {
        world.step(tick, &[sail(tick)?])?;
    }
    let row = world.row_of(EntityId(5)).ok_or("it fell overboard")?;
    let x_m = f64::from(world.position(row).x) / UNITS_PER_M;
    println!("then it walked to the rail, {x_m:.2} m to starboard, and stays aboard");
    assert!((5.0..6.0).contains(&x_m), "{x_m}");
    Ok(())
}
