//! A character's capsule among what is around it: the questions that all modes ask.

use spatial_core::DVec3;

use super::{Drive, LocalScene, Mover};
use crate::ground_patch::{NotResident, Rest};
use crate::kind::{FINE_PER_M, Kind};
use crate::mode::Mode;
use crate::obstacles::Bounds;
use crate::shape::{Segment, Solid, Touch};

/// Solids that are kept apart for a tick; where there are more, all of the square are asked every time.
const NEAR_MAX: usize = 12;

/// Obstacles stop a capsule this far before it touches, metres, or half of it.
pub(super) const MARGIN_M: f64 = 1.0 / 2_048.0;

/// What stands no farther from its ground than this, metres, stays where it is.
pub(super) const REST_M: f64 = 1.0 / 1_024.0;

/// A wall that is upright in its frame leans by up to 3 × 10⁻⁴ where up is another way than in the frame's middle. Walls that lean by no
/// more than this hold nobody and stop nobody on a way up or down: in a step they come nearer by less than the margin.
const LEAN: f64 = 1e-3;

/// How far beside the edge that a capsule touches its top is looked for.
const BESIDE_M: f64 = 0.02;

/// A character in its scene, for one tick.
pub(super) struct Body<'a> {
    scene: LocalScene<'a>,
    near: [Option<&'a Solid>; NEAR_MAX],
    near_count: usize, // more than NEAR_MAX: the whole square
    pub(super) radius_m: f64,
    pub(super) height_m: f64,
    pub(super) step_m: f64,
    pub(super) slope_max: f64,
    pub(super) acceleration_mps2: f64,
    pub(super) jump_mps: f64,
    level_enough: f64, // z of the steepest normal that can be stood on
}

/// What a capsule stands on.
#[derive(Clone, Copy)]
pub(super) struct Support {
    pub(super) height_m: f64,
    pub(super) normal: DVec3,
    pub(super) is_obstacle: bool,
}

impl<'a> Body<'a> {
    pub(super) fn new(kind: &Kind, mover: &Mover, drive: &Drive, scene: &LocalScene<'a>) -> Self {
        let fine = |v: u16| f64::from(v) / FINE_PER_M;
        let slope_max = fine(kind.slope_max);
        let mut body = Self {
            scene: *scene,
            near: [None; NEAR_MAX],
            near_count: 0,
            radius_m: kind.radius_m(),
            height_m: kind.height_m(),
            step_m: fine(kind.step_max),
            slope_max,
            acceleration_mps2: fine(kind.acceleration),
            jump_mps: fine(kind.jump_speed),
            level_enough: 1.0 / (1.0 + slope_max * slope_max).sqrt(),
        };
        if !scene.obstacles.is_empty() {
            body.find_near(mover, drive);
        }
        body
    }

    /// Keeps the solids that anything this tick may touch.
    fn find_near(&mut self, mover: &Mover, drive: &Drive) {
        let (own, wished) = (mover.velocity_mps.length(), drive.wish_mps.length());
        let jump = if drive.jump { self.jump_mps } else { 0.0 };
        let speed = jump + if own > wished { own } else { wished };
        let fall = drive.gravity_mps2 * drive.tick_s;
        let way = (speed + fall) * drive.tick_s + drive.push_m.length();
        let side = self.radius_m + way + 0.1;
        let down = way * (1.0 + self.slope_max) + self.step_m + 0.1;
        let low = DVec3::new(-side, -side, -down);
        let high = DVec3::new(side, side, down + self.height_m);
        let (middle, half) = ((low + high) * 0.5, (high - low) * 0.5);
        let axes = self.scene.axes;
        let centre = axes.origin() + axes.to_frame(middle);
        let reach = axes.extent_in_frame(half);
        let bounds = Bounds::new(centre - reach, centre + reach);
        for placed in self.scene.obstacles {
            if placed.is_near(&bounds) {
                if let Some(slot) = self.near.get_mut(self.near_count) {
                    *slot = Some(&placed.solid);
                }
                self.near_count += 1;
            }
        }
    }

    fn solids(&self) -> impl Iterator<Item = &'a Solid> + '_ {
        let is_few = self.near_count <= NEAR_MAX;
        let few = self
            .near
            .iter()
            .take(if is_few { self.near_count } else { 0 });
        let all = if is_few { &[] } else { self.scene.obstacles };
        few.flatten()
            .copied()
            .chain(all.iter().map(|placed| &*placed.solid))
    }

    /// Whether any obstacle is near.
    pub(super) fn is_among_obstacles(&self) -> bool {
        self.near_count > 0
    }

