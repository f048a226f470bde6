//! On its feet: along the ground, over steps, along walls.

use spatial_core::DVec3;

use super::body::{Body, MARGIN_M, REST_M, Support, approached, level, level_unit};
use super::{Drive, Moved, Mover};
use crate::ground_patch::{NotResident, Rest};
use crate::mode::Mode;
use crate::shape::Touch;

/// Surfaces and walls that one stride may meet.
const MEETINGS_MAX: u32 = 6;

/// Strides of a tick, at most.
const STRIDES_MAX: f64 = 64.0;

/// Shorter ways are none, metres: a tenth of the grid's unit.
const NO_WAY_M: f64 = 1e-6;

/// Who walks along a wall keeps this far off it, besides, in each stride, metres: feet that follow the ground or are rounded to the grid
/// would come nearer otherwise, and hang.
const BESIDE_M: f64 = MARGIN_M / 16.0;

/// Who gets no farther than this part of its way has no speed.
const STOPPED: f64 = 0.01;

/// The speed along a slope is right within this part.
const SPEED_EQUAL: f64 = 0.002;

/// A capsule on its feet, on its way.
struct Walker<'b, 'a> {
    body: &'b Body<'a>,
    at: DVec3,
    normal: DVec3,     // of what it stands on
    on_obstacle: bool, // and whether that is an obstacle
    climb: f64,        // of the last part of its way: rise over run
    walls: Walls,
    has_ground: bool,
}

/// What feet would be on after a level way.
struct Surface {
    rise_m: f64,
    rest: Rest,      // the ground there
    is_ground: bool, // whether feet would be on that, and not on an obstacle or in the air
}

/// Upright walls that were met: their level normals.
#[derive(Default)]
struct Walls {
    normals: [DVec3; 4],
    count: usize,
}

impl<'a> Body<'a> {
    pub(super) fn walk_tick(&self, mover: &Mover, drive: &Drive) -> Result<Moved, NotResident> {
        let before = along_ground(mover.velocity_mps);
        if drive.jump && self.jump_mps > 0.0 {
            let upwards = if mover.velocity_mps.z > 0.0 {
                mover.velocity_mps.z
            } else {
                0.0
            };
            let velocity_mps = level(mover.velocity_mps) + DVec3::Z * (upwards + self.jump_mps);
            return self.fall_tick(
                &Mover {
                    velocity_mps,
                    mode: Mode::Fall,
                },
                drive,
            );
        }
        let change = self.acceleration_mps2 * drive.tick_s;
        let velocity = approached(before, level(drive.wish_mps), change);
        let way = velocity * drive.tick_s + level(drive.push_m);
        let start = self.freed(DVec3::ZERO)?;
        let climb = climb_along(mover.velocity_mps, way);
        if way.length() <= NO_WAY_M || self.is_among_obstacles() {
            let below_m = if self.step_m > REST_M {
                self.step_m
            } else {
                REST_M
            };
            let Some(support) = self.support(start, below_m)? else {
                return self.fall_tick(mover, drive);
            };
            if way.length() <= NO_WAY_M {
                return self.stand(start, &support, mover, drive);
            }
            let walker = self.walker(start, (support.normal, support.is_obstacle), climb);
            return self.walk(walker, velocity, way);
        }
        self.walk(self.walker(start, (DVec3::Z, false), climb), velocity, way)
    }

    fn walker(
        &self,
        at: DVec3,
        (normal, on_obstacle): (DVec3, bool),
        climb: f64,
    ) -> Walker<'_, 'a> {
        Walker {
            body: self,
            at,
            normal,
            on_obstacle,
            climb,
            walls: Walls::default(),
            has_ground: true,
        }
    }

    /// Stays, if what it stands on lets it.
    fn stand(
        &self,
        at: DVec3,
        support: &Support,
        mover: &Mover,
        drive: &Drive,
    ) -> Result<Moved, NotResident> {
        let off_m = support.height_m - at.z;
        let at = if off_m.abs() <= REST_M {
            at
        } else {
            at + DVec3::Z * off_m
        };
        if !self.is_stable(at, support)? {
            return self.fall_tick(mover, drive);
        }
        Ok(Moved {
            travel_m: at,
            mode: self.mode_in_water(at).unwrap_or(Mode::Walk),
            ..Moved::default()
        })
    }

