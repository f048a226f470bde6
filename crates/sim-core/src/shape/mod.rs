//! Shapes of static obstacles, as they are told, saved and hashed: integers of 2⁻¹⁶ m around a position.
//!
//! ```text
//! obstacle  frame u64 · x i32 · y i32 · z i32 · shape            little-endian, no padding
//! shape     kind u8 · body
//!   1       box      half extents 3 × u32 · turn 4 × i16          turn: quaternion x, y, z, w of any length but 0
//!   2       capsule  from the centre to an end 3 × i32 · radius u32
//!   3       hull     count u8 · vertices count × 3 × i32
//! ```

mod cuboid;
mod hull;
mod polytope;
mod segment;
mod solid;

use std::sync::Arc;

use spatial_core::{DQuat, DVec3, FrameId, Position, UNITS_PER_M};

pub use segment::{Segment, ball_meets_capsule};
pub use solid::{Gap, Solid, Touch};

use hull::extreme_points;

/// A thing that does not move: a shape at a position. What it stands in the way of collides with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Obstacle {
    /// Where the shape's centre, or a hull's origin, is.
    pub position: Position,
    /// Its shape, along the axes of the position's frame.
    pub shape: Shape,
}

/// A box, a capsule or a convex hull. No part of it is farther than [`Shape::REACH_MAX_M`] from its centre.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shape(pub(crate) Form);

/// Lengths in 2⁻¹⁶ m.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Cuboid { half: [u32; 3], turn: [i16; 4] },
    Capsule { half_axis: [i32; 3], radius: u32 },
    Hull { vertices: Arc<[[i32; 3]]> }, // each of them extreme; of no order that matters
}

/// Why there is no such shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ShapeError {
    /// A length or a coordinate is not finite.
    #[error("a number of the shape is not finite")]
    NotFinite,
    /// It reaches farther than [`Shape::REACH_MAX_M`] from its centre.
    #[error("the shape reaches farther than {max} m from its centre", max = Shape::REACH_MAX_M)]
    TooLarge,
    /// It has no inside: an edge of length 0, points on one plane, a turn of length 0.
    #[error("the shape has no inside, or its turn no length")]
    Degenerate,
    /// A hull of more than [`Shape::VERTICES_MAX`] vertices.
    #[error("a hull of {0} vertices has more than {max}", max = Shape::VERTICES_MAX)]
    TooManyVertices(usize),
    /// More points than [`Shape::POINTS_MAX`] to make a hull of.
    #[error("{0} points for a hull are more than {max}", max = Shape::POINTS_MAX)]
    TooManyPoints(usize),
    /// A vertex of an encoded hull that is inside it.
    #[error("a vertex of the hull is none of its corners")]
    NoCorner,
    /// The bytes end inside the shape.
    #[error("the bytes of a shape end early")]
    Short,
    /// An unknown kind of shape.
    #[error("unknown kind {0} of shape")]
    Kind(u8),
}

impl Shape {
    /// How far from its centre a shape may reach, metres.
    pub const REACH_MAX_M: f64 = 512.0;
    /// Vertices that a hull may have.
    pub const VERTICES_MAX: usize = 64;
    /// Points that a hull may be made of.
    pub const POINTS_MAX: usize = 1_024;

    /// A box with these half edges, metres, turned from its own axes into those of its frame.
    ///
    /// # Errors
    /// [`ShapeError`] for an edge that is no thicker than 2⁻¹⁵ m, a turn of length 0, and what is not finite or too large.
    pub fn cuboid(half_m: DVec3, turn: DQuat) -> Result<Self, ShapeError> {
        if half_m.min_element() < 0.0 {
            return Err(ShapeError::Degenerate);
        }
        let half = grid(half_m)?.map(i32::cast_unsigned);
        let parts = [turn.x, turn.y, turn.z, turn.w];
        let length = parts.iter().map(|q| q * q).sum::<f64>().sqrt();
        if !length.is_finite() {
            return Err(ShapeError::NotFinite);
        }
        if length == 0.0 {
            return Err(ShapeError::Degenerate);
        }
        let turn = parts.map(|q| (q / length * f64::from(i16::MAX)).round() as i16);
        Self::checked(Form::Cuboid { half, turn })
    }

    /// A capsule around a line from `-half_axis_m` to `half_axis_m`; a ball where that is 0.
    ///
    /// # Errors
    /// [`ShapeError`] for a radius of 0, and what is not finite or too large.
    pub fn capsule(half_axis_m: DVec3, radius_m: f64) -> Result<Self, ShapeError> {
        if radius_m < 0.0 {
            return Err(ShapeError::Degenerate);
        }
        let [radius, ..] = grid(DVec3::splat(radius_m))?;
        Self::checked(Form::Capsule {
            half_axis: grid(half_axis_m)?,
            radius: radius.cast_unsigned(),
        })
    }

    /// The convex hull of points around the position. Points inside it are dropped.
    ///
    /// Exact: points are rounded to the grid, and then decided without rounding.
    ///
    /// # Errors
    /// [`ShapeError`] for points on one plane, hulls of too many vertices, and what is not finite or too large.
    pub fn hull(points_m: &[DVec3]) -> Result<Self, ShapeError> {
        if points_m.len() > Self::POINTS_MAX {
            return Err(ShapeError::TooManyPoints(points_m.len()));
        }
        let points: Vec<_> = points_m
            .iter()
            .map(|p| grid(*p))
            .collect::<Result<_, _>>()?;
        let vertices = extreme_points(&points).ok_or(ShapeError::Degenerate)?;
        Self::checked(Form::Hull {
            vertices: vertices.into(),
        })
    }

