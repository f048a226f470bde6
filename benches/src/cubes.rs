//! The 901 cubes of the networked physics challenge of 2015, as a simulation made anew from its constants has them.
//!
//! The original recording is no longer handed out: figures of these files are of "regenerated s23" and "regenerated
//! s31", and of nothing else.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use net_proto::{Bodies, BodiesError, Body, QuickBodies};

use crate::Size;

/// Packet i is against frame i − LAG: a round trip of 100 ms at 60 Hz.
pub(crate) const LAG: u64 = 6;

const CUBES: usize = 901;
const BYTES_A_CUBE: usize = 32;

/// Packets of a tiny run.
const TINY_PACKETS: usize = 60;

/// A packet is never longer: 901 cubes of 16 bytes.
const PACKET_BYTES_MAX: usize = CUBES * 16;

/// A frame that is sent has just been stepped, and lies in the cache: so many are read before they are sent and timed.
const WARM_FRAMES: usize = 24;

/// One side of either kind, each packet against the frame of [`LAG`] before.
pub(crate) trait Stream: Sized {
    /// Whether it is told by what is likely.
    const IS_ENTROPY: bool;

    /// Both sides have the first frames, which are one and the same.
    fn begin(first: &[Body]) -> Result<Self, BodiesError>;

    fn encode(
        &mut self,
        number: u64,
        bodies: &[Body],
        room: &mut [u8],
    ) -> Result<usize, BodiesError>;

    fn decode(&mut self, number: u64, packet: &[u8]) -> Result<&[Body], BodiesError>;
}

impl Stream for Bodies {
    const IS_ENTROPY: bool = true;

    fn begin(first: &[Body]) -> Result<Self, BodiesError> {
        let mut stream = Self::new(0, first)?;
        for number in 1..LAG {
            stream.encode(number, number - 1, first, &mut [0; 256])?;
        }
        Ok(stream)
    }

    fn encode(
        &mut self,
        number: u64,
        bodies: &[Body],
        room: &mut [u8],
    ) -> Result<usize, BodiesError> {
        self.encode(number, number - LAG, bodies, room)
    }

    fn decode(&mut self, number: u64, packet: &[u8]) -> Result<&[Body], BodiesError> {
        self.decode(number, number - LAG, packet)
    }
}

impl Stream for QuickBodies {
    const IS_ENTROPY: bool = false;

    fn begin(first: &[Body]) -> Result<Self, BodiesError> {
        let mut stream = Self::new(0, first)?;
        for number in 1..LAG {
            stream.keep(number, first)?;
        }
        Ok(stream)
    }

    fn encode(
        &mut self,
        number: u64,
        bodies: &[Body],
        room: &mut [u8],
    ) -> Result<usize, BodiesError> {
        self.keep(number, bodies)?;
        QuickBodies::encode(self, number, number - LAG, room)
    }

    fn decode(&mut self, number: u64, packet: &[u8]) -> Result<&[Body], BodiesError> {
        self.decode(number, number - LAG, packet)
    }
}

/// Frames of a file.
pub(crate) struct Cubes {
    frames: Vec<Vec<Body>>,
}

/// What a pass over all packets gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) packets: usize,
    pub(crate) bytes: usize,
    /// Whether every frame came back as it was.
    pub(crate) is_exact: bool,
}

impl Cubes {
    /// `name` is `s23` or `s31`; `None` when it is not there. `BLUEMARBLE_DATA` names the folder that holds cubes/, see scripts/env.sh.
    pub(crate) fn load(name: &str, size: Size) -> Option<Self> {
        let folder = std::env::var_os("BLUEMARBLE_DATA").filter(|value| !value.is_empty())?;
        let file = format!("cubes/cubes_regen_{name}.i32x8.bin.zst");
        let packed = std::fs::File::open(PathBuf::from(folder).join(file)).ok()?;
        let bytes = zstd::decode_all(packed).ok()?;
        let frames = bytes.chunks_exact(CUBES * BYTES_A_CUBE);
        let count = match size {
            Size::Tiny => TINY_PACKETS + LAG as usize,
            Size::Full => frames.len(),
        };
        let frame = |frame: &[u8]| frame.chunks_exact(BYTES_A_CUBE).map(body).collect();
        let frames = frames
            .take(count)
            .map(frame)
            .collect::<Option<Vec<Vec<_>>>>()?;
        (frames.len() > LAG as usize).then_some(Self { frames })
    }

