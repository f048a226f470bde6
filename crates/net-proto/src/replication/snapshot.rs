//! Snapshot datagrams: their header, and the ids between updates.
//!
//! ```text
//! offset  bytes
//!      0      1  kind: 0x04, or 0x02 in version 2
//!      1      1  baseline: 0 to 3 = epochs back from that of the tick, 255 = none
//!      2      8  tick
//!     10      1  part, counted from 0
//!     11      1  parts, at least 1; at a tick that begins an epoch the parts together are the complete set
//!     12      4  number of the last input applied, 0 before the first
//!     16      2  ticks since the last durable one, 65535 = that many or more
//!     18      2  updates of members of the baseline's set; in version 2 all updates
//!     20      2  whole states (not in version 2)
//!     22         bits: for each member its gap and its update (see member.rs), then for each whole state its id and the
//!                state (see state.rs); in version 2 for each update its id, then its content; padded with zeros
//! ```
//! Members and ids of whole states ascend strictly within a datagram; an id is written as the distance from the one before it (from 0
//! for the first), less 1: a class of 2 bits, then 5, 9, 16 or 64 bits.

use spatial_core::EntityId;

use crate::bits::BitReader;
use crate::bytes::ByteReader;
use crate::error::WireError;
use crate::ids::Epoch;
use crate::limits::{DATAGRAM_BYTES_MAX, EPOCHS_ALIVE};

/// Datagrams of one snapshot, back to back in one buffer that is kept for the next.
#[derive(Debug, Default)]
pub struct Datagrams {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Clone for Datagrams {
    fn clone(&self) -> Self {
        Self {
            bytes: self.bytes.clone(),
            ends: self.ends.clone(),
        }
    }

    /// Into the memory that is there.
    fn clone_from(&mut self, other: &Self) {
        self.bytes.clone_from(&other.bytes);
        self.ends.clone_from(&other.ends);
    }
}

impl Datagrams {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// The datagrams, in order of their parts.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len()).map(|n| &self.bytes[self.start(n)..self.ends[n]])
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Their bytes together.
    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets them; the memory is kept.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Starts anew, lending the bytes to append datagrams to, and where each of them ends.
    pub(super) fn refill(&mut self) -> (&mut Vec<u8>, &mut Vec<usize>) {
        self.clear();
        (&mut self.bytes, &mut self.ends)
    }

    /// Fills in what is known only now: of how many parts each is one.
    pub(super) fn number_parts(&mut self) {
        let parts = u8::try_from(self.ends.len()).expect("the packer stops at PARTS_MAX");
        for part in 0..parts {
            let start = self.start(usize::from(part));
            self.bytes[start + PART_OFFSET] = part;
            self.bytes[start + PART_OFFSET + 1] = parts;
        }
    }

    /// Replaces the number of the last input applied.
    pub(super) fn note_input(&mut self, seq: u32) {
        for part in 0..self.ends.len() {
            let field = self.start(part) + INPUT_OFFSET;
            self.bytes[field..field + 4].copy_from_slice(&seq.to_le_bytes());
        }
    }

    fn start(&self, n: usize) -> usize {
        n.checked_sub(1).map_or(0, |before| self.ends[before])
    }
}

/// How the updates of a snapshot are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Coding {
    /// As version 2 does.
    Plain,
    /// Members against where they are predicted.
    #[default]
    Predicted,
}

impl Coding {
    /// That of a version of the protocol.
    pub(super) fn of_version(version: u16) -> Self {
        match version {
            ..3 => Self::Plain,
            3.. => Self::Predicted,
        }
    }

    pub(super) fn kind(self) -> u8 {
        match self {
            Self::Plain => 0x02,
            Self::Predicted => 0x04,
        }
    }

    /// Length of the header.
    pub(super) fn header_bytes(self) -> usize {
        match self {
            Self::Plain => 20,
            Self::Predicted => 22,
        }
    }
}

/// The head of a snapshot datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) coding: Coding,
    pub(super) tick: u64,
    pub(super) baseline: Option<Epoch>,
    pub(super) part: u8,
    pub(super) parts: u8,
    pub(super) last_input_seq: u32,
    pub(super) durable_lag: u16,
    pub(super) updates: u16, // of members
    pub(super) whole: u16,   // states
}

