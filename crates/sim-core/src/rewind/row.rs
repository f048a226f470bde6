//! A player in a tick: as it is told, and as it is kept.

use spatial_core::{EntityId, Position};

use crate::kind::{Kind, KindId};

/// A player as a tick leaves it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlayerRow {
    /// Who.
    pub entity: EntityId,
    /// Where its feet are.
    pub position: Position,
    /// Where it looks, 2⁻¹⁶ turns clockwise from north.
    pub heading: u16,
    /// Its kind, which tells its capsule.
    pub kind: KindId,
}

/// A player in a tick: 18 bytes, so that 64 ticks of 10,000 players are 11.5 MB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, packed(2))]
pub(super) struct Stance {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) z: i32,
    pub(super) frame: u16, // in the table of frames; NOWHERE: the player was not there
    pub(super) heading: u16,
    pub(super) kind: u16,
}

/// The number of no frame.
pub(super) const NOWHERE: u16 = u16::MAX;

/// A way between two ticks that is longer than this along an axis was no walk, and nobody was in between: 16 m.
const LEAP_UNITS: i64 = 16 << 16;

impl Stance {
    pub(super) const ABSENT: Self = Self {
        x: 0,
        y: 0,
        z: 0,
        frame: NOWHERE,
        heading: 0,
        kind: 0,
    };

    pub(super) fn is_there(self) -> bool {
        self.frame != NOWHERE
    }

    pub(super) fn xyz(self) -> [i32; 3] {
        [self.x, self.y, self.z]
    }
}

/// The grid point at a fraction of the way, halves rounded up; `None` when the way is a leap.
pub(super) fn between(from: [i32; 3], to: [i32; 3], fraction: u16) -> Option<[i32; 3]> {
    let mut at = from;
    for axis in 0..3 {
        let way = i64::from(to[axis]) - i64::from(from[axis]);
        if way.abs() > LEAP_UNITS {
            return None;
        }
        at[axis] += ((way * i64::from(fraction) + 0x8000) >> 16) as i32;
    }
    Some(at)
}

/// The heading at a fraction of the shorter turn.
pub(super) fn turned(from: u16, to: u16, fraction: u16) -> u16 {
    let turn = i32::from(to.wrapping_sub(from).cast_signed());
    from.wrapping_add(((turn * i32::from(fraction) + 0x8000) >> 16) as u16)
}

/// The capsule of a kind, metres.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Shape {
    pub(super) radius_m: f64,
    pub(super) height_m: f64, // at least twice the radius
}

impl From<&Kind> for Shape {
    fn from(kind: &Kind) -> Self {
        let radius_m = kind.radius_m();
        Self {
            radius_m,
            height_m: kind.height_m().max(2.0 * radius_m),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stance_is_18_bytes() {
        assert_eq!(size_of::<Stance>(), 18);
    }

    #[test]
    fn ways_are_straight_and_leaps_are_none() {
        let from = [i32::MAX - 100, -5, 0];
        let to = [i32::MAX, 6, 1 << 20];
        assert_eq!(between(from, to, 0), Some(from));
        let middle = [i32::MAX - 50, 1, 1 << 19]; // half a unit rounds up
        assert_eq!(between(from, to, 0x8000), Some(middle));
        assert_eq!(between(from, [i32::MAX, 6, (1 << 20) + 1], 0x8000), None);
        assert_eq!(between([i32::MIN; 3], [i32::MAX; 3], 1), None);
    }

    #[test]
    fn headings_take_the_shorter_turn() {
        assert_eq!(turned(65_000, 464, 0x8000), 65_500);
        assert_eq!(turned(464, 65_000, 0x8000), 65_500);
        assert_eq!(turned(0, 40_000, 0), 0);
    }
}
