//! Solids: shapes made ready to be asked, in metres of one frame.

use std::sync::Arc;

use spatial_core::{DQuat, DVec3, UNITS_PER_M};

use super::cuboid::{gap_to_cuboid, ray_into_cuboid};
use super::hull::Hull;
use super::polytope::{gap_to_hull, ray_into_hull};
use super::segment::{Segment, ball_meets_capsule, gap_of_segments};
use super::{Form, Shape, metres};

/// A shape in its place: what collision asks. All lengths are metres, all vectors along the axes of one frame.
#[derive(Clone, Debug)]
pub struct Solid {
    centre: DVec3,
    axes: [DVec3; 3], // its own, orthonormal
    reach: DVec3,     // half edges of the box along the frame's axes that holds it
    body: Body,
}

/// What it is along its own axes, around its centre.
#[derive(Clone, Debug)]
enum Body {
    Cuboid { half: DVec3 },
    Capsule { half_axis: DVec3, radius: f64 }, // the axis along the frame's axes
    Hull(Arc<Hull>),
}

/// How far a segment is from a solid.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Gap {
    /// The distance; where the segment is inside, negative: how far it must go along the normal to be out, by the shortest way.
    pub distance_m: f64,
    /// From the solid to the segment, of length 1.
    pub normal: DVec3,
}

/// Where a travel is stopped.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Touch {
    /// The part of the travel that is free, 0 to 1.
    pub time: f64,
    /// From what stops it to what travels, of length 1.
    pub normal: DVec3,
}

/// Advances of a sweep. Planes need one, round things some five; where these end, the time is early, never late.
const ADVANCES_MAX: u32 = 32;

/// Slower than this part of its travel a mover does not close in: rounding must not stop who slides along a wall.
const CLOSING_MIN: f64 = 1e-9;

impl Solid {
    /// A shape at a place of a frame, metres, turned from the axes it was given in to the frame's.
    ///
    /// Hulls are built again here, some microseconds to a millisecond; [`Solid::placed`] shares what was built.
    pub fn new(shape: &Shape, centre: DVec3, turn: DQuat) -> Self {
        match &shape.0 {
            Form::Cuboid { half, turn: own } => {
                let [x, y, z, w] = own.map(f64::from);
                let axes = axes_of(turn * unit(DQuat::from_xyzw(x, y, z, w)));
                let half = metres(half.map(f64::from));
                let reach =
                    axes[0].abs() * half.x + axes[1].abs() * half.y + axes[2].abs() * half.z;
                Self {
                    centre,
                    axes,
                    reach,
                    body: Body::Cuboid { half },
                }
            }
            Form::Capsule { half_axis, radius } => {
                let [x, y, z] = axes_of(turn);
                let half = metres(half_axis.map(f64::from));
                let half_axis = x * half.x + y * half.y + z * half.z;
                let radius = f64::from(*radius) / UNITS_PER_M;
                let reach = half_axis.abs() + DVec3::splat(radius);
                Self {
                    centre,
                    axes: [x, y, z],
                    reach,
                    body: Body::Capsule { half_axis, radius },
                }
            }
            Form::Hull { vertices } => {
                let hull = Hull::new(vertices).expect("the vertices of a shape are a hull's");
                Self::of_hull(Arc::new(hull), centre, turn)
            }
        }
    }

    /// The same solid elsewhere and turned: in another frame.
    pub fn placed(&self, shape: &Shape, centre: DVec3, turn: DQuat) -> Self {
        match &self.body {
            Body::Hull(hull) => Self::of_hull(Arc::clone(hull), centre, turn),
            _ => Self::new(shape, centre, turn),
        }
    }

    fn of_hull(hull: Arc<Hull>, centre: DVec3, turn: DQuat) -> Self {
        let axes = axes_of(turn);
        let mut reach = DVec3::ZERO;
        for v in hull.vertices() {
            reach = reach.max((axes[0] * v.x + axes[1] * v.y + axes[2] * v.z).abs());
        }
        Self {
            centre,
            axes,
            reach,
            body: Body::Hull(hull),
        }
    }

    /// The middle of its bounds.
    pub fn centre(&self) -> DVec3 {
        self.centre
    }

    /// Half edges of its bounds, along the axes of the frame.
    pub fn reach(&self) -> DVec3 {
        self.reach
    }

    /// The corners of the box along the frame's axes that holds it.
    pub fn bounds(&self) -> (DVec3, DVec3) {
        (self.centre - self.reach, self.centre + self.reach)
    }

    /// Whether its bounds touch a box.
    #[inline]
    pub fn is_near(&self, low: DVec3, high: DVec3) -> bool {
        let (a, b) = self.bounds();
        a.x <= high.x
            && low.x <= b.x
            && a.y <= high.y
            && low.y <= b.y
            && a.z <= high.z
            && low.z <= b.z
    }

