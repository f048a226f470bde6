//! Inputs: what one player asks for in one tick.
//!
//! ```text
//! offset  bytes
//!      0      1  kind, 0x01
//!      1      4  newest complete epoch, 0 for none
//!      5      4  number of the first input
//!      9      1  count n, 1 to 16
//!     10    6·n  inputs: east i16, north i16 (2⁻⁸ m/s), heading u16 (0 = north, clockwise, 65536 = full turn)
//! ```

use std::collections::VecDeque;

use crate::bytes::ByteReader;
use crate::error::WireError;
use crate::ids::Epoch;
use crate::limits::INPUTS_MAX;

/// What a player asks for in one tick. Every value is legal; the server applies its speed limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Input {
    /// Requested velocity to the east of the entity's frame, 2⁻⁸ m/s.
    pub east: i16,
    /// Requested velocity to the north of the entity's frame, 2⁻⁸ m/s.
    pub north: i16,
    /// Where the player looks: 0 = north, clockwise, 65536 = full turn.
    pub heading: u16,
}

impl Input {
    /// Units of velocity in 1 m/s.
    pub const UNITS_PER_MPS: i16 = 256;
}

/// A client's datagram: its unacknowledged inputs, and the epoch that it acknowledges.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InputDatagram {
    acknowledged: Option<Epoch>,
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
        acknowledged: Option<Epoch>,
        first_seq: u32,
        inputs: impl IntoIterator<Item = Input>,
    ) -> Result<Self, WireError> {
        let mut datagram = Self {
            acknowledged,
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
        let acknowledged = Epoch::new(reader.u32()?);
        let first_seq = reader.u32()?;
        let count = usize::from(reader.u8()?);
        if count > INPUTS_MAX {
            return Err(WireError::Field("input count"));
        }
        let mut inputs = [Input::default(); INPUTS_MAX];
        for input in &mut inputs[..count] {
            *input = Input {
                east: reader.i16()?,
                north: reader.i16()?,
                heading: reader.u16()?,
            };
        }
        reader.finish()?;
        let datagram = Self {
            acknowledged,
            first_seq,
            inputs,
            count,
        };
        datagram.check()?;
        Ok(datagram)
    }

    /// Appends the bytes that travel: 10 and 6 an input.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(KIND);
        out.extend_from_slice(&self.acknowledged.map_or(0, Epoch::number).to_le_bytes());
        out.extend_from_slice(&self.first_seq.to_le_bytes());
        out.push(u8::try_from(self.count).unwrap_or(0)); // at most INPUTS_MAX
        for input in self.inputs() {
            out.extend_from_slice(&input.east.to_le_bytes());
            out.extend_from_slice(&input.north.to_le_bytes());
            out.extend_from_slice(&input.heading.to_le_bytes());
        }
    }

    /// The newest epoch of which the client has every part.
    pub fn acknowledged(&self) -> Option<Epoch> {
        self.acknowledged
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

/// A server's queue of one client's inputs: each is used once, in order, one a tick.
///
/// At most [`InputBuffer::WAITING_MAX`] wait; beyond that the oldest are skipped, so a client that sends faster than
/// the world ticks gains nothing, and one that was silent does not lag behind itself for ever.
#[derive(Clone, Debug, Default)]
pub struct InputBuffer {
    waiting: VecDeque<(u32, Input)>, // ascending numbers
    newest_seq: u32,                 // of the last input ever queued
    applied_seq: u32,
}

impl InputBuffer {
    /// Inputs that may wait: 200 ms at 30 Hz is more lag than anybody wants.
    pub const WAITING_MAX: usize = 6;

    /// An empty queue, for a client's first input (number 1).
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues the new inputs of a datagram and returns how many there were. Inputs that never came are skipped.
    pub fn push(&mut self, datagram: &InputDatagram) -> usize {
        let mut queued = 0;
        // Inputs lead: the range is never asked for a number after the last, which may be the greatest there is.
        for (&input, seq) in datagram.inputs().iter().zip(datagram.first_seq..) {
            if seq > self.newest_seq {
                self.waiting.push_back((seq, input));
                self.newest_seq = seq;
                queued += 1;
            }
        }
        while self.waiting.len() > Self::WAITING_MAX {
            self.take();
        }
        queued
    }

    /// The input of this tick; without one the player's last request stands.
    pub fn take(&mut self) -> Option<Input> {
        let (seq, input) = self.waiting.pop_front()?;
        self.applied_seq = seq;
        Some(input)
    }

    /// The number of the last input taken or skipped: what a snapshot acknowledges. 0 before the first.
    pub fn applied_seq(&self) -> u32 {
        self.applied_seq
    }
}

const KIND: u8 = 0x01;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn input(n: i16) -> Input {
        Input {
            east: n,
            north: -n,
            heading: 65_535,
        }
    }

    fn datagram(first_seq: u32, count: i16) -> InputDatagram {
        InputDatagram::new(Epoch::new(3), first_seq, (0..count).map(input)).unwrap()
    }

    #[test]
    fn bytes_are_as_documented() {
        let mut bytes = Vec::new();
        datagram(0x0102, 2).encode(&mut bytes);
        let expected = [
            1, 3, 0, 0, 0, 2, 1, 0, 0, 2, 0, 0, 0, 0, 255, 255, 1, 0, 255, 255, 255, 255,
        ];
        assert_eq!(bytes, expected);
        assert_eq!(InputDatagram::decode(&bytes), Ok(datagram(0x0102, 2)));
        bytes.push(0);
        assert_eq!(InputDatagram::decode(&bytes), Err(WireError::Trailing));
    }

    #[test]
    fn counts_and_numbers_are_bounded() {
        let of = |first, count| InputDatagram::new(None, first, (0..count).map(input)).map(|_| ());
        assert_eq!(of(1, 16), Ok(()));
        assert_eq!(of(1, 17), Err(WireError::Field("input count")));
        assert_eq!(of(1, 0), Err(WireError::Field("input count")));
        assert_eq!(of(0, 1), Err(WireError::Field("input number")));
        assert_eq!(of(u32::MAX, 1), Err(WireError::Field("input number")));
    }

    #[test]
    fn each_input_is_used_once_in_order() {
        let mut buffer = InputBuffer::new();
        assert_eq!((buffer.push(&datagram(1, 4)), buffer.applied_seq()), (4, 0));
        assert_eq!(buffer.push(&datagram(1, 4)), 0);
        assert_eq!((buffer.take(), buffer.applied_seq()), (Some(input(0)), 1));
        assert_eq!(buffer.push(&datagram(3, 4)), 2);
        assert_eq!(
            (buffer.take(), buffer.take()),
            (Some(input(1)), Some(input(2)))
        );
        assert_eq!(buffer.applied_seq(), 3);
        // Far ahead: the oldest are skipped, and count as applied.
        assert_eq!(buffer.push(&datagram(100, 16)), 16);
        assert_eq!(
            (buffer.take(), buffer.applied_seq()),
            (Some(input(10)), 110)
        );
        assert_eq!(core::iter::from_fn(|| buffer.take()).count(), 5);
        assert_eq!((buffer.take(), buffer.applied_seq()), (None, 115));
    }

    #[test]
    fn the_greatest_numbers_are_ordinary() {
        let mut buffer = InputBuffer::new();
        assert_eq!(buffer.push(&datagram(u32::MAX - 16, 16)), 16);
        assert_eq!(core::iter::from_fn(|| buffer.take()).count(), 6);
        assert_eq!(buffer.applied_seq(), u32::MAX - 1);
    }

    proptest! {
        #[test]
        fn round_trip(
            epoch in any::<u32>(),
            first in 1u32..u32::MAX - 16,
            raw in prop::collection::vec((any::<i16>(), any::<i16>(), any::<u16>()), 1..=16),
        ) {
            let inputs = raw.into_iter().map(|(east, north, heading)| Input { east, north, heading });
            let datagram = InputDatagram::new(Epoch::new(epoch), first, inputs).unwrap();
            let mut bytes = Vec::new();
            datagram.encode(&mut bytes);
            prop_assert_eq!(InputDatagram::decode(&bytes), Ok(datagram));
        }

        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            if let Ok(datagram) = InputDatagram::decode(&bytes) {
                let mut again = Vec::new();
                datagram.encode(&mut again);
                prop_assert_eq!(again, bytes);
                InputBuffer::new().push(&datagram);
            }
        }
    }
}
