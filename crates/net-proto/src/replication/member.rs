//! Updates of who is in the client's set already, and their ids.
//!
//! ```text
//! gap      0                  the member after the one before it in this datagram, the first at the start
//!          1 0   2            1 to 4 members are passed over
//!          1 1 0 5            5 to 36
//!          1 1 1 13           the gap itself
//! update   class 3            width of x and y
//!          x, y               two's complement, 2⁻⁷ m, to be added to where it is predicted
//!          class 2            width of z
//!          z                  likewise
//!          heading            0: the baseline's; 1 0 and 4 bits: to be added to that, two's complement; 1 1 and 8 bits: the heading
//! ```

use super::motion::Motion;
use super::state::EntityState;
use crate::bits::{BitReader, BitSpan, BitWriter, ShortBits, fits_signed, twos_complement};
use crate::error::WireError;

/// The bits of a member's update: how far it is from where it was predicted, so many ticks after its baseline.
pub(super) fn encode(
    state: &EntityState,
    base: &EntityState,
    (motion, ticks): (Motion, u8),
) -> ShortBits {
    debug_assert_eq!((state.id(), state.frame()), (base.id(), base.frame()));
    let (now, then, ahead) = (state.xyz(), base.xyz(), motion.ahead(ticks));
    // Both are within ±2²², and nobody is predicted further ahead than 2¹⁷.
    let off: [i32; 3] = core::array::from_fn(|axis| now[axis] - then[axis] - ahead[axis]);
    let mut bits = ShortBits::default();
    push_class(&mut bits, 3, &PLANE_BITS, &off[..2]);
    push_class(&mut bits, 2, &HEIGHT_BITS, &off[2..]);
    push_heading(&mut bits, state.heading(), base.heading());
    bits
}

/// Reads a member's update, and applies it.
pub(super) fn decode(
    reader: &mut BitReader<'_>,
    base: &EntityState,
    (motion, ticks): (Motion, u8),
) -> Result<EntityState, WireError> {
    let ahead = motion.ahead(ticks);
    let plane = read_class(reader, 3, &PLANE_BITS)?;
    let off = [read_axis(reader, plane)?, read_axis(reader, plane)?];
    let height = read_class(reader, 2, &HEIGHT_BITS)?;
    let off = [off[0], off[1], read_axis(reader, height)?];
    let then = base.xyz();
    let xyz = core::array::from_fn(|axis| then[axis] + ahead[axis] + off[axis]);
    let heading = read_heading(reader, base.heading())?;
    EntityState::checked(base.id(), base.frame(), xyz, heading)
}

/// Reads over a member's update.
pub(super) fn skip(reader: &mut BitReader<'_>) -> Result<(), WireError> {
    let plane = read_class(reader, 3, &PLANE_BITS)?;
    reader.read(2 * plane)?;
    let height = read_class(reader, 2, &HEIGHT_BITS)?;
    reader.read(height)?;
    read_heading(reader, 0).map(drop)
}

/// Writes the number of the smallest class that holds all values, then the values.
fn push_class(bits: &mut ShortBits, class_bits: u32, widths: &[u32], values: &[i32]) {
    // All bits above the sign's are copies of it.
    let magnitude = values
        .iter()
        .fold(0, |all, &value| all | (value ^ value >> 31));
    let needed = match values.iter().all(|&value| value == 0) {
        true => 0,
        false => 33 - magnitude.leading_zeros(),
    };
    let last = widths.len() - 1;
    let class = widths[..last].iter().take_while(|&&w| w < needed).count();
    bits.push(class as u64, class_bits);
    let width = widths[class];
    if width > 0 {
        for &value in values {
            debug_assert!(fits_signed(value, width));
            bits.push(twos_complement(value, width), width);
        }
    }
}

fn read_class(
    reader: &mut BitReader<'_>,
    class_bits: u32,
    widths: &[u32],
) -> Result<u32, WireError> {
    let class = usize::from(reader.read(class_bits)?.to_le_bytes()[0]);
    Ok(widths[class])
}

fn read_axis(reader: &mut BitReader<'_>, width: u32) -> Result<i32, WireError> {
    match width {
        0 => Ok(0),
        width => reader.read_signed(width),
    }
}

fn push_heading(bits: &mut ShortBits, now: u8, base: u8) {
    let turn = i32::from(now.wrapping_sub(base).cast_signed());
    if turn == 0 {
        bits.push(0, 1);
    } else if fits_signed(turn, TURN_BITS) {
        bits.push(0b01 | twos_complement(turn, TURN_BITS) << 2, 2 + TURN_BITS);
    } else {
        bits.push(0b11 | u64::from(now) << 2, 10);
    }
}

fn read_heading(reader: &mut BitReader<'_>, base: u8) -> Result<u8, WireError> {
    if !reader.read_bool()? {
        return Ok(base);
    }
    if reader.read_bool()? {
        return Ok(reader.read(8)?.to_le_bytes()[0]);
    }
    let turn = reader.read_signed(TURN_BITS)?;
    Ok(base.wrapping_add(turn.to_le_bytes()[0]))
}

/// Widths of x and y; the last holds everything.
const PLANE_BITS: [u32; 8] = [0, 2, 3, 4, 6, 8, 11, 25];
/// Widths of z.
const HEIGHT_BITS: [u32; 4] = [0, 2, 4, 25];
/// Width of a small turn.
const TURN_BITS: u32 = 4;

/// How many members are passed over before the next that has an update.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemberGap {
    bits: u64,
    count: u32,
}

impl MemberGap {
    /// From the place after the last one written (0 at first) to that of the next, less than 2¹³ further.
    #[inline]
    pub(super) fn new(after: u32, member: u32) -> Self {
        let gap = u64::from(member - after);
        let (bits, count) = match gap {
            0 => (0, 1),
            1..=4 => (0b01 | (gap - 1) << 2, 4),
            5..=36 => (0b011 | (gap - 5) << 3, 8),
            _ => (0b111 | gap << 3, 16),
        };
        Self { bits, count }
    }

    pub(super) fn bit_count(self) -> u32 {
        self.count
    }

    /// Writes it, and an update behind it.
    #[inline]
    pub(super) fn write(self, writer: &mut BitWriter<'_>, update: BitSpan<'_>) {
        writer.copy_behind((self.bits, self.count), update);
    }

    /// Reads the place that follows `after` members.
    pub(super) fn read(reader: &mut BitReader<'_>, after: usize) -> Result<usize, WireError> {
        let mut ones = 0;
        while ones < 3 && reader.read_bool()? {
            ones += 1;
        }
        let (bits, least) = [(0, 0), (2, 1), (5, 5), (13, 0)][ones];
        let gap = u16::try_from(reader.read(bits)?).map_err(|_| WireError::Field("member"))?;
        Ok(after + usize::from(gap) + least)
    }
}

/// The longest bits of a gap.
pub(super) const GAP_BITS_MAX: u32 = 16;