impl Header {
    /// Appends the header. A baseline is one of the last [`EPOCHS_ALIVE`] epochs before the tick.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let back = self.baseline.zip(Epoch::of_tick(self.tick));
        let back = back.map(|(base, now)| now.number() - base.number());
        debug_assert!(back.is_none_or(|back| (back as usize) < EPOCHS_ALIVE));
        out.push(self.coding.kind());
        out.push(
            back.and_then(|back| u8::try_from(back).ok())
                .unwrap_or(NO_BASELINE),
        );
        out.extend_from_slice(&self.tick.to_le_bytes());
        out.push(self.part);
        out.push(self.parts);
        out.extend_from_slice(&self.last_input_seq.to_le_bytes());
        out.extend_from_slice(&self.durable_lag.to_le_bytes());
        out.extend_from_slice(&self.updates.to_le_bytes());
        if self.coding == Coding::Predicted {
            out.extend_from_slice(&self.whole.to_le_bytes());
        }
    }

    /// Splits a datagram into its header and its updates.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, BitReader<'_>), WireError> {
        if bytes.len() > DATAGRAM_BYTES_MAX {
            return Err(WireError::TooLong(bytes.len()));
        }
        let mut reader = ByteReader::new(bytes);
        let kind = reader.u8()?;
        let coding = [Coding::Plain, Coding::Predicted];
        let coding = coding.into_iter().find(|coding| coding.kind() == kind);
        let coding = coding.ok_or(WireError::Kind(kind))?;
        let back = reader.u8()?;
        let tick = reader.u64()?;
        let header = Self {
            coding,
            tick,
            baseline: baseline(tick, back)?,
            part: reader.u8()?,
            parts: reader.u8()?,
            last_input_seq: reader.u32()?,
            durable_lag: reader.u16()?,
            updates: reader.u16()?,
            whole: match coding {
                Coding::Plain => 0,
                Coding::Predicted => reader.u16()?,
            },
        };
        if header.part >= header.parts {
            return Err(WireError::Field("part"));
        }
        Ok((header, BitReader::new(reader.rest())))
    }
}

fn baseline(tick: u64, back: u8) -> Result<Option<Epoch>, WireError> {
    if back == NO_BASELINE {
        return Ok(None);
    }
    // The set of an epoch cannot be relative to itself.
    let lowest = u8::from(Epoch::starting_at(tick).is_some());
    let epoch = Epoch::of_tick(tick).and_then(|now| now.back(u32::from(back)));
    if back < lowest || usize::from(back) >= EPOCHS_ALIVE || epoch.is_none() {
        return Err(WireError::Field("baseline"));
    }
    Ok(epoch)
}

/// The bits of an id, written as its distance from the id before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdGap {
    class: usize, // index of GAP_BITS
    gap: u64,
}

impl IdGap {
    /// From the id before (0 for the first) to a greater one.
    pub(super) fn new(before: u64, id: EntityId) -> Self {
        debug_assert!(id.0 > before);
        let gap = id.0 - before - 1;
        let class = GAP_BITS
            .iter()
            .position(|&bits| bits == 64 || gap >> bits == 0);
        Self {
            class: class.unwrap_or(GAP_BITS.len() - 1),
            gap,
        }
    }

    pub(super) fn bit_count(self) -> u32 {
        2 + GAP_BITS[self.class]
    }

    /// Its class, and how far; and their bits.
    pub(super) fn fields(self) -> ((u64, u32), (u64, u32)) {
        ((self.class as u64, 2), (self.gap, GAP_BITS[self.class]))
    }

    /// Reads the id that follows `before`.
    pub(super) fn read(reader: &mut BitReader<'_>, before: u64) -> Result<EntityId, WireError> {
        let class = usize::from(reader.read(2)?.to_le_bytes()[0]);
        let gap = reader.read(GAP_BITS[class])?;
        let id = before.checked_add(gap).and_then(|id| id.checked_add(1));
        id.map(EntityId).ok_or(WireError::Field("entity id"))
    }
}

