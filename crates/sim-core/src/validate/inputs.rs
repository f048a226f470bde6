//! Inputs as they come, and what nobody can ask for.

use super::finding::Finding;
use super::limits::Limits;
use super::window::Window;
use crate::kind::Kind;
use crate::record::Input;

/// A datagram of inputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received<'a> {
    /// The inputs, numbered one by one, at most [`Received::INPUTS_MAX`]. Numbers begin at 1, and there is one a tick.
    pub inputs: &'a [Input],
    /// The newest tick that the client shows to have seen when the last of them was due. (Not when it was made: after a frame that
    /// stuttered several are made at once.)
    pub seen: Option<u64>,
}

impl Received<'_> {
    /// Inputs in a datagram.
    pub const INPUTS_MAX: usize = 16;

    /// The numbers of the first and the last input; `None` of a datagram that nobody sends.
    pub(super) fn numbers(&self) -> Option<(u32, u32)> {
        let (first, last) = (self.inputs.first()?.seq, self.inputs.last()?.seq);
        let is_next = |pair: &[Input]| pair[0].seq.checked_add(1) == Some(pair[1].seq);
        let is_legal = first > 0
            && self.inputs.len() <= Self::INPUTS_MAX
            && self.inputs.windows(2).all(is_next);
        is_legal.then_some((first, last))
    }
}

/// What an input asks for, whatever its number and what was predicted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Asked {
    pub(super) east: i16,
    pub(super) north: i16,
    pub(super) up: i16,
    pub(super) heading: u16,
    pub(super) buttons: u16,
}

impl From<&Input> for Asked {
    fn from(input: &Input) -> Self {
        Self {
            east: input.east,
            north: input.north,
            up: input.up,
            heading: input.heading,
            buttons: input.buttons,
        }
    }
}

/// Whether somebody can ask for this; tells what is against it.
pub(super) fn is_possible(
    (seq, input): (u32, &Asked),
    window: &Window,
    (limits, kind): (&Limits, &Kind),
    tell: &mut impl FnMut(Finding),
) -> bool {
    let mut is_possible = true;
    let square = |n: i16| u64::from(n.unsigned_abs()) * u64::from(n.unsigned_abs());
    // Who walks does not look at what is wished upwards, so it counts for itself.
    let flat = (square(input.east) + square(input.north)).isqrt() as u32; // at most 46,341
    let asked = flat.max(u32::from(input.up.unsigned_abs()));
    // A wish is rounded to integers on two axes, which is less than one.
    if asked > u32::from(kind.speed_max) + 1 {
        tell(Finding::WishTooLong { asked });
        is_possible = false;
    }
    let buttons = input.buttons & !limits.buttons;
    if buttons != 0 {
        tell(Finding::UnknownButtons { buttons });
        is_possible = false;
    }
    if let Some((before, ticks)) = window.before(seq).filter(|_| seq > window.turned) {
        let turn = input.heading.wrapping_sub(before.heading).cast_signed();
        let turn = u32::from(turn.unsigned_abs()) / ticks;
        if turn > u32::from(limits.turn_max) {
            tell(Finding::AimSnap { turn: turn as u16 });
        }
    }
    is_possible
}
