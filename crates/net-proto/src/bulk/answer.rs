//! What a server answers.

use spatial_core::{CellId, HeightTile, LatticeSpec};

use super::packing::Packed;
use super::request::decode_cell;
use crate::bytes::ByteReader;
use crate::control::write_frame;
use crate::error::WireError;
use crate::limits::TILE_BYTES_MAX;

/// An answer on the bulk stream.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum BulkAnswer<'a> {
    /// What the world's terrain is.
    Ground(GroundInfo),
    /// A tile that was asked for.
    Tile(CellId, TileAnswer<'a>),
}

/// What a world's terrain is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GroundInfo {
    /// What tells this planet from others, for whoever keeps tiles of several.
    pub planet: u64,
    /// Its lattice: what the welcome's fingerprint is of.
    pub lattice: LatticeSpec,
}

/// What there is of a tile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TileAnswer<'a> {
    /// The planet has none there, and nothing coarser.
    Absent,
    /// What the client has is what there is.
    Unchanged,
    /// Not now: ask again after so many milliseconds.
    Later(u16),
    /// Its bytes, 1 to [`TILE_BYTES_MAX`].
    Plain(&'a [u8]),
    /// Its bytes, packed.
    Packed(Packed<'a>),
}

impl BulkAnswer<'_> {
    /// Appends the frame that travels.
    ///
    /// # Panics
    /// When plain bytes are none, or more than [`TILE_BYTES_MAX`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_frame(out, |out| match self {
            Self::Ground(ground) => {
                out.push(kind::GROUND);
                ground.encode(out);
            }
            Self::Tile(cell, answer) => {
                out.push(kind::TILE);
                out.extend_from_slice(&cell.to_u64().to_le_bytes());
                answer.encode(out);
            }
        });
    }
}

impl<'a> BulkAnswer<'a> {
    /// From the content of a frame. What is packed stays so.
    ///
    /// # Errors
    /// [`WireError`] for anything but exactly one legal answer.
    pub fn decode(frame: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = ByteReader::new(frame);
        match reader.u8()? {
            kind::GROUND => {
                let ground = GroundInfo::decode(&mut reader)?;
                reader.finish()?;
                Ok(Self::Ground(ground))
            }
            kind::TILE => {
                let cell = decode_cell(&mut reader)?;
                Ok(Self::Tile(cell, TileAnswer::decode(reader)?))
            }
            other => Err(WireError::Kind(other)),
        }
    }
}

impl GroundInfo {
    fn encode(&self, out: &mut Vec<u8>) {
        let lattice = &self.lattice;
        out.extend_from_slice(&self.planet.to_le_bytes());
        out.push(lattice.levels());
        out.extend_from_slice(&lattice.intervals().to_le_bytes());
        out.extend_from_slice(&lattice.offset_m().to_bits().to_le_bytes());
        out.extend_from_slice(&lattice.quantum_m().to_bits().to_le_bytes());
    }

    fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        let planet = reader.u64()?;
        let (levels, intervals) = (reader.u8()?, reader.u16()?);
        let [offset_m, quantum_m] = [reader.u64()?, reader.u64()?].map(f64::from_bits);
        let lattice = LatticeSpec::new(levels, intervals, offset_m, quantum_m)
            .map_err(|_| WireError::Field("lattice"))?;
        Ok(Self { planet, lattice })
    }
}

impl TileAnswer<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Absent => out.push(what::ABSENT),
            Self::Unchanged => out.push(what::UNCHANGED),
            Self::Later(after_ms) => {
                out.push(what::LATER);
                out.extend_from_slice(&after_ms.to_le_bytes());
            }
            Self::Plain(bytes) => {
                assert!((1..=TILE_BYTES_MAX).contains(&bytes.len()));
                out.push(what::PLAIN);
                out.extend_from_slice(bytes);
            }
            Self::Packed(packed) => {
                out.push(what::PACKED);
                packed.encode(out);
            }
        }
    }
}

impl<'a> TileAnswer<'a> {
    fn decode(mut reader: ByteReader<'a>) -> Result<Self, WireError> {
        let answer = match reader.u8()? {
            what::ABSENT => Self::Absent,
            what::UNCHANGED => Self::Unchanged,
            what::LATER => Self::Later(reader.u16()?),
            what::PLAIN => {
                let bytes = reader.rest();
                return match (1..=TILE_BYTES_MAX).contains(&bytes.len()) {
                    true => Ok(Self::Plain(bytes)),
                    false => Err(WireError::Field("tile")),
                };
            }
            what::PACKED => return Packed::decode(reader).map(Self::Packed),
            _ => return Err(WireError::Field("answer")),
        };
        reader.finish()?;
        Ok(answer)
    }
}

