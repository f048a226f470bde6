//! A tile where it lies.

use std::path::Path;
use std::sync::Arc;

use super::StoreError;
use super::nodes::NodeTable;
use crate::columns::prefetch;
use crate::terrain::{
    Codec, HeightTile, InPlace, LatticeSpec, Parts, TileError, TileView, column_row, filled,
    interpolate, interval_of, local, verify,
};

/// A tile of a store: bytes inside a mapped file, or decoded in memory.
pub struct StoredTile<'a>(Place<'a>);

enum Place<'a> {
    Decoded(Arc<HeightTile>),
    Borrowed(&'a HeightTile),
    Mapped(&'a [u8]), // a raw or hot tile that has been verified
}

/// The samples of a tile where they lie, index = j·(intervals + 1) + i.
#[derive(Clone, Copy)]
pub(crate) enum Samples<'a> {
    Decoded(&'a [i16]),
    InPlace(InPlace<'a>),
}

impl<'a> StoredTile<'a> {
    pub(crate) fn decoded(tile: Arc<HeightTile>) -> Self {
        Self(Place::Decoded(tile))
    }

    pub(crate) fn borrowed(tile: &'a HeightTile) -> Self {
        Self(Place::Borrowed(tile))
    }

    /// Bytes that [`check_tile`] has accepted.
    pub(crate) fn mapped(bytes: &'a [u8]) -> Self {
        Self(Place::Mapped(bytes))
    }

    /// The encoded bytes, if the tile was not decoded: they lie in the file's mapping.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Place::Decoded(_) | Place::Borrowed(_) => None,
            Place::Mapped(bytes) => Some(bytes),
        }
    }

    /// The samples, without a look at what was checked before.
    #[inline(always)]
    pub(crate) fn samples(&self) -> Samples<'_> {
        match &self.0 {
            Place::Decoded(tile) => Samples::Decoded(tile.samples()),
            Place::Borrowed(tile) => Samples::Decoded(tile.samples()),
            Place::Mapped(bytes) => Samples::InPlace(InPlace::new(bytes)),
        }
    }

    /// The height at (s, t) of the tile's face, metres. The same bits as [`HeightTile::height_m`], without decoding.
    ///
    /// # Errors
    /// [`TileError`] when the file was changed after the tile was verified.
    pub fn height_m(&self, spec: &LatticeSpec, face: u8, s: f64, t: f64) -> Result<f64, TileError> {
        let bytes = match &self.0 {
            Place::Decoded(tile) => return Ok(tile.height_m(spec, face, s, t)),
            Place::Borrowed(tile) => return Ok(tile.height_m(spec, face, s, t)),
            Place::Mapped(bytes) => *bytes,
        };
        let view = TileView::parse(bytes)?;
        let (intervals, level) = (view.header.intervals, view.header.cell.level());
        let (column, row) = column_row(view.header.cell);
        let (i, fx) = interval_of(local(s, level, column, intervals), intervals);
        let (j, fy) = interval_of(local(t, level, row, intervals), intervals);
        Ok(spec.height_m(interpolate(view.corners(i, j)?, fx, fy)))
    }

    /// By how many quanta a sample may differ from the one that was imported.
    ///
    /// # Errors
    /// As [`StoredTile::height_m`].
    pub fn error_bound(&self) -> Result<u16, TileError> {
        match (self.tile(), self.bytes()) {
            (Some(tile), _) => Ok(tile.error_bound()),
            (_, bytes) => Ok(Parts::parse(bytes.unwrap_or_default())?.header.error_bound),
        }
    }

    /// The map of filled samples, if there are any: see [`HeightTile::filled`].
    ///
    /// # Errors
    /// As [`StoredTile::height_m`].
    pub fn filled(&self) -> Result<Option<Vec<u8>>, TileError> {
        if let Some(tile) = self.tile() {
            return Ok(tile.filled().map(<[u8]>::to_vec));
        }
        let parts = Parts::parse(self.bytes().unwrap_or_default())?;
        match parts.filled {
            [] => Ok(None),
            map => filled::decode(map, parts.header.side() * parts.header.side()).map(Some),
        }
    }

    /// The tile, if it lies decoded in memory.
    fn tile(&self) -> Option<&HeightTile> {
        match &self.0 {
            Place::Decoded(tile) => Some(tile),
            Place::Borrowed(tile) => Some(tile),
            _ => None,
        }
    }

    /// The tile decoded.
    ///
    /// # Errors
    /// As [`StoredTile::height_m`].
    pub fn to_tile(&self) -> Result<Arc<HeightTile>, TileError> {
        match &self.0 {
            Place::Decoded(tile) => Ok(Arc::clone(tile)),
            Place::Borrowed(tile) => Ok(Arc::new((*tile).clone())),
            Place::Mapped(bytes) => Ok(Arc::new(HeightTile::decode(bytes, None)?)),
        }
    }
}