    /// How far a segment is. Exact but for rounding: 10⁻¹² of the coordinates.
    pub fn gap(&self, axis: Segment) -> Gap {
        let gap = match &self.body {
            Body::Cuboid { half } => self.outwards(gap_to_cuboid(self.inwards(axis), *half)),
            Body::Hull(hull) => self.outwards(gap_to_hull(self.inwards(axis), hull)),
            Body::Capsule { half_axis, radius } => {
                let gap = gap_of_segments(axis, self.core(*half_axis));
                Gap {
                    distance_m: gap.distance_m - radius,
                    ..gap
                }
            }
        };
        Gap {
            distance_m: gap.distance_m + 0.0,
            normal: gap.normal + DVec3::ZERO,
        } // −0 is 0
    }

    /// Where a capsule or ball that travels comes within `margin_m`, which is more than 0.
    ///
    /// By conservative advancement: at every distance the solid is behind a plane, and no part of the way up to that plane
    /// can touch. So the time is never late. Where it stops, the gap is between 0 and the margin. What is nearer from the start
    /// stops at once if it closes in, and is free if it does not.
    pub fn sweep(
        &self,
        axis: Segment,
        radius_m: f64,
        travel: DVec3,
        margin_m: f64,
    ) -> Option<Touch> {
        let closing_min = CLOSING_MIN * travel.length();
        let mut time = 0.0;
        for _ in 0..ADVANCES_MAX {
            let gap = self.gap(axis.moved(travel * time));
            let free_m = gap.distance_m - radius_m;
            let closing_m = -gap.normal.dot(travel);
            let closes = closing_m > closing_min;
            if !closes {
                return None; // a plane is between them and gets no nearer
            }
            if free_m <= margin_m {
                return Some(Touch {
                    time,
                    normal: gap.normal,
                });
            }
            time += (free_m - 0.5 * margin_m) / closing_m;
            let arrives = time <= 1.0;
            if !arrives {
                return None;
            }
        }
        let gap = self.gap(axis.moved(travel * time));
        Some(Touch {
            time,
            normal: gap.normal,
        })
    }

    /// Where a ray enters, from a point along a travel. One that starts inside has entered, and its normal is against the ray.
    pub fn ray(&self, from: DVec3, travel: DVec3) -> Option<Touch> {
        let (start, way) = (self.to_own(from - self.centre), self.to_own(travel));
        let touch = match &self.body {
            Body::Cuboid { half } => ray_into_cuboid(start, way, *half).map(|t| self.turned_out(t)),
            Body::Hull(hull) => ray_into_hull(start, way, hull).map(|t| self.turned_out(t)),
            Body::Capsule { half_axis, radius } => {
                ball_meets_capsule(from, travel, self.core(*half_axis), *radius)
            }
        }?;
        let length = travel.length();
        let normal = match touch.time > 0.0 || length == 0.0 {
            true => touch.normal,
            false => travel / -length,
        };
        Some(Touch {
            time: touch.time + 0.0,
            normal: normal + DVec3::ZERO,
        })
    }

    fn core(&self, half_axis: DVec3) -> Segment {
        Segment {
            start: self.centre - half_axis,
            end: self.centre + half_axis,
        }
    }

    fn to_own(&self, v: DVec3) -> DVec3 {
        DVec3::new(
            self.axes[0].dot(v),
            self.axes[1].dot(v),
            self.axes[2].dot(v),
        )
    }

    fn inwards(&self, axis: Segment) -> Segment {
        Segment {
            start: self.to_own(axis.start - self.centre),
            end: self.to_own(axis.end - self.centre),
        }
    }

    fn out(&self, v: DVec3) -> DVec3 {
        self.axes[0] * v.x + self.axes[1] * v.y + self.axes[2] * v.z
    }

    fn outwards(&self, gap: Gap) -> Gap {
        Gap {
            normal: self.out(gap.normal),
            ..gap
        }
    }

    fn turned_out(&self, touch: Touch) -> Touch {
        Touch {
            normal: self.out(touch.normal),
            ..touch
        }
    }
}

/// A quaternion brought to length 1; one without a length turns nothing.
fn unit(q: DQuat) -> DQuat {
    let length = (q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w).sqrt();
    if length > 0.0 && length.is_finite() {
        DQuat::from_xyzw(q.x / length, q.y / length, q.z / length, q.w / length)
    } else {
        DQuat::IDENTITY
    }
}

/// The axes that a unit quaternion turns x, y and z to.
fn axes_of(q: DQuat) -> [DVec3; 3] {
    let q = unit(q);
    let x = DVec3::new(
        1.0 - 2.0 * (q.y * q.y + q.z * q.z),
        2.0 * (q.x * q.y + q.w * q.z),
        2.0 * (q.x * q.z - q.w * q.y),
    );
    let y = DVec3::new(
        2.0 * (q.x * q.y - q.w * q.z),
        1.0 - 2.0 * (q.x * q.x + q.z * q.z),
        2.0 * (q.y * q.z + q.w * q.x),
    );
    [x, y, x.cross(y)]
}
