//! The bytes of a client tile, which `docs/terrain.md` draws under "Nodes and client tiles".

use xxhash_rust::xxh3::Xxh3;

use super::grid;
use super::tile::ClientTile;
use crate::cell::CellId;
use crate::terrain::{
    Codec, ERROR_BOUND_MAX, LatticeSpec, TileError, column_row, filled, halfway, multiples,
    payload, restore, rounded, u16_at, u32_at, u64_at,
};

const MAGIC: [u8; 4] = *b"BMCT";
const VERSION: u8 = 1;
const CHECKSUM: core::ops::Range<usize> = 23..27;
const HEADER_BYTES: usize = 29;
/// In the field of the error bound, above all legal ones: samples are no multiples of its step, but written as they are.
const AS_THEY_ARE: u16 = 1 << 15;
/// Behind a payload "with the parent": the low half of the checksum of the parent's samples.
const PARENT_BYTES: usize = 4;

impl ClientTile {
    /// The tile's bytes, by the wire or the archive codec. With its parent's client tile, which a client that has drawn
    /// coarser ground keeps, the archive codec sends only what the parent lacks, if that is less; then the parent is needed for
    /// decoding. Costs half a millisecond or more.
    ///
    /// # Errors
    /// [`TileError::Codec`] for another codec; [`TileError::Parent`] when the parent is not the tile's.
    pub fn encode(&self, codec: Codec, parent: Option<&Self>) -> Result<Vec<u8>, TileError> {
        if let Some(parent) = parent {
            require_parent(self.cell, self.intervals, parent)?;
        }
        let side = grid::side(self.intervals);
        let kept = multiples(&self.samples, self.bound_of_multiples());
        let alone = payload::encode_alone(codec, side, &kept)?;
        let lacking = match parent {
            Some(parent) if codec == Codec::Archive => self.beyond(parent)?,
            _ => None,
        };
        let payload = match lacking {
            Some(lacking) if lacking.len() < alone.len() => lacking,
            _ => alone,
        };
        let map = self
            .filled
            .as_deref()
            .map_or(Ok(Vec::new()), filled::encode)?;
        Ok(self.with_header(codec, &payload, &map))
    }

    /// Whether bytes can only be decoded with the parent's client tile. Only their first are looked at.
    ///
    /// # Errors
    /// [`TileError`] for bytes that do not begin as a client tile.
    pub fn needs_parent(bytes: &[u8]) -> Result<bool, TileError> {
        let (_, kept) = Self::header_of(bytes)?;
        Ok(payload::needs_even(kept.codec, &bytes[HEADER_BYTES..]))
    }

    /// The error bound whose multiples all samples are: the tile's, or 0 where ground of several bounds meets.
    fn bound_of_multiples(&self) -> u16 {
        let bound = self.error_bound;
        let keeps = self.samples.iter().all(|v| rounded(*v, bound) == *v);
        if keeps { bound } else { 0 }
    }

    /// The payload of what the parent lacks, and which parent; `None` when the samples of both do not agree.
    fn beyond(&self, parent: &Self) -> Result<Option<Vec<u8>>, TileError> {
        let mut wide = widened(self.cell, self.intervals, parent)?;
        let (side, wide_side) = (grid::side(self.intervals), wide.len().isqrt());
        for (row, own) in wide
            .chunks_mut(wide_side)
            .skip(1)
            .zip(self.samples.chunks(side))
        {
            row[1..=side].copy_from_slice(own);
        }
        let even = even_of(self.cell, self.intervals, parent)?;
        let rows = wide.chunks(wide_side).step_by(2);
        if !rows.flat_map(|row| row.iter().step_by(2)).eq(even.iter()) {
            return Ok(None);
        }
        let kept = multiples(&wide, self.bound_of_multiples());
        let mut out = payload::encode_between(wide_side, &kept);
        out.extend(parent.checksum_of_samples().to_le_bytes());
        Ok(Some(out))
    }