    fn checked(form: Form) -> Result<Self, ShapeError> {
        let shape = Self(form);
        if shape.reach_m() > Self::REACH_MAX_M {
            return Err(ShapeError::TooLarge);
        }
        let has_inside = match &shape.0 {
            Form::Cuboid { half, turn } => half.iter().all(|h| *h > 0) && *turn != [0; 4],
            Form::Capsule { radius, .. } => *radius > 0,
            Form::Hull { vertices } if vertices.len() > Self::VERTICES_MAX => {
                return Err(ShapeError::TooManyVertices(vertices.len()));
            }
            Form::Hull { .. } => true,
        };
        has_inside.then_some(shape).ok_or(ShapeError::Degenerate)
    }

    /// The radius of a ball around its centre that it does not leave, metres.
    pub fn reach_m(&self) -> f64 {
        match &self.0 {
            Form::Cuboid { half, .. } => metres(half.map(f64::from)).length(),
            Form::Capsule { half_axis, radius } => {
                metres(half_axis.map(f64::from)).length() + f64::from(*radius) / UNITS_PER_M
            }
            Form::Hull { vertices } => {
                let reach = |v: &[i32; 3]| metres(v.map(f64::from)).length();
                vertices.iter().map(reach).fold(0.0, f64::max)
            }
        }
    }
}

impl Obstacle {
    /// Appends its bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let at = self.position;
        out.extend(at.frame.0.to_le_bytes());
        out.extend(at.xyz().iter().flat_map(|axis| axis.to_le_bytes()));
        match &self.shape.0 {
            Form::Cuboid { half, turn } => {
                out.push(1);
                out.extend(half.iter().flat_map(|h| h.to_le_bytes()));
                out.extend(turn.iter().flat_map(|q| q.to_le_bytes()));
            }
            Form::Capsule { half_axis, radius } => {
                out.push(2);
                out.extend(half_axis.iter().flat_map(|h| h.to_le_bytes()));
                out.extend(radius.to_le_bytes());
            }
            Form::Hull { vertices } => {
                out.extend([3, vertices.len() as u8]); // at most VERTICES_MAX
                out.extend(vertices.iter().flatten().flat_map(|c| c.to_le_bytes()));
            }
        }
    }

    /// Reads one from the start of the bytes; the rest of them is returned with it.
    ///
    /// # Errors
    /// [`ShapeError`] for anything that [`Obstacle::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), ShapeError> {
        let mut left = Left(bytes);
        let position = Position {
            frame: FrameId(u64::from_le_bytes(left.array()?)),
            x: i32::from_le_bytes(left.array()?),
            y: i32::from_le_bytes(left.array()?),
            z: i32::from_le_bytes(left.array()?),
        };
        let form = match left.array()? {
            [1] => Form::Cuboid {
                half: left.three()?.map(i32::cast_unsigned),
                turn: [left.small()?, left.small()?, left.small()?, left.small()?],
            },
            [2] => Form::Capsule {
                half_axis: left.three()?,
                radius: u32::from_le_bytes(left.array()?),
            },
            [3] => left.hull()?,
            [kind] => return Err(ShapeError::Kind(kind)),
        };
        let shape = Shape::checked(form)?;
        Ok((Self { position, shape }, left.0))
    }
}

/// The bytes that are not read yet.
struct Left<'a>(&'a [u8]);

impl Left<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], ShapeError> {
        let (head, tail) = self.0.split_first_chunk().ok_or(ShapeError::Short)?;
        self.0 = tail;
        Ok(*head)
    }

    fn small(&mut self) -> Result<i16, ShapeError> {
        Ok(i16::from_le_bytes(self.array()?))
    }

    fn three(&mut self) -> Result<[i32; 3], ShapeError> {
        let mut next = || Ok(i32::from_le_bytes(self.array()?));
        Ok([next()?, next()?, next()?])
    }

    fn hull(&mut self) -> Result<Form, ShapeError> {
        let [count] = self.array()?;
        let count = usize::from(count);
        if count > Shape::VERTICES_MAX {
            return Err(ShapeError::TooManyVertices(count));
        }
        let vertices = (0..count)
            .map(|_| self.three())
            .collect::<Result<Vec<_>, _>>()?;
        let reach_units = Shape::REACH_MAX_M * UNITS_PER_M;
        let is_near = |c: &i32| f64::from(*c).abs() <= reach_units;
        if !vertices.iter().flatten().all(is_near) {
            return Err(ShapeError::TooLarge); // the exact predicates reach no farther
        }
        match extreme_points(&vertices) {
            None => Err(ShapeError::Degenerate),
            Some(corners) if corners.len() < count => Err(ShapeError::NoCorner),
            Some(_) => Ok(Form::Hull {
                vertices: vertices.into(),
            }),
        }
    }
}

/// Grid units of coordinates in metres, within the reach of a shape.
fn grid(v_m: DVec3) -> Result<[i32; 3], ShapeError> {
    if !v_m.is_finite() {
        return Err(ShapeError::NotFinite);
    }
    let v = v_m.to_array();
    if v.iter().any(|c| c.abs() > Shape::REACH_MAX_M) {
        return Err(ShapeError::TooLarge);
    }
    Ok(v.map(|c| (c * UNITS_PER_M).round() as i32))
}

/// Metres of grid units.
fn metres(units: [f64; 3]) -> DVec3 {
    DVec3::from_array(units) / UNITS_PER_M
}

#[cfg(test)]
mod tests;
