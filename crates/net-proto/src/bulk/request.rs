//! What a client asks.

use spatial_core::CellId;

use crate::bytes::ByteReader;
use crate::control::write_frame;
use crate::error::WireError;
use crate::limits::TILE_ASKS_MAX;

/// A question on the bulk stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BulkRequest {
    /// What the world's terrain is.
    Ground,
    /// Tiles, 1 to [`TILE_ASKS_MAX`]; they are answered in this order.
    Tiles(Vec<TileAsk>),
}

/// A tile that is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TileAsk {
    /// Its cell.
    pub cell: CellId,
    /// The checksum of the samples that the client has there; 0 if it has none.
    pub known: u64,
}

impl BulkRequest {
    /// Appends the frame that travels.
    ///
    /// # Panics
    /// When there are no tiles, or more than [`TILE_ASKS_MAX`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_frame(out, |out| match self {
            Self::Ground => out.push(kind::GROUND),
            Self::Tiles(asks) => {
                assert!((1..=TILE_ASKS_MAX).contains(&asks.len()));
                out.push(kind::TILES);
                out.push(u8::try_from(asks.len()).expect("at most TILE_ASKS_MAX"));
                for ask in asks {
                    out.extend_from_slice(&ask.cell.to_u64().to_le_bytes());
                    out.extend_from_slice(&ask.known.to_le_bytes());
                }
            }
        });
    }

    /// From the content of a frame.
    ///
    /// # Errors
    /// [`WireError`] for anything but exactly one legal question.
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        let mut reader = ByteReader::new(frame);
        let request = match reader.u8()? {
            kind::GROUND => Self::Ground,
            kind::TILES => Self::Tiles(decode_asks(&mut reader)?),
            other => return Err(WireError::Kind(other)),
        };
        reader.finish()?;
        Ok(request)
    }
}

fn decode_asks(reader: &mut ByteReader<'_>) -> Result<Vec<TileAsk>, WireError> {
    let count = usize::from(reader.u8()?);
    if !(1..=TILE_ASKS_MAX).contains(&count) {
        return Err(WireError::Field("tiles"));
    }
    (0..count)
        .map(|_| {
            Ok(TileAsk {
                cell: decode_cell(reader)?,
                known: reader.u64()?,
            })
        })
        .collect()
}

pub(super) fn decode_cell(reader: &mut ByteReader<'_>) -> Result<CellId, WireError> {
    CellId::new(reader.u64()?).map_err(|_| WireError::Field("cell"))
}

mod kind {
    pub(super) const GROUND: u8 = 0x01;
    pub(super) const TILES: u8 = 0x02;
}