    /// A tile from its bytes. Memory is bounded by the largest tile whatever they say.
    ///
    /// # Errors
    /// [`TileError`] for bytes that are not a sound client tile and nothing else; [`TileError::Parent`] when it was written
    /// with its parent and this is not it: another cell's, or one with other samples, of another planet or an older one.
    pub fn decode(bytes: &[u8], parent: Option<&Self>) -> Result<Self, TileError> {
        let (mut tile, kept) = Self::header_of(bytes)?;
        let map_bytes = usize::from(u16_at(bytes, 27));
        let body = &bytes[HEADER_BYTES..];
        let middle = body.len().checked_sub(map_bytes).ok_or(TileError::Length)?;
        let (coded, map) = body.split_at(middle);
        if checksum_of(bytes) != u32_at(bytes, CHECKSUM.start) {
            return Err(TileError::Checksum);
        }
        tile.samples = tile.samples_of(kept, coded, parent)?;
        let (min, max) = tile.own_extremes();
        if min < tile.min || tile.max < max {
            return Err(TileError::Extremes);
        }
        let mut repeated = grid::repeated(tile.cell, tile.intervals);
        if repeated.any(|[a, b, c]| {
            tile.samples[a] != tile.samples[b] || tile.samples[a] != tile.samples[c]
        }) {
            return Err(TileError::Residuals);
        }
        if !map.is_empty() {
            let side = usize::from(tile.intervals) + 1;
            tile.filled = Some(filled::decode(map, side * side)?.into());
        }
        Ok(tile)
    }

    fn samples_of(
        &self,
        Kept { codec, bound }: Kept,
        coded: &[u8],
        parent: Option<&Self>,
    ) -> Result<Vec<i16>, TileError> {
        let side = grid::side(self.intervals);
        let decoded = if payload::needs_even(codec, coded) {
            let parent = parent.ok_or(TileError::Parent)?;
            let (coded, which) = coded
                .split_last_chunk::<PARENT_BYTES>()
                .ok_or(TileError::Length)?;
            let even = even_of(self.cell, self.intervals, parent)?;
            if u32::from_le_bytes(*which) != parent.checksum_of_samples() {
                return Err(TileError::Parent);
            }
            let even = multiples(&even, bound);
            let wide = payload::decode(codec, side + 2, coded, Some(&even));
            wide.map(|wide| {
                let rows = wide.chunks(side + 2).skip(1).take(side);
                rows.flat_map(|row| &row[1..=side]).copied().collect()
            })
        } else {
            payload::decode(codec, side, coded, None)
        };
        let mut samples = decoded.ok_or(TileError::Residuals)?;
        restore(&mut samples, bound);
        Ok(samples)
    }

