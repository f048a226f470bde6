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

use std::collections::VecDeque;

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

/// An input that waits for its tick.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueuedInput {
    /// Its number.
    pub seq: u32,
    /// What is asked for.
    pub input: Input,
    /// The hash of the state that it was predicted from; 0 where the client does not say.
    pub predicted: u32,
    /// The newest tick that the client had seen when it was due; `None` where the client does not say, as of all but the last of a datagram.
    pub seen: Option<u64>,
    /// What the player was shown as it was made, 2⁻⁸ ticks; `None` where the client does not say.
    pub shown: Option<u64>,
    /// Which datagram brought it, counted from 1.
    pub datagram: u32,
}

/// A server's queue of one client's inputs: each is used once, in order, one a tick.
///
/// At most [`InputBuffer::WAITING_MAX`] wait; beyond that the oldest are skipped, so a client that sends faster than
/// the world ticks gains nothing. And those are skipped that wait for nothing: where two or more were left in each of 64 ticks, after the line or the world has
/// stood still, the line does not need them all, and whatever comes after would be late by them for ever. None is skipped with which a button is pressed or let go.
#[derive(Clone, Debug, Default)]
pub struct InputBuffer {
    waiting: VecDeque<QueuedInput>, // ascending numbers
    newest_seq: u32,                // of the last input ever queued
    applied_seq: u32,
    datagrams: u32, // that brought something new; wraps
    buttons: u16,   // of the last one taken
    spare: Spare,
}

/// How many inputs are left waiting that nobody needs.
#[derive(Clone, Copy, Debug)]
struct Spare {
    ticks: u16,    // looked at
    look: u16,     // so many are before anything is skipped
    fewest: usize, // left in them
    to_skip: usize,
    has_skipped: bool, // since there was none for a tick
}

impl Default for Spare {
    fn default() -> Self {
        Self {
            ticks: 0,
            look: Self::LOOK_MIN,
            fewest: InputBuffer::WAITING_MAX,
            to_skip: 0,
            has_skipped: false,
        }
    }
}

impl Spare {
    const LOOK_MIN: u16 = 64;
    const LOOK_MAX: u16 = 1_024;

    /// Begins to look anew.
    fn again(&mut self) {
        *self = Self {
            look: self.look,
            has_skipped: self.has_skipped,
            ..Self::default()
        };
    }

    /// So many are left in a tick.
    fn see(&mut self, left: usize) {
        self.fewest = self.fewest.min(left);
        self.to_skip = self.to_skip.min(left);
        self.ticks += 1;
        if self.ticks == self.look {
            // One is kept: who sends every second tick may need it to be in step. Of the others half: to need one after all costs more than to be late.
            let to_skip = self.fewest / 2;
            self.again();
            self.to_skip = to_skip;
        }
    }

    /// There is none for a tick. If that is for what was skipped, the line is rarely as bad as that, and looked at for longer.
    fn miss(&mut self) {
        if core::mem::take(&mut self.has_skipped) {
            self.look = Self::LOOK_MAX.min(2 * self.look);
        }
        self.again();
    }
}

impl InputBuffer {
    /// Inputs that may wait: 200 ms at 30 Hz is more lag than anybody wants.
    pub const WAITING_MAX: usize = 6;

    /// An empty queue, for a client's first input (number 1).
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues those new inputs of a datagram that are to be used, bit n being the nth input, and returns how many there were. Inputs
    /// that never came or are not to be used are skipped. `now` is the newest tick there is.
    pub fn push(&mut self, datagram: &InputDatagram, used: u16, now: u64) -> usize {
        let (mut queued, head) = (0, &datagram.head);
        let (seen, shown) = (head.seen_tick(now), head.shown(now));
        // Inputs lead: the range is never asked for a number after the last, which may be the greatest there is.
        for (n, (&input, seq)) in (datagram.inputs().iter().zip(datagram.first_seq..)).enumerate() {
            if seq <= self.newest_seq {
                continue;
            }
            if used >> n & 1 == 0 {
                continue; // repeated, it may be in time
            }
            self.newest_seq = seq;
            self.datagrams = self.datagrams.wrapping_add(u32::from(queued == 0));
            let later = datagram.count - 1 - n; // inputs, of a tick each
            let earlier = later as u64 * InputHead::PARTS_PER_TICK;
            self.waiting.push_back(QueuedInput {
                seq,
                input,
                predicted: if later == 0 { head.predicted } else { 0 },
                seen: seen.filter(|_| later == 0),
                shown: shown.and_then(|shown| shown.checked_sub(earlier)),
                datagram: self.datagrams,
            });
            queued += 1;
        }
        while self.waiting.len() > Self::WAITING_MAX {
            self.next();
        }
        queued
    }

