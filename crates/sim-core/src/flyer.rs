//! Flyers: balls that are thrown or shot, until they hit.
//!
//! ```text
//!    ●╌╌╮          gravity times the kind's weight, drag in proportion to the speed
//!        ╲         the straight way of a tick is swept: nothing is passed through at any speed
//!  ───────●──      a hit ends the tick there; what then becomes of it is another's to say
//! ```

use spatial_core::{DVec3, EntityId};

use crate::character::{Drive, LocalScene, Mover};
use crate::kind::{FINE_PER_M, Kind};
use crate::obstacles::Bounds;
use crate::shape::{Segment, Touch};

/// Obstacles stop a ball this far before it touches, metres, or half of it.
const MARGIN_M: f64 = 1.0 / 4_096.0;

/// A flyer after a tick. Its lowest point is what its position tells.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Flown {
    /// From where it was, along the local axes, metres: up to the hit, if there is one.
    pub travel_m: DVec3,
    /// Velocity along the local axes, metres a second: before the hit.
    pub velocity_mps: DVec3,
    /// What ended the way.
    pub hit: Option<FlyerHit>,
    /// Ground that it needs is not resident: nothing has changed.
    pub is_held: bool,
}

/// What a flyer hit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FlyerHit {
    /// The part of the tick's way that was free, 0 to 1.
    pub time: f64,
    /// From what was hit to the ball, along the local axes.
    pub normal: DVec3,
    /// The obstacle; `None` for the ground.
    pub obstacle: Option<EntityId>,
}

/// One tick of a flyer. Of the drive only gravity, the tick and what pushes it count.
///
/// Its velocity is what gravity and drag make of it by the end of the tick; its way is that of the mean of both.
pub fn advance_flyer(kind: &Kind, mover: &Mover, drive: &Drive, scene: &LocalScene<'_>) -> Flown {
    let before = mover.velocity_mps;
    let weight = f64::from(kind.weight) / FINE_PER_M;
    let drag = f64::from(kind.drag) / FINE_PER_M;
    let pulled = before - DVec3::Z * (drive.gravity_mps2 * weight * drive.tick_s);
    let after = pulled / (1.0 + drag * drive.tick_s); // stable for any drag
    let way = (before + after) * (0.5 * drive.tick_s) + drive.push_m;
    let radius_m = kind.radius_m();
    let Some(hit) = first_hit(radius_m, way, scene) else {
        return Flown {
            velocity_mps: before,
            is_held: true,
            ..Flown::default()
        };
    };
    let free = hit.map_or(1.0, |hit| hit.time);
    Flown {
        travel_m: way * free + DVec3::ZERO, // −0 is 0
        velocity_mps: after + DVec3::ZERO,
        hit,
        is_held: false,
    }
}

/// A velocity after a bounce: what goes into the surface comes back in part, 0 to 1, and what goes along it stays in part.
pub fn bounced(velocity_mps: DVec3, normal: DVec3, back: f64, along: f64) -> DVec3 {
    let into = normal * velocity_mps.dot(normal);
    if velocity_mps.dot(normal) >= 0.0 {
        return velocity_mps; // it leaves already
    }
    (velocity_mps - into) * along - into * back + DVec3::ZERO
}

/// The first of ground and obstacles on a way; `None` where the ground is not resident.
fn first_hit(radius_m: f64, way: DVec3, scene: &LocalScene<'_>) -> Option<Option<FlyerHit>> {
    let mut first = match scene.ground {
        Some(ground) => ground.sweep(DVec3::ZERO, way, radius_m).ok()?,
        None => None,
    }
    .map(|touch| of_touch(touch, None));
    let axes = scene.axes;
    let centre = axes.origin() + axes.to_frame(DVec3::Z * radius_m);
    let travel = axes.to_frame(way);
    let grown = DVec3::splat(radius_m + MARGIN_M);
    let (from, to) = (centre, centre + travel);
    let low = DVec3::new(less(from.x, to.x), less(from.y, to.y), less(from.z, to.z)) - grown;
    let high = from + to - (low + grown) + grown;
    let bounds = Bounds::new(low, high);
    for placed in scene.obstacles {
        if !placed.is_near(&bounds) {
            continue;
        }
        let touch = placed
            .solid
            .sweep(Segment::point(centre), radius_m, travel, MARGIN_M);
        if let Some(touch) = touch
            && first.is_none_or(|first| touch.time < first.time)
        {
            let normal = axes.from_frame(touch.normal);
            first = Some(of_touch(Touch { normal, ..touch }, Some(placed.id)));
        }
    }
    Some(first)
}

fn of_touch(touch: Touch, obstacle: Option<EntityId>) -> FlyerHit {
    FlyerHit {
        time: touch.time,
        normal: touch.normal + DVec3::ZERO,
        obstacle,
    }
}

fn less(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}
