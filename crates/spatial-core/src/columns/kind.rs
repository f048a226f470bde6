//! What the values of a component mean.

use serde::Serialize;

use super::lane::{LaneInfo, LaneType};

/// What the values of a component mean: hash and save carry it, a frame change obeys it
/// ([`Table::change_frame`](super::Table::change_frame)), and so do wire and engine axes.
///
/// | kind | lanes, in this order |
/// | --- | --- |
/// | point | the frame's id as u64, if it is kept; then east, north, up: three of i32 in 2⁻¹⁶ m, or of f32 or f64 in metres |
/// | vector | east, north, and up if it is not level: of i8, i16, i32, f32 or f64, in any unit |
/// | rotation | x, y, z, w of a unit quaternion: of f32 or f64, or of i16 with 32,767 for 1 |
/// | angle | u16 each: 2⁻¹⁶ turns clockwise from north |
/// | scalar, raw | any |
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Kind {
    /// A place: rotated and translated by a frame change.
    Point = 1,
    /// A direction with a length: rotated only.
    Vector = 2,
    /// An orientation in space (unit quaternion): composed with the rotation.
    Rotation = 3,
    /// A heading about up: turned by the difference of north.
    Angle = 4,
    /// Numbers that no frame touches.
    Scalar = 5,
    /// Bits whose meaning is the game's own.
    Raw = 6,
}

impl Kind {
    /// Whether a component of this kind may have lanes of these types.
    pub const fn accepts(self, lanes: &[LaneInfo]) -> bool {
        match self {
            Self::Point => {
                let first = if lanes.len() == 4 && matches!(lanes[0].lane_type, LaneType::U64) {
                    1
                } else {
                    0
                };
                lanes.len() - first == 3 && all_of_one(lanes, first, Self::Point)
            }
            Self::Vector => matches!(lanes.len(), 2 | 3) && all_of_one(lanes, 0, self),
            Self::Rotation => lanes.len() == 4 && all_of_one(lanes, 0, self),
            Self::Angle => !lanes.is_empty() && all_of_one(lanes, 0, self),
            Self::Scalar | Self::Raw => true,
        }
    }

    const fn accepts_type(self, lane_type: LaneType) -> bool {
        use LaneType::{F32, F64, I8, I16, I32, U16};
        match self {
            Self::Point => matches!(lane_type, I32 | F32 | F64),
            Self::Vector => matches!(lane_type, I8 | I16 | I32 | F32 | F64),
            Self::Rotation => matches!(lane_type, I16 | F32 | F64),
            Self::Angle => matches!(lane_type, U16),
            Self::Scalar | Self::Raw => true,
        }
    }

    /// The kind of a code: the number of the variant.
    pub fn from_code(code: u8) -> Option<Self> {
        [
            Self::Point,
            Self::Vector,
            Self::Rotation,
            Self::Angle,
            Self::Scalar,
            Self::Raw,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == code)
    }
}

/// Whom the values of a component are sent to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Audience {
    /// Nobody.
    #[default]
    Nobody = 0,
    /// All who see the entity.
    All = 1,
    /// The player whose entity it is.
    Owner = 2,
}

/// Whom the values of a component are sent to, how often, and how much they matter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Replication {
    /// To whom.
    pub audience: Audience,
    /// How often a second they are looked at, at most; 0: as often as anything is sent.
    pub rate_hz: u16,
    /// How many times as much as others they matter where not all that has changed can be sent, 1 to 15.
    pub priority: u8,
}

impl Replication {
    /// To nobody.
    pub const NONE: Self = Self {
        audience: Audience::Nobody,
        rate_hz: 0,
        priority: 1,
    };
}

/// Whether all lanes from the first are of the same type, one that the kind accepts.
const fn all_of_one(lanes: &[LaneInfo], first: usize, kind: Kind) -> bool {
    let mut n = first;
    while n < lanes.len() {
        if lanes[n].lane_type as u8 != lanes[first].lane_type as u8 {
            return false;
        }
        n += 1;
    }
    kind.accepts_type(lanes[first].lane_type)
}

/// How long the values of a component are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// State: saved, and part of the hash.
    #[default]
    Durable,
    /// Of this run only: neither saved nor hashed, zero after a load.
    Transient,
    /// Computed from durable ones by whoever owns it: as transient, and has to be computed again after a load.
    Derived,
}
