//! Frames that are kept, and packets between them.

use super::BODIES_MAX;
use super::body::Body;
use super::code::Packet;
use super::model::Model;
use super::neighbours::Neighbours;
use crate::entropy::{Coder, OutOfRoom, RangeDecoder, RangeEncoder};
use crate::error::WireError;

/// One side's memory of a stream of frames: what was sent, or what has come.
#[derive(Clone, Debug)]
pub struct Bodies {
    start: u64,
    /// Frame n in place n % FRAMES_KEPT, if it is there; `start` also stands for all before it.
    frames: Vec<Frame>,
    coded: Frame, // the one that is being coded
    neighbours: Neighbours,
}

/// Why a frame was not coded. Nothing has changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BodiesError {
    /// More bodies than [`BODIES_MAX`], none, or not as many as in the first frame.
    #[error("{0} bodies are too many, or not as many as there were")]
    Count(usize),
    /// A body has a field out of its range.
    #[error("body {0} has a field out of its range")]
    Illegal(usize),
    /// A frame that the packet refers to is not held, or not older than its own.
    #[error("frame {0} is not held")]
    NoFrame(u64),
    /// A frame as new as this one, or newer, has its place.
    #[error("frame {0} comes too late to be kept")]
    Late(u64),
    /// The packet is longer than the room for it.
    #[error(transparent)]
    OutOfRoom(#[from] OutOfRoom),
    /// The packet is not one of ours.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// A frame, and the state of prediction after its packet.
#[derive(Clone, Debug)]
struct Frame {
    number: Option<u64>,
    bodies: Vec<Body>,
    traces: Vec<Trace>,
    model: Model,
}

/// How a body was coded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Trace {
    pub(super) differed: bool,
    /// How far the position's prediction was off, all axes; the orientation's, all components.
    pub(super) shift: u32,
    pub(super) turn: u32,
}

/// What a packet may build on: the baseline, and the frames so many before it.
#[derive(Clone, Copy)]
pub(super) struct Past<'a> {
    pub(super) base: &'a [Body],
    pub(super) traces: &'a [Trace],
    pub(super) one_before: &'a [Body],
    pub(super) two_before: &'a [Body],
    pub(super) three_before: &'a [Body],
    pub(super) six_before: &'a [Body],
}

/// Half a second at 60 Hz: older baselines serve nobody.
const FRAMES_KEPT: u64 = 32;

impl Bodies {
    /// A stream that begins with a frame that both sides have from elsewhere.
    ///
    /// # Errors
    /// [`BodiesError::Count`] and [`BodiesError::Illegal`].
    pub fn new(start: u64, bodies: &[Body]) -> Result<Self, BodiesError> {
        if bodies.is_empty() || bodies.len() > BODIES_MAX {
            return Err(BodiesError::Count(bodies.len()));
        }
        check(bodies)?;
        let frame = |number| Frame {
            number,
            bodies: bodies.to_vec(),
            traces: vec![Trace::default(); bodies.len()],
            model: Model::default(),
        };
        let mut frames: Vec<_> = (0..FRAMES_KEPT).map(|_| frame(None)).collect();
        frames[place_of(start)].number = Some(start);
        Ok(Self {
            start,
            frames,
            coded: frame(None),
            neighbours: Neighbours::with_capacity(bodies.len()),
        })
    }

    /// Writes frame `number` against frame `baseline` into `out`, keeps it, and gives the packet's bytes. The receiver must have
    /// the baseline and the frames 1, 2, 3 and 6 before it; those before the first are the first.
    ///
    /// # Errors
    /// Any but [`BodiesError::Wire`].
    pub fn encode(
        &mut self,
        number: u64,
        baseline: u64,
        bodies: &[Body],
        out: &mut [u8],
    ) -> Result<usize, BodiesError> {
        if bodies.len() != self.coded.bodies.len() {
            return Err(BodiesError::Count(bodies.len()));
        }
        check(bodies)?;
        self.coded.bodies.copy_from_slice(bodies);
        let coder = self.code(number, baseline, RangeEncoder::new(out))?;
        let bytes = coder.finish()?;
        self.keep(number);
        Ok(bytes)
    }

    /// Reads frame `number`, written against frame `baseline`, and keeps it.
    ///
    /// # Errors
    /// [`BodiesError::NoFrame`], [`BodiesError::Late`] and [`BodiesError::Wire`].
    pub fn decode(
        &mut self,
        number: u64,
        baseline: u64,
        packet: &[u8],
    ) -> Result<&[Body], BodiesError> {
        let coder = self.code(number, baseline, RangeDecoder::new(packet))?;
        coder.finish()?;
        self.keep(number);
        Ok(&self.frames[place_of(number)].bodies)
    }

    /// Codes the bodies of `coded`, which a decoder overwrites.
    fn code<C: Coder>(&mut self, number: u64, baseline: u64, coder: C) -> Result<C, BodiesError> {
        if baseline >= number {
            return Err(BodiesError::NoFrame(baseline));
        }
        if self.frames[place_of(number)].number >= Some(number) {
            return Err(BodiesError::Late(number));
        }
        let frame = |before: u64| held(&self.frames, self.start, baseline, before);
        let base = frame(0)?;
        let past = Past {
            base: &base.bodies,
            traces: &base.traces,
            one_before: &frame(1)?.bodies,
            two_before: &frame(2)?.bodies,
            three_before: &frame(3)?.bodies,
            six_before: &frame(6)?.bodies,
        };
        self.coded.model = base.model;
        self.neighbours.clear();
        let mut packet = Packet {
            coder,
            model: &mut self.coded.model,
            neighbours: &mut self.neighbours,
            past,
            is_row: false,
        };
        let slots = self.coded.bodies.iter_mut().zip(&mut self.coded.traces);
        for (n, (body, trace)) in slots.enumerate() {
            if packet.differs(n, body) {
                packet.code(n, body, trace)?;
            } else {
                (*body, *trace) = (past.base[n], Trace::default());
            }
        }
        Ok(packet.coder)
    }

    fn keep(&mut self, number: u64) {
        self.coded.number = Some(number);
        core::mem::swap(&mut self.coded, &mut self.frames[place_of(number)]);
    }
}

fn check(bodies: &[Body]) -> Result<(), BodiesError> {
    match bodies.iter().position(|body| !body.is_legal()) {
        Some(at) => Err(BodiesError::Illegal(at)),
        None => Ok(()),
    }
}

/// The frame so many before the baseline.
fn held(frames: &[Frame], start: u64, baseline: u64, before: u64) -> Result<&Frame, BodiesError> {
    let number = baseline.saturating_sub(before).max(start.min(baseline));
    let frame = &frames[place_of(number)];
    if frame.number == Some(number) {
        Ok(frame)
    } else {
        Err(BodiesError::NoFrame(number))
    }
}

fn place_of(number: u64) -> usize {
    (number % FRAMES_KEPT) as usize
}