    /// Cubes that differ from those of the baseline, in all packets.
    pub(crate) fn changed(&self) -> usize {
        let differ = |(old, new): (&Vec<Body>, &Vec<Body>)| {
            old.iter().zip(new).filter(|(old, new)| old != new).count()
        };
        let news = &self.frames[LAG as usize..];
        self.frames.iter().zip(news).map(differ).sum()
    }

    /// Sends all packets and compares what comes back, cube by cube.
    pub(crate) fn send<S: Stream>(&self) -> Result<Sent, BodiesError> {
        let mut receiver = S::begin(&self.frames[0])?;
        let mut sent = Sent {
            is_exact: true,
            ..Sent::default()
        };
        self.encode::<S>(|number, bodies, packet| {
            sent.packets += 1;
            sent.bytes += packet.len();
            sent.is_exact &= receiver.decode(number, packet)? == bodies;
            Ok(())
        })?;
        Ok(sent)
    }

    /// Encodes all packets.
    fn encode<S: Stream>(
        &self,
        mut take: impl FnMut(u64, &[Body], &[u8]) -> Result<(), BodiesError>,
    ) -> Result<(), BodiesError> {
        let mut sender = S::begin(&self.frames[0])?;
        let mut room = vec![0; PACKET_BYTES_MAX];
        for (number, bodies) in (LAG..).zip(&self.frames[LAG as usize..]) {
            let bytes = sender.encode(number, bodies, &mut room)?;
            take(number, bodies, &room[..bytes])?;
        }
        Ok(())
    }

    /// The time that encoding all packets takes by a clock.
    pub(crate) fn time_of_encoding<S: Stream>(
        &self,
        mut clock: impl FnMut(&mut dyn FnMut()) -> Duration,
    ) -> Result<Duration, BodiesError> {
        let mut sender = S::begin(&self.frames[0])?;
        let mut room = vec![0; PACKET_BYTES_MAX];
        let (mut number, mut result, mut time) = (LAG, Ok(0), Duration::ZERO);
        for frames in self.frames[LAG as usize..].chunks(WARM_FRAMES) {
            black_box(sum_of(frames));
            time += clock(&mut || {
                for bodies in frames {
                    result = result.clone().and(sender.encode(number, bodies, &mut room));
                    number += 1;
                }
            });
        }
        result.map(|_| time)
    }

    /// The packets, for whoever decodes them.
    pub(crate) fn packets<S: Stream>(&self) -> Result<Vec<Vec<u8>>, BodiesError> {
        let mut packets = Vec::new();
        self.encode::<S>(|_, _, packet| {
            packets.push(packet.to_vec());
            Ok(())
        })?;
        Ok(packets)
    }

    /// Decodes packets; gives a sum over what came.
    pub(crate) fn decode<S: Stream>(&self, packets: &[Vec<u8>]) -> Result<i64, BodiesError> {
        let mut receiver = S::begin(&self.frames[0])?;
        let mut sum = 0;
        for (number, packet) in (LAG..).zip(packets) {
            let bodies = receiver.decode(number, packet)?;
            sum += i64::from(bodies[CUBES / 2].position()[0]);
        }
        Ok(sum)
    }
}

fn sum_of(frames: &[Vec<Body>]) -> i64 {
    let places = frames.iter().flatten().map(|body| body.position()[0]);
    places.map(i64::from).sum()
}

/// Eight little-endian integers: largest, its three others, place, whether it interacts.
fn body(bytes: &[u8]) -> Option<Body> {
    let number = |at: usize| bytes.get(4 * at..4 * at + 4)?.try_into().ok();
    let number = |at: usize| Some(i32::from_le_bytes(number(at)?));
    let part = |at: usize| u16::try_from(number(at)?).ok();
    let place = |at: usize| i16::try_from(number(at)?).ok();
    let position = [place(4)?, place(5)?, place(6)?];
    let components = [part(1)?, part(2)?, part(3)?];
    let largest = u8::try_from(number(0)?).ok()?;
    Body::new(position, largest, components, number(7)? != 0).ok()
}
