//! Inputs: what one player asks for in one tick.
//!
//! ```text
//! offset  bytes
//!      0      1  kind, 0x01
//!      1      4  newest complete epoch, 0 for none
//!      5      4  newest tick that the client had seen when the last input was due, its low half; 0 for none
//!      9      2  how far behind that tick what the player was shown then is, 2⁻⁸ ticks; 65535 for nothing or so far
//!     11      4  hash of the state that the last input was predicted from, 0 for none
//!     15      4  number of the first input
//!     19      1  count n, 1 to 16
//!     20   10·n  inputs: east i16, north i16, up i16 (2⁻⁸ m/s), heading u16 (0 = north, clockwise, 65536 = full turn),
//!                buttons u16
//! ```

use crate::bytes::ByteReader;
use crate::error::WireError;
use crate::ids::Epoch;
use crate::limits::INPUTS_MAX;

/// What a player asks for in one tick. Every value is legal; the server judges it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Input {
    /// Requested velocity to the east of the entity's frame, 2⁻⁸ m/s.
    pub east: i16,
    /// Requested velocity to the north of the entity's frame, 2⁻⁸ m/s.
    pub north: i16,
    /// Requested velocity upwards, 2⁻⁸ m/s; for those who swim or fly.
    pub up: i16,
    /// Where the player looks: 0 = north, clockwise, 65536 = full turn.
    pub heading: u16,
    /// What is held down: [`Input::JUMP`], [`Input::SHOOT`]; the others are the game's.
    pub buttons: u16,
}

impl Input {
    /// Units of velocity in 1 m/s.
    pub const UNITS_PER_MPS: i16 = 256;
    /// The button that makes a character jump.
    pub const JUMP: u16 = 1;
    /// The button that shoots along the heading, once when it is pressed.
    pub const SHOOT: u16 = 2;
}

/// What a client says of itself beside its inputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct InputHead {
    /// The newest epoch of which the client has every part.
    pub acknowledged: Option<Epoch>,
    /// The low half of the newest tick that the client had seen when the last input was due; 0 before the first.
    pub seen: u32,
    /// How far behind `seen` what the player was shown then is, 2⁻⁸ ticks; [`InputHead::NOTHING_SHOWN`] for nothing, or so far.
    pub behind: u16,
    /// The hash of the state that the last input was predicted from, 0 of a client that does not predict.
    pub predicted: u32,
}

impl InputHead {
    /// The client shows nothing, or what is hours old.
    pub const NOTHING_SHOWN: u16 = u16::MAX;
    /// Parts of a tick that `behind` counts.
    pub const PARTS_PER_TICK: u64 = 256;

    /// What a client has seen: a tick, and what of it its player is shown, 2⁻⁸ ticks.
    #[must_use]
    pub fn seeing(self, seen_tick: u64, shown: Option<u64>) -> Self {
        let seen = seen_tick.saturating_mul(Self::PARTS_PER_TICK);
        let behind = shown.and_then(|shown| u16::try_from(seen.saturating_sub(shown)).ok());
        Self {
            seen: low_half(seen_tick),
            behind: behind.unwrap_or(Self::NOTHING_SHOWN),
            ..self
        }
    }

    /// The newest tick that the client had seen, given the newest there is; `None` when it has seen none.
    pub fn seen_tick(&self, now: u64) -> Option<u64> {
        let ago = low_half(now).wrapping_sub(self.seen);
        (self.seen > 0)
            .then(|| now.checked_sub(u64::from(ago)))
            .flatten()
    }

    /// What the player was shown, 2⁻⁸ ticks, given the newest tick there is.
    pub fn shown(&self, now: u64) -> Option<u64> {
        let seen = self
            .seen_tick(now)
            .filter(|_| self.behind != Self::NOTHING_SHOWN)?;
        let seen = seen.checked_mul(Self::PARTS_PER_TICK)?;
        seen.checked_sub(u64::from(self.behind))
    }
}

/// A client's datagram: its unacknowledged inputs, and what it has seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InputDatagram {
    head: InputHead,
    first_seq: u32,
    inputs: [Input; INPUTS_MAX],
    count: usize, // 1..=INPUTS_MAX; first_seq + count − 1 does not overflow
}

