//! What is replicated of an entity, and how it is written: whole, and all updates of version 2.
//!
//! ```text
//! update of version 2, lowest bit first:
//!   0                     moved:      delta to the same entity in the baseline epoch
//!     class 2             x and y are two's complement of 6, 8, 10 or 24 bits each
//!     x, y
//!     class 2             z is two's complement of 0, 4, 7 or 24 bits
//!     z
//!     turned 1            1: an absolute heading of 8 bits follows
//!   1 0                   unchanged:  as in the baseline epoch (only in an epoch's complete set)
//!   1 1                   absolute:
//!     t 7                 trailing zeros of the frame id, 0 to 64
//!     frame 63 − t        its bits above the lowest 1 (none when t ≥ 63)
//!     x, y, z 23 each     two's complement
//!     heading 8
//! ```
//! Positions are in units of 2⁻⁷ m (7.8 mm), headings in 1/256 of a turn.

use spatial_core::{EntityId, FrameId, Position};

use crate::bits::{BitReader, ShortBits, fits_signed, twos_complement};
use crate::bytes::ByteReader;
use crate::error::WireError;

/// An entity's replicated state, quantised: place to 2⁻⁷ m, heading to 1/256 of a turn.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct EntityState {
    id: EntityId,
    frame: FrameId,
    xyz: [i32; 3], // each within ±2²²
    heading: u8,
}

impl EntityState {
    /// Units of position in a metre.
    pub const UNITS_PER_M: i32 = 128;

    /// Rounds a state to the wire's grid (halves up; the outermost half unit is cut).
    pub fn new(id: EntityId, position: Position, heading: u16) -> Self {
        let xyz = [position.x, position.y, position.z];
        Self {
            id,
            frame: position.frame,
            xyz: xyz.map(to_wire_grid),
            // The top byte after rounding; a full turn is north again.
            heading: heading.wrapping_add(0x80).to_be_bytes()[0],
        }
    }

    /// The entity.
    pub fn id(&self) -> EntityId {
        self.id
    }

    /// The frame that the place is in.
    pub fn frame(&self) -> FrameId {
        self.frame
    }

    /// East, north and up of the frame's origin, 2⁻⁷ m.
    pub fn xyz(&self) -> [i32; 3] {
        self.xyz
    }

    /// The place on the simulation's grid; at most 2⁻⁸ m from the one that was rounded, on each axis.
    pub fn position(&self) -> Position {
        let [x, y, z] = self.xyz.map(|units| units << GRID_SHIFT);
        Position {
            frame: self.frame,
            x,
            y,
            z,
        }
    }

    /// Heading, 0 = north, clockwise, 256 = full turn.
    pub fn heading(&self) -> u8 {
        self.heading
    }

    /// Heading in the simulation's units, 65536 = full turn.
    pub fn heading_u16(&self) -> u16 {
        u16::from(self.heading) << 8
    }

    /// 29 whole bytes, as digests hold it.
    pub(crate) fn encode_plain(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.0.to_le_bytes());
        out.extend_from_slice(&self.frame.0.to_le_bytes());
        for units in self.xyz {
            out.extend_from_slice(&units.to_le_bytes());
        }
        out.push(self.heading);
    }

    pub(crate) fn decode_plain(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        let id = EntityId(reader.u64()?);
        let frame = FrameId(reader.u64()?);
        let xyz = [reader.i32()?, reader.i32()?, reader.i32()?];
        let heading = reader.u8()?;
        Self::checked(id, frame, xyz, heading)
    }

    pub(super) fn checked(
        id: EntityId,
        frame: FrameId,
        xyz: [i32; 3],
        heading: u8,
    ) -> Result<Self, WireError> {
        if xyz.iter().all(|&units| fits_signed(units, AXIS_BITS)) {
            Ok(Self {
                id,
                frame,
                xyz,
                heading,
            })
        } else {
            Err(WireError::Field("position"))
        }
    }
}

/// Writes the bits of an update of version 2 that needs no baseline.
pub(super) fn encode_absolute(bits: &mut ShortBits, state: &EntityState) {
    bits.push(0b11, 2);
    encode_whole(bits, state);
}

/// Writes the bits of a whole state.
pub(super) fn encode_whole(bits: &mut ShortBits, state: &EntityState) {
    let zeros = state.frame.0.trailing_zeros();
    bits.push(u64::from(zeros), 7);
    let above = 63u32.saturating_sub(zeros);
    bits.push(state.frame.0.checked_shr(zeros + 1).unwrap_or(0), above);
    for units in state.xyz {
        bits.push(twos_complement(units, AXIS_BITS), AXIS_BITS);
    }
    bits.push(u64::from(state.heading), 8);
}

