//! Payloads of squares that are no stored tiles: those of client tiles, whose side is odd and has 2 or more rows left over
//! sixteens (a strip of one row keeps no two rows above the next).

use super::error::TileError;
use super::header::Codec;
use super::{archive, wire};

/// The payload of `side`² samples on their own.
pub(crate) fn encode_alone(
    codec: Codec,
    side: usize,
    samples: &[i16],
) -> Result<Vec<u8>, TileError> {
    match codec {
        Codec::Wire => wire::encode(side, samples).ok_or(TileError::Residuals),
        Codec::Archive => Ok(archive::encode_alone(side, samples)),
        other => Err(TileError::Codec(other as u8)),
    }
}

/// The archive payload of what is not at even places.
pub(crate) fn encode_between(side: usize, samples: &[i16]) -> Vec<u8> {
    archive::encode_between(side, samples)
}

/// Whether a payload is decoded with the samples at even places.
pub(crate) fn needs_even(codec: Codec, payload: &[u8]) -> bool {
    codec == Codec::Archive && archive::needs_parent(payload)
}

/// The samples again; `None` when the payload is damaged, or of another codec than wire and archive.
pub(crate) fn decode(
    codec: Codec,
    side: usize,
    payload: &[u8],
    even: Option<&[i16]>,
) -> Option<Vec<i16>> {
    match codec {
        Codec::Wire => wire::decode(side, payload),
        Codec::Archive => archive::decode(side, payload, even),
        _ => None,
    }
}