impl Samples<'_> {
    /// The four samples around a lattice cell, in the order (i, j), (i+1, j), (i, j+1), (i+1, j+1), of a tile of `side`
    /// samples a row; `corner` is the index of the first.
    ///
    /// # Panics
    /// When one is beyond the tile.
    #[inline(always)]
    pub(crate) fn corners(self, corner: usize, side: usize) -> [i16; 4] {
        match self {
            Self::Decoded(samples) => {
                let (low, high) = (&samples[corner..corner + 2], corner + side);
                let high = &samples[high..high + 2];
                [low[0], low[1], high[0], high[1]]
            }
            Self::InPlace(InPlace::Raw(bytes)) => {
                let row = |at: usize| {
                    let b = &bytes[2 * at..2 * at + 4];
                    [[b[0], b[1]], [b[2], b[3]]].map(i16::from_le_bytes)
                };
                let ([a, b], [c, d]) = (row(corner), row(corner + side));
                [a, b, c, d]
            }
            Self::InPlace(InPlace::Hot(bytes)) => {
                // No tile has 2¹⁶ samples a row: 32 bits divide faster than 64.
                let (corner, width) = (corner as u32, side as u32);
                let (i, j) = ((corner % width) as usize, (corner / width) as usize);
                InPlace::hot_corners(bytes, side, (i, j))
            }
        }
    }

    /// The sample at column i and row j of a tile of `side` samples a row.
    ///
    /// # Panics
    /// When it is beyond the tile.
    pub(crate) fn at(self, (i, j): (usize, usize), side: usize) -> i16 {
        // The last of a row or column is the second corner of the one before it.
        let (west, south) = (i.min(side - 2), j.min(side - 2));
        self.corners(south * side + west, side)[2 * (j - south) + i - west]
    }

    /// Asks for the memory of so many samples one above the other, the first at an index.
    #[inline(always)]
    pub(crate) fn prefetch(self, first: usize, side: usize, rows: usize) {
        let places = (0..rows).map(|row| first + row * side);
        match self {
            Self::Decoded(samples) => places.for_each(|at| {
                if let Some(sample) = samples.get(at) {
                    prefetch(sample);
                }
            }),
            Self::InPlace(InPlace::Raw(bytes)) => places.for_each(|at| {
                if let Some(byte) = bytes.get(2 * at) {
                    prefetch(byte);
                }
            }),
            // Where the digits are is known only after the records have been read.
            Self::InPlace(InPlace::Hot(_)) => {}
        }
    }

    /// All samples of a tile of `side` samples a row, row by row.
    pub(crate) fn copy_to(self, samples: &mut [i16]) {
        match self {
            Self::Decoded(from) => samples.copy_from_slice(from),
            Self::InPlace(InPlace::Raw(bytes)) => {
                let words = bytes
                    .chunks_exact(2)
                    .map(|b| i16::from_le_bytes([b[0], b[1]]));
                samples.iter_mut().zip(words).for_each(|(to, v)| *to = v);
            }
            Self::InPlace(InPlace::Hot(bytes)) => InPlace::hot_copy_to(bytes, samples),
        }
    }
}

/// Accepts the bytes of a slot's tile, verifying the checksum unless that was done before, and of a hot tile that it decodes.
/// Whether it is read in place.
pub(crate) fn check_tile(
    bytes: &[u8],
    (nodes, slot): (&NodeTable, usize),
    (file, spec): (&Path, &LatticeSpec),
) -> Result<bool, StoreError> {
    let cell = nodes.cells()[slot];
    let refused = |e| StoreError::tile(file, cell, e);
    let header = Parts::parse(bytes).map_err(refused)?.header;
    if header.cell != cell {
        return Err(refused(TileError::Cell));
    }
    if header.intervals != spec.intervals() {
        return Err(refused(TileError::Intervals(header.intervals)));
    }
    let check = || match header.codec {
        Codec::Hot => {
            HeightTile::decode(bytes, None)?;
            verify(bytes)
        }
        _ => verify(bytes),
    };
    nodes.verify_once(slot, check).map_err(refused)?;
    Ok(header.codec.is_read_in_place())
}
