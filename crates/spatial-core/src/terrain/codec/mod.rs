//! The bytes of a tile: a header, a payload by one of four codecs, and which samples were filled.
//!
//! Every field is checked, nothing may follow, and memory is bounded by the largest legal N before anything is
//! allocated. `docs/terrain.md` describes every byte.

mod archive;
mod between;
mod error;
pub(crate) mod filled;
mod fit;
mod grid;
mod header;
mod hot;
mod parent;
pub(crate) mod payload;
mod rans;
mod residual;
mod rounding;
mod scales;
mod sweep;
mod view;
mod wire;
mod words;

pub use error::TileError;
pub use grid::{HotGrid, decode_grid, encode_grid};
#[cfg(feature = "rocksdb")]
pub(crate) use header::BYTES_MIN;
pub use header::Codec;
pub(crate) use header::{ERROR_UNKNOWN, Header, Parts, checksum_in, verify};
pub(crate) use view::{InPlace, TileView, is_in_place};

pub(super) use filled::{is_map, map_bytes};
pub(crate) use rounding::{ERROR_BOUND_MAX, multiples, restore, rounded};
pub(crate) use words::{u16_at, u32_at, u64_at};

use super::tile::HeightTile;

/// A tile's bytes. `parent` is looked at by the archive codec alone.
pub(super) fn encode(
    tile: &HeightTile,
    codec: Codec,
    parent: Option<&HeightTile>,
) -> Result<Vec<u8>, TileError> {
    let header = tile.header(codec);
    let side = header.side();
    let kept = rounding::multiples(tile.samples(), header.error_bound);
    let payload = match codec {
        Codec::Raw => tile
            .samples()
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect(),
        Codec::Hot => hot::encode(side, &kept),
        Codec::Wire => wire::encode(side, &kept).ok_or(TileError::Residuals)?,
        Codec::Archive => {
            let even = parent::even_samples(&header, parent)?;
            let even = even.map(|even| rounding::multiples(&even, header.error_bound));
            archive::encode(side, &kept, even.as_deref())
        }
    };
    let map = tile.filled().map_or(Ok(Vec::new()), filled::encode)?;
    Ok(header.encode(&payload, &map))
}

/// The tile again.
pub(super) fn decode(bytes: &[u8], parent: Option<&HeightTile>) -> Result<HeightTile, TileError> {
    let Parts {
        header,
        payload,
        filled: map,
    } = Parts::parse(bytes)?;
    verify(bytes)?;
    let mut samples = match (header.version, header.codec) {
        (_, Codec::Raw) => raw_samples(payload),
        (1, _) => {
            let even = parent::even_samples(&header, parent)?;
            residual::decode(header.side(), payload, even.as_deref()).ok_or(TileError::Residuals)?
        }
        (_, Codec::Hot) => hot::decode(header.side(), payload).ok_or(TileError::Residuals)?,
        (_, Codec::Wire) => wire::decode(header.side(), payload).ok_or(TileError::Residuals)?,
        (_, Codec::Archive) => decode_archive(&header, payload, parent)?,
    };
    if header.codec != Codec::Raw {
        rounding::restore(&mut samples, header.error_bound);
    } else if samples
        .iter()
        .any(|v| rounded(*v, header.error_bound) != *v)
    {
        return Err(TileError::ErrorBound(header.error_bound));
    }
    if header::extremes(&samples) != (header.min, header.max) {
        return Err(TileError::Extremes);
    }
    let map = if map.is_empty() {
        None
    } else {
        Some(filled::decode(map, samples.len())?.into())
    };
    Ok(HeightTile::from_parts(&header, samples, map))
}

/// Whether a tile that has been taken apart is decoded with its parent.
pub(crate) fn needs_parent(parts: &Parts<'_>) -> bool {
    let Header {
        version,
        codec,
        cell,
        ..
    } = parts.header;
    match (version, codec) {
        (1, Codec::Archive) => cell.level() > 0,
        (_, Codec::Archive) => archive::needs_parent(parts.payload),
        _ => false,
    }
}

fn decode_archive(
    header: &Header,
    payload: &[u8],
    parent: Option<&HeightTile>,
) -> Result<Vec<i16>, TileError> {
    let even = match archive::needs_parent(payload) {
        false => None,
        true => parent::even_samples(header, parent)?,
    };
    let even = even.map(|even| rounding::multiples(&even, header.error_bound));
    archive::decode(header.side(), payload, even.as_deref()).ok_or(TileError::Residuals)
}

fn raw_samples(payload: &[u8]) -> Vec<i16> {
    payload
        .chunks_exact(2)
        .map(|b| i16::from_le_bytes([b[0], b[1]]))
        .collect()
}

#[cfg(test)]
mod tests;