/// More parts cannot be numbered.
pub(super) const PARTS_MAX: usize = 255;

const NO_BASELINE: u8 = 255;
const PART_OFFSET: usize = 10;
const INPUT_OFFSET: usize = 12;
/// Where the header holds the number of updates.
pub(super) const UPDATES_OFFSET: usize = 18;
const GAP_BITS: [u32; 4] = [5, 9, 16, 64];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bits::BitWriter;

    proptest! {
        #[test]
        fn header_round_trip(
            epoch in 1u32..,
            age in 1u32..32, // of the baseline, in ticks: none is its own baseline
            part in 0..u8::MAX,
            numbers in any::<(u32, u16, u16)>(),
        ) {
            let tick = u64::from(epoch) * 8 + u64::from(age % 8);
            let (last_input_seq, durable_lag, updates) = numbers;
            let baseline = Epoch::of_tick(tick).unwrap().back(age / 8);
            let header = Header {
                coding: Coding::Predicted, tick, baseline, part, parts: part + 1, last_input_seq, durable_lag, updates, whole: updates / 2,
            };
            for header in [header, Header { coding: Coding::Plain, whole: 0, ..header }] {
                let mut bytes = Vec::new();
                header.encode(&mut bytes);
                prop_assert_eq!(bytes.len(), header.coding.header_bytes());
                prop_assert_eq!(Header::decode(&bytes).unwrap().0, header);
            }
        }

        #[test]
        fn gap_round_trip(before in 0..u64::MAX, far in any::<u64>(), near in 1u64..70_000) {
            for id in [before + 1 + far % (u64::MAX - before), before.saturating_add(near)] {
                let mut bytes = Vec::new();
                let mut writer = BitWriter::new(&mut bytes);
                let gap = IdGap::new(before, EntityId(id));
                let ((class, class_bits), (far, bits)) = gap.fields();
                writer.write(class, class_bits);
                writer.write(far, bits);
                prop_assert_eq!(writer.bit_count(), gap.bit_count() as usize);
                writer.finish();
                prop_assert_eq!(IdGap::read(&mut BitReader::new(&bytes), before), Ok(EntityId(id)));
            }
        }
    }

    #[test]
    fn illegal_headers_are_refused() {
        let mut bytes = Vec::new();
        let header = Header {
            coding: Coding::Predicted,
            tick: 81,
            baseline: None,
            part: 0,
            parts: 1,
            last_input_seq: 0,
            durable_lag: 0,
            updates: 0,
            whole: 0,
        };
        header.encode(&mut bytes);
        let with = |offset: usize, value: u8| {
            let mut changed = bytes.clone();
            changed[offset] = value;
            Header::decode(&changed).map(|(h, _)| h).unwrap_err()
        };
        assert_eq!(with(0, 1), WireError::Kind(1));
        assert_eq!(with(1, 4), WireError::Field("baseline"));
        assert_eq!(with(11, 0), WireError::Field("part"));
        assert!(Header::decode(&bytes[..21]).is_err());
        assert!(Header::decode(&[2; DATAGRAM_BYTES_MAX + 1]).is_err());
        // A set relative to itself, and an epoch before the first.
        bytes[1] = 0;
        bytes[2] = 80;
        assert_eq!(
            Header::decode(&bytes).unwrap_err(),
            WireError::Field("baseline")
        );
        bytes[1] = 3;
        bytes[2] = 17;
        assert_eq!(
            Header::decode(&bytes).unwrap_err(),
            WireError::Field("baseline")
        );
    }

    #[test]
    fn an_id_beyond_the_last_is_refused() {
        let mut bytes = Vec::new();
        let mut writer = BitWriter::new(&mut bytes);
        writer.write(0, 2);
        writer.write(0, 5);
        writer.finish();
        let read = |before| IdGap::read(&mut BitReader::new(&bytes), before);
        assert_eq!(read(u64::MAX - 1), Ok(EntityId(u64::MAX)));
        assert_eq!(read(u64::MAX), Err(WireError::Field("entity id")));
    }
}