    /// The input of this tick; without one the player's last request stands.
    pub fn take(&mut self) -> Option<QueuedInput> {
        if self.spare.to_skip > 0 && self.is_held_on() {
            self.spare.to_skip -= 1;
            self.spare.has_skipped = true;
            self.next();
        }
        let next = self.next();
        match &next {
            Some(_) => self.spare.see(self.waiting.len()),
            None => self.spare.miss(),
        }
        next
    }

    /// Whether the next input holds down what the one before it does, and the one after it, too.
    fn is_held_on(&self) -> bool {
        let held =
            |n: usize| self.waiting.get(n).map(|next| next.input.buttons) == Some(self.buttons);
        held(0) && held(1)
    }

    fn next(&mut self) -> Option<QueuedInput> {
        let next = self.waiting.pop_front()?;
        self.applied_seq = next.seq;
        self.buttons = next.input.buttons;
        Some(next)
    }

    /// Which datagram brought the newest, counted from 1 as [`QueuedInput::datagram`] is.
    pub fn newest_datagram(&self) -> u32 {
        self.datagrams
    }

    /// Gives up all that wait: they count as used.
    pub fn skip_all(&mut self) {
        self.waiting.clear();
        self.applied_seq = self.newest_seq;
        self.spare.again();
    }

    /// The number of the last input taken or skipped: what a snapshot acknowledges. 0 before the first.
    pub fn applied_seq(&self) -> u32 {
        self.applied_seq
    }
}

