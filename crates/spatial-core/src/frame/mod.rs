//! Frames: the rigid tangent frames in which entities are simulated.
//!
//! ```text
//!            up (radial)          origin: on the datum, at the centre of a frame-level cell
//!            │   north            position: frame + three i32 in units of 2⁻¹⁶ m (±32 km)
//!            │  /                 at 2 km from the origin the datum lies 0.31 m below the plane
//!     origin └────── east
//! ```

mod axes;
mod carrier;
mod change;
mod frames;
mod id;
mod lanes;

use glam::{DMat3, DVec3};

use crate::cell::{CellId, MAX_LEVEL, face_uv_to_direction, st_to_uv};
use crate::planet::{CoordError, Ecef, Planet};

pub use axes::Axes;
pub use carrier::{Carrier, Pose, PoseError};
pub use change::FrameChange;
pub use frames::{FrameError, Frames};
pub use id::{FrameId, NoCarrierId, Position};
pub use lanes::{PositionLanes, PositionLanesMut};

/// Grid units in a metre: positions are integers of 2⁻¹⁶ m.
pub const UNITS_PER_M: f64 = 65_536.0;

/// An entity changes frame when it is this far beyond its frame's cell, metres.
pub const FRAME_HYSTERESIS_M: f64 = 64.0;

/// The geometry of one frame. Building one costs about 50 ns; keep it for many positions.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Frame {
    cell: CellId,
    axes: Axes,
    edges: [DVec3; 4], // outward normals of the planes through the centre and the cell's edges
}

impl Frame {
    /// The frame of a cell at the planet's frame level.
    ///
    /// # Errors
    /// [`CoordError::Frame`] when the id is not such a cell.
    pub fn new(planet: Planet, id: FrameId) -> Result<Self, CoordError> {
        match CellId::new(id.0) {
            Ok(cell) if cell.level() == planet.frame_level() => Ok(Self::of_cell(planet, cell)),
            _ => Err(CoordError::Frame(id.0)),
        }
    }

    /// The frame whose cell contains a place.
    pub fn at(planet: Planet, place: Ecef) -> Self {
        Self::of_cell(planet, place.leaf().parent(planet.frame_level()))
    }

    fn of_cell(planet: Planet, cell: CellId) -> Self {
        let up = cell.center();
        // The centre of a cell below level 0 is never a pole, so east is defined.
        let east = DVec3::new(-up.y, up.x, 0.0).normalize();
        Self {
            cell,
            axes: Axes {
                id: FrameId(cell.to_u64()),
                origin: up * planet.radius_m(),
                turn: DMat3::from_cols(east, up.cross(east), up),
            },
            edges: edge_normals(cell),
        }
    }

    /// The frame's id.
    pub fn id(&self) -> FrameId {
        self.axes.id
    }

    /// The frame's origin, east, north and up.
    pub fn axes(&self) -> &Axes {
        &self.axes
    }

    /// The frame's cell.
    pub fn cell(&self) -> CellId {
        self.cell
    }

    /// A place on the frame's grid, as planet-centred coordinates: [`Axes::to_ecef`].
    pub fn to_ecef(&self, at: Position) -> Ecef {
        self.axes.to_ecef(at)
    }

    /// The grid point nearest to a place: [`Axes::to_position`].
    ///
    /// # Errors
    /// [`CoordError::OutOfFrame`] beyond ±32 km of the origin on an axis.
    pub fn to_position(&self, place: Ecef) -> Result<Position, CoordError> {
        self.axes.to_position(place)
    }

    /// A vector given east, north, up of this frame, in planet axes.
    pub fn rotate_out(&self, v: DVec3) -> DVec3 {
        self.axes.rotate_out(v)
    }

    /// A vector given in planet axes, as east, north, up of this frame.
    pub fn rotate_in(&self, v: DVec3) -> DVec3 {
        self.axes.rotate_in(v)
    }