/// The tile that bytes are, if they are a sound one of a lattice, of this cell, that needs no other: what is asked of every answer, and
/// of every file that keeps one.
pub fn sound_tile(bytes: &[u8], cell: CellId, lattice: &LatticeSpec) -> Option<HeightTile> {
    let tile = HeightTile::decode(bytes, None).ok()?;
    let is_it = tile.cell() == cell && tile.intervals() == lattice.intervals();
    is_it.then_some(tile)
}

mod kind {
    pub(super) const GROUND: u8 = 0x81;
    pub(super) const TILE: u8 = 0x82;
}

mod what {
    pub(super) const ABSENT: u8 = 0;
    pub(super) const UNCHANGED: u8 = 1;
    pub(super) const LATER: u8 = 2;
    pub(super) const PLAIN: u8 = 3;
    pub(super) const PACKED: u8 = 4;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bulk::{BulkRequest, TileAsk};
    use crate::limits::TILE_ASKS_MAX;

    const CELL: [u8; 8] = 0x3000_0000_0000_0000u64.to_le_bytes();

    fn answer(tail: &[u8]) -> Result<(), WireError> {
        BulkAnswer::decode(&[&[kind::TILE], &CELL[..], tail].concat()).map(|_| ())
    }

    #[test]
    fn illegal_answers_are_refused() {
        assert_eq!(answer(&[0]), Ok(()));
        assert_eq!(answer(&[0, 0]), Err(WireError::Trailing));
        assert_eq!(answer(&[2, 5]), Err(WireError::Short));
        assert_eq!(answer(&[3]), Err(WireError::Field("tile")));
        assert_eq!(answer(&[5]), Err(WireError::Field("answer")));
        assert_eq!(answer(&[4, 64, 0, 1]), Ok(()));
        assert_eq!(answer(&[4, 65, 0, 1]), Err(WireError::Field("packed tile")));
        assert_eq!(answer(&[4, 0, 0, 1]), Err(WireError::Field("packed tile")));
        let mut long = vec![3];
        long.resize(2 + TILE_BYTES_MAX, 9);
        assert_eq!(answer(&long), Err(WireError::Field("tile")));
        long.pop();
        assert_eq!(answer(&long), Ok(()));
        assert_eq!(BulkAnswer::decode(&[0x83]), Err(WireError::Kind(0x83)));
        let no_cell = [&[kind::TILE][..], &[0; 9]].concat();
        assert_eq!(BulkAnswer::decode(&no_cell), Err(WireError::Field("cell")));
    }

    #[test]
    fn impossible_lattices_are_refused() {
        let mut frame = Vec::new();
        let lattice = LatticeSpec::new(4, 128, 0.0, 1.0).unwrap();
        BulkAnswer::Ground(GroundInfo { planet: 1, lattice }).encode(&mut frame);
        let frame = &mut frame[2..];
        assert!(BulkAnswer::decode(frame).is_ok());
        for (at, byte) in [(9, 0), (9, 19), (10, 100), (27, 0xff), (27, 0x7f)] {
            let before = core::mem::replace(&mut frame[at], byte);
            assert_eq!(
                BulkAnswer::decode(frame),
                Err(WireError::Field("lattice")),
                "{at}"
            );
            frame[at] = before;
        }
    }

    #[test]
    fn illegal_requests_are_refused() {
        let decode = |bytes: &[u8]| BulkRequest::decode(bytes).map(|_| ());
        assert_eq!(decode(&[1]), Ok(()));
        assert_eq!(decode(&[1, 1]), Err(WireError::Trailing));
        assert_eq!(decode(&[2, 0]), Err(WireError::Field("tiles")));
        assert_eq!(decode(&[2, 17]), Err(WireError::Field("tiles")));
        assert_eq!(decode(&[2, 1]), Err(WireError::Short));
        assert_eq!(decode(&[3]), Err(WireError::Kind(3)));
        let cell = CellId::new(u64::from_le_bytes(CELL)).unwrap();
        let mut bytes = Vec::new();
        BulkRequest::Tiles(vec![TileAsk { cell, known: 0 }; TILE_ASKS_MAX]).encode(&mut bytes);
        assert!(bytes.len() < crate::limits::CLIENT_FRAME_BYTES_MAX);
        assert_eq!(decode(&bytes[2..]), Ok(()));
    }
}