    /// The way of a tick, in strides.
    fn walk(
        &self,
        mut walker: Walker<'_, 'a>,
        velocity: DVec3,
        way: DVec3,
    ) -> Result<Moved, NotResident> {
        let start = walker.at;
        walker.go(way)?;
        let is_stopped = level(walker.at - start).length() < STOPPED * way.length();
        let velocity = match is_stopped {
            true => DVec3::ZERO,
            false => walker.walls.clip(velocity),
        };
        let climbing = DVec3::new(velocity.x, velocity.y, velocity.length() * walker.climb);
        let length = climbing.length();
        let velocity_mps = match length > 0.0 {
            true => climbing * (velocity.length() / length),
            false => DVec3::ZERO,
        };
        let on_feet = if walker.has_ground {
            Mode::Walk
        } else {
            Mode::Fall
        };
        Ok(Moved {
            travel_m: walker.at,
            velocity_mps,
            mode: self.mode_in_water(walker.at).unwrap_or(on_feet),
            ..Moved::default()
        })
    }

    /// Goes on on its feet after a landing: a way along what it has landed on.
    pub(super) fn walk_on(
        &self,
        at: DVec3,
        way: DVec3,
        (normal, on_obstacle): (DVec3, bool),
    ) -> Result<(DVec3, bool), NotResident> {
        let mut walker = self.walker(at, (normal, on_obstacle), 0.0);
        walker.go(level(way))?;
        Ok((walker.at, walker.has_ground))
    }
}

impl Walker<'_, '_> {
    fn go(&mut self, way: DVec3) -> Result<(), NotResident> {
        let strides = (way.length() / self.body.stride_m()).ceil();
        let strides = if strides < STRIDES_MAX {
            strides
        } else {
            STRIDES_MAX
        };
        let mut stride = way / (if strides > 1.0 { strides } else { 1.0 });
        for _ in 0..strides as u32 {
            stride = self.stride(stride)?;
            if !self.has_ground || stride.length() <= NO_WAY_M {
                break;
            }
        }
        Ok(())
    }

    /// One stride, a level way whose length is that along the surface. What the next one is: the same, but for walls.
    fn stride(&mut self, way: DVec3) -> Result<DVec3, NotResident> {
        let mut left = way;
        for _ in 0..MEETINGS_MAX {
            if left.length() <= NO_WAY_M {
                break;
            }
            let (ahead, surface) = self.ahead(left)?;
            if let Some(touch) = self.body.sweep_obstacles(self.at, ahead) {
                self.at += ahead * touch.time;
                self.rise()?;
                left *= 1.0 - touch.time;
                if self.body.is_level(touch.normal) {
                    (self.normal, self.on_obstacle) = (touch.normal, true);
                } else if self.step_up(left, touch.normal)? {
                    return Ok(self.walls.clip(way));
                } else {
                    let floor = if self.on_obstacle {
                        self.normal
                    } else {
                        surface.rest.normal
                    };
                    left = self.slide(left, wall_on(floor, touch.normal));
                }
                continue;
            }
            if surface.is_ground
                && let Some((free, normal)) = self.steep_ahead(left, &surface.rest)?
            {
                let up_to = left * free;
                let part = up_to + DVec3::Z * self.surface_at(up_to)?.rise_m;
                let touch = self.body.sweep_obstacles(self.at, part);
                self.at += part * touch.map_or(1.0, |touch| touch.time);
                self.rise()?;
                left = self.slide(left * (1.0 - free), normal);
                continue;
            }
            self.at += ahead;
            self.climb = ahead.z / level(ahead).length();
            self.settle(left.length(), &surface.rest)?;
            break;
        }
        Ok(self.walls.clip(way))
    }

