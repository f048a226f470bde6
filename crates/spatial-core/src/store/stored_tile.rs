//! A tile where it lies.

use std::path::Path;
use std::sync::Arc;

use super::StoreError;
use super::index::TileIndex;
use crate::cell::CellId;
use crate::terrain::{
    CODEC_RAW, Header, HeightTile, LatticeSpec, RawTile, TileError, bilinear, column_row, local,
    verify,
};

/// A tile of a store: bytes inside a mapped file, or decoded in memory.
pub struct StoredTile<'a>(Place<'a>);

enum Place<'a> {
    Decoded(Arc<HeightTile>),
    Mapped(&'a [u8]), // a raw tile that has been verified
    #[cfg(feature = "rocksdb")]
    Pinned(rocksdb::DBPinnableSlice<'a>), // likewise
}

impl<'a> StoredTile<'a> {
    pub(crate) fn decoded(tile: Arc<HeightTile>) -> Self {
        Self(Place::Decoded(tile))
    }

    /// Bytes that [`check_raw`] has accepted.
    pub(crate) fn mapped(bytes: &'a [u8]) -> Self {
        Self(Place::Mapped(bytes))
    }

    /// Bytes that [`check_raw`] has accepted.
    #[cfg(feature = "rocksdb")]
    pub(crate) fn pinned(bytes: rocksdb::DBPinnableSlice<'a>) -> Self {
        Self(Place::Pinned(bytes))
    }

    /// The encoded bytes, if the tile was not decoded: they lie in the file's mapping.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Place::Decoded(_) => None,
            Place::Mapped(bytes) => Some(bytes),
            #[cfg(feature = "rocksdb")]
            Place::Pinned(bytes) => Some(bytes),
        }
    }

    /// The height at (s, t) of the tile's face, metres. The same bits as [`HeightTile::height_m`], without decoding.
    ///
    /// # Errors
    /// [`TileError`] when the file was changed after the tile was verified.
    pub fn height_m(&self, spec: &LatticeSpec, face: u8, s: f64, t: f64) -> Result<f64, TileError> {
        match &self.0 {
            Place::Decoded(tile) => Ok(tile.height_m(spec, face, s, t)),
            Place::Mapped(bytes) => raw_height_m(bytes, spec, s, t),
            #[cfg(feature = "rocksdb")]
            Place::Pinned(bytes) => raw_height_m(bytes, spec, s, t),
        }
    }

    /// The tile decoded.
    ///
    /// # Errors
    /// As [`StoredTile::height_m`].
    pub fn to_tile(&self) -> Result<Arc<HeightTile>, TileError> {
        match &self.0 {
            Place::Decoded(tile) => Ok(Arc::clone(tile)),
            Place::Mapped(bytes) => Ok(Arc::new(HeightTile::decode(bytes, None)?)),
            #[cfg(feature = "rocksdb")]
            Place::Pinned(bytes) => Ok(Arc::new(HeightTile::decode(bytes, None)?)),
        }
    }
}

fn raw_height_m(bytes: &[u8], spec: &LatticeSpec, s: f64, t: f64) -> Result<f64, TileError> {
    let raw = RawTile::parse(bytes)?;
    let (intervals, level) = (raw.header.intervals, raw.header.cell.level());
    let (column, row) = column_row(raw.header.cell);
    let x = local(s, level, column, intervals);
    let y = local(t, level, row, intervals);
    let value = bilinear(intervals, x, y, |index| raw.sample(index));
    Ok(spec.height_m(value))
}

/// Accepts the bytes of a raw tile of this cell, verifying the checksum unless that was done before.
/// `false` of a sound tile in the archive encoding, which is not verified.
pub(crate) fn check_raw(
    bytes: &[u8],
    cell: CellId,
    (index, slot): (&TileIndex, usize),
    (file, spec): (&Path, &LatticeSpec),
) -> Result<bool, StoreError> {
    let refused = |e| StoreError::tile(file, cell, e);
    let (header, _) = Header::parse(bytes).map_err(refused)?;
    if header.cell != cell {
        return Err(refused(TileError::Cell));
    }
    if header.intervals != spec.intervals() {
        return Err(refused(TileError::Intervals(header.intervals)));
    }
    if header.codec != CODEC_RAW {
        return Ok(false);
    }
    index.verify_once(slot, || verify(bytes)).map_err(refused)?;
    Ok(true)
}
