//! Where an entity will be that goes on as it did between two epochs.
//!
//! ```text
//!   set of epoch b          set of epoch e                 snapshot of tick t
//!   ●───────────────────────●─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ○  predicted: what is sent is how far it is from there
//!        by, in 8·(e − b) ticks        t − 8·e ticks
//! ```
//! The client's set of e was written against its set of b, so both sides know the way between the two.

use super::state::EntityState;
use crate::limits::EPOCH_TICKS;

/// A way in so many epochs, 2⁻⁷ m; that of who rests is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Motion {
    by: [i16; 3],
    epochs: u8, // at least 1
}

impl Motion {
    /// Of who is not known to move.
    pub(super) const REST: Self = Self {
        by: [0; 3],
        epochs: 1,
    };

    /// From one state to another, so many epochs later. None where their frames differ or the way is longer than 256 m: it is not
    /// known to move then.
    pub(super) fn between(from: &EntityState, to: &EntityState, epochs: u32) -> Option<Self> {
        let epochs = u8::try_from(epochs).ok()?;
        if from.frame() != to.frame() {
            return None;
        }
        let (from, to) = (from.xyz(), to.xyz());
        let mut by = [0; 3];
        for axis in 0..3 {
            by[axis] = i16::try_from(to[axis] - from[axis]).ok()?;
        }
        Some(Self { by, epochs })
    }

    /// The way in so many ticks more, at most 31: halves are rounded up.
    pub(super) fn ahead(self, ticks: u8) -> [i32; 3] {
        // Division by a constant is three times as fast.
        match self.epochs {
            1 => self.part(ticks, TICKS),
            2 => self.part(ticks, 2 * TICKS),
            3 => self.part(ticks, 3 * TICKS),
            epochs => self.part(ticks, i32::from(epochs) * TICKS),
        }
    }

    #[inline(always)]
    fn part(self, ticks: u8, of: i32) -> [i32; 3] {
        // At most 2 · 2¹⁵ · 31: no overflow.
        let twice = 2 * i32::from(ticks);
        self.by
            .map(|by| (i32::from(by) * twice + of).div_euclid(2 * of))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is a handful")]
const TICKS: i32 = EPOCH_TICKS as i32;

#[cfg(test)]
mod tests {
    use spatial_core::{EntityId, FrameId, Position};

    use super::*;

    fn state(frame: u64, x: i32) -> EntityState {
        let position = Position {
            frame: FrameId(frame),
            x: x << 9,
            y: -x << 9,
            z: 0,
        };
        EntityState::new(EntityId(1), position, 0)
    }

    #[test]
    fn who_moves_goes_on() {
        let motion = Motion::between(&state(1, 10), &state(1, 19), 1).unwrap();
        for (ticks, ahead) in [(0, [0, 0]), (4, [5, -4]), (8, [9, -9]), (31, [35, -35])] {
            assert_eq!(motion.ahead(ticks), [ahead[0], ahead[1], 0], "{ticks}");
        }
        let slower = Motion::between(&state(1, 10), &state(1, 19), 3).unwrap();
        assert_eq!(slower.ahead(8), [3, -3, 0]);
        assert_eq!(Motion::REST.ahead(31), [0; 3]);
    }

    #[test]
    fn other_frames_and_leaps_are_no_ways() {
        assert_eq!(Motion::between(&state(1, 0), &state(2, 0), 1), None);
        assert_eq!(Motion::between(&state(1, 0), &state(1, 32_769), 1), None);
        assert!(Motion::between(&state(1, 0), &state(1, 32_767), 1).is_some());
    }
}
