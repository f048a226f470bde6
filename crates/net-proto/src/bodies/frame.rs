//! Frames that are kept, and packets between them.

use super::BODIES_MAX;
use super::body::{Body, COMPONENT_MAX, COMPONENT_USUAL};
use super::code::{Packet, Slots};
use super::model::Model;
use super::neighbours::Neighbours;
use super::orientation::Rotations;
use super::position::Lessons;
use super::ring::Ring;
use super::scene::Scene;
use super::set::{Set, differing};
use crate::entropy::{Coder, OutOfRoom, RangeDecoder, RangeEncoder};
use crate::error::WireError;

/// One side's memory of a stream of frames: what was sent, or what has come.
#[derive(Clone, Debug)]
pub struct Bodies {
    frames: Ring<Frame>,
    neighbours: Neighbours,
    rotations: Rotations,
    component_max: u16,
}

/// Why a frame was not coded. Nothing has changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BodiesError {
    /// More bodies than [`BODIES_MAX`], none, or not as many as in the first frame.
    #[error("{0} bodies are too many, or not as many as there were")]
    Count(usize),
    /// A body's orientation has a component that the stream has not.
    #[error("a component of an orientation is more than there can be")]
    Component,
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
    bodies: Vec<Body>,
    traces: Vec<Trace>,
    /// Bodies that differed from the baseline.
    differed: Set,
    model: Model,
}

/// How a body was coded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Trace {
    /// How far the position's prediction was off, all axes; the orientation's, all components.
    pub(super) shift: u32,
    pub(super) turn: u32,
}

/// What a packet may build on: the baseline, and the frames so many before it.
#[derive(Clone, Copy)]
pub(super) struct Past<'a> {
    pub(super) base: &'a [Body],
    pub(super) traces: &'a [Trace],
    pub(super) differed: &'a Set,
    pub(super) one_before: &'a [Body],
    pub(super) two_before: &'a [Body],
    pub(super) three_before: &'a [Body],
    pub(super) six_before: &'a [Body],
}

impl Bodies {
    /// A stream that begins with a frame that both sides have from elsewhere. Components of orientations are of 0 to 511, a 361st apart.
    ///
    /// # Errors
    /// [`BodiesError::Count`] and [`BodiesError::Component`].
    pub fn new(start: u64, bodies: &[Body]) -> Result<Self, BodiesError> {
        Self::with_components(start, bodies, COMPONENT_USUAL)
    }

    /// As [`Bodies::new`], with components of orientations of 0 to `component_max` for −1/√2 to 1/√2: 1,415 of them are less than a thousandth
    /// apart. At most 2,047; both sides must say the same.
    ///
    /// # Errors
    /// [`BodiesError::Count`] and [`BodiesError::Component`].
    pub fn with_components(
        start: u64,
        bodies: &[Body],
        component_max: u16,
    ) -> Result<Self, BodiesError> {
        let are_legal = bodies
            .iter()
            .all(|body| body.has_components_to(component_max));
        if !(1..=COMPONENT_MAX).contains(&component_max) || !are_legal {
            return Err(BodiesError::Component);
        }
        if bodies.is_empty() || bodies.len() > BODIES_MAX {
            return Err(BodiesError::Count(bodies.len()));
        }
        let first = Frame {
            bodies: bodies.to_vec(),
            traces: vec![Trace::default(); bodies.len()],
            differed: Set::default(),
            model: Model::default(),
        };
        Ok(Self {
            frames: Ring::new(start, first),
            neighbours: Neighbours::new(),
            rotations: Rotations::new(),
            component_max,
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
        let (_, coded) = self.frames.open(number)?;
        if bodies.len() != coded.bodies.len() {
            return Err(BodiesError::Count(bodies.len()));
        }
        coded.bodies.copy_from_slice(bodies);
        let coder = self.code(number, baseline, RangeEncoder::new(out), true);
        let coder = coder.map_err(|error| match error {
            // Nothing else of a legal body is out of a stream's range.
            BodiesError::Wire(_) => BodiesError::Component,
            other => other,
        })?;
        let bytes = coder.finish()?;
        self.frames.keep(number);
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
        let coder = self.code(number, baseline, RangeDecoder::new(packet), false)?;
        coder.finish()?;
        Ok(&self.frames.keep(number).bodies)
    }

    /// Codes the bodies of the frame that is being coded, which a decoder overwrites.
    fn code<C: Coder>(
        &mut self,
        number: u64,
        baseline: u64,
        coder: C,
        is_known: bool,
    ) -> Result<C, BodiesError> {
        if baseline >= number {
            return Err(BodiesError::NoFrame(baseline));
        }
        let (frames, coded) = self.frames.open(number)?;
        let base = frames.frame(baseline, 0)?;
        let past = Past {
            base: &base.bodies,
            traces: &base.traces,
            differed: &base.differed,
            one_before: &frames.frame(baseline, 1)?.bodies,
            two_before: &frames.frame(baseline, 2)?.bodies,
            three_before: &frames.frame(baseline, 3)?.bodies,
            six_before: &frames.frame(baseline, 6)?.bodies,
        };
        coded.model = base.model;
        self.neighbours.clear();
        let packet = Packet {
            coder,
            model: &mut coded.model,
            neighbours: &mut self.neighbours,
            rotations: &mut self.rotations,
            component_max: self.component_max,
            scene: Scene::new(&past),
            past,
            leads: base.model.leads,
            lessons: Lessons::default(),
        };
        coded.traces.fill(Trace::default());
        if is_known {
            coded.differed = differing(&coded.bodies, past.base);
        } else {
            coded.bodies.copy_from_slice(past.base);
        }
        let slots = Slots {
            bodies: &mut coded.bodies,
            traces: &mut coded.traces,
            differed: &mut coded.differed,
        };
        packet.code(slots)
    }
}
