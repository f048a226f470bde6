//! The bytes of a tile.
//!
//! ```text
//!  0  4  magic "BMTL"            16  2  min, i16
//!  4  1  version, 1              18  2  max, i16
//!  5  1  codec: 0 raw, 1 archive 20  4  payload bytes, u32
//!  6  2  intervals N, u16        24  8  checksum: xxh3-64 of all other bytes
//!  8  8  cell id, u64            32  …  payload
//! raw      (N+1)² samples, i16, index = j·(N+1) + i
//! archive  one zstd frame of two planes: low bytes, then high bytes of the residuals
//! ```
//! Little-endian throughout. Every field is checked, nothing may follow, and memory is bounded by the largest legal N
//! before anything is allocated. A tile has one raw encoding; of the archive encoding only the residuals are unique:
//! zstd has many frames for the same bytes, and any of them is accepted.

use xxhash_rust::xxh3::Xxh3;
use zstd::bulk;
use zstd::zstd_safe;

use super::lattice::{LatticeSpec, column_row};
use super::residual;
use super::tile::HeightTile;
use crate::cell::CellId;

const MAGIC: [u8; 4] = *b"BMTL";
const VERSION: u8 = 1;
/// Samples as they are.
pub(crate) const CODEC_RAW: u8 = 0;
/// Residuals against the parent, compressed.
pub(crate) const CODEC_ARCHIVE: u8 = 1;
const HEADER_BYTES: usize = 32;
const CHECKSUM_AT: usize = 24;
/// Slowest level without a larger window: 2.5 % smaller than level 3, and nobody waits for it.
const ZSTD_LEVEL: i32 = 19;

/// The fields of a tile's header that say what it is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Header {
    pub(crate) codec: u8,
    pub(crate) intervals: u16,
    pub(crate) cell: CellId,
    pub(crate) min: i16,
    pub(crate) max: i16,
}

impl Header {
    /// The header of raw samples.
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
            codec: CODEC_RAW,
            intervals,
            cell,
            min,
            max,
        })
    }

    /// Reads and checks the header; the payload is as long as it says. The checksum is not verified.
    pub(crate) fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), TileError> {
        let (head, payload) = bytes
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or(TileError::Length)?;
        if head[0..4] != MAGIC {
            return Err(TileError::Magic);
        }
        if head[4] != VERSION {
            return Err(TileError::Version(head[4]));
        }
        let header = Self {
            codec: head[5],
            intervals: u16::from_le_bytes([head[6], head[7]]),
            cell: CellId::new(u64_at(head, 8)).map_err(|_| TileError::Cell)?,
            min: i16::from_le_bytes([head[16], head[17]]),
            max: i16::from_le_bytes([head[18], head[19]]),
        };
        header.check(
            u32::from_le_bytes([head[20], head[21], head[22], head[23]]),
            payload,
        )?;
        Ok((header, payload))
    }

    fn check(&self, declared: u32, payload: &[u8]) -> Result<(), TileError> {
        if self.codec > CODEC_ARCHIVE {
            return Err(TileError::Codec(self.codec));
        }
        if !LatticeSpec::intervals_are_legal(self.intervals) {
            return Err(TileError::Intervals(self.intervals));
        }
        let raw_length_is_wrong =
            self.codec == CODEC_RAW && payload.len() != 2 * sample_count(self.intervals);
        if declared as usize != payload.len() || raw_length_is_wrong {
            return Err(TileError::Length);
        }
        if self.cell.level() >= *LatticeSpec::LEVELS.end() {
            return Err(TileError::Cell);
        }
        if self.min > self.max {
            return Err(TileError::Extremes);
        }
        Ok(())
    }

    /// The checksum that the raw encoding of these samples carries.
    pub(crate) fn raw_checksum(&self, samples: &[i16]) -> u64 {
        let raw = Self {
            codec: CODEC_RAW,
            ..*self
        };
        u64_at(&raw.encode(&to_bytes(samples)), CHECKSUM_AT)
    }

    fn encode(&self, payload: &[u8]) -> Vec<u8> {
        let payload_bytes = u32::try_from(payload.len()).expect("a payload is below 128 KiB");
        let mut out = Vec::with_capacity(HEADER_BYTES + payload.len());
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[VERSION, self.codec]);
        out.extend_from_slice(&self.intervals.to_le_bytes());
        out.extend_from_slice(&self.cell.to_u64().to_le_bytes());
        out.extend_from_slice(&self.min.to_le_bytes());
        out.extend_from_slice(&self.max.to_le_bytes());
        out.extend_from_slice(&payload_bytes.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(payload);
        let checksum = checksum_of(&out);
        out[CHECKSUM_AT..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
        out
    }
}

/// Bytes of an encoded raw tile.
#[cfg(feature = "rocksdb")]
pub(crate) fn raw_bytes(intervals: u16) -> u64 {
    (HEADER_BYTES + 2 * sample_count(intervals)) as u64
}

/// The samples of an encoded raw tile that has been checked before, as bytes.
#[inline(always)]
pub(crate) fn raw_payload(bytes: &[u8]) -> &[u8] {
    &bytes[HEADER_BYTES..]
}

