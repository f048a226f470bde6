//! The axes in which one agent moves for one tick: its own tangent frame.

use spatial_core::{Axes, DVec3, Position, UNITS_PER_M};

/// Where an agent is as its tick begins, and which way is up there: x and y level, z up, metres from its feet.
///
/// On the ground up is away from the planet's centre; the x axis is that of the frame, made level. Within a frame of 4 km on the Earth the
/// two differ by 0.02°, on the smallest planets by 15°. On a carrier the axes are the carrier's own.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LocalAxes {
    origin: DVec3,        // in the frame
    in_frame: [DVec3; 3], // x, y and z along the frame's axes
    place: DVec3,         // from the planet's centre
    in_space: [DVec3; 3], // x, y and z along the planet's axes
    altitude_m: f64,      // of the origin above the datum
}

impl LocalAxes {
    /// Those of a place on the ground or above it. A place at the planet's centre has some.
    pub fn upright(radius_m: f64, frame: &Axes, at: Position) -> Self {
        let place = frame.to_ecef(at).to_vec();
        let [east, north, plane_up] = frame.units();
        let distance_m = place.length();
        let up = match distance_m > 0.0 {
            true => place / distance_m,
            false => plane_up,
        };
        let level = east - up * up.dot(east);
        // Up is within some 90° of the frame's up, or the position is beyond its grid; then any level axis will do.
        let level = match level.length_squared() > 1e-6 {
            true => level,
            false => north - up * up.dot(north),
        };
        let x = level / level.length();
        let in_space = [x, up.cross(x), up];
        Self {
            origin: metres_of(at),
            in_frame: in_space.map(|axis| frame.rotate_in(axis)),
            place,
            in_space,
            altitude_m: distance_m - radius_m,
        }
    }

    /// Those of a place on a carrier.
    pub fn aboard(at: Position) -> Self {
        Self {
            origin: metres_of(at),
            in_frame: DVec3::AXES,
            place: DVec3::ZERO,
            in_space: DVec3::AXES,
            altitude_m: 0.0,
        }
    }

    /// A vector along the frame's axes.
    #[inline]
    pub fn to_frame(&self, v: DVec3) -> DVec3 {
        let [x, y, z] = self.in_frame;
        x * v.x + y * v.y + z * v.z
    }

    /// Half edges along the frame's axes of a box that holds one along these.
    pub(crate) fn extent_in_frame(&self, half: DVec3) -> DVec3 {
        let [x, y, z] = self.in_frame.map(DVec3::abs);
        x * half.x + y * half.y + z * half.z
    }

    /// A vector along these axes.
    #[inline]
    pub fn from_frame(&self, v: DVec3) -> DVec3 {
        let [x, y, z] = self.in_frame;
        DVec3::new(x.dot(v), y.dot(v), z.dot(v))
    }

    /// The origin, metres from that of the frame.
    pub fn origin(&self) -> DVec3 {
        self.origin
    }

    /// Height of the origin above the datum, metres; on a carrier 0.
    pub fn altitude_m(&self) -> f64 {
        self.altitude_m
    }

    /// The origin from the planet's centre, metres.
    pub(crate) fn place(&self) -> DVec3 {
        self.place
    }

    /// x, y and z along the planet's axes.
    pub(crate) fn in_space(&self) -> [DVec3; 3] {
        self.in_space
    }
}

/// Metres from the frame's origin: exact.
fn metres_of(at: Position) -> DVec3 {
    DVec3::from_array(at.xyz().map(f64::from)) / UNITS_PER_M
}
