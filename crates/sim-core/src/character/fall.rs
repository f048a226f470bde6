//! In the air: thrown, falling, and sliding down what is too steep.

use spatial_core::DVec3;

use super::body::{Body, level, level_unit, shortened};
use super::{Drive, FALL_SPEED_MAX_MPS, Moved, Mover};
use crate::ground_patch::NotResident;
use crate::mode::Mode;

/// Things that one way may meet.
const MEETINGS_MAX: u32 = 5;

/// The part of its acceleration that a character has in the air, and of gravity that it never exceeds.
const AIR_CONTROL: f64 = 0.125;
const AIR_GRAVITY_MAX: f64 = 0.5;

/// A way through the air or the water, along what it meets.
pub(super) struct Flight {
    pub(super) at: DVec3,
    pub(super) velocity: DVec3,
    left: DVec3,
    planes: [DVec3; 4],
    count: usize,
}

/// What a flight came down on: the normal, whether it is an obstacle, and the speed against it.
#[derive(Clone, Copy)]
struct Landing {
    normal: DVec3,
    is_obstacle: bool,
    speed_mps: f64,
}

impl Body<'_> {
    pub(super) fn fall_tick(&self, mover: &Mover, drive: &Drive) -> Result<Moved, NotResident> {
        let start = self.risen(self.freed(DVec3::ZERO)?)?;
        let before = self.steered(start, mover.velocity_mps, drive)?;
        let gravity = DVec3::Z * -drive.gravity_mps2;
        let after = shortened(before + gravity * drive.tick_s, FALL_SPEED_MAX_MPS);
        let way = (before + after) * (0.5 * drive.tick_s) + level(drive.push_m);
        let mut flight = Flight::new(start, after, way);
        let landing = self.fly(&mut flight)?;
        let Some(landing) = landing else {
            return Ok(Moved {
                travel_m: flight.at,
                velocity_mps: flight.velocity,
                mode: self.mode_in_water(flight.at).unwrap_or(Mode::Fall),
                ..Moved::default()
            });
        };
        let floor = (landing.normal, landing.is_obstacle);
        let (at, has_ground) = self.walk_on(flight.at, flight.left, floor)?;
        let on_feet = if has_ground { Mode::Walk } else { Mode::Fall };
        Ok(Moved {
            travel_m: at,
            velocity_mps: flight.velocity,
            mode: self.mode_in_water(at).unwrap_or(on_feet),
            landed_mps: Some(landing.speed_mps),
            is_held: false,
        })
    }

    /// Up to the ground, from below it.
    fn risen(&self, at: DVec3) -> Result<DVec3, NotResident> {
        let height_m = self.rest(at)?.height_m;
        Ok(match at.z < height_m {
            true => DVec3::new(at.x, at.y, height_m),
            false => at,
        })
    }

    /// The velocity with what a wish does to it in the air: it adds up to the wished speed, and turns what is faster without making it more
    /// so. It does not climb what is too steep.
    fn steered(&self, at: DVec3, velocity: DVec3, drive: &Drive) -> Result<DVec3, NotResident> {
        let mut wish = level(drive.wish_mps);
        if wish == DVec3::ZERO {
            return Ok(velocity);
        }
        let rest = self.rest(at)?;
        let is_on_ground = at.z - rest.height_m <= 0.01;
        if is_on_ground
            && !self.is_level(rest.normal)
            && let Some(out) = level_unit(rest.normal)
            && wish.dot(out) < 0.0
        {
            wish -= out * wish.dot(out);
        }
        let Some(way) = level_unit(wish) else {
            return Ok(velocity);
        };
        let missing = wish.length() - velocity.dot(way);
        let own = AIR_CONTROL * self.acceleration_mps2;
        let most = AIR_GRAVITY_MAX * drive.gravity_mps2;
        let gain = (if own < most { own } else { most }) * drive.tick_s;
        let gain = if missing < gain { missing } else { gain };
        if gain <= 0.0 || missing <= 0.0 {
            return Ok(velocity);
        }
        // A gain across the way adds to the speed as well: without a limit, who turns in the air goes 7 % faster than on its feet.
        let (had, wished) = (level(velocity).length(), wish.length());
        let limit = if had > wished { had } else { wished };
        Ok(shortened(level(velocity + way * gain), limit) + DVec3::Z * velocity.z)
    }

    /// Flies until the way ends or feet come down on something that holds them.
    fn fly(&self, flight: &mut Flight) -> Result<Option<Landing>, NotResident> {
        for _ in 0..MEETINGS_MAX {
            let Some((normal, is_obstacle)) = self.fly_on(flight)? else {
                return Ok(None);
            };
            let speed_mps = -flight.velocity.dot(normal);
            if self.holds(flight.at, normal, is_obstacle)? {
                if speed_mps > 0.0 {
                    flight.velocity += normal * speed_mps;
                }
                return Ok(Some(Landing {
                    normal,
                    is_obstacle,
                    speed_mps: if speed_mps > 0.0 { speed_mps } else { 0.0 },
                }));
            }
            flight.meet(normal);
        }
        Ok(None)
    }

    fn holds(&self, at: DVec3, normal: DVec3, is_obstacle: bool) -> Result<bool, NotResident> {
        let support = super::body::Support {
            height_m: at.z,
            normal,
            is_obstacle,
        };
        Ok(normal.z > 0.0 && self.is_stable(at, &support)?)
    }

    /// Goes on to what is met next, if anything is: its normal, and whether it is an obstacle.
    pub(super) fn fly_on(&self, flight: &mut Flight) -> Result<Option<(DVec3, bool)>, NotResident> {
        if flight.left.length_squared() <= 1e-12 {
            return Ok(None);
        }
        let Some((touch, is_obstacle)) = self.sweep(flight.at, flight.left)? else {
            flight.at += flight.left;
            flight.left = DVec3::ZERO;
            return Ok(None);
        };
        flight.at += flight.left * touch.time;
        flight.left *= 1.0 - touch.time;
        Ok(Some((touch.normal, is_obstacle)))
    }
}

impl Flight {
    pub(super) fn new(at: DVec3, velocity: DVec3, way: DVec3) -> Self {
        Self {
            at,
            velocity,
            left: way,
            planes: [DVec3::ZERO; 4],
            count: 0,
        }
    }

    /// Goes on along what was met: along a plane, along the crease of two, nowhere between three.
    pub(super) fn meet(&mut self, normal: DVec3) {
        if let Some(slot) = self.planes.get_mut(self.count) {
            *slot = normal;
            self.count += 1;
        }
        let planes = &self.planes[..self.count];
        self.left = along(self.left, planes);
        self.velocity = along(self.velocity, planes);
    }
}

fn goes_into(v: DVec3, plane: DVec3) -> bool {
    v.dot(plane) < -1e-9 * v.length()
}

/// A vector without what goes into planes, of which the last is the newest.
fn along(v: DVec3, planes: &[DVec3]) -> DVec3 {
    let is_free = |v: DVec3| !planes.iter().any(|plane| goes_into(v, *plane));
    if is_free(v) {
        return v;
    }
    for plane in planes.iter().rev() {
        let slid = v - *plane * v.dot(*plane);
        if goes_into(v, *plane) && is_free(slid) {
            return slid;
        }
    }
    for (n, a) in planes.iter().enumerate() {
        for b in &planes[..n] {
            let crease = a.cross(*b);
            let square = crease.length_squared();
            if square > 1e-12 {
                let slid = crease * (v.dot(crease) / square);
                if is_free(slid) {
                    return slid;
                }
            }
        }
    }
    DVec3::ZERO
}
