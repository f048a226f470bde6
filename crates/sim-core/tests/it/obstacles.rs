//! Crowds and static obstacles.

use sim_core::{FINE_PER_M, Obstacle, Record, Segment, Shape, Solid, World};
use spatial_core::{DQuat, DVec3, EntityId, Frame, Planet, Position, UNITS_PER_M};

use crate::scene::{PLACES_DEG, Seeded, all_ground, at, empty_world, ground_m, walker, wish};

/// Radius of a walker, metres.
const RADIUS_M: f64 = 102.0 / FINE_PER_M;

fn shapes() -> [Shape; 3] {
    let turn = DQuat::from_rotation_z(0.4);
    let corners = |n: u32| {
        let side = |bit: u32| if n >> bit & 1 == 0 { -1.0 } else { 1.0 };
        DVec3::new(side(0) * 3.0, side(1) * (2.0 + side(2)), side(2) * 4.0)
    };
    let corners: Vec<_> = (0..8).map(corners).collect();
    [
        Shape::cuboid(DVec3::new(3.0, 1.5, 4.0), turn).expect("a box"),
        Shape::capsule(DVec3::new(2.0, 1.0, 0.0), 2.5).expect("a capsule"),
        Shape::hull(&corners).expect("a hull"),
    ]
}

/// A position on the ground.
fn on_ground(position: Position) -> Position {
    let place = Planet::EARTH.place(position).expect("a place");
    let up = Frame::new(Planet::EARTH, position.frame).expect("a frame");
    let raised = place.to_vec().normalize() * (Planet::EARTH.radius_m() + ground_m(place));
    let raised = spatial_core::Ecef::new(raised.x, raised.y, raised.z).expect("finite");
    up.to_position(raised).expect("near")
}

/// How far each agent's axis is from a solid at `middle`, metres, in the frame of that.
fn gaps_m(world: &World, middle: Position, solid: &Solid) -> Vec<f64> {
    let frame = Frame::new(Planet::EARTH, middle.frame).expect("a frame");
    let gap = |row: usize| {
        let feet = frame.to_position(world.place(row)).expect("near");
        let feet = DVec3::from_array(feet.xyz().map(f64::from)) / UNITS_PER_M;
        let axis = |height_m: f64| feet + DVec3::Z * height_m;
        let (start, end) = (axis(RADIUS_M), axis(461.0 / FINE_PER_M - RADIUS_M));
        solid.gap(Segment { start, end }).distance_m
    };
    (0..world.len()).map(gap).collect()
}

#[test]
fn a_crowd_goes_around_what_stands_in_its_way() {
    for (n, (lat, lon)) in PLACES_DEG.into_iter().enumerate() {
        for shape in shapes() {
            let mut seeded = Seeded(n as u64);
            let middle = on_ground(at(lat, lon));
            let mut world = empty_world();
            let mut records = all_ground(&mut world);
            let obstacle = Obstacle {
                position: middle,
                shape: shape.clone(),
            };
            records.push(Record::Build {
                id: EntityId(1),
                obstacle,
            });
            for n in 1..=80u64 {
                let mut position = middle;
                let angle = n as f64 * 0.61;
                let (sin, cos) = libm::sincos(angle);
                let far_m = 8.0 + seeded.below(12) as f64;
                position.x += (cos * far_m * UNITS_PER_M) as i32;
                position.y += (sin * far_m * UNITS_PER_M) as i32;
                let (entity, agent) = (EntityId(n), walker(position));
                records.push(Record::Spawn { entity, agent });
                // Towards the middle and a bit beside it.
                records.push(wish(entity, -1.5 * cos + 0.3 * sin, -1.5 * sin - 0.3 * cos));
            }
            world.step(0, &records).expect("a step");
            let centre = DVec3::from_array(middle.xyz().map(f64::from)) / UNITS_PER_M;
            let solid = Solid::new(&shape, centre, DQuat::IDENTITY);
            let (mut near, mut passed) = (0, 0);
            for tick in 1..600 {
                world.step(tick, &[]).expect("a step");
                for gap_m in gaps_m(&world, middle, &solid) {
                    assert!(
                        gap_m > RADIUS_M - 0.02,
                        "{gap_m} m at {lat} {lon}, tick {tick}"
                    );
                    near += u32::from(gap_m < RADIUS_M + 0.02);
                }
            }
            for (n, gap_m) in gaps_m(&world, middle, &solid).iter().enumerate() {
                passed += u32::from(*gap_m > 4.0 || n > 80);
            }
            assert!(near > 500, "{near} touches at {lat} {lon}");
            assert!(passed > 20, "{passed} came by at {lat} {lon}");
        }
    }
}

#[test]
fn obstacles_are_state() {
    let mut world = empty_world();
    let [cuboid, capsule, hull] = shapes();
    let build = |id, shape: &Shape| Record::Build {
        id: EntityId(id),
        obstacle: Obstacle {
            position: at(10.0, 10.0),
            shape: shape.clone(),
        },
    };
    let empty = world.hash();
    let records = [
        build(1, &cuboid),
        build(2, &capsule),
        build(1, &hull),
        build(3, &hull),
    ];
    assert_eq!(world.step(0, &records).expect("a step").refused, 1);
    assert_ne!(world.hash(), empty);
    let saved = world.save();
    let loaded = World::load(&saved, &mut |_, _| None).expect("what was saved");
    assert_eq!((loaded.hash(), loaded.save()), (world.hash(), saved));
    assert_eq!(loaded.obstacles().iter().len(), 3);
    let mut twin = empty_world();
    let records = [
        build(3, &hull),
        build(7, &cuboid),
        build(1, &cuboid),
        build(2, &capsule),
    ];
    let razed = [
        Record::Raze { id: EntityId(7) },
        Record::Raze { id: EntityId(7) },
    ];
    let refused = twin
        .step(0, &[&records[..], &razed].concat())
        .expect("a step")
        .refused;
    assert_eq!((refused, twin.hash()), (1, world.hash()));
}