    /// The outward unit normals of the planes through the planet's centre and the edges of the frame's cell, in planet axes.
    pub fn edges(&self) -> &[DVec3; 4] {
        &self.edges
    }

    /// How far a place lies beyond the planes through the centre and the edges of the frame's cell, metres:
    /// negative inside. Beyond a corner it is the larger of the two distances. Costs four dot products.
    pub fn outside_m(&self, place: Ecef) -> f64 {
        let [a, b, c, d] = self.edges.map(|outward| outward.dot(place.0));
        a.max(b).max(c.max(d))
    }

    /// Whether [`Frame::outside_m`] is at most a distance. Most places that are not are told by the first edge.
    pub fn is_within(&self, place: Ecef, far_m: f64) -> bool {
        (self.edges.iter()).all(|outward| outward.dot(place.0) <= far_m)
    }

    /// Whether an entity at a place has left: it is beyond the hysteresis outside the frame's cell.
    pub fn is_left(&self, place: Ecef) -> bool {
        self.outside_m(place) > FRAME_HYSTERESIS_M
    }
}

/// Outward unit normals of the planes through the planet's centre and a cell's four edges.
fn edge_normals(cell: CellId) -> [DVec3; 4] {
    let (face, i, j) = cell.to_face_ij();
    let edge = |k: u32| st_to_uv(f64::from(k) / f64::from(1u32 << MAX_LEVEL));
    let size = cell.size_ij();
    // Face axes as directions: centre c, u axis, v axis. The plane of the edge u = a has the normal u − a·c.
    let c = face_uv_to_direction(face, 0.0, 0.0);
    let u_axis = face_uv_to_direction(face, 1.0, 0.0) - c;
    let v_axis = face_uv_to_direction(face, 0.0, 1.0) - c;
    [
        c * edge(i) - u_axis,
        u_axis - c * edge(i + size),
        c * edge(j) - v_axis,
        v_axis - c * edge(j + size),
    ]
    .map(DVec3::normalize)
}

impl Planet {
    /// The position of a place in the frame whose cell contains it.
    ///
    /// # Errors
    /// [`CoordError::OutOfFrame`] more than 32 km above or below the datum.
    pub fn position(self, place: Ecef) -> Result<Position, CoordError> {
        Frame::at(self, place).to_position(place)
    }