    /// The way along the surface, as long as the level one is, and the surface at its end.
    fn ahead(&self, way: DVec3) -> Result<(DVec3, Surface), NotResident> {
        let length = way.length();
        let mut part = 1.0 / (1.0 + self.climb * self.climb).sqrt();
        let mut surface = self.surface_at(way * part)?;
        for _ in 0..3 {
            let slope = surface.rise_m / length;
            let along = (part * part + slope * slope).sqrt();
            // What is too steep to climb is no slope to measure.
            if (along - 1.0).abs() <= SPEED_EQUAL || slope.abs() > 1.5 * self.body.slope_max * part
            {
                break;
            }
            part /= along;
            surface = self.surface_at(way * part)?;
        }
        Ok((way * part + DVec3::Z * surface.rise_m, surface))
    }

    /// The surface after a level way.
    fn surface_at(&self, way: DVec3) -> Result<Surface, NotResident> {
        let rest = self.body.rest(self.at + way)?;
        let rise_m = rest.height_m - self.at.z;
        let of_ground = |is_ground: bool| Surface {
            rise_m: if is_ground { rise_m } else { 0.0 },
            rest,
            is_ground,
        };
        if !self.on_obstacle {
            return Ok(of_ground(rise_m >= -self.snap_m(way.length())));
        }
        let n = self.normal;
        let along_m = match self.body.is_level(n) {
            true => -(n.x * way.x + n.y * way.y) / n.z,
            false => 0.0,
        };
        Ok(match rise_m > along_m {
            true => of_ground(true),
            false => Surface {
                rise_m: along_m,
                rest,
                is_ground: false,
            },
        })
    }

    /// How far down feet follow the ground.
    fn snap_m(&self, way_m: f64) -> f64 {
        let slope_m = 1.25 * way_m * self.body.slope_max;
        if slope_m > self.body.step_m {
            slope_m
        } else {
            self.body.step_m
        }
    }

    /// How much of a way is free of ground too steep to climb, and that ground's normal; `None` when all of it is.
    fn steep_ahead(&self, way: DVec3, ground: &Rest) -> Result<Option<(f64, DVec3)>, NotResident> {
        if !self.climbs_steeply(ground) || self.is_step(way)? {
            return Ok(None);
        }
        let (mut free, mut steep, mut normal) = (0.0, 1.0, ground.normal);
        for _ in 0..5 {
            let middle = 0.5 * (free + steep);
            let there = self.body.rest(self.at + way * middle)?;
            match self.climbs_steeply(&there) {
                true => (steep, normal) = (middle, there.normal),
                false => free = middle,
            }
        }
        Ok(Some((free, normal)))
    }

    fn climbs_steeply(&self, ground: &Rest) -> bool {
        ground.height_m > self.at.z + REST_M && !self.body.is_level(ground.normal)
    }

    /// Whether beyond steep ground, a radius on, there is level ground no higher than a step.
    fn is_step(&self, way: DVec3) -> Result<bool, NotResident> {
        let ahead = way + way * (self.body.radius_m / way.length());
        let rest = self.body.rest(self.at + ahead)?;
        Ok(rest.height_m <= self.at.z + self.body.step_m && self.body.is_level(rest.normal))
    }

    /// Up, on and down again, over what it has met, if that is no higher than a step; whether it went.
    fn step_up(&mut self, way: DVec3, wall: DVec3) -> Result<bool, NotResident> {
        let body = self.body;
        if body.step_m <= 0.0 || way.length() <= NO_WAY_M {
            return Ok(false);
        }
        // What is higher than a step ends most tries: it is asked first.
        let up = DVec3::Z * body.step_m;
        let ahead = body.sweep_obstacles(self.at + up, way);
        let closing_m = -level(wall).dot(way);
        let is_nowhere = |ahead: Touch| closing_m * ahead.time <= MARGIN_M;
        if ahead.is_some_and(is_nowhere) {
            return Ok(false);
        }
        let room = body.sweep_upright(self.at, body.step_m);
        let raised_m = body.step_m * room.map_or(1.0, |touch| touch.time);
        let raised = self.at + DVec3::Z * raised_m;
        let ahead = if room.is_some() {
            body.sweep_obstacles(raised, way)
        } else {
            ahead
        };
        let on = raised + way * ahead.map_or(1.0, |touch| touch.time);
        if ahead.is_some_and(is_nowhere) || body.rest(on)?.height_m > on.z {
            return Ok(false);
        }
        let Some(support) = body.support(on, raised_m + self.snap_m(way.length()))? else {
            return Ok(false);
        };
        let at = DVec3::new(on.x, on.y, support.height_m);
        let can_stand = body.is_level(support.normal)
            || support.is_obstacle && body.is_edge_of_level(at, support.normal);
        let is_low = edge_m(body, at, support.normal) <= self.at.z + body.step_m + REST_M;
        if can_stand && is_low {
            self.climb = 0.0;
            self.stand_on(at, &support);
        }
        Ok(can_stand && is_low)
    }

