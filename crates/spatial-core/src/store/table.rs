//! The table of a planet's tiles, as packs and bases hold it.
//!
//! ```text
//! 8·n  cell ids, u64, ascending
//! 4·n  seals: the low half of each encoded tile's checksum, u32
//! 2·n  smallest samples, i16
//! 2·n  largest samples, i16
//! 2·n  geometric errors in quanta, u16
//! ```
//! Little-endian. The seals bind tiles to the table: a sound tile of another planet is not taken for one of this.

use super::nodes::TileEntry;
use crate::cell::CellId;
use crate::terrain::{Parts, TileError, checksum_in};

/// Bytes that a table takes for each tile.
pub(crate) const ENTRY_BYTES: usize = 18;

/// The entry of an encoded tile.
pub(crate) fn entry_of(tile: &[u8]) -> Result<TileEntry, TileError> {
    let header = Parts::parse(tile)?.header;
    Ok(TileEntry {
        cell: header.cell,
        min: header.min,
        max: header.max,
        error: header.geometric_error,
        seal: Some(checksum_in(tile)? as u32),
    })
}

/// Appends the table of these tiles.
pub(crate) fn encode(entries: &[TileEntry], out: &mut Vec<u8>) {
    out.extend(entries.iter().flat_map(|e| e.cell.to_u64().to_le_bytes()));
    let seals = entries.iter().map(|e| e.seal.unwrap_or_default());
    out.extend(seals.flat_map(u32::to_le_bytes));
    out.extend(entries.iter().flat_map(|e| e.min.to_le_bytes()));
    out.extend(entries.iter().flat_map(|e| e.max.to_le_bytes()));
    out.extend(entries.iter().flat_map(|e| e.error.to_le_bytes()));
}

/// The tiles of a table, which must be a whole number of entries long.
pub(crate) fn decode(table: &[u8]) -> Result<Vec<TileEntry>, &'static str> {
    let count = table.len() / ENTRY_BYTES;
    let (ids, rest) = table.split_at(8 * count);
    let (seals, rest) = rest.split_at(4 * count);
    let (mins, rest) = rest.split_at(2 * count);
    let (maxs, errors) = rest.split_at(2 * count);
    let columns = ids.as_chunks::<8>().0.iter().zip(seals.as_chunks::<4>().0);
    let bounds = mins.as_chunks::<2>().0.iter().zip(maxs.as_chunks::<2>().0);
    let rows = columns.zip(bounds.zip(errors.as_chunks::<2>().0));
    rows.map(|((id, seal), ((min, max), error))| {
        Ok(TileEntry {
            cell: CellId::new(u64::from_le_bytes(*id)).map_err(|_| "a tile id is no cell")?,
            min: i16::from_le_bytes(*min),
            max: i16::from_le_bytes(*max),
            error: u16::from_le_bytes(*error),
            seal: Some(u32::from_le_bytes(*seal)),
        })
    })
    .collect()
}
