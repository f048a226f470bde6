//! Names of frames, and positions in them.

use core::fmt;

use bytemuck::{Pod, Zeroable};

use crate::cell::CellId;
use crate::ids::EntityId;

/// The id of a frame: of a cell's, or of a carrier's.
///
/// ```text
///  63   61 60                            0
/// ┌───────┬───────────────────────────────┐
/// │ 0…101 │ the rest of a cell's id       │   a frame on the ground: the id of its cell
/// │  110  │                               │   nothing
/// │  111  │ the entity's id, 1 to 2⁶¹ − 1 │   a carrier
/// └───────┴───────────────────────────────┘
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Pod, Zeroable)]
#[repr(transparent)]
pub struct FrameId(pub u64);

/// The top bits of a carrier's frame.
const CARRIER: u64 = 0b111 << 61;

impl FrameId {
    /// The frame that a carrier is to its passengers.
    ///
    /// # Errors
    /// [`NoCarrierId`] for 0, which names nobody, and from 2⁶¹ on: such ids do not fit.
    pub fn of_carrier(carrier: EntityId) -> Result<Self, NoCarrierId> {
        if carrier.0 == 0 || carrier.0 & CARRIER != 0 {
            return Err(NoCarrierId(carrier));
        }
        Ok(Self(CARRIER | carrier.0))
    }

    /// The carrier whose frame this is; `None` when it is a cell's, or nothing's.
    pub fn carrier(self) -> Option<EntityId> {
        let entity = self.0 & !CARRIER;
        (self.0 & CARRIER == CARRIER && entity != 0).then_some(EntityId(entity))
    }

    /// The cell whose frame this is, of whatever level; `None` when it is a carrier's, or nothing's.
    pub fn cell(self) -> Option<CellId> {
        CellId::new(self.0).ok()
    }
}

impl fmt::Display for FrameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.cell(), self.carrier()) {
            (Some(cell), _) => write!(f, "{cell}"),
            (_, Some(entity)) => write!(f, "carrier {entity}"),
            _ => write!(f, "{:#018x}", self.0),
        }
    }
}

/// The entity's id cannot be packed into the id of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0} cannot be a carrier: its id is not within 1 to 2^61 - 1")]
pub struct NoCarrierId(pub EntityId);

/// A place on the integer grid of a frame: metres × 2¹⁶ east, north and up of the frame's origin, or along a carrier's
/// own axes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Position {
    /// The frame.
    pub frame: FrameId,
    /// East, 2⁻¹⁶ m.
    pub x: i32,
    /// North, 2⁻¹⁶ m.
    pub y: i32,
    /// Up, 2⁻¹⁶ m.
    pub z: i32,
}

impl Position {
    /// The three integers, 2⁻¹⁶ m.
    pub fn xyz(self) -> [i32; 3] {
        [self.x, self.y, self.z]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_carriers_are_packed_and_never_cells() {
        for entity in [1, 2, 0x1234_5678_9abc_def0, (1 << 61) - 1].map(EntityId) {
            let id = FrameId::of_carrier(entity).unwrap();
            assert_eq!((id.carrier(), id.cell()), (Some(entity), None));
            assert_eq!(id.to_string(), format!("carrier {entity}"));
        }
        for entity in [0, 1 << 61, u64::MAX].map(EntityId) {
            assert_eq!(FrameId::of_carrier(entity), Err(NoCarrierId(entity)));
        }
        for nothing in [CARRIER, 0b110 << 61 | 1, 0].map(FrameId) {
            assert_eq!((nothing.carrier(), nothing.cell()), (None, None));
        }
        let cell = CellId::from_direction(glam::DVec3::X);
        assert_eq!(FrameId(cell.to_u64()).cell(), Some(cell));
        assert_eq!(FrameId(cell.to_u64()).carrier(), None);
    }
}
