//! In the sea: three quarters under water, or where it wishes.

use spatial_core::DVec3;

use super::body::{Body, REST_M, approached, level};
use super::fall::Flight;
use super::{Drive, Moved, Mover};
use crate::ground_patch::NotResident;
use crate::mode::Mode;

/// The part of a capsule that is under water when it floats, and below which it stands up.
const UNDER_WATER: f64 = 0.75;
const STANDS_UP: f64 = 0.7;

/// The part of its speed on land.
const SPEED: f64 = 0.5;

/// How the water lifts: for each metre too deep, metres a second; and at most.
const LIFT_PER_S: f64 = 2.0;
const LIFT_MAX_MPS: f64 = 1.5;

/// How near to the bottom feet feel it, metres.
const WADING_M: f64 = 0.05;

const MEETINGS_MAX: u32 = 5;

impl Body<'_> {
    pub(super) fn swim_tick(&self, mover: &Mover, drive: &Drive) -> Result<Moved, NotResident> {
        let start = self.freed(DVec3::ZERO)?;
        let float_m = self.sea_m() - UNDER_WATER * self.height_m;
        let wanted = self.stroke(float_m - start.z, drive);
        let change = self.water_mps2(drive) * drive.tick_s;
        let mut velocity = approached(mover.velocity_mps, wanted, change);
        let rise_max = (float_m - start.z) / drive.tick_s;
        if velocity.z > 0.0 && velocity.z > rise_max {
            velocity.z = if rise_max > 0.0 { rise_max } else { 0.0 };
        }
        let way = velocity * drive.tick_s + level(drive.push_m);
        let mut flight = Flight::new(start, velocity, way);
        for _ in 0..MEETINGS_MAX {
            let Some((normal, _)) = self.fly_on(&mut flight)? else {
                break;
            };
            flight.meet(normal);
        }
        Ok(Moved {
            travel_m: flight.at,
            velocity_mps: flight.velocity,
            mode: self.mode_after_swim(flight.at)?,
            ..Moved::default()
        })
    }

    /// The velocity that it wants: its wish at half the speed, and up to where it floats unless it dives.
    fn stroke(&self, too_deep_m: f64, drive: &Drive) -> DVec3 {
        let wish = drive.wish_mps * SPEED;
        if wish.z != 0.0 {
            return wish;
        }
        let lift = match too_deep_m.abs() <= REST_M {
            true => 0.0,
            false => (LIFT_PER_S * too_deep_m).clamp(-LIFT_MAX_MPS, LIFT_MAX_MPS),
        };
        DVec3::new(wish.x, wish.y, lift)
    }

    /// How fast water brings a velocity to what is wanted: it stops who only falls, too.
    fn water_mps2(&self, drive: &Drive) -> f64 {
        let least = 2.0 * drive.gravity_mps2;
        if self.acceleration_mps2 > least {
            self.acceleration_mps2
        } else {
            least
        }
    }

    fn mode_after_swim(&self, at: DVec3) -> Result<Mode, NotResident> {
        let under_m = self.sea_m() - at.z;
        if under_m >= STANDS_UP * self.height_m {
            return Ok(Mode::Swim);
        }
        Ok(match self.support(at, WADING_M)? {
            Some(support) if self.is_stable(at, &support)? => Mode::Walk,
            _ if under_m > 0.5 * self.height_m => Mode::Swim,
            _ => Mode::Fall,
        })
    }
}