    /// Feet come down on what is below them, if it is not too far.
    fn settle(&mut self, way_m: f64, rest: &Rest) -> Result<(), NotResident> {
        let found = self.body.support_or(rest, self.at, self.snap_m(way_m));
        let Some(support) = found else {
            self.has_ground = false;
            return Ok(());
        };
        let at = DVec3::new(self.at.x, self.at.y, support.height_m);
        if self.body.is_stable(at, &support)? {
            self.stand_on(at, &support);
        } else {
            self.has_ground = false;
            self.at.z = if support.height_m > self.at.z {
                support.height_m
            } else {
                self.at.z
            };
        }
        Ok(())
    }

    fn stand_on(&mut self, at: DVec3, support: &Support) {
        self.at = at;
        (self.normal, self.on_obstacle) = (support.normal, support.is_obstacle);
    }

    /// Up to the ground, where a straight way has cut under what bulges, as far as there is room.
    fn rise(&mut self) -> Result<(), NotResident> {
        let missing_m = self.body.rest(self.at)?.height_m - self.at.z;
        if missing_m > 0.0 {
            let free = self.body.sweep_upright(self.at, missing_m);
            self.at.z += missing_m * free.map_or(1.0, |touch| touch.time);
        }
        Ok(())
    }

    /// What is left of a way along a wall.
    fn slide(&mut self, left: DVec3, normal: DVec3) -> DVec3 {
        let Some(wall) = level_unit(normal) else {
            return DVec3::ZERO;
        };
        self.walls.add(wall);
        let along = self.walls.clip(left);
        match along.length() > NO_WAY_M {
            true => along + wall * BESIDE_M,
            false => along,
        }
    }
}

/// The wall that a surface is to feet that stay on a floor: level, and square to where the two meet.
///
/// A way d on the floor goes up by g · d. It stays outside of the surface where (n + n_z g) · d is not negative.
fn wall_on(floor: DVec3, normal: DVec3) -> DVec3 {
    let steep = if floor.z > 0.3 { floor.z } else { 0.3 };
    let g = -level(floor) / steep;
    level(normal) + g * normal.z
}

/// Height of where a capsule touches.
fn edge_m(body: &Body<'_>, at: DVec3, normal: DVec3) -> f64 {
    at.z + body.radius_m * (1.0 - normal.z)
}

impl Walls {
    fn add(&mut self, wall: DVec3) {
        if let Some(slot) = self.normals.get_mut(self.count) {
            *slot = wall;
            self.count += 1;
        }
    }

    /// A level vector without what goes into walls; nothing in a corner.
    fn clip(&self, v: DVec3) -> DVec3 {
        let walls = &self.normals[..self.count];
        let goes_into = |v: DVec3, wall: DVec3| v.dot(wall) < -1e-9 * v.length();
        let mut clipped = v;
        for wall in walls {
            if goes_into(clipped, *wall) {
                clipped -= *wall * clipped.dot(*wall);
            }
        }
        match walls.iter().any(|wall| goes_into(clipped, *wall)) {
            true => DVec3::ZERO,
            false => clipped,
        }
    }
}

/// The speed of a velocity along the ground, in its level direction.
fn along_ground(velocity_mps: DVec3) -> DVec3 {
    match level_unit(velocity_mps) {
        Some(way) => way * velocity_mps.length(),
        None => DVec3::ZERO,
    }
}

/// Rise over run of a velocity, as far as it tells it for a way.
fn climb_along(velocity_mps: DVec3, way: DVec3) -> f64 {
    let run = level(velocity_mps);
    let along = run.dot(way);
    match along > 0.9 * run.length() * way.length() && along > 0.0 {
        true => velocity_mps.z / run.length(),
        false => 0.0,
    }
}