impl InputDatagram {
    /// Inputs numbered `first_seq` and up, one a tick.
    ///
    /// # Errors
    /// [`WireError::Field`] when there are none or more than [`INPUTS_MAX`], or numbers would start at 0 or wrap.
    pub fn new(
        head: InputHead,
        first_seq: u32,
        inputs: impl IntoIterator<Item = Input>,
    ) -> Result<Self, WireError> {
        let mut datagram = Self {
            head,
            first_seq,
            inputs: [Input::default(); INPUTS_MAX],
            count: 0,
        };
        for input in inputs {
            let place = datagram.inputs.get_mut(datagram.count);
            *place.ok_or(WireError::Field("input count"))? = input;
            datagram.count += 1;
        }
        datagram.check()?;
        Ok(datagram)
    }

    /// From a client's bytes.
    ///
    /// # Errors
    /// [`WireError`] for anything but exactly one input datagram.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = ByteReader::new(bytes);
        match reader.u8()? {
            KIND => {}
            other => return Err(WireError::Kind(other)),
        }
        let head = InputHead {
            acknowledged: Epoch::new(reader.u32()?),
            seen: reader.u32()?,
            behind: reader.u16()?,
            predicted: reader.u32()?,
        };
        let first_seq = reader.u32()?;
        let count = usize::from(reader.u8()?);
        if count > INPUTS_MAX {
            return Err(WireError::Field("input count"));
        }
        let mut inputs = [Input::default(); INPUTS_MAX];
        for input in &mut inputs[..count] {
            *input = Input::decode(&mut reader)?;
        }
        reader.finish()?;
        let datagram = Self {
            head,
            first_seq,
            inputs,
            count,
        };
        datagram.check()?;
        Ok(datagram)
    }

    /// Appends the bytes that travel: 20 and 10 an input.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let head = &self.head;
        out.push(KIND);
        out.extend_from_slice(&head.acknowledged.map_or(0, Epoch::number).to_le_bytes());
        out.extend_from_slice(&head.seen.to_le_bytes());
        out.extend_from_slice(&head.behind.to_le_bytes());
        out.extend_from_slice(&head.predicted.to_le_bytes());
        out.extend_from_slice(&self.first_seq.to_le_bytes());
        out.push(u8::try_from(self.count).unwrap_or(0)); // at most INPUTS_MAX
        for input in self.inputs() {
            input.encode(out);
        }
    }

    /// What the client says of itself.
    pub fn head(&self) -> &InputHead {
        &self.head
    }

    /// The number of the first input, at least 1.
    pub fn first_seq(&self) -> u32 {
        self.first_seq
    }

    /// The inputs, in order of their numbers.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs[..self.count]
    }

    fn check(&self) -> Result<(), WireError> {
        if self.count == 0 {
            return Err(WireError::Field("input count"));
        }
        let count = u32::try_from(self.count).map_err(|_| WireError::Field("input count"))?;
        match self.first_seq.checked_add(count) {
            Some(_) if self.first_seq > 0 => Ok(()),
            _ => Err(WireError::Field("input number")),
        }
    }
}

impl Input {
    fn encode(&self, out: &mut Vec<u8>) {
        for wish in [self.east, self.north, self.up] {
            out.extend_from_slice(&wish.to_le_bytes());
        }
        out.extend_from_slice(&self.heading.to_le_bytes());
        out.extend_from_slice(&self.buttons.to_le_bytes());
    }

    fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            east: reader.i16()?,
            north: reader.i16()?,
            up: reader.i16()?,
            heading: reader.u16()?,
            buttons: reader.u16()?,
        })
    }
}