    /// The planet-centred coordinates of a position.
    ///
    /// # Errors
    /// [`CoordError::Frame`] when the position's frame is none of this planet's.
    pub fn place(self, at: Position) -> Result<Ecef, CoordError> {
        Ok(Frame::new(self, at.frame)?.to_ecef(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planet::Geodetic;

    fn places() -> impl Iterator<Item = Ecef> {
        let earth = Planet::EARTH;
        let corner = libm::atan(1.0 / 2.0f64.sqrt()).to_degrees();
        [90.0, -90.0, 45.0, -45.0, corner, 0.0, 89.9999, 12.3]
            .into_iter()
            .flat_map(move |lat| {
                [180.0, -180.0, 45.0, 135.0, 0.0, -90.0, 77.7]
                    .into_iter()
                    .map(move |lon| earth.ecef(Geodetic::from_degrees(lat, lon, 1_234.5).unwrap()))
            })
    }

    #[test]
    fn grid_round_trip_is_exact() {
        for place in places() {
            let frame = Frame::at(Planet::EARTH, place);
            let position = frame.to_position(place).unwrap();
            assert!(frame.to_ecef(position).distance_m(place) < 1.8 / UNITS_PER_M);
            assert_eq!(frame.to_position(frame.to_ecef(position)), Ok(position));
        }
    }

    /// Against the same sum with its rounding errors carried along.
    #[test]
    fn rounding_on_the_way_out_is_half_a_nanometre_on_earth() {
        for (radius_m, want_m) in [
            (10_000.0, 3e-11),
            (6_371_008.8, 0.5e-9),
            (8_388_607.9, 1e-9), // heights go over a power of two
            (1e8, 8e-9),
        ] {
            let planet = Planet::new(radius_m).unwrap();
            let worst = places().map(|place| rounding_m(&Frame::at(planet, place)));
            let worst = worst.fold(0.0, f64::max);
            assert!(
                (0.1 * want_m..=want_m).contains(&worst),
                "{radius_m}: {worst}"
            );
        }
    }

    /// The greatest rounding error on an axis, of places all over the frame.
    fn rounding_m(frame: &Frame) -> f64 {
        let mut worst = 0.0f64;
        for k in 0..200i32 {
            let [x, y, z] = [48_271, 69_621, 16_807].map(|n: i32| n.wrapping_mul(1 + k * 40_692));
            let got = frame
                .to_ecef(Position {
                    frame: frame.id(),
                    x,
                    y,
                    z,
                })
                .0;
            let m = [x, y, z].map(|units| f64::from(units) / UNITS_PER_M);
            for axis in 0..3 {
                let error = compensated(&[
                    (frame.axes.origin[axis], 1.0),
                    (frame.axes.turn.x_axis[axis], m[0]),
                    (frame.axes.turn.y_axis[axis], m[1]),
                    (frame.axes.turn.z_axis[axis], m[2]),
                    (-got[axis], 1.0),
                ]);
                worst = worst.max(error.abs());
            }
        }
        worst
    }

    /// The sum of products, as if in twice the precision (Ogita, Rump, Oishi 2005: `Dot2`).
    fn compensated(terms: &[(f64, f64)]) -> f64 {
        let split = |a: f64| {
            let c = 134_217_729.0 * a; // 2²⁷ + 1
            let high = c - (c - a);
            (high, a - high)
        };
        let (mut sum, mut rest) = (0.0f64, 0.0f64);
        for (a, b) in terms {
            let product = a * b;
            let ((a1, a2), (b1, b2)) = (split(*a), split(*b));
            rest += a2 * b2 - (((product - a1 * b1) - a2 * b1) - a1 * b2);
            let next = sum + product;
            let part = next - sum;
            rest += (sum - (next - part)) + (product - part);
            sum = next;
        }
        sum + rest
    }

    #[test]
    fn axes_are_orthonormal_and_right_handed() {
        for place in places() {
            let frame = Frame::at(Planet::EARTH, place);
            let [east, north, up] = frame.axes().units();
            assert!((east.cross(north) - up).length() < 1e-15);
            assert!(north.z >= 0.0 && east.z == 0.0);
        }
    }

    #[test]
    fn a_place_leaves_64_m_beyond_the_edge() {
        for place in places() {
            let frame = Frame::at(Planet::EARTH, place);
            assert!(frame.outside_m(place) < 1e-6); // on an edge: rounding only
            let [east, north, _] = frame.axes().units();
            for axis in [east, north, -east, -north] {
                // Distance from the edge planes grows by at most the walk, and by most of it at the end.
                let mut last = frame.outside_m(frame.axes().origin());
                assert!(last < -500.0);
                for step in 1..400 {
                    let walked = Ecef(frame.axes.origin + axis * f64::from(step) * 10.0);
                    let out = frame.outside_m(walked);
                    assert!(out - last < 10.000_1, "{out} after {last}");
                    assert_eq!(out > 0.0, !frame.cell.contains(walked.leaf()));
                    assert_eq!(frame.is_left(walked), out > 64.0);
                    last = out;
                }
                assert!(last > 1_000.0);
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let earth = Planet::EARTH;
        assert_eq!(Frame::new(earth, FrameId(0)), Err(CoordError::Frame(0)));
        assert!(Frame::new(earth, FrameId(u64::MAX)).is_err());
        let high = earth.ecef(Geodetic::from_degrees(1.0, 2.0, 33_000.0).unwrap());
        assert_eq!(earth.position(high), Err(CoordError::OutOfFrame));
    }
}
