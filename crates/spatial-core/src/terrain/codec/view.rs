//! Samples of a tile read where they lie.
//!
//! [`TileView`] checks the header at every reading, [`InPlace`] nothing that was checked before.

use super::error::TileError;
use super::header::{
    COMMON_BYTES, Codec, ERROR_BOUND_AT, HEADER_BYTES, Header, PAYLOAD_BYTES_AT, Parts,
};
use super::hot::Hot;
use super::rounding::restored;
use super::words::{u16_at, u32_at};

/// A raw or hot tile where it lies: a header that has been checked, and its samples as bytes.
#[derive(Clone, Copy)]
pub(crate) struct TileView<'a> {
    pub(crate) header: Header,
    samples: Samples<'a>,
}

#[derive(Clone, Copy)]
enum Samples<'a> {
    Raw(&'a [u8]), // 2·(intervals + 1)² bytes
    Hot(Hot<'a>),
}

impl<'a> TileView<'a> {
    /// A view of an encoded tile; the checksum is not verified again.
    ///
    /// # Errors
    /// As [`Parts::parse`], and [`TileError::Codec`] of a tile that must be decoded.
    #[inline]
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, TileError> {
        let Parts {
            header, payload, ..
        } = Parts::parse(bytes)?;
        let samples = match header.codec {
            Codec::Raw => Samples::Raw(payload),
            Codec::Hot => Samples::Hot(Hot::new(header.side(), payload).ok_or(TileError::Length)?),
            other => return Err(TileError::Codec(other as u8)),
        };
        Ok(Self { header, samples })
    }

    /// The samples at (i, j), (i + 1, j), (i, j + 1) and (i + 1, j + 1); i and j must be below the intervals.
    ///
    /// # Errors
    /// [`TileError::Residuals`] of a payload that is damaged.
    #[inline]
    pub(crate) fn corners(&self, i: usize, j: usize) -> Result<[i16; 4], TileError> {
        match &self.samples {
            Samples::Raw(payload) => {
                let at =
                    |i: usize, j: usize| u16_at(payload, 2 * (j * self.header.side() + i)) as i16;
                Ok([at(i, j), at(i + 1, j), at(i, j + 1), at(i + 1, j + 1)])
            }
            Samples::Hot(hot) => {
                let corners = hot.corners(i, j).ok_or(TileError::Residuals)?;
                Ok(corners.map(|v| restored(v, self.header.error_bound)))
            }
        }
    }
}

/// The samples of a tile that was checked before, where they lie. Small: it is made for every question.
#[derive(Clone, Copy)]
pub(crate) enum InPlace<'a> {
    /// Little-endian, and what stands behind them.
    Raw(&'a [u8]),
    /// A whole hot tile.
    Hot(&'a [u8]),
}

impl<'a> InPlace<'a> {
    /// Of a tile that [`TileView::parse`] has accepted.
    #[inline(always)]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        match (bytes[4], bytes[5]) {
            (1, _) => Self::Raw(&bytes[COMMON_BYTES..]),
            (_, 0) => Self::Raw(&bytes[HEADER_BYTES..]),
            _ => Self::Hot(bytes),
        }
    }

    /// As [`TileView::corners`] of a tile of `side` samples a row that was decoded once; 0 where it has changed since.
    #[inline]
    pub(crate) fn hot_corners(bytes: &[u8], side: usize, (i, j): (usize, usize)) -> [i16; 4] {
        let corners = hot_payload(bytes).and_then(|payload| Hot::new(side, payload)?.corners(i, j));
        corners.map_or([0; 4], |corners| {
            corners.map(|v| restored(v, u16_at(bytes, ERROR_BOUND_AT)))
        })
    }

    /// All samples of a hot tile, likewise.
    pub(crate) fn hot_copy_to(bytes: &[u8], samples: &mut [i16]) {
        let side = samples.len().isqrt();
        let decoded = hot_payload(bytes).and_then(|payload| Hot::new(side, payload)?.decode());
        let bound = u16_at(bytes, ERROR_BOUND_AT);
        if let Some(decoded) = decoded {
            let pairs = samples.iter_mut().zip(decoded);
            pairs.for_each(|(to, v)| *to = restored(v, bound));
        }
    }
}

#[inline(always)]
fn hot_payload(bytes: &[u8]) -> Option<&[u8]> {
    let payload_bytes = u32_at(bytes, PAYLOAD_BYTES_AT) as usize;
    bytes[HEADER_BYTES..].get(..payload_bytes)
}

/// Whether a tile that was checked before is read where it lies.
#[inline(always)]
pub(crate) fn is_in_place(bytes: &[u8]) -> bool {
    matches!((bytes[4], bytes[5]), (1, 0) | (2, 0 | 1))
}