fn low_half(tick: u64) -> u32 {
    let [a, b, c, d, ..] = tick.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

const KIND: u8 = 0x01;

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::input_buffer::InputBuffer;

    pub(crate) fn input(n: i16) -> Input {
        Input {
            east: n,
            north: -n,
            up: 3,
            heading: 65_535,
            buttons: 0x0201,
        }
    }

    pub(crate) fn datagram(first_seq: u32, count: i16) -> InputDatagram {
        let head = InputHead {
            acknowledged: Epoch::new(3),
            seen: 40,
            behind: 256,
            predicted: 0x0a0b_0c0d,
        };
        InputDatagram::new(head, first_seq, (0..count).map(input)).unwrap()
    }

    #[test]
    fn bytes_are_as_documented() {
        let mut bytes = Vec::new();
        datagram(0x0102, 2).encode(&mut bytes);
        let expected = [
            1, 3, 0, 0, 0, 40, 0, 0, 0, 0, 1, 13, 12, 11, 10, 2, 1, 0, 0, 2, // head
            0, 0, 0, 0, 3, 0, 255, 255, 1, 2, // first input
            1, 0, 255, 255, 3, 0, 255, 255, 1, 2,
        ];
        assert_eq!(bytes, expected);
        assert_eq!(InputDatagram::decode(&bytes), Ok(datagram(0x0102, 2)));
        bytes.push(0);
        assert_eq!(InputDatagram::decode(&bytes), Err(WireError::Trailing));
    }

    #[test]
    fn counts_and_numbers_are_bounded() {
        let head = InputHead::default();
        let of = |first, count| InputDatagram::new(head, first, (0..count).map(input)).map(|_| ());
        assert_eq!(of(1, 16), Ok(()));
        assert_eq!(of(1, 17), Err(WireError::Field("input count")));
        assert_eq!(of(1, 0), Err(WireError::Field("input count")));
        assert_eq!(of(0, 1), Err(WireError::Field("input number")));
        assert_eq!(of(u32::MAX, 1), Err(WireError::Field("input number")));
    }

    #[test]
    fn what_was_seen_comes_back_by_its_low_half() {
        let long = 5 << 32;
        let head = InputHead::default().seeing(long + 100, Some((long + 99) * 256 - 128));
        assert_eq!((head.seen, head.behind), (100, 384));
        assert_eq!(head.seen_tick(long + 103), Some(long + 100));
        assert_eq!(head.shown(long + 103), Some((long + 100) * 256 - 384));
        // What is yet to come was seen long ago, or never.
        assert_eq!(head.seen_tick(long + 99), Some(long + 100 - (1 << 32)));
        assert_eq!(head.seen_tick(99), None);
        let nothing = InputHead::default();
        assert_eq!((nothing.seen_tick(9), nothing.shown(9)), (None, None));
        let blind = nothing.seeing(700, Some(3));
        assert_eq!((blind.seen_tick(900), blind.shown(900)), (Some(700), None));
        assert_eq!(blind.behind, nothing.seeing(7, None).behind);
        // Nothing is shown before it is seen, or before the first tick.
        assert_eq!(nothing.seeing(7, Some(8 * 256)).shown(9), Some(7 * 256));
        let early = InputHead {
            seen: 1,
            behind: 257,
            ..nothing
        };
        assert_eq!(early.shown(9), None);
    }

    proptest! {
        #[test]
        fn round_trip(
            (epoch, seen, behind, predicted) in any::<(u32, u32, u16, u32)>(),
            first in 1u32..u32::MAX - 16,
            raw in prop::collection::vec(any::<([i16; 3], u16, u16)>(), 1..=16),
        ) {
            let inputs = raw.into_iter().map(|([east, north, up], heading, buttons)| {
                Input { east, north, up, heading, buttons }
            });
            let head = InputHead { acknowledged: Epoch::new(epoch), seen, behind, predicted };
            let datagram = InputDatagram::new(head, first, inputs).unwrap();
            let mut bytes = Vec::new();
            datagram.encode(&mut bytes);
            prop_assert_eq!(InputDatagram::decode(&bytes), Ok(datagram));
        }

        #[test]
        fn nothing_panics(
            bytes in prop::collection::vec(any::<u8>(), 0..190),
            used in any::<u16>(),
            now in any::<u64>(),
        ) {
            let mut bytes = bytes;
            if let Some(kind) = bytes.first_mut() {
                *kind &= 1;
            }
            if let Ok(datagram) = InputDatagram::decode(&bytes) {
                let mut again = Vec::new();
                datagram.encode(&mut again);
                prop_assert_eq!(again, bytes);
                InputBuffer::new().push(&datagram, used, now);
            }
        }
    }
}