    /// Height of the sea above the origin; far below where there is none.
    pub(super) fn sea_m(&self) -> f64 {
        match self.scene.ground {
            Some(_) => -self.scene.axes.altitude_m(),
            None => f64::NEG_INFINITY,
        }
    }

    /// How far a capsule may walk between two looks at the ground.
    pub(super) fn stride_m(&self) -> f64 {
        let (least, most) = (0.5 * self.radius_m, 2.0 * self.radius_m);
        let spacing_m = self
            .scene
            .ground
            .map_or(0.0, |ground| 0.25 * ground.spacing_m());
        let stride = if spacing_m < most { spacing_m } else { most };
        let stride = if stride > least { stride } else { least };
        if stride > 0.05 { stride } else { 0.05 }
    }

    /// Whether a capsule can stand where it is touched like this.
    pub(super) fn is_level(&self, normal: DVec3) -> bool {
        normal.z >= self.level_enough
    }

    /// The ground under feet; far below where there is none.
    pub(super) fn rest(&self, at: DVec3) -> Result<Rest, NotResident> {
        match self.scene.ground {
            Some(ground) => ground.rest(at.x, at.y, self.radius_m).ok_or(NotResident),
            None => Ok(Rest {
                height_m: f64::NEG_INFINITY,
                normal: DVec3::Z,
            }),
        }
    }

    /// The capsule's axis in the frame.
    fn axis(&self, at: DVec3) -> Segment {
        let axes = self.scene.axes;
        let low = at + DVec3::Z * self.radius_m;
        let start = axes.origin() + axes.to_frame(low);
        let up = axes.to_frame(DVec3::Z) * (self.height_m - 2.0 * self.radius_m);
        Segment {
            start,
            end: start + up,
        }
    }

    /// Where obstacles stop a travel.
    pub(super) fn sweep_obstacles(&self, at: DVec3, travel: DVec3) -> Option<Touch> {
        self.sweep_those(at, travel, |_| true)
    }

    /// Where obstacles stop a way straight up, or down where it is negative. Walls do not.
    pub(super) fn sweep_upright(&self, at: DVec3, rise_m: f64) -> Option<Touch> {
        self.sweep_those(at, DVec3::Z * rise_m, |normal| normal.z.abs() > LEAN)
    }

    /// Where those obstacles stop a travel whose normals are asked for.
    fn sweep_those(
        &self,
        at: DVec3,
        travel: DVec3,
        is_one: impl Fn(DVec3) -> bool,
    ) -> Option<Touch> {
        if self.near_count == 0 {
            return None;
        }
        let (axis, way) = (self.axis(at), self.scene.axes.to_frame(travel));
        let grown = DVec3::splat(self.radius_m + MARGIN_M);
        let ends = [axis.start, axis.end, axis.start + way, axis.end + way];
        let low = ends[1..].iter().fold(ends[0], |low, p| least(low, *p)) - grown;
        let high = -ends[1..].iter().fold(-ends[0], |low, p| least(low, -*p)) + grown;
        let mut first: Option<Touch> = None;
        for solid in self.solids() {
            if !solid.is_near(low, high) {
                continue;
            }
            let touch = solid.sweep(axis, self.radius_m, way, MARGIN_M);
            if let Some(touch) = touch
                && first.is_none_or(|first| touch.time < first.time)
            {
                let normal = self.scene.axes.from_frame(touch.normal);
                if is_one(normal) {
                    first = Some(Touch { normal, ..touch });
                }
            }
        }
        first
    }

    /// Where ground or obstacles stop a travel, and whether it is an obstacle.
    pub(super) fn sweep(
        &self,
        at: DVec3,
        travel: DVec3,
    ) -> Result<Option<(Touch, bool)>, NotResident> {
        let obstacle = self.sweep_obstacles(at, travel);
        let ground = match self.scene.ground {
            Some(ground) => ground.sweep(at, travel, self.radius_m)?,
            None => None,
        };
        Ok(match (ground, obstacle) {
            (Some(ground), Some(obstacle)) if obstacle.time < ground.time => Some((obstacle, true)),
            (Some(ground), _) => Some((ground, false)),
            (None, obstacle) => obstacle.map(|touch| (touch, true)),
        })
    }

    /// What holds feet that are at most so far above it.
    pub(super) fn support(&self, at: DVec3, below_m: f64) -> Result<Option<Support>, NotResident> {
        Ok(self.support_or(&self.rest(at)?, at, below_m))
    }