fn low_half(tick: u64) -> u32 {
    let [a, b, c, d, ..] = tick.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

const KIND: u8 = 0x01;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: u16 = u16::MAX;

    fn input(n: i16) -> Input {
        Input {
            east: n,
            north: -n,
            up: 3,
            heading: 65_535,
            buttons: 0x0201,
        }
    }

    fn datagram(first_seq: u32, count: i16) -> InputDatagram {
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

    fn taken(buffer: &mut InputBuffer) -> Option<Input> {
        buffer.take().map(|next| next.input)
    }

    #[test]
    fn each_input_is_used_once_in_order() {
        let mut buffer = InputBuffer::new();
        let push = |buffer: &mut InputBuffer, datagram| buffer.push(&datagram, ALL, 50);
        assert_eq!(
            (push(&mut buffer, datagram(1, 4)), buffer.applied_seq()),
            (4, 0)
        );
        assert_eq!(push(&mut buffer, datagram(1, 4)), 0);
        assert_eq!(
            (taken(&mut buffer), buffer.applied_seq()),
            (Some(input(0)), 1)
        );
        assert_eq!(push(&mut buffer, datagram(3, 4)), 2);
        assert_eq!(
            (taken(&mut buffer), taken(&mut buffer)),
            (Some(input(1)), Some(input(2)))
        );
        assert_eq!(buffer.applied_seq(), 3);
        // Far ahead: the oldest are skipped, and count as applied.
        assert_eq!(push(&mut buffer, datagram(100, 16)), 16);
        assert_eq!(
            (taken(&mut buffer), buffer.applied_seq()),
            (Some(input(10)), 110)
        );
        assert_eq!(core::iter::from_fn(|| buffer.take()).count(), 5);
        assert_eq!((buffer.take(), buffer.applied_seq()), (None, 115));
    }

    #[test]
    fn what_is_not_to_be_used_is_skipped() {
        let mut buffer = InputBuffer::new();
        assert_eq!(buffer.push(&datagram(1, 4), 0b1010, 50), 2);
        let queued = |seq, n, predicted, seen, shown| {
            let input = input(n);
            Some(QueuedInput {
                seq,
                input,
                predicted,
                seen,
                shown,
                datagram: 1,
            })
        };
        // Shown at tick 39 with the last one, and one a tick.
        assert_eq!(buffer.take(), queued(2, 1, 0, None, Some(37 * 256)));
        assert_eq!(
            buffer.take(),
            queued(4, 3, 0x0a0b_0c0d, Some(40), Some(39 * 256))
        );
        assert_eq!(buffer.push(&datagram(1, 4), ALL, 50), 0);
        assert_eq!(buffer.push(&datagram(5, 2), 0b01, 50), 1);
        assert_eq!(buffer.push(&datagram(5, 2), 0b10, 50), 1);
        assert_eq!(buffer.take().map(|next| next.datagram), Some(2));
        buffer.skip_all();
        assert_eq!((buffer.take(), buffer.applied_seq()), (None, 6));
    }

    /// Ticks at which two inputs come, or none; how many are left in the end, and how many were used of how many.
    fn steady(buffer: &mut InputBuffer, ticks: u32, comes: impl Fn(u32) -> bool) -> (usize, u32) {
        let (mut seq, mut used) = (buffer.newest_seq, 0);
        for tick in 0..ticks {
            if comes(tick) {
                push_held(buffer, seq + 1, 2);
                seq += 2;
            }
            used += u32::from(buffer.take().is_some());
        }
        (buffer.waiting.len(), used)
    }

    fn push_held(buffer: &mut InputBuffer, first: u32, count: usize) {
        let inputs = core::iter::repeat_n(input(1), count);
        let datagram = InputDatagram::new(InputHead::default(), first, inputs).unwrap();
        buffer.push(&datagram, ALL, 50);
    }

    #[test]
    fn what_waits_for_nothing_is_skipped() {
        let mut buffer = InputBuffer::new();
        push_held(&mut buffer, 1, 4);
        // The world stood still; then two come every second tick.
        assert_eq!(steady(&mut buffer, 60, |tick| tick % 2 == 0), (4, 60));
        let (left, used) = steady(&mut buffer, 240, |tick| tick % 2 == 0);
        assert_eq!((left, used), (1, 240));
        // Who sends every second tick may need that one to be in step with snapshots.
        let before = buffer.applied_seq;
        assert_eq!(steady(&mut buffer, 2_400, |tick| tick % 2 == 0), (1, 2_400));
        assert_eq!(buffer.applied_seq, before + 2_400);
    }

    #[test]
    fn a_line_that_is_rarely_uneven_is_learnt() {
        let mut buffer = InputBuffer::new();
        let (mut missed, stretches) = (0, 100);
        for _ in 0..stretches {
            missed += 96 - steady(&mut buffer, 96, |tick| tick % 2 == 0).1;
            missed += 4 - steady(&mut buffer, 4, |_| false).1;
            let next = buffer.newest_seq + 1;
            push_held(&mut buffer, next, 4);
        }
        assert!(missed <= 30, "{missed} in {} ticks", 100 * stretches);
    }

    #[test]
    fn a_press_is_as_it_was_aimed() {
        let mut buffer = InputBuffer::new();
        push_held(&mut buffer, 1, 4);
        steady(&mut buffer, 64, |tick| tick % 2 == 0);
        assert!(buffer.spare.to_skip > 0);
        let shot = |heading| Input {
            heading,
            buttons: Input::SHOOT,
            ..input(1)
        };
        let next = buffer.newest_seq + 1;
        let shots = [100, 9_000, 9_000, 9_000].map(shot);
        buffer.push(
            &InputDatagram::new(InputHead::default(), next, shots).unwrap(),
            ALL,
            50,
        );
        let taken = core::iter::from_fn(|| buffer.take()).map(|next| next.input);
        let aimed = taken.filter(|input| input.buttons & Input::SHOOT != 0);
        assert_eq!(aimed.map(|shot| shot.heading).next(), Some(100));
    }

    #[test]
    fn what_an_uneven_line_needs_stays() {
        let mut buffer = InputBuffer::new();
        push_held(&mut buffer, 1, 4);
        // Now and then nothing comes for six ticks, and then all of it.
        for _ in 0..40 {
            assert_eq!(steady(&mut buffer, 26, |tick| tick % 2 == 0).1, 26);
            assert_eq!(steady(&mut buffer, 4, |_| false).1, 4);
            let next = buffer.newest_seq + 1;
            push_held(&mut buffer, next, 4);
        }
        assert_eq!(
            buffer.applied_seq as usize + buffer.waiting.len(),
            4 + 40 * 30
        );
        assert_eq!(buffer.applied_seq, 40 * 30);
    }

    #[test]
    fn no_press_is_skipped() {
        let mut buffer = InputBuffer::new();
        let (mut seq, mut presses) = (0, 0);
        for tick in 0..400u32 {
            if tick % 2 == 0 {
                let count = if tick == 0 { 6 } else { 2 };
                let press = |n: u32| Input {
                    buttons: u16::from(n.is_multiple_of(7)),
                    ..Input::default()
                };
                let inputs = (seq + 1..=seq + count).map(press);
                let datagram = InputDatagram::new(InputHead::default(), seq + 1, inputs).unwrap();
                buffer.push(&datagram, ALL, 50);
                seq += count;
            }
            presses += buffer
                .take()
                .map_or(0, |next| u32::from(next.input.buttons));
        }
        assert!(buffer.waiting.len() < 3);
        assert_eq!(presses, buffer.applied_seq / 7);
    }

    #[test]
    fn the_greatest_numbers_are_ordinary() {
        let mut buffer = InputBuffer::new();
        assert_eq!(buffer.push(&datagram(u32::MAX - 16, 16), ALL, 0), 16);
        assert_eq!(core::iter::from_fn(|| buffer.take()).count(), 6);
        assert_eq!(buffer.applied_seq(), u32::MAX - 1);
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
