//! What a tile's parent knows of it.

use super::error::TileError;
use super::header::Header;
use crate::terrain::lattice::column_row;
use crate::terrain::tile::HeightTile;

/// The parent's samples at the even positions of a tile; `None` at level 0.
pub(crate) fn even_samples(
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
