//! The header of a tile, and its checksum.
//!
//! ```text
//!  0  4  magic "BMTL"                 20  4  payload bytes, u32
//!  4  1  version, 2                   24  8  checksum: xxh3-64 of all other bytes
//!  5  1  codec                        32  2  geometric error, u16 quanta; 0xffff unknown
//!  6  2  intervals N, u16             34  2  error bound of the samples, u16 quanta
//!  8  8  cell id, u64                 36  4  bytes of the map of filled samples, u32
//! 16  2  min, i16                     40  …  payload, then that map
//! 18  2  max, i16
//! ```
//! Little-endian throughout. Version 1 ends at byte 32 and has codecs raw and archive alone.

use xxhash_rust::xxh3::Xxh3;

use super::error::TileError;
use super::rounding::ERROR_BOUND_MAX;
use super::words::{u16_at, u32_at, u64_at};
use crate::cell::CellId;
use crate::terrain::lattice::LatticeSpec;

const MAGIC: [u8; 4] = *b"BMTL";
const VERSION: u8 = 2;
pub(crate) const HEADER_BYTES: usize = 40;
/// What both versions have.
pub(crate) const COMMON_BYTES: usize = 32;
pub(crate) const PAYLOAD_BYTES_AT: usize = 20;
const CHECKSUM_AT: usize = 24;
pub(crate) const ERROR_BOUND_AT: usize = 34;

/// How the samples of a tile are written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Codec {
    /// Samples as they are: 2 bytes each.
    Raw = 0,
    /// Any sample is read without decoding the others: 0.8 bytes each on mountains.
    Hot = 1,
    /// Small and fast to decode, needs nothing else.
    Wire = 2,
    /// Smallest; decodes at a third of the speed. May need the decoded parent.
    Archive = 3,
}

impl Codec {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Raw, Self::Hot, Self::Wire, Self::Archive];

    /// Whether samples are read where they lie.
    pub(crate) fn is_read_in_place(self) -> bool {
        matches!(self, Self::Raw | Self::Hot)
    }
}

/// The fields of a tile's header that say what it is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Header {
    pub(crate) version: u8,
    pub(crate) codec: Codec,
    pub(crate) intervals: u16,
    pub(crate) cell: CellId,
    pub(crate) min: i16,
    pub(crate) max: i16,
    pub(crate) geometric_error: u16,
    pub(crate) error_bound: u16,
}

/// A geometric error that nobody has computed.
pub(crate) const ERROR_UNKNOWN: u16 = u16::MAX;

/// A tile's bytes, taken apart.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) header: Header,
    pub(crate) payload: &'a [u8],
    pub(crate) filled: &'a [u8], // compressed map of filled samples; empty: none was
}

impl Header {
    /// The header of samples that are not encoded yet.
    pub(crate) fn of_samples(
        cell: CellId,
        intervals: u16,
        samples: &[i16],
    ) -> Result<Self, TileError> {
        if !LatticeSpec::intervals_are_legal(intervals) {
            return Err(TileError::Intervals(intervals));
        }
        if samples.len() != sample_count(intervals) {
            return Err(TileError::Length);
        }
        let (min, max) = extremes(samples);
        Ok(Self {
            version: VERSION,
            codec: Codec::Raw,
            intervals,
            cell,
            min,
            max,
            geometric_error: ERROR_UNKNOWN,
            error_bound: 0,
        })
    }

    /// Samples along an edge.
    #[inline]
    pub(crate) fn side(&self) -> usize {
        usize::from(self.intervals) + 1
    }

    /// The checksum that names the samples, however they are stored: that of a raw tile of version 1.
    pub(crate) fn checksum_of_samples(&self, samples: &[i16]) -> u64 {
        let mut hash = Xxh3::new();
        let bytes = u32::try_from(2 * samples.len()).expect("at most 33,282");
        hash.update(&self.common(1, Codec::Raw, bytes)[..CHECKSUM_AT]);
        let mut chunk = [0; 256];
        for samples in samples.chunks(chunk.len() / 2) {
            for (to, sample) in chunk.chunks_exact_mut(2).zip(samples) {
                to.copy_from_slice(&sample.to_le_bytes());
            }
            hash.update(&chunk[..2 * samples.len()]);
        }
        hash.digest()
    }

