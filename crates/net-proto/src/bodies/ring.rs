//! Frames that are kept.

use super::frame::BodiesError;

/// The newest frames of a stream, each with what it was coded by.
#[derive(Clone, Debug)]
pub(super) struct Ring<T> {
    /// The first frame, which also stands for all before it.
    start: u64,
    /// Frame n in place n % FRAMES_KEPT, if it is there.
    kept: Vec<(Option<u64>, T)>,
    spare: T, // the one that is being coded
}

/// Half a second at 60 Hz: older baselines serve nobody.
const FRAMES_KEPT: u64 = 32;

impl<T: Clone> Ring<T> {
    pub(super) fn new(start: u64, first: T) -> Self {
        let mut kept: Vec<_> = (0..FRAMES_KEPT).map(|_| (None, first.clone())).collect();
        kept[place_of(start)].0 = Some(start);
        Self {
            start,
            kept,
            spare: first,
        }
    }

    /// What may be built on in frame `number`, and the place to build it in.
    pub(super) fn open(&mut self, number: u64) -> Result<(Held<'_, T>, &mut T), BodiesError> {
        if self.kept[place_of(number)].0 >= Some(number) {
            return Err(BodiesError::Late(number));
        }
        let Self { start, kept, spare } = self;
        let start = *start;
        Ok((Held { start, kept }, spare))
    }

    /// Keeps what was built as frame `number`.
    pub(super) fn keep(&mut self, number: u64) -> &T {
        let (place, kept) = &mut self.kept[place_of(number)];
        *place = Some(number);
        core::mem::swap(kept, &mut self.spare);
        kept
    }

    pub(super) fn held(&self) -> Held<'_, T> {
        Held {
            start: self.start,
            kept: &self.kept,
        }
    }
}

/// The frames of a ring, for reading.
#[derive(Debug)]
pub(super) struct Held<'a, T> {
    start: u64,
    kept: &'a [(Option<u64>, T)],
}

impl<'a, T> Held<'a, T> {
    /// The frame so many before another; before the first there is the first.
    pub(super) fn frame(&self, number: u64, before: u64) -> Result<&'a T, BodiesError> {
        let number = number.saturating_sub(before).max(self.start.min(number));
        match &self.kept[place_of(number)] {
            (Some(kept), frame) if *kept == number => Ok(frame),
            _ => Err(BodiesError::NoFrame(number)),
        }
    }
}

fn place_of(number: u64) -> usize {
    (number % FRAMES_KEPT) as usize
}