/// Compares the checksum of an encoded tile with the bytes.
///
/// # Errors
/// [`TileError::Checksum`] when they differ, [`TileError::Length`] when there is no header.
pub(crate) fn verify(bytes: &[u8]) -> Result<(), TileError> {
    if bytes.len() < HEADER_BYTES {
        return Err(TileError::Length);
    }
    if u64_at(bytes, CHECKSUM_AT) == checksum_of(bytes) {
        Ok(())
    } else {
        Err(TileError::Checksum)
    }
}

pub(crate) fn encode_raw(tile: &HeightTile) -> Vec<u8> {
    header_of(tile, CODEC_RAW).encode(&to_bytes(tile.samples()))
}

pub(crate) fn encode_archive(
    tile: &HeightTile,
    parent: Option<&HeightTile>,
) -> Result<Vec<u8>, TileError> {
    let header = header_of(tile, CODEC_ARCHIVE);
    let even = even_samples(&header, parent)?;
    let planes = residual::residuals(side(header.intervals), tile.samples(), even.as_deref());
    let payload = bulk::compress(&planes, ZSTD_LEVEL).map_err(|_| TileError::Residuals)?;
    Ok(header.encode(&payload))
}

pub(crate) fn decode(bytes: &[u8], parent: Option<&HeightTile>) -> Result<HeightTile, TileError> {
    let (header, payload) = Header::parse(bytes)?;
    verify(bytes)?;
    let samples = match header.codec {
        CODEC_RAW => from_bytes(payload),
        _ => decode_residuals(&header, payload, parent)?,
    };
    if extremes(&samples) != (header.min, header.max) {
        return Err(TileError::Extremes);
    }
    let checksum = match header.codec {
        CODEC_RAW => u64_at(bytes, CHECKSUM_AT),
        _ => header.raw_checksum(&samples),
    };
    Ok(HeightTile::from_parts(&header, checksum, samples))
}

fn decode_residuals(
    header: &Header,
    payload: &[u8],
    parent: Option<&HeightTile>,
) -> Result<Vec<i16>, TileError> {
    let even = even_samples(header, parent)?;
    let byte_count = residual::byte_count(side(header.intervals), even.is_some());
    // One frame and nothing behind it: zstd itself would accept more frames.
    if zstd_safe::find_frame_compressed_size(payload) != Ok(payload.len()) {
        return Err(TileError::Residuals);
    }
    let planes = bulk::decompress(payload, byte_count).map_err(|_| TileError::Residuals)?;
    if planes.len() != byte_count {
        return Err(TileError::Residuals);
    }
    Ok(residual::samples(
        side(header.intervals),
        &planes,
        even.as_deref(),
    ))
}

/// The parent's samples at the even positions of a tile; `None` at level 0.
fn even_samples(
    header: &Header,
    parent: Option<&HeightTile>,
) -> Result<Option<Vec<i16>>, TileError> {
    let level = header.cell.level();
    let Some(parent) = parent else {
        return if level == 0 {
            Ok(None)
        } else {
            Err(TileError::Parent)
        };
    };
    let fits = level > 0
        && parent.cell() == header.cell.parent(level - 1)
        && parent.intervals() == header.intervals;
    if !fits {
        return Err(TileError::Parent);
    }
    let half = usize::from(header.intervals) / 2;
    let (column, row) = column_row(header.cell);
    let i0 = half * (column & 1) as usize;
    let j0 = half * (row & 1) as usize;
    let rows = (0..=half).flat_map(|j| (0..=half).map(move |i| (i0 + i, j0 + j)));
    Ok(Some(rows.map(|(i, j)| parent.sample(i, j)).collect()))
}

fn header_of(tile: &HeightTile, codec: u8) -> Header {
    Header {
        codec,
        intervals: tile.intervals(),
        cell: tile.cell(),
        min: tile.min(),
        max: tile.max(),
    }
}

fn side(intervals: u16) -> usize {
    usize::from(intervals) + 1
}

fn sample_count(intervals: u16) -> usize {
    side(intervals) * side(intervals)
}

fn extremes(samples: &[i16]) -> (i16, i16) {
    samples
        .iter()
        .fold((i16::MAX, i16::MIN), |(lo, hi), v| (lo.min(*v), hi.max(*v)))
}

fn to_bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn from_bytes(payload: &[u8]) -> Vec<i16> {
    payload
        .chunks_exact(2)
        .map(|b| i16::from_le_bytes([b[0], b[1]]))
        .collect()
}

fn checksum_of(bytes: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&bytes[..CHECKSUM_AT]);
    hash.update(&bytes[HEADER_BYTES..]);
    hash.digest()
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

