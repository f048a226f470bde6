//! Somebody who is moved with care, within a tick: what a world does with all of them, and a client with its own player alone.

use spatial_core::{Axes, DVec3, LatticeSpec, Position, UNITS_PER_M};

use crate::character::{Drive, LocalScene, Moved, Mover, advance_character};
use crate::ground_patch::{GroundPatch, Tiles};
use crate::kind::{FINE_PER_M, Kind};
use crate::local_axes::LocalAxes;
use crate::mode::Mode;
use crate::obstacles::Obstacles;
use crate::world::WorldStart;

/// What all of a world share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Care {
    pub(crate) tick_s: f64,
    pub(crate) gravity_mps2: f64,
}

/// Somebody within a tick.
#[derive(Clone, Copy)]
pub(crate) struct Walker {
    pub(crate) at: Position,
    pub(crate) velocity: [i32; 3],
    pub(crate) mode: Mode,
}

/// Where somebody is.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) radius_m: f64, // of the planet
    /// The axes of the frame, if it lies on the ground and not on a carrier.
    pub(crate) axes: Option<&'a Axes>,
    pub(crate) lattice: &'a LatticeSpec,
    pub(crate) tiles: &'a dyn Tiles,
    pub(crate) obstacles: &'a Obstacles,
}

impl Care {
    pub(crate) fn new(start: &WorldStart) -> Self {
        Self {
            tick_s: 1.0 / f64::from(start.tick_rate_hz),
            gravity_mps2: f64::from(start.gravity) / FINE_PER_M,
        }
    }
}

impl Walker {
    /// One tick of a character; `None` when ground is missing, or the way leads off the frame's grid.
    #[inline]
    pub(crate) fn walk(
        &self,
        kind: &Kind,
        drive: &Drive,
        site: &Site<'_>,
    ) -> Option<(Moved, Self)> {
        self.within_scene(kind, drive.tick_s, site, |mover, scene| {
            let moved = advance_character(kind, mover, drive, scene);
            let next = self.after(scene.axes, moved.travel_m, moved.velocity_mps)?;
            let mode = moved.mode;
            (!moved.is_held).then_some((moved, Self { mode, ..next }))
        })
    }

    /// Calls with somebody along its own axes, and what is around it.
    #[inline]
    pub(crate) fn within_scene<T>(
        &self,
        kind: &Kind,
        tick_s: f64,
        site: &Site<'_>,
        work: impl FnOnce(&Mover, &LocalScene<'_>) -> T,
    ) -> T {
        let axes = match site.axes {
            Some(frame) => LocalAxes::upright(site.radius_m, frame, self.at),
            None => LocalAxes::aboard(self.at),
        };
        let in_frame = DVec3::from_array(self.velocity.map(f64::from)) / UNITS_PER_M;
        let mover = Mover {
            velocity_mps: axes.from_frame(in_frame),
            mode: self.mode,
        };
        let speed_mps = mover.velocity_mps.length() + f64::from(kind.speed_max) / FINE_PER_M;
        let reach_m = 2.0 + kind.height_m() + speed_mps * tick_s;
        let patch = (site.axes)
            .is_some()
            .then(|| GroundPatch::new(site.lattice, &axes, reach_m, site.tiles));
        let scene = LocalScene {
            axes: &axes,
            ground: patch.as_ref(),
            obstacles: match site.obstacles.is_empty() {
                true => &[],
                false => (site.obstacles).near(self.at.frame, self.at.x, self.at.y),
            },
        };
        work(&mover, &scene)
    }

    /// Where it is after a way along its axes; `None` beyond the frame's grid.
    pub(crate) fn after(
        &self,
        axes: &LocalAxes,
        travel_m: DVec3,
        velocity_mps: DVec3,
    ) -> Option<Self> {
        let travel = (axes.to_frame(travel_m) * UNITS_PER_M).to_array();
        let velocity = (axes.to_frame(velocity_mps) * UNITS_PER_M).to_array();
        let step = |from: i32, units: f64| {
            let to = f64::from(from) + nearest(units);
            (to.abs() < f64::from(i32::MAX)).then_some(to as i32)
        };
        Some(Self {
            at: Position {
                frame: self.at.frame,
                x: step(self.at.x, travel[0])?,
                y: step(self.at.y, travel[1])?,
                z: step(self.at.z, travel[2])?,
            },
            velocity: velocity.map(|part| nearest(part) as i32),
            mode: self.mode,
        })
    }
}

/// The nearest integer, of two as near the even one; of numbers of 2⁵¹ and more some number as large. In two additions, where the target's
/// instructions have no rounding and [`f64::round_ties_even`] is a call.
#[inline]
fn nearest(number: f64) -> f64 {
    const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 × 2⁵²
    (number + ROUND) - ROUND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_integer_is_that_of_the_standard_library() {
        let mut number = 1e-3;
        while number < (1u64 << 51) as f64 {
            for n in [number, number.floor(), number.floor() + 0.5, 0.0] {
                for n in [n, -n, n.next_up(), n.next_down()] {
                    assert_eq!(nearest(n), n.round_ties_even(), "{n}");
                }
            }
            number *= 1.01;
        }
        for n in [f64::NAN, f64::INFINITY, 1e30, -1e30] {
            assert_eq!(nearest(n) as i32, n as i32);
            assert_eq!(
                nearest(n).abs() < f64::from(i32::MAX),
                n.abs() < f64::from(i32::MAX)
            );
        }
    }
}
