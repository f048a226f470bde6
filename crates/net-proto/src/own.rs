//! A player's own exact state: what its client predicts from.
//!
//! ```text
//! offset  bytes
//!      0      1  kind, 0x03
//!      1      8  tick
//!      9      4  number of the last input used before that tick
//!     13      4  low half of the checksum of the terrain tile that the player is over, 0 while that is not resident
//!     17      8  frame
//!     25     12  east, north and up of the frame's origin, 2⁻¹⁶ m
//!     37     12  velocity along the same axes, 2⁻¹⁶ m/s
//!     49      1  0 walks, 1 falls, 2 swims
//! ```

use spatial_core::{FrameId, Position};

use crate::bytes::ByteReader;
use crate::error::WireError;

/// A player's own entity before a tick, to the last bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OwnState {
    /// The tick.
    pub tick: u64,
    /// The number of the last input that was used before it; 0 before the first.
    pub last_input_seq: u32,
    /// The low half of the checksum of the terrain tile below; 0 while the world has none there.
    pub ground: u32,
    /// Where it is.
    pub position: Position,
    /// How fast it goes, 2⁻¹⁶ m/s along the axes of its frame.
    pub velocity: [i32; 3],
    /// How it moves.
    pub motion: Motion,
}

/// How a player moves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum Motion {
    /// On its feet.
    Walk = 0,
    /// In the air, or on what is too steep to stand on.
    #[default]
    Fall = 1,
    /// In the sea.
    Swim = 2,
}

impl OwnState {
    /// The first byte of its datagrams.
    pub const KIND: u8 = 0x03;
    /// Bytes that travel.
    pub const BYTES: usize = 50;

    /// Appends the bytes that travel.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(Self::KIND);
        out.extend_from_slice(&self.tick.to_le_bytes());
        out.extend_from_slice(&self.last_input_seq.to_le_bytes());
        out.extend_from_slice(&self.ground.to_le_bytes());
        out.extend_from_slice(&self.position.frame.0.to_le_bytes());
        for part in self.position.xyz().into_iter().chain(self.velocity) {
            out.extend_from_slice(&part.to_le_bytes());
        }
        out.push(self.motion as u8);
    }

    /// From a server's bytes.
    ///
    /// # Errors
    /// [`WireError`] for anything but exactly one own state.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = ByteReader::new(bytes);
        match reader.u8()? {
            Self::KIND => {}
            other => return Err(WireError::Kind(other)),
        }
        let state = Self {
            tick: reader.u64()?,
            last_input_seq: reader.u32()?,
            ground: reader.u32()?,
            position: Position {
                frame: FrameId(reader.u64()?),
                x: reader.i32()?,
                y: reader.i32()?,
                z: reader.i32()?,
            },
            velocity: [reader.i32()?, reader.i32()?, reader.i32()?],
            motion: match reader.u8()? {
                0 => Motion::Walk,
                1 => Motion::Fall,
                2 => Motion::Swim,
                _ => return Err(WireError::Field("motion")),
            },
        };
        reader.finish()?;
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trip_and_no_part_of_it(
            (tick, frame) in any::<(u64, u64)>(),
            (last_input_seq, ground) in any::<(u32, u32)>(),
            ([x, y, z], velocity) in any::<([i32; 3], [i32; 3])>(),
            motion in 0u8..3,
        ) {
            let state = OwnState {
                tick,
                last_input_seq,
                ground,
                position: Position { frame: FrameId(frame), x, y, z },
                velocity,
                motion: [Motion::Walk, Motion::Fall, Motion::Swim][usize::from(motion)],
            };
            let mut bytes = Vec::new();
            state.encode(&mut bytes);
            prop_assert_eq!(bytes.len(), OwnState::BYTES);
            prop_assert_eq!(OwnState::decode(&bytes), Ok(state));
            for end in 0..bytes.len() {
                prop_assert!(OwnState::decode(&bytes[..end]).is_err());
            }
            bytes[49] = 3 + motion;
            prop_assert_eq!(OwnState::decode(&bytes), Err(WireError::Field("motion")));
            bytes[49] = motion;
            bytes.push(0);
            prop_assert_eq!(OwnState::decode(&bytes), Err(WireError::Trailing));
        }
    }
}