    /// The same where the ground under the feet is known.
    pub(super) fn support_or(&self, rest: &Rest, at: DVec3, below_m: f64) -> Option<Support> {
        let ground = (rest.height_m >= at.z - below_m).then_some(Support {
            height_m: rest.height_m,
            normal: rest.normal,
            is_obstacle: false,
        });
        let touch = self.sweep_upright(at, -below_m);
        let obstacle = touch.map(|touch| Support {
            height_m: at.z - below_m * touch.time,
            normal: touch.normal,
            is_obstacle: true,
        });
        match (ground, obstacle) {
            (Some(ground), Some(other)) if other.height_m > ground.height_m => Some(other),
            (ground, other) => ground.or(other),
        }
    }

    /// Whether feet stay on what holds them: it is level enough, or the edge of something that is, or a hollow without a way down.
    pub(super) fn is_stable(&self, at: DVec3, support: &Support) -> Result<bool, NotResident> {
        if self.is_level(support.normal) {
            return Ok(true);
        }
        match support.is_obstacle {
            true => Ok(self.is_edge_of_level(at, support.normal)),
            false => self.is_hollow(at, support.normal),
        }
    }

    /// Whether steep ground does not go on downwards where it leans to.
    fn is_hollow(&self, at: DVec3, normal: DVec3) -> Result<bool, NotResident> {
        let Some(downhill) = level_unit(normal) else {
            return Ok(true);
        };
        let ahead = at + downhill * (0.125 * self.radius_m + 0.01);
        Ok(self.rest(ahead)?.height_m >= at.z)
    }

    /// Whether a capsule touches an obstacle's edge, low enough to step on, whose top is level enough to stand on.
    pub(super) fn is_edge_of_level(&self, at: DVec3, normal: DVec3) -> bool {
        let Some(out) = level_unit(normal) else {
            return false;
        };
        let touch = at + DVec3::Z * self.radius_m - normal * self.radius_m;
        if normal.z <= 0.0 || touch.z > at.z + self.step_m + MARGIN_M {
            return false;
        }
        let above = touch - out * BESIDE_M + DVec3::Z * BESIDE_M;
        let axes = self.scene.axes;
        let from = axes.origin() + axes.to_frame(above);
        let down = axes.to_frame(DVec3::Z * (-3.0 * BESIDE_M));
        let mut first: Option<Touch> = None;
        for solid in self.solids() {
            if let Some(touch) = solid.ray(from, down)
                && first.is_none_or(|first| touch.time < first.time)
            {
                first = Some(touch);
            }
        }
        first.is_some_and(|touch| touch.time > 0.0 && self.is_level(axes.from_frame(touch.normal)))
    }

    /// Out of obstacles that have come to be where it is, and up from under the ground: the deepest first.
    pub(super) fn freed(&self, mut at: DVec3) -> Result<DVec3, NotResident> {
        if self.near_count > 0 {
            for _ in 0..4 {
                let axis = self.axis(at);
                let mut deepest: Option<(f64, DVec3)> = None;
                for solid in self.solids() {
                    let gap = solid.gap(axis);
                    let depth_m = self.radius_m - gap.distance_m;
                    if depth_m > REST_M && deepest.is_none_or(|(most, _)| depth_m > most) {
                        deepest = Some((depth_m, gap.normal));
                    }
                }
                let Some((depth_m, normal)) = deepest else {
                    break;
                };
                at += self.scene.axes.from_frame(normal) * (depth_m + 0.75 * MARGIN_M);
            }
        }
        Ok(at)
    }

    pub(super) fn mode_in_water(&self, at: DVec3) -> Option<Mode> {
        (self.sea_m() - at.z > 0.77 * self.height_m).then_some(Mode::Swim)
    }
}

fn least(a: DVec3, b: DVec3) -> DVec3 {
    let less = |a: f64, b: f64| if b < a { b } else { a };
    DVec3::new(less(a.x, b.x), less(a.y, b.y), less(a.z, b.z))
}

/// The level part of a vector.
pub(super) fn level(v: DVec3) -> DVec3 {
    DVec3::new(v.x, v.y, 0.0)
}

/// The level direction of a vector, if it has one.
pub(super) fn level_unit(v: DVec3) -> Option<DVec3> {
    let v = level(v);
    let length = v.length();
    (length > 1e-6).then(|| v / length)
}

/// A vector cut to a length.
pub(super) fn shortened(v: DVec3, limit: f64) -> DVec3 {
    let length = v.length();
    if length > limit {
        v * (limit / length)
    } else {
        v
    }
}

/// A velocity brought nearer to another one, by a limited change.
pub(super) fn approached(from: DVec3, to: DVec3, change: f64) -> DVec3 {
    let way = to - from;
    if way.length() <= change {
        to
    } else {
        from + shortened(way, change)
    }
}
