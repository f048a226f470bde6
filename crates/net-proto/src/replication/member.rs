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
use crate::bits::{BitReader, ShortBits, fits_signed, twos_complement};
use crate::error::WireError;

/// Writes the bits of a member's update: how far it is from where it was predicted, so many ticks after its baseline.
pub(super) fn encode(
    bits: &mut ShortBits,
    state: &EntityState,
    base: &EntityState,
    (motion, ticks): (Motion, u8),
) {
    debug_assert_eq!((state.id(), state.frame()), (base.id(), base.frame()));
    let (now, then, ahead) = (state.xyz(), base.xyz(), motion.ahead(ticks));
    // Both are within ±2²², and nobody is predicted further ahead than 2¹⁷.
    let off = |axis: usize| now[axis].wrapping_sub(then[axis]).wrapping_sub(ahead[axis]);
    let [x, y, z] = [off(0), off(1), off(2)];
    let class = PLANE_CLASS[bits_of(x).max(bits_of(y))];
    let width = PLANE_BITS[usize::from(class)];
    let plane = field(x, width) | field(y, width) << width;
    bits.push(u64::from(class) | plane << 3, 3 + 2 * width);
    let class = HEIGHT_CLASS[bits_of(z)];
    let width = HEIGHT_BITS[usize::from(class)];
    let (heading, heading_bits) = heading(state.heading(), base.heading());
    let height = u64::from(class) | field(z, width) << 2;
    bits.push(height | heading << (2 + width), 2 + width + heading_bits);
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

/// How many bits hold a value of ±2²⁴; none are 0.
#[inline]
fn bits_of(value: i32) -> usize {
    // All bits above the sign's are copies of it.
    let bits = 33 - (value ^ value >> 31).leading_zeros();
    bits.wrapping_sub(u32::from(value == 0)) as usize
}

/// A value as two's complement of so many bits.
#[inline]
fn field(value: i32, width: u32) -> u64 {
    u64::from(value.cast_unsigned()) & !(u64::MAX << width)
}

/// By bits of a value the smallest class that holds it.
const fn classes<const N: usize>(widths: &[u32; N]) -> [u8; 34] {
    let mut classes = [0; 34];
    let (mut class, mut bits) = (0u8, 0);
    while bits < classes.len() {
        while (class as usize) < N - 1 && (widths[class as usize] as usize) < bits {
            class += 1;
        }
        classes[bits] = class;
        bits += 1;
    }
    classes
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

/// Its bits, and how many.
#[inline]
fn heading(now: u8, base: u8) -> (u64, u32) {
    let turn = i32::from(now.wrapping_sub(base).cast_signed());
    if turn == 0 {
        (0, 1)
    } else if fits_signed(turn, TURN_BITS) {
        (0b01 | twos_complement(turn, TURN_BITS) << 2, 2 + TURN_BITS)
    } else {
        (0b11 | u64::from(now) << 2, 10)
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
static PLANE_CLASS: [u8; 34] = classes(&PLANE_BITS);
static HEIGHT_CLASS: [u8; 34] = classes(&HEIGHT_BITS);
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

    /// Its bits, and how many.
    #[inline]
    pub(super) fn bits(self) -> (u64, u32) {
        (self.bits, self.count)
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
