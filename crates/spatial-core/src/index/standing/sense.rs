//! What a watcher looks at.
//!
//! ```text
//!   around                       cone                          fence
//!      ┌─────leave─────┐             ╲   leave  ╱              ┌───leave───┐
//!      │   ┌─enter─┐   │              ╲╲ enter ╱╱              │ ┌─enter─┐ │
//!      │   │   ∙   │   │               ╲╲_____╱╱               │ │       │ │
//!      │   └───────┘   │                 ╲ ∙ ╱                 │ └───────┘ │
//!      └───────────────┘             axis up, field of view    └───────────┘
//! ```

use std::fmt;
use std::sync::Arc;

use glam::DVec3;

use super::widened::Widened;
use crate::geo::Polygon;
use crate::ids::EntityId;
use crate::index::InvalidRadius;
use crate::planet::Ecef;
use crate::region::{Region, unit};

/// The permanent name of a watcher: what events tell. Whatever numbers the caller likes, the entity's own for example.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct WatcherId(pub u64);

/// Where a watcher is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Anchor {
    /// At a place.
    At(Ecef),
    /// Where an entity of the index is, from tick to tick. It is within its own reach. While it is in no index, its watcher sees nobody.
    On(EntityId),
}

/// How far a watcher sees, and into which directions.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sense {
    pub(super) enter_m: f64, // at most leave_m
    pub(super) leave_m: f64,
    pub(super) view: Option<View>,
}

/// A field of view: directions within an angle of an axis.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct View {
    axis: DVec3, // of length one
    enter_cos: f64,
    leave_cos: f64, // at most enter_cos
}

impl Sense {
    /// All around: entities enter within `enter_m` and leave beyond `leave_m`, metres, both included.
    ///
    /// # Errors
    /// [`InvalidSense::Radius`] when `enter_m` is negative or NaN, or `leave_m` is smaller or NaN. Infinity is a radius.
    pub fn around(enter_m: f64, leave_m: f64) -> Result<Self, InvalidSense> {
        if enter_m.is_nan() || enter_m < 0.0 {
            return Err(InvalidRadius(enter_m).into());
        }
        if leave_m.is_nan() || leave_m < enter_m {
            return Err(InvalidRadius(leave_m).into());
        }
        Ok(Self {
            enter_m,
            leave_m,
            view: None,
        })
    }

    /// The part of it that is seen: within `enter_rad` of an axis (planet axes, any length but zero) entities may enter,
    /// beyond `leave_rad` they leave. Half the field of view each; π is all around. Who stands at the very place of the
    /// watcher is seen.
    ///
    /// # Errors
    /// [`InvalidSense::Axis`] when the axis has no direction, [`InvalidSense::Angle`] when an angle is not within 0 to π
    /// or `leave_rad` is smaller than `enter_rad`.
    pub fn looking(
        mut self,
        axis: DVec3,
        enter_rad: f64,
        leave_rad: f64,
    ) -> Result<Self, InvalidSense> {
        let unit_axis = unit(axis).ok_or(InvalidSense::Axis(axis.to_array()))?;
        if !(0.0..=core::f64::consts::PI).contains(&enter_rad) {
            return Err(InvalidSense::Angle(enter_rad));
        }
        if !(enter_rad..=core::f64::consts::PI).contains(&leave_rad) {
            return Err(InvalidSense::Angle(leave_rad));
        }
        self.view = Some(View {
            axis: unit_axis,
            enter_cos: cos_within(enter_rad),
            leave_cos: cos_within(leave_rad),
        });
        Ok(self)
    }
}

/// The cosine up to which directions are within an angle: all of them within π, also where rounding takes a cosine below −1.
fn cos_within(angle_rad: f64) -> f64 {
    if angle_rad == core::f64::consts::PI {
        -2.0
    } else {
        libm::cos(angle_rad)
    }
}

impl View {
    /// Whether an offset from the watcher is within the entering and within the leaving angle.
    ///
    /// The truth of a cone: `axis · p ≥ cos · |p|` in f64, as written here.
    pub(super) fn sees(&self, p: DVec3) -> (bool, bool) {
        let (along, length) = (self.axis.dot(p), p.length());
        (
            along >= self.enter_cos * length,
            along >= self.leave_cos * length,
        )
    }
}

/// A part of the globe that is watched, at all heights. Made once; shared by whoever watches it.
#[derive(Clone)]
pub struct Fence {
    pub(super) enter: Arc<dyn Region + Send + Sync>,
    pub(super) leave: Option<Arc<dyn Region + Send + Sync>>,
}

impl Fence {
    /// Entities enter into a region and leave it.
    pub fn new(region: Arc<dyn Region + Send + Sync>) -> Self {
        Self {
            enter: region,
            leave: None,
        }
    }

    /// A polygon that entities leave only when they are farther away than an angle, radians (metres along the datum by the planet's
    /// radius).
    ///
    /// # Errors
    /// [`InvalidSense::Angle`] when the margin is not within 0 to π.
    pub fn polygon(polygon: Arc<Polygon>, margin_rad: f64) -> Result<Self, InvalidSense> {
        if !(0.0..=core::f64::consts::PI).contains(&margin_rad) {
            return Err(InvalidSense::Angle(margin_rad));
        }
        let wider = Widened::new(Arc::clone(&polygon), margin_rad);
        Ok(Self::new(polygon).with_margin(Arc::new(wider)))
    }

    /// A wider region, which they leave before they have left: so one on the rim does not flicker. Where it is not wider,
    /// the region itself still holds.
    #[must_use]
    pub fn with_margin(mut self, wider: Arc<dyn Region + Send + Sync>) -> Self {
        self.leave = Some(wider);
        self
    }
}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fence = f.debug_struct("Fence");
        fence.field("enter", &self.enter.cap_bound());
        if let Some(leave) = &self.leave {
            fence.field("leave", &leave.cap_bound());
        }
        fence.finish()
    }
}

/// Why a sense was refused.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum InvalidSense {
    /// A radius is negative, no number, or the leaving one smaller than the entering one.
    #[error(transparent)]
    Radius(#[from] InvalidRadius),
    /// An angle is not within 0 to π, or the leaving one smaller than the entering one.
    #[error("angle {0} is not within 0 to π, or smaller than the one of entering")]
    Angle(f64),
    /// An axis is zero or not finite.
    #[error("axis {0:?} has no direction")]
    Axis([f64; 3]),
}