/// Writes the bits of an update of version 2 against a baseline in the same frame.
pub(super) fn encode_delta(bits: &mut ShortBits, state: &EntityState, base: &EntityState) {
    debug_assert_eq!((state.id, state.frame), (base.id, base.frame));
    // Both are within ±2²², so differences are within ±2²³.
    let delta: [i32; 3] = core::array::from_fn(|axis| state.xyz[axis] - base.xyz[axis]);
    bits.push(0, 1);
    push_class(bits, &PLANE_BITS, &delta[..2]);
    push_class(bits, &HEIGHT_BITS, &delta[2..]);
    if state.heading == base.heading {
        bits.push(0, 1);
    } else {
        bits.push(1, 1);
        bits.push(u64::from(state.heading), 8);
    }
}

/// Writes the bits that say: as in the baseline.
pub(super) fn encode_unchanged(bits: &mut ShortBits) {
    bits.push(0b01, 2);
}

/// An update as read: what of it depends on a baseline is not applied yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Update {
    Absolute(EntityState),
    Unchanged,
    Moved(Delta),
}

/// A movement relative to a baseline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Delta {
    xyz: [i32; 3],
    heading: Option<u8>,
}

impl Update {
    pub(super) fn decode(reader: &mut BitReader<'_>, id: EntityId) -> Result<Self, WireError> {
        if !reader.read_bool()? {
            return Ok(Self::Moved(Delta::decode(reader)?));
        }
        if !reader.read_bool()? {
            return Ok(Self::Unchanged);
        }
        decode_whole(reader, id).map(Self::Absolute)
    }

    /// The state that it describes, given the same entity's baseline.
    pub(super) fn apply(&self, base: &EntityState) -> Result<EntityState, WireError> {
        match self {
            Self::Absolute(state) => Ok(*state),
            Self::Unchanged => Ok(*base),
            Self::Moved(delta) => {
                // Within ±2²² and ±2²³: no overflow; the sum is checked.
                let xyz = core::array::from_fn(|axis| base.xyz[axis] + delta.xyz[axis]);
                let heading = delta.heading.unwrap_or(base.heading);
                EntityState::checked(base.id, base.frame, xyz, heading)
            }
        }
    }
}

impl Delta {
    fn decode(reader: &mut BitReader<'_>) -> Result<Self, WireError> {
        let plane = read_class(reader, &PLANE_BITS)?;
        let (x, y) = (read_axis(reader, plane)?, read_axis(reader, plane)?);
        let height = read_class(reader, &HEIGHT_BITS)?;
        let z = read_axis(reader, height)?;
        let heading = if reader.read_bool()? {
            Some(reader.read(8)?.to_le_bytes()[0])
        } else {
            None
        };
        Ok(Self {
            xyz: [x, y, z],
            heading,
        })
    }
}

/// Reads a whole state.
pub(super) fn decode_whole(
    reader: &mut BitReader<'_>,
    id: EntityId,
) -> Result<EntityState, WireError> {
    let zeros = match reader.read(7)?.to_le_bytes()[0] {
        zeros @ 0..=64 => u32::from(zeros),
        _ => return Err(WireError::Field("frame")),
    };
    let above = reader.read(63u32.saturating_sub(zeros))?;
    let lowest = 1u64.checked_shl(zeros).unwrap_or(0);
    let frame = FrameId(lowest | above.checked_shl(zeros + 1).unwrap_or(0));
    let mut xyz = [0; 3];
    for units in &mut xyz {
        *units = reader.read_signed(AXIS_BITS)?;
    }
    let heading = reader.read(8)?.to_le_bytes()[0];
    EntityState::checked(id, frame, xyz, heading)
}

/// Writes the number of the smallest class that holds all values, then the values.
fn push_class(bits: &mut ShortBits, classes: &[u32; 4], values: &[i32]) {
    let fits = |width: u32| {
        values.iter().all(|&v| {
            if width == 0 {
                v == 0
            } else {
                fits_signed(v, width)
            }
        })
    };
    let class = classes.iter().position(|&width| fits(width)).unwrap_or(3);
    bits.push(class as u64, 2);
    for &value in values.iter().filter(|_| classes[class] > 0) {
        bits.push(twos_complement(value, classes[class]), classes[class]);
    }
}

fn read_class(reader: &mut BitReader<'_>, classes: &[u32; 4]) -> Result<u32, WireError> {
    let class = usize::from(reader.read(2)?.to_le_bytes()[0]);
    Ok(classes[class])
}

fn read_axis(reader: &mut BitReader<'_>, width: u32) -> Result<i32, WireError> {
    if width == 0 {
        Ok(0)
    } else {
        reader.read_signed(width)
    }
}

fn to_wire_grid(units: i32) -> i32 {
    let half = 1 << (GRID_SHIFT - 1);
    units.saturating_add(half) >> GRID_SHIFT
}