    /// A whole tile of version 2.
    pub(crate) fn encode(&self, payload: &[u8], filled: &[u8]) -> Vec<u8> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("below 128 KiB");
        let mut out = Vec::with_capacity(HEADER_BYTES + payload.len() + filled.len());
        out.extend_from_slice(&self.common(VERSION, self.codec, length(payload)));
        out.extend_from_slice(&self.geometric_error.to_le_bytes());
        out.extend_from_slice(&self.error_bound.to_le_bytes());
        out.extend_from_slice(&length(filled).to_le_bytes());
        out.extend_from_slice(payload);
        out.extend_from_slice(filled);
        let checksum = checksum_of(&out);
        out[CHECKSUM_AT..COMMON_BYTES].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// What both versions have, the checksum still 0.
    fn common(&self, version: u8, codec: Codec, payload_bytes: u32) -> [u8; COMMON_BYTES] {
        let mut out = [0; COMMON_BYTES];
        out[0..4].copy_from_slice(&MAGIC);
        out[4..6].copy_from_slice(&[version, codec as u8]);
        out[6..8].copy_from_slice(&self.intervals.to_le_bytes());
        out[8..16].copy_from_slice(&self.cell.to_u64().to_le_bytes());
        out[16..18].copy_from_slice(&self.min.to_le_bytes());
        out[18..20].copy_from_slice(&self.max.to_le_bytes());
        out[20..24].copy_from_slice(&payload_bytes.to_le_bytes());
        out
    }

    fn check(&self) -> Result<(), TileError> {
        if !LatticeSpec::intervals_are_legal(self.intervals) {
            return Err(TileError::Intervals(self.intervals));
        }
        if self.cell.level() >= *LatticeSpec::LEVELS.end() {
            return Err(TileError::Cell);
        }
        if self.min > self.max {
            return Err(TileError::Extremes);
        }
        if self.error_bound > ERROR_BOUND_MAX {
            return Err(TileError::ErrorBound(self.error_bound));
        }
        Ok(())
    }
}

impl<'a> Parts<'a> {
    /// Reads and checks the header; payload and map are as long as it says. The checksum is not verified.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, TileError> {
        let (head, rest) = bytes
            .split_first_chunk::<COMMON_BYTES>()
            .ok_or(TileError::Length)?;
        if head[0..4] != MAGIC {
            return Err(TileError::Magic);
        }
        let version = head[4];
        let (extension, rest) = match version {
            1 => (None, rest),
            VERSION => rest
                .split_first_chunk::<8>()
                .map(|(e, rest)| (Some(e), rest))
                .ok_or(TileError::Length)?,
            _ => return Err(TileError::Version(version)),
        };
        let header = Header {
            version,
            codec: codec_of(version, head[5])?,
            intervals: u16_at(head, 6),
            cell: CellId::new(u64_at(head, 8)).map_err(|_| TileError::Cell)?,
            min: u16_at(head, 16) as i16,
            max: u16_at(head, 18) as i16,
            geometric_error: extension.map_or(ERROR_UNKNOWN, |e| u16_at(e, 0)),
            error_bound: extension.map_or(0, |e| u16_at(e, 2)),
        };
        header.check()?;
        let payload_bytes = u32_at(head, 20) as usize;
        let (payload, filled) = rest
            .split_at_checked(payload_bytes)
            .ok_or(TileError::Length)?;
        let raw_length_is_wrong =
            header.codec == Codec::Raw && payload.len() != 2 * sample_count(header.intervals);
        if filled.len() != extension.map_or(0, |e| u32_at(e, 4) as usize) || raw_length_is_wrong {
            return Err(TileError::Length);
        }
        Ok(Self {
            header,
            payload,
            filled,
        })
    }
}

fn codec_of(version: u8, number: u8) -> Result<Codec, TileError> {
    match (version, number) {
        (_, 0) => Ok(Codec::Raw),
        (1, 1) | (2, 3) => Ok(Codec::Archive),
        (2, 1) => Ok(Codec::Hot),
        (2, 2) => Ok(Codec::Wire),
        _ => Err(TileError::Codec(number)),
    }
}

/// The checksum that an encoded tile carries.
///
/// # Errors
/// [`TileError::Length`] when there is no header.
pub(crate) fn checksum_in(bytes: &[u8]) -> Result<u64, TileError> {
    if bytes.len() < COMMON_BYTES {
        return Err(TileError::Length);
    }
    Ok(u64_at(bytes, CHECKSUM_AT))
}

/// Compares the checksum of an encoded tile with the bytes; the checksum.
///
/// # Errors
/// [`TileError::Checksum`] when they differ, [`TileError::Length`] when there is no header.
pub(crate) fn verify(bytes: &[u8]) -> Result<u64, TileError> {
    let checksum = checksum_in(bytes)?;
    if checksum == checksum_of(bytes) {
        Ok(checksum)
    } else {
        Err(TileError::Checksum)
    }
}

fn checksum_of(bytes: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&bytes[..CHECKSUM_AT]);
    hash.update(&bytes[COMMON_BYTES..]);
    hash.digest()
}

/// Samples of a tile.
pub(crate) fn sample_count(intervals: u16) -> usize {
    let side = usize::from(intervals) + 1;
    side * side
}

/// The least number of bytes of an encoded tile.
#[cfg(feature = "rocksdb")]
pub(crate) const BYTES_MIN: u64 = COMMON_BYTES as u64;

pub(crate) fn extremes(samples: &[i16]) -> (i16, i16) {
    samples
        .iter()
        .fold((i16::MAX, i16::MIN), |(lo, hi), v| (lo.min(*v), hi.max(*v)))
}
