//! rapier's character controller, on a height field. Its up is y.

use rapier3d::control::{CharacterAutostep, CharacterLength, KinematicCharacterController};
use rapier3d::prelude::*;

use super::parry::Field;

pub(crate) const CONTROLLER: &str = "rapier3d 0.36.1 KinematicCharacterController";

/// What a character can do.
pub(crate) struct Ability {
    pub(crate) radius_m: f64,
    pub(crate) height_m: f64,
    /// The tangent of the steepest slope that it walks up.
    pub(crate) slope_max: f64,
    /// The highest step.
    pub(crate) step_m: f64,
}

/// Characters who walk on a height field. Places are metres along the engine's axes.
pub(crate) struct Characters {
    bodies: RigidBodySet,
    colliders: ColliderSet,
    broad_phase: BroadPhaseBvh,
    narrow_phase: NarrowPhase,
    controller: KinematicCharacterController,
    shape: Capsule,
    half_m: f32, // from the feet to the middle
    poses: Vec<Pose>,
}

impl Characters {
    pub(crate) fn new(
        field: &Field,
        ability: &Ability,
        feet: impl Iterator<Item = [f64; 3]>,
    ) -> Self {
        let mut colliders = ColliderSet::new();
        let ground = ColliderBuilder::new(SharedShape::new(field.shape())).build();
        let handle = colliders.insert(ground);
        let mut broad_phase = BroadPhaseBvh::new();
        let aabb = colliders[handle].compute_aabb();
        broad_phase.set_aabb(&IntegrationParameters::default(), handle, aabb);
        let (radius, height) = (ability.radius_m as f32, ability.height_m as f32);
        let slope_rad = libm::atan(ability.slope_max) as f32;
        let mut characters = Self {
            bodies: RigidBodySet::new(),
            colliders,
            broad_phase,
            narrow_phase: NarrowPhase::new(),
            controller: KinematicCharacterController {
                autostep: Some(CharacterAutostep {
                    max_height: CharacterLength::Absolute(ability.step_m as f32),
                    ..CharacterAutostep::default()
                }),
                max_slope_climb_angle: slope_rad,
                min_slope_slide_angle: slope_rad,
                ..KinematicCharacterController::default()
            },
            shape: Capsule::new_y(0.5 * height - radius, radius),
            half_m: 0.5 * height,
            poses: Vec::new(),
        };
        let gap_m = 0.01 * height; // which the controller keeps
        let middle = feet.map(|[x, y, z]| {
            let up = y as f32 + gap_m + characters.half_m;
            Pose::from_translation(Vector::new(x as f32, up, z as f32))
        });
        characters.poses = middle.collect();
        characters
    }

    /// A tick: everybody wishes to go so far, and as far as nothing hinders it does.
    pub(crate) fn advance(&mut self, ways: &[[f64; 3]]) {
        let queries = self.broad_phase.as_query_pipeline(
            self.narrow_phase.query_dispatcher(),
            &self.bodies,
            &self.colliders,
            QueryFilter::default(),
        );
        for (pose, way) in self.poses.iter_mut().zip(ways) {
            let way = Vector::from(way.map(|v| v as f32));
            let moved =
                self.controller
                    .move_shape(1.0 / 30.0, &queries, &self.shape, pose, way, |_| {});
            pose.translation += moved.translation;
        }
    }

    /// Where somebody's feet are: metres east, up, north.
    pub(crate) fn feet(&self, n: usize) -> [f64; 3] {
        let middle = self.poses[n].translation;
        [middle.x, middle.y - self.half_m, middle.z].map(f64::from)
    }
}

pub(crate) const SNAPSHOT: &str = "rapier3d 0.36.1 PhysicsWorld by bincode";

/// People as an engine of physics keeps them, capsules that are moved from outside, and its world as bytes.
pub(crate) struct Saved {
    world: PhysicsWorld,
    people: Vec<RigidBodyHandle>,
    bytes: Vec<u8>,
}

impl Saved {
    /// So many in a square, four square metres each.
    pub(crate) fn new(count: usize, radius_m: f64, height_m: f64) -> Self {
        let (radius, height) = (radius_m as f32, height_m as f32);
        let side = count.isqrt();
        let mut world = PhysicsWorld::new();
        let people = (0..count).map(|n| {
            let at = Vector::new(2.0 * (n % side) as f32, 0.0, 2.0 * (n / side) as f32);
            let body = RigidBodyBuilder::kinematic_position_based().translation(at);
            let shape = ColliderBuilder::capsule_y(0.5 * height - radius, radius);
            world.insert(body, shape).0
        });
        let people = people.collect();
        let mut saved = Self {
            world,
            people,
            bytes: Vec::new(),
        };
        saved.go_on();
        saved.take();
        saved
    }

    pub(crate) fn people(&self) -> usize {
        self.people.len()
    }

    /// Bytes of a snapshot.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn take(&mut self) {
        self.bytes.clear();
        bincode::serialize_into(&mut self.bytes, &self.world).expect("memory");
    }

    /// Some ticks pass, in which all walk.
    pub(crate) fn go_on(&mut self) {
        for _ in 0..3 {
            for handle in &self.people {
                let body = &mut self.world.bodies[*handle];
                let next = body.translation() + Vector::new(0.05, 0.0, 0.0);
                body.set_next_kinematic_translation(next);
            }
            self.world.step();
        }
    }

    pub(crate) fn go_back(&mut self) {
        self.world = bincode::deserialize(&self.bytes).expect("just written");
    }

    /// Where all are.
    pub(crate) fn places(&self) -> Vec<[f32; 3]> {
        let place = |handle: &RigidBodyHandle| self.world.bodies[*handle].translation().to_array();
        self.people.iter().map(place).collect()
    }
}