/// From the simulation's 2⁻¹⁶ m to 2⁻⁷ m.
const GRID_SHIFT: u32 = 9;
/// Bits of an absolute coordinate: ±32 km.
const AXIS_BITS: u32 = 23;
/// Widths of x and y; the last holds every difference.
const PLANE_BITS: [u32; 4] = [6, 8, 10, 24];
/// Widths of z.
const HEIGHT_BITS: [u32; 4] = [0, 4, 7, 24];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bits::BitWriter;

    fn written(encode: impl FnOnce(&mut ShortBits)) -> ShortBits {
        let mut bits = ShortBits::default();
        encode(&mut bits);
        bits
    }

    fn delta(state: &EntityState, base: &EntityState) -> ShortBits {
        written(|bits| encode_delta(bits, state, base))
    }

    fn bytes_of(bits: &ShortBits) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = BitWriter::new(&mut bytes);
        writer.copy_bits(bits.span());
        writer.finish();
        bytes
    }

    fn decoded(bits: &ShortBits) -> Update {
        let bytes = bytes_of(bits);
        let mut reader = BitReader::new(&bytes);
        let update = Update::decode(&mut reader, EntityId(9)).unwrap();
        reader.finish().unwrap();
        update
    }

    fn any_state() -> impl Strategy<Value = EntityState> {
        let frame = prop_oneof![any::<u64>(), (0u32..64).prop_map(|n| 1 << n), Just(0)];
        (frame, any::<[i32; 3]>(), any::<u16>()).prop_map(|(frame, [x, y, z], heading)| {
            let frame = FrameId(frame);
            EntityState::new(EntityId(9), Position { frame, x, y, z }, heading)
        })
    }

    proptest! {
        #[test]
        fn absolute_round_trip(state in any_state()) {
            let bits = written(|bits| encode_absolute(bits, &state));
            prop_assert_eq!(decoded(&bits), Update::Absolute(state));
        }

        #[test]
        fn delta_round_trip(base in any_state(), far in any_state(), near in any::<[i8; 3]>()) {
            let far = EntityState { frame: base.frame, ..far };
            let xyz = core::array::from_fn(|n| (base.xyz[n] + i32::from(near[n])).clamp(-(1 << 22), (1 << 22) - 1));
            for state in [far, EntityState { xyz, ..base }] {
                prop_assert_eq!(decoded(&delta(&state, &base)).apply(&base), Ok(state));
            }
        }

        #[test]
        fn plain_round_trip(state in any_state()) {
            let mut bytes = Vec::new();
            state.encode_plain(&mut bytes);
            prop_assert_eq!(bytes.len(), 29);
            prop_assert_eq!(EntityState::decode_plain(&mut ByteReader::new(&bytes)), Ok(state));
        }

        #[test]
        fn rounding_errs_by_half_a_unit(x in any::<i32>(), heading in any::<u16>()) {
            let position = Position { frame: FrameId(1), x, y: 0, z: 0 };
            let state = EntityState::new(EntityId(1), position, heading);
            let error = i64::from(state.position().x) - i64::from(x);
            prop_assert!(error.abs() <= 256 || x > i32::MAX - 512, "{}", error);
            let turn = heading.wrapping_sub(state.heading_u16()).cast_signed();
            prop_assert!((-128..=128).contains(&turn));
        }
    }

    #[test]
    fn a_sum_beyond_the_frame_is_refused() {
        let at = |x| EntityState::checked(EntityId(9), FrameId(1), [x, 0, 0], 0).unwrap();
        let (lowest, highest) = (at(-(1 << 22)), at((1 << 22) - 1));
        let update = decoded(&delta(&highest, &lowest));
        assert_eq!(update.apply(&lowest), Ok(highest));
        assert_eq!(update.apply(&highest), Err(WireError::Field("position")));
    }

    #[test]
    fn sizes_are_as_documented() {
        let at = |x, z, heading| EntityState {
            id: EntityId(9),
            frame: FrameId(1 << 35),
            xyz: [x, 0, z],
            heading,
        };
        assert_eq!(written(encode_unchanged).bit_count(), 2);
        assert_eq!(decoded(&written(encode_unchanged)), Update::Unchanged);
        assert_eq!(
            delta(&at(31, 0, 1), &at(0, 0, 1)).bit_count(),
            1 + 2 + 12 + 2 + 1
        );
        assert_eq!(
            delta(&at(-33, 7, 2), &at(0, 0, 1)).bit_count(),
            1 + 2 + 16 + 2 + 4 + 9
        );
        assert_eq!(
            written(|bits| encode_absolute(bits, &at(0, 0, 0))).bit_count(),
            2 + 7 + 28 + 69 + 8
        );
    }
}
