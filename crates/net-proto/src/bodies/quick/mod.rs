//! Bodies at a fixed cost: no probabilities, nothing learnt, nothing that belongs to one receiver.
//!
//! Costs about 35 ns a body that moves, in either direction, when eleven in twelve lie still; of these, 12 go into finding out
//! which moved. Allocates when it is made and never again.
//!
//! ```text
//! the packet    newcomers: bodies that lay still and differ, as gaps of rank 6; the gap to the end is the last
//!               then of every body that moved or is a newcomer, in order:
//! a body        1         the same largest component and flag as before: position, components
//!               0 00      nothing differs
//!               0 01      the flag does: position, components
//!               0 10      the largest component does: position, which (2 bits), components as they are (9 bits each)
//!               0 11 0    both do, as above
//!               0 11 1    as it is: position (15 bits each), largest (2), components (9 each), flag (1)
//! position, components    three numbers each: how far off the forecast was, in Rice's code
//! ```
//!
//! "Moved" is said of the baseline and the frame before it. Between these two lies the velocity, of place and of components
//! alike, at which a body goes on for six frames; its size is the ranks' context. On the benchmark this does better than
//! velocities over two frames or three (1.2 % and 2.6 %), which are less noisy and older.

mod bits;
mod forecast;
mod pack;

mod unpack;

use super::body::COMPONENT_USUAL;
use super::ring::{Held, Ring};
use super::set::{Set, differing};
use super::{BODIES_MAX, BodiesError, Body};
use bits::{BitSink, BitSource};

/// One side's memory of a stream of frames, as [`Bodies`](super::Bodies) is, for where time is dearer than bytes.
///
/// Packets are about a fifth longer and take a fraction of the time. One sender serves any number of receivers: a packet
/// depends on its frame, its baseline, and the frame before that, and goes to all who have acknowledged these.
///
/// ```
/// use net_proto::{Body, QuickBodies};
///
/// let still = Body::new([0, 0, 100], 3, [256; 3], false)?;
/// let (mut sender, mut receiver) = (QuickBodies::new(0, &[still; 9])?, QuickBodies::new(0, &[still; 9])?);
/// let mut moved = [still; 9];
/// moved[4] = Body::new([-7, 0, 100], 3, [256; 3], false)?;
/// let mut packet = [0; 1_000];
/// sender.keep(1, &moved)?;
/// let bytes = sender.encode(1, 0, &mut packet)?;
/// assert_eq!(receiver.decode(1, 0, &packet[..bytes])?, &moved);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct QuickBodies {
    frames: Ring<Frame>,
}

#[derive(Clone, Debug)]
struct Frame {
    bodies: Vec<Body>,
    /// Bodies that differ from the frame before; none where that was not kept when this was.
    moved: Option<Set>,
}

/// Of gaps between newcomers, which on the benchmark are some 100 bodies apart.
const GAP_RANK: u8 = 6;
const GAP_ZEROS_MAX: u16 = 16; // 1,024 of them, BODIES_MAX

/// In numbers of more zeros a body is not sent, but as it is.
const ZEROS_MAX: u16 = 7;

impl QuickBodies {
    /// A stream that begins with a frame that both sides have from elsewhere.
    ///
    /// # Errors
    /// [`BodiesError::Count`], and [`BodiesError::Component`] when one is more than 511.
    pub fn new(start: u64, bodies: &[Body]) -> Result<Self, BodiesError> {
        if bodies.is_empty() || bodies.len() > BODIES_MAX {
            return Err(BodiesError::Count(bodies.len()));
        }
        if !bodies
            .iter()
            .all(|body| body.has_components_to(COMPONENT_USUAL))
        {
            return Err(BodiesError::Component);
        }
        let first = Frame {
            bodies: bodies.to_vec(),
            moved: None,
        };
        let frames = Ring::new(start, first);
        Ok(Self { frames })
    }

    /// Keeps frame `number`, to be encoded and to be a baseline.
    ///
    /// # Errors
    /// [`BodiesError::Count`] and [`BodiesError::Late`].
    pub fn keep(&mut self, number: u64, bodies: &[Body]) -> Result<(), BodiesError> {
        let (frames, kept) = self.frames.open(number)?;
        if bodies.len() != kept.bodies.len() {
            return Err(BodiesError::Count(bodies.len()));
        }
        kept.bodies.copy_from_slice(bodies);
        kept.moved = moved(&frames, number, &kept.bodies);
        self.frames.keep(number);
        Ok(())
    }

    /// Writes frame `number` against frame `baseline` into `out`, and gives the packet's bytes. Both are kept, and so is the frame
    /// before the baseline; the receiver must have the baseline and that. Before the first frame there is the first.
    ///
    /// # Errors
    /// [`BodiesError::NoFrame`], [`BodiesError::OutOfRoom`], and [`BodiesError::Component`] when one of a body that differs is more than 511.
    pub fn encode(&self, number: u64, baseline: u64, out: &mut [u8]) -> Result<usize, BodiesError> {
        if baseline >= number {
            return Err(BodiesError::NoFrame(baseline));
        }
        let frames = self.frames.held();
        let past = Past::new(&frames, baseline)?;
        let bodies = &frames.frame(number, 0)?.bodies;
        let sink = pack::pack(&past, bodies, BitSink::new(out)).ok_or(BodiesError::Component)?;
        Ok(sink.finish()?)
    }

    /// Reads frame `number`, written against frame `baseline`, and keeps it.
    ///
    /// # Errors
    /// [`BodiesError::NoFrame`], [`BodiesError::Late`] and [`BodiesError::Wire`]. Nothing has changed.
    pub fn decode(
        &mut self,
        number: u64,
        baseline: u64,
        packet: &[u8],
    ) -> Result<&[Body], BodiesError> {
        if baseline >= number {
            return Err(BodiesError::NoFrame(baseline));
        }
        let (frames, came) = self.frames.open(number)?;
        let past = Past::new(&frames, baseline)?;
        let mut source = BitSource::new(packet);
        unpack::unpack(&past, &mut came.bodies, &mut source)?;
        source.finish()?;
        came.moved = moved(&frames, number, &came.bodies);
        Ok(&self.frames.keep(number).bodies)
    }
}

/// What a packet builds on.
struct Past<'a> {
    base: &'a [Body],
    before: &'a [Body],
    /// Bodies that differ between them.
    moved: Set,
}

impl<'a> Past<'a> {
    fn new(frames: &Held<'a, Frame>, baseline: u64) -> Result<Self, BodiesError> {
        let base = frames.frame(baseline, 0)?;
        let before = &frames.frame(baseline, 1)?.bodies;
        Ok(Self {
            base: &base.bodies,
            before,
            moved: base
                .moved
                .unwrap_or_else(|| differing(&base.bodies, before)),
        })
    }
}

/// Bodies that differ from the frame before, if that is kept.
fn moved(frames: &Held<'_, Frame>, number: u64, bodies: &[Body]) -> Option<Set> {
    let before = frames.frame(number, 1).ok()?;
    Some(differing(bodies, &before.bodies))
}

#[cfg(test)]
mod tests;
