//! A server's queue of one client's inputs.

use std::collections::VecDeque;

use crate::input::{Input, InputDatagram, InputHead};

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
        let (mut queued, head) = (0, datagram.head());
        let (seen, shown) = (head.seen_tick(now), head.shown(now));
        // Inputs lead: the range is never asked for a number after the last, which may be the greatest there is.
        for (n, (&input, seq)) in (datagram.inputs().iter().zip(datagram.first_seq()..)).enumerate()
        {
            if seq <= self.newest_seq {
                continue;
            }
            if used >> n & 1 == 0 {
                continue; // repeated, it may be in time
            }
            self.newest_seq = seq;
            self.datagrams = self.datagrams.wrapping_add(u32::from(queued == 0));
            let later = datagram.inputs().len() - 1 - n; // inputs, of a tick each
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::tests::{datagram, input};

    const ALL: u16 = u16::MAX;

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
}