    fn with_header(&self, codec: Codec, payload: &[u8], map: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES + payload.len() + map.len());
        let map_bytes = u16::try_from(map.len()).expect("at most a bit a sample and zstd's header");
        out.extend(MAGIC);
        out.extend([VERSION, codec as u8, self.intervals as u8]);
        out.extend(self.cell.to_u64().to_le_bytes());
        out.extend(self.min.to_le_bytes());
        out.extend(self.max.to_le_bytes());
        out.extend(self.geometric_error.to_le_bytes());
        let is_multiple = self.bound_of_multiples() == self.error_bound;
        let as_they_are = if is_multiple { 0 } else { AS_THEY_ARE };
        out.extend((self.error_bound | as_they_are).to_le_bytes());
        out.extend([0; CHECKSUM.end - CHECKSUM.start]);
        out.extend(map_bytes.to_le_bytes());
        out.extend_from_slice(payload);
        out.extend_from_slice(map);
        let checksum = checksum_of(&out);
        out[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// The low half of the checksum of all samples, those around the tile too.
    fn checksum_of_samples(&self) -> u32 {
        let mut hash = Xxh3::new();
        self.samples
            .iter()
            .for_each(|v| hash.update(&v.to_le_bytes()));
        hash.digest() as u32
    }

    /// The tile that a header speaks of, still without samples, and how they are kept.
    fn header_of(bytes: &[u8]) -> Result<(Self, Kept), TileError> {
        let head = bytes
            .first_chunk::<HEADER_BYTES>()
            .ok_or(TileError::Length)?;
        if head[0..4] != MAGIC {
            return Err(TileError::Magic);
        }
        if head[4] != VERSION {
            return Err(TileError::ClientVersion(head[4]));
        }
        let codec = [Codec::Wire, Codec::Archive]
            .into_iter()
            .find(|codec| *codec as u8 == head[5]);
        let codec = codec.ok_or(TileError::Codec(head[5]))?;
        let bound = u16_at(head, 21);
        let tile = Self {
            cell: CellId::new(u64_at(head, 7)).map_err(|_| TileError::Cell)?,
            intervals: u16::from(head[6]),
            min: u16_at(head, 15) as i16,
            max: u16_at(head, 17) as i16,
            geometric_error: u16_at(head, 19),
            error_bound: bound & !AS_THEY_ARE,
            samples: Vec::new(),
            filled: None,
        };
        if !grid::intervals_are_legal(tile.intervals) {
            return Err(TileError::Intervals(tile.intervals));
        }
        if tile.cell.level() > *LatticeSpec::LEVELS.end() {
            return Err(TileError::Cell);
        }
        if tile.error_bound > ERROR_BOUND_MAX {
            return Err(TileError::ErrorBound(tile.error_bound));
        }
        let bound = if bound & AS_THEY_ARE == 0 { bound } else { 0 };
        Ok((tile, Kept { codec, bound }))
    }
}

/// How samples are kept: by which codec, as multiples of which error bound's step.
#[derive(Clone, Copy)]
struct Kept {
    codec: Codec,
    bound: u16,
}

fn require_parent(cell: CellId, intervals: u16, parent: &ClientTile) -> Result<(), TileError> {
    let fits = cell.level() > 0
        && parent.cell == cell.parent(cell.level() - 1)
        && parent.intervals == intervals;
    if fits { Ok(()) } else { Err(TileError::Parent) }
}

/// The parent's samples at the even places of a tile's square with a ring of two, row by row.
fn even_of(cell: CellId, intervals: u16, parent: &ClientTile) -> Result<Vec<i16>, TileError> {
    require_parent(cell, intervals, parent)?;
    let (column, row) = column_row(cell);
    let half = i32::from(intervals / 2);
    let from = |k: u32| half * (k & 1) as i32 - 1;
    let (i0, j0) = (from(column), from(row));
    let places = (0..half + 3).flat_map(|j| (0..half + 3).map(move |i| (i0 + i, j0 + j)));
    Ok(places.map(|(i, j)| parent.sample(i, j)).collect())
}

/// A square with a ring of two around a tile that holds what the parent has: its samples at even places, and on the outermost line
/// halves between them, which cost nothing much and are thrown away. The rest is 0.
fn widened(cell: CellId, intervals: u16, parent: &ClientTile) -> Result<Vec<i16>, TileError> {
    let even = even_of(cell, intervals, parent)?;
    let side = grid::side(intervals) + 2;
    let mut wide = vec![0; side * side];
    for (k, v) in even.iter().enumerate() {
        let half = side / 2 + 1;
        wide[2 * (k / half) * side + 2 * (k % half)] = *v;
    }
    for k in (1..side).step_by(2) {
        for (at, along) in [
            (k, 1),
            ((side - 1) * side + k, 1),
            (k * side, side),
            (k * side + side - 1, side),
        ] {
            wide[at] = halfway(wide[at - along], wide[at + along]);
        }
    }
    Ok(wide)
}

fn checksum_of(bytes: &[u8]) -> u32 {
    let mut hash = Xxh3::new();
    hash.update(&bytes[..CHECKSUM.start]);
    hash.update(&bytes[CHECKSUM.end..]);
    hash.digest() as u32
}