/// Why bytes are not a tile, or samples not one that can be encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TileError {
    /// Too few or too many bytes or samples.
    #[error("wrong length: truncated, or not a tile")]
    Length,
    /// The first bytes are not those of a tile.
    #[error("wrong magic: not a tile")]
    Magic,
    /// A version that this program does not know.
    #[error("tile version {0} is not 1: made by another version of the program")]
    Version(u8),
    /// A codec that this program does not know, or not the one that must be here.
    #[error("tile codec {0} is unknown, or not the one expected here")]
    Codec(u8),
    /// The checksum does not match.
    #[error("checksum mismatch: the bytes are damaged")]
    Checksum,
    /// The cell id is none, or too fine for a tile.
    #[error("the tile names no legal cell")]
    Cell,
    /// The number of intervals is not legal.
    #[error("{0} intervals along a tile are not legal")]
    Intervals(u16),
    /// The stored extremes are not those of the samples.
    #[error("stored minimum and maximum are not those of the samples")]
    Extremes,
    /// The residuals do not decompress to the right number of bytes.
    #[error("residuals do not decode")]
    Residuals,
    /// An archive tile was given the wrong parent, or none.
    #[error("the tile's parent is needed and was not given")]
    Parent,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (HeightTile, HeightTile) {
        let child = CellId::from_face_ij(3, 3 << 28, 1 << 28, 2);
        let wave = |scale: usize, i0: usize, j0: usize| {
            let at = move |i: usize, j: usize| (scale * i + i0) * 31 % 997 + (scale * j + j0) * 7;
            (0..17 * 17)
                .map(move |k| at(k % 17, k / 17) as i16 - 500)
                .collect()
        };
        // The child lies in column 1, row 1 of its parent.
        let parent = HeightTile::new(child.parent(1), 16, wave(2, 0, 0)).unwrap();
        (HeightTile::new(child, 16, wave(1, 16, 16)).unwrap(), parent)
    }

    #[test]
    fn round_trips() {
        let (child, parent) = pair();
        let raw = child.encode_raw();
        assert_eq!(raw.len(), 32 + 2 * 17 * 17);
        assert_eq!(HeightTile::decode(&raw, None).as_ref(), Ok(&child));
        assert_eq!(u64_at(&raw, CHECKSUM_AT), child.checksum());
        let archive = child.encode_archive(Some(&parent)).unwrap();
        assert_eq!(
            HeightTile::decode(&archive, Some(&parent)).as_ref(),
            Ok(&child)
        );
        assert_eq!(HeightTile::decode(&archive, None), Err(TileError::Parent));
        assert_eq!(
            HeightTile::decode(&archive, Some(&child)),
            Err(TileError::Parent)
        );
        let root = HeightTile::new(child.cell().parent(0), 16, child.samples().to_vec()).unwrap();
        let archive = root.encode_archive(None).unwrap();
        assert_eq!(HeightTile::decode(&archive, None), Ok(root));
    }

    #[test]
    fn every_flip_and_every_cut_is_refused() {
        let (child, parent) = pair();
        for bytes in [
            child.encode_raw(),
            child.encode_archive(Some(&parent)).unwrap(),
        ] {
            for at in 0..bytes.len() {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << (at % 8);
                assert!(
                    HeightTile::decode(&bad, Some(&parent)).is_err(),
                    "byte {at}"
                );
                assert!(
                    HeightTile::decode(&bytes[..at], Some(&parent)).is_err(),
                    "cut {at}"
                );
            }
            let longer = [&bytes[..], &[0]].concat();
            assert_eq!(
                HeightTile::decode(&longer, Some(&parent)),
                Err(TileError::Length)
            );
        }
    }

    /// Bytes with a right checksum are still not trusted.
    #[test]
    fn hostile_bytes_are_refused() {
        let (child, parent) = pair();
        let sealed = |mut bytes: Vec<u8>| {
            let checksum = checksum_of(&bytes);
            bytes[CHECKSUM_AT..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
            HeightTile::decode(&bytes, Some(&parent))
        };
        let edit = |at: usize, value: u8| {
            let mut bytes = child.encode_raw();
            bytes[at] = value;
            sealed(bytes)
        };
        assert_eq!(edit(0, b'X'), Err(TileError::Magic));
        assert_eq!(edit(4, 2), Err(TileError::Version(2)));
        assert_eq!(edit(5, 9), Err(TileError::Codec(9)));
        assert_eq!(edit(6, 17), Err(TileError::Intervals(17)));
        assert_eq!(edit(15, 0xff), Err(TileError::Cell));
        assert_eq!(edit(19, 0x7f), Err(TileError::Extremes));
        assert_eq!(edit(20, 1), Err(TileError::Length));
        let header = header_of(&child, CODEC_ARCHIVE);
        let planes = residual::byte_count(17, true);
        for size in [0, planes - 1, planes + 1, 1 << 20] {
            let bomb = bulk::compress(&vec![0; size], 3).unwrap();
            let got = HeightTile::decode(&header.encode(&bomb), Some(&parent));
            assert_eq!(got, Err(TileError::Residuals), "{size}");
        }
        let frame = bulk::compress(&vec![0; planes], 3).unwrap();
        let twice = [&frame[..], &bulk::compress(&[], 3).unwrap()].concat();
        let got = HeightTile::decode(&header.encode(&twice), Some(&parent));
        assert_eq!(got, Err(TileError::Residuals));
    }
}
