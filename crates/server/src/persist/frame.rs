//! Journal frames.
//!
//! ```text
//! 0        4      5          13              13+n        21+n
//! ┌────────┬──────┬──────────┬───────────────┬───────────┐
//! │ n: u32 │ kind │ tick u64 │ payload (n B) │ hash: u64 │   hash = xxh3-64(bytes 0..13+n, seed = previous hash)
//! └────────┴──────┴──────────┴───────────────┴───────────┘
//! ```

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Bytes before the payload.
const HEAD_BYTES: usize = 13;
/// Bytes around the payload.
const FRAME_BYTES: usize = HEAD_BYTES + 8;
/// Larger payloads are refused: a damaged length must not make us read far.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 16 << 20;

/// What a frame holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FrameKind {
    /// What the world consumes or states: a journal entry in sim-core's format.
    Entry = 1,
    /// A token was used: its nonce must not be accepted again.
    Login = 2,
    /// Entity ids below a number (u64) are taken, handed out or not.
    Lease = 3,
}

impl FrameKind {
    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Entry),
            2 => Some(Self::Login),
            3 => Some(Self::Lease),
            _ => None,
        }
    }
}

/// One frame, borrowed from its segment.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: FrameKind,
    pub(crate) tick: u64,
    pub(crate) payload: &'a [u8],
}

impl Frame<'_> {
    /// Appends the frame; returns its hash, the chain's next link. `None`, and nothing appended, when the payload is
    /// larger than [`PAYLOAD_BYTES_MAX`].
    pub(crate) fn encode(&self, chain: u64, out: &mut Vec<u8>) -> Option<u64> {
        if self.payload.len() > PAYLOAD_BYTES_MAX {
            return None;
        }
        let start = out.len();
        out.extend_from_slice(&(self.payload.len() as u32).to_le_bytes());
        out.push(self.kind as u8);
        out.extend_from_slice(&self.tick.to_le_bytes());
        out.extend_from_slice(self.payload);
        let hash = xxh3_64_with_seed(&out[start..], chain);
        out.extend_from_slice(&hash.to_le_bytes());
        Some(hash)
    }
}

const UNKNOWN: &str = "a frame is of an unknown kind";
const GOES_BACK: &str = "a frame's tick goes back";

/// Why the bytes at an offset are no frame.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct BadFrame {
    pub(crate) offset: usize,
    pub(crate) what: &'static str,
    /// No torn write: the frame is whole but makes no sense, or a valid frame follows it.
    pub(crate) is_damage: bool,
}

/// Reads frames one after another and follows the chain.
#[derive(Clone, Debug)]
pub(crate) struct Frames<'a> {
    bytes: &'a [u8],
    offset: usize,
    chain: u64,
    tick: u64,
}

impl<'a> Frames<'a> {
    /// Frames in `bytes` from `offset` on, where the chain stands at `chain` and no frame is older than `tick`.
    pub(crate) fn new(bytes: &'a [u8], offset: usize, chain: u64, tick: u64) -> Self {
        Self {
            bytes,
            offset,
            chain,
            tick,
        }
    }

    /// Where the next frame starts: everything before it is valid.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// The hash of the last frame read.
    pub(crate) fn chain(&self) -> u64 {
        self.chain
    }

    /// The next frame; `None` at the end of the bytes.
    pub(crate) fn next(&mut self) -> Option<Result<Frame<'a>, BadFrame>> {
        let rest = &self.bytes[self.offset..];
        if rest.is_empty() {
            return None;
        }
        let offset = self.offset;
        Some(self.read(rest).map_err(|what| BadFrame {
            offset,
            what,
            is_damage: what == UNKNOWN || what == GOES_BACK || self.goes_on(rest),
        }))
    }

    /// Whether a valid frame follows the bad one at the start of `rest`: one write lost its middle or a stored byte
    /// changed. A torn write ends the file.
    fn goes_on(&self, rest: &[u8]) -> bool {
        let Some((head, after)) = rest.split_first_chunk::<HEAD_BYTES>() else {
            return false;
        };
        let [l0, l1, l2, l3, ..] = *head;
        let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let Some((chain, next)) = after.get(len..).and_then(|t| t.split_first_chunk()) else {
            return false;
        };
        // The payload is damaged, or its hash is.
        let computed = xxh3_64_with_seed(&rest[..HEAD_BYTES + len], self.chain);
        len <= PAYLOAD_BYTES_MAX
            && [u64::from_le_bytes(*chain), computed]
                .iter()
                .any(|seed| Frames::new(next, 0, *seed, self.tick).read(next).is_ok())
    }

    fn read(&mut self, rest: &'a [u8]) -> Result<Frame<'a>, &'static str> {
        let (head, after) = rest
            .split_first_chunk::<HEAD_BYTES>()
            .ok_or("a frame's head is cut short")?;
        let [l0, l1, l2, l3, kind, tick @ ..] = *head;
        let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if len > PAYLOAD_BYTES_MAX {
            return Err("a frame's length is impossible");
        }
        if after.len() < len + 8 {
            return Err("a frame is cut short");
        }
        let (payload, tail) = after.split_at(len);
        let stored = u64::from_le_bytes(*tail.first_chunk().ok_or("a frame is cut short")?);
        if xxh3_64_with_seed(&rest[..HEAD_BYTES + len], self.chain) != stored {
            return Err("a frame does not match its hash or the frame before it");
        }
        let kind = FrameKind::from_byte(kind).ok_or(UNKNOWN)?;
        let tick = u64::from_le_bytes(tick);
        if tick < self.tick {
            return Err(GOES_BACK);
        }
        self.tick = tick;
        self.chain = stored;
        self.offset += FRAME_BYTES + len;
        Ok(Frame {
            kind,
            tick,
            payload,
        })
    }
}
